"""Hidden layers put in and taken out: what stays, to rounding or as well as a fit can keep it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_core.activations import ACTIVATIONS
from backprop_core.commands import AddLayer, RemoveLayer, Run
from backprop_core.errors import UserError
from backprop_core.experiment import Choice, DataSpec, Experiment, NetworkSpec, TrainingSpec
from backprop_core.experiment_file import resolve
from backprop_core.trainer import Trainer

MOONS = Experiment(
    name="moons",
    data=DataSpec(builtin="moons", samples=60, validation=0.25),
    network=NetworkSpec(hidden=(6, 5), activation=(Choice("tanh"),), output=Choice("sigmoid")),
    training=TrainingSpec(Choice("binary-cross-entropy"), optimizer=Choice("adam"), learning_rate=0.01),
)


def trained(hidden, activation, bias=True, experiment=MOONS, epochs=40):
    network = replace(experiment.network, hidden=hidden, activation=(Choice(activation),), bias=bias)
    trainer = Trainer(replace(experiment, network=network))
    trainer.run(Run(epochs=epochs))
    return trainer


def predictions(trainer):
    return trainer.training_set.predictions(), trainer.validation_set.predictions()


EXACT = [
    ("linear", (5,), 2, 5, True),
    ("linear", (5,), 2, 1, False),
    ("relu", (5,), 2, 5, False),
    ("relu", (5,), 2, 7, True),
    ("relu", (5,), 2, 2, False),
    ("relu", (5,), 1, 4, False),
    ("leaky-relu", (5,), 2, 10, False),
    ("leaky-relu", (5,), 2, 2, True),
    ("gelu", (5,), 2, 10, True),
    ("silu", (5,), 2, 3, False),
    ("softplus", (5,), 1, 9, True),
]


@pytest.mark.parametrize(("activation", "hidden", "layer", "units", "bias"), EXACT, ids=str)
def test_a_layer_that_carries_exactly_leaves_every_prediction_unchanged(
    activation, hidden, layer, units, bias
):
    trainer = trained(hidden, activation, bias)
    before = predictions(trainer)
    outcome = trainer.apply(AddLayer(layer, units))
    assert "the function is unchanged" in outcome.result
    for now, then in zip(predictions(trainer), before, strict=True):
        assert now == pytest.approx(then, rel=1e-9, abs=1e-12)
    assert trainer.experiment.network.hidden[layer - 1] == units


@pytest.mark.parametrize("activation", ["relu", "leaky-relu", "elu"])
def test_lifted_signals_leave_the_predictions_of_the_training_samples_unchanged(activation):
    trainer = trained((3,), activation)
    before = trainer.training_set.predictions()
    trainer.apply(AddLayer(1, 3))
    assert trainer.training_set.predictions() == pytest.approx(before, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_a_layer_of_any_activation_hardly_moves_the_loss(activation):
    trainer = trained((6, 5), activation)
    for layer in (3, 2, 1):
        before = trainer.census().loss
        outcome = trainer.apply(AddLayer(layer))
        assert (outcome.loss_before, outcome.loss_after) == (before, trainer.census().loss)
        assert outcome.loss_after == pytest.approx(before, rel=0.02)
    trainer.run(Run(epochs=20))
    assert trainer.ended is None


@given(
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    hidden=st.lists(st.integers(1, 5), max_size=2),
    layer=st.integers(1, 3),
    units=st.integers(1, 12),
    bias=st.booleans(),
    precision=st.sampled_from(["float64", "float32"]),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_any_layer_can_be_put_in_and_taken_out_and_said_to_keep_the_function_only_if_it_does(
    activation, hidden, layer, units, bias, precision
):
    experiment = replace(MOONS, network=replace(MOONS.network, precision=precision))
    trainer = trained(tuple(hidden), activation, bias, experiment, epochs=5)
    layer = min(layer, len(hidden) + 1)
    for command in (AddLayer(layer, units), RemoveLayer(layer)):
        before = trainer.training_set.predictions()
        outcome = trainer.apply(command)
        assert np.isfinite(trainer.network.parameters).all()
        if "the function is unchanged" in outcome.result:
            close = 1e-9 if precision == "float64" else 2e-3
            assert trainer.training_set.predictions() == pytest.approx(before, rel=close, abs=close)
    assert trainer.experiment.network.hidden == tuple(hidden)
    assert len(trainer.network.layers) == len(hidden) + 1


def test_the_layers_beside_keep_parameters_and_moments():
    trainer = trained((6, 5, 4), "tanh")
    optimizer, layers = trainer.optimizer, trainer.network.layers
    kept = [layers[index].augmented.copy() for index in (0, 3)]
    moments = [layers[index].of(moment).copy() for index in (0, 3) for moment in optimizer.moments]
    trainer.apply(AddLayer(2))
    layers = trainer.network.layers
    assert [layers[index].augmented.tolist() for index in (0, 4)] == [part.tolist() for part in kept]
    now = [layers[index].of(moment) for index in (0, 4) for moment in trainer.optimizer.moments]
    assert all(np.array_equal(a, b) for a, b in zip(now, moments, strict=True))
    assert trainer.optimizer.steps == 40


def test_units_that_carry_nothing_begin_with_outgoing_weights_of_zero_and_fire():
    trainer = trained((3,), "relu")
    trainer.apply(AddLayer(2, 9))
    new, after = trainer.network.layers[1:]
    assert not after.weights[3:].any()
    assert new.weights[:, 3:].any(axis=0).all()


def test_a_dead_unit_is_not_carried_but_its_place_taken_by_a_new_one():
    trainer = trained((4,), "relu")
    trainer.network.layers[0].augmented[:, 1] = -1.0
    trainer.network.layers[0].weights[:, 1] = 0.0
    trainer.rebuild()
    before, dead = trainer.census().loss, trainer.census().dead_count
    trainer.apply(AddLayer())
    assert trainer.census().loss == pytest.approx(before, rel=1e-12)
    assert trainer.census().dead_count == dead == 1


def test_without_hidden_layers_a_new_one_has_eight_relus():
    trainer = trained((), "relu")
    before = trainer.census().loss
    trainer.apply(AddLayer())
    assert trainer.experiment.network.hidden == (8,)
    assert trainer.experiment.network.activation == (resolve(MOONS).network.activation[0],) or (
        trainer.experiment.network.activation[0].name == "relu"
    )
    assert trainer.census().loss == pytest.approx(before, rel=1e-12)


def test_a_linear_layer_is_removed_without_a_trace_down_to_no_hidden_layer():
    trainer = trained((4, 3), "linear")
    before = predictions(trainer)
    trainer.apply(RemoveLayer())
    trainer.apply(RemoveLayer())
    assert trainer.experiment.network.hidden == ()
    assert trainer.experiment.network.activation == ()
    for now, then in zip(predictions(trainer), before, strict=True):
        assert now == pytest.approx(then, rel=1e-9)
    with pytest.raises(UserError, match="no hidden layer"):
        trainer.apply(RemoveLayer())


def test_the_fit_after_a_removal_is_the_least_squares_one():
    trainer = trained((6, 5), "tanh")
    forward = trainer.training_set.sampled_pass()
    rows = np.vstack([forward.activations[0], np.ones(forward.samples)])
    last = trainer.network.layers[2]
    sums = last.weights.T @ forward.activations[1] + last.bias[:, None]
    wanted = np.linalg.lstsq(rows.T, sums.T, rcond=None)[0]
    trainer.apply(RemoveLayer())
    assert trainer.network.layers[1].augmented == pytest.approx(wanted, rel=1e-8)


def test_names_of_frozen_parameters_follow_their_layers():
    network = replace(MOONS.network, freeze=("W1", "b2", "W3", "bias"))
    trainer = Trainer(replace(MOONS, network=network))
    trainer.apply(AddLayer(2))
    assert trainer.experiment.network.freeze == ("W1", "b3", "W4", "bias")
    trainer.apply(RemoveLayer(3))
    assert trainer.experiment.network.freeze == ("W1", "W3", "bias")


def test_a_layer_too_large_or_of_no_place_is_refused_and_nothing_changes():
    trainer = trained((6, 5), "tanh")
    before = trainer.parameters_sha256()
    for command, told in (
        (AddLayer(4), "1 to 3"),
        (AddLayer(2, 10_000_000), "too large"),
        (RemoveLayer(3), "no hidden layer 3"),
    ):
        with pytest.raises(UserError, match=told):
            trainer.apply(command)
    assert trainer.parameters_sha256() == before


@pytest.mark.parametrize("units", [1, 5, 12])
@pytest.mark.parametrize("activation", ["linear", "relu", "softplus", "tanh"])
@pytest.mark.parametrize("size", [1e100, 1e200, 1e300, np.inf, np.nan])
def test_numbers_beyond_a_fit_are_refused_or_stay_finite(activation, size, units):
    trainer = trained((3,), activation)
    trainer.network.layers[1].augmented[:] *= size
    trainer.rebuild()
    before = trainer.parameters_sha256()
    for command in (AddLayer(2, units), RemoveLayer()):
        with np.errstate(all="ignore"):
            try:
                trainer.apply(command)
            except UserError as error:
                assert "not finite" in str(error)
                assert trainer.parameters_sha256() == before
                continue
        assert np.isfinite(trainer.network.parameters).all()
        before = trainer.parameters_sha256()
