"""What if: candidate cures and combinations of them on forks from one state, against an untreated fork."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backprop_core.commands import Initialize, ReinitDead, SetOption, Widen
from backprop_core.diagnosis.cures import FAMILIES, START
from backprop_core.diagnosis.forks import ForkResult, run_fork
from backprop_core.diagnosis.report import TRAINING, VALIDATION, Forecast, ForkCurve
from backprop_core.diagnosis.verdict import CLEAR, Comparison, Margin, compare
from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
        """Return the plan with one more cure, in place of one of the same family if there is one.

        Beside fresh weights there is no place for what they would overwrite.
        """
        cures = (*(one for one in self.cures if one.family != cure.family), cure)
        if any(one.family == START for one in cures):
            cures = tuple(one for one in cures if not one.overwritten)
        return Plan(tuple(sorted(cures, key=lambda one: FAMILIES.index(one.family))))

    def without(self, cure: Cure) -> Plan:
        """Return the plan without a cure."""
        return Plan(tuple(one for one in self.cures if one is not cure))


NOTHING = Plan(())


def _lets_chance_in(command: Command) -> bool:
    """Tell whether a command draws weights, or leaves the full batch."""
    if isinstance(command, SetOption):
        return command.option == "batch-size" and command.value is not None
    return isinstance(command, (Initialize, ReinitDead, Widen))


class WhatIf:
    """Runs forks from one state, each once, and compares them with the untreated ones.

    Parameters
    ----------
    state : TrainingState
    epochs : int
        The forks' length.
    baseline : float
        The loss of always predicting the mean.
    on_fork : callable, optional
        Is called after each fork: an investigation takes its time.
    """

    def __init__(
        self,
        state: TrainingState,
        epochs: int,
        baseline: float,
        on_fork: Callable[[], None] = lambda: None,
    ) -> None:
        self.state = state
        self.epochs = epochs
        self.baseline = baseline
        self._on_fork = on_fork
        batch = state.experiment.training.batch_size
        self._one_order = batch is None or batch >= len(state.order)
        self._results: dict[tuple[tuple[Command, ...], int], ForkResult | None] = {}

    def run(self, commands: Sequence[Command], order: int = 0) -> ForkResult | None:
        """Return how the fork with these commands goes; None if they cannot be carried out."""
        if self._one_order and not any(map(_lets_chance_in, commands)):
            order = 0
        key = tuple(commands), order
        if key not in self._results:
            self._results[key] = run_fork(self.state, key[0], self.epochs, order)
            self._on_fork()
        return self._results[key]

    def outcome(self, plan: Plan, measured: str = TRAINING) -> float:
        """Return the loss that a plan's fork 0 ends with; infinite if it cannot be carried out."""
        result = self.run(plan.commands)
        if result is None:
            return np.inf
        final = result.final_validation if measured == VALIDATION else result.final
        return final if np.isfinite(final) else np.inf

    def compare(
        self,
        plan: Plan,
        against: Plan = NOTHING,
        *,
        orders: int = 1,
        measured: str = TRAINING,
        margin: Margin = CLEAR,
    ) -> Comparison | None:
        """Compare two plans over so many orders; None if one of them cannot be carried out."""
        pairs = []
        for order in range(orders):
            treated, untreated = self.run(plan.commands, order), self.run(against.commands, order)
            if treated is None or untreated is None:
                return None
            pairs.append((untreated, treated))
        untreated_forks, treated_forks = zip(*pairs, strict=True)
        return compare(untreated_forks, treated_forks, self.baseline, measured, margin)

    def forecast(self, plan: Plan, orders: int = ORDERS, measured: str = TRAINING) -> Forecast | None:
        """Return what a plan would do, or None if it cannot be carried out."""
        comparison = self.compare(plan, orders=orders, measured=measured)
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
