"""Compare what a review says of a script with the script's label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.review.corpus.catalogue import HARMLESS

if TYPE_CHECKING:
    from tests.review.corpus.template import Edit, Script


@dataclass(frozen=True)
class Score:
    """How well a script was reviewed.

    Attributes
    ----------
    followed
        It was reviewed, and every parameter has a verdict.
    found
        Of its mistakes, how many were named with id and layer.
    expected
        How many mistakes it has, harmless ones included.
    extra
        Mistakes named that it does not have.
    tied
        Of those found, how many only as one of several explanations.
    lines
        Of those found, how many with the right line.
    """

    followed: bool
    found: int
    expected: int
    extra: tuple[str, ...]
    tied: int
    lines: int

    @property
    def exact(self) -> bool:
        """All of its mistakes are named, and no other."""
        return self.followed and self.found == self.expected and not self.extra


def score(script: Script, report: dict[str, Any]) -> Score:
    """Score the report, an object as ``review --json`` prints it."""
    followed = bool(report.get("reviewed")) and all(p["verdict"] != "unknown" for p in report["parameters"])
    said = list(report.get("mistakes", ()))
    warned = {w["id"] for w in report.get("warnings", ())}
    used: set[int] = set()
    found = tied = lines = 0
    for position, edit in enumerate(script.mistakes):
        if edit.name in HARMLESS:
            found += bool(warned & (HARMLESS | edit.also))
            continue
        matches = [i for i, m in enumerate(said) if _names(edit, m)]
        used |= set(matches)
        found += bool(matches)
        tied += bool(matches) and all(said[i]["id"] not in {edit.name, *edit.also} for i in matches)
        lines += any(said[i]["line"] in script.lines(position) for i in matches)
    extra = tuple(f"{m['id']}@{m['layer']}" for i, m in enumerate(said) if i not in used)
    return Score(followed, found, len(script.mistakes), extra, tied, lines)


def _names(edit: Edit, said: dict[str, Any]) -> bool:
    ids = {said["id"], *said["alternatives"]}
    return bool(ids & {edit.name, *edit.also}) and said["layer"] in edit.layers
