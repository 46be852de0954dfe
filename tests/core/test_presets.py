"""Every preset really shows its fault, or really learns: the figures of its description, measured."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from backprop_core.commands import ReinitDead, Restart, Run, SetActivation, SetOption, Standardize
from backprop_core.errors import UserError
from backprop_core.experiment import Choice
from backprop_core.experiment_file import format_experiment, parse_experiment
from backprop_core.frames import measure_accuracy
from backprop_core.presets import PRESETS, load_preset, preset_names
from backprop_core.trainer import Trainer

STUCK = 6.22519


@pytest.fixture(autouse=True)
def _quiet_numpy():
    with np.errstate(all="ignore"):
        yield


def trained(name: str, epochs: int | None = None, **changes) -> Trainer:
    trainer = Trainer(replace(load_preset(name), **changes))
    trainer.run(Run() if epochs is None else Run(epochs=epochs))
    return trainer


def test_every_file_is_listed_and_every_listed_one_is_there():
    assert {path.stem for path in PRESETS.glob("*.toml")} == set(preset_names())


@pytest.mark.parametrize("name", preset_names())
def test_presets_say_what_they_show_and_what_to_try(name):
    experiment = load_preset(name)
    assert experiment.name == name
    assert 20 < len(experiment.description) <= 130
    assert 20 < len(experiment.watch) <= 130
    assert parse_experiment(format_experiment(experiment), name, experiment.folder) == experiment


def test_an_unknown_preset_names_the_nearest():
    with pytest.raises(UserError, match="did you mean 'sequence'"):
        load_preset("sequnce")


@pytest.mark.parametrize(
    "cure", [ReinitDead(), SetActivation("hidden", Choice("leaky-relu", (("slope", 0.01),)))], ids=str
)
def test_sequence_stalls_with_dead_neurons_and_is_freed(cure):
    trainer = trained("sequence", 5000)
    assert trainer.census().dead_count == 4
    assert trainer.census().loss == pytest.approx(2.438, abs=1e-3)
    assert trainer.census().loss == pytest.approx(trainer.baseline())
    trainer.apply(cure)
    assert trainer.census().dead_count == 0
    trainer.run_epochs(20_000)
    assert trainer.census().loss < 0.1


def test_as_posted_ends_in_the_three_reported_ways_and_half_of_all_seeds_at_all_zero():
    outcomes = Counter()
    for seed in range(400):
        trainer = trained("as-posted", 2000, seed=seed)
        loss = round(trainer.census().loss, 5)
        test_rows = [row.prediction[0] for row in trainer.snapshot().predictions if row.validation]
        outcomes[loss == STUCK, *(value > 0 for value in test_rows)] += 1
    stuck = sum(count for (is_stuck, *_), count in outcomes.items() if is_stuck)
    assert 180 <= stuck <= 250
    assert outcomes[True, False, False] == stuck
    assert outcomes[False, True, False] > 40
    assert outcomes[False, True, True] > 40


def test_repaired_learns_on_at_least_four_fifths_of_seeds():
    learnt = sum(trained("repaired", seed=seed).census().loss < 0.05 for seed in range(60))
    assert learnt >= 48


def test_worked_example_gives_the_published_numbers():
    trainer = Trainer(load_preset("worked-example"))
    outputs = trainer.snapshot().predictions[0].prediction
    assert [f"{value:.9f}" for value in outputs] == ["0.751365070", "0.772928465"]
    hidden = trainer.training_set.sampled_pass().activations[0][:, 0]
    assert [f"{value:.9f}" for value in hidden] == ["0.593269992", "0.596884378"]
    assert f"{trainer.census().loss:.9f}" == "0.298371109"
    trainer.step()
    weights = trainer.network.named()
    assert np.round(weights["W2"].T, 8).ravel().tolist() == [0.35891648, 0.40866619, 0.51130127, 0.56137012]
    assert np.round(weights["W1"].T, 8).ravel().tolist() == [0.14978072, 0.19956143, 0.24975114, 0.29950229]
    assert f"{trainer.census().loss:.9f}" == "0.291027774"
    assert weights["b1"].tolist() == [0.35, 0.35]
    assert weights["b2"].tolist() == [0.60, 0.60]
    assert trainer.run(Run()) == "epochs"
    assert trainer.step_count == 9999
    assert f"{trainer.census().loss:.10f}" == "0.0000351085"


def test_digits_names_at_least_96_percent_of_the_held_out_digits():
    for seed in (0, 1):
        accuracy = measure_accuracy(trained("digits", seed=seed))
        assert accuracy.validation >= 0.96


def test_dying_relu_kills_most_units_and_needs_a_lower_rate_before_reviving_them():
    trainer = trained("dying-relu", 3000)
    assert trainer.census().dead_count >= 8
    assert trainer.census().loss > 0.05
    trainer.apply(SetOption("learning-rate", 0.1))
    trainer.apply(ReinitDead())
    trainer.run_epochs(5000)
    assert trainer.census().loss < 0.01


def test_dead_output_stays_at_all_zero_until_its_output_is_linear():
    trainer = trained("dead-output", 5000)
    snapshot = trainer.snapshot()
    assert snapshot.layers[1].dead == (1,)
    assert round(snapshot.training_loss, 5) == STUCK
    assert snapshot.gradient_norm == 0
    trainer.apply(SetActivation("output", Choice("linear")))
    trainer.run_epochs(5000)
    assert trainer.census().loss < 1


def test_vanishing_sigmoid_has_a_fading_gradient_and_stays_at_a_coin_toss():
    start = Trainer(load_preset("vanishing-sigmoid")).snapshot()
    assert start.layers[-1].gradient_norm > 1e4 * start.layers[0].gradient_norm
    trainer = trained("vanishing-sigmoid", 3000)
    assert trainer.census().loss == pytest.approx(np.log(2), abs=1e-4)
    trainer.apply(SetActivation("hidden", Choice("tanh")))
    trainer.run_epochs(5000)
    assert trainer.census().loss < 0.01


def test_saturated_tanh_sits_at_its_extremes_and_stays_above_a_coin_toss():
    trainer = Trainer(load_preset("saturated-tanh"))
    response = trainer.training_set.sampled_pass().activations[1]
    assert np.mean(np.abs(response) > 0.99) > 0.9
    trainer.run_epochs(5000)
    assert trainer.census().loss > 0.69
    well_begun = replace(load_preset("saturated-tanh").network, initializer=Choice("xavier-normal"))
    assert trained("saturated-tanh", 5000, network=well_begun).census().loss < 0.01
    trainer.apply(SetActivation("hidden", Choice("relu")))
    trainer.run_epochs(5000)
    assert trainer.census().loss < 0.69


def test_rate_too_high_swings_and_a_lower_rate_lets_the_loss_fall():
    trainer = trained("rate-too-high", 20_000)
    late = trainer.history.columns(1, 19_000)
    assert 0.023 < late.low[0] < 0.025
    assert 0.027 < late.high[0] < 0.029
    trainer.apply(SetOption("learning-rate", 0.1))
    trainer.run_epochs(20_000)
    assert trainer.census().loss < 0.002


def test_unstandardized_stays_at_the_mean_and_learns_once_standardised():
    trainer = trained("unstandardized", 3000)
    assert trainer.census().loss == pytest.approx(14.73, abs=0.01)
    assert trainer.census().loss == pytest.approx(trainer.baseline(), rel=1e-3)
    trainer.apply(Standardize())
    trainer.apply(Restart())
    trainer.run_epochs(10_000)
    assert trainer.census().loss < 0.2


def test_zero_initialization_never_leaves_the_coin_toss():
    trainer = trained("zero-initialization", 3000)
    assert trainer.census().loss == pytest.approx(np.log(2))
    assert not trainer.network.named()["W1"].any()


def test_overfitting_lets_the_validation_loss_turn_and_rise():
    trainer = trained("overfitting", 2000)
    validation = trainer.history.columns(2048).validation
    best = np.nanmin(validation)
    assert trainer.census().loss < 0.001
    assert trainer.validation_loss() > 1 > 2 * best
    assert trainer.network.parameters.size == 4417


@pytest.mark.parametrize(("name", "accuracy"), [("moons", 0.97), ("circles", 0.97), ("spiral", 0.95)])
def test_healthy_planes_are_learnt(name, accuracy):
    measured = measure_accuracy(trained(name))
    assert measured.training >= accuracy
    assert measured.validation >= accuracy


def test_xor_is_learnt():
    trainer = trained("xor")
    assert trainer.census().loss < 0.01
    assert measure_accuracy(trainer).training == 1.0
