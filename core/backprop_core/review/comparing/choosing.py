"""Which updates hypotheses are compared at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.review.comparing.points import Network, Point

    Array = NDArray[Any]


MOST_POINTS = 7


FEWEST_POINTS = 2


NEAR_ZERO = 1e-3


def _saturated(network: Network, point: Point) -> bool:
    """Whether what keeps a logarithm from zero, a bound or a small number added, shows in the gradient."""
    a = point.layers[-1].A
    if network.loss == "binary-cross-entropy":
        return bool(np.any(np.minimum(a, 1 - a) < NEAR_ZERO))
    if network.loss == "cross-entropy":
        inside = point.e != 0
        return bool(np.any(a[inside] < NEAR_ZERO) or not np.all(inside.any(axis=1)))
    return False


def choose_points(network: Network) -> list[Point]:
    """Return the points that tell most: random weights first, then the start, then later ones."""

    def rank(point: Point) -> int:
        return 0 if point.label.startswith("random") else 1 if point.label == "start" else 2

    live = [point for point in network.points if np.any(point.e) and np.all(np.isfinite(point.e))]
    clear = [point for point in live if not _saturated(network, point)]
    seen: dict[str, int] = {}
    ordered = []
    for point in clear if len(clear) >= FEWEST_POINTS else live:
        seen[point.label] = seen.get(point.label, 0) + 1
        ordered.append((seen[point.label], rank(point), point))
    ordered.sort(key=lambda entry: (entry[0], entry[1]))
    return [point for _, _, point in ordered][:MOST_POINTS]
