"""Units taken from hidden layers: which go, and what the network loses with them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backprop_core.commands import Narrow, Run, Widen
from backprop_core.errors import UserError
from backprop_core.experiment import Choice
from backprop_core.trainer import Trainer
from tests.core.test_interventions import SERIES, with_dead_neurons


def test_dead_units_go_first_and_the_function_stays():
    trainer = with_dead_neurons()
    before = trainer.snapshot()
    outcome = trainer.apply(Narrow(2))
    after = trainer.snapshot()
    assert "4 units taken away" in outcome.result
    assert "4 of them dead" in outcome.result
    assert trainer.experiment.network.hidden == (4, 3)
    assert after.training_loss == pytest.approx(before.training_loss, rel=1e-12)
    assert after.dead == before.dead - 4


@pytest.mark.parametrize("constant", [0.7, -0.3])
def test_the_constant_of_a_dead_unit_goes_into_the_next_biases(constant):
    network = replace(SERIES.network, activation=(Choice("tanh"), Choice("tanh")))
    trainer = Trainer(replace(SERIES, network=network))
    trainer.run(Run(epochs=5))
    first = trainer.network.layers[0]
    first.weights[:, 3], first.bias[3] = 0.0, constant
    trainer.rebuild()
    before = trainer.training_set.predictions()
    outcome = trainer.apply(Narrow(1, 1))
    assert "(1.4)" in outcome.result
    assert "means folded into the next biases" in outcome.result
    assert trainer.training_set.predictions() == pytest.approx(before, rel=1e-12)


def test_of_living_units_those_go_that_the_next_layer_feels_least():
    trainer = Trainer(replace(SERIES, network=replace(SERIES.network, activation=(Choice("tanh"),))))
    trainer.run(Run(epochs=5))
    forward, following = trainer.training_set.sampled_pass(), trainer.network.layers[1]
    felt = forward.activations[0].std(axis=1) * np.linalg.norm(following.weights, axis=1)
    goes = sorted(np.argsort(felt)[:2] + 1)
    kept = following.weights[[index for index in range(6) if index + 1 not in goes]].copy()
    moment = following.of(trainer.optimizer.moments[0])[
        [index for index in range(6) if index + 1 not in goes]
    ].copy()
    outcome = trainer.apply(Narrow(2, 1))
    assert f"(1.{goes[0]}, 1.{goes[1]}), 0 of them dead" in outcome.result
    assert np.array_equal(trainer.network.layers[1].weights, kept)
    assert np.array_equal(trainer.network.layers[1].of(trainer.optimizer.moments[0])[:4], moment)


def test_among_equals_the_last_go_so_that_narrowing_takes_back_widening():
    trainer = Trainer(replace(SERIES, network=replace(SERIES.network, activation=(Choice("tanh"),))))
    trainer.run(Run(epochs=5))
    before = trainer.network.parameters.copy()
    trainer.apply(Widen(3))
    trainer.apply(Narrow(3))
    assert trainer.network.parameters == pytest.approx(before, rel=1e-12)


def test_one_unit_stays():
    trainer = Trainer(SERIES)
    for command, told in (
        (Narrow(5), "hidden layer 2 has 5 units, and one must stay: at most 4 can go"),
        (Narrow(6, 1), "at most 5"),
        (Narrow(1, 3), "no hidden layer 3"),
    ):
        with pytest.raises(UserError, match=told):
            trainer.apply(command)
    trainer.apply(Narrow(4))
    assert trainer.experiment.network.hidden == (2, 1)
    with pytest.raises(UserError, match="none can go"):
        trainer.apply(Narrow(1, 2))
