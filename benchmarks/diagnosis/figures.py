"""The figures of a set of records: how often the diagnosis was right, and what its treatment gained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.diagnosis.detectors import RULES
from benchmarks.diagnosis.harm import FAULTY, HEALTHY, clearly_better
from benchmarks.diagnosis.statistics import Share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.diagnosis.measuring import Record

REPAIRED = 0.8
"""At least so much of the gap to the clean twin has to be closed."""

NOTHING = "nothing"


@dataclass(frozen=True)
class Target:
    """What a figure is to reach: at least, or at most, so much."""

    value: float
    at_least: bool


@dataclass(frozen=True)
class Figure:
    """A share with a name and, where there is one, its target."""

    name: str
    share: Share
    target: Target | None = None


def figures(records: Sequence[Record]) -> list[Figure]:
    """Return the table's figures."""
    healthy = [record for record in records if record.case.label.state == HEALTHY]
    faulty = [record for record in records if record.case.label.state == FAULTY]
    curable = [record for record in faulty if record.case.curable]
    return [
        Figure("healthy runs with a confirmed finding", Share.of(map(found, healthy)), Target(0.02, False)),
        Figure(
            "– of them without any injected fault",
            Share.of(found(record) for record in healthy if not record.case.injected),
        ),
        Figure("faulty runs found", Share.of(map(found, faulty)), Target(0.95, True)),
        Figure("root cause named first", Share.of(map(rightly_named, faulty)), Target(0.85, True)),
        Figure("– by the injected id itself", Share.of(strictly_named(record) for record in faulty)),
        Figure("repaired by treatment", Share.of(map(repaired, curable)), Target(0.85, True)),
        Figure("– by a random cure", Share.of(repaired_at_random(record) for record in curable)),
        Figure(
            "made worse by treatment", Share.of(map(made_worse, [*healthy, *faulty])), Target(0.01, False)
        ),
    ]


def rule_figures(records: Sequence[Record]) -> list[tuple[str, Share, Share]]:
    """Return for each known rule the shares of healthy and of faulty runs that it calls ill."""
    by_state = {
        state: [record for record in records if record.case.label.state == state]
        for state in (HEALTHY, FAULTY)
    }
    return [
        (
            rule.name,
            Share.of(record.case.rules[rule.name] for record in by_state[HEALTHY]),
            Share.of(record.case.rules[rule.name] for record in by_state[FAULTY]),
        )
        for rule in RULES
    ]


def found(record: Record) -> bool:
    """Tell whether any finding was confirmed."""
    return record.examined is not None and bool(record.examined.diagnosed.confirmed)


def first_named(record: Record) -> str:
    """Return the id that was named first, of a diagnosis with a confirmed finding."""
    named = record.examined.diagnosed.named if record.examined is not None else ()
    return named[0] if named else NOTHING


def rightly_named(record: Record) -> bool:
    """Tell whether the root was named first, in one of the words that say it."""
    return first_named(record) in (*record.case.label.roots, *record.case.label.also)


def strictly_named(record: Record) -> bool:
    """Tell whether the root was named first, as it was injected."""
    return first_named(record) in record.case.label.roots


def gap_closed(record: Record, loss: float | None) -> float:
    """Return how much of the gap to the clean twin a loss closes.

    A run that ended above the loss of the best constant prediction counts as one that ended there: to fall
    from a million to that is no repair.
    """
    if loss is None:
        return 0.0
    odd = min(
        record.case.label.odd.loss(record.case.judged_by),
        max(1.0, record.case.label.clean.loss(record.case.judged_by)),
    )
    clean = record.case.label.clean.loss(record.case.judged_by)
    return (odd - loss) / (odd - clean) if odd > clean else float(loss <= clean)


def repaired(record: Record) -> bool:
    """Tell whether treatment closed enough of the gap."""
    return record.examined is not None and gap_closed(record, record.examined.treated) >= REPAIRED


def repaired_at_random(record: Record) -> bool:
    """Tell whether a random cure did."""
    return record.examined is not None and gap_closed(record, record.examined.cured_at_random) >= REPAIRED


def made_worse(record: Record) -> bool:
    """Tell whether the run would clearly have ended better without treatment."""
    odd = record.case.label.odd.loss(record.case.judged_by)
    return record.examined is not None and clearly_better(odd, record.examined.treated)
