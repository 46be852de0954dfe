"""When a neuron died and what killed it: against a census after every step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backprop_core.commands import (
    AddLayer,
    Narrow,
    ReinitDead,
    RemoveLayer,
    Restart,
    SetActivation,
    SetOption,
    Undo,
)
from backprop_core.deaths import Death, find_death
from backprop_core.experiment import Choice
from backprop_core.experiment_file import parse_experiment
from backprop_core.presets import load_preset
from backprop_core.trainer import Trainer


def died_at(name: str, layer: int, neuron: int) -> int:
    """Return the step after which a census finds a neuron dead for the first time."""
    trainer = Trainer(load_preset(name))
    while not trainer.census().dead[layer - 1][neuron - 1]:
        trainer.step()
    return trainer.step_count


@pytest.mark.parametrize(("name", "steps"), [("sequence", 100), ("dying-relu", 50), ("as-posted", 1000)])
def test_it_is_the_step_at_which_a_census_finds_it_dead(name, steps):
    trainer = Trainer(load_preset(name))
    trainer.step(steps)
    dead = [(layer.layer, neuron) for layer in trainer.snapshot(1).layers for neuron in layer.dead]
    assert dead
    for layer, neuron in dead:
        death = find_death(trainer, layer, neuron)
        assert death.step == died_at(name, layer, neuron)
        assert death.cause in ("update", "below")


def test_the_ratio_is_that_of_the_fatal_update():
    trainer = Trainer(load_preset("sequence"))
    trainer.step(100)
    death = find_death(trainer, 1, 1)
    again = Trainer(load_preset("sequence"))
    again.step(death.step - 1)
    before = again.network.layers[0].augmented[:, 0].copy()
    again.step()
    moved = np.linalg.norm(again.network.layers[0].augmented[:, 0] - before)
    assert death.ratio == pytest.approx(moved / np.linalg.norm(before))
    assert death.learning_rate == 0.03


def test_looking_leaves_the_trainer_as_it_is():
    trainer = Trainer(load_preset("dying-relu"))
    trainer.step(50)
    sha, journal = trainer.parameters_sha256(), trainer.journal
    find_death(trainer, 1, 1)
    assert (trainer.parameters_sha256(), trainer.journal, trainer.step_count) == (sha, journal, 50)


def test_a_neuron_revived_that_died_again_died_after_that():
    trainer = Trainer(load_preset("sequence"))
    trainer.step(200)
    trainer.apply(ReinitDead())
    trainer.step(50)
    trainer.apply(SetOption("learning-rate", 2.0))
    trainer.step(50)
    death = find_death(trainer, 1, 2)
    assert death.cause == "update"
    assert death.learning_rate == 2.0
    assert 250 < death.step <= 300


def test_before_units_or_layers_were_renumbered_nothing_is_said_of_a_neuron():
    trainer = Trainer(load_preset("dying-relu"))
    trainer.step(50)
    for commands in ([Narrow(2)], [AddLayer(1)], [AddLayer(1), RemoveLayer(1)]):
        for command in commands:
            trainer.apply(command)
        dead = [(layer.layer, neuron) for layer in trainer.snapshot(1).layers for neuron in layer.dead]
        assert dead
        assert {find_death(trainer, *neuron) for neuron in dead} == {None}
        for _ in commands:
            trainer.apply(Undo())


def test_an_intervention_after_its_death_did_not_kill_it():
    trainer = Trainer(load_preset("sequence"))
    trainer.step(100)
    expected = find_death(trainer, 1, 1)
    trainer.apply(SetOption("learning-rate", 0.01))
    trainer.step(20)
    assert find_death(trainer, 1, 1) == expected


def test_a_command_after_which_it_is_dead_killed_it():
    trainer = Trainer(load_preset("sequence"))
    trainer.apply(SetActivation("hidden", Choice("leaky-relu", (("slope", 0.01),))))
    trainer.step(100)
    trainer.apply(SetActivation("hidden", Choice("relu")))
    trainer.step(10)
    dead = trainer.snapshot(1).layers[0].dead
    assert dead
    assert find_death(trainer, 1, dead[0]) == Death(100, "command", command="activation hidden relu")


def test_after_a_restart_the_new_beginning_counts():
    trainer = Trainer(load_preset("dying-relu"))
    trainer.step(50)
    trainer.apply(Restart(7))
    trainer.step(60)
    other = Trainer(replace(load_preset("dying-relu"), seed=7))
    other.step(60)
    for neuron in trainer.snapshot(1).layers[0].dead:
        assert find_death(trainer, 1, neuron) == find_death(other, 1, neuron)


def test_what_is_dead_as_initialised_is_told_as_such():
    text = (
        "[experiment]\nname = 'x'\n[data]\nbuiltin = 'sequence'\n[network]\nhidden = [2]\n"
        "initializer = { name = 'uniform', low = -1.0, high = -0.5 }\n"
    )
    trainer = Trainer(parse_experiment(text, "x.toml", Path()))
    trainer.step(30)
    assert trainer.snapshot(1).layers[0].dead == (1, 2)
    assert find_death(trainer, 1, 1) == Death(0, "start")


def test_after_an_undo_the_training_that_counts_is_what_is_left():
    trainer = Trainer(load_preset("sequence"))
    trainer.step(100)
    expected = find_death(trainer, 1, 1)
    trainer.apply(ReinitDead())
    trainer.step(10)
    trainer.apply(Undo())
    assert find_death(trainer, 1, 1) == expected


def test_a_death_too_long_ago_to_repeat_is_not_guessed(monkeypatch):
    trainer = Trainer(load_preset("dying-relu"))
    trainer.step(50)
    assert find_death(trainer, 1, 1).step > 2
    monkeypatch.setattr("backprop_core.deaths.STEPS_REPEATED", 1)
    assert find_death(trainer, 1, 1) == Death(1, "unknown")
