"""The cases of a part: which setup gets which faults, at which grade, from which seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from benchmarks.diagnosis.faults import FAULTS, PAIRS, Fault
from benchmarks.diagnosis.hard import HARD, Hard
from benchmarks.diagnosis.setups import PARTS, Setup, Twins, clean_setups

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SEEDS = 5
HARD_A_SETUP, FAULTS_A_SETUP, PAIRS_A_SETUP = 3, 5, 2

Entry = TypeVar("Entry")

_BY_NAME = {fault.name: fault for fault in FAULTS}


@dataclass(frozen=True, eq=False)
class Case:
    """A setup to be judged against its twin from each of ``seeds``.

    ``kind`` names its faults or its oddity; ``faults`` are the injected ones, none of a setup meant to be
    healthy; ``alone`` is then, for two faults, the setup with either of them only. ``noisy`` says that no
    network learns most of the targets.
    """

    key: str
    kind: str
    twins: Twins
    seeds: tuple[int, ...]
    faults: tuple[Fault, ...] = ()
    alone: tuple[Setup, ...] = ()
    noisy: bool = False

    @property
    def judged_by(self) -> str:
        """Whose loss shows harm: ``"training"`` or ``"validation"``."""
        return self.faults[0].judged_by if self.faults else "training"


def groups(part: str) -> list[list[Case]]:
    """Return the part's cases; those of one group share their clean setup."""
    setups = clean_setups(part)
    first_seed = 10_000 * list(PARTS).index(part)
    hard, faults, pairs = (
        Turns(HARD, HARD_A_SETUP),
        Turns(FAULTS, FAULTS_A_SETUP),
        Turns(PAIRS, PAIRS_A_SETUP),
    )
    made = []
    for number, setup in enumerate(setups):
        draft = Draft(setup, number, tuple(range(first_seed + 10 * number, first_seed + 10 * number + SEEDS)))
        made.append(
            [
                Case(f"{setup.name}: clean", "clean", Twins(setup, setup), draft.seeds),
                *hard.take(draft.hard),
                *faults.take(draft.fault),
                *pairs.take(draft.pair),
            ]
        )
    return made


class Turns(Generic[Entry]):
    """Entries of a catalogue take turns: those that had the fewest come first, equal ones in an order drawn."""

    def __init__(self, catalogue: Sequence[Entry], each: int) -> None:
        self._catalogue = catalogue
        self._each = each
        self._taken = [0] * len(catalogue)
        self._rng = np.random.default_rng(len(catalogue))

    def take(self, make: Callable[[Entry], Case | None]) -> list[Case]:
        """Return the cases of the next entries of which ``make`` can make one."""
        order = self._rng.permutation(len(self._catalogue))
        cases: list[Case] = []
        for index in sorted(order, key=lambda index: self._taken[index]):
            if len(cases) == self._each:
                break
            case = make(self._catalogue[index])
            if case is not None:
                self._taken[index] += 1
                cases.append(case)
        return cases


@dataclass(frozen=True, eq=False)
class Draft:
    """A clean setup, its number and its seeds; makes cases of the catalogues' entries."""

    setup: Setup
    number: int
    seeds: tuple[int, ...]

    def hard(self, hard: Hard) -> Case | None:
        """Return the case of an oddity."""
        twins = hard.make(self.setup)
        if twins is None:
            return None
        return Case(f"{self.setup.name}: {hard.name}", hard.name, twins, self.seeds, noisy=hard.noisy)

    def fault(self, fault: Fault) -> Case | None:
        """Return the case of a fault, whose grades take turns."""
        grade = self._grade(fault, 0)
        twins = fault.inject(self.setup, grade)
        if twins is None:
            return None
        key = f"{self.setup.name}: {fault.name} {grade:g}"
        return Case(key, fault.name, twins, self.seeds, (fault,))

    def pair(self, names: tuple[str, str]) -> Case | None:
        """Return the case of two faults."""
        first, second = (_BY_NAME[name] for name in names)
        grades = self._grade(first, 1), self._grade(second, 2)
        only_first = first.inject(self.setup, grades[0])
        only_second = second.inject(self.setup, grades[1])
        if only_first is None or only_second is None:
            return None
        both = second.inject(only_first.odd, grades[1])
        clean = second.inject(only_first.clean, grades[1])
        if both is None or clean is None:
            return None
        return Case(
            f"{self.setup.name}: {first.name} {grades[0]:g} and {second.name} {grades[1]:g}",
            f"{first.name} and {second.name}",
            Twins(both.odd, clean.clean),
            self.seeds,
            (first, second),
            (only_first.odd, only_second.odd),
        )

    def _grade(self, fault: Fault, offset: int) -> float:
        return fault.grades[(self.number + self.number // 4 + offset) % len(fault.grades)]
