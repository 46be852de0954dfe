"""Mistakes in what an update is fed: always the same samples, targets of other samples, shapes that broadcast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backprop_core.review.comparing.finding import Finding

if TYPE_CHECKING:
    from backprop_core.review.comparing.points import Network, Point


def data_mistakes(network: Network) -> Finding | None:
    """Tell samples that are always the same, and targets that belong to other samples."""
    paths = [path for layer in (*network.weight_paths, *network.bias_paths) for path in layer]
    points = network.points
    first = points[0].layers[0].X
    same = len(points) >= 4 and all(np.array_equal(point.layers[0].X, first) for point in points)
    available = max(point.data["source"]["rows"] for point in points)
    if same and (
        network.batches > 1
        or (len(first) == 1 and available > 1)
        or (not network.implied and network.samples > len(first))
    ):
        return Finding("one-sample-only", None, paths)
    wrong = [_misaligned(point) for point in points]
    if sum(one is True for one in wrong) > 0.5 * len(wrong) or _contradicted(points):
        return Finding("target-misaligned", None, paths)
    return None


def _contradicted(points: list[Point]) -> bool:
    """Whether most samples that were seen at several updates had another target each time."""
    made = next((point.data["source"] for point in points if point.data["source"]["X"] is not None), None)
    if made is None or len({np.ascontiguousarray(row).tobytes() for row in made["X"]}) < len(made["X"]):
        return False
    known = {np.ascontiguousarray(target).tobytes() for target in made["Y"]}
    seen: dict[bytes, set[bytes]] = {}
    times: dict[bytes, int] = {}
    for point in points:
        if point.target is None or len(point.target) != point.rows:
            return False
        for row, target in zip(point.layers[0].X, point.target, strict=True):
            key, value = (np.ascontiguousarray(one).tobytes() for one in (row, target))
            if value not in known:
                return False
            seen.setdefault(key, set()).add(value)
            times[key] = times.get(key, 0) + 1
    again = [key for key, count in times.items() if count > 1]
    return len(again) > 3 and sum(len(seen[key]) > 1 for key in again) > 0.5 * len(again)


def _misaligned(point: Point) -> bool | None:
    """Whether most samples of an update stand in other rows of their array than their targets do in theirs."""
    source, target = point.data["source"], point.target
    x, y = source["X"], source["Y"]
    if x is None or target is None or y.shape[1] != target.shape[1]:
        return None
    rows = {np.ascontiguousarray(row).tobytes(): number for number, row in enumerate(x)}
    if len(rows) < len(x):
        return None
    numbers = [rows.get(np.ascontiguousarray(row).tobytes()) for row in point.layers[0].X]
    if any(number is None for number in numbers):
        return None
    meant = y[np.array(numbers, int)]
    values = {np.ascontiguousarray(row).tobytes() for row in y}
    if any(np.ascontiguousarray(row).tobytes() not in values for row in target):
        return None
    return bool(np.any(meant != target))


def broadcast_error(network: Network) -> Finding | None:
    """Tell outputs and targets that were broadcast against each other to a square."""
    for point in network.points:
        for entry in point.data["broadcast"]:
            paths = [path for layer in (*network.weight_paths, *network.bias_paths) for path in layer]
            shapes = " and ".join(
                str(tuple(int(size) for size in entry[name])) for name in ("output", "target")
            )
            return Finding("broadcast-error", None, paths, note=f"{entry['line']}|{shapes}")
    return None
