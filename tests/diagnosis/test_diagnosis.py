"""What is found, in which order, and that nothing is found where nothing is wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backprop_core.commands import Run, Undo
from backprop_core.diagnosis import FAULTS, diagnose, treat
from backprop_core.diagnosis.chain import effects_of
from backprop_core.diagnosis.evidence import Witness
from backprop_core.diagnosis.report import FINDING
from backprop_core.diagnosis.text import headline, report
from backprop_core.errors import UserError
from backprop_core.experiment import Choice, DataSpec, Experiment, Mistakes, NetworkSpec, TrainingSpec
from backprop_core.presets import load_preset
from backprop_core.trainer import Trainer
from backprop_core.training_state import capture

SINE = Experiment(
    data=DataSpec(builtin="sine"),
    network=NetworkSpec(hidden=(12,), activation=(Choice("tanh"),), initializer=Choice("xavier-normal")),
    training=TrainingSpec(learning_rate=0.1),
    epochs=1000,
)
MOONS = Experiment(
    data=DataSpec(builtin="moons", noise=0.1, samples=80),
    network=NetworkSpec(hidden=(8,), output=Choice("sigmoid")),
    training=TrainingSpec(loss=Choice("binary-cross-entropy"), learning_rate=0.3),
    epochs=300,
)


def network(experiment, **keys):
    return replace(experiment, network=replace(experiment.network, **keys))


def training(experiment, **keys):
    return replace(experiment, training=replace(experiment.training, **keys))


def from_arrays(tmp_path, experiment, x, y, **data):
    np.savez(tmp_path / "data.npz", X=x, y=y)
    return replace(experiment, data=DataSpec(npz="data.npz", **data), folder=tmp_path)


def wide_column(tmp_path):
    x = np.random.default_rng(0).normal(0, 1, (80, 2))
    y = np.sin(x[:, 0]) + 0.5 * x[:, 1]
    return from_arrays(tmp_path, SINE, x * [1.0, 300.0], y)


def contradicting(tmp_path):
    x = np.repeat(np.linspace(-1, 1, 20), 2)[:, None]
    y = np.tile([1.0, -1.0], 20)
    return from_arrays(tmp_path, SINE, x, y)


def imbalanced(tmp_path):
    x = np.random.default_rng(0).normal(0, 1, (123, 2))
    y = np.arange(123) >= 120
    return from_arrays(tmp_path, replace(training(MOONS, learning_rate=0.05), epochs=100), x, y.astype(float))


def overfitted(tmp_path):
    return replace(load_preset("overfitting"), epochs=600)


ILL = {
    "wrong-gradient": lambda path: replace(
        training(load_preset("dead-output"), reduction="sum"),
        mistakes=Mistakes(("hidden", "output")),
        seed=1,
        epochs=1500,
    ),
    "contradictory-targets": contradicting,
    "imbalanced-classes": imbalanced,
    "output-cannot-reach-targets": lambda path: network(SINE, output=Choice("sigmoid")),
    "unstandardized-inputs": wide_column,
    "missing-bias": lambda path: network(load_preset("sequence"), bias=False, output=Choice("linear")),
    "bad-initialization": lambda path: network(MOONS, initializer=Choice("zeros")),
    "saturated-units": lambda path: replace(load_preset("saturated-tanh"), epochs=400),
    "vanishing-gradients": lambda path: replace(load_preset("vanishing-sigmoid"), epochs=400),
    "exploding-gradients": lambda path: network(
        MOONS, hidden=(8, 8, 8, 8), initializer=Choice("normal", (("mean", 0.0), ("std", 3.0)))
    ),
    "learning-rate-too-high": lambda path: replace(load_preset("rate-too-high"), epochs=800),
    "noisy-batches": lambda path: training(replace(SINE, epochs=40), batch_size=1, learning_rate=0.05),
    "dead-output": lambda path: replace(load_preset("dead-output"), epochs=1000),
    "dead-units": lambda path: replace(load_preset("dying-relu"), epochs=1000),
    "learning-rate-too-low": lambda path: training(SINE, learning_rate=1e-4),
    "insufficient-capacity": lambda path: network(SINE, hidden=(1,)),
    "overfitting": overfitted,
}
"""An experiment that has the fault, a symptom at least, after a tenth of its epochs."""


def after(experiment, share):
    trainer = Trainer(experiment)
    with np.errstate(all="ignore"):
        trainer.run(Run(epochs=max(round(share * experiment.epochs), 1)))
    return trainer


def symptoms(trainer):
    evidence = Witness(trainer).gather()
    return {name for name, fault in FAULTS.items() if fault.symptom(evidence)}


@pytest.mark.parametrize("name", sorted(set(FAULTS) - {"diverging", "non-finite"}))
def test_every_fault_shows(name, tmp_path):
    experiment = ILL[name](tmp_path)
    if not experiment.epochs:
        experiment = replace(experiment, epochs=1000)
    assert name in symptoms(after(experiment, 0.5 if name == "overfitting" else 0.1))


def test_a_loss_that_rises_from_nothing_at_all_is_no_error():
    evidence = Witness(after(SINE, 0.05)).gather()
    risen = replace(evidence, loss=0.5, diverged=True, trend=replace(evidence.trend, best=0.0))
    assert "come to 0" in FAULTS["diverging"].symptom(risen).summary
    held_out = replace(evidence, validation=evidence.loss + 1, best_validation=0.0, diverged=False)
    assert "come to 0" in FAULTS["overfitting"].symptom(held_out).summary
    for fault in FAULTS.values():
        fault.symptom(risen)
        fault.symptom(held_out)


def test_a_run_away_loss_and_numbers_that_are_none_are_two_things():
    growing = after(training(SINE, learning_rate=3.0), 0.005)
    ended = after(training(SINE, learning_rate=1e4), 1.0)
    assert ended.ended
    assert "non-finite" in symptoms(ended)
    assert "diverging" not in symptoms(ended)
    assert "non-finite" not in symptoms(growing)


@pytest.mark.parametrize("name", ["xor", "circles", "repaired", "worked-example"])
def test_presets_that_learn_have_nothing_confirmed(name):
    experiment = load_preset(name)
    trainer = Trainer(experiment)
    trainer.run(Run(epochs=experiment.epochs // 20))
    found = diagnose(trainer, epochs=min(experiment.epochs, 400))
    assert not found.confirmed, headline(found)
    assert found.recommended is None


def test_a_validation_loss_that_was_lower_by_luck_is_no_overfitting():
    trainer = Trainer(load_preset("spiral"))
    trainer.run(Run())
    assert trainer.validation_loss() > 20 * trainer.keeper.best_validation.loss
    assert not diagnose(trainer).confirmed


@pytest.mark.parametrize(
    "name",
    ["output-cannot-reach-targets", "bad-initialization", "learning-rate-too-low", "contradictory-targets"],
)
def test_the_root_is_named_first_and_its_cure_recommended(name, tmp_path):
    trainer = after(ILL[name](tmp_path), 0.05)
    found = diagnose(trainer)
    assert found.state == FINDING
    assert found.root.id == name
    assert found.root.confirmed
    if FAULTS[name].cures(Witness(trainer).gather()):
        cure = found.root.cures[0]
        assert cure is found.recommended
        assert cure.confirmed
        assert cure.loss_treated < 0.67 * cure.loss_untreated


def far_off(tmp_path, learning_rate):
    x = np.random.default_rng(0).normal(0, 1, (80, 2))
    y = np.sin(2 * x[:, 0]) + 0.5 * x[:, 1]
    return from_arrays(
        tmp_path, training(SINE, learning_rate=learning_rate), x * [1.0, 200.0] + [0.0, 3000.0], y
    )


def test_a_rate_lowered_until_large_inputs_no_longer_diverge_is_raised_when_they_are_standardised(tmp_path):
    found = diagnose(after(far_off(tmp_path, 1e-8), 0.05))
    assert found.root.id == "unstandardized-inputs"
    assert found.recommended.loss_treated < 0.5 * found.recommended.loss_untreated


def test_of_inputs_a_little_off_and_a_rate_far_too_low_the_rate_is_the_root(tmp_path):
    x = np.random.default_rng(0).normal(0, 1, (80, 2))
    y = np.sin(2 * x[:, 0]) + 0.5 * x[:, 1]
    experiment = from_arrays(tmp_path, training(SINE, learning_rate=1e-4), x + np.array([4.0, 0.0]), y)
    assert diagnose(after(experiment, 0.05)).root.id == "learning-rate-too-low"


@pytest.mark.parametrize(
    ("scale", "offset", "steepness"), [(1.0, 0.0, 1.0), (10.0, 0.0, 100.0), (1.0, 30.0, 901.0)]
)
def test_how_steep_raw_inputs_are_beside_standardised_ones(tmp_path, scale, offset, steepness):
    x = scale * np.repeat([[-1.0], [1.0]], 20, axis=0) + offset
    trainer = Trainer(from_arrays(tmp_path, SINE, x, np.arange(40.0)))
    assert Witness(trainer).gather().data.steepness == pytest.approx(steepness, rel=0.01)


@pytest.mark.parametrize(("seed", "held"), [(8, True), (3, False)])
def test_overfitting_that_begins_within_a_few_steps_is_found_whether_a_decay_holds_it_or_not(
    tmp_path, seed, held
):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(60, 8))
    y = x[:, 0] + 0.8 * rng.normal(size=60)
    experiment = replace(
        from_arrays(tmp_path, SINE, x, y, validation=0.4),
        network=NetworkSpec(hidden=(64, 64)),
        training=TrainingSpec(optimizer=Choice("adam"), learning_rate=0.01),
        epochs=500,
    )
    trainer = after(experiment, 0.2)
    assert trainer.keeper.best_validation.step < 64
    found = diagnose(trainer)
    assert found.root.id == "overfitting"
    assert (found.recommended is not None) is held


@pytest.fixture(scope="module")
def posted():
    """The posted network where it has stalled, and its diagnosis."""
    trainer = Trainer(replace(load_preset("as-posted"), epochs=1500))
    trainer.run(Run(epochs=100))
    return trainer, diagnose(trainer)


class TestThePostedNetwork:
    def test_has_a_wrong_gradient_that_overshot_and_killed_the_output(self, posted):
        found = posted[1]
        assert found.root.id == "wrong-gradient"
        confirmed = [finding.id for finding in found.confirmed]
        assert {"learning-rate-too-high", "dead-output"} <= set(found.root.cause_of)
        assert confirmed.index("learning-rate-too-high") < confirmed.index("dead-output")
        assert headline(found).startswith("wrong gradient → learning rate too high → dead output")

    def test_is_told_with_numbers(self, posted):
        root = posted[1].root
        assert root.evidence["scale"] == 10
        assert "sum over 10 samples" in root.summary
        assert "hidden and output" in root.summary

    def test_learns_when_treated_and_the_forecast_holds(self, posted):
        trainer = Trainer.fork(capture(posted[0]))
        forecast = posted[1].recommended
        assert forecast.loss_untreated == pytest.approx(6.22519)
        outcomes = treat(trainer, diagnosis=posted[1])
        assert [outcome.command for outcome in outcomes] == forecast.command.split("; ")
        trainer.run(Run())
        assert trainer.census().loss == pytest.approx(forecast.loss_treated, rel=0.3)
        assert trainer.census().loss < 0.25

    def test_treatment_is_undone_as_one_and_replays(self, posted):
        trainer = Trainer(posted[0].opened)
        trainer.run(Run(epochs=100))
        before = trainer.parameters_sha256()
        outcomes = treat(trainer, diagnosis=posted[1])
        assert len(outcomes) > 1
        trainer.run(Run(epochs=5))
        trainer.apply(Undo())
        assert trainer.parameters_sha256() == before
        treat(trainer, diagnosis=posted[1])
        trainer.run(Run(epochs=5))
        replay = Trainer(trainer.opened)
        for command in trainer.journal:
            replay.apply(command)
        assert replay.parameters_sha256() == trainer.parameters_sha256()

    def test_report_says_what_why_and_how_much(self, posted):
        text = "\n".join(line for _, line in report(posted[1]))
        for part in ("1. Wrong gradient", "6.225", posted[1].recommended.command, FAULTS["dead-output"].why):
            assert part in text

    def test_other_cures_can_be_asked_for_by_name(self, posted):
        trainer = Trainer.fork(capture(posted[0]))
        (outcome,) = treat(trainer, "reinit-dead", posted[1])
        assert outcome.command == "reinit-dead"
        with pytest.raises(UserError, match="no cure 'magic'"):
            treat(trainer, "magic", posted[1])


def test_a_diverged_run_is_rolled_back_and_learns():
    trainer = after(training(SINE, learning_rate=1e3), 1.0)
    assert trainer.ended
    found = diagnose(trainer, epochs=500)
    assert found.root.id == "learning-rate-too-high"
    assert "non-finite" in found.root.cause_of
    treat(trainer, diagnosis=found)
    trainer.run(Run(epochs=500))
    assert trainer.census().loss < 0.3 * trainer.baseline()


def test_causes_are_faults_and_come_before_their_effects():
    order = list(FAULTS)
    for name, fault in FAULTS.items():
        for cause in fault.causes:
            assert cause in FAULTS, (name, cause)
            assert name in effects_of(cause, order)


def test_every_fault_has_words_for_a_learner():
    for fault in FAULTS.values():
        assert fault.title[0].isupper()
        assert fault.why.endswith(".")
        assert 3 <= len(fault.help.splitlines()) <= 6, fault.id
        assert all(len(line) <= 120 for line in fault.help.splitlines())
