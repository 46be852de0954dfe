"""From a recorded graph to the network that it computes: the training loop, weights, layers and output."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.recorder import Ref

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from backprop_core.review.recorder import Node, Recorder, Top

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


@dataclass(slots=True)
class Use:
    """A product of a layer's input and its weights in the forward pass."""

    handle: Handle
    node: Node
    left: bool
    """Whether the weights are the left operand: samples are columns then."""
    input: Node

    def weights(self, seen: Any) -> Array:
        """Return weights as (fan_in, fan_out)."""
        w = np.asarray(seen, float)
        if self.node.op == "einsum":
            return self._by_letters(w)
        if w.ndim < 2:
            return self._of_vector(w)
        if self.node.op == "inner":
            return w.T
        return w.T if self.left else w

    def _of_vector(self, w: Array) -> Array:
        # A vector beside a single number is one row of weights, or one column.
        if np.ndim(self.input.value) == 0 or np.size(self.input.value) == 1 != w.size:
            return w.reshape(1, -1)
        return w.reshape(-1, 1)

    def _letters(self) -> tuple[str, str, str]:
        first, second = self.node.arguments[0].replace(" ", "").split("->")[0].split(",")
        mine, other = (first, second) if self.left else (second, first)
        shared = next(letter for letter in mine if letter in other)
        return mine, other, shared

    def _by_letters(self, w: Array) -> Array:
        mine, _, shared = self._letters()
        return w if mine[0] == shared else w.T

    def rows(self, value: Any) -> Array:
        """Return an input of the product as (samples, fan_in)."""
        x = np.asarray(value, float)
        if x.ndim < 2:
            rows = x.reshape(1, -1)
            fan_in = self.weights(self.handle.operand.value).shape[0]
            return rows if rows.shape[1] == fan_in else rows.T
        if self.node.op == "einsum":
            _, other, shared = self._letters()
            return x if other[-1] == shared else x.T
        return x.T if self.left and self.node.op != "inner" else x

    def outputs(self, value: Any) -> Array:
        """Return something shaped like the product as (samples, fan_out)."""
        z = np.asarray(value, float)
        fan_out = self.weights(self.handle.operand.value).shape[1]
        if z.ndim < 2:
            return z.reshape(-1, fan_out)
        if self.node.op == "einsum":
            mine, _, shared = self._letters()
            out = self.node.arguments[0].replace(" ", "").split("->")[1]
            own = next(letter for letter in mine if letter != shared)
            return z if out[-1] == own else z.T
        return z.T if self.left and self.node.op != "inner" else z


@dataclass(slots=True)
class LayerTrace:
    """One layer in one forward pass: nodes of its input, product, bias, pre-activation and activation."""

    use: Use
    bias: Handle | None
    z: Node
    a: Node | None = None
    """Hidden: the operand of the next product. Output: what meets the targets."""


@dataclass(slots=True)
class Chain:
    """One forward pass, first layer first."""

    layers: list[LayerTrace]
    twins: list[list[LayerTrace]] = field(default_factory=list)
    """Further passes over the same samples."""


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
        if _is_float(before.value) and _is_float(after.value) and not _equal(before.value, after.value):
            found[path] = (before, after)
    return found


def _is_float(value: Any) -> bool:
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
            if counts and _is_float(before.value) and is_update(before, after):
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
    from backprop_core.review.scalar_structure import is_factor, is_scalar_weight

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


def forward_uses(graph: Graph, unit: Unit, until: int) -> dict[tuple[str, ...], list[Use]]:
    """Return the forward products of each weight matrix, as it was at the start of the unit, before ``until``.

    A product is of the forward pass if its other operand does not depend on the same weights; that of the
    backward pass depends on them through the error. Passes before the unit count too, if they use the same
    weights: scripts that measure the loss after an update do so for the next one.
    """
    end = until
    begin = since(unit)
    handles: dict[Node, Handle] = {}
    for path, state in unit.start.state.items():
        if _is_float(state.value):
            for handle in graph.views_of(path, state, end):
                handles.setdefault(handle.operand, handle)
    products = [
        node for node in graph.nodes[begin:end]
        if len(operands(node)) == 2 and _is_product(node)
    ]  # fmt: skip
    candidates = {
        known.key
        for node in products
        for source in operands(node)
        if (known := handles.get(source)) is not None and _trained(unit, known.path)
    }
    bits = {key: 1 << number for number, key in enumerate(sorted(candidates))}
    shared = _shared(handles, bits)
    masks = _masks(graph, unit, (begin, end), handles, bits)
    uses: dict[tuple[str, ...], list[Use]] = {}
    for node in products:
        pair = operands(node)
        for position, source in enumerate(pair):
            used = handles.get(source)
            other = pair[1 - position]
            if used is None or used.key not in bits or masks.get(other, 0) & shared[used.key]:
                continue
            if other in handles and handles[other].key in bits:
                continue
            uses.setdefault(used.key, []).append(Use(used, node, position == 0, other))
    return uses


def _shared(handles: dict[Node, Handle], bits: dict[tuple[str, ...], int]) -> dict[tuple[str, ...], int]:
    """Return for each part of a parameter the bits of all parts that hold numbers of it, its own among them."""
    parts: dict[tuple[str, ...], set[int]] = {}
    for handle in handles.values():
        if handle.key in bits and handle.key not in parts:
            size, shape = np.size(handle.state.value), np.shape(handle.state.value)
            parts[handle.key] = set(handle.seen(np.arange(size).reshape(shape)).astype(int).ravel().tolist())
    return {
        key: sum(bits[other] for other, theirs in parts.items() if other[0] == key[0] and mine & theirs)
        for key, mine in parts.items()
    }


def since(unit: Unit) -> int:
    """Return the node from which on the weights are those at the start of the unit."""
    born = [
        state.index
        for path, state in unit.start.state.items()
        if (path in unit.parameters or np.size(state.value) > 1) and _trained(unit, path)
    ]
    return min(max(born, default=0), unit.start.at)


def _trained(unit: Unit, path: str) -> bool:
    before, after = unit.start.state.get(path), unit.end.state.get(path)
    return before is not None and after is not None and before is not after and is_update(before, after)


def _is_product(node: Node) -> bool:
    if node.op == "einsum":
        text = node.arguments[0]
        if not isinstance(text, str) or "->" not in text or "." in text:
            return False
        inputs = text.replace(" ", "").split("->")[0].split(",")
        return all(len(part) <= 2 for part in inputs) and len(set(inputs[0]) & set(inputs[1])) == 1
    if node.op == "tensordot":
        axes = node.keywords.get("axes", node.arguments[2] if len(node.arguments) > 2 else 2)
        return bool(axes == 1)
    return all(np.ndim(source.value) <= 2 for source in node.inputs)


def _masks(
    graph: Graph,
    unit: Unit,
    span: tuple[int, int],
    handles: dict[Node, Handle],
    bits: dict[tuple[str, ...], int],
) -> dict[Node, int]:
    masks: dict[Node, int] = {}
    for operand, handle in handles.items():
        if handle.key in bits:
            masks[operand] = bits[handle.key]
    given = unit.given()
    for node in graph.nodes[slice(*span)]:
        if node in given:
            continue
        mask = masks.get(node, 0)
        for source in node.inputs:
            mask |= masks.get(source, 0)
        if mask:
            masks[node] = mask
    return masks


def chains_of(graph: Graph, unit: Unit, uses: dict[tuple[str, ...], list[Use]], until: int) -> list[Chain]:
    """Return the forward passes of a unit, if its layers form one chain; else an empty list."""
    if not uses:
        return []
    end = until
    given = unit.given()
    by_node = {use.node: (key, use) for key, found in uses.items() for use in found}
    before: dict[Node, list[Node]] = {
        node: _nearest(use.input, by_node, given) for node, (_, use) in by_node.items()
    }
    followed = {source for sources in before.values() for source in sources}
    chains = []
    for node in sorted(by_node, key=lambda node: node.index):
        if node in followed:
            continue
        passes = [node]
        while len(sources := before[passes[0]]) == 1:
            passes.insert(0, sources[0])
        keys = [by_node[step][0] for step in passes]
        if before[passes[0]] or len(set(keys)) != len(keys):
            continue
        layers = [_layer(graph, unit, by_node[step][1], end) for step in passes]
        for layer, following in zip(layers, passes[1:], strict=False):
            layer.a = by_node[following][1].input
        chains.append(Chain(layers))
    longest = max((len(chain.layers) for chain in chains), default=0)
    return [chain for chain in chains if len(chain.layers) == longest]


def _nearest(node: Node, products: dict[Node, Any], given: set[Node]) -> list[Node]:
    found, seen, waiting = [], {node}, [node]
    while waiting:
        current = waiting.pop()
        if current in products:
            found.append(current)
            continue
        if current in given:
            continue
        for source in current.inputs:
            if source not in seen:
                seen.add(source)
                waiting.append(source)
    return found


def _layer(graph: Graph, unit: Unit, use: Use, end: int) -> LayerTrace:
    """Follow a product to the pre-activation: past the bias that is added to it."""
    paths: dict[Node, Handle] = {}
    for path, state in unit.start.state.items():
        if _is_float(state.value) or np.size(state.value) == 1:
            for handle in graph.views_of(path, state, end):
                known = paths.get(handle.operand)
                if known is None or len(path) < len(known.path):
                    paths[handle.operand] = handle
    z, bias = use.node, None
    fan_out = use.weights(use.handle.operand.value).shape[1]
    rows = np.size(z.value) // fan_out
    current = z
    for _ in range(4):
        step = next(
            (
                user
                for user in graph.users.get(current, ())
                if user.op in (*VIEWS, "add") and user.index < end
            ),
            None,
        )
        if step is None:
            break
        if step.op == "add" and len(step.inputs) == 2:
            other = step.inputs[1] if step.inputs[0] is current else step.inputs[0]
            if (
                other in paths
                and np.size(other.value) in (1, fan_out, fan_out * rows)
                and other is not use.handle.operand
            ):
                return LayerTrace(use, paths[other], step)
            return LayerTrace(use, None, z)
        if step.op == "add" or np.size(step.value) != np.size(z.value):
            break
        current = step
    return LayerTrace(use, bias, z)


def merge_twins(chains: list[Chain]) -> list[Chain]:
    """Join passes over the same samples: scripts run the forward pass again to get the loss."""
    merged: list[Chain] = []
    for chain in chains:
        mine = chain.layers[0].use.input.value
        for other in merged:
            theirs = other.layers[0].use.input.value
            if mine is theirs or (np.shape(mine) == np.shape(theirs) and np.array_equal(mine, theirs)):
                other.twins.append(chain.layers)
                break
        else:
            merged.append(chain)
    return merged
