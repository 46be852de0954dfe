"""What is measured of a case, and the files in which records gather, so that a run can be gone on with."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import backprop_core
import benchmarks.diagnosis
from benchmarks.diagnosis.harm import Label
from benchmarks.diagnosis.product import Diagnosed
from benchmarks.diagnosis.runs import Ended

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPORTING = ("__init__.py", "__main__.py", "figures.py", "report.py", "statistics.py", "watching.py")
"""Files of the benchmark on which no record depends."""


@dataclass(frozen=True)
class Labelled:
    """A case with its label, and what the known rules say of it; none where nothing was to be said of it."""

    key: str
    kind: str
    injected: tuple[str, ...]
    curable: bool
    judged_by: str
    label: Label
    rules: dict[str, bool]

    @classmethod
    def read(cls, fields: dict[str, Any]) -> Labelled:
        """Return what was written as JSON."""
        label = _tuples(fields["label"])
        label |= {end: Ended(**label[end]) for end in ("odd", "clean")}
        return cls(**_tuples(fields) | {"label": Label(**label)})


@dataclass(frozen=True)
class Examined:
    """What the diagnosis made of a case. ``treated`` and ``cured_at_random`` are relative losses."""

    key: str
    diagnosed: Diagnosed
    treated: float
    cured_at_random: float | None
    seconds: float

    @classmethod
    def read(cls, fields: dict[str, Any]) -> Examined:
        """Return what was written as JSON."""
        return cls(**fields | {"diagnosed": Diagnosed(**_tuples(fields["diagnosed"]))})


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


Kept = TypeVar("Kept", Labelled, Examined)


class Records(Generic[Kept]):
    """Records of one kind in a file, a line each."""

    def __init__(self, path: Path, read: Callable[[dict[str, Any]], Kept]) -> None:
        self.path = path
        self._read: Callable[[dict[str, Any]], Kept] = read
        path.parent.mkdir(parents=True, exist_ok=True)

    def read(self) -> dict[str, Kept]:
        """Return the records there are, by the cases' keys."""
        return {record.key: record for record in self._lines()}

    def _lines(self) -> Iterator[Kept]:
        if not self.path.exists():
            return
        for line in self.path.read_text().splitlines():
            try:
                yield self._read(json.loads(line))
            except (ValueError, TypeError, KeyError):
                continue  # The end of a line that an interrupted run did not write whole.

    def append(self, record: Kept) -> None:
        """Write one record down."""
        with self.path.open("a") as file:
            file.write(json.dumps(asdict(record)) + "\n")


def labels(folder: Path, part: str) -> Records[Labelled]:
    """Return the labels of a part that today's sources make."""
    return Records(folder / f"{part}-labels-{_version(diagnosis=False)}.jsonl", Labelled.read)


def examinations(folder: Path, part: str) -> Records[Examined]:
    """Return the examinations of a part by today's sources."""
    return Records(folder / f"{part}-examined-{_version(diagnosis=True)}.jsonl", Examined.read)


def _version(*, diagnosis: bool) -> str:
    """Return a short hash of the sources that a record depends on, those of the diagnosis included or not."""
    core, benchmark = (
        Path(next(iter(package.__path__))) for package in (backprop_core, benchmarks.diagnosis)
    )
    sources = [
        *(source for source in core.rglob("*.py") if diagnosis or core / "diagnosis" not in source.parents),
        *(source for source in benchmark.glob("*.py") if source.name not in REPORTING),
    ]
    digest = sha256()
    for source in sorted(sources):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]
