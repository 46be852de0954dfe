"""What an optimizer remembers, taken off an update: momentum, Adam and their like; gradients never cleared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.following.analysis import number_in
from backprop_core.review.following.gradients import ancestors, gradients
from backprop_core.review.running.recorded import Ref

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.review.following.analysis import UnitAnalysis
    from backprop_core.review.running.recorded import Node

    Array = NDArray[Any]
    Data = dict[str, Any]


def buffers_of(analysis: UnitAnalysis, state: Node, new: Node) -> list[Node]:
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
    if np.size(before.value) != 1 or np.size(after.value) != 1 or not _carries_numbers(before):
        return False
    made = set(ancestors(after, analysis.start))
    return before in made and bool(made & analysis.products)


def _carries_numbers(node: Node) -> bool:
    return isinstance(node.value, float) or getattr(node.value, "dtype", np.dtype(int)).kind == "f"


def without_buffers(
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
    value = np.asarray(unbound(gradient).value, float)
    linear = bool(np.allclose(slope, slope.flat[0], rtol=1e-9, atol=0)) and len(edge) == 1
    stale = _never_forgets(analysis, gradient, buffers)
    if not linear:
        return np.reshape(-value, applied.shape), {
            "adaptive": True, "stale": stale, "memory": True,
            "agreement": -_direction(analysis, new, gradient, buffers),
        }  # fmt: skip
    own = np.asarray(found.get(state, np.ones(np.shape(state.value)))) - 1
    decay = own * np.asarray(state.value, float) if np.allclose(own, own.flat[0], rtol=1e-9, atol=0) else 0.0
    step = slope.flat[0] / _share(analysis, gradient, buffers)
    return np.reshape(step * value, applied.shape) + decay, {
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


def _share(analysis: UnitAnalysis, gradient: Node, buffers: list[Node]) -> float:
    """Return with what share a gradient enters a running mean, 1 where it enters no mean.

    In v = βv + (1 − β)g the gradients of all updates count with a weight of one together.
    """
    after = {
        node: analysis.new[path] for path, node in analysis.unit.start.state.items() if path in analysis.new
    }
    for buffer in buffers:
        new = after[buffer]
        found = gradients(new, analysis.start | {gradient}, np.ones(np.shape(new.value)))
        parts = [np.asarray(found.get(node, 0.0)) for node in (buffer, gradient)]
        if all(np.size(part) and np.allclose(part, np.ravel(part)[0], rtol=1e-9, atol=0) for part in parts):
            kept = float(np.ravel(parts[0])[0])
            for position in (0, 1) if gradient.op == "multiply" else ():
                share = number_in(gradient, position) or 0.0
                whole = 0 < share < 1 and abs(kept + share - 1) < 1e-9
                if whole and not _is_held(analysis, gradient, position):
                    return share
    return 1.0


def _is_held(analysis: UnitAnalysis, node: Node, position: int) -> bool:
    """Whether an operand has a name of its own, as a learning rate has, and 1 − β seldom."""
    argument = node.arguments[position]
    if not isinstance(argument, Ref):
        return False
    source = node.inputs[argument.index]
    return source in analysis.start or any(name for name, _ in source.names)


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


def unbound(node: Node) -> Node:
    """Go back to an array before its numbers were kept within bounds."""
    while node.op == "clip" and node.inputs and np.shape(node.inputs[0].value) == np.shape(node.value):
        node = node.inputs[0]
    return node
