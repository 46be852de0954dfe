from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backprop_core.commands import (
    AddBias,
    AddLayer,
    Condition,
    Expect,
    Narrow,
    ReinitDead,
    RemoveLayer,
    Restart,
    Run,
    Save,
    SetActivation,
    SetData,
    SetOption,
    Standardize,
    Undo,
    Widen,
)
from backprop_core.errors import UserError
from backprop_core.experiment import Choice, DataSpec, Experiment, NetworkSpec, TrainingSpec
from backprop_core.presets import load_preset
from backprop_core.trainer import Trainer
from backprop_core.training_state import capture

SERIES = Experiment(
    name="series",
    data=DataSpec(builtin="sequence", window=3, validation=0.17),
    network=NetworkSpec(hidden=(6, 5), activation=(Choice("relu"), Choice("relu"))),
    training=TrainingSpec(optimizer=Choice("adam"), learning_rate=0.01, batch_size=4),
)


def with_dead_neurons(experiment=SERIES, layers=(1, 2)):
    """A trained network in which the first two neurons of some layers are made dead."""
    trainer = Trainer(experiment)
    trainer.run(Run(epochs=5))
    for number in layers:
        layer = trainer.network.layers[number - 1]
        layer.weights[:, :2] = -np.abs(layer.weights[:, :2]) - 0.1
        if layer.bias is not None:
            layer.bias[:2] = -1.0
    trainer.rebuild()
    trainer._census = None
    assert trainer.census().dead_count >= 2 * len(layers)
    return trainer


def states_equal(one, other):
    first, second = capture(one), capture(other)
    return (
        first.parameters.tobytes() == second.parameters.tobytes()
        and all(a.tobytes() == b.tobytes() for a, b in zip(first.moments, second.moments, strict=True))
        and first.random_state == second.random_state
        and first.order.tobytes() == second.order.tobytes()
        and (first.step_count, first.epoch, first.position)
        == (second.step_count, second.epoch, second.position)
        and first.experiment == second.experiment
        and first.interventions == second.interventions
        and first.history["columns"].tobytes() == second.history["columns"].tobytes()
    )


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
def test_recycling_dead_hidden_neurons_leaves_loss_and_predictions_unchanged(bias):
    trainer = with_dead_neurons(replace(SERIES, network=replace(SERIES.network, bias=bias)))
    before = trainer.snapshot()
    outcome = trainer.apply(ReinitDead())
    after = trainer.snapshot()
    assert outcome.dead_before == before.dead > outcome.dead_after == after.dead
    assert after.training_loss == pytest.approx(before.training_loss, rel=1e-14)
    assert [row.prediction for row in after.predictions] == pytest.approx(
        [row.prediction for row in before.predictions]
    )


def test_a_recycled_neuron_fires_on_half_of_the_samples_and_its_moments_are_zero():
    trainer = with_dead_neurons(layers=(1,))
    trainer.apply(ReinitDead())
    layer, following = trainer.network.layers[0], trainer.network.layers[1]
    drive = trainer.dataset.x @ layer.weights + layer.bias
    assert np.count_nonzero(drive[:, 0] > 0) == len(drive) // 2
    assert not following.weights[:2].any()
    for moment in trainer.optimizer.moments:
        assert not layer.of(moment)[:, :2].any()
        assert not following.of(moment)[:2].any()
        assert layer.of(moment)[:, 2:].any()


def test_one_neuron_alone_can_be_recycled_and_a_living_one_not():
    trainer = with_dead_neurons(layers=(1,))
    others = trainer.network.layers[0].weights[:, 1:].copy()
    trainer.apply(ReinitDead(1, 1))
    assert np.array_equal(trainer.network.layers[0].weights[:, 1:], others)
    living = next(n for n in range(1, 7) if not trainer.census().dead[0][n - 1])
    with pytest.raises(UserError, match="is not dead"):
        trainer.apply(ReinitDead(1, living))
    with pytest.raises(UserError, match=r"no neuron 1\.9"):
        trainer.apply(ReinitDead(1, 9))


def test_a_dead_output_neuron_gets_weights_that_fire_and_the_outcome_says_so():
    network = NetworkSpec(hidden=(4,), output=Choice("relu"), bias=False)
    trainer = Trainer(replace(SERIES, network=network))
    trainer.network.layers[1].weights[:] = -1.0
    trainer.network.layers[0].weights[:] = np.abs(trainer.network.layers[0].weights) + 0.1
    trainer.rebuild()
    outcome = trainer.apply(ReinitDead())
    assert outcome.dead_after == 0
    assert "function changed" in outcome.result


def test_nothing_dead_is_said_and_is_no_intervention():
    trainer = Trainer(replace(SERIES, network=NetworkSpec(hidden=(4,), activation=(Choice("tanh"),))))
    outcome = trainer.apply(ReinitDead())
    assert not outcome.intervention
    assert "nothing to do" in outcome.result
    assert not trainer.interventions
    assert trainer.journal == ()


def test_zero_initialised_networks_can_be_recycled_too():
    network = NetworkSpec(hidden=(4,), initializer=Choice("zeros"))
    trainer = Trainer(replace(SERIES, network=network))
    assert trainer.census().dead_count == 4
    trainer.apply(ReinitDead())
    assert trainer.census().dead_count == 0


COMMANDS = [
    ReinitDead(),
    SetActivation("hidden", Choice("leaky-relu", (("slope", 0.01),))),
    SetActivation("2", Choice("tanh")),
    SetActivation("1,2", Choice("elu")),
    SetActivation("output", Choice("relu")),
    SetOption("learning-rate", 0.5),
    SetOption("batch-size", 3),
    SetOption("batch-size", None),
    SetOption("weight-decay", 0.1),
    SetOption("gradient-clip", 1.0),
    SetOption("l1", 0.01),
    SetData("validation", 0.4),
    SetData("validation", 0.0),
    SetData("data", "moons"),
    SetData("data", "worked-example"),
    Widen(2),
    Narrow(2),
    Narrow(3, 1),
    AddLayer(),
    AddLayer(1, 4),
    RemoveLayer(),
    RemoveLayer(1),
    SetOption("reduction", "sum"),
    SetOption("optimizer", Choice("sgd", (("momentum", 0.9),))),
    Standardize(),
    Restart(),
    Restart(7),
]


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_undo_restores_every_bit_and_the_future_too(command):
    trainer, untouched = with_dead_neurons(), with_dead_neurons()
    trainer.step(2)
    untouched.step(2)
    outcome = trainer.apply(command)
    assert outcome.intervention
    assert len(trainer.interventions) in (1, 0) or isinstance(command, Restart)
    trainer.step(7)
    trainer.apply(Undo())
    assert states_equal(trainer, untouched)
    trainer.run(Run(epochs=3))
    untouched.run(Run(epochs=3))
    assert states_equal(trainer, untouched)


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_a_journal_replays_to_the_same_bits(command):
    trainer = Trainer(SERIES)
    trainer.run(Run(epochs=3))
    trainer.step(2)
    trainer.apply(command)
    trainer.run(Run(epochs=4))
    trainer.apply(SetOption("learning-rate", 0.003))
    trainer.step(5)
    trainer.apply(Undo())
    trainer.step(1)
    replay = Trainer(SERIES)
    for entry in trainer.journal:
        replay.apply(entry)
    assert replay.parameters_sha256() == trainer.parameters_sha256()
    assert replay.place == trainer.place


def test_the_losses_of_steps_that_are_undone_are_no_history():
    trainer = Trainer(replace(SERIES, data=replace(SERIES.data, validation=0.0)))
    trainer.step(5)
    trainer.apply(SetOption("learning-rate", 0.1))
    trainer.step(7)
    trainer.apply(Undo())
    trainer.step(2)
    trainer.flush_history()
    assert trainer.history.steps == trainer.step_count == 7


def test_adding_biases_leaves_the_function_unchanged_and_trains_them_from_then_on():
    trainer = Trainer(replace(SERIES, network=replace(SERIES.network, bias=False)))
    trainer.run(Run(epochs=3))
    before, moments = trainer.census().loss, trainer.optimizer.moments[0].copy()
    trainer.apply(AddBias())
    assert trainer.census().loss == pytest.approx(before, rel=1e-14)
    kept = np.concatenate(
        [layer.of(trainer.optimizer.moments[0])[: layer.fan_in].ravel() for layer in trainer.network.layers]
    )
    assert np.array_equal(kept, moments)
    trainer.step()
    assert all(layer.bias.any() for layer in trainer.network.layers if layer.number == 3)
    with pytest.raises(UserError, match="biases already"):
        trainer.apply(AddBias())


@pytest.mark.parametrize("output", ["linear", "relu", "softplus"])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
@pytest.mark.parametrize("hidden", [(), (4,)], ids=["linear-model", "hidden"])
def test_standardising_leaves_the_function_unchanged(output, bias, hidden):
    network = NetworkSpec(hidden, (Choice("relu"),) * len(hidden), Choice(output), bias)
    trainer = Trainer(replace(SERIES, network=network))
    trainer.run(Run(epochs=3))
    before = trainer.snapshot()
    trainer.apply(Standardize())
    after = trainer.snapshot()
    assert after.training_loss == pytest.approx(before.training_loss, rel=1e-12)
    assert after.validation_loss == pytest.approx(before.validation_loss, rel=1e-12)
    with pytest.raises(UserError, match="standardised already"):
        trainer.apply(Standardize())


def test_a_loss_that_jumps_is_warned_of():
    trainer = Trainer(SERIES)
    trainer.run(Run(epochs=200))
    outcome = trainer.apply(SetActivation("hidden", Choice("sigmoid")))
    assert outcome.loss_after > 1.1 * outcome.loss_before
    assert "rose" in outcome.warning
    assert "undo" in outcome.warning


@pytest.mark.parametrize("command", [Restart(), Restart(7), SetData("data", "circles")])
def test_no_loss_is_said_to_rise_where_another_network_or_problem_begins(command):
    trainer = Trainer(load_preset("moons"))
    trainer.step(400)
    outcome = trainer.apply(command)
    assert outcome.loss_after > outcome.loss_before * 1.1
    assert outcome.warning is None


def test_a_refused_command_changes_nothing():
    trainer = with_dead_neurons()
    before = trainer.parameters_sha256()
    for command in (SetActivation("9", Choice("tanh")), SetOption("learning-rate", -1.0)):
        with pytest.raises(UserError):
            trainer.apply(command)
    assert trainer.parameters_sha256() == before
    assert not trainer.interventions
    assert not trainer.undo_stack


def test_undo_without_an_intervention_is_an_error():
    with pytest.raises(UserError, match="nothing to undo"):
        Trainer(SERIES).apply(Undo())


def test_restart_begins_anew_with_the_settings_as_they_are_now():
    trainer = Trainer(SERIES)
    fresh = trainer.parameters_sha256()
    trainer.run(Run(epochs=3))
    trainer.apply(Restart())
    assert trainer.parameters_sha256() == fresh
    trainer.apply(SetOption("learning-rate", 0.5))
    trainer.apply(Standardize())
    trainer.apply(Restart(9))
    changed = replace(
        SERIES,
        seed=9,
        data=replace(SERIES.data, standardize=True),
        training=replace(SERIES.training, learning_rate=0.5),
    )
    other = Trainer(changed)
    assert trainer.experiment == other.experiment
    trainer.run(Run(epochs=3))
    other.run(Run(epochs=3))
    assert trainer.parameters_sha256() == other.parameters_sha256()


def test_a_dead_end_is_left_by_undo_and_restart():
    trainer = Trainer(replace(SERIES, training=TrainingSpec(learning_rate=0.01)))
    trainer.step(3)
    trainer.apply(SetOption("learning-rate", 1e6))
    with np.errstate(all="ignore"):
        trainer.run(Run(epochs=100))
    assert trainer.ended
    trainer.apply(Undo())
    assert trainer.ended is None
    assert trainer.step(2) == 2


def test_saved_weights_can_be_read_back(tmp_path):
    trainer = Trainer(SERIES)
    path = tmp_path / "weights.npz"
    trainer.apply(Save(str(path)))
    with np.load(path) as arrays:
        assert set(arrays.files) == {"W1", "b1", "W2", "b2", "W3", "b3"}
        assert arrays["W1"].shape == (3, 6)
        assert arrays["W1"].dtype == np.float64
        assert np.array_equal(arrays["W3"], trainer.network.named()["W3"])
    again = Trainer(replace(SERIES, seed=5, network=replace(SERIES.network, weights=str(path))))
    assert again.parameters_sha256() == trainer.parameters_sha256()
    with pytest.raises(UserError, match="cannot be written"):
        trainer.apply(Save(str(tmp_path / "nowhere" / "weights.npz")))


def test_expect_tells_what_was_measured():
    trainer = Trainer(SERIES)
    outcome = trainer.apply(Expect(Condition("step", "==", 0)))
    assert (outcome.passed, outcome.value) == (True, 0)
    assert not trainer.apply(Expect(Condition("loss", "<", 0))).passed
