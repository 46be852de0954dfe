"""Plans of treatment: cures put together for as long as each makes the outcome better."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_core.diagnosis import cures as c
from backprop_core.diagnosis.report import TRAINING
from backprop_core.diagnosis.verdict import SLIGHT
from backprop_core.diagnosis.whatif import NOTHING, Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backprop_core.diagnosis.evidence import Evidence
    from backprop_core.diagnosis.fault import Cure
    from backprop_core.diagnosis.report import Forecast
    from backprop_core.diagnosis.whatif import WhatIf

MOST_CURES = 6
"""A plan has no more cures than this."""

COMPANION_RATES = (0.1, 0.3, 3.0, 10.0)
"""A cure may want another learning rate besides: times these."""

COMPANION_BATCH = 16
"""… or, where batches are smaller, batches of this size."""

WELL = 0.05
"""A plan that ends below this share of the baseline's loss is good enough not to look for another."""


class Planner:
    """Puts plans together on the forks of one what-if.

    Parameters
    ----------
    whatif : WhatIf
    evidence : Evidence
    cures : sequence of Cure
        What a plan may be made of.
    measured : str
        By which loss plans are judged.
    """

    def __init__(
        self, whatif: WhatIf, evidence: Evidence, cures: Sequence[Cure], measured: str = TRAINING
    ) -> None:
        self.whatif = whatif
        self.evidence = evidence
        self.measured = measured
        batch = evidence.batch
        larger = (c.batch_size(COMPANION_BATCH),) if batch < COMPANION_BATCH <= evidence.samples else ()
        self._fresh = c.initialize(evidence)
        self._cures = (*cures, self._fresh, *c.learning_rates(evidence, *COMPANION_RATES), *larger)

    def single(self, cure: Cure) -> Plan:
        """Return the plan of one cure; of a run that has diverged it begins with going back."""
        if self.evidence.diverged and cure.family not in (c.BACK, c.START):
            return Plan((c.ROLLBACK, cure))
        return Plan((cure,))

    def best(self, cures: Sequence[Cure], kept: Sequence[Cure] = ()) -> tuple[Plan, Forecast] | None:
        """Return the best plan that begins with one of some cures, and what it does; confirmed as a whole.

        Parameters
        ----------
        cures : sequence of Cure
            Of what is to be cured; where the state that training has come to is past help, they are tried on
            fresh weights too.
        kept : sequence of Cure
            What every plan has, whether it makes the outcome better or not.
        """
        found: list[tuple[Plan, Forecast]] = []
        for begun in self._beginnings(cures, kept):
            plan = self._pruned(self.grown(begun), kept)
            forecast = self.whatif.forecast(plan, measured=self.measured) if plan.cures else None
            if forecast is not None and forecast.confirmed:
                found.append((plan, forecast))
                if forecast.loss_treated < WELL * self.whatif.baseline:
                    break
        return min(found, key=lambda one: one[1].loss_treated, default=None)

    def _beginnings(self, cures: Sequence[Cure], kept: Sequence[Cure]) -> list[Plan]:
        """Return what plans are to begin with: the best of the cures, the best on fresh weights, what is kept."""
        outcome = self._outcome
        sure = NOTHING
        for cure in kept:
            sure = sure.with_cure(cure)
        if sure.cures and self.evidence.diverged:
            sure = sure.with_cure(c.ROLLBACK)
        singles = [self.single(cure) for cure in cures]
        fresh = [Plan((self._fresh,)).with_cure(cure) for cure in cures if cure.prevents]
        if sure.cures:
            fresh = [sure.with_cure(self._fresh)]
            singles = [sure]
        chosen = [min(plans, key=outcome) for plans in (singles, fresh) if plans]
        return list(dict.fromkeys(chosen))

    def _outcome(self, plan: Plan) -> float:
        return self.whatif.outcome(plan, self.measured)

    def grown(self, plan: Plan) -> Plan:
        """Add the best further cure for as long as there is one that makes the outcome better."""
        for _ in range(MOST_CURES - len(plan.cures)):
            tried = [plan.with_cure(cure) for cure in self._cures if cure not in plan.cures]
            best = min(tried, key=self._outcome, default=plan)
            seen = self.whatif.compare(best, plan, measured=self.measured, margin=SLIGHT)
            if seen is None or not seen.better:
                return plan
            plan = best
        return plan

    def _pruned(self, plan: Plan, kept: Sequence[Cure]) -> Plan:
        """Drop cures without which the plan is as good, but those that are to be kept."""
        for cure in plan.cures:
            without = plan.without(cure)
            if not without.cures or cure in kept:
                continue
            seen = self.whatif.compare(plan, without, measured=self.measured, margin=SLIGHT)
            if seen is not None and not seen.better:
                return self._pruned(without, kept)
        return plan
