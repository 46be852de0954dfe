"""What if: candidate cures and combinations of them on forks from one state, against an untreated fork."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backprop_core.diagnosis.forks import ForkResult, run_fork
from backprop_core.diagnosis.report import TRAINING, VALIDATION, Forecast, ForkCurve
from backprop_core.diagnosis.verdict import Comparison, compare
from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backprop_core.commands import Command
    from backprop_core.diagnosis.fault import Cure
    from backprop_core.training_state import TrainingState

ORDERS = 3
"""Over so many orders of the data (and draws of new weights) a cure has to hold."""


@dataclass(frozen=True)
class Plan:
    """One cure, or several in order."""

    cures: tuple[Cure, ...]

    @property
    def id(self) -> str:
        """The cures' ids, joined by ``+``."""
        return "+".join(cure.id for cure in self.cures)

    @property
    def commands(self) -> tuple[Command, ...]:
        """All commands in order."""
        return tuple(command for cure in self.cures for command in cure.commands)

    def with_cure(self, cure: Cure) -> Plan:
        """Return the plan with one more cure at its end."""
        return Plan((*self.cures, cure))

    def without(self, cure: Cure) -> Plan:
        """Return the plan without a cure."""
        return Plan(tuple(one for one in self.cures if one is not cure))


class WhatIf:
    """Runs forks from one state, each once, and compares them with the untreated ones.

    Parameters
    ----------
    state : TrainingState
    epochs : int
        The forks' length.
    baseline : float
        The loss of always predicting the mean.
    """

    def __init__(self, state: TrainingState, epochs: int, baseline: float) -> None:
        self.state = state
        self.epochs = epochs
        self.baseline = baseline
        self.forks = 0
        self._results: dict[tuple[tuple[Command, ...], int], ForkResult | None] = {}

    def run(self, commands: Sequence[Command], order: int = 0) -> ForkResult | None:
        """Return how the fork with these commands goes; None if they cannot be carried out."""
        key = tuple(commands), order
        if key not in self._results:
            self.forks += 1
            self._results[key] = run_fork(self.state, key[0], self.epochs, order)
        return self._results[key]

    def outcome(self, plan: Plan, measured: str = TRAINING) -> float:
        """Return the loss that a plan's fork 0 ends with; infinite if it cannot be carried out."""
        result = self.run(plan.commands)
        if result is None:
            return np.inf
        final = result.final_validation if measured == VALIDATION else result.final
        return final if np.isfinite(final) else np.inf

    def compare(
        self, plan: Plan, against: Plan, orders: int = 1, measured: str = TRAINING
    ) -> Comparison | None:
        """Compare two plans over so many orders; None if one of them cannot be carried out."""
        pairs = []
        for order in range(orders):
            treated, untreated = self.run(plan.commands, order), self.run(against.commands, order)
            if treated is None or untreated is None:
                return None
            pairs.append((untreated, treated))
        return compare([one for one, _ in pairs], [other for _, other in pairs], self.baseline, measured)

    def forecast(self, plan: Plan, orders: int = ORDERS, measured: str = TRAINING) -> Forecast | None:
        """Return what a plan would do, or None if it cannot be carried out."""
        comparison = self.compare(plan, Plan(()), orders, measured)
        if comparison is None:
            return None
        treated, untreated = self.run(plan.commands), self.run(())
        assert treated is not None
        assert untreated is not None
        curve = "validation" if measured == VALIDATION else "training"
        return Forecast(
            plan.id,
            plan.commands,
            "; ".join(cure.summary for cure in plan.cures),
            all(cure.exact for cure in plan.cures),
            comparison.better,
            comparison.worse,
            measured,
            getattr(untreated, curve)[0],
            comparison.untreated,
            comparison.treated,
            self.epochs,
            ForkCurve(untreated.epochs, getattr(untreated, curve)),
            ForkCurve(treated.epochs, getattr(treated, curve)),
        )
