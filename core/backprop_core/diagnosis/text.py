"""A diagnosis in words: a line for a status, a report for a terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from backprop_core.diagnosis.faults import FAULTS
from backprop_core.diagnosis.report import FINDING, WATCHING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from backprop_core.diagnosis.report import Diagnosis, Finding, Forecast


def headline(diagnosis: Diagnosis) -> str:
    """Return the diagnosis in one line."""
    root = diagnosis.root
    if diagnosis.state == FINDING and root is not None:
        cure = f" · cure: {diagnosis.recommended.command}" if diagnosis.recommended else ""
        return f"{chain(diagnosis)}: {root.summary}{cure}"
    if diagnosis.state == WATCHING and root is not None:
        return f"nothing confirmed; seen: {', '.join(title(finding.id) for finding in diagnosis.findings)}"
    return "healthy: no symptom"


def title(name: str) -> str:
    """Return a fault's title within a sentence."""
    words = FAULTS[name].title
    return words[0].lower() + words[1:]


def chain(diagnosis: Diagnosis) -> str:
    """Return the confirmed findings as the root and what follows from it: ``wrong gradient → dead output``."""
    confirmed = diagnosis.confirmed
    if not confirmed:
        return ""
    followers = [one.id for one in confirmed[1:] if one.id in confirmed[0].cause_of]
    return " → ".join(title(name) for name in (confirmed[0].id, *followers))


def effect(forecast: Forecast) -> str:
    """Return what a cure was measured to do, in a line."""
    which = "validation loss" if forecast.measured == "validation" else "loss"
    return (
        f"{which} {loss(forecast.loss_treated)} with it, {loss(forecast.loss_untreated)} without, "
        f"{forecast.epochs:,} epochs on"
    )


def loss(value: float) -> str:
    """Return a loss to four digits, or a word where it is not finite."""
    return f"{value:.4g}" if math.isfinite(value) else "not finite"


def report(diagnosis: Diagnosis) -> Iterator[tuple[str, str]]:
    """Yield the report as (label, text); texts may be long, and an empty label begins a finding."""
    place = f"step {diagnosis.step:,}, epoch {diagnosis.epoch:,}, loss {loss(diagnosis.loss)}"
    if diagnosis.state != FINDING:
        yield "", f"Nothing is wrong that an experiment confirms ({place})."
        if diagnosis.findings:
            names = ", ".join(title(finding.id) for finding in diagnosis.findings)
            yield "seen", f"{names}: no cure of it ends clearly better than leaving things alone."
        return
    yield "", f"{chain(diagnosis).capitalize()} ({place})."
    for number, finding in enumerate(diagnosis.confirmed, start=1):
        yield from _finding(number, finding)
    if diagnosis.recommended is not None:
        yield "", "Recommended"
        yield "command", diagnosis.recommended.command
        yield "what", f"{diagnosis.recommended.summary}."
        yield "measured", effect(diagnosis.recommended)
    others = [title(finding.id) for finding in diagnosis.findings if not finding.confirmed]
    if others:
        yield "", f"Seen too, but not confirmed: {', '.join(others)}."


def _finding(number: int, finding: Finding) -> Iterator[tuple[str, str]]:
    yield "", f"{number}. {FAULTS[finding.id].title} ({finding.id}, {finding.severity})"
    yield "seen", finding.summary
    yield "why", finding.why
    if finding.cause_of:
        yield "leads to", ", ".join(map(title, finding.cause_of))
    if finding.rows:
        more = " …" if len(finding.rows) > 12 else ""
        yield "rows", ", ".join(map(str, finding.rows[:12])) + more
    if finding.cures:
        yield "cure", finding.cures[0].command
        yield "measured", effect(finding.cures[0])
