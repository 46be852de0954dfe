"""Watching: persistent symptoms only, at places that do not depend on how fast anything is; reading only."""

from __future__ import annotations

from dataclasses import replace

from backprop_core.commands import Initialize, Run, SetOption
from backprop_core.diagnosis import Watch, diagnose
from backprop_core.diagnosis.supervision import Supervision
from backprop_core.diagnosis.watch import PERSISTENT
from backprop_core.presets import load_preset
from backprop_core.trainer import Goal, Trainer

DYING = replace(load_preset("dying-relu"), epochs=600)


def watched(trainer, times, epochs=5):
    watch = Watch(trainer)
    for _ in range(times):
        trainer.run(Run(epochs=epochs))
        health = watch.observe()
    return watch, health


def test_a_symptom_has_to_persist():
    trainer = Trainer(DYING)
    watch, health = watched(trainer, PERSISTENT - 1)
    assert (health.state, health.wants_diagnosis) == ("healthy", False)
    trainer.run(Run(epochs=5))
    health = watch.observe()
    assert (health.state, health.wants_diagnosis) == ("watching", True)
    assert {one.id for one in health.suspicions} >= {"learning-rate-too-high", "dead-units"}
    assert watch.since["dead-units"] == 5


def test_looking_twice_at_one_step_counts_once():
    trainer = Trainer(DYING)
    watch, _ = watched(trainer, PERSISTENT - 1)
    for _ in range(5):
        assert watch.observe().state == "healthy"


def test_a_symptom_that_is_gone_is_forgotten_after_a_while():
    trainer = Trainer(DYING)
    watch, _ = watched(trainer, PERSISTENT)
    trainer.apply(SetOption("learning-rate", 0.02))
    trainer.apply(Initialize())
    for number in range(PERSISTENT):
        assert "dead-units" in {one.id for one in watch.health().suspicions}, number
        trainer.run(Run(epochs=5))
        watch.observe()
    assert "dead-units" not in {one.id for one in watch.health().suspicions}


def test_what_was_investigated_is_not_asked_for_again():
    trainer = Trainer(DYING)
    watch, health = watched(trainer, PERSISTENT)
    assert health.wants_diagnosis
    watch.note(diagnose(trainer, epochs=20))
    trainer.run(Run(epochs=5))
    assert not watch.observe().wants_diagnosis


def test_watching_changes_nothing():
    seen, unseen = Trainer(load_preset("spiral")), Trainer(load_preset("spiral"))
    watched(seen, 4, epochs=1)
    unseen.run(Run(epochs=4))
    assert seen.parameters_sha256() == unseen.parameters_sha256()


class TestSupervision:
    def looks(self, experiment):
        trainer = Trainer(experiment)
        supervision = Supervision(trainer)
        places = []
        while trainer.epoch < supervision.epochs:
            trainer.advance(Goal(epoch=supervision.next_epoch), None)
            places.append(trainer.epoch)
        return places

    def test_looks_come_early_first_and_end_with_the_training(self):
        places = self.looks(replace(load_preset("xor"), epochs=1000))
        assert places[:4] == [10, 20, 30, 60]
        assert places[-1] == 1000

    def test_short_trainings_are_looked_at_as_well(self):
        assert self.looks(replace(load_preset("xor"), epochs=3)) == [3]
        assert self.looks(replace(load_preset("xor"), epochs=40))[:3] == [10, 20, 30]

    def test_a_faulty_run_is_found_treated_and_ends_where_it_was_to_end(self):
        trainer = Trainer(DYING)
        supervision = Supervision(trainer)
        found = []
        while supervision.left:
            trainer.advance(Goal(epoch=supervision.next_epoch), None)
            diagnosis = supervision.look()
            if diagnosis is not None and supervision.treat(diagnosis):
                found.append(diagnosis)
        assert found[0].root.id == "learning-rate-too-high"
        assert trainer.epoch == 600
        assert trainer.census().loss < 0.2 * found[0].recommended.loss_untreated
