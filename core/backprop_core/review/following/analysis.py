"""One update of a script: which passes lead to it, where its output and its loss are, and the loss's gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.following.gradients import ancestors, gradients
from backprop_core.review.following.layers import chains_of, forward_uses, merge_twins
from backprop_core.review.following.losses import downstream, find_meetings, is_curved
from backprop_core.review.following.scalar_structure import scalar_passes
from backprop_core.review.following.structure import CONTRACTIONS, changed_paths, is_update, later_versions
from backprop_core.review.running.recorded import Ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from backprop_core.review.following.layers import Chain
    from backprop_core.review.following.losses import Family, Meeting
    from backprop_core.review.following.scalar_structure import Pass
    from backprop_core.review.following.structure import Graph, Unit
    from backprop_core.review.running.recorded import Node

    Array = NDArray[Any]
    Data = dict[str, Any]


class UnitAnalysis:
    """The network and the loss in one unit of a recorded graph."""

    def __init__(self, graph: Graph, unit: Unit, families: list[Family], later: set[Node]) -> None:
        self.graph = graph
        self.unit = unit
        self.start = unit.given()
        self.given = self.start | later
        changed = changed_paths(unit)
        self.new = {path: after for path, (_, after) in changed.items()}
        self.until = len(graph.nodes)
        self.chains: list[Chain] = []
        self.evaluations: list[Chain] = []
        self.passes: list[Pass] = []
        self.other_passes: list[Pass] = []
        self.updated: set[Node] = set()
        self.meetings: dict[int, list[Meeting]] = {}
        uses = forward_uses(graph, unit, self.until)
        chains = chains_of(graph, unit, uses, self.until)
        self.left_out: set[str] = set()
        """Trained weights that the chain does not hold: what was followed is not all of the network then."""
        if chains:
            trained = {key[0] for key in uses}
            self.left_out = trained - {layer.use.handle.path for chain in chains for layer in chain.layers}
            self._sort_chains(chains, trained)
        else:
            self._sort_passes(scalar_passes(graph, unit, self.until))
        self.family: Family | None = None
        self.loss: Node | None = None
        self.adjoints: dict[Node, Array] = {}
        self.own: dict[Node, Array] = {}
        """How the loss depends on the weights past the network: regularisation."""
        self._find_loss(families)

    def _sort_chains(self, chains: list[Chain], trained: set[str]) -> None:
        """Tell passes that lead to the update from others, and find the output of each."""
        biases = {layer.bias.path for chain in chains for layer in chain.layers if layer.bias is not None}
        self.updated = self.ancestors_of(self._after(trained | biases))
        weights = self._weights()
        for chain in merge_twins(chains):
            training = any(layers[-1].use.node in self.updated for layers in (chain.layers, *chain.twins))
            (self.chains if training else self.evaluations).append(chain)
            for layers in (chain.layers, *chain.twins):
                last = layers[-1]
                meetings = find_meetings(self.graph, last.z, self.unit, self.until)
                self.meetings[id(last)] = meetings
                if meetings:
                    best = next((one for one in meetings if one.node.op in ("subtract", "add")), meetings[0])
                    # What goes on with further weights is no output.
                    last.a = None if best.target in weights else best.output

    def _sort_passes(self, passes: list[Pass]) -> None:
        neurons = [neuron for one in passes for layer in one.layers for neuron in layer]
        trained = {term.weight.path for neuron in neurons for term in neuron.terms}
        trained |= {neuron.bias.path for neuron in neurons if neuron.bias is not None}
        self.updated = self.ancestors_of(self._after(trained))
        for one in passes:
            training = any(neuron.z in self.updated for neuron in one.layers[-1])
            (self.passes if training else self.other_passes).append(one)
            for neuron in one.layers[-1]:
                meetings = find_meetings(self.graph, neuron.z, self.unit, self.until)
                self.meetings[id(neuron)] = meetings
                if meetings:
                    best = next((met for met in meetings if met.node.op == "subtract"), meetings[0])
                    neuron.a = best.output

    def _after(self, paths: set[str]) -> list[Node]:
        """Return what the update left at some paths, also where an input of zero changed nothing."""
        before, after = self.unit.start.state, self.unit.end.state
        return [after[path] for path in paths if path in after and after[path] is not before.get(path)]

    def _weights(self) -> set[Node]:
        """What the update adds something to."""
        before = self.unit.start.state
        return {before[path] for path, new in self.new.items() if is_update(before[path], new)}

    @property
    def trained_outputs(self) -> set[Node]:
        """The outputs for the samples of this update."""
        found = {layers[-1].a for chain in self.chains for layers in (chain.layers, *chain.twins)}
        found |= {neuron.a for one in self.passes for neuron in one.layers[-1]}
        return {node for node in found if node is not None}

    @property
    def all_outputs(self) -> set[Node]:
        """The outputs of all passes with the weights of this update."""
        found = {layers[-1].a for chain in self.evaluations for layers in (chain.layers, *chain.twins)}
        found |= {neuron.a for one in self.other_passes for neuron in one.layers[-1]}
        return self.trained_outputs | {node for node in found if node is not None}

    @property
    def products(self) -> set[Node]:
        """Where weights meet inputs."""
        passes = (*self.chains, *self.evaluations)
        found = {
            layer.use.node for chain in passes for layers in (chain.layers, *chain.twins) for layer in layers
        }
        return found | {
            neuron.z for one in (*self.passes, *self.other_passes) for layer in one.layers for neuron in layer
        }

    @property
    def held(self) -> set[Node]:
        """The parameters of the network."""
        layers = [layer for chain in self.chains for layer in chain.layers]
        found = {layer.use.handle.state for layer in layers}
        found |= {layer.bias.state for layer in layers if layer.bias is not None}
        neurons = [neuron for one in self.passes for layer in one.layers for neuron in layer]
        found |= {term.weight.state for neuron in neurons for term in neuron.terms}
        return found | {neuron.bias.state for neuron in neurons if neuron.bias is not None}

    def ancestors_of(self, nodes: Iterable[Node]) -> set[Node]:
        """Return all that the nodes were computed from in this unit."""
        found: set[Node] = set()
        for node in nodes:
            found.update(ancestors(node, self.start))
        return found

    def _find_loss(self, families: list[Family]) -> None:
        """Choose the likeliest loss; what the update is made from is an error of its backward pass instead."""
        outputs, direct = self.all_outputs, self.trained_outputs
        backward = self._backward_products(outputs)
        for family in families:
            if any(node in self.updated for node in family.nodes):
                continue
            best = (0, 0)
            for node in family.nodes:
                within = set(ancestors(node, self.given, exactly=True))
                reached = [output for output in outputs if output in within]
                if not reached or node in outputs or backward & within:
                    continue
                # A sum is whole where it has all samples of this update; later it has those of others too.
                found = (
                    sum(output in direct for output in reached),
                    0 if direct & set(reached) else len(reached),
                )
                if found < best or (found == best and not self._same_unit(node)):
                    continue
                every = set(ancestors(node, self.given))
                if is_curved(reached[0], downstream(reached[0], every)):
                    best = found
                    self.family, self.loss = family, node
            if self.loss is not None:
                self._add_penalties()
                self.adjoints = gradients(self.loss, self.given)
                self.own = gradients(self.loss, self.given | self.products)
                return

    def _backward_products(self, outputs: set[Node]) -> set[Node]:
        """Return the products of the backward pass: what comes of them, such as a gradient's norm, is no loss."""
        reached = set(outputs)
        found = set()
        for node in sorted(self.updated, key=lambda node: node.index):
            if node not in self.given and any(source in reached for source in node.inputs):
                reached.add(node)
                if node.op in CONTRACTIONS and node not in self.products:
                    found.add(node)
        return found

    def _add_penalties(self) -> None:
        """Go on from a loss to its sum with a term in the weights themselves: with it, it is what is minimised."""
        held, cut = self.held, self.given | self.products
        index = 0 if self.loss is None else self.loss.index
        while self.loss is not None:
            for user in self.graph.users.get(self.loss, ()):
                others = [source for source in user.inputs if source is not self.loss]
                if user.op == "add" and np.size(user.value) == 1 and user not in self.updated and any(
                    other not in held and held & set(ancestors(other, cut)) for other in others
                ):  # fmt: skip
                    self.loss = user
                    break
            if self.loss.index == index:
                return
            index = self.loss.index

    def _same_unit(self, node: Node) -> bool:
        """Whether a value was computed in the same go as the loss found so far: penalties are often added to it."""
        assert self.loss is not None
        if self.loss.index < self.unit.start.at:
            return node.index < self.unit.start.at
        return node.index < self.unit.end.at

    def late(self) -> bool:
        """Whether the loss was complete only after the unit: summed up over several."""
        if self.loss is None or self.loss.index < self.unit.end.at:
            return False
        return bool(self.trained_outputs & set(self.adjoints))


def analyses(
    graph: Graph, units: list[Unit], chosen: list[Unit], families: list[Family]
) -> Iterator[UnitAnalysis]:
    """Analyse the chosen units, each cut off from the updates of the others."""
    if not chosen:
        return
    parameters: set[str] = set()
    for number, unit in enumerate(chosen[:4]):
        # A bias that begins as a whole number is a parameter only after the first update.
        if parameters and number > 1:
            break
        held = UnitAnalysis(graph, unit, [], set()).held
        parameters |= {path for path, node in unit.start.state.items() if node in held}
    later = later_versions(units, parameters)
    for unit in chosen:
        unit.parameters = frozenset(parameters)
        yield UnitAnalysis(graph, unit, families, later)


def averaged(analysis: UnitAnalysis, count: int) -> bool:
    """Whether the loss is divided by the number of samples on the way from the output."""
    assert analysis.loss is not None
    for node in ancestors(analysis.loss, analysis.given):
        if node.op in ("mean", "average"):
            return True
        scaling = node.op in ("divide", "multiply") and count > 1 and len(node.arguments) == 2
        if scaling and _divides_by(node, count):
            return True
    return False


def _divides_by(node: Node, count: int) -> bool:
    """Whether a node divides by the number of samples, perhaps with a small factor beside it."""
    for position in (0, 1) if node.op == "multiply" else (1,):
        value = number_in(node, position)
        if not value or value in (1.0, 0.5, 2.0):
            continue
        share = (value if node.op == "multiply" else 1 / value) * count
        if any(abs(share - small) < 1e-9 for small in (1.0, 0.5, 2.0)):
            return True
        outputs = round(1 / share) if share else 0
        if (
            outputs > 1
            and any(abs(share * outputs - small) < 1e-9 for small in (1.0, 0.5, 2.0))
            and outputs < 12
        ):
            return True
    return False


def number_in(node: Node, position: int) -> float | None:
    """Return an operand of a node if it is one number."""
    argument = node.arguments[position] if position < len(node.arguments) else None
    if isinstance(argument, Ref):
        value = node.inputs[argument.index].value
        return float(np.asarray(value).reshape(-1)[0]) if np.size(value) == 1 else None
    return float(argument) if isinstance(argument, (int, float)) else None
