"""The table: one row a target, with what was measured, its spread, and whether it is met.

The spread is the middle half of the rounds of a timing, and the 95 % interval of a share.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median, quantiles
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADINGS = ("what", "measured", "spread", "target", "")


@dataclass(frozen=True)
class Row:
    """One figure against its target. ``value`` is None where it could not be measured; ``note`` says why.

    ``format`` is a format string of one number, unit included, as ``"{:.1f} ×"``.
    """

    what: str
    format: str
    target: float
    at_least: bool
    value: float | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where nothing was measured."""
        if self.value is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target

    def cells(self) -> tuple[str, ...]:
        """Return the row's cells, as :data:`HEADINGS` names them."""
        spread = ""
        if self.low is not None and self.high is not None:
            spread = f"{self.format.format(self.low)} … {self.format.format(self.high)}"
        measured = self.note if self.value is None else self.format.format(self.value)
        target = ("≥ " if self.at_least else "≤ ") + self.format.format(self.target)
        verdict = {True: "met", False: "MISSED", None: "left out"}[self.met]
        return self.what, measured, spread, target, verdict


def row_of(
    what: str,
    values: Sequence[float],
    form: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Row:
    """Return the row of a figure that was measured in several rounds: their median, and the middle half."""
    target = at_least if at_least is not None else at_most
    if target is None:
        raise ValueError("a row needs a target")
    low, _, high = quantiles(values, n=4) if len(values) > 1 else (None, None, None)
    return Row(what, form, target, at_least is not None, median(values), low, high)


def table(rows: Sequence[Row]) -> str:
    """Return a Markdown table, its columns aligned."""
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]

    def render(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    return "\n".join([render(HEADINGS), rule, *(render(line) for line in lines[1:])])
