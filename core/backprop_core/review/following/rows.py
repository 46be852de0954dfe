"""Values of a layer as (samples, units), whatever shape the script has them in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.review.following.layers import LayerTrace
    from backprop_core.review.running.recorded import Node

    Array = NDArray[Any]
    Data = dict[str, Any]


def activation_rows(trace: LayerTrace, node: Node) -> Array | None:
    """Return an activation as (samples, units), without a column of ones that was added for the bias."""
    value = np.asarray(node.value, float)
    size = np.size(trace.z.value)
    if value.size == size:
        if value.shape == np.shape(trace.z.value):
            return trace.use.outputs(value)
        fan_out = trace.use.weights(trace.use.handle.operand.value).shape[1]
        if value.ndim == 2 and value.shape[0] == fan_out and value.shape[1] != fan_out:
            return value.T
        return value.reshape(-1, fan_out)
    inner = before_padding(node, size)
    return None if inner is None else activation_rows(trace, inner)


def before_padding(node: Node, size: int) -> Node | None:
    """Return the activation itself, before a column for the bias was put beside it."""
    waiting = list(node.inputs)
    for source in waiting:
        if np.size(source.value) == size and source.op != "leaf":
            return source
        if len(waiting) < 12:
            waiting.extend(source.inputs)
    return None


def activation_rows_of(trace: LayerTrace, found: Any) -> Array:
    """Return something shaped as a layer's activation, such as a gradient, as (samples, units)."""
    value: Array = np.asarray(found, float)
    if value.shape == np.shape(trace.z.value):
        return trace.use.outputs(value)
    fan_out = trace.use.weights(trace.use.handle.operand.value).shape[1]
    if value.ndim == 2 and value.shape[0] == fan_out and value.shape[1] != fan_out:
        return value.T
    return value.reshape(-1, fan_out)
