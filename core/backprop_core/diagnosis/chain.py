"""The causal chain: which finding follows from which, and in which order they are told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from backprop_core.diagnosis.faults import FAULTS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from backprop_core.diagnosis.report import Finding


def effects_of(name: str, present: Collection[str]) -> tuple[str, ...]:
    """Return which of the faults that are present may follow from one, nearest and farther ones."""
    return tuple(other for other in FAULTS if other in present and name in FAULTS[other].causes)


def in_causal_order(findings: Sequence[Finding], ranked: Sequence[str]) -> tuple[Finding, ...]:
    """Return the findings, confirmed ones first in their rank, each with the findings that follow from it.

    A finding follows from another one only if it ranks after it.
    """
    order = [*ranked, *(name for name in FAULTS if name not in ranked)]
    sorted_findings = sorted(findings, key=lambda finding: order.index(finding.id))
    return tuple(
        replace(
            finding,
            cause_of=effects_of(finding.id, {later.id for later in sorted_findings[place + 1 :]})
            if finding.confirmed
            else (),
        )
        for place, finding in enumerate(sorted_findings)
    )
