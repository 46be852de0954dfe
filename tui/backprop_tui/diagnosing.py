"""``backprop-tui diagnose``: train, say why it does or does not learn, and treat it if asked to."""

from __future__ import annotations

import gc
import sys
import textwrap
from typing import TYPE_CHECKING

import numpy as np

from backprop_core.commands import Run
from backprop_core.diagnosis.report import FINDING
from backprop_core.diagnosis.supervision import Supervision
from backprop_core.diagnosis.text import loss, report
from backprop_core.events import (
    end_event,
    finding_event,
    outcome_event,
    snapshot_event,
    start_event,
    to_json_line,
)
from backprop_core.frozen import dataclass
from backprop_core.trainer import Goal, Trainer
from backprop_tui.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from backprop_core.commands import Outcome
    from backprop_core.diagnosis.report import Diagnosis
    from backprop_core.experiment import Experiment

HEALTHY, FOUND = 0, 1
WIDTH = 100
LABEL = 10
CHUNK_STEPS = 2000


@dataclass(frozen=True)
class Treatment:
    """What was applied at one step."""

    diagnosis: Diagnosis
    outcomes: tuple[Outcome, ...]


class Examination:
    """Trains one experiment under supervision.

    Parameters
    ----------
    trainer : Trainer
    treat : bool
        Apply what is recommended, and train the epochs that are left; else stop at the first finding.
    progress : Progress
    """

    def __init__(self, trainer: Trainer, treat: bool, progress: Progress) -> None:
        self.trainer = trainer
        self.supervision = Supervision(trainer)
        self.progress = progress
        self.reason = "epochs"
        self._treat = treat

    def steps(self) -> Iterator[Diagnosis | Treatment]:
        """Train to the end, and yield what is found and what is done on the way."""
        trainer, supervision = self.trainer, self.supervision
        until = trainer.goal(Run()).until
        while True:
            self.reason = self._train(Goal(epoch=supervision.next_epoch, until=until))
            if self.reason == "until":
                return
            diagnosis = supervision.look()
            if diagnosis is not None:
                yield diagnosis
                if diagnosis.state == FINDING and not self._treat:
                    self.reason = "diagnosis"
                    return
                outcomes = supervision.treat(diagnosis) if self._treat else ()
                if outcomes:
                    yield Treatment(diagnosis, outcomes)
                    continue
            if trainer.ended or not supervision.left:
                self.reason = trainer.ended or self.reason
                return

    def _train(self, goal: Goal) -> str:
        while (reason := self.trainer.advance(goal, CHUNK_STEPS)) is None:
            self.progress.show(self.trainer.epoch, self.supervision.epochs, self.trainer.epoch)
        return reason


def run_diagnosis(experiment: Experiment, *, treat: bool, json: bool) -> int:
    """Diagnose an experiment, print what is found, and return the exit code."""
    # Every fork is garbage once it has been run, in circles: it has to be collected.
    gc.freeze()
    gc.enable()
    examination = Examination(Trainer(experiment), treat, Progress(enabled=True))
    with np.errstate(all="ignore"):
        found = _as_events(examination) if json else _as_text(examination)
    return FOUND if found else HEALTHY


def _as_events(examination: Examination) -> bool:
    trainer, write = examination.trainer, sys.stdout.write
    found = False
    write(to_json_line(start_event(trainer.experiment, int(trainer.network.parameters.size))))
    write(to_json_line(snapshot_event(trainer.snapshot())))
    for step in examination.steps():
        examination.progress.clear()
        if isinstance(step, Treatment):
            for outcome in step.outcomes:
                write(to_json_line(outcome_event(outcome)))
        elif step.state == FINDING:
            found = True
            for finding in step.findings:
                write(to_json_line(finding_event(finding)))
        sys.stdout.flush()
    write(to_json_line(snapshot_event(trainer.snapshot())))
    write(to_json_line(end_event(trainer, examination.reason)))
    sys.stdout.flush()
    return found


def _as_text(examination: Examination) -> bool:
    trainer = examination.trainer
    found: list[Diagnosis] = []
    last: Diagnosis | None = None
    for step in examination.steps():
        examination.progress.clear()
        if isinstance(step, Treatment):
            _print_treatment(step)
            continue
        last = step
        if step.state == FINDING:
            found.append(step)
            _print_report(step)
    examination.progress.clear()
    if not found and last is not None:
        _print_report(last)
    if not found:
        print(f"No fault found in {trainer.epoch:,} epochs: the loss is {loss(trainer.census().loss)}.")
    elif examination.supervision.treatments:
        untreated = found[0].recommended
        assert untreated is not None
        without = f"; untreated it would be {loss(untreated.loss_untreated)}"
        print(f"After {trainer.epoch:,} epochs the loss is {loss(trainer.census().loss)}{without}.")
    return bool(found)


def _print_report(diagnosis: Diagnosis) -> None:
    for label, text in report(diagnosis):
        if not label:
            print(textwrap.fill(text, WIDTH))
            continue
        head = f"   {label:<{LABEL}}"
        print(textwrap.fill(text, WIDTH, initial_indent=head, subsequent_indent=" " * len(head)))
    print()


def _print_treatment(treatment: Treatment) -> None:
    print(f"Treated at step {treatment.outcomes[0].step:,}:")
    for outcome in treatment.outcomes:
        head = f"   {outcome.command:<24}  "
        print(textwrap.fill(outcome.result, WIDTH, initial_indent=head, subsequent_indent=" " * len(head)))
    print()
