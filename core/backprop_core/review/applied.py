"""What an update did to each parameter: without an optimizer's memory, and with the numbers that scale it."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.analysis import number_in
from backprop_core.review.gradients import ancestors, gradients
from backprop_core.review.recorder import Ref
from backprop_core.review.structure import is_update

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from backprop_core.review.analysis import UnitAnalysis
    from backprop_core.review.instrument import Sites
    from backprop_core.review.recorder import Node
    from backprop_core.review.structure import LayerTrace

    Array = NDArray[Any]
    Data = dict[str, Any]


MOST_DETAIL = 4000
LARGEST_DETAIL = 20_000
MOST_NUMBERS = 400_000


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
        buffers = _buffers(analysis, state, new)
        if buffers:
            applied, how = _without_buffers(analysis, state, new, buffers, applied)
    return {
        "path": path,
        "paths": [other for other, node in analysis.unit.start.state.items() if node is state],
        "texts": [] if new is None else [text for text, _ in new.names if text],
        "line": 0 if new is None else _update_line(sites, new),
        "value": old_value,
        "moved": np.zeros_like(old_value) if new is None else _difference(new.value, old_value),
        "applied": applied,
        "gradient": None if gradient is None else np.asarray(gradient, float).reshape(old_value.shape),
        "scales": [] if new is None else _scales(analysis, sites, new),
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
        inside = _unbound(node)
        if inside is node or np.shape(node.value) != old.shape or np.array_equal(inside.value, node.value):
            continue
        slope = gradients(new, analysis.start | {node}, np.ones(np.shape(new.value))).get(node)
        if slope is not None and np.shape(slope) == old.shape:
            lost += slope * (np.asarray(inside.value, float) - node.value)
    return lost


def _unbound(node: Node) -> Node:
    """Go back to an array before its numbers were kept within bounds."""
    while node.op == "clip" and node.inputs and np.shape(node.inputs[0].value) == np.shape(node.value):
        node = node.inputs[0]
    return node


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


def _buffers(analysis: UnitAnalysis, state: Node, new: Node) -> list[Node]:
    """Return what an optimizer remembers for a parameter: changing arrays that its update alone uses."""
    size = np.size(state.value)
    forward = analysis.held
    used = set(ancestors(new, analysis.start))
    found = []
    for other, node in analysis.unit.start.state.items():
        if other not in analysis.new or node is state or node in forward or node not in used:
            continue
        alike = np.size(node.value) == size and np.shape(node.value) == np.shape(state.value)
        if (alike or _sums_up(analysis, node, analysis.new[other])) and node not in found:
            found.append(node)
    return found


def _sums_up(analysis: UnitAnalysis, before: Node, after: Node) -> bool:
    """Whether a single number is a memory of gradients: made of what it was, and of the pass through the network."""
    if np.size(before.value) != 1 or not _carries_numbers(before):
        return False
    made = set(ancestors(after, analysis.start))
    return before in made and bool(made & analysis.products)


def _carries_numbers(node: Node) -> bool:
    return isinstance(node.value, float) or getattr(node.value, "dtype", np.dtype(int)).kind == "f"


def _without_buffers(
    analysis: UnitAnalysis, state: Node, new: Node, buffers: list[Node], applied: Array
) -> tuple[Array, Data]:
    """Return the part of an update that this unit's gradient makes, and what kind of memory there is beside it."""
    everything = ancestors(new, analysis.start)
    remembering: set[Node] = set(buffers)
    learned = analysis.products
    for node in everything:
        if node not in analysis.start:
            if any(source in remembering for source in node.inputs):
                remembering.add(node)
            if any(source in learned for source in node.inputs):
                learned.add(node)
    size = np.size(state.value)
    edge = {
        source
        for node in everything
        if node in remembering and node not in analysis.start
        for source in node.inputs
        if source not in remembering and source in learned and np.size(source.value) == size
    }
    if not edge:
        return _less_memory(analysis, new, buffers, applied)
    common = set.intersection(*(set(ancestors(node, analysis.start)) for node in edge))
    choices = [node for node in common if np.size(node.value) == size and node in learned]
    if not choices:
        return _less_memory(analysis, new, buffers, applied)
    gradient = max(choices, key=lambda node: node.index)
    ones = np.ones(np.shape(new.value))
    found = gradients(new, analysis.start | {gradient}, ones)
    slope = np.asarray(found.get(gradient, np.zeros(np.shape(gradient.value))))
    value = np.asarray(_unbound(gradient).value, float)
    linear = bool(np.allclose(slope, slope.flat[0], rtol=1e-9, atol=0)) and len(edge) == 1
    stale = _never_forgets(analysis, gradient, buffers)
    if not linear:
        return np.reshape(-value, applied.shape), {
            "adaptive": True, "stale": stale, "memory": True,
            "agreement": -_direction(analysis, new, gradient, buffers),
        }  # fmt: skip
    own = np.asarray(found.get(state, np.ones(np.shape(state.value)))) - 1
    decay = own * np.asarray(state.value, float) if np.allclose(own, own.flat[0], rtol=1e-9, atol=0) else 0.0
    return np.reshape(slope.flat[0] * value, applied.shape) + decay, {
        "adaptive": False,
        "stale": stale,
        "memory": True,
        "agreement": 0.0,
    }


def _direction(analysis: UnitAnalysis, new: Node, gradient: Node, buffers: list[Node]) -> float:
    """Return 1 where an adaptive step goes up the gradient that enters it, −1 where it goes down.

    What it remembers of the gradients' size only scales the step: the sign is that with which the gradient itself, or a
    mean of gradients, enters.
    """
    after = {
        analysis.new[path] for path, node in analysis.unit.start.state.items()
        if node in buffers and path in analysis.new
    }  # fmt: skip
    ones = np.ones(np.shape(new.value))
    direct = gradients(new, analysis.start | after | {gradient}, ones)
    total = float(np.sum(direct.get(gradient, 0.0)))
    for node in after:
        through = direct.get(node)
        made = gradients(node, analysis.start | {gradient}, np.ones(np.shape(node.value))).get(gradient)
        if through is None or made is None or not np.allclose(made, np.ravel(made)[0], rtol=1e-9, atol=0):
            continue
        total += float(np.sum(through) * np.ravel(made)[0])
    return float(np.sign(total))


def _less_memory(
    analysis: UnitAnalysis, new: Node, buffers: list[Node], applied: Array
) -> tuple[Array, Data]:
    """Take from an update what it has from older gradients, where that is in proportion to them."""
    found = gradients(new, analysis.start, np.ones(np.shape(new.value)))
    rest = applied
    for buffer in buffers:
        slope = np.asarray(found.get(buffer, np.zeros(np.shape(buffer.value))))
        slope = slope * np.size(buffer.value) / np.size(new.value)
        if not np.allclose(slope, slope.flat[0], rtol=1e-9, atol=1e-15):
            return applied, {"adaptive": True, "stale": False, "memory": True, "agreement": 0.0}
        rest = rest - slope.flat[0] * np.asarray(buffer.value, float)
    stale = any(_is_kept_whole(analysis, buffer) for buffer in buffers)
    return rest, {"adaptive": False, "stale": stale, "memory": True, "agreement": 0.0}


def _is_kept_whole(analysis: UnitAnalysis, buffer: Node) -> bool:
    """Whether a buffer's next value is the old one plus something, so that it never forgets."""
    for path, node in analysis.unit.start.state.items():
        if node is buffer and path in analysis.new:
            new = analysis.new[path]
            kept = gradients(new, analysis.start, np.ones(np.shape(new.value))).get(buffer)
            return kept is not None and bool(np.allclose(kept, 1.0, rtol=1e-12))
    return False


def _never_forgets(analysis: UnitAnalysis, gradient: Node, buffers: list[Node]) -> bool:
    """Whether gradients are added up for ever: a buffer's next value is the old one plus this gradient."""
    after = {
        node: analysis.new[path] for path, node in analysis.unit.start.state.items() if path in analysis.new
    }
    for buffer in buffers:
        new = after[buffer]
        found = gradients(new, analysis.start | {gradient}, np.ones(np.shape(new.value)))
        kept, added = found.get(buffer), found.get(gradient)
        if kept is None or added is None or not np.allclose(kept, 1.0, rtol=1e-12):
            continue
        added = np.asarray(added)
        if added.flat[0] != 0 and np.allclose(added, added.flat[0], rtol=1e-9, atol=0):
            return True
    return False


def _scales(analysis: UnitAnalysis, sites: Sites, new: Node) -> list[Data]:
    """Return the single numbers that the gradient is multiplied with or divided by, the last first."""
    learned = analysis.trained_outputs
    forward = analysis.ancestors_of(learned)
    found = []
    for node in ancestors(new, analysis.start):
        if node in analysis.start:
            continue
        if any(source in forward for source in node.inputs):
            forward.add(node)
        if any(source in learned for source in node.inputs):
            learned.add(node)
            if node.op in ("multiply", "divide", "true_divide") and len(node.arguments) >= 2:
                found += _scale_of(sites, node, learned, forward)
    return found[::-1][:12]


def _scale_of(sites: Sites, node: Node, learned: Collection[Node], forward: Collection[Node]) -> list[Data]:
    for position in (0, 1):
        argument = node.arguments[position]
        if isinstance(argument, Ref):
            source = node.inputs[argument.index]
            # A single weight, input or activation scales nothing.
            if source in learned or source in forward:
                continue
        value = number_in(node, position)
        if value is not None and not (node.op != "multiply" and position == 0):
            syntax = _operand(sites, node, position)
            constant, rest = _without_numbers(syntax)
            text = "" if syntax is None else sites.text(syntax)
            if rest is not None and constant and _names_a_rate(sites.text(rest)):
                # In 2 * lr the two is the gradient's.
                value, text = value / constant, sites.text(rest) if constant != -1 else text
            power = -1 if node.op != "multiply" else 1
            named = _names_a_rate(text)
            return [
                {"value": value, "text": text, "power": power, "line": sites.line(node.site), "rate": named}
            ]
    return []


def _names_a_rate(text: str) -> bool:
    last = re.split(r"[.\[]", text.rstrip("]\"'"))[-1].strip("\"'")
    return bool(RATE.match(last)) or bool(RATE.match(text.lstrip("-").strip()))


def _operand(sites: Sites, node: Node, position: int) -> ast.expr | None:
    syntax = sites.nodes[node.site]
    if isinstance(syntax, ast.BinOp):
        return syntax.left if position == 0 else syntax.right
    return syntax.value if isinstance(syntax, ast.AugAssign) else None


def _without_numbers(syntax: ast.expr | None) -> tuple[float, ast.expr | None]:
    """Take the numbers that are written in a product apart from what is multiplied with them."""
    if isinstance(syntax, ast.Constant) and isinstance(syntax.value, (int, float)):
        return float(syntax.value), None
    if isinstance(syntax, ast.UnaryOp) and isinstance(syntax.op, ast.USub):
        constant, rest = _without_numbers(syntax.operand)
        return -constant, rest
    if isinstance(syntax, ast.BinOp) and isinstance(syntax.op, (ast.Mult, ast.Div)):
        (left, one), (right, other) = _without_numbers(syntax.left), _without_numbers(syntax.right)
        if other is None and right:
            return (left * right if isinstance(syntax.op, ast.Mult) else left / right), one
        if one is None and isinstance(syntax.op, ast.Mult):
            return left * right, other
    return 1.0, syntax


RATE = re.compile(
    r"^((current|cur|now|base|initial|init|start|epoch|decayed)_?)?"
    r"(lr|eta|alpha|learning_?rate|l_?rate|learn_?rate|step_?size|rate|η|α)(_?(t|now|\d))?$",
    re.IGNORECASE,
)


def named_rates(analysis: UnitAnalysis) -> list[float]:
    """Return the numbers that the script keeps under a name for a learning rate."""
    found = []
    for path, node in analysis.unit.start.state.items():
        last = re.split(r"[.\[]", path.rstrip('"]'))[-1].strip('"')
        if RATE.match(last) and np.size(node.value) == 1:
            found.append(float(np.asarray(node.value).reshape(-1)[0]))
    return found


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


def name_of(node: Node | None) -> str:
    """Return what the script calls a value, or nothing."""
    names = [] if node is None else [name for name, _ in node.names if name]
    return names[-1] if names else ""
