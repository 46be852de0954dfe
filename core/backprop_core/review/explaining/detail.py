"""The values of a backward pass with their lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.review.explaining.sites import Sites
    from backprop_core.review.following.analysis import UnitAnalysis
    from backprop_core.review.running.recorded import Node

    Array = NDArray[Any]
    Data = dict[str, Any]


MOST_DETAIL = 4000


LARGEST_DETAIL = 20_000


MOST_NUMBERS = 400_000


def detail_of(analysis: UnitAnalysis, sites: Sites) -> list[Data]:
    """Return the values of the backward pass with their lines, in order."""
    before = analysis.ancestors_of(analysis.trained_outputs)
    found: list[Data] = []
    numbers = 0
    for node in sorted(analysis.updated - before, key=lambda node: node.index):
        if node.site < 0 or node.op == "leaf" or np.size(node.value) > LARGEST_DETAIL:
            continue
        value = np.asarray(node.value)
        numbers += value.size
        if value.dtype.kind not in "fi":
            continue
        if len(found) >= MOST_DETAIL or numbers > MOST_NUMBERS:
            break
        line = sites.line(node.site)
        found.append(
            {
                "line": line,
                "called": _called_at(sites, node),
                "site": node.site,
                "op": node.op,
                "value": value.astype(float),
                "names": [[name, sites.line(site)] for name, site in node.names],
                "returned": [sites.line(site) for site in node.returned if _passed_on(sites, site, line)],
            }
        )
    return found


def _called_at(sites: Sites, node: Node) -> int:
    """Return the line of an operation; if a small helper does it, that at which the helper is called."""
    line, caller = sites.line(node.site), node.caller
    while caller is not None and any(first <= line <= last for first, last in sites.helpers):
        line, caller = sites.line(caller.site), caller.outer
    return line


def _passed_on(sites: Sites, site: int, line: int) -> bool:
    """Whether a function returns what it was given: its value was computed outside of it."""
    first, last = sites.functions.get(site, (0, 0))
    return not first <= line <= last
