"""One parameter's update, line by line: every line adds up, and the last leads to the trainer's own weights."""

from __future__ import annotations

import re
from itertools import product
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_core.coming_step import ComingStep
from backprop_core.experiment import Choice
from backprop_core.experiment_file import override, resolve
from backprop_core.optimizers import OPTIMIZERS
from backprop_core.presets import load_preset, preset_names
from backprop_core.trainer import Trainer
from backprop_core.update_dissection import first_and_last
from tests.core.test_dissection import dissect, trainer_of

OPTIMIZERS_TRIED = (
    "'sgd'",
    "{ name = 'sgd', momentum = 0.9 }",
    "{ name = 'sgd', momentum = 0.9, nesterov = 1.0 }",
    "'rmsprop'",
    "{ name = 'rmsprop', momentum = 0.5 }",
    "'adam'",
    "'adamw'",
)
REGULARIZED = ("", "l1 = 0.01", "weight_decay = 0.1", "gradient_clip = 0.01", "gradient_clip = 1000.0")
ALL = "l1 = 0.01\nweight_decay = 0.1\ngradient_clip = 0.05\nreduction = 'sum'"


def computed(working):
    """Return what a line's formula gives, worked out from its numbers as they stand in it."""
    places = working.places.replace("√", "sqrt").replace("·", "*").replace("}²", "}**2")
    places = re.sub(r"sqrt\{\}", "sqrt({})", places)
    text = places.format(*(f"({number!r})" for number in working.numbers))
    return eval(text, {"sqrt": sqrt})


@pytest.mark.parametrize(("optimizer", "more"), product(OPTIMIZERS_TRIED, (*REGULARIZED, ALL)))
def test_every_line_adds_up_and_the_last_is_what_the_trainer_subtracts(optimizer, more):
    trainer = trainer_of(f"optimizer = {optimizer}\n{more}")
    trainer.step(4)
    stations = [(1, 2, 1), (1, 4, 0), (2, 1, 3), (3, 1, 0)]
    shown = [dissect(trainer, "update", layer, j, weight=weight) for layer, j, weight in stations]
    trainer.step()
    for it, (number, neuron, weight) in zip(shown, stations, strict=True):
        layer = trainer.network.layers[number - 1]
        source = weight - 1 if weight else layer.fan_in
        numbers = it.neuron
        assert numbers.chosen.source == weight
        assert numbers.chosen.after == layer.augmented[source, neuron - 1]
        assert numbers.chosen.update == layer.of(trainer.optimizer.update)[source, neuron - 1]
        assert bool(numbers.workings) == (optimizer != "'sgd'" or bool(more))
        for working in numbers.workings:
            if working.numbers:
                assert computed(working) == pytest.approx(working.value, rel=1e-9, abs=1e-18)
        if numbers.workings:
            assert numbers.workings[0].name == "g"
            assert numbers.workings[-1].name == "update"
            assert numbers.workings[-1].value == numbers.chosen.update
            last = [working for working in numbers.workings if working.name == "g"][-1]
            assert last.value == layer.of(trainer.optimizer.gradient)[source, neuron - 1]


def test_what_each_moment_becomes_is_the_trainers():
    for name, record in OPTIMIZERS.items():
        trainer = trainer_of(f"optimizer = '{name}'")
        trainer.step(3)
        lines = {working.name: working.value for working in dissect(trainer, "update", 2, 2).neuron.workings}
        trainer.step()
        for symbol, moment in zip(record.moments, trainer.optimizer.moments, strict=True):
            short = {"mean": "m", "mean_square": "s", "velocity": "v"}[symbol]
            if short in lines:
                assert lines[short] == trainer.network.layers[1].of(moment)[0, 1]


def test_a_frozen_parameter_has_no_update_to_be_worked_out():
    trainer = trainer_of("optimizer = 'adam'", "freeze = ['b1']")
    assert not dissect(trainer, "update", 1, 1, weight=0).neuron.workings
    assert dissect(trainer, "update", 1, 1, weight=1).neuron.workings


@given(
    st.sampled_from([name for name in preset_names() if name != "digits"]),
    st.sampled_from(list(OPTIMIZERS)),
    st.fixed_dictionaries(
        {},
        optional={
            "training.l1": st.floats(0, 0.1),
            "training.weight_decay": st.floats(0, 0.1),
            "training.gradient_clip": st.floats(0, 1),
            "training.reduction": st.sampled_from(("mean", "sum")),
            "training.batch_size": st.none() | st.integers(1, 40),
            "network.precision": st.sampled_from(("float32", "float64")),
        },
    ),
    st.integers(0, 9),
)
@settings(max_examples=40)
def test_the_step_shown_is_the_step_taken_whatever_makes_it(preset, optimizer, values, steps):
    made = {**values, "training.optimizer": Choice.of(OPTIMIZERS, optimizer)}
    experiment = resolve(override(load_preset(preset), made))
    trainer = Trainer(experiment)
    trainer.step(steps)
    coming = ComingStep(trainer)
    shown = dissect(trainer, "update", 1, 1)
    trainer.step()
    assert np.array_equal(coming.after, trainer.network.parameters)
    assert shown.neuron.chosen.after == trainer.network.layers[0].weights[0, 0]
    if shown.neuron.workings:
        assert shown.neuron.workings[-1].value == shown.neuron.chosen.update


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weight", [2, 0])
def test_the_samples_shares_make_up_the_gradient(reduction, weight):
    trainer = trainer_of(f"reduction = '{reduction}'")
    it = dissect(trainer, "update", 2, 1, weight=weight, terms=100)
    shares = it.neuron.shares
    assert [share.sample for share in shares.shown] == list(range(1, 33))
    own = [dissect(trainer, "backward", 2, 1, sample=s, terms=9).neuron for s in range(1, 33)]
    at = -1 if weight == 0 else weight - 1
    assert [share.product for share in shares.shown] == [neuron.changes[at].own for neuron in own]
    assert [share.delta for share in shares.shown] == [neuron.delta for neuron in own]
    assert shares.total == pytest.approx(sum(share.product for share in shares.shown))
    assert shares.gradient == it.neuron.chosen.gradient
    assert shares.gradient == pytest.approx(shares.total / (32 if reduction == "mean" else 1))


def test_of_a_large_batch_the_first_the_last_and_the_chosen_share_are_shown():
    trainer = trainer_of()
    shares = dissect(trainer, "update", 1, 1, sample=20, terms=4).neuron.shares
    assert [share.sample for share in shares.shown] == [1, 2, 20, 32]
    assert shares.others == 28
    assert sum(share.product for share in shares.shown) + shares.rest == pytest.approx(shares.total)
    assert first_and_last(5, 1, 3) == [3]
    assert first_and_last(5, 9, 3) == [0, 1, 2, 3, 4]
