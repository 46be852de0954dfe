"""The exact gradient of a recorded number: reverse mode over the graph of operations.

Each known operation has a vector-Jacobian product; any other is differentiated numerically by calling it again, so
that scalar functions of the script's own that were made to work on arrays are covered too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.following.vector_jacobian import RULES, like
from backprop_core.review.running.recorded import Node, Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from numpy.typing import NDArray

    Array = NDArray[Any]
    Product = Callable[[Node, Array, tuple[Any, ...]], list[Any] | None]

LARGEST_NUMERIC = 4096
"""Up to so many elements an unknown operation is differentiated numerically."""


def gradients(of: Node, cut: Collection[Node], seed: Any = None) -> dict[Node, Array]:
    """Return ∂of/∂node for every node that ``of`` depends on, as far as the nodes in ``cut``.

    Parameters
    ----------
    of : Node
        A number, or an array together with ``seed`` of the same shape.
    cut : collection of Node
        Nodes that count as given: what they were computed from is not looked at.
    """
    start = np.ones(np.shape(of.value)) if seed is None else np.asarray(seed, float)
    found: dict[Node, Array] = {of: start}
    given = set(cut)
    for node in reversed(ancestors(of, given)):
        upstream = found.get(node)
        if upstream is None or node in given or not node.inputs:
            continue
        for source, part in zip(node.inputs, _products(node, upstream), strict=True):
            if part is None or not _carries(source):
                continue
            part = like(part, source.value)
            found[source] = found[source] + part if source in found else part
    return found


def ancestors(of: Node, cut: Collection[Node], exactly: bool = False) -> list[Node]:
    """Return ``of`` and all that it was computed from, oldest first, not beyond ``cut``.

    Parameters
    ----------
    exactly : bool
        Do not take a number of an array that was filled one by one for one of all that was put there.
    """
    seen = {of}
    waiting = [of]
    while waiting:
        node = waiting.pop()
        if node in cut:
            continue
        for source in read(node) if exactly else node.inputs:
            if source not in seen:
                seen.add(source)
                waiting.append(source)
    return sorted(seen, key=lambda node: node.index)


def read(node: Node) -> tuple[Node, ...]:
    """Return what a node was computed from; for an item of an array filled by items, that item's value alone."""
    if node.op != "item" or len(node.arguments) < 2 or isinstance(node.arguments[1], Ref):
        return node.inputs
    index, array = node.arguments[1], node.inputs[0]
    while array.op == "set_item" and not isinstance(array.arguments[1], Ref):
        if array.arguments[1] == index:
            value = array.arguments[2]
            return (array.inputs[value.index],) if isinstance(value, Ref) else ()
        array = array.inputs[0]
    return node.inputs


def _carries(node: Node) -> bool:
    value = node.value
    return isinstance(value, float) or (
        isinstance(value, (np.ndarray, np.floating)) and value.dtype.kind == "f"
    )


def _products(node: Node, upstream: Array) -> list[Any]:
    values = tuple(source.value for source in node.inputs)
    rule = RULES.get(node.op)
    if rule is not None:
        with np.errstate(all="ignore"):
            parts = rule(node, upstream, values)
        if parts is not None:
            return parts + [None] * (len(values) - len(parts))
    return [_numeric(node, upstream, values, index) for index in range(len(values))]


def _numeric(node: Node, upstream: Array, values: tuple[Any, ...], index: int) -> Any:
    """Differentiate an unknown operation by central differences."""
    if not _carries(node.inputs[index]) or node.function is None:
        return None
    value = np.asarray(values[index], float)
    if value.size > LARGEST_NUMERIC:
        return None
    scalar = not isinstance(values[index], np.ndarray)

    def at(changed: Array) -> Array:
        given = float(changed) if scalar else changed
        return np.asarray(node.replay((*values[:index], given, *values[index + 1 :])), float)

    step = 1e-5 * np.maximum(1.0, np.abs(value))
    try:
        if np.shape(node.value) == value.shape and node.op in ("vectorized", "frompyfunc"):
            return upstream * _slope(at(value - step), at(value), at(value + step), step)
        result = np.zeros(value.shape)
        for position in np.ndindex(value.shape):
            high, low = value.copy(), value.copy()
            high[position] += step[position]
            low[position] -= step[position]
            result[position] = np.sum(upstream * (at(high) - at(low))) / (2 * step[position])
    except Exception:
        return None
    return result


def _slope(below: Array, middle: Array, above: Array, step: Array) -> Array:
    """Return a central difference; at a kink the slope on the left, as ReLUs have it at zero."""
    left, right = (middle - below) / step, (above - middle) / step
    kink = np.abs(right - left) > 1e-3 * (1 + np.abs(left) + np.abs(right))
    return np.asarray(np.where(kink, left, (above - below) / (2 * step)))
