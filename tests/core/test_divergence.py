"""Where a divergence began, and going back to before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_interventions import SERIES, states_equal

from backprop_core import trainer as trainer_module
from backprop_core.checkpoint import from_bytes, to_bytes
from backprop_core.commands import Restart, Run, SetOption, Undo
from backprop_core.datasets import Dataset
from backprop_core.errors import UserError
from backprop_core.experiment import Choice, DataSpec, Experiment, NetworkSpec, TrainingSpec
from backprop_core.trainer import Trainer

WILD = Experiment(
    name="wild",
    data=DataSpec(builtin="sequence", window=3),
    network=NetworkSpec(hidden=(6, 5), activation=(Choice("linear"),)),
    training=TrainingSpec(learning_rate=50.0),
)


def regression(x, y):
    """Return a data set of these samples, without validation."""
    x, y = np.array(x, np.float64), np.array(y, np.float64)
    rows = np.arange(1, len(x) + 1)
    none = rows[:0]
    return Dataset(
        x, y, x[:0], y[:0], rows, none, ("a",) * x.shape[1], ("t",) * y.shape[1], None, "regression"
    )


def diverge(trainer, steps=1_000_000):
    with np.errstate(all="ignore"):
        trainer.step(steps)
    assert trainer.ended
    return trainer.located_divergence()


def going_back_to(found):
    """A rate changes the parameters alone; what else is not finite was decided a step before."""
    return found.step - (1 if found.tensor == "parameter" else 2)


def first_by_hand(experiment, dataset=None):
    """Take plain gradient descent's steps in plain NumPy, and return what first is not finite."""
    trainer = Trainer(experiment, dataset)
    x, y = trainer.dataset.x, trainer.dataset.y
    weights = [layer.weights.copy() for layer in trainer.network.layers]
    biases = [layer.bias.copy() for layer in trainer.network.layers]
    kinds = [layer.activation.name for layer in trainer.network.layers]
    activate = {"linear": lambda z: z, "relu": lambda z: np.maximum(z, 0), "tanh": np.tanh}
    slope = {
        "linear": lambda z: np.ones_like(z),
        "relu": lambda z: (z > 0) * 1.0,
        "tanh": lambda z: 1 - np.tanh(z) ** 2,
    }
    rate = experiment.training.learning_rate
    step = 0
    with np.errstate(all="ignore"):
        while True:
            step += 1
            a, zs, inputs = x, [], []
            for number, (w, b, kind) in enumerate(zip(weights, biases, kinds, strict=True), 1):
                inputs.append(a)
                z = a @ w + b
                a = activate[kind](z)
                zs.append(z)
                for name, values in (("pre-activation", z), ("activation", a)):
                    if not np.isfinite(values).all():
                        return step, number, name
            if not np.isfinite(np.sum((a - y) ** 2)):
                return step, len(kinds), "loss"
            delta = (a - y) / len(x) * slope[kinds[-1]](zs[-1])
            gradients = []
            for index in reversed(range(len(kinds))):
                if not np.isfinite(delta).all():
                    return step, index + 1, "delta"
                gradients.append((inputs[index].T @ delta, delta.sum(axis=0)))
                if not all(np.isfinite(part).all() for part in gradients[-1]):
                    return step, index + 1, "gradient"
                if index:
                    delta = (delta @ weights[index].T) * slope[kinds[index - 1]](zs[index - 1])
            for index, (of_weights, of_bias) in enumerate(reversed(gradients)):
                weights[index] -= rate * of_weights
                biases[index] -= rate * of_bias
                if not (np.isfinite(weights[index]).all() and np.isfinite(biases[index]).all()):
                    return step, index + 1, "parameter"


HUGE = regression([[1e100, 1.0], [2.0, -1e100], [3.0, 1.0]], [[1e120], [2.0], [3.0]])


@pytest.mark.parametrize(
    ("experiment", "dataset"),
    [
        (WILD, None),
        (replace(WILD, training=TrainingSpec(learning_rate=1e40)), None),
        (replace(WILD, training=TrainingSpec(learning_rate=1e200)), None),
        (replace(WILD, network=NetworkSpec(hidden=(4,), activation=(Choice("relu"),))), None),
        (WILD, HUGE),
        (
            replace(
                WILD,
                network=NetworkSpec(hidden=(3, 2), activation=(Choice("tanh"),)),
                training=TrainingSpec(learning_rate=1e250),
            ),
            HUGE,
        ),
    ],
    ids=["slowly", "quickly", "at once", "relu", "huge data", "through tanh"],
)
def test_the_place_is_the_one_that_plain_numpy_finds(experiment, dataset):
    found = diverge(Trainer(experiment, dataset))
    step, layer, tensor = first_by_hand(experiment, dataset)
    assert (found.step, found.tensor) == (step, tensor)
    # The rate is multiplied into the deltas: products with it may overflow in a layer where by hand they do not.
    assert found.layer == layer or tensor == "parameter"


def test_an_input_that_single_precision_cannot_hold_is_named():
    single = replace(WILD, network=replace(WILD.network, precision="float32"))
    found = diverge(Trainer(single, regression([[1.0, 1e50], [2.0, 3.0]], [[1.0], [2.0]])))
    assert (found.step, found.layer, found.tensor, found.neuron, found.value) == (1, 1, "input", 2, "inf")
    assert found.text == "the first number that was not finite: infinity, in step 1, input 2"


@pytest.mark.parametrize("size", [None, 4])
@pytest.mark.parametrize("seconds", [0.0, 1e9])
def test_where_anchors_lie_changes_neither_the_place_nor_the_state_before(monkeypatch, size, seconds):
    experiment = replace(WILD, training=replace(WILD.training, batch_size=size))
    expected = diverge(Trainer(experiment))
    monkeypatch.setattr(trainer_module, "ANCHOR_SECONDS", seconds)
    monkeypatch.setattr(trainer_module, "ANCHOR_SHARE", 1e9)
    trainer = Trainer(experiment)
    found = diverge(trainer)
    assert found == expected
    assert found.before.parameters.tobytes() == expected.before.parameters.tobytes()
    assert found.before.step_count == going_back_to(found)


def test_looking_leaves_the_trainer_as_it_was():
    looked, other = Trainer(SERIES), Trainer(SERIES)
    for trainer in (looked, other):
        trainer.step(7)
        trainer.apply(SetOption("learning-rate", 1e200))
        with np.errstate(all="ignore"):
            trainer.step(1000)
    assert looked.located_divergence() is not None
    assert states_equal(looked, other)
    assert looked.ended == other.ended


def test_a_state_that_is_too_large_to_keep_leaves_the_last_step_to_be_looked_at(monkeypatch):
    monkeypatch.setattr(trainer_module, "ANCHOR_BYTES", 10)
    trainer = Trainer(WILD)
    found = diverge(trainer)
    assert found.step == trainer.step_count + 1
    assert found.before is None
    with pytest.raises(UserError, match="restart"):
        trainer.apply(Undo())


def test_undo_without_an_intervention_goes_back_to_the_last_finite_state():
    trainer = Trainer(WILD)
    found = diverge(trainer)
    assert trainer.undoable == "the divergence"
    with np.errstate(all="ignore"):
        outcome = trainer.apply(Undo())
    assert "the divergence taken back" in outcome.result
    assert trainer.ended is None
    assert trainer.step_count == going_back_to(found)
    assert np.isfinite(trainer.network.parameters).all()
    assert trainer.undoable is None
    with pytest.raises(UserError, match="nothing to undo"):
        trainer.apply(Undo())
    assert diverge(trainer) == found


def test_undo_takes_the_intervention_back_that_led_there_and_undo_divergence_less():
    trainer = Trainer(SERIES)
    trainer.step(7)
    trainer.apply(SetOption("learning-rate", 1e200))
    found = diverge(trainer)
    content = to_bytes(trainer)
    with np.errstate(all="ignore"):
        trainer.apply(Undo(divergence=True))
    assert trainer.step_count == going_back_to(found) >= 7
    assert trainer.experiment.training.learning_rate == 1e200
    with pytest.raises(UserError, match="no divergence"):
        trainer.apply(Undo(divergence=True))
    resumed = from_bytes(content, "state.npz")
    resumed.apply(Undo())
    assert resumed.step_count == 7
    assert resumed.experiment.training.learning_rate == SERIES.training.learning_rate


@pytest.mark.parametrize("commands", [[Undo()], [SetOption("learning-rate", 0.1), Undo(), Undo()]], ids=str)
def test_a_journal_with_a_divergence_undone_replays_to_the_same_bits(commands):
    trainer = Trainer(WILD)
    trainer.step(3)
    diverge(trainer)
    with np.errstate(all="ignore"):
        for command in [*commands, SetOption("learning-rate", 0.0), Run(epochs=2)]:
            trainer.apply(command)
        again = Trainer(WILD)
        for command in trainer.journal:
            again.apply(command)
    assert states_equal(trainer, again)


def test_a_checkpoint_of_a_diverged_run_says_where_and_can_go_back():
    trainer = Trainer(WILD)
    found = diverge(trainer)
    resumed = from_bytes(to_bytes(trainer), "state.npz")
    assert resumed.ended == trainer.ended
    assert resumed.located_divergence() == found
    with np.errstate(all="ignore"):
        resumed.apply(Undo())
        trainer.apply(Undo())
    assert states_equal(resumed, trainer)


def test_a_restart_forgets_the_divergence():
    trainer = Trainer(WILD)
    diverge(trainer)
    with np.errstate(all="ignore"):
        trainer.apply(Restart())
    assert trainer.located_divergence() is None
