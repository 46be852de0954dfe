"""Networks written number by number: neurons as sums of products in loops, or every weight a variable of its own.

Each pre-activation is a sum of products of a weight and an input; neurons with the same inputs are one layer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.following.gradients import ancestors, read
from backprop_core.review.following.structure import VIEWS, is_update, since
from backprop_core.review.running.recorded import Ref

if TYPE_CHECKING:
    from collections.abc import Collection

    from backprop_core.review.following.structure import Graph, Unit
    from backprop_core.review.running.recorded import Node


@dataclass(slots=True)
class Element:
    """One number of a parameter."""

    path: str
    state: Node
    index: Any
    """Its place in the array; () for a number by itself."""


@dataclass(slots=True)
class Term:
    """A product of an input and a weight."""

    weight: Element
    input: Node | None
    value: float


@dataclass(slots=True)
class Neuron:
    """A pre-activation with what it is the sum of."""

    z: Node
    terms: list[Term]
    bias: Element | None
    below: list[Node] = field(default_factory=list)
    """The pre-activation that each input comes from."""
    a: Node | None = None


@dataclass(slots=True)
class Pass:
    """The neurons of one forward pass, layer by layer."""

    layers: list[list[Neuron]]


def is_scalar_weight(graph: Graph, path: str, unit: Unit) -> bool:
    """Whether single numbers of a parameter are multiplied with something that is no constant."""
    steady = {
        node for other, node in unit.start.state.items()
        if unit.end.state.get(other) is node and "[" not in other
    }  # fmt: skip
    return is_factor(graph, path, unit, steady)


def is_factor(graph: Graph, path: str, unit: Unit, steady: Collection[Node] = ()) -> bool:
    """Whether single numbers of a parameter are multiplied with something, other than what is ``steady``."""
    state = unit.start.state[path]
    for handle in graph.views_of(path, state, unit.end.at):
        if np.size(handle.operand.value) != 1:
            continue
        for user in graph.users.get(handle.operand, ()):
            if user.op != "multiply" or not unit.start.at <= user.index < unit.end.at:
                continue
            if any(
                source is not handle.operand and not (source.op == "leaf" and source in steady)
                for source in user.inputs
            ):
                return True
            if len(user.inputs) == 1 and any(isinstance(argument, int) for argument in user.arguments):
                return True
    return False


def scalar_passes(graph: Graph, unit: Unit, until: int) -> list[Pass]:
    """Return the forward passes of a network that is written number by number."""
    elements = _elements(graph, unit, until)
    if not elements:
        return []
    affine = _sums(graph, unit, until, elements, {})
    affine = _sums(graph, unit, until, elements, _beside_each_other(affine))
    inside = {source for node in affine for source in node.inputs if source in affine and node.op == "add"}
    neurons = {
        node: Neuron(node, [term for term in terms if isinstance(term, Term)], _bias(terms))
        for node, terms in affine.items()
        if node not in inside and any(isinstance(term, Term) for term in terms)
    }
    for neuron in neurons.values():
        for term in neuron.terms:
            if term.input is not None:
                neuron.below += _nearest(term.input, neurons, unit.given())
    return _grouped(neurons)


def _beside_each_other(affine: dict[Node, list[Any]]) -> dict[str, str]:
    """Return for each parameter the first of its layer: those of the units that have the same inputs.

    A number that depends on one of them is of the backward pass for all: crosswise, an error may have gone through
    the weights of other units only.
    """
    layers: dict[Any, str] = {}
    found: dict[str, str] = {}
    for parts in affine.values():
        terms = [part for part in parts if isinstance(part, Term)]
        if len(terms) < 2 or any(term.input is None for term in terms):
            continue
        first = layers.setdefault(tuple(term.input for term in terms), terms[0].weight.path)
        for term in terms:
            found.setdefault(term.weight.path, first)
    return found


def _elements(graph: Graph, unit: Unit, until: int) -> dict[Node, Element]:
    found: dict[Node, Element] = {}
    for path, state in unit.start.state.items():
        value = state.value
        floating = isinstance(value, float) or getattr(value, "dtype", np.dtype(int)).kind == "f"
        if not floating or np.size(value) > 4096:
            continue
        for handle in graph.views_of(path, state, until):
            if np.size(handle.operand.value) == 1 and handle.operand not in found:
                index = _index(handle.views)
                if index is not None:
                    found[handle.operand] = Element(path, state, index)
    return found


def _index(views: tuple[Node, ...]) -> Any:
    """Join the subscripts that lead to one number."""
    index: tuple[Any, ...] = ()
    for node in views:
        if node.op == "item":
            part = node.arguments[1]
            index += part if isinstance(part, tuple) else (part,)
        elif node.op not in ("float", "float64", "item()", "copy"):
            return None
    return index if all(isinstance(part, (int, np.integer)) for part in index) else None


def _sums(
    graph: Graph, unit: Unit, until: int, elements: dict[Node, Element], beside: dict[str, str]
) -> dict[Node, list[Any]]:
    """Return the nodes that are sums of products and biases, with their parts in order."""
    trained = {
        element.path
        for element in elements.values()
        if (after := unit.end.state.get(element.path)) is not None
        and after is not element.state
        and is_update(element.state, after)
    }
    own = {path: 1 << number for number, path in enumerate(sorted(trained))}
    bits = {path: own.get(beside.get(path, path), own[path]) for path in own}
    masks: dict[Node, int] = {node: bits.get(element.path, 0) for node, element in elements.items()}
    given = unit.given()
    affine: dict[Node, list[Any]] = {}
    for node in graph.nodes[since(unit) : until]:
        if node in given or node.op == "leaf":
            continue
        mask = masks.get(node, 0)
        for source in node.inputs:
            mask |= masks.get(source, 0)
        masks[node] = mask
        if np.size(node.value) != 1:
            continue
        if node.op == "multiply":
            term = _term(node, elements, masks, bits)
            if term is not None:
                affine[node] = [term]
        elif node.op == "add":
            parts = [_part(argument, node, affine, elements) for argument in node.arguments]
            if all(part is not None for part in parts) and any(source in affine for source in node.inputs):
                affine[node] = [piece for part in parts for piece in part or []]
    return affine


def _term(
    node: Node, elements: dict[Node, Element], masks: dict[Node, int], bits: dict[str, int]
) -> Term | None:
    for position, argument in enumerate(node.arguments):
        source = node.inputs[argument.index] if isinstance(argument, Ref) else None
        element = elements.get(source) if source is not None else None
        if element is None or element.path not in bits:
            continue
        other = node.arguments[1 - position]
        if isinstance(other, Ref):
            x = node.inputs[other.index]
            if masks.get(x, 0) & bits[element.path] or (x in elements and elements[x].path in bits):
                continue
            return Term(element, x, float(np.asarray(x.value).reshape(-1)[0]))
        if isinstance(other, (int, float)):
            return Term(element, None, float(other))
    return None


def _part(
    argument: Any, node: Node, affine: dict[Node, list[Any]], elements: dict[Node, Element]
) -> list[Any] | None:
    if not isinstance(argument, Ref):
        return [] if argument == 0 else None
    source = node.inputs[argument.index]
    if source in affine:
        return affine[source]
    if source in elements:
        return [elements[source]]
    return [] if source.op == "leaf" and np.size(source.value) == 1 and not np.any(source.value) else None


def _bias(parts: list[Any]) -> Element | None:
    return next((part for part in parts if isinstance(part, Element)), None)


def _nearest(node: Node, neurons: dict[Node, Neuron], given: set[Node]) -> list[Node]:
    found, seen, waiting = [], {node}, [node]
    while waiting:
        current = waiting.pop()
        if current in neurons:
            found.append(current)
            continue
        if current in given:
            continue
        # Reading one number of an array that was filled one by one: go to what was put there.
        sources = read(current)
        for source in sources:
            if source not in seen:
                seen.add(source)
                waiting.append(source)
    return found


def _grouped(neurons: dict[Node, Neuron]) -> list[Pass]:
    """Group neurons into layers, and layers into passes."""
    used = {below for neuron in neurons.values() for below in neuron.below}
    tops: dict[Any, list[Neuron]] = {}
    for neuron in neurons.values():
        if neuron.z in used:
            continue
        key = (
            tuple(neuron.below)
            if neuron.below
            else tuple(id(term.input) if term.input else term.value for term in neuron.terms)
        )
        tops.setdefault(key, []).append(neuron)
    passes = []
    for outputs in tops.values():
        layers = [sorted(outputs, key=lambda neuron: neuron.z.index)]
        while layers[0][0].below:
            below = layers[0][0].below
            if any(neuron.below != below for neuron in layers[0]) or len(below) != len(layers[0][0].terms):
                layers = []
                break
            if len(set(below)) != len(below):
                layers = []
                break
            layers.insert(0, [neurons[z] for z in below])
        if layers and all(len({len(n.terms) for n in layer}) == 1 for layer in layers):
            for lower, upper in pairwise(layers):
                for neuron, term in zip(lower, upper[0].terms, strict=True):
                    neuron.a = term.input
            passes.append(Pass(layers))
    depth = max((len(one.layers) for one in passes), default=0)
    return [one for one in passes if len(one.layers) == depth]


__all__ = ["VIEWS", "Element", "Neuron", "Pass", "Term", "ancestors", "is_scalar_weight", "scalar_passes"]
