"""What a diagnosis says: findings, root first, each with its evidence and the measured effect of its cures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_core.frozen import dataclass
from backprop_core.grammar import format_command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from backprop_core.commands import Command

HEALTHY, WATCHING, FINDING = "healthy", "watching", "finding"
"""The states of a run: nothing seen; something seen that is not confirmed; a confirmed finding."""

CRITICAL, SERIOUS, MINOR = "critical", "serious", "minor"
"""Severities: learning has stopped or goes backwards; learning is much worse than it could be; worth knowing."""

TRAINING, VALIDATION = "training", "validation"


@dataclass(frozen=True)
class ForkCurve:
    """The loss of a fork: arrays of equal length, at most some dozens of points; NaN where not finite."""

    epochs: tuple[float, ...]
    losses: tuple[float, ...]


@dataclass(frozen=True)
class Forecast:
    """What a cure would do, measured on forks of the run from one state over the same batches.

    Attributes
    ----------
    id : str
        The cure's, e.g. ``"linear-output"``; of a combination the ids joined by ``"+"``. ``treat ID`` applies it.
    commands : tuple of Command
        What it does, in order.
    summary : str
        One sentence for a learner.
    exact : bool
        Whether it leaves the network's function as it is.
    confirmed : bool
        Whether it beats the untreated fork by a margin that noise does not explain.
    harmful : bool
        Whether it ends clearly worse than the untreated fork; never recommended then.
    measured : str
        ``"training"`` or ``"validation"``: which loss the numbers below are. In the data's units, over the whole set.
    loss_now, loss_untreated, loss_treated : float
        Where the forks begin, and where they end after ``epochs`` epochs; NaN where not measured, infinite where
        a fork ended on a non-finite loss.
    epochs : int
        How long the forks are.
    untreated, treated : ForkCurve
    """

    id: str
    commands: tuple[Command, ...]
    summary: str
    exact: bool
    confirmed: bool
    harmful: bool
    measured: str
    loss_now: float
    loss_untreated: float
    loss_treated: float
    epochs: int
    untreated: ForkCurve
    treated: ForkCurve

    @property
    def command(self) -> str:
        """The commands as one line of a script."""
        return "; ".join(map(format_command, self.commands))


@dataclass(frozen=True)
class Finding:
    """One fault that was seen.

    Attributes
    ----------
    id : str
        One of :data:`backprop_core.diagnosis.FAULTS`.
    step, since : int
        The step of the diagnosis, and the step since which the fault has been there as far as it is known.
    severity : str
        ``"critical"``, ``"serious"`` or ``"minor"``.
    summary : str
        What was seen, one sentence with numbers.
    why : str
        Why it stops the learning, one or two sentences.
    confirmed : bool
        Whether an experiment (a cure's fork), or arithmetic where no cure could show it, bears it out.
    evidence : mapping of str to number
        The numbers, by name.
    units : tuple of (layer, neuron)
        The neurons concerned, counted from 1.
    rows : tuple of int
        The samples concerned, by their number in the data's source.
    cause_of : tuple of str
        Ids of the findings that follow from this one.
    cures : tuple of Forecast
        The best first.
    """

    id: str
    step: int
    since: int
    severity: str
    summary: str
    why: str
    confirmed: bool
    evidence: Mapping[str, float]
    units: tuple[tuple[int, int], ...] = ()
    rows: tuple[int, ...] = ()
    cause_of: tuple[str, ...] = ()
    cures: tuple[Forecast, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """All findings at one step, the root cause first.

    Attributes
    ----------
    state : str
        ``"healthy"``, ``"watching"`` (symptoms that no experiment confirms) or ``"finding"``.
    step, epoch : int
    loss : float
        The training loss at that step.
    findings : tuple of Finding
        Confirmed ones first, causes before what they cause.
    recommended : Forecast or None
        The cure (or the combination) with the best outcome; None where none is confirmed.
    note : str
        What else there is to say in a line, e.g. that there is not enough evidence; may be empty.
    """

    state: str
    step: int
    epoch: int
    loss: float
    findings: tuple[Finding, ...] = ()
    recommended: Forecast | None = None
    note: str = ""

    @property
    def confirmed(self) -> tuple[Finding, ...]:
        """The confirmed findings."""
        return tuple(finding for finding in self.findings if finding.confirmed)

    @property
    def root(self) -> Finding | None:
        """The finding to begin with, None where there is none."""
        return self.findings[0] if self.findings else None


@dataclass(frozen=True)
class Suspicion:
    """A symptom that has been there for some time; not confirmed by an experiment."""

    id: str
    since: int
    summary: str


@dataclass(frozen=True)
class Health:
    """What the watch says at a glance.

    Attributes
    ----------
    state : str
        ``"healthy"``, ``"watching"`` or ``"finding"``.
    line : str
        One line for the screen.
    suspicions : tuple of Suspicion
        Persistent symptoms, the likely root first.
    wants_diagnosis : bool
        Whether an investigation is worth its time now: new persistent symptoms since the last one.
    """

    state: str
    line: str
    suspicions: tuple[Suspicion, ...] = ()
    wants_diagnosis: bool = False
