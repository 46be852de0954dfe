"""An investigation: which of the symptoms experiments confirm, which is the root, which plan cures best."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from backprop_core.diagnosis import cures as c
from backprop_core.diagnosis.chain import in_causal_order
from backprop_core.diagnosis.faults import FAULTS
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

MOST_CURES = 6
"""A plan has no more cures than this."""

MOST_FROM_START = 2
"""Forks from the beginning are at most so many times as long as those from here."""

UNEXPLAINED = 0.3
"""A fault explains the harm if no more than this share of it is left without the fault."""

COMPANION_RATES = (0.1, 0.3, 3.0, 10.0)
"""A cure may want another learning rate besides: times these."""


HELD_OUT, LEAST_TO_HOLD_OUT = 4, 16
UNSEEN = Margin(0.15, 0.02)
"""A cure has to lower the loss by so much on every fourth sample, held out, where there are enough of them."""

COMPANION_BATCH = 16
"""… or, where batches are smaller, batches of this size."""


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
        self.cures = {name: FAULTS[name].cures(evidence) for name in symptoms}

    def diagnosis(self, since: Mapping[str, int]) -> Diagnosis:
        """Carry out the experiments, and return what they say."""
        evidence = self.evidence
        confirmed = self._confirmed()
        best = self._best_plan(confirmed) if confirmed else NOTHING
        recommended = self.now.forecast(best, measured=self._measured(best)) if best.cures else None
        if recommended is not None and not recommended.confirmed:
            recommended = None
        roots = self._ranked(confirmed)
        findings = in_causal_order(
            [self._finding(name, name in confirmed, since) for name in self.symptoms], roots
        )
        if recommended is not None:
            findings = (_with_recommended(findings[0], recommended), *findings[1:])
        state = FINDING if confirmed else WATCHING
        return Diagnosis(state, evidence.step, evidence.epoch, evidence.loss, findings, recommended)

    def _plan(self, cure: Cure) -> Plan:
        """Return the plan of one cure; of a run that has diverged it begins with going back."""
        if self.evidence.diverged and cure.family != c.START:
            return Plan((c.ROLLBACK, cure))
        return Plan((cure,))

    def _confirmed(self) -> set[str]:
        """Return the faults that are proven, or a cure of which is clearly better than no treatment.

        Where no cure alone helps, those together whose cures do, and none of which can be left out.
        """
        first = {name for name in self.symptoms if not FAULTS[name].last_resort and self._is_confirmed(name)}
        if first:
            return first
        last = {name for name in self.symptoms if FAULTS[name].last_resort and self._is_confirmed(name)}
        return last or self._confirmed_together()

    def _is_confirmed(self, name: str) -> bool:
        fault, cures, symptom = FAULTS[name], self.cures[name], self.symptoms[name]
        if symptom.proven is not None:
            untreated = self.now.run(())
            return untreated is not None and symptom.proven(untreated)
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

    def _confirmed_together(self) -> set[str]:
        lasting = {name for name in self.symptoms if self._lasts(name)}
        plan = self._best_plan(lasting, certain=False)
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
        best_first = sorted(cures, key=lambda cure: whatif.outcome(self._plan(cure), fault.measured))
        return any(self._better(fault, whatif, cure) for cure in best_first)

    def _better(self, fault: Fault, whatif: WhatIf, cure: Cure) -> bool:
        plan = self._plan(cure)
        for orders in (1, ORDERS):
            seen = whatif.compare(plan, orders=orders, measured=fault.measured, margin=fault.margin)
            if seen is None or not seen.better:
                return False
        if fault.generalises and not self._generalises(plan):
            return False
        if cure.beyond is None:
            return True
        without = whatif.compare(plan, self._plan(cure.beyond), measured=fault.measured, margin=SLIGHT)
        return without is None or without.better

    def _best_plan(self, confirmed: set[str], *, certain: bool = True) -> Plan:
        """Add cure by cure for as long as each makes the outcome better, then drop what is not needed.

        With ``certain`` what is certainly wrong is put right in any case: a plan begins with it.
        """
        measured = VALIDATION if confirmed <= {"overfitting"} else TRAINING
        own = [cure for name in self._thinkable(confirmed) for cure in self.cures[name]]
        singles = [self._plan(cure) for name in FAULTS if name in confirmed for cure in self.cures[name]]
        if not singles:
            return NOTHING
        sure = [
            self.cures[name][0]
            for name in FAULTS
            if certain and name in confirmed and self.symptoms[name].certain
        ]
        plan = NOTHING
        for cure in (*((c.ROLLBACK,) if self.evidence.diverged and sure else ()), *sure):
            plan = plan.with_cure(cure)
        if not plan.cures:
            plan = min(singles, key=lambda one: self.now.outcome(one, measured))
        for _ in range(MOST_CURES):
            grown = self._grown(plan, (*own, *self._companions()), measured)
            if grown is None:
                break
            plan = grown
        return self._pruned(plan, sure, measured)

    def _companions(self) -> tuple[Cure, ...]:
        """Return changes that make many a cure better, and are no cure of anything by themselves."""
        evidence = self.evidence
        batch = (
            (c.batch_size(COMPANION_BATCH),) if evidence.batch < COMPANION_BATCH <= evidence.samples else ()
        )
        return (c.initialize(evidence), *c.learning_rates(evidence, *COMPANION_RATES), *batch)

    def _thinkable(self, confirmed: set[str]) -> list[str]:
        """Return the faults that a treatment may go on to once the confirmed ones are cured."""
        return [
            name
            for name in FAULTS
            if name in self.symptoms and (name in confirmed or not FAULTS[name].last_resort)
        ]

    def _grown(self, plan: Plan, cures: tuple[Cure, ...], measured: str) -> Plan | None:
        tried = {plan.with_cure(cure) for cure in cures if cure not in plan.cures}
        best = min(tried, key=lambda one: self.now.outcome(one, measured), default=None)
        if best is None:
            return None
        seen = self.now.compare(best, plan, measured=measured, margin=SLIGHT)
        return best if seen is not None and seen.better else None

    def _pruned(self, plan: Plan, kept: list[Cure], measured: str) -> Plan:
        """Drop cures without which the plan is as good, but those that are to be kept."""
        for cure in plan.cures:
            without = plan.without(cure)
            if not without.cures or cure in kept:
                continue
            seen = self.now.compare(plan, without, measured=measured, margin=SLIGHT)
            if seen is not None and not seen.better:
                return self._pruned(without, kept, measured)
        return plan

    def _measured(self, plan: Plan) -> str:
        return VALIDATION if any(cure.id.startswith("weight-decay") for cure in plan.cures) else TRAINING

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
            certain = self.symptoms[name].certain or self.symptoms[name].proven is not None
            return (not certain, not explained, order.index(name))

        return sorted(confirmed, key=key)

    def _prevented(self, name: str) -> float:
        """Return the loss that the run would have ended with, had the fault not been there from the start."""
        ends = [self.start.outcome(Plan((cure,))) for cure in self.cures[name] if cure.prevents]
        return min(ends, default=np.inf)

    def _finding(self, name: str, confirmed: bool, since: Mapping[str, int]) -> Finding:
        fault, symptom, evidence = FAULTS[name], self.symptoms[name], self.evidence
        forecasts = [
            self.now.forecast(self._plan(cure), orders=1, measured=fault.measured)
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
