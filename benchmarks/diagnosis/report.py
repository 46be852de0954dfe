"""The report of a part, as Markdown."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from benchmarks.diagnosis.figures import (
    figures,
    first_named,
    found,
    repaired,
    rightly_named,
    rule_figures,
)
from benchmarks.diagnosis.harm import FAULTY, HEALTHY, UNCLEAR
from benchmarks.diagnosis.statistics import Share, confusion, confusion_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.diagnosis.figures import Target
    from benchmarks.diagnosis.measuring import Record


def report(part: str, records: Sequence[Record]) -> str:
    """Return the report: the figures, the known rules, what was found of each fault, the confusion."""
    states = Counter(record.case.label.state for record in records)
    counted = ", ".join(f"{states[state]} {state}" for state in (FAULTY, HEALTHY, UNCLEAR))
    faulty = [record for record in records if record.case.label.state == FAULTY]
    return "\n\n".join(
        [
            f"### {part}: {len(records)} runs, {counted}",
            _figures_table(records),
            _rules_table(records),
            _faults_table(faulty),
            confusion_table(confusion(("+".join(r.case.label.roots), first_named(r)) for r in faulty)),
        ]
    )


def percent(share: Share) -> str:
    """Return a share and its interval, as ``12.5 % (3 of 24; 4.3 to 31.0)``."""
    if share.value is None:
        return "none"
    low, high = share.interval()
    return f"{share.value:.1%} ({share.hits} of {share.total}; {low:.1%} to {high:.1%})".replace("%", " %")


def _target(target: Target | None) -> str:
    if target is None:
        return ""
    return f"{'≥' if target.at_least else '≤'} {target.value:.0%}".replace("%", " %")


def _figures_table(records: Sequence[Record]) -> str:
    rows = [(figure.name, percent(figure.share), _target(figure.target)) for figure in figures(records)]
    return _table(("figure", "measured (95 % interval)", "to reach"), rows)


def _rules_table(records: Sequence[Record]) -> str:
    rows = [(name, percent(healthy), percent(faulty)) for name, healthy, faulty in rule_figures(records)]
    return _table(("rule of known detectors", "healthy runs called ill", "faulty runs called ill"), rows)


def _faults_table(faulty: Sequence[Record]) -> str:
    kinds: dict[str, list[Record]] = {}
    for record in faulty:
        kinds.setdefault(record.case.kind, []).append(record)
    rows = [
        (
            kind,
            str(len(members)),
            *(str(sum(map(judge, members))) for judge in (found, rightly_named)),
            str(sum(map(repaired, members))) if members[0].case.curable else "–",
        )
        for kind, members in sorted(kinds.items())
    ]
    return _table(("injected", "runs", "found", "named", "repaired"), rows)


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
