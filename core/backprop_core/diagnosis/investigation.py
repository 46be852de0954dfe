"""An investigation: which of the symptoms experiments confirm, which is the root, which plan cures best."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from backprop_core.diagnosis.chain import in_causal_order
from backprop_core.diagnosis.faults import FAULTS
from backprop_core.diagnosis.planning import Planner
from backprop_core.diagnosis.report import (
    FINDING,
    TRAINING,
    VALIDATION,
    WATCHING,
    Diagnosis,
    Finding,
    Forecast,
)
from backprop_core.diagnosis.verdict import SLIGHT, STRICT, Margin
from backprop_core.diagnosis.whatif import NOTHING, ORDERS, Plan, WhatIf
from backprop_core.training_state import at_origin, capture, holding_out

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from backprop_core.diagnosis.evidence import Evidence
    from backprop_core.diagnosis.fault import Cure, Fault, Symptom
    from backprop_core.trainer import Trainer

MOST_FROM_START = 2
"""Forks from the beginning are at most so many times as long as those from here."""

UNEXPLAINED = 0.3
"""A fault explains the harm if no more than this share of it is left without the fault."""

HELD_OUT, LEAST_TO_HOLD_OUT = 4, 16
UNSEEN = Margin(0.15, 0.02)
"""A cure has to lower the loss by so much on every fourth sample, held out, where there are enough of them."""


class Investigation:
    """Experiments on forks of one state; each is run once, and only when something depends on it.

    Parameters
    ----------
    trainer : Trainer
        Only read.
    evidence : Evidence
        Of this moment.
    symptoms : mapping of id to Symptom
    epochs : int
        Length of the forks.
    on_fork : callable
    """

    def __init__(
        self,
        trainer: Trainer,
        evidence: Evidence,
        symptoms: Mapping[str, Symptom],
        epochs: int,
        on_fork: Callable[[], None],
    ) -> None:
        self.evidence = evidence
        self.symptoms = symptoms
        state = capture(trainer)
        baseline = evidence.data.baseline
        self.now = WhatIf(state, epochs, baseline, on_fork)
        # Of a run that has gone on for ever, the beginning says as much as the whole.
        start, total = at_origin(state), min(evidence.epoch + epochs, MOST_FROM_START * epochs)
        self.start = WhatIf(start, total, baseline, on_fork)
        self.unseen = WhatIf(holding_out(start, HELD_OUT), total, baseline, on_fork)
        self.planner = Planner(self.now, evidence, ())
        self.cures = {name: FAULTS[name].cures(evidence) for name in symptoms}

    def diagnosis(self, since: Mapping[str, int]) -> Diagnosis:
        """Carry out the experiments, and return what they say."""
        evidence = self.evidence
        confirmed = self._confirmed()
        recommended = self._recommended(confirmed)
        roots = self._ranked(confirmed)
        findings = in_causal_order(
            [self._finding(name, name in confirmed, since) for name in self.symptoms], roots
        )
        if recommended is not None:
            findings = (_with_recommended(findings[0], recommended), *findings[1:])
        state = FINDING if confirmed else WATCHING
        return Diagnosis(state, evidence.step, evidence.epoch, evidence.loss, findings, recommended)

    def _confirmed(self) -> set[str]:
        """Return the faults that are proven, or a cure of which is clearly better than no treatment.

        Where no cure alone helps, those together whose cures do, and none of which can be left out.
        """
        able = [name for name in FAULTS if name in self.symptoms and self._can_matter(name)]
        first = {name for name in able if not FAULTS[name].last_resort and self._is_confirmed(name)}
        if first:
            return first
        last = {name for name in able if FAULTS[name].last_resort and self._is_confirmed(name)}
        return last or self._confirmed_together(able)

    def _can_matter(self, name: str) -> bool:
        """Tell whether there is anything to gain: a run that gets there by itself needs no cure."""
        fault = FAULTS[name]
        untreated = self.now.run(())
        assert untreated is not None
        if untreated.reached:
            return False
        if fault.measured == VALIDATION:
            return True
        has_goal = self.evidence.experiment.until is not None
        return has_goal or fault.margin.lower(0.0, untreated.final, self.evidence.data.baseline)

    def _is_confirmed(self, name: str) -> bool:
        fault, cures, symptom = FAULTS[name], self.cures[name], self.symptoms[name]
        untreated = self.now.run(())
        assert untreated is not None
        if symptom.proven is not None and symptom.proven(untreated):
            return True
        if not self._lasts(name):
            return False
        return self._cured(fault, self.now, cures) or self._cured(
            fault, self.start, tuple(cure for cure in cures if cure.prevents)
        )

    def _generalises(self, plan: Plan) -> bool:
        """Tell whether a plan helps on samples as well that the network has never seen.

        What makes a network or a step larger fits noise better too. A quarter of the samples is held out of
        forks from the start.
        """
        if self.evidence.samples < LEAST_TO_HOLD_OUT:
            return True
        seen = self.unseen.compare(plan, measured=VALIDATION, margin=UNSEEN)
        return seen is not None and seen.better

    def _confirmed_together(self, able: list[str]) -> set[str]:
        lasting = [name for name in able if self._lasts(name) and not self.symptoms[name].proven]
        cures = [cure for name in lasting for cure in self.cures[name]]
        best = Planner(self.now, self.evidence, cures).best(cures)
        if best is None:
            return set()
        plan = best[0]
        seen = self.now.compare(plan, orders=ORDERS, margin=STRICT)
        if seen is None or not seen.better or not self._generalises(plan):
            return set()
        return {name for name in lasting if set(self.cures[name]) & set(plan.cures)}

    def _lasts(self, name: str) -> bool:
        """Tell whether a symptom is still there when the untreated fork ends, where that can be said."""
        untreated, persists = self.now.run(()), self.symptoms[name].persists
        assert untreated is not None
        return persists is None or persists(untreated)

    def _cured(self, fault: Fault, whatif: WhatIf, cures: tuple[Cure, ...]) -> bool:
        """Tell whether one of the cures is clearly better, over all orders, than no treatment."""
        best_first = sorted(cures, key=lambda cure: whatif.outcome(self.planner.single(cure), fault.measured))
        return any(self._better(fault, whatif, cure) for cure in best_first)

    def _better(self, fault: Fault, whatif: WhatIf, cure: Cure) -> bool:
        plan = self.planner.single(cure)
        for orders in (1, ORDERS):
            seen = whatif.compare(plan, orders=orders, measured=fault.measured, margin=fault.margin)
            if seen is None or not seen.better:
                return False
        if fault.generalises and not self._generalises(plan):
            return False
        if cure.unless is not None:
            alone = whatif.compare(
                self.planner.single(cure.unless), measured=fault.measured, margin=fault.margin
            )
            if alone is not None and alone.better:
                return False
        if cure.beyond is None:
            return True
        without = whatif.compare(
            plan, self.planner.single(cure.beyond), measured=fault.measured, margin=SLIGHT
        )
        return without is None or without.better

    def _recommended(self, confirmed: set[str]) -> Forecast | None:
        """Return the best confirmed plan. What is certainly wrong is put right by it in any case."""
        ill = [name for name in FAULTS if name in confirmed]
        cures = [cure for name in ill for cure in self.cures[name]]
        kept = [self.cures[name][0] for name in ill if self.symptoms[name].certain]
        measured = VALIDATION if confirmed <= {"overfitting"} else TRAINING
        thinkable = [
            cure
            for name in FAULTS
            if name in self.symptoms and (name in confirmed or not FAULTS[name].last_resort)
            for cure in self.cures[name]
        ]
        if not cures:
            return None
        best = Planner(self.now, self.evidence, thinkable, measured).best(cures, kept)
        return best and best[1]

    def _ranked(self, confirmed: set[str]) -> list[str]:
        """Return the confirmed faults, the root first.

        A root is what, had it not been there from the start, would have prevented most of the harm. Of several
        such the one that causes others comes first.
        """
        prevented = {name: self._prevented(name) for name in confirmed}
        untreated = self.start.outcome(NOTHING)
        least = min(prevented.values(), default=np.inf)
        order = list(FAULTS)

        def key(name: str) -> tuple[bool, bool, int]:
            harm = min(untreated, max(self.evidence.data.baseline, least)) - least
            explained = untreated - prevented[name] >= 0 and prevented[name] - least <= UNEXPLAINED * harm
            # What no command cures cannot be prevented either.
            certain = self.symptoms[name].certain or not self.cures[name]
            return (not certain, not explained, order.index(name))

        return sorted(confirmed, key=key)

    def _prevented(self, name: str) -> float:
        """Return the loss that the run would have ended with, had the fault not been there from the start."""
        ends = [self.start.outcome(Plan((cure,))) for cure in self.cures[name] if cure.prevents]
        return min(ends, default=np.inf)

    def _finding(self, name: str, confirmed: bool, since: Mapping[str, int]) -> Finding:
        fault, symptom, evidence = FAULTS[name], self.symptoms[name], self.evidence
        forecasts = [
            self.now.forecast(self.planner.single(cure), orders=1, measured=fault.measured)
            for cure in self.cures[name]
        ]
        known = [one if confirmed else replace(one, confirmed=False) for one in forecasts if one is not None]
        return Finding(
            id=name,
            step=evidence.step,
            since=since.get(name, evidence.step),
            severity=symptom.severity,
            summary=symptom.summary,
            why=fault.why,
            confirmed=confirmed,
            evidence=symptom.evidence,
            units=symptom.units,
            rows=symptom.rows,
            cures=tuple(sorted(known, key=lambda one: (not one.confirmed, one.loss_treated))),
        )


def _with_recommended(root: Finding, recommended: Forecast) -> Finding:
    others = tuple(cure for cure in root.cures if cure.id != recommended.id)
    return replace(root, cures=(recommended, *others))
