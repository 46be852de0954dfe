"""The causal chain: which finding follows from which, and in which order they are told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from backprop_core.diagnosis.faults import FAULTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backprop_core.diagnosis.report import Finding


def in_causal_order(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings, confirmed ones first and causes before their effects, each knowing its effects."""
    present = {finding.id for finding in findings if finding.confirmed}
    effects: dict[str, list[str]] = {finding.id: [] for finding in findings}
    for finding in findings:
        cause = next((one for one in FAULTS[finding.id].causes if one in present), None)
        if cause is not None and cause != finding.id:
            effects[cause].append(finding.id)
    order = {name: place for place, name in enumerate(FAULTS)}
    ranked = sorted(findings, key=lambda finding: (not finding.confirmed, order[finding.id]))
    return tuple(replace(finding, cause_of=tuple(effects[finding.id])) for finding in ranked)
