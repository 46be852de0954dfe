"""What an update did to each parameter: without an optimizer's memory, and with the numbers that scale it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.following.gradients import ancestors, gradients
from backprop_core.review.following.memory import buffers_of, unbound, without_buffers
from backprop_core.review.following.scales import scales_of
from backprop_core.review.following.structure import is_update

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.review.explaining.sites import Sites
    from backprop_core.review.following.analysis import UnitAnalysis
    from backprop_core.review.following.layers import LayerTrace
    from backprop_core.review.running.recorded import Node

    Array = NDArray[Any]
    Data = dict[str, Any]


def parameters_data(analysis: UnitAnalysis, sites: Sites, layers: list[LayerTrace]) -> list[Data]:
    """Return what is to be known about each parameter that the network is made of."""
    forward = analysis.ancestors_of(
        layers_[-1].a for chain in analysis.chains for layers_ in (chain.layers,) if layers_[-1].a is not None
    )
    paths = {}
    for path, state in analysis.unit.start.state.items():
        new = analysis.new.get(path)
        if state in forward and (_is_used(path, layers) or (new is not None and is_update(state, new))):
            paths[path] = state
    return [
        parameter_data(analysis, sites, layers, path, state)
        for path, state in _distinct(paths, layers).items()
    ]


def _difference(new: Any, old: Array) -> Array:
    """Return what was added to a parameter; a bias may have been broadcast to something larger by that."""
    try:
        return np.asarray(new, float) - old
    except ValueError:
        return np.full_like(old, np.nan)


def _is_used(path: str, layers: list[LayerTrace]) -> bool:
    return any(
        layer.use.handle.path == path or (layer.bias is not None and layer.bias.path == path)
        for layer in layers
    )


def _distinct(paths: dict[str, Node], layers: list[LayerTrace]) -> dict[str, Node]:
    """Keep one path an array, that which the layers go by."""
    named = {layer.use.handle.path for layer in layers} | {layer.bias.path for layer in layers if layer.bias}
    found: dict[Node, str] = {}
    for path, state in paths.items():
        if state not in found or (path in named and found[state] not in named):
            found[state] = path
    return {path: state for state, path in found.items()}


def parameter_data(
    analysis: UnitAnalysis, sites: Sites, layers: list[LayerTrace], path: str, state: Node
) -> Data:
    r"""Return a parameter\'s value, what was applied to it, and its gradient, as the script stores it."""
    new = analysis.new.get(path)
    old_value = np.asarray(state.value, float)
    gradient = analysis.adjoints.get(state)
    applied = np.zeros_like(old_value)
    how: Data = {"adaptive": False, "stale": False, "memory": False, "agreement": 0.0}
    buffers: list[Node] = []
    if new is not None:
        applied = _difference(new.value, old_value) + _clipped_off(analysis, new, old_value)
        buffers = buffers_of(analysis, state, new)
        if buffers:
            applied, how = without_buffers(analysis, state, new, buffers, applied)
    return {
        "path": path,
        "paths": [other for other, node in analysis.unit.start.state.items() if node is state],
        "texts": [] if new is None else [text for text, _ in new.names if text],
        "line": 0 if new is None else _update_line(sites, new),
        "value": old_value,
        "moved": np.zeros_like(old_value) if new is None else _difference(new.value, old_value),
        "applied": applied,
        "gradient": None if gradient is None else np.asarray(gradient, float).reshape(old_value.shape),
        "scales": [] if new is None else scales_of(analysis, sites, new),
        "changed": new is not None,
        "memory_line": _memory_line(analysis, sites, buffers),
        "still_line": _still_line(analysis, sites, path, state),
        "touched": analysis.unit.end.state.get(path) is not state,
        "canonical": _canonical(layers, path, applied, gradient, analysis.own.get(state)),
        **how,
    }


def _clipped_off(analysis: UnitAnalysis, new: Node, old: Array) -> Array:
    """Return what an update lost to bounds that were put on its numbers one by one."""
    lost = np.zeros_like(old)
    learned = analysis.products
    for node in ancestors(new, analysis.start):
        if node in analysis.start or not any(source in learned for source in node.inputs):
            continue
        learned.add(node)
        inside = unbound(node)
        if inside is node or np.shape(node.value) != old.shape or np.array_equal(inside.value, node.value):
            continue
        slope = gradients(new, analysis.start | {node}, np.ones(np.shape(new.value))).get(node)
        if slope is not None and np.shape(slope) == old.shape:
            lost += slope * (np.asarray(inside.value, float) - node.value)
    return lost


def _canonical(
    layers: list[LayerTrace], path: str, applied: Array, gradient: Array | None, own: Array | None
) -> list[Data]:
    """Return where a parameter is used, and what was applied to it there, in canonical form."""
    places: list[Data] = []
    for index, layer in enumerate(layers):
        handle = layer.use.handle
        if handle.path == path and applied.shape == np.shape(handle.state.value):
            place = {"layer": index, "kind": "W", "applied": layer.use.weights(handle.seen(applied))}
            if gradient is not None:
                place["gradient"] = layer.use.weights(handle.seen(np.reshape(gradient, applied.shape)))
            if own is not None:
                place["own"] = layer.use.weights(handle.seen(np.reshape(own, applied.shape)))
            places.append(place)
        if layer.bias is not None and layer.bias.path == path:
            place = {"layer": index, "kind": "b", "applied": _bias_row(layer, applied)}
            if gradient is not None:
                place["gradient"] = _bias_row(layer, gradient)
            places.append(place)
    return places


def _bias_row(layer: LayerTrace, value: Array) -> Array:
    """Return something shaped as a bias as (1, fan_out), or (samples, fan_out) if it grew to that."""
    assert layer.bias is not None
    fan_out = layer.use.weights(layer.use.handle.operand.value).shape[1]
    if np.shape(value) == np.shape(layer.bias.state.value):
        value = layer.bias.seen(value)
    value = np.asarray(value, float)
    if value.size == fan_out:
        return value.reshape(1, fan_out)
    return value.T if value.ndim == 2 and value.shape[1] != fan_out else value


def _memory_line(analysis: UnitAnalysis, sites: Sites, buffers: list[Node]) -> int:
    """Return where what an update remembers gets its next value."""
    for path, node in analysis.unit.start.state.items():
        if node in buffers and path in analysis.new:
            return _update_line(sites, analysis.new[path])
    return 0


def _still_line(analysis: UnitAnalysis, sites: Sites, path: str, state: Node) -> int:
    """Return where a parameter is given its own value again, or where the zeros were made that its update adds."""
    after = analysis.unit.end.state.get(path)
    if after is None or path in analysis.new or after is state:
        return 0
    inside = [node for node in ancestors(after, analysis.start) if node not in analysis.start]
    zeros = [node for node in inside if node.op in ("zeros_like", "full_like") and not np.any(node.value)]
    return sites.line(zeros[-1].site) if zeros and zeros[-1].site >= 0 else _update_line(sites, after)


def _update_line(sites: Sites, new: Node) -> int:
    if new.op in ("add", "subtract", "set_item") and new.site >= 0:
        return sites.line(new.site)
    if new.names:
        return sites.line(new.names[0][1])
    return sites.line(new.site) if new.site >= 0 else 0


def name_of(node: Node | None) -> str:
    """Return what the script calls a value, or nothing."""
    names = [] if node is None else [name for name, _ in node.names if name]
    return names[-1] if names else ""
