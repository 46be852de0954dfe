"""Training without a screen: a script's commands, or one run to the end; events on standard output."""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.commands import Expect, Outcome, Run, Save, SaveCheckpoint, Step, TakeSnapshot
from backprop_core.errors import UserError
from backprop_core.events import (
    Recorder,
    end_event,
    outcome_event,
    snapshot_event,
    start_event,
    to_json_line,
)
from backprop_core.files import harmless, read_text
from backprop_core.frozen import dataclass
from backprop_core.grammar import format_command, parse_script
from backprop_core.trainer import NON_FINITE, Goal, Trainer
from backprop_tui.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from backprop_core.commands import Command
    from backprop_core.events import Event
    from backprop_core.experiment import Experiment

DONE, EXPECTATION_FAILED, NOT_WRITTEN, DIVERGED = 0, 1, 2, 3
SIGNALLED = 128
CHUNK_SECONDS = 0.05
DEFAULT_EPOCHS = 10_000
"""How long an experiment without an end of its own is trained headless."""

LARGEST_SCRIPT = 1024 * 1024


@dataclass(frozen=True)
class HeadlessOptions:
    """What a headless run is started with; either ``experiment`` or ``resume`` is given."""

    experiment: Experiment | None = None
    resume: Path | None = None
    script: str | None = None
    record: Path | None = None
    checkpoint: Path | None = None
    checkpoint_every: float | None = None
    quiet: bool = False


class _Stop(Exception):  # noqa: N818 - an end that is not an error
    def __init__(self, reason: str, code: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


def run_headless(options: HeadlessOptions) -> int:
    """Train as the options say, and return the exit code."""
    commands = _read_script(options.script) if options.script is not None else None
    trainer = _open(options)
    recorder = Recorder(options.record) if options.record else None
    gc.freeze()
    gc.enable()
    run = _HeadlessRun(trainer, options, recorder)
    try:
        with np.errstate(all="ignore"):
            return run.carry_out(commands)
    finally:
        if recorder:
            recorder.close()


def _open(options: HeadlessOptions) -> Trainer:
    if options.resume is not None:
        from backprop_core.checkpoint import read_checkpoint

        return read_checkpoint(options.resume)
    assert options.experiment is not None
    return Trainer(options.experiment)


def _read_script(name: str) -> tuple[tuple[int, Command], ...]:
    if name == "-":
        return parse_script(sys.stdin.read(LARGEST_SCRIPT), "standard input")
    return parse_script(read_text(Path(name), LARGEST_SCRIPT), name)


def log_spaced_epochs() -> Iterator[int]:
    """Return 1, 2, 5, 10, 20, 50, …: when an unscripted run writes a snapshot."""
    decade = 1
    while True:
        yield from (decade, 2 * decade, 5 * decade)
        decade *= 10


class _HeadlessRun:
    def __init__(self, trainer: Trainer, options: HeadlessOptions, recorder: Recorder | None) -> None:
        self.trainer = trainer
        self.options = options
        self.recorder = recorder
        self.progress = Progress(enabled=not options.quiet)
        self.signal = 0
        self._chunk = 1
        self._saved = monotonic()
        self._unwritten: set[str] = set()

    def carry_out(self, commands: tuple[tuple[int, Command], ...] | None) -> int:
        previous = {
            number: signal.signal(number, self._on_signal)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        try:
            return self._carry_out(commands)
        except UserError:
            self._save_what_there_is()
            sys.stdout.flush()
            raise
        except _OutputLost as lost:
            self._save_what_there_is()
            return lost.code
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _carry_out(self, commands: tuple[tuple[int, Command], ...] | None) -> int:
        parameters = int(self.trainer.network.parameters.size)
        self._write(start_event(self.trainer.experiment, parameters))
        self._snapshot()
        try:
            reason = self._follow(commands) if commands is not None else self._run_to_the_end()
            code = DIVERGED if reason == NON_FINITE else DONE
        except _Stop as stop:
            reason, code = stop.reason, stop.code
        self.progress.clear()
        return self._finish(reason, code)

    def _finish(self, reason: str, code: int) -> int:
        if code == DONE and not np.isfinite(self.trainer.census().loss):
            reason, code = NON_FINITE, DIVERGED
        if divergence := self.trainer.located_divergence():
            self._note(divergence.text)
        self._save_what_there_is()
        self._snapshot(last=True)
        self._write(end_event(self.trainer, reason), last=True)
        with _standard_output():
            sys.stdout.flush()
        return NOT_WRITTEN if code == DONE and self._unwritten else code

    def _save_what_there_is(self) -> None:
        if self.options.checkpoint:
            self._save(self.options.checkpoint)

    def _on_signal(self, number: int, _frame: Any) -> None:
        self.signal = number

    def _follow(self, commands: tuple[tuple[int, Command], ...]) -> str:
        for line, command in commands:
            if isinstance(command, (Run, Step)):
                self._train(command)
                continue
            where = "standard input" if self.options.script == "-" else self.options.script
            try:
                outcome = self.trainer.apply(command)
            except UserError as error:
                if not isinstance(command, (Save, SaveCheckpoint)):
                    raise UserError(f"{where}, line {line}: {error}") from None
                self._lament(command.path, f"{where}, line {line}: {error}")
                outcome = Outcome(self.trainer.step_count, format_command(command), f"failed: {error}")
            else:
                if isinstance(command, (Save, SaveCheckpoint)):
                    self._unwritten.discard(command.path)
            if isinstance(command, TakeSnapshot):
                self._snapshot()
                continue
            self._write(outcome_event(outcome))
            if isinstance(command, Expect) and not outcome.passed:
                raise _Stop("expectation failed", EXPECTATION_FAILED)
        return self.trainer.ended or "script"

    def _train(self, command: Run | Step) -> None:
        trainer = self.trainer
        before, first = trainer.census().loss, trainer.step_count
        goal = trainer.goal(command if isinstance(command, Run) else Run(steps=command.batches))
        if goal == Goal():
            goal = Goal(epoch=trainer.epoch + DEFAULT_EPOCHS)
        reason = self._advance(goal)
        # Imported here: a run without commands starts sooner.
        from backprop_core.interventions import training_outcome

        self._write(outcome_event(training_outcome(trainer, command, before, first, reason)))
        self._snapshot()

    def _run_to_the_end(self) -> str:
        trainer = self.trainer
        goal = trainer.goal(Run())
        if goal.epoch is None and goal.until is None:
            # Counted from the beginning: a run that is killed and resumed ends where it would have.
            self._note(
                f"this experiment has no end of its own: training {DEFAULT_EPOCHS} epochs (see --epochs)"
            )
            goal = Goal(epoch=DEFAULT_EPOCHS)
        for epoch in log_spaced_epochs():
            if epoch <= trainer.epoch:
                continue
            if goal.epoch is not None and epoch >= goal.epoch:
                break
            reason = self._advance(Goal(epoch=epoch, until=goal.until), total=goal.epoch)
            if reason != "epochs":
                return reason
            self._snapshot()
        return self._advance(goal)

    def _advance(self, goal: Goal, total: int | None = None) -> str:
        """Train to a goal in chunks of some milliseconds, looking after signals and checkpoints between."""
        trainer = self.trainer
        while True:
            begun = monotonic()
            reason = trainer.advance(goal, self._chunk)
            now = monotonic()
            if self.signal:
                name = signal.Signals(self.signal).name
                raise _Stop(f"signal {name}", SIGNALLED + self.signal)
            if reason is not None:
                return reason
            self._chunk = max(
                1, min(4 * self._chunk, int(self._chunk * CHUNK_SECONDS / max(now - begun, 1e-9)))
            )
            self.progress.show(trainer.epoch, total or goal.epoch, trainer.epoch)
            every = self.options.checkpoint_every
            if self.options.checkpoint and every and now - self._saved >= every:
                self._save(self.options.checkpoint)

    def _save(self, path: Path) -> None:
        from backprop_core.checkpoint import write_checkpoint

        try:
            write_checkpoint(self.trainer, path)
        except UserError as error:
            self._lament(str(path), str(error))
        else:
            self._unwritten.discard(str(path))
        self._saved = monotonic()

    def _lament(self, path: str, text: str) -> None:
        """Say that something could not be written: training goes on, and the exit code tells in the end."""
        if path not in self._unwritten:
            self._note(text)
        self._unwritten.add(path)

    def _note(self, text: str) -> None:
        self.progress.clear()
        with suppress(OSError):
            sys.stderr.write(f"backprop-tui: {harmless(text)}\n")

    def _snapshot(self, *, last: bool = False) -> None:
        self._write(snapshot_event(self.trainer.snapshot()), last=last)

    def _write(self, event: Event, *, last: bool = False) -> None:
        if self.recorder:
            try:
                self.recorder.write(event)
            except OSError as error:
                self.recorder.close()
                self.recorder = None
                path = self.options.record
                self._lament(str(path), f"{path}: the record ends here: {error.strerror}")
        if last or not self.options.quiet:
            self.progress.clear()
            with _standard_output():
                sys.stdout.write(to_json_line(event))


class _OutputLost(Exception):  # noqa: N818 - an end that may be no error
    """Standard output takes no more."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@contextmanager
def _standard_output() -> Iterator[None]:
    """Turn an error of standard output into :class:`_OutputLost`, and say what it was."""
    try:
        yield
    except OSError as error:
        # It must not be flushed again when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            # Nobody reads on, which is no mistake.
            raise _OutputLost(SIGNALLED + signal.SIGPIPE) from None
        with suppress(OSError):
            sys.stderr.write(f"backprop-tui: standard output cannot be written: {error.strerror}\n")
        raise _OutputLost(NOT_WRITTEN) from None
