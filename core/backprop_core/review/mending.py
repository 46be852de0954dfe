"""Which of the corrected lines mend what they are for, found by reviewing the script with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from backprop_core.review.correction import apply, joined
from backprop_core.review.report import Corrected

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from backprop_core.review.finding import Finding
    from backprop_core.review.verification import Again, Trials

    Lines = dict[int, str]


@dataclass(frozen=True, eq=False)
class Mended:
    """A script with the lines that help.

    Attributes
    ----------
    proposed : list of dict
        For each mistake its lines; empty where none mend it.
    source : str
    again : Again
        The review of that source.
    left : tuple of str
        Ids of the mistakes that have no lines.
    """

    proposed: list[Lines]
    source: str
    again: Again
    left: tuple[str, ...]
    before: Future[float | None]
    after: Future[float | None]

    def corrected(self) -> Corrected:
        """Return what became of it; waits for it to end."""
        lines = tuple(sorted(joined(self.proposed).items()))
        return Corrected(lines, self.before.result(), self.after.result(), not self.left, self.left)


def mend(
    trials: Trials, source: str, findings: Sequence[Finding], proposed: Sequence[Lines]
) -> Mended | None:
    """Try the lines of all mistakes at once, and if they do not mend them, those of each by itself.

    Returns
    -------
    Mended or None
        None if no line mends a mistake.
    """
    if not any(proposed):
        return None
    before = trials.ending(source)
    found = _tried(trials, source, findings, list(proposed), before)
    if found is None and sum(map(bool, proposed)) > 1:
        alone = [trials.again(apply(source, lines)) if lines else None for lines in proposed]
        helpful = [
            lines if one is not None and one.result().has_only(_all_but(findings, {number})) else {}
            for number, (lines, one) in enumerate(zip(proposed, alone, strict=True))
        ]
        if any(helpful) and helpful != list(proposed):
            found = _tried(trials, source, findings, helpful, before)
    return found


def _tried(
    trials: Trials,
    source: str,
    findings: Sequence[Finding],
    proposed: list[Lines],
    before: Future[float | None],
) -> Mended | None:
    changed = apply(source, joined(proposed))
    again, after = trials.again(changed), trials.ending(changed)
    mended = {number for number, lines in enumerate(proposed) if lines}
    left = tuple(one.id for number, one in enumerate(findings) if number not in mended)
    if not again.result().has_only(_all_but(findings, mended)):
        return None
    return Mended(proposed, changed, again.result(), left, before, after)


def _all_but(findings: Sequence[Finding], mended: set[int]) -> set[tuple[str, int | None]]:
    return {(one.id, one.layer) for number, one in enumerate(findings) if number not in mended}
