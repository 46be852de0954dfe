"""Which of the lines that might be meant mend what they are for, found by reviewing the script with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from backprop_core.review.mending.correction import apply, joined
from backprop_core.review.report import Corrected

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from backprop_core.review.comparing.finding import Finding
    from backprop_core.review.comparing.findings import Judgement
    from backprop_core.review.mending.verification import Again, Trials

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
    before, after : futures of float or None
        What the loss ends at, without and with these lines.
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
    trials: Trials, source: str, judgement: Judgement, candidates: Sequence[Sequence[Lines]]
) -> Mended | None:
    """Try the likeliest lines of all mistakes at once; if they do not mend them, all that there are, one by one.

    Returns
    -------
    Mended or None
        None if no line mends a mistake.
    """
    if not any(candidates):
        return None
    findings, implied = judgement.findings, judgement.network.implied
    before = trials.ending(source)
    first = [ways[0] if ways else {} for ways in candidates]
    found = _tried(trials, source, judgement, first, before)
    if found is not None and not found.left:
        return found
    alone = [[trials.again(apply(source, lines)) for lines in ways] for ways in candidates]
    helpful: list[Lines] = []
    for number, (ways, tried) in enumerate(zip(candidates, alone, strict=True)):
        others = _all_but(findings, {number})
        helpful.append(
            next(
                (
                    lines
                    for lines, one in zip(ways, tried, strict=True)
                    if one.result().has_only(others, implied)
                ),
                {},
            )
        )
    if any(helpful) and helpful != first:
        found = _tried(trials, source, judgement, helpful, before) or found
    return found


def _tried(
    trials: Trials,
    source: str,
    judgement: Judgement,
    proposed: list[Lines],
    before: Future[float | None],
) -> Mended | None:
    findings, implied = judgement.findings, judgement.network.implied
    changed = apply(source, joined(proposed))
    again, after = trials.again(changed), trials.ending(changed)
    mended = {number for number, lines in enumerate(proposed) if lines}
    left = tuple(one.id for number, one in enumerate(findings) if number not in mended)
    if not again.result().has_only(_all_but(findings, mended), implied):
        return None
    return Mended(proposed, changed, again.result(), left, before, after)


def _all_but(findings: Sequence[Finding], mended: set[int]) -> set[tuple[str, int | None]]:
    return {(one.id, one.layer) for number, one in enumerate(findings) if number not in mended}
