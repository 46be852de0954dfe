"""A session's care of its run: watching that changes nothing, diagnoses noted, treatments followed."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from backprop_core.care import WATCH_SHARE, Care
from backprop_core.commands import (
    AddBias,
    ReinitDead,
    Restart,
    SetOption,
    Step,
    TrueGradient,
    Undo,
)
from backprop_core.diagnosis import Diagnosis, Forecast, ForkCurve
from backprop_core.errors import UserError
from backprop_core.experiment_file import parse_experiment
from backprop_core.grammar import parse_script
from backprop_core.presets import load_preset
from backprop_core.session import DONE, PAUSED, RUNNING, Session
from backprop_core.snapshot import Mark, View
from backprop_core.trainer import Trainer

VIEW = View()
DEAD_AT = 200


def make_session(preset="sequence", steps=0, *, running=False):
    experiment = load_preset(preset)
    if preset == "as-posted":
        experiment = replace(experiment, epochs=2000)
    session = Session.begin(experiment, running=running, clock=lambda: 0.0)
    session.trainer.step(steps)
    return session


def make_forecast(*commands, epochs=50, loss=0.5, **changes):
    curve = ForkCurve((0.0, float(epochs)), (2.4, loss))
    forecast = Forecast(
        "cure", commands, "cure it", False, True, False, "training", 2.4, 2.4, loss, epochs, curve, curve
    )
    return replace(forecast, **changes)


def health_after(session, frames=4):
    for _ in range(frames):
        frame = session.frame(VIEW)
    return frame.health


def train(session, steps):
    while steps > 0:
        taken = session.take_due(steps)
        assert taken
        steps -= taken


def replayed(session):
    """Return a trainer on which the session's own script has been carried out."""
    trainer = Trainer(session.trainer.opened)
    for _, command in parse_script(session.script(), "script"):
        trainer.apply(command)
    return trainer


def test_the_first_frame_does_not_wait_for_the_watch():
    session = make_session(steps=DEAD_AT)
    assert session.frame(VIEW).health is None
    assert session.frame(VIEW).health is not None


def test_a_symptom_that_stays_is_watched_and_wants_a_diagnosis():
    session = make_session(running=True)
    states = []
    for _ in range(6):
        train(session, 100)
        states.append(session.frame(VIEW).health)
    assert states[1].state == "healthy"
    assert states[-1].state == "watching"
    assert states[-1].wants_diagnosis
    assert "dead-units" in [suspicion.id for suspicion in states[-1].suspicions]


def test_of_a_run_that_stands_still_one_look_is_enough():
    session = make_session("as-posted", running=True)
    train(session, 2000)
    assert session.state == DONE
    health = health_after(session, 2)
    assert health.state == "watching"
    assert health.wants_diagnosis
    assert health.suspicions[0].id == "wrong-gradient"
    assert health.line == health.suspicions[0].summary


def test_watching_changes_nothing_that_is_trained():
    watched, alone = make_session("digits", running=True), make_session("digits", running=True)
    for _ in range(8):
        train(watched, 7)
        watched.frame(VIEW)
    assert watched._care.health is not None
    train(alone, 56)
    assert watched.trainer.parameters_sha256() == alone.trainer.parameters_sha256()
    assert watched.trainer.rng.bit_generator.state == alone.trainer.rng.bit_generator.state
    assert watched.script().splitlines()[3:] == alone.script().splitlines()[3:]


def test_looks_are_as_far_apart_as_their_share_of_the_time_asks():
    trainer = Trainer(load_preset("sequence"))
    ticks = count()
    care = Care(trainer, lambda: float(next(ticks)), count())
    looks = []
    for _ in range(1000):
        trainer.step(1)
        before = next(ticks)
        care.look(running=True)
        took = next(ticks) - before - 1
        looks.append(took > 1)
    # Every look takes one tick of this clock, so at two in a hundred they are 50 ticks apart.
    assert 3 <= sum(looks) <= 1 + 3 * 1000 * WATCH_SHARE


@pytest.mark.parametrize(
    "change", [SetOption("learning-rate", 0.01), ReinitDead(), Restart(), Restart(3)], ids=str
)
def test_an_intervention_makes_another_run_of_it(change):
    session = make_session(steps=DEAD_AT)
    before = session.frame(VIEW).version
    session.command(change)
    assert session.frame(VIEW).version > before


def test_undo_and_another_experiment_do_so_too_but_training_does_not():
    session = make_session(steps=DEAD_AT)
    session.command(ReinitDead())
    versions = [session.frame(VIEW).version]
    for change in (lambda: session.command(Undo()), lambda: session.load(load_preset("xor"))):
        change()
        versions.append(session.frame(VIEW).version)
    assert versions == sorted(set(versions))
    session.command(Step(3))
    assert session.frame(VIEW).version == versions[-1]


def test_a_diagnosis_of_the_run_as_it_was_is_not_taken_in():
    session = make_session(steps=DEAD_AT)
    health_after(session)
    case = session.examine()
    diagnosis = Diagnosis("healthy", DEAD_AT, DEAD_AT, 2.4)
    session.command(ReinitDead())
    assert session.note(case.version, diagnosis) is False
    assert session.note(session.examine().version, diagnosis) is True


def test_what_has_been_investigated_is_not_wanted_again():
    session = make_session(steps=DEAD_AT)
    assert health_after(session).wants_diagnosis
    session.note(session.examine().version, Diagnosis("watching", DEAD_AT, DEAD_AT, 2.4))
    session.trainer.step(1)
    health = health_after(session)
    assert health.state == "watching"
    assert not health.wants_diagnosis


def test_a_treatment_is_plain_commands_that_replay_to_the_same_bits():
    session = make_session("as-posted", 1500, running=True)
    cure = make_forecast(TrueGradient(), SetOption("reduction", "mean"), ReinitDead())
    outcomes = session.treat(session.frame(VIEW).version, cure)
    assert [outcome.command for outcome in outcomes] == ["true-gradient", "set reduction mean", "reinit-dead"]
    train(session, 500)
    assert "treat" not in session.script().replace("treated", "")
    assert replayed(session).parameters_sha256() == session.trainer.parameters_sha256()


def test_undo_takes_a_treatment_back_as_a_whole_and_replays_too():
    session = make_session("as-posted", 1500)
    before = session.trainer.parameters_sha256()
    session.treat(session.frame(VIEW).version, make_forecast(TrueGradient(), AddBias(), ReinitDead()))
    session.command(Step(20))
    session.command(Undo())
    assert session.trainer.parameters_sha256() == before
    assert session.trainer.experiment.mistakes.missing_derivative
    assert session.frame(VIEW).treatments == ()
    session.command(Step(5))
    assert replayed(session).parameters_sha256() == session.trainer.parameters_sha256()


def test_a_cure_that_cannot_be_applied_whole_is_not_applied_at_all():
    session = make_session(steps=DEAD_AT)
    before = session.trainer.parameters_sha256()
    with pytest.raises(UserError, match="biases already"):
        session.treat(session.frame(VIEW).version, make_forecast(ReinitDead(), AddBias()))
    assert session.trainer.parameters_sha256() == before
    assert session.trainer.interventions == []
    assert session.frame(VIEW).treatments == ()


def test_a_cure_for_another_version_of_the_run_is_refused():
    session = make_session(steps=DEAD_AT)
    version = session.frame(VIEW).version
    session.command(SetOption("learning-rate", 0.01))
    with pytest.raises(UserError, match="changed since"):
        session.treat(version, make_forecast(ReinitDead()))
    assert session.trainer.census().dead_count == 4


@pytest.mark.parametrize("running", [True, False])
def test_a_treated_run_goes_on_as_it_was(running):
    session = make_session(steps=DEAD_AT, running=running)
    session.treat(session.frame(VIEW).version, make_forecast(ReinitDead()))
    assert session.state == (RUNNING if running else PAUSED)


def test_a_run_at_its_end_has_its_epochs_once_more_and_says_what_was_gained():
    session = make_session("as-posted", running=True)
    train(session, 2000)
    cure = make_forecast(TrueGradient(), SetOption("reduction", "mean"), ReinitDead(), epochs=300, loss=0.7)
    session.treat(session.frame(VIEW).version, cure)
    assert session.state == RUNNING
    (before,) = session.frame(VIEW).treatments
    assert before.result == ""
    assert session.frame(VIEW).curve.marks == (Mark(2000, "treated, forecast 0.7"),)
    train(session, 300)
    assert session.state == RUNNING
    frame = session.frame(VIEW)
    (after,) = frame.treatments
    loss = session.trainer.census().loss
    assert after.loss_after == loss < before.loss_before == pytest.approx(6.22519)
    assert frame.curve.marks == (Mark(2000, f"→ {loss:.3g}, forecast 0.7"),)
    assert f"6.225 → {loss:.4g} in 300 epochs; forecast 0.7, untreated 2.4" in after.result
    train(session, 1700)
    assert (session.state, session.reason) == (DONE, "4000 epochs: the treated run's end")


def test_a_treatment_is_measured_exactly_where_its_forecast_ends_however_much_is_trained_at_once():
    session, alone = (make_session(steps=DEAD_AT, running=True) for _ in range(2))
    for one in (session, alone):
        one.treat(one.frame(VIEW).version, make_forecast(ReinitDead(), epochs=80))
    train(session, 10_000)
    alone.trainer.step(80)
    (treatment,) = session.frame(VIEW).treatments
    assert treatment.epochs_after == 80
    assert treatment.loss_after == alone.trainer.census().loss


def test_another_intervention_ends_the_measurement():
    session = make_session(steps=DEAD_AT, running=True)
    session.treat(session.frame(VIEW).version, make_forecast(ReinitDead(), epochs=80))
    train(session, 30)
    loss = session.trainer.census().loss
    session.command(SetOption("learning-rate", 0.01))
    (treatment,) = session.frame(VIEW).treatments
    assert (treatment.loss_after, treatment.epochs_after) == (loss, 30)
    assert "in 30 epochs; forecast 0.5 after 80" in treatment.result


def test_the_run_of_a_treatment_measured_by_validation_is_followed_by_that():
    session = make_session(steps=DEAD_AT, running=True)
    session.treat(session.frame(VIEW).version, make_forecast(ReinitDead(), epochs=10, measured="validation"))
    train(session, 10)
    (treatment,) = session.frame(VIEW).treatments
    assert treatment.loss_after == session.trainer.validation_loss() != session.trainer.census().loss


def test_a_run_that_has_diverged_trains_again_once_treated():
    text = """
[experiment]
name = "too fast"
[data]
builtin = "sequence"
window = 3
[network]
hidden = [4]
output = "linear"
[training]
loss = "quadratic"
learning_rate = 1000.0
"""
    session = Session(Trainer(parse_experiment(text, "test", Path())), clock=lambda: 0.0)
    with np.errstate(all="ignore"):
        while session.state == RUNNING:
            session.take_due(100)
    assert session.state == "DIVERGED"
    health = health_after(session)
    assert health.state == "watching"
    session.treat(session.frame(VIEW).version, make_forecast(SetOption("learning-rate", 0.01), Restart()))
    assert session.state == RUNNING
    train(session, 50)
    assert np.isfinite(session.frame(VIEW).snapshot.training_loss)
