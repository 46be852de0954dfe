"""A trainer being run live: running or paused, to a goal, at a pace; commands in, frames out."""

from __future__ import annotations

import math
import shlex
from dataclasses import replace
from itertools import count
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.care import Care
from backprop_core.checkpoint import open_checkpoint, to_bytes
from backprop_core.commands import Outcome, Restart, Run, SaveCheckpoint, Step, Undo
from backprop_core.errors import UserError
from backprop_core.events import end_event
from backprop_core.frames import FrameBuilder
from backprop_core.grammar import format_command
from backprop_core.interventions import save_checkpoint
from backprop_core.pacing import Pace, Speedometer
from backprop_core.recording import recorded_snapshot
from backprop_core.trainer import Goal, Trainer
from backprop_core.wording import plural

if TYPE_CHECKING:
    from collections.abc import Callable

    from backprop_core.commands import Command
    from backprop_core.consulting import Case
    from backprop_core.diagnosis.report import Diagnosis, Forecast
    from backprop_core.experiment import Experiment
    from backprop_core.snapshot import Frame, View

RUNNING, PAUSED, DONE, DIVERGED = "RUNNING", "PAUSED", "DONE", "DIVERGED"

ENDLESS = Goal()

FRAME_SHARE = 0.04
"""Frames may take this share of the time; where they are costly, a running session repeats one."""

REPEATED_SECONDS = 1.0
"""No frame is repeated for longer."""

AT_ONCE_SECONDS = 0.05
"""Training that a command asks for is done within the command if it should take no longer than this."""

ASSUMED_STEP_SECONDS = 1e-4
"""What a step is taken to last before one has been timed."""


class Session:
    """A run being watched.

    Wherever the time goes, pauses and frames included, the weights are those of the same commands
    carried out without a screen.

    Parameters
    ----------
    trainer : Trainer
    origin : str, optional
        The words that open this experiment on the command line; its name if left out.
    clock : callable, optional
        Returns seconds.

    Attributes
    ----------
    state : str
        RUNNING, PAUSED, DONE (the experiment's own end was reached) or DIVERGED (the loss is not finite).
    reason : str
        Why it is in this state, in a line; empty if the user wanted it so.
    """

    state: str
    reason: str
    _last_frame: tuple[View, Frame] | None
    _frame_due: float

    def __init__(
        self,
        trainer: Trainer,
        origin: str = "",
        clock: Callable[[], float] = perf_counter,
        *,
        running: bool = True,
    ) -> None:
        self._clock = clock
        self._pace = Pace(clock())
        self._versions = count(1)
        self._open(trainer, origin, running)

    @classmethod
    def begin(
        cls,
        source: Experiment | bytes,
        origin: str = "",
        running: bool = True,
        clock: Callable[[], float] = perf_counter,
    ) -> Session:
        """Return a session with an experiment, or one that goes on from a checkpoint's content."""
        trainer, paused = _open_source(source)
        return cls(trainer, origin, clock, running=running and not paused)

    def _open(self, trainer: Trainer, origin: str, running: bool) -> None:
        self.goal = trainer.goal(Run())
        self.trainer = trainer
        self._care = Care(trainer, self._clock, self._versions)
        self._shown = False
        self.origin = _one_line(origin) or shlex.quote(_one_line(trainer.opened.name))
        self._goal_command: Run | Step | None = None
        self._chunk = 1
        self._step_seconds = ASSUMED_STEP_SECONDS
        self._goes_on = running
        self._run()
        if not running:
            self._stop(PAUSED)
        if reached := self._reached():
            self._reach(reached)

    def handle(self, request: str, *arguments: Any) -> Any:
        """Answer a request by its name: one of :data:`REQUESTS`."""
        return REQUESTS[request](self, *arguments)

    def advance(self, seconds: float) -> None:
        """Train for about so long, if running; not beyond the goal, and not faster than the pace."""
        if self.state != RUNNING:
            return
        begun = self._clock()
        taken = self.take_due(self._chunk)
        if taken:
            self._step_seconds = max(self._clock() - begun, 1e-9) / taken
            self._chunk = max(1, min(self._chunk * 4, int(seconds / self._step_seconds)))

    def take_due(self, most: int) -> int:
        """Take at most so many of the steps that are due, if running, and return how many were taken."""
        if self.state != RUNNING:
            return 0
        before = self.trainer.step_count
        most = min(most, self._pace.due(self._clock()))
        if (measured_in := self._care.steps_to_follow) is not None:
            most = min(most, measured_in)
        with np.errstate(all="ignore"):
            reached = self.trainer.advance(self.goal, most)
        taken = self.trainer.step_count - before
        now = self._clock()
        self._pace.note(taken)
        self._speed.note(now, taken)
        self._care.follow(ended=reached is not None)
        if reached:
            self._reach(reached)
        return taken

    @property
    def idle_seconds(self) -> float | None:
        """How long there is nothing to train: 0 while running, None until a request changes that."""
        return self._pace.wait(self._clock()) if self.state == RUNNING else None

    @property
    def steps_per_second(self) -> float:
        """Measured over about the last second; 0 when not running."""
        return self._speed.rate if self.state == RUNNING else 0.0

    def frame(self, view: View) -> Frame:
        """Return what the screen draws."""
        return self._care.shown(self._frame(view))

    def _frame(self, view: View) -> Frame:
        begun = self._clock()
        if self.state == RUNNING and self._last_frame and begun < self._frame_due:
            last_view, last = self._last_frame
            if view == last_view:
                return replace(last, steps_per_second=self.steps_per_second)
        frame = self._frames.build(view, self.state, self.reason, self.steps_per_second)
        now = self._clock()
        self._last_frame = view, frame
        self._frame_due = now + min((now - begun) / FRAME_SHARE, REPEATED_SECONDS)
        # What a full pass has just measured for the frame, the watch need not measure again.
        self._watch()
        return frame

    def _watch(self) -> None:
        """Look how the run is, from its second frame on: the first one is not to wait for that."""
        if self._shown:
            with np.errstate(all="ignore"):
                self._care.look(running=self.state == RUNNING)
        self._shown = True

    def pause(self) -> None:
        """Stop training; nothing to do if it has stopped."""
        if self.state == RUNNING:
            self._stop(PAUSED)

    def leave(self) -> None:
        """Stop training for good: who opens a checkpoint written after it sees it go on, if now it runs."""
        goes_on = self._goes_on
        self.pause()
        self._goes_on = goes_on

    def resume(self) -> None:
        """Go on training; beyond the experiment's end if that has been reached.

        Raises
        ------
        UserError
            If the loss is not finite any more.
        """
        self._must_be_trainable()
        if self.state != RUNNING:
            self._lift_reached_goal()
            self._run()

    def set_pace(self, steps_per_second: float | None) -> None:
        """Take so many steps a second at most; None is full speed."""
        if steps_per_second is not None and not 0 < steps_per_second < math.inf:
            raise UserError(f"pace {steps_per_second}: must be a number of steps a second above 0")
        self._pace = Pace(self._clock(), steps_per_second)

    def load(self, source: Experiment | bytes, origin: str = "", running: bool = True) -> None:
        """Replace the run by another one, as :meth:`begin` does; it trains at once if ``running``."""
        trainer, paused = _open_source(source)
        self._open(trainer, origin, running and not paused)

    def save_state(self) -> bytes:
        """Return a checkpoint."""
        return to_bytes(self.trainer, paused=not self._goes_on)

    def recording(self, from_step: int) -> dict[str, Any]:
        """Return the snapshot for a record, with the losses after ``from_step``."""
        return recorded_snapshot(self.trainer, from_step)

    def end_event(self, reason: str) -> dict[str, Any]:
        """Return the event that closes the run, for a record."""
        with np.errstate(all="ignore"):
            return end_event(self.trainer, reason)

    def script(self) -> str:
        """Return the session as a script whose headless run ends on the same weights."""
        lines = [
            f"# A session with the experiment '{_one_line(self.trainer.opened.name)}', saved at step "
            f"{self.trainer.step_count}.",
            "# The same weights without a screen, where FILE is this file:",
            f"#   backprop-tui run {self.origin} --headless --script FILE",
        ]
        return "\n".join([*lines, *map(format_command, self.trainer.journal)]) + "\n"

    def command(self, command: Command) -> Outcome:
        """Carry out a command; long training only begins, and pauses at its end.

        Raises
        ------
        UserError
            If it cannot be done; nothing has changed then.
        """
        if isinstance(command, (Run, Step)):
            return self._train(command)
        if isinstance(command, SaveCheckpoint):
            return save_checkpoint(self.trainer, command, paused=not self._goes_on)
        with np.errstate(all="ignore"):
            before = self._care.standing()
            outcome = self.trainer.apply(command)
        if outcome.intervention or isinstance(command, Undo):
            self._care.changed(before)
            self._settle(restarted=isinstance(command, Restart))
        return outcome

    def examine(self) -> Case:
        """Return what an investigation needs to know of the run."""
        from backprop_core.consulting import Case

        return Case(self._care.version, self.save_state(), self._care.since)

    def note(self, version: int, diagnosis: Diagnosis) -> bool:
        """Take in a diagnosis, and tell whether the run is still the one that was examined."""
        return self._care.note(version, diagnosis)

    def treat(self, version: int, forecast: Forecast) -> tuple[Outcome, ...]:
        """Apply a cure; a run that had ended has the experiment's epochs once more.

        Raises
        ------
        UserError
            If the run is no longer the one that was examined, or the cure cannot be applied; nothing has
            changed then.
        """
        if version != self._care.version:
            raise UserError("the run has been changed since this was measured: d diagnoses it anew")
        ended = self.state in (DONE, DIVERGED)
        outcomes = self._care.treat(forecast)
        self._settle(restarted=False)
        if ended and not self.trainer.ended:
            if self._reached():
                until = self.trainer.goal(Run()).until
                epochs = max(forecast.epochs, self.trainer.experiment.epochs)
                self.goal = Goal(epoch=self.trainer.epoch + epochs, until=until)
                self._goal_command = None
            self._run()
        return outcomes

    def _train(self, command: Run | Step) -> Outcome:
        self._must_be_trainable()
        trainer = self.trainer
        steps = self._steps_of(command)
        if steps is not None and steps * self._step_seconds <= AT_ONCE_SECONDS:
            self._lift_reached_goal()
            self._stop(PAUSED)
            with np.errstate(all="ignore"):
                outcome = trainer.apply(command)
            self._renew_frames()
            reached = self._reached()
            self._care.follow(ended=reached is not None)
            if reached:
                self._reach(reached)
            return outcome
        self.goal = trainer.goal(Run(steps=command.batches) if isinstance(command, Step) else command)
        self._goal_command = None if command == Run() else command
        text = format_command(command)
        self._run()
        with np.errstate(all="ignore"):
            return Outcome(trainer.step_count, text, f"training: {text}", trainer.census().loss)

    def _steps_of(self, command: Run | Step) -> int | None:
        """Return how many steps a command takes at most, None where that is open."""
        if isinstance(command, Step):
            return command.batches
        if command.until is not None:
            return None
        if command.epochs is not None:
            return command.epochs * self.trainer.steps_per_epoch
        return command.steps

    def _renew_frames(self) -> None:
        """Have the next frame show everything as it is now, however costly that is."""
        self._frames = FrameBuilder(self.trainer, self._clock)
        self._last_frame, self._frame_due = None, 0.0

    def _must_be_trainable(self) -> None:
        if self.trainer.ended:
            raise UserError("the loss is not finite any more, so no step can be taken; undo or restart first")

    def _lift_reached_goal(self) -> None:
        if self._reached():
            self.goal, self._goal_command = ENDLESS, None

    def _reached(self) -> str | None:
        with np.errstate(all="ignore"):
            return self.trainer.reached(self.goal)

    def _reach(self, reached: str) -> None:
        """Stop, the goal being reached."""
        trainer, command = self.trainer, self._goal_command
        if trainer.ended:
            self._stop(DIVERGED, f"{trainer.ended} at step {trainer.step_count + 1}: undo or restart")
        elif command is not None:
            self._stop(PAUSED, f"{format_command(command)}: done at step {trainer.step_count}")
            self._goal_command, self.goal = None, trainer.goal(Run())
        elif reached == "until":
            self._stop(DONE, f"{trainer.experiment.until}: reached in epoch {trainer.epoch}")
        else:
            end = "experiment" if trainer.epoch == trainer.experiment.epochs else "treated run"
            self._stop(DONE, f"{plural(trainer.epoch, 'epoch')}: the {end}'s end")

    def _settle(self, *, restarted: bool) -> None:
        """Pass on to the state that an intervention has led to."""
        self._renew_frames()
        if restarted:
            self.goal, self._goal_command = self.trainer.goal(Run()), None
            if self.state == PAUSED:
                self._stop(PAUSED)
            else:
                self._run()
        elif self.trainer.ended:
            self._reach(self.trainer.ended)
        elif self.state == DIVERGED or (self.state == DONE and not self._reached()):
            self._stop(PAUSED)

    def _run(self) -> None:
        now = self._clock()
        self.state, self.reason, self._goes_on = RUNNING, "", True
        self._pace = Pace(now, self._pace.steps_per_second)
        self._speed = Speedometer(now)
        self._renew_frames()

    def _stop(self, state: str, reason: str = "") -> None:
        self.state, self.reason, self._goes_on = state, reason, state != PAUSED


def _open_source(source: Experiment | bytes) -> tuple[Trainer, bool]:
    """Return a trainer, and whether it was left paused."""
    if not isinstance(source, bytes):
        return Trainer(source), False
    checkpoint = open_checkpoint(source, "the saved state")
    return checkpoint.trainer, checkpoint.paused


def _one_line(text: str) -> str:
    """Return text that cannot end a comment nor move a terminal's cursor."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


REQUESTS: dict[str, Callable[..., Any]] = {
    "command": Session.command,
    "end_event": Session.end_event,
    "examine": Session.examine,
    "frame": Session.frame,
    "leave": Session.leave,
    "load": Session.load,
    "note": Session.note,
    "pace": Session.set_pace,
    "pause": Session.pause,
    "recording": Session.recording,
    "resume": Session.resume,
    "script": Session.script,
    "state": Session.save_state,
    "treat": Session.treat,
}
