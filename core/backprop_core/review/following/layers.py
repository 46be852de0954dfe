"""The layers of a network in a recorded graph: products of weights and inputs, and the chains that they form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.following.structure import (
    VIEWS,
    Graph,
    Handle,
    Unit,
    is_floating,
    is_trained,
    operands,
    since,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.review.running.recorded import Node

    Array = NDArray[Any]


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
        if is_floating(state.value):
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
        if (known := handles.get(source)) is not None and is_trained(unit, known.path)
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
        if is_floating(state.value) or np.size(state.value) == 1:
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
