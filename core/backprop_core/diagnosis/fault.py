"""What a catalogue of faults is made of: the fault, its symptom, its cures."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from backprop_core.diagnosis.report import SERIOUS, TRAINING
from backprop_core.diagnosis.verdict import CLEAR, Margin
from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from backprop_core.commands import Command
    from backprop_core.diagnosis.evidence import Evidence
    from backprop_core.diagnosis.forks import ForkResult


@dataclass(frozen=True)
class Cure:
    """A candidate cure: commands, and a sentence that says what they do.

    Attributes
    ----------
    exact : bool
        Whether the network's function stays what it is.
    family : str
        The same for cures of which one at most makes sense, such as two learning rates.
    prevents : bool
        Whether it takes the fault itself away, so that applied from the start it would have prevented what
        came of it; false for what only makes up for it.
    overwritten : bool
        Whether all it does is done away with where weights are drawn anew.
    beyond : Cure or None
        A part of it that is a cure of something else: what that part does alone is not to its credit.
    unless : Cure or None
        A part of it that confirms something else, where it is a cure alone.
    """

    id: str
    commands: tuple[Command, ...]
    summary: str
    exact: bool = False
    family: str = ""
    prevents: bool = True
    overwritten: bool = False
    beyond: Cure | None = None
    unless: Cure | None = None


@dataclass(frozen=True)
class Symptom:
    """A fault as it shows in the evidence.

    Attributes
    ----------
    summary : str
        What was seen, one sentence with numbers.
    evidence : mapping of str to number
    severity : str
    proven : callable(ForkResult) -> bool, or None
        Of faults that commands may not cure: whether how the untreated fork ends proves the fault.
    persists : callable(ForkResult) -> bool, or None
        Whether how the untreated fork ends still bears the symptom out; if not, it passes by itself.
    certain : bool
        Whether it follows from nothing else and is no matter of more or less: where it does harm it is the
        root, whatever else could be improved.
    """

    summary: str
    evidence: Mapping[str, float]
    severity: str = SERIOUS
    units: tuple[tuple[int, int], ...] = ()
    rows: tuple[int, ...] = ()
    proven: Callable[[ForkResult], bool] | None = None
    persists: Callable[[ForkResult], bool] | None = None
    certain: bool = False


@dataclass(frozen=True)
class Fault:
    """A fault of the catalogue.

    Attributes
    ----------
    id, title : str
    why : str
        Why it stops the learning, for a learner.
    help : str
        What it is, with its mathematics, in a few lines.
    symptom : callable(Evidence) -> Symptom or None
    cures : callable(Evidence) -> sequence of Cure
        Candidates, the most promising first.
    causes : tuple of str
        Ids of faults that may have led to it, the likeliest first.
    measured : str
        By which loss its cures are judged.
    margin : Margin
        By how much a cure has to do better to confirm it.
    generalises : bool
        Whether its cures have to help on unseen samples as well: they fit noise better, too.
    last_resort : bool
        Whether it is to be thought of only where nothing else is found: its cures help with almost anything.
    """

    id: str
    title: str
    why: str
    help: str
    symptom: Callable[[Evidence], Symptom | None]
    cures: Callable[[Evidence], tuple[Cure, ...]]
    causes: tuple[str, ...] = ()
    measured: str = field(default=TRAINING)
    margin: Margin = CLEAR
    generalises: bool = False
    last_resort: bool = False
