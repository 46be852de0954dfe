from __future__ import annotations

from dataclasses import replace

import pytest

from backprop_core import session as session_module
from backprop_core.commands import (
    Condition,
    Expect,
    ReinitDead,
    Restart,
    Run,
    SetActivation,
    SetOption,
    Step,
    Undo,
)
from backprop_core.errors import UserError
from backprop_core.experiment import Choice, DataSpec, Experiment, NetworkSpec, TrainingSpec
from backprop_core.grammar import parse_script
from backprop_core.pacing import AT_FULL_SPEED, Pace, Speedometer
from backprop_core.session import DIVERGED, DONE, PAUSED, RUNNING, Session
from backprop_core.snapshot import View
from backprop_core.trainer import Trainer

MOONS = Experiment(
    name="moons",
    data=DataSpec(builtin="moons", samples=50, noise=0.1, validation=0.2),
    network=NetworkSpec(hidden=(6,), output=Choice("sigmoid")),
    training=TrainingSpec(
        loss=Choice("binary-cross-entropy"), optimizer=Choice("adam"), learning_rate=0.02, batch_size=16
    ),
)
SERIES = Experiment(
    name="series",
    data=DataSpec(builtin="sequence", window=3, validation=0.17, standardize=True),
    network=NetworkSpec(hidden=(4,)),
    training=TrainingSpec(learning_rate=0.05),
)
WILD = replace(SERIES, training=replace(SERIES.training, learning_rate=1e4), seed=1)


class Clock:
    """Moves by ``tick`` at each look, and otherwise only when told to."""

    def __init__(self, tick: float = 0.0) -> None:
        self.now = 100.0
        self.tick = tick

    def __call__(self) -> float:
        self.now += self.tick
        return self.now


def begin(experiment: Experiment, clock: Clock | None = None, origin: str = "") -> Session:
    return Session.begin(experiment, origin, clock=clock or Clock())


def take_all(session: Session, at_once: int = 7) -> None:
    """Train until the session stops of itself."""
    while session.state == RUNNING:
        session.take_due(at_once)


def replay(experiment: Experiment, script: str) -> Trainer:
    """Carry a script out as a run without a screen does."""
    trainer = Trainer(experiment)
    for _, command in parse_script(script, "script"):
        trainer.apply(command)
    return trainer


def test_a_session_runs_from_the_start_and_stops_at_the_experiments_end():
    session = begin(replace(SERIES, epochs=20))
    assert session.state == RUNNING
    take_all(session)
    assert (session.state, session.reason) == (DONE, "20 epochs: the experiment's end")
    assert session.trainer.epoch == 20
    assert session.take_due(5) == 0


def test_the_experiments_until_stops_it_too():
    session = begin(replace(SERIES, until="epoch >= 5"))
    take_all(session)
    assert (session.state, session.reason) == (DONE, "epoch >= 5: reached in epoch 5")


def test_resuming_a_run_that_is_done_goes_on_beyond_its_end():
    session = begin(replace(SERIES, epochs=20))
    take_all(session)
    session.resume()
    assert session.state == RUNNING
    session.take_due(30)
    assert (session.state, session.trainer.epoch) == (RUNNING, 50)


def test_pause_stops_and_resume_goes_on():
    session = begin(SERIES)
    session.take_due(5)
    session.pause()
    assert session.state == PAUSED
    assert session.take_due(5) == 0
    assert session.idle_seconds is None
    session.resume()
    assert session.take_due(5) == 5
    assert session.idle_seconds == 0


@pytest.mark.parametrize("seconds", [0.0, 0.004, 1.0])
def test_chunks_by_the_clock_leave_the_bits_as_they_are(seconds):
    session = begin(replace(MOONS, epochs=40), Clock(tick=0.0003))
    while session.state == RUNNING:
        session.advance(seconds)
        session.frame(View())
    whole = Trainer(replace(MOONS, epochs=40))
    whole.run(Run())
    assert session.trainer.parameters_sha256() == whole.parameters_sha256()


def test_chunks_grow_until_they_last_as_long_as_asked():
    clock = Clock()
    session = begin(SERIES, clock)
    step, chunks = session.trainer.step, []

    def slow_step(batches: int = 1) -> int:
        chunks.append(batches)
        clock.now += 0.0001 * batches
        return step(batches)

    session.trainer.step = slow_step
    for _ in range(8):
        session.advance(0.004)
    assert chunks[0] == 1
    assert chunks[-1] == pytest.approx(40, abs=1)


def test_a_long_run_command_sets_a_goal_at_which_it_pauses():
    session = begin(replace(SERIES, epochs=5))
    outcome = session.command(Run(epochs=10_000))
    assert outcome.result == "training: run 10000 epochs"
    assert session.state == RUNNING
    take_all(session, 1500)
    assert (session.state, session.trainer.epoch) == (PAUSED, 10_000)
    assert session.reason == "run 10000 epochs: done at step 10000"


def test_a_long_step_command_trains_on_and_pauses_at_its_end():
    session = begin(MOONS)
    session.command(Step(5001))
    assert session.state == RUNNING
    take_all(session, 999)
    assert (session.state, session.trainer.step_count) == (PAUSED, 5001)


def test_a_run_until_a_condition_pauses_there():
    session = begin(SERIES)
    session.command(Run(until=Condition("epoch", ">=", 12)))
    take_all(session)
    assert (session.state, session.trainer.epoch) == (PAUSED, 12)


def test_a_bare_run_goes_to_the_experiments_end():
    session = begin(replace(SERIES, epochs=5))
    session.pause()
    session.command(Run())
    take_all(session)
    assert (session.state, session.trainer.epoch) == (DONE, 5)


def test_a_goal_outlives_a_pause_and_steps_within():
    session = begin(SERIES)
    session.command(Run(epochs=3000))
    session.take_due(100)
    session.command(Step(3))
    assert (session.state, session.trainer.step_count) == (PAUSED, 103)
    session.resume()
    take_all(session, 1000)
    assert (session.state, session.trainer.epoch) == (PAUSED, 3000)


def test_after_a_reached_goal_resume_goes_to_the_experiments_end():
    session = begin(replace(SERIES, epochs=4000))
    session.command(Run(epochs=2000))
    take_all(session, 1000)
    session.resume()
    take_all(session, 1000)
    assert (session.state, session.trainer.epoch) == (DONE, 4000)


def test_a_step_pauses_and_answers_with_what_it_changed():
    session = begin(MOONS)
    outcome = session.command(Step(2))
    assert (session.state, session.trainer.step_count) == (PAUSED, 2)
    assert outcome.loss_before != outcome.loss_after
    assert outcome.result.startswith("2 steps taken")


def test_a_step_to_the_very_end_is_done_and_the_next_goes_beyond():
    session = begin(replace(SERIES, epochs=3))
    session.command(Step(3))
    assert session.state == DONE
    session.command(Step(1))
    assert (session.state, session.trainer.step_count) == (PAUSED, 4)
    session.command(Run(epochs=1))
    assert (session.state, session.trainer.step_count) == (PAUSED, 5)


def test_training_of_unknown_or_long_duration_never_holds_up_the_answer():
    session = begin(SERIES)
    steps = round(session_module.AT_ONCE_SECONDS / session_module.ASSUMED_STEP_SECONDS)
    session.command(Step(steps + 1))
    assert session.trainer.step_count == 0
    session.command(Run(steps=5, until=Condition("loss", "<", 0)))
    assert session.trainer.step_count == 0
    session.command(Step(steps))
    assert session.trainer.step_count == steps


def test_expect_says_whether_it_holds():
    session = begin(SERIES)
    session.take_due(5)
    assert session.command(Expect(Condition("step", "==", 5))).passed is True
    assert session.command(Expect(Condition("epoch", ">", 5))).passed is False
    assert session.state == RUNNING


def test_a_refused_command_changes_nothing():
    session = begin(SERIES)
    session.take_due(5)
    with pytest.raises(UserError, match="nothing to undo"):
        session.command(Undo())
    assert (session.state, session.trainer.step_count) == (RUNNING, 5)


def test_a_non_finite_loss_is_divergence():
    session = begin(WILD)
    take_all(session)
    assert session.state == DIVERGED
    bad = session.trainer.history.non_finite[0]
    assert session.reason == f"non-finite loss at step {bad}: undo or restart"
    for forbidden in (
        session.resume,
        lambda: session.command(Step()),
        lambda: session.command(Run(epochs=1)),
    ):
        with pytest.raises(UserError, match="undo or restart first"):
            forbidden()
    session.pause()
    assert session.state == DIVERGED


def test_undo_of_a_divergence_is_paused_at_the_state_before():
    session = begin(SERIES)
    session.take_due(10)
    session.command(SetOption("learning-rate", 1e6))
    take_all(session)
    assert session.state == DIVERGED
    session.command(Undo())
    assert (session.state, session.reason, session.trainer.step_count) == (PAUSED, "", 10)
    session.resume()
    assert session.take_due(5) == 5


def test_an_intervention_that_does_not_heal_leaves_a_divergence_diverged():
    session = begin(WILD)
    take_all(session)
    session.command(SetOption("learning-rate", 0.01))
    assert session.state == DIVERGED


@pytest.mark.parametrize("experiment", [WILD, replace(SERIES, epochs=5)], ids=["diverged", "done"])
def test_restart_of_a_run_that_has_come_to_an_end_runs(experiment):
    session = begin(experiment)
    take_all(session)
    session.command(Restart(seed=3))
    assert (session.state, session.reason, session.trainer.step_count) == (RUNNING, "", 0)


def test_undo_and_restart_keep_a_running_session_running_and_a_paused_one_paused():
    session = begin(SERIES)
    for command in (SetOption("learning-rate", 0.01), Restart(), Undo(), Undo()):
        session.command(command)
        assert session.state == RUNNING
    session.pause()
    for command in (SetOption("learning-rate", 0.01), Restart(), Undo(), Undo()):
        session.command(command)
        assert session.state == PAUSED


def test_restart_puts_the_experiments_own_end_back():
    session = begin(replace(SERIES, epochs=5))
    take_all(session)
    session.resume()
    session.take_due(20)
    session.command(Restart())
    take_all(session)
    assert (session.state, session.trainer.epoch) == (DONE, 5)


def test_undo_from_done_to_before_the_end_is_paused():
    session = begin(replace(SERIES, epochs=5))
    session.take_due(2)
    session.command(SetOption("learning-rate", 0.01))
    take_all(session)
    session.command(Undo())
    assert (session.state, session.trainer.epoch) == (PAUSED, 2)
    session.resume()
    take_all(session)
    assert (session.state, session.trainer.epoch) == (DONE, 5)


def test_a_script_replays_to_the_same_bits():
    session = begin(MOONS)
    session.take_due(50)
    session.command(SetActivation("hidden", Choice("leaky-relu", (("slope", 0.01),))))
    session.take_due(41)
    session.command(Step(3))
    session.command(ReinitDead())
    session.command(SetOption("learning-rate", 0.001))
    session.resume()
    session.take_due(100)
    session.command(Undo())
    session.command(Restart(seed=9))
    session.take_due(77)
    script = session.script()
    assert replay(MOONS, script).parameters_sha256() == session.trainer.parameters_sha256()


def test_a_script_says_how_to_run_it():
    script = begin(SERIES, origin="--series 'my file.txt' --window 3").script()
    assert "#   backprop-tui run --series 'my file.txt' --window 3 --headless --script FILE\n" in script
    assert "backprop-tui run 'two words' --headless" in begin(replace(SERIES, name="two words")).script()


def test_a_name_cannot_smuggle_a_command_into_a_script():
    script = begin(replace(SERIES, name="x\nrestart\x1b[2J\r\nrestart"), origin="a\nrestart").script()
    assert parse_script(script, "script") == ()
    assert "\x1b" not in script


def test_a_frame_tells_state_and_speed():
    session = begin(SERIES)
    session.take_due(12)
    session.pause()
    frame = session.frame(View())
    assert (frame.state, frame.snapshot.step, frame.steps_per_second) == (PAUSED, 12, 0)


def test_costly_frames_are_repeated_while_running_and_never_after_a_command():
    clock = Clock()
    session = begin(SERIES, clock)
    trainer = session.trainer
    snapshot = trainer.snapshot

    def costly(rows: int = 100):
        clock.now += 0.02
        return snapshot(rows)

    trainer.snapshot = costly

    def step_shown() -> int:
        session.take_due(1)
        return session.frame(View()).snapshot.step

    assert step_shown() == 1
    clock.now += 0.45
    assert step_shown() == 1
    clock.now += 0.45
    assert step_shown() == 3
    session.command(SetOption("learning-rate", 0.01))
    assert step_shown() == 4
    session.pause()
    assert session.frame(View()).state == PAUSED


def test_another_view_is_never_answered_with_a_repeated_frame():
    session = begin(SERIES, Clock(tick=0.01))
    assert session.frame(View(layer=1)).heatmap.layer == 1
    assert session.frame(View(layer=2)).heatmap.layer == 2


def test_load_replaces_the_run_and_a_failed_load_does_not():
    session = begin(SERIES)
    session.take_due(5)
    missing = replace(SERIES, data=DataSpec(series="no such file", window=3))
    with pytest.raises(UserError, match="no such file"):
        session.load(missing)
    assert (session.trainer.opened.name, session.trainer.step_count) == ("series", 5)
    session.pause()
    session.load(MOONS)
    assert (session.state, session.trainer.opened.name, session.trainer.step_count) == (RUNNING, "moons", 0)


def test_a_session_goes_on_from_its_state_bit_for_bit():
    session = begin(MOONS)
    session.take_due(31)
    other = Session.begin(session.save_state())
    assert other.state == RUNNING
    session.take_due(30)
    other.take_due(30)
    assert other.trainer.parameters_sha256() == session.trainer.parameters_sha256()
    assert other.script() == session.script()


def test_a_pace_limits_the_steps_and_says_how_long_to_wait():
    clock = Clock()
    session = begin(SERIES, clock)
    session.set_pace(20)
    session.advance(0.004)
    assert session.trainer.step_count == 0
    assert session.idle_seconds == pytest.approx(0.05)
    for _ in range(40):
        clock.now += session.idle_seconds
        session.advance(0.004)
    assert session.trainer.step_count == pytest.approx(40, abs=1)
    assert session.steps_per_second == pytest.approx(20, rel=0.1)
    session.set_pace(None)
    assert session.idle_seconds == 0


@pytest.mark.parametrize("pace", [0, -1, float("inf"), float("nan")])
def test_a_pace_must_be_a_number_above_zero(pace):
    with pytest.raises(UserError, match="above 0"):
        begin(SERIES).set_pace(pace)


def test_time_in_which_nothing_was_trained_is_not_made_up_for():
    pace = Pace(0.0, 10)
    assert pace.due(0.2) == 2
    pace.note(2)
    assert pace.due(60.0) == 2
    assert Pace(0.0).due(1.0) == AT_FULL_SPEED


def test_speed_is_that_of_the_last_second():
    speed = Speedometer(0.0)
    for chunk in range(1, 1001):
        speed.note(chunk * 0.01, 10)
    assert speed.rate == pytest.approx(1000)
    for chunk in range(1, 301):
        speed.note(10 + chunk * 0.01, 30)
    assert speed.rate == pytest.approx(3000)


def test_speed_below_one_step_a_second_is_measured_too():
    speed = Speedometer(0.0)
    for step in range(1, 5):
        speed.note(step * 4.0, 1)
        speed.note(step * 4.0 + 0.1, 0)
    assert speed.rate == pytest.approx(0.25)
