"""The coming step taken apart: its numbers against the trainer's, central differences and published ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backprop_core.backpropagation import ForwardPass
from backprop_core.coming_step import ComingStep
from backprop_core.dissection import DissectionRequest, Station
from backprop_core.experiment_file import parse_experiment
from backprop_core.losses import LOSSES
from backprop_core.presets import load_preset, preset_names
from backprop_core.trainer import Trainer
from backprop_core.training_state import capture

OPTIMIZERS = (
    "optimizer = { name = 'sgd', momentum = 0.9, nesterov = 1.0 }",
    "optimizer = 'rmsprop'\nweight_decay = 0.1",
    "optimizer = 'adam'",
    "optimizer = 'adamw'\nweight_decay = 0.1",
    "gradient_clip = 0.01",
    "reduction = 'sum'\nlearning_rate = 0.001",
    "learning_rate = 0.0",
)

LOSSES_AND_OUTPUTS = (
    ("quadratic", "tanh"),
    ("mse", "linear"),
    ("mae", "linear"),
    ("huber", "softplus"),
    ("binary-cross-entropy", "sigmoid"),
    ("binary-cross-entropy", "softmax"),
    ("cross-entropy", "softmax"),
    ("cross-entropy", "sigmoid"),
)


PUBLISHED = """
    0.593269992 0.596884378 0.75136507 0.772928465 0.298371109
    0.35891648 0.408666186 0.511301270 0.561370121
    0.149780716 0.19956143 0.24975114 0.29950229 0.291027774
"""
"""A much-read worked example; its last number as it is in double precision."""


def trainer_of(training: str = "", network: str = "", seed: int = 0) -> Trainer:
    text = (
        f"[experiment]\nname = 'x'\nseed = {seed}\n[data]\nbuiltin = 'moons'\n"
        f"[network]\nhidden = [4, 3]\nactivation = 'tanh'\n{network}\n[training]\nbatch_size = 32\n{training}\n"
    )
    return Trainer(parse_experiment(text, "x.toml", Path()))


def dissect(trainer, phase="forward", layer=1, neuron=1, **options):
    request = DissectionRequest(Station(phase, layer, neuron), **options)
    return request.build(trainer, trainer.snapshot(), {})


@pytest.mark.parametrize("name", preset_names())
@pytest.mark.parametrize("steps", [0, 1, 23])
def test_the_weights_after_are_those_that_the_trainer_comes_to(name, steps):
    trainer = Trainer(load_preset(name))
    trainer.step(steps)
    coming = ComingStep(trainer)
    assert np.array_equal(coming.before, trainer.network.parameters)
    trainer.step()
    assert np.array_equal(coming.after, trainer.network.parameters)


@pytest.mark.parametrize("training", OPTIMIZERS)
def test_so_they_are_whatever_makes_the_update_and_however_small_the_last_batch(training):
    trainer = trainer_of(training)
    for _ in range(trainer.steps_per_epoch + 2):
        coming = ComingStep(trainer)
        trainer.step()
        assert np.array_equal(coming.after, trainer.network.parameters)
        assert np.array_equal(coming.update, trainer.optimizer.update)


def test_the_gradient_is_the_trainers():
    trainer = trainer_of()
    trainer.step(3)
    coming = ComingStep(trainer)
    trainer.step()
    assert np.array_equal(coming.gradient, trainer.gradient())


def test_the_loss_before_and_after_is_the_trainers_of_that_batch():
    trainer = Trainer(load_preset("sequence"))
    trainer.step(5)
    coming = ComingStep(trainer)
    assert coming.loss == pytest.approx(trainer.census().loss, rel=1e-12)
    trainer.step()
    assert coming.loss_after == pytest.approx(trainer.census().loss, rel=1e-12)


@pytest.mark.parametrize("name", ["digits", "sequence", "as-posted"])
def test_taking_a_step_apart_leaves_the_trainer_as_it_is(name):
    trainer = Trainer(load_preset(name))
    trainer.step(3)
    before = capture(trainer)
    dissect(trainer, "update", 1, 2)
    after = capture(trainer)
    for key, value in vars(before).items():
        other = getattr(after, key)
        if isinstance(value, np.ndarray):
            assert np.array_equal(value, other), key
        elif key not in ("history", "moments"):
            assert value == other, key
    untouched = Trainer(load_preset(name))
    untouched.step(13)
    trainer.step(10)
    assert trainer.parameters_sha256() == untouched.parameters_sha256()


def test_sums_and_activations_are_those_of_the_trainers_own_pass():
    trainer = Trainer(load_preset("digits"))
    trainer.step(20)
    coming = ComingStep(trainer)
    forward = ForwardPass(trainer.network, trainer.steps.inputs[coming.samples], keep=True)
    forward.run()
    for layer in (1, 2):
        it = dissect(trainer, layer=layer, neuron=3, sample=5)
        assert it.neuron.pre_activation == forward.pre_activations[layer - 1][2, 4]
        assert it.neuron.activation == forward.activations[layer - 1][2, 4]


def sample_loss(trainer, row):
    forward = ForwardPass(trainer.network, trainer.steps.inputs[row : row + 1])
    target = trainer.steps.targets[:, row : row + 1]
    return trainer.steps.loss.value(forward.run(), target, **trainer.steps.loss_options)


@pytest.mark.parametrize(("loss", "output"), LOSSES_AND_OUTPUTS)
def test_delta_is_the_derivative_of_the_samples_loss_by_the_sum(loss, output):
    builtin = "[training]\nbatch_size = 8\nloss = '{}'\n"
    text = (
        "[experiment]\nname='x'\nseed=3\n[data]\nbuiltin='moons'\n[network]\nhidden=[4,3]\n"
        f"activation='tanh'\noutput='{output}'\n" + builtin.format(loss)
    )
    trainer = Trainer(parse_experiment(text, "x.toml", Path()))
    trainer.step(2)
    row = int(ComingStep(trainer).samples[2])
    for layer in trainer.network.layers:
        for neuron in range(1, layer.units + 1):
            it = dissect(trainer, "backward", layer.number, neuron, sample=3)
            value, h = layer.bias[neuron - 1], 1e-6
            losses = []
            for moved in (value + h, value - h):
                layer.bias[neuron - 1] = moved
                losses.append(sample_loss(trainer, row))
            layer.bias[neuron - 1] = value
            assert it.neuron.delta == pytest.approx((losses[0] - losses[1]) / (2 * h), rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_parts_of_the_outputs_add_up_to_the_samples_loss(loss):
    classes = LOSSES[loss].classification
    data = "builtin = 'digits'" if classes else "builtin = 'sequence'\nstandardize = true"
    if loss == "binary-cross-entropy":
        data = "builtin = 'moons'"
    text = (
        f"[experiment]\nname='x'\n[data]\n{data}\n[network]\nhidden=[3]\n"
        f"output='{'softmax' if loss == 'cross-entropy' else 'sigmoid' if classes else 'linear'}'\n"
        f"[training]\nloss='{loss}'\nbatch_size=8\n"
    )
    trainer = Trainer(parse_experiment(text, "x.toml", Path()))
    it = dissect(trainer, "loss", terms=100)
    assert sum(output.part for output in it.outputs) == pytest.approx(it.sample_loss)
    assert it.more_outputs == 0
    if it.scaled:
        return
    losses = [dissect(trainer, "loss", sample=sample).sample_loss for sample in range(1, it.batch + 1)]
    assert np.mean(losses) == pytest.approx(it.loss)


@pytest.mark.parametrize("name", ["digits", "spiral", "saturated-tanh", "worked-example"])
def test_a_formula_adds_up(name):
    trainer = Trainer(load_preset(name))
    trainer.step(4)
    for layer in trainer.network.layers:
        it = dissect(trainer, "backward", layer.number, min(2, layer.units), terms=5)
        neuron = it.neuron
        total = sum(term.product for term in neuron.incoming.terms) + neuron.incoming.rest + neuron.bias
        assert total == pytest.approx(neuron.pre_activation)
        assert all(term.product == term.weight * term.value for term in neuron.incoming.terms)
        if neuron.rule == "chain":
            assert neuron.delta == pytest.approx(neuron.arriving * neuron.derivative)
        if neuron.outgoing.terms:
            total = sum(term.product for term in neuron.outgoing.terms) + neuron.outgoing.rest
            assert total == pytest.approx(neuron.arriving)
        for change in neuron.changes:
            assert change.own == pytest.approx(change.value * neuron.delta)
            assert change.after == change.before - change.update


def test_the_gradient_of_the_batch_is_the_mean_of_its_samples():
    trainer = trainer_of()
    shown = [dissect(trainer, "backward", 2, 1, sample=sample, terms=9) for sample in range(1, 33)]
    for place, change in enumerate(shown[0].neuron.changes):
        own = [it.neuron.changes[place].own for it in shown]
        assert change.gradient == pytest.approx(np.mean(own))


def test_the_published_numbers_of_the_worked_example():
    trainer = Trainer(load_preset("worked-example"))
    hidden, outputs = ([dissect(trainer, "update", layer, j) for j in (1, 2)] for layer in (1, 2))
    measured = [
        *(it.neuron.activation for it in (*hidden, *outputs)),
        hidden[0].loss,
        *(change.after for it in (*outputs, *hidden) for change in it.neuron.changes if change.source),
        hidden[0].loss_after,
    ]
    for value, published in zip(measured, PUBLISHED.split(), strict=True):
        assert f"{value:.{len(published) - 2}f}" == published
    biases = [it.neuron.changes[-1] for it in (*hidden, *outputs)]
    assert all(bias.frozen and bias.after == bias.before for bias in biases)


def test_at_a_dead_neuron_the_error_stops_and_nothing_changes():
    trainer = Trainer(load_preset("sequence"))
    trainer.step(200)
    it = dissect(trainer, "backward", 1, 2)
    assert it.neuron.dead
    assert it.neuron.silent == it.batch
    assert it.neuron.arriving != 0
    assert it.neuron.delta == 0
    assert {change.update for change in it.neuron.changes} == {0.0}
    assert [column.dead for column in it.columns if column.layer == 1] == [(True,) * 4]


def test_a_derivative_left_out_by_mistake_is_told_as_such():
    it = dissect(Trainer(load_preset("as-posted")), "backward", 1, 1)
    assert it.neuron.rule == "missing"
    assert it.neuron.delta == it.neuron.arriving


def test_a_loss_that_is_not_finite_makes_no_step():
    trainer = trainer_of("loss = 'quadratic'", "output = 'linear'")
    trainer.network.parameters[-1] = np.inf
    coming = ComingStep(trainer)
    assert not coming.taken
    assert np.array_equal(coming.after, coming.before)


def test_it_holds_no_more_than_can_be_shown():
    trainer = Trainer(load_preset("digits"))
    it = dissect(trainer, "backward", 1, 20, terms=3, rows=5, columns=2)
    assert [len(column.activations) for column in it.columns] == [5, 5]
    assert it.columns[1].first <= 20 < it.columns[1].first + 5
    assert len(it.neuron.incoming.terms) == len(it.neuron.outgoing.terms) == 3
    assert len(it.neuron.changes) == 4
    assert (it.neuron.more_changes, it.neuron.incoming.others, it.more_outputs) == (61, 61, 7)


def test_a_station_that_the_network_does_not_have_becomes_the_nearest():
    trainer = Trainer(load_preset("xor"))
    assert dissect(trainer, "backward", 9, 99).station == Station("backward", 2, 1)
    assert dissect(trainer, "loss", 1, 1, sample=99).sample == 4


def test_the_step_is_carried_out_once_for_all_stations():
    trainer, kept = Trainer(load_preset("xor")), {}
    snapshot = trainer.snapshot()
    DissectionRequest().build(trainer, snapshot, kept)
    first = kept["coming-step"][1]
    DissectionRequest(Station("update", 1, 2)).build(trainer, snapshot, kept)
    assert kept["coming-step"][1] is first
    trainer.step()
    DissectionRequest().build(trainer, replace(snapshot, step=1), kept)
    assert kept["coming-step"][1] is not first
