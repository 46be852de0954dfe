"""From a recorded graph to the network that it computes: the training loop, weights, layers and output."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.running.recorded import Ref

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from backprop_core.review.running.recorded import Node, Top
    from backprop_core.review.running.recorder import Recorder

    Array = NDArray[Any]

VIEWS = {"T", "mT", "transpose", "reshape", "ravel", "flatten", "squeeze", "expand_dims", "atleast_2d", "atleast_1d",
         "item", "item()", "copy", "asarray", "array", "astype", "ascontiguousarray", "float", "float64",
         "swapaxes", "asanyarray"}  # fmt: skip
CONTRACTIONS = {"matmul", "dot", "inner", "einsum", "tensordot", "vdot"}


@dataclass(slots=True)
class Unit:
    """One update: what was recorded between two tops of the training loop."""

    start: Top
    end: Top
    parameters: frozenset[str] = frozenset()
    """The paths of the parameters, once they are known."""

    def given(self) -> set[Node]:
        """Return what the script held when the weights got their values: what a pass starts from.

        What was computed with these weights before the unit began, such as a loss, is not among it.
        """
        born = since(self)
        return {node for node in self.start.state.values() if node.op == "leaf" or node.index <= born}


@dataclass(slots=True)
class Handle:
    """A parameter matrix as a layer uses it: where it is kept, and the views through which it gets there."""

    path: str
    state: Node
    views: tuple[Node, ...]
    operand: Node

    @property
    def key(self) -> tuple[str, ...]:
        """The same for all uses of the same part of the same parameter."""
        parts = [
            repr(node.arguments[1]) for node in self.views if node.op == "item" and len(node.arguments) > 1
        ]
        return (self.path, *parts)

    def seen(self, stored: Any) -> Array:
        """Return what the layer sees of an array stored as the parameter is."""
        value = stored
        for node in self.views:
            value = node.replay((value, *(source.value for source in node.inputs[1:])))
        return np.asarray(value, float)


class Graph:
    """A recorded graph with the links that the analysis needs."""

    def __init__(self, recorder: Recorder) -> None:
        self.nodes = recorder.nodes
        self.tops = recorder.tops
        self.users: dict[Node, list[Node]] = {}
        for node in self.nodes:
            for source in set(node.inputs):
                self.users.setdefault(source, []).append(node)

    def views_of(self, path: str, state: Node, until: int) -> list[Handle]:
        """Return the parameter itself and all views of it that are taken before node ``until``."""
        found = [Handle(path, state, (), state)]
        for handle in found:
            for user in self.users.get(handle.operand, ()):
                if (
                    user.op in VIEWS
                    and user.index < until
                    and user.inputs[0] is handle.operand
                    and _plain(user)
                ):
                    found.append(Handle(path, state, (*handle.views, user), user))
        return found


def _plain(node: Node) -> bool:
    return bool(node.arguments) and isinstance(node.arguments[0], Ref)


def units_of(graph: Graph, site: int) -> list[Unit]:
    """Return the updates that were recorded whole, in order."""
    pairs = []
    last: dict[int, Top] = {}
    for top in graph.tops:
        if top.site != site:
            continue
        before = last.get(top.instance)
        if before is not None and top.iteration == before.iteration + 1:
            pairs.append(Unit(before, top))
        last[top.instance] = top
    return pairs


def changed_paths(unit: Unit) -> dict[str, tuple[Node, Node]]:
    """Return the numbers that differ between the two tops, by path: before and after."""
    found = {}
    for path, before in unit.start.state.items():
        after = unit.end.state.get(path)
        if after is None or after is before:
            continue
        if is_floating(before.value) and is_floating(after.value) and not _equal(before.value, after.value):
            found[path] = (before, after)
    return found


def is_floating(value: Any) -> bool:
    """Whether this is a number of floating point, or an array of numbers."""
    return isinstance(value, float) or (
        isinstance(value, (np.ndarray, np.floating)) and value.dtype.kind in "fi"
    )


def _equal(one: Any, other: Any) -> bool:
    return np.shape(one) == np.shape(other) and bool(np.array_equal(one, other))


ADDING = {"add", "subtract", "multiply", "divide", "set_item", "clip", "where", *VIEWS} - {"item"}


def is_update(before: Node, after: Node) -> bool:
    """Whether a value is an older one with something added to it, and so a parameter's next value.

    An activation that becomes the next layer's, or a name that goes over the layers' weights, is not.
    """
    seen, waiting = {after}, [after]
    while waiting:
        node = waiting.pop()
        if node is before:
            return True
        if node.op not in ADDING or node.index <= before.index:
            continue
        for source in node.inputs:
            if source not in seen and (np.size(source.value) >= np.size(before.value) or source is before):
                seen.add(source)
                waiting.append(source)
    return False


def later_versions(units: list[Unit], parameters: set[str]) -> set[Node]:
    """Return the arrays and parameters that updates made: a gradient at older weights stops there."""
    found: set[Node] = set()
    for unit in units:
        for path, before in unit.start.state.items():
            after = unit.end.state.get(path)
            if after is None or after is before or after in found:
                continue
            counts = np.size(before.value) > 1 or path in parameters
            if counts and is_floating(before.value) and is_update(before, after):
                found.add(after)
    return found


def find_training_loop(graph: Graph) -> int | None:
    """Return the site of the innermost loop each of whose iterations updates the same weights.

    A loop over layers, or over single weights, updates other numbers in each iteration; one over samples that adds
    gradients up changes no weights at all.
    """
    depth: dict[int, int] = {}
    for top in graph.tops:
        depth[top.site] = max(depth.get(top.site, 0), len(top.loops))
    from backprop_core.review.following.scalar_structure import is_factor, is_scalar_weight

    ordered = sorted(depth, key=lambda site: -depth[site])
    for is_used in (is_weight, is_scalar_weight, is_factor):
        for site in ordered:
            if _updates_the_same(graph, site, is_used):
                return site
    return None


def _updates_the_same(graph: Graph, site: int, is_used: Callable[[Graph, str, Unit], bool]) -> bool:
    masks: dict[str, list[tuple[Unit, Any]]] = {}
    for unit in units_of(graph, site)[:60]:
        for path, (before, after) in changed_paths(unit).items():
            same_shape = np.shape(before.value) == np.shape(after.value)
            if same_shape and is_update(before, after) and is_used(graph, path, unit):
                masks.setdefault(path, []).append((unit, np.asarray(before.value != after.value)))
    for found in masks.values():
        for (one, first), (two, second) in pairwise(found):
            if one.start.instance == two.start.instance and np.any(first & second):
                return True
    return False


def operands(node: Node) -> tuple[Node, ...]:
    """Return what a contraction multiplies: of ``np.sum(w * x)`` the two vectors."""
    if node.op in CONTRACTIONS:
        return node.inputs
    if node.op == "sum" and np.ndim(node.value) == 0 and len(node.inputs) == 1:
        product = node.inputs[0]
        shapes = {np.shape(source.value) for source in product.inputs}
        if (
            product.op == "multiply"
            and len(product.inputs) == 2
            and len(shapes) == 1
            and len(shapes.pop()) == 1
        ):
            return product.inputs
    return ()


def is_weight(graph: Graph, path: str, unit: Unit) -> bool:
    """Whether a number at a path is multiplied with something in the forward pass of a unit."""
    state = unit.start.state[path]
    for handle in graph.views_of(path, state, unit.end.at):
        for user in graph.users.get(handle.operand, ()):
            if not unit.start.at <= user.index < unit.end.at:
                continue
            summed = user.op == "multiply" and any(
                after.op == "sum" and operands(after) for after in graph.users.get(user, ())
            )
            if user.op in CONTRACTIONS or summed:
                return True
    return False


def since(unit: Unit) -> int:
    """Return the node from which on the weights are those at the start of the unit."""
    born = [
        state.index
        for path, state in unit.start.state.items()
        if (path in unit.parameters or np.size(state.value) > 1) and is_trained(unit, path)
    ]
    return min(max(born, default=0), unit.start.at)


def is_trained(unit: Unit, path: str) -> bool:
    """Whether the unit adds something to what is at a path."""
    before, after = unit.start.state.get(path), unit.end.state.get(path)
    return before is not None and after is not None and before is not after and is_update(before, after)
