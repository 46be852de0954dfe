"""Records read back: their events checked, and put together to the moments that a replay shows.

A kill costs a record its last line at most; whoever appends to it begins a new one. Such a line is left out,
and that is said. Anything else that is no event is an error that names its line.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from backprop_core.errors import UserError
from backprop_core.experiment import Experiment
from backprop_core.experiment_file import experiment_from_dict
from backprop_core.files import read_bytes, shown
from backprop_core.recorded_events import (
    Malformed,
    RecordedSnapshot,
    count,
    number_or_nan,
    read_snapshot,
    table,
    text,
)
from backprop_core.snapshot import Mark

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LARGEST_RECORD = 1 << 30
MOST_MOMENTS = 1_000_000

UNMARKED = ("run", "step", "snapshot", "save", "checkpoint", "expect", "diagnose", "undo")
"""Commands that leave no mark on the curve."""


@dataclass(frozen=True, eq=False)
class Moment:
    """What a record tells of one moment.

    Attributes
    ----------
    recorded : RecordedSnapshot
    experiment : Experiment
        As the run's start says.
    parameters : int
        How many the network has; 0 where that is not known.
    run : int
        Which of the record's runs it belongs to, counted from 1.
    marks : tuple of Mark
        The interventions so far.
    story : str
        What happened since the moment before, in a line; empty if nothing.
    """

    recorded: RecordedSnapshot
    experiment: Experiment
    parameters: int
    run: int
    marks: tuple[Mark, ...]
    story: str


@dataclass(frozen=True, eq=False)
class Record:
    """A record's moments in their order; ``note`` says what was left out, empty if nothing was."""

    name: str
    moments: tuple[Moment, ...]
    runs: int
    note: str


@dataclass
class _Reading:
    """Where reading has come to."""

    folder: Path
    moments: list[Moment] = field(default_factory=list)
    experiment: Experiment = field(default_factory=Experiment)
    parameters: int = 0
    run: int = 0
    marks: tuple[Mark, ...] = ()
    stories: list[str] = field(default_factory=list)

    def tell(self, story: str) -> None:
        """Note what happened, to be told with the next moment."""
        self.stories.append(shown(story))

    def told(self) -> str:
        """Return what happened since the last moment."""
        story = "; ".join(self.stories)
        self.stories.clear()
        return story


def read_record(path: Path) -> Record:
    """Return a record.

    Raises
    ------
    UserError
        If the file cannot be read, a line is no event, or there is no snapshot.
    """
    name = shown(path)
    lines = read_bytes(path, LARGEST_RECORD).split(b"\n")
    reading, cut_off = _Reading(path.parent), []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            event = _event(line)
        except ValueError as error:
            if number < len(lines) and not lines[number].startswith(b'{"event": "start"'):
                raise UserError(
                    f"{name}, line {number}: is no event ({shown(error)}); one is a JSON object"
                ) from None
            cut_off.append(str(number))
            continue
        try:
            _read_event(reading, event)
        except Malformed as fault:
            raise UserError(f"{name}, line {number}: {fault}") from None
        except UserError as error:
            raise UserError(f"{name}, line {number}, {error}") from None
    if not reading.moments:
        raise UserError(f"{name}: holds no snapshot, so there is nothing to replay; --record writes records")
    if reading.stories:
        reading.moments[-1] = replace(
            reading.moments[-1], story="; ".join(filter(None, [reading.moments[-1].story, reading.told()]))
        )
    return Record(name, tuple(reading.moments), reading.run, _note(name, cut_off))


def _note(name: str, cut_off: list[str]) -> str:
    if not cut_off:
        return ""
    lines = f"line {cut_off[0]} is" if len(cut_off) == 1 else f"lines {', '.join(cut_off[:5])} are"
    return f"{name}: {lines} cut off, as by a kill, and left out"


def _event(line: bytes) -> Any:
    """Return what a line says; ValueError if it is not one whole JSON value."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(line.decode(), parse_constant=refuse)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _read_event(reading: _Reading, value: Any) -> None:
    event = table(value, "an event")
    kind = text(event, "event")
    if kind != "start" and not reading.run:
        raise Malformed("an event before any start; a record begins with one")
    if kind in _READERS:
        _READERS[kind](reading, event)
    # Events of other kinds, as later versions may write them, are none that a replay shows.


def _start(reading: _Reading, event: dict[str, Any]) -> None:
    reading.experiment = experiment_from_dict(
        table(event.get("experiment"), "'experiment'"), "experiment", reading.folder
    )
    reading.parameters = count(event, "parameters")
    reading.run += 1
    reading.marks = ()
    if reading.run > 1:
        reading.tell(f"run {reading.run} begins")


def _snapshot(reading: _Reading, event: dict[str, Any]) -> None:
    if len(reading.moments) >= MOST_MOMENTS:
        raise Malformed(f"more than {MOST_MOMENTS} snapshots")
    recorded = read_snapshot(event)
    step = recorded.snapshot.step
    # Marks beyond the step were taken back by an undo or a restart.
    reading.marks = tuple(mark for mark in reading.marks if mark.step <= step)
    reading.moments.append(
        Moment(recorded, reading.experiment, reading.parameters, reading.run, reading.marks, reading.told())
    )


def _command(reading: _Reading, event: dict[str, Any]) -> None:
    command, step = text(event, "command"), count(event, "step")
    if command.startswith(("undo", "restart")):
        reading.marks = tuple(mark for mark in reading.marks if mark.step < step)
    if command.split(" ")[0] not in UNMARKED:
        reading.marks = (*reading.marks, Mark(step, shown(command)))
    reading.tell(f"{command}: {text(event, 'result')}")


def _expect(reading: _Reading, event: dict[str, Any]) -> None:
    verdict = "as expected" if event.get("passed") is True else "not as expected"
    value = number_or_nan(event.get("value"), "value")
    reading.tell(f"{text(event, 'condition')}: {verdict}, measured {value:.6g}")


def _end(reading: _Reading, event: dict[str, Any]) -> None:
    reading.tell(f"the run ends at step {count(event, 'step')}: {text(event, 'reason')}")


_READERS: dict[str, Callable[[_Reading, dict[str, Any]], None]] = {
    "start": _start,
    "snapshot": _snapshot,
    "command": _command,
    "expect": _expect,
    "end": _end,
}
