"""Forks: they see what the run would see, and the run does not notice them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backprop_core.commands import Initialize, ReinitDead, Run, SetOption
from backprop_core.diagnosis import diagnose
from backprop_core.diagnosis.forks import measuring_epochs, run_fork
from backprop_core.diagnosis.report import TRAINING
from backprop_core.diagnosis.verdict import CLEAR, compare
from backprop_core.experiment import Choice, DataSpec, Experiment, NetworkSpec, TrainingSpec
from backprop_core.presets import load_preset
from backprop_core.trainer import Trainer
from backprop_core.training_state import capture

BATCHES = Experiment(
    data=DataSpec(builtin="moons", noise=0.1, samples=60, validation=0.2),
    network=NetworkSpec(hidden=(6,), output=Choice("sigmoid")),
    training=TrainingSpec(loss=Choice("binary-cross-entropy"), learning_rate=0.3, batch_size=8),
)


def in_the_middle(experiment=BATCHES, steps=23):
    trainer = Trainer(experiment)
    trainer.step(steps)
    return trainer


def test_a_fork_without_a_cure_is_the_runs_own_future():
    trainer = in_the_middle()
    fork = run_fork(capture(trainer), (), 20)
    trainer.run(Run(epochs=20))
    assert fork.training[-1] == trainer.census().loss
    assert fork.validation[-1] == trainer.validation_loss()


def test_the_run_goes_on_as_if_nobody_had_asked():
    asked, left_alone = in_the_middle(), in_the_middle()
    diagnose(asked, epochs=10)
    run_fork(capture(asked), (Initialize(), SetOption("learning-rate", 3.0)), 5, order=1)
    for trainer in (asked, left_alone):
        trainer.run(Run(epochs=5))
    assert asked.parameters_sha256() == left_alone.parameters_sha256()
    assert asked.journal == left_alone.journal


def test_other_orders_are_other_batches_and_the_same_ones_every_time():
    state = capture(in_the_middle())
    own, other, again = (run_fork(state, (), 10, order) for order in (0, 1, 1))
    assert own.training[-1] != other.training[-1]
    assert other.training == again.training


def test_a_cure_that_cannot_be_applied_has_no_result():
    from backprop_core.commands import AddBias

    assert run_fork(capture(in_the_middle()), (AddBias(),), 5) is None


def test_a_run_in_which_nothing_moves_is_not_trained_to_its_end():
    trainer = Trainer(load_preset("dead-output"))
    trainer.run(Run(epochs=500))
    fork = run_fork(capture(trainer), (), 100_000_000)
    assert fork.final == pytest.approx(6.22519)
    assert fork.epochs[-1] == 100_000_000


def test_a_fork_that_diverges_ends_at_infinity():
    regression = replace(
        BATCHES, data=DataSpec(builtin="sine"), network=NetworkSpec(hidden=(6,)), training=TrainingSpec()
    )
    state = capture(in_the_middle(regression, 3))
    assert run_fork(state, (SetOption("learning-rate", 1e6),), 50).final == float("inf")


def test_the_goal_of_the_experiment_ends_a_fork():
    state = capture(in_the_middle(replace(BATCHES, until="loss < 0.4")))
    fork = run_fork(state, (), 500)
    assert fork.reached
    assert fork.epochs[-1] < 500
    assert fork.final < 0.4


@pytest.mark.parametrize("epochs", [1, 2, 7, 24, 1000])
def test_measurements_end_with_the_last_epoch_and_are_close_there(epochs):
    measured = measuring_epochs(epochs)
    assert measured[-1] == epochs
    assert measured == sorted(set(measured))
    assert sum(epoch >= 0.9 * epochs for epoch in measured) >= min(5, max(epochs // 10, 1))


def test_recycling_is_not_judged_by_one_draw():
    trainer = Trainer(load_preset("dying-relu"))
    trainer.run(Run(epochs=300))
    trainer.apply(SetOption("learning-rate", 0.05))
    state = capture(trainer)
    draws = {run_fork(state, (ReinitDead(),), 50, order).final for order in range(3)}
    assert len(draws) == 3


class TestVerdict:
    """Better means lower by the margin, and beyond what the loss goes to and fro by."""

    def ends(self, final, wobble=0.0):
        return replace(self.fork, final=final, last=(final - wobble, final + wobble))

    @pytest.fixture(autouse=True)
    def _fork(self):
        self.fork = run_fork(capture(in_the_middle()), (), 2)
        self.fork = replace(self.fork, validation=())

    def better(self, untreated, treated):
        return compare(untreated, treated, 1.0, TRAINING, CLEAR).better

    def test_a_third_lower_is_better_a_tenth_is_not(self):
        assert self.better([self.ends(0.6)], [self.ends(0.3)])
        assert not self.better([self.ends(0.6)], [self.ends(0.54)])

    def test_what_nobody_would_notice_is_not(self):
        assert not self.better([self.ends(0.02)], [self.ends(0.001)])

    def test_noise_that_reaches_as_far_is_not(self):
        assert not self.better([self.ends(0.6, 0.25)], [self.ends(0.3, 0.1)])

    def test_one_lucky_order_is_not(self):
        untreated = [self.ends(0.6)] * 3
        assert not self.better(untreated, [self.ends(0.1), self.ends(0.6), self.ends(0.6)])
        assert self.better(untreated, [self.ends(0.1), self.ends(0.1), self.ends(0.6)])

    def test_a_lower_training_loss_at_the_price_of_the_validation_loss_is_not(self):
        untreated = replace(self.ends(0.6), validation=(0.5,), final_validation=0.5)
        treated = replace(self.ends(0.1), validation=(0.5,), final_validation=0.9)
        assert not self.better([untreated], [treated])
