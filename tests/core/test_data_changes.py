"""Other data and other features under a network that trains."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backprop_core import interventions
from backprop_core.builtin_data import BUILTIN
from backprop_core.checkpoint import from_bytes, to_bytes
from backprop_core.commands import Restart, Run, SetData, SetFeatures, SetOption, Standardize, Undo
from backprop_core.errors import UserError
from backprop_core.experiment import Choice, DataSpec, Experiment, NetworkSpec, TrainingSpec
from backprop_core.experiment_file import format_experiment, parse_experiment
from backprop_core.export import loader
from backprop_core.features import FEATURES, derive
from backprop_core.outcome import OutcomeRequest, Plane
from backprop_core.presets import load_preset
from backprop_core.trainer import Trainer

MOONS = Experiment(
    name="moons",
    seed=4,
    data=DataSpec(builtin="moons", samples=60, noise=0.1, validation=0.25),
    network=NetworkSpec(hidden=(6,), activation=(Choice("tanh"),), output=Choice("sigmoid")),
    training=TrainingSpec(
        Choice("binary-cross-entropy"), optimizer=Choice("adam"), learning_rate=0.02, batch_size=8
    ),
)
CIRCLES = replace(MOONS, data=DataSpec(builtin="circles", samples=80))


def trained(experiment=MOONS, epochs=5):
    trainer = Trainer(experiment)
    trainer.run(Run(epochs=epochs))
    trainer.step(2)
    return trainer


COMMANDS = [
    SetData("noise", 0.4),
    SetData("samples", 20),
    SetData("samples", 90),
    SetData("validation", 0.5),
    SetData("data", "circles"),
    SetData("data", "sine"),
    SetData("data", "digits"),
    SetData("data", "sequence"),
    SetFeatures(("x", "y", "x^2", "sin(y)")),
    SetFeatures(("xy",)),
]


@pytest.mark.parametrize("standardize", [False, True], ids=["as-they-are", "standardised"])
@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_a_change_is_undone_replayed_restarted_and_saved_to_the_same_bits(command, standardize):
    experiment = replace(MOONS, data=replace(MOONS.data, standardize=standardize))
    trainer, untouched = trained(experiment), trained(experiment)
    outcome = trainer.apply(command)
    assert outcome.intervention
    assert outcome.loss_after == pytest.approx(trainer.census().loss)
    trainer.run(Run(epochs=2))
    trainer.step(1)
    saved = from_bytes(to_bytes(trainer), "the state")
    again = Trainer(experiment)
    for entry in trainer.journal:
        again.apply(entry)
    for other in (saved, again):
        assert other.experiment == trainer.experiment
        assert other.parameters_sha256() == trainer.parameters_sha256()
        assert other.place == trainer.place
    for one in (trainer, saved):
        one.run(Run(epochs=1))
        one.apply(Undo())
        one.run(Run(epochs=2))
    untouched.run(Run(epochs=2))
    assert trainer.parameters_sha256() == saved.parameters_sha256() == untouched.parameters_sha256()


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_the_data_are_those_that_the_experiment_then_begins_with(command):
    trainer = trained()
    trainer.apply(command)
    fresh = Trainer(trainer.experiment)
    assert np.array_equal(fresh.dataset.x, trainer.dataset.x)
    assert np.array_equal(fresh.dataset.x_validation, trainer.dataset.x_validation)
    assert np.array_equal(fresh.dataset.rows, trainer.dataset.rows)
    trainer.apply(Restart())
    assert trainer.parameters_sha256() == fresh.parameters_sha256()


def test_noise_and_number_leave_the_network_as_it_is():
    trainer = trained()
    before, moment = trainer.parameters_sha256(), trainer.optimizer.moments[0].copy()
    order, place = trainer.order.copy(), trainer.place
    trainer.apply(SetData("noise", 0.5))
    assert np.array_equal(trainer.order, order)
    assert trainer.place == place
    outcome = trainer.apply(SetData("samples", 20))
    assert "samples 60 → 20; trained on 15 samples, 5 held out" in outcome.result
    assert trainer.parameters_sha256() == before
    assert np.array_equal(trainer.optimizer.moments[0], moment)
    assert sorted(trainer.order) == list(range(15))
    assert trainer.position == 0


def test_another_set_of_as_many_inputs_and_outputs_keeps_every_weight():
    trainer = trained()
    before = trainer.parameters_sha256()
    trainer.apply(SetData("data", "spiral"))
    assert trainer.parameters_sha256() == before
    assert trainer.experiment.data == replace(MOONS.data, builtin="spiral")


def test_a_set_of_another_kind_brings_a_loss_and_an_output_that_suit_it():
    trainer = trained(replace(MOONS, network=replace(MOONS.network, hidden=(6, 5))))
    for name, loss, output, drawn in (
        ("digits", "cross-entropy", "softmax", "layers 1, 3"),
        ("sine", "quadratic", "linear", "layers 1, 3"),
        ("sequence", "quadratic", "linear", "layer 1"),
        ("xor", "binary-cross-entropy", "sigmoid", "layer 1"),
    ):
        middle = trainer.network.layers[1].augmented.copy()
        outcome = trainer.apply(SetData("data", name))
        assert trainer.experiment.training.loss.name == loss
        assert trainer.experiment.network.output.name == output
        assert trainer.network.layers[-1].activation.name == output
        assert f"drawn anew: {drawn}" in outcome.result
        assert np.array_equal(trainer.network.layers[1].augmented, middle)
        trainer.step(2)
        assert trainer.ended is None


def test_an_output_that_suits_takes_effect_where_no_layer_is_drawn_anew():
    trainer = trained(replace(MOONS, data=DataSpec(builtin="circles", features=("x",))))
    trainer.apply(SetData("data", "sine"))
    trainer.step(3)
    assert trainer.network.layers[-1].activation.name == "linear"
    assert trainer.network.sizes == (1, 6, 1)


def test_a_loss_that_was_chosen_for_classes_is_kept():
    squared = replace(MOONS, training=replace(MOONS.training, loss=Choice("quadratic")))
    trainer = trained(squared)
    trainer.apply(SetData("data", "circles"))
    assert trainer.experiment.training.loss.name == "quadratic"


@pytest.mark.parametrize("name", BUILTIN)
def test_every_set_can_be_chosen_from_every_other(name):
    trainer = Trainer(replace(MOONS, data=replace(MOONS.data, samples=None, noise=None)))
    for other in BUILTIN:
        trainer.apply(SetData("data", other))
        trainer.apply(SetData("data", name))
    trainer.step(1)
    assert trainer.ended is None


def test_what_cannot_be_changed_is_told_with_what_can(tmp_path):
    (tmp_path / "a.csv").write_text("a,b,c\n" + "".join(f"{n},{n * n % 7},{n % 3}\n" for n in range(12)))
    text = '[data]\ncsv = "a.csv"\ntarget = "c"\n[network]\nhidden = 3\n'
    trainer = Trainer(parse_experiment(text, "mine", tmp_path))
    with pytest.raises(UserError, match="belongs to built-in data, and these are from a csv"):
        trainer.apply(SetData("noise", 0.1))
    trainer.apply(SetData("validation", 0.25))
    assert trainer.snapshot().validation_loss is not None
    fresh = Trainer(trainer.experiment)
    assert np.array_equal(fresh.dataset.x, trainer.dataset.x)
    trainer.apply(SetFeatures(("x", "xy")))
    for command, told in (
        (SetData("samples", 1), "samples"),
        (SetData("samples", 10**9), "samples"),
        (SetData("noise", -1.0), "noise"),
        (SetData("validation", 1.0), "under 1"),
    ):
        other = trained()
        with pytest.raises(UserError, match=told):
            other.apply(command)
        assert other.experiment == Trainer(MOONS).experiment
    with pytest.raises(UserError, match="two inputs, and these have 3"):
        Trainer(load_preset("sequence")).apply(SetFeatures(("x", "y")))
    with pytest.raises(UserError, match="the features are x, y already"):
        trained().apply(SetFeatures(("x", "y")))


def test_validation_samples_of_a_files_own_are_kept(tmp_path):
    arrays = {"X": np.arange(8.0).reshape(4, 2), "y": np.arange(4.0)}
    np.savez(tmp_path / "a.npz", **arrays, X_validation=arrays["X"] + 1, y_validation=arrays["y"])
    trainer = Trainer(parse_experiment('[data]\nnpz = "a.npz"\n', "mine", tmp_path))
    with pytest.raises(UserError, match="of their own"):
        trainer.apply(SetData("validation", 0.5))


@pytest.mark.parametrize("standardize", [False, True], ids=["as-they-are", "standardised"])
def test_added_features_leave_every_prediction_unchanged_and_the_kept_weights_too(standardize):
    trainer = trained(replace(MOONS, data=replace(MOONS.data, standardize=standardize)))
    before = trainer.training_set.predictions(), trainer.validation_set.predictions()
    weights = trainer.network.layers[0].weights.copy()
    moment = trainer.network.layers[0].of(trainer.optimizer.moments[0]).copy()
    outcome = trainer.apply(SetFeatures(("x^2", "y", "sin(x)", "x")))
    assert "new ones with zero weights" in outcome.result
    now = trainer.training_set.predictions(), trainer.validation_set.predictions()
    for one, other in zip(now, before, strict=True):
        assert one == pytest.approx(other, rel=1e-13)
    first = trainer.network.layers[0]
    assert np.array_equal(first.weights[[3, 1]], weights)
    assert not first.weights[[0, 2]].any()
    moments = first.of(trainer.optimizer.moments[0])
    assert np.array_equal(moments[[3, 1]], moment[:2])
    assert not moments[[0, 2]].any()
    trainer.step()
    assert first.weights[[0, 2]].any()


def test_a_feature_left_out_is_replaced_by_its_mean():
    trainer = trained(replace(CIRCLES, data=replace(CIRCLES.data, features=("x", "y", "x^2"))))
    first = trainer.network.layers[0]
    left_out = derive(trainer.dataset.x, ("x^2",)).mean() * first.weights[2]
    bias = first.bias + left_out
    trainer.apply(SetFeatures(("x", "y")))
    assert trainer.network.layers[0].bias == pytest.approx(bias)


def test_standardising_features_leaves_the_function_unchanged():
    trainer = trained(replace(CIRCLES, data=replace(CIRCLES.data, features=("x", "y^2", "xy"))))
    before = trainer.training_set.predictions()
    trainer.apply(Standardize())
    assert trainer.training_set.predictions() == pytest.approx(before, rel=1e-12)


def test_with_squares_a_circle_is_learnt_without_a_hidden_layer_and_the_plane_is_of_the_inputs():
    experiment = replace(
        CIRCLES,
        data=replace(CIRCLES.data, features=("x^2", "y^2")),
        network=replace(CIRCLES.network, hidden=(), activation=()),
        training=replace(CIRCLES.training, learning_rate=0.1),
    )
    trainer = Trainer(experiment)
    trainer.run(Run(epochs=100))
    predicted = trainer.training_set.predictions() > 0.5
    assert (predicted == (trainer.dataset.y > 0.5)).all()
    plain = Trainer(replace(experiment, data=replace(experiment.data, features=())))
    plain.run(Run(epochs=100))
    assert np.mean((plain.training_set.predictions() > 0.5) == (plain.dataset.y > 0.5)) < 0.75
    plane = OutcomeRequest(columns=41, rows=21).build(trainer, trainer.snapshot(), {})
    assert isinstance(plane, Plane)
    assert plane.features == ("x", "y")
    assert plane.values[10, 20] > 0.5 > plane.values[0].max()
    assert not plane.wrong.any()


def test_the_network_counts_the_features_and_a_record_of_them_is_read_back():
    trainer = Trainer(replace(MOONS, data=replace(MOONS.data, features=tuple(FEATURES))))
    assert trainer.network.sizes == (7, 6, 1)
    penalised = replace(trainer.experiment.training, l1=0.25)
    text = format_experiment(replace(trainer.experiment, training=penalised))
    assert 'features = ["x", "y", "x^2", "y^2", "xy", "sin(x)", "sin(y)"]' in text
    read = parse_experiment(text, "mine", trainer.experiment.folder)
    assert read == replace(trainer.experiment, training=penalised)


def test_features_beyond_all_numbers_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("a,b,c\n1e100,1,0\n2,3,1\n")
    text = '[data]\ncsv = "a.csv"\ntarget = "c"\nfeatures = ["x", "x^2"]\n'
    with pytest.raises(UserError, match=r"x\^2 of these data is too large"):
        Trainer(parse_experiment(text, "mine", tmp_path))


def test_an_exported_network_says_how_its_features_are_made():
    trainer = trained(replace(MOONS, data=replace(MOONS.data, features=("x", "x^2", "sin(y)"))))
    text = loader(trainer, "net.npz")
    assert "torch.stack([x, x**2, torch.sin(y)], dim=1)" in text
    assert "nn.Linear(3, 6)" in text
    compile(text, "net.py", "exec")
    assert "features" not in loader(trained(), "net.npz")


def test_data_that_undo_goes_back_to_count_against_its_memory(monkeypatch):
    trainer = trained()
    for samples in (2000, 4000, 2000):
        trainer.apply(SetData("samples", samples))
    states = sum(state.size for _, state in trainer.undo_stack)
    monkeypatch.setattr(interventions, "UNDO_BYTES", states + 100_000)
    trainer.apply(SetOption("learning-rate", 0.1))
    assert len(trainer.undo_stack) < 4
