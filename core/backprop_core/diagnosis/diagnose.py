"""Diagnosing a run: its symptoms, the experiments that confirm them, and the cure with the best outcome."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from backprop_core.diagnosis.chain import in_causal_order
from backprop_core.diagnosis.evidence import Witness
from backprop_core.diagnosis.faults import FAULTS
from backprop_core.diagnosis.report import FINDING, HEALTHY, WATCHING, Diagnosis, Finding, Forecast
from backprop_core.diagnosis.whatif import Plan, WhatIf
from backprop_core.training_state import capture

if TYPE_CHECKING:
    from collections.abc import Mapping

    from backprop_core.diagnosis.evidence import Evidence
    from backprop_core.diagnosis.fault import Cure, Symptom
    from backprop_core.trainer import Trainer

DEFAULT_EPOCHS = 10_000
"""How long forks are where neither the experiment nor the caller says how long training lasts."""


def symptoms_of(evidence: Evidence) -> dict[str, Symptom]:
    """Return the symptoms that show in the evidence, by the id of their fault."""
    seen = {name: fault.symptom(evidence) for name, fault in FAULTS.items()}
    return {name: symptom for name, symptom in seen.items() if symptom is not None}


def diagnose(
    trainer: Trainer,
    *,
    epochs: int | None = None,
    since: Mapping[str, int] | None = None,
    witness: Witness | None = None,
) -> Diagnosis:
    """Say why a run does or does not learn; the trainer is only read.

    Parameters
    ----------
    trainer : Trainer
    epochs : int, optional
        How long the forks are; what is left of the experiment's epochs if left out.
    since : mapping of id to step, optional
        Since when a symptom has been there, where that is known.
    witness : Witness, optional
        Of this trainer, where there is one already.
    """
    evidence = (witness or Witness(trainer)).gather()
    symptoms = symptoms_of(evidence)
    if not symptoms:
        return Diagnosis(HEALTHY, evidence.step, evidence.epoch, evidence.loss)
    whatif = WhatIf(capture(trainer), epochs or epochs_left(trainer), evidence.data.baseline)
    cures = {name: FAULTS[name].cures(evidence) for name in symptoms}
    best = _best_plan(whatif, [cure for name in cures for cure in cures[name]])
    recommended = whatif.forecast(best) if best.cures else None
    if recommended is not None and not recommended.confirmed:
        recommended = None
    findings = in_causal_order(
        [
            _finding(
                name, symptom, cures[name], evidence, whatif, best if recommended else Plan(()), since or {}
            )
            for name, symptom in symptoms.items()
        ]
    )
    if findings and recommended is not None:
        findings = (_with_recommended(findings[0], recommended), *findings[1:])
    state = FINDING if any(finding.confirmed for finding in findings) else WATCHING
    return Diagnosis(state, evidence.step, evidence.epoch, evidence.loss, findings, recommended)


def epochs_left(trainer: Trainer) -> int:
    """Return how many epochs the experiment has left, at least one."""
    total = trainer.experiment.epochs
    return max(total - trainer.epoch, 1) if total else DEFAULT_EPOCHS


def _best_plan(whatif: WhatIf, cures: list[Cure]) -> Plan:
    """Add cure by cure for as long as each makes the outcome clearly better."""
    plan = Plan(())
    left = list(cures)
    while left:
        tried = sorted((whatif.outcome(plan.with_cure(cure)), index) for index, cure in enumerate(left))
        better = next(
            (
                index
                for _, index in tried
                if (seen := whatif.compare(plan.with_cure(left[index]), plan)) and seen.better
            ),
            None,
        )
        if better is None:
            return plan
        plan = plan.with_cure(left.pop(better))
    return plan


def _finding(
    name: str,
    symptom: Symptom,
    cures: tuple[Cure, ...],
    evidence: Evidence,
    whatif: WhatIf,
    best: Plan,
    since: Mapping[str, int],
) -> Finding:
    fault = FAULTS[name]
    forecasts = [whatif.forecast(Plan((cure,)), measured=fault.measured) for cure in cures]
    known = sorted((one for one in forecasts if one is not None), key=lambda one: one.loss_treated)
    part_of_best = any(cure in best.cures for cure in cures)
    return Finding(
        id=name,
        step=evidence.step,
        since=since.get(name, evidence.step),
        severity=symptom.severity,
        summary=symptom.summary,
        why=fault.why,
        confirmed=symptom.proven or part_of_best or any(one.confirmed for one in known),
        evidence=symptom.evidence,
        units=symptom.units,
        rows=symptom.rows,
        cures=tuple(known),
    )


def _with_recommended(root: Finding, recommended: Forecast) -> Finding:
    others = tuple(cure for cure in root.cures if cure.id != recommended.id)
    return replace(root, cures=(recommended, *others))
