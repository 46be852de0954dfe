"""Labels: a case is faulty where its clean twin with the same seed does clearly better, in four of five seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.diagnosis.runs import Ended, train

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.diagnosis.cases import Case
    from benchmarks.diagnosis.setups import Setup

FAULTY, HEALTHY, UNCLEAR = "faulty", "healthy", "unclear"

CLEAR_GAP, CLEAR_RATIO = 0.05, 1.5
"""Clearly better: a loss lower by 5 % of the best constant prediction's, and by a third of itself."""
MOST_OF_IT = 4
LEARNT, HARDLY_LEARNT, ALL_LEARNT = 0.5, 0.95, 0.1
"""How far below the best constant prediction's loss a clean twin ends; the second on noisy or unseen targets.
A healthy run has all but learnt what there is to learn: of one that has not, opinions differ."""


@dataclass(frozen=True)
class Label:
    """What a case is; ``seed`` is the one to examine, ``odd`` and ``clean`` how both twins ended from it.

    ``state`` is ``"faulty"``, ``"healthy"``, or ``"unclear"`` where seeds disagree, the twin does not learn, or
    a run meant to be healthy is not;
    ``roots`` are the ids that name the cause, ``also`` others that are as right.
    """

    state: str
    seed: int
    odd: Ended
    clean: Ended
    harmed: int
    roots: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


class Judge:
    """Trains twins, each setup from each seed once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ends: dict[tuple[int, int], Ended] = {}
        self._kept: list[Setup] = []

    def end(self, setup: Setup, seed: int) -> Ended:
        """Return how a setup ends from a seed."""
        if (id(setup), seed) not in self._ends:
            self._kept.append(setup)  # An id is a setup's only while the setup is there.
            self._ends[id(setup), seed] = train(setup, seed, self.folder)
        return self._ends[id(setup), seed]

    def harmed_seeds(self, setup: Setup, clean: Setup, case: Case) -> list[int]:
        """Return the case's seeds from which the clean setup does clearly better."""
        by = case.judged_by
        return [
            seed
            for seed in case.seeds
            if clearly_better(self.end(clean, seed).loss(by), self.end(setup, seed).loss(by))
        ]

    def label(self, case: Case) -> Label:
        """Return the label of a case."""
        odd, clean = case.twins.odd, case.twins.clean
        harmed = self.harmed_seeds(odd, clean, case)
        most = HARDLY_LEARNT if case.noisy or case.judged_by == "validation" else LEARNT
        learnt = sum(self.end(clean, seed).loss(case.judged_by) < most for seed in case.seeds)
        state = UNCLEAR
        if learnt >= MOST_OF_IT:
            if len(harmed) >= MOST_OF_IT:
                state = FAULTY
            elif len(harmed) <= len(case.seeds) - MOST_OF_IT:
                state = HEALTHY
        fitting = (seed for seed in case.seeds if (seed in harmed) == (state == FAULTY))
        if state == HEALTHY:
            seeds = [seed for seed in fitting if self._is_fine(case, odd, seed)]
        else:
            seeds = [seed for seed in fitting if not self._unlucky(case, clean, seed)]
        if not seeds or (state == FAULTY and not case.faults):
            state = UNCLEAR
        seed = (seeds or case.seeds)[0]
        roots = self._roots(case) if state == FAULTY else ()
        also = tuple(sorted({name for fault in case.faults if fault.id in roots for name in fault.also}))
        return Label(state, seed, self.end(odd, seed), self.end(clean, seed), len(harmed), roots, also)

    def _is_fine(self, case: Case, setup: Setup, seed: int) -> bool:
        """Tell whether a run has learnt, and would not have ended clearly better with better luck."""
        enough = case.noisy or self.end(setup, seed).loss(case.judged_by) < ALL_LEARNT
        return enough and not self._unlucky(case, setup, seed)

    def _unlucky(self, case: Case, setup: Setup, seed: int) -> bool:
        """Tell whether a run has a trouble of its own: with better luck the clean twin ends clearly better."""
        by = case.judged_by
        best = min(self.end(case.twins.clean, other).loss(by) for other in case.seeds)
        return clearly_better(best, self.end(setup, seed).loss(by))

    def _roots(self, case: Case) -> tuple[str, ...]:
        """Return the injected ids; of two, those that do harm without the other, or both if neither does."""
        ids = tuple(fault.id for fault in case.faults)
        if len(ids) == 1:
            return ids
        alone = tuple(
            fault.id
            for fault, setup in zip(case.faults, case.alone, strict=True)
            if len(self.harmed_seeds(setup, case.twins.clean, case)) >= MOST_OF_IT
        )
        return alone or ids


def clearly_better(loss: float, other: float) -> bool:
    """Tell whether a relative loss is clearly below another."""
    return other - loss >= CLEAR_GAP and other >= CLEAR_RATIO * loss
