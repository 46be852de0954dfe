"""Shares with their confidence intervals, and the confusion between ids."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Z95 = 1.959963984540054
"""The normal distribution's 97.5th percentile."""


@dataclass(frozen=True)
class Share:
    """``hits`` of ``total``."""

    hits: int
    total: int

    @classmethod
    def of(cls, outcomes: Iterable[bool]) -> Share:
        """Return the share of outcomes that are true."""
        values = list(outcomes)
        return cls(sum(values), len(values))

    @property
    def value(self) -> float | None:
        """The share itself; None of nothing."""
        return self.hits / self.total if self.total else None

    def interval(self, z: float = Z95) -> tuple[float, float]:
        """Return Wilson's score interval (Wilson 1927), which stays within 0 and 1; of nothing, all of it."""
        if not self.total:
            return 0.0, 1.0
        n, p = self.total, self.hits / self.total
        centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        # At the ends the formula is exact; rounding is not.
        low = 0.0 if self.hits == 0 else max(centre - half, 0.0)
        high = 1.0 if self.hits == n else min(centre + half, 1.0)
        return low, high


def confusion(pairs: Iterable[tuple[str, str]]) -> dict[str, Counter[str]]:
    """Return for each injected id how often each id was named, most frequent ids first."""
    rows: dict[str, Counter[str]] = {}
    for injected, named in pairs:
        rows.setdefault(injected, Counter())[named] += 1
    return dict(sorted(rows.items()))


def confusion_table(rows: Mapping[str, Counter[str]]) -> str:
    """Return the confusion as a Markdown table: a row an injected id, with what was named in its place."""
    lines = ["| injected | cases | named first |", "| --- | --- | --- |"]
    for injected, named in rows.items():
        total = sum(named.values())
        parts = ", ".join(f"{name} {count}" for name, count in named.most_common())
        lines.append(f"| {injected} | {total} | {parts} |")
    return "\n".join(lines)
