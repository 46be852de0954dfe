"""What one update of a script was, as plain numbers: the network in canonical form, and what was applied to it.

Samples are rows here, whatever the script does: X (n, fan_in), W (fan_in, fan_out), Z = XW + b (n, fan_out).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.gradients import ancestors, gradients
from backprop_core.review.losses import downstream, find_meetings, is_curved
from backprop_core.review.recorder import Ref
from backprop_core.review.scalar_structure import Element, Neuron, Pass, scalar_passes
from backprop_core.review.structure import (
    VIEWS,
    Chain,
    Graph,
    Handle,
    LayerTrace,
    Unit,
    Use,
    chains_of,
    changed_paths,
    forward_uses,
    is_update,
    later_versions,
    merge_twins,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from numpy.typing import NDArray

    from backprop_core.review.instrument import Sites
    from backprop_core.review.losses import Family, Meeting
    from backprop_core.review.recorder import Node

    Array = NDArray[Any]
    Data = dict[str, Any]

MOST_DETAIL = 400
LARGEST_DETAIL = 20_000


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
        if chains:
            self._sort_chains(chains, {key[0] for key in uses})
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
        self.updated = self._ancestors_of(after for path, after in self.new.items() if path in trained)
        for chain in merge_twins(chains):
            training = any(layers[-1].use.node in self.updated for layers in (chain.layers, *chain.twins))
            (self.chains if training else self.evaluations).append(chain)
            for layers in (chain.layers, *chain.twins):
                last = layers[-1]
                meetings = find_meetings(self.graph, last.z, self.unit, self.until)
                self.meetings[id(last)] = meetings
                if meetings:
                    best = next((one for one in meetings if one.node.op in ("subtract", "add")), meetings[0])
                    last.a = best.output

    def _sort_passes(self, passes: list[Pass]) -> None:
        trained = {
            term.weight.path
            for one in passes
            for layer in one.layers
            for neuron in layer
            for term in neuron.terms
        }
        self.updated = self._ancestors_of(after for path, after in self.new.items() if path in trained)
        for one in passes:
            training = any(neuron.z in self.updated for neuron in one.layers[-1])
            (self.passes if training else self.other_passes).append(one)
            for neuron in one.layers[-1]:
                meetings = find_meetings(self.graph, neuron.z, self.unit, self.until)
                self.meetings[id(neuron)] = meetings
                if meetings:
                    best = next((met for met in meetings if met.node.op == "subtract"), meetings[0])
                    neuron.a = best.output

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

    def _ancestors_of(self, nodes: Iterable[Node]) -> set[Node]:
        found: set[Node] = set()
        for node in nodes:
            found.update(ancestors(node, self.start))
        return found

    def _find_loss(self, families: list[Family]) -> None:
        outputs, direct = self.all_outputs, self.trained_outputs
        for family in families:
            best = (0, 0)
            for node in family.nodes:
                within = set(ancestors(node, self.given, exactly=True))
                reached = [output for output in outputs if output in within]
                if not reached or node in outputs:
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
                self.adjoints = gradients(self.loss, self.given)
                self.own = gradients(self.loss, self.given | self.products)
                return

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
    held = UnitAnalysis(graph, chosen[0], [], set()).held
    parameters = {path for path, node in chosen[0].start.state.items() if node in held}
    later = later_versions(units, parameters)
    for unit in chosen:
        unit.parameters = frozenset(parameters)
        yield UnitAnalysis(graph, unit, families, later)


def capture(analysis: UnitAnalysis, sites: Sites, label: str, detail: bool) -> Data | None:
    """Return the unit in canonical form; None if it holds no chain of layers that leads to its update."""
    if analysis.passes:
        return capture_scalars(analysis, sites, label, detail)
    chains = analysis.chains
    if not chains or any(chain.layers[-1].a is None for chain in chains):
        return None
    depth = len(chains[0].layers)
    first = chains[0].layers
    layers = [_layer(analysis, [chain.layers[index] for chain in chains]) for index in range(depth)]
    if any(layer is None for layer in layers):
        return None
    for index in range(1, depth):
        layers[index]["bias_column"] = _constant_column(layers[index - 1]["A"], layers[index]["X"])  # type: ignore[index]
    result: Data = {
        "label": label,
        "layers": layers,
        "parameters": _parameters(analysis, sites, first),
        "e": _output_gradient(analysis, chains),
        "target": _targets(analysis, chains),
        "broadcast": _broadcast(analysis, sites, chains),
        "late": analysis.late(),
        "source": _source(analysis, chains),
        "loss_value": None
        if analysis.loss is None
        else float(np.asarray(analysis.loss.value).reshape(-1)[0]),
        "evaluation": _evaluation(analysis),
        "rates": _named_rates(analysis),
    }
    if detail:
        result["detail"] = _detail(analysis, sites)
    return result


def _layer(analysis: UnitAnalysis, traces: list[LayerTrace]) -> Data | None:
    """Stack the passes of one layer as rows."""
    use = traces[0].use
    old = use.handle.seen(use.handle.state.value)
    weights = use.weights(old)
    parts: dict[str, list[Array]] = {"X": [], "Z": [], "A": [], "D": []}
    for trace in traces:
        assert trace.a is not None
        z, d = np.asarray(trace.z.value, float), _local_derivative(trace)
        parts["X"].append(trace.use.rows(trace.use.input.value))
        parts["Z"].append(trace.use.outputs(np.broadcast_to(z, _larger(z, trace.use.node.value))))
        source = trace.a if trace is traces[0] or trace.a is not None else trace.z
        activation = _activation_rows(trace, source)
        if activation is None:
            return None
        parts["A"].append(activation)
        parts["D"].append(trace.use.outputs(d))
    rows = {name: np.concatenate(values) for name, values in parts.items()}
    bias = traces[0].bias
    return {
        "W": weights,
        "moved": _moved(analysis, use, weights),
        "weight": use.handle.path,
        "views": list(use.handle.key[1:]),
        "b": None if bias is None else np.asarray(bias.seen(bias.state.value), float).reshape(-1),
        "bias": None if bias is None else bias.path,
        "column_major": use.left,
        "names": {
            "z": _name(traces[0].z),
            "a": _name(traces[0].a),
            "x": _held_name(analysis, use.input),
            "w": use.handle.path,
        },
        **rows,
    }


def _held_name(analysis: UnitAnalysis, node: Node) -> str:
    """Return the plain name under which the script holds a value."""
    held = [
        path for path, state in analysis.unit.start.state.items() if state is node and path.isidentifier()
    ]
    return _name(node) or min(held, key=len, default="")


def _name(node: Node | None) -> str:
    """Return what the script calls a value, or nothing."""
    return node.names[-1][0] if node is not None and node.names else ""


def _moved(analysis: UnitAnalysis, use: Use, weights: Array) -> Array:
    """Return the layer's weights after the update."""
    new = analysis.new.get(use.handle.path)
    if new is None or np.shape(new.value) != np.shape(use.handle.state.value):
        return weights
    return np.asarray(use.weights(use.handle.seen(new.value)))


def _larger(z: Array, product: Any) -> tuple[int, ...]:
    return np.shape(product) if np.size(product) > z.size else z.shape


def _activation_rows(trace: LayerTrace, node: Node) -> Array | None:
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
    inner = _before_padding(node, size)
    return None if inner is None else _activation_rows(trace, inner)


def _before_padding(node: Node, size: int) -> Node | None:
    waiting = list(node.inputs)
    for source in waiting:
        if np.size(source.value) == size and source.op != "leaf":
            return source
        if len(waiting) < 12:
            waiting.extend(source.inputs)
    return None


def _local_derivative(trace: LayerTrace) -> Array:
    """Return ∂a/∂z, shaped as z; row sums of the Jacobian where the activation mixes units."""
    z = np.asarray(trace.z.value, float)
    if trace.a is None or trace.a is trace.z:
        return np.ones_like(z)
    of = trace.a
    if np.size(of.value) != np.size(z):
        of = _before_padding(of, np.size(z)) or of
    found = gradients(of, {trace.z}, np.ones(np.shape(of.value)))
    derivative = found.get(trace.z)
    return np.ones_like(z) if derivative is None else np.asarray(derivative, float)


def _constant_column(activation: Array, operand: Array) -> int | None:
    """Return which column of a layer's input is not the activation below, but ones for the bias."""
    if operand.shape[1] != activation.shape[1] + 1:
        return None
    for column in (0, operand.shape[1] - 1):
        if np.all(operand[:, column] == operand[0, column]) and np.array_equal(
            np.delete(operand, column, axis=1), activation
        ):
            return column
    return None


def _output_gradient(analysis: UnitAnalysis, chains: list[Chain]) -> Array | None:
    """Return ∂L/∂a of the last layer, if the loss depends on these very samples."""
    rows = []
    for chain in chains:
        total: Array | None = None
        for layers in (chain.layers, *chain.twins):
            last = layers[-1]
            found = analysis.adjoints.get(last.a) if last.a is not None else None
            if found is not None:
                part = _activation_rows_of(last, found)
                total = part if total is None else total + part
        if total is None:
            return None
        rows.append(total)
    return np.concatenate(rows)


def _activation_rows_of(trace: LayerTrace, value: Any) -> Array:
    value = np.asarray(value, float)
    if value.shape == np.shape(trace.z.value):
        return trace.use.outputs(value)
    fan_out = trace.use.weights(trace.use.handle.operand.value).shape[1]
    if value.ndim == 2 and value.shape[0] == fan_out and value.shape[1] != fan_out:
        return value.T
    return value.reshape(-1, fan_out)


def _targets(analysis: UnitAnalysis, chains: list[Chain]) -> Data:
    """Return what the output is subtracted from in the loss and in the update: (rows, outputs) each, or None."""
    found: Data = {"loss": None, "update": None}
    in_loss = set(analysis.adjoints)
    for where in found:
        rows = []
        for chain in chains:
            target = None
            for layers in (chain.layers, *chain.twins):
                for meeting in analysis.meetings[id(layers[-1])]:
                    inside = meeting.node in (in_loss if where == "loss" else analysis.updated)
                    if inside and meeting.target is not None and meeting.node.op in ("subtract", "multiply"):
                        size = np.size(layers[-1].z.value)
                        if np.size(meeting.target.value) == size:
                            target = _activation_rows_of(layers[-1], meeting.target.value)
                            break
                if target is not None:
                    break
            rows.append(target)
        if all(row is not None for row in rows):
            found[where] = np.concatenate(rows)
    return found


def _source(analysis: UnitAnalysis, chains: list[Chain]) -> Data:
    """Return from which arrays the samples and their targets were taken: how many there are, and the targets' own rows."""
    first = chains[0].layers
    root = _root_of(first[0].use.input)
    fan_in = first[0].use.rows(first[0].use.input.value).shape[1]
    made: Data = {"rows": np.size(root.value) // fan_in, "X": None, "Y": None}
    target = next(
        (
            meeting.target
            for layers in (first, *chains[0].twins)
            for meeting in analysis.meetings[id(layers[-1])]
            if meeting.target is not None and meeting.node.op in ("subtract", "multiply")
        ),
        None,
    )
    if target is None or len(chains) > 1:
        return made
    other = _root_of(target)
    x, y = np.asarray(root.value), np.asarray(other.value)
    outputs = np.size(first[-1].z.value) // max(len(first[0].use.rows(first[0].use.input.value)), 1)
    if x.ndim == 2 and y.size == made["rows"] * outputs and fan_in in x.shape:
        made["X"] = x.T if first[0].use.left and x.shape[0] == fan_in else x
        made["Y"] = (
            y.T if y.ndim == 2 and y.shape[0] == outputs and y.shape[1] != outputs else y.reshape(-1, outputs)
        )
        if made["X"].shape != (made["rows"], fan_in):
            made["X"] = made["Y"] = None
    return made


def _root_of(node: Node) -> Node:
    """Go back to the array that rows were taken from."""
    while node.op in VIEWS and node.inputs and np.size(node.inputs[0].value) >= np.size(node.value):
        node = node.inputs[0]
    return node


def _broadcast(analysis: UnitAnalysis, sites: Sites, chains: list[Chain]) -> list[Data]:
    """Return the lines where output and targets were broadcast against each other to something larger."""
    found = []
    for chain in (*chains, *analysis.evaluations):
        for layers in (chain.layers, *chain.twins):
            size = np.size(layers[-1].z.value)
            for meeting in analysis.meetings[id(layers[-1])]:
                if meeting.target is None or meeting.node.op not in ("subtract", "multiply", "add"):
                    continue
                larger = np.size(meeting.node.value) > max(size, np.size(meeting.target.value)) > 1
                if larger and np.size(meeting.target.value) == size:
                    found.append(
                        {
                            "line": sites.line(meeting.node.site),
                            "output": list(np.shape(meeting.output.value)),
                            "target": list(np.shape(meeting.target.value)),
                            "result": list(np.shape(meeting.node.value)),
                            "in_loss": meeting.node in analysis.adjoints,
                            "in_update": meeting.node in analysis.updated,
                        }
                    )
    return found


def _evaluation(analysis: UnitAnalysis) -> Data | None:
    """Return output, targets and ∂L/∂a of a pass over other samples, from which the loss was computed."""
    rows: dict[str, list[Array]] = {"X": [], "A": [], "e": [], "Y": []}
    for chain in (*analysis.evaluations, *analysis.chains):
        for layers in (chain.layers, *chain.twins):
            last = layers[-1]
            if last.a is None or last.a not in analysis.adjoints:
                continue
            output = _activation_rows(last, last.a)
            if output is None:
                return None
            rows["X"].append(layers[0].use.rows(layers[0].use.input.value))
            rows["A"].append(output)
            rows["e"].append(_activation_rows_of(last, analysis.adjoints[last.a]))
            target = next(
                (
                    meeting.target
                    for meeting in analysis.meetings[id(last)]
                    if meeting.node in analysis.adjoints
                    and meeting.target is not None
                    and np.size(meeting.target.value) == np.size(last.z.value)
                ),
                None,
            )
            if target is not None:
                rows["Y"].append(_activation_rows_of(last, target.value))
    if not rows["A"]:
        return None
    if len(rows["Y"]) != len(rows["A"]):
        del rows["Y"]
    return {
        **{name: np.concatenate(values) for name, values in rows.items()},
        "averaged": _averaged(analysis, sum(len(part) for part in rows["A"])),
    }


def _averaged(analysis: UnitAnalysis, count: int) -> bool:
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
        value = _number(node, position)
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


def _number(node: Node, position: int) -> float | None:
    """Return an operand of a node if it is one number."""
    argument = node.arguments[position] if position < len(node.arguments) else None
    if isinstance(argument, Ref):
        value = node.inputs[argument.index].value
        return float(np.asarray(value).reshape(-1)[0]) if np.size(value) == 1 else None
    return float(argument) if isinstance(argument, (int, float)) else None


# -- parameters and what was applied to them ----------------------------------------------------------------


def _parameters(analysis: UnitAnalysis, sites: Sites, layers: list[LayerTrace]) -> list[Data]:
    forward = analysis._ancestors_of(
        layers_[-1].a for chain in analysis.chains for layers_ in (chain.layers,) if layers_[-1].a is not None
    )
    paths = {}
    for path, state in analysis.unit.start.state.items():
        new = analysis.new.get(path)
        if state in forward and (_is_used(path, layers) or (new is not None and is_update(state, new))):
            paths[path] = state
    return [
        _parameter(analysis, sites, layers, path, state) for path, state in _distinct(paths, layers).items()
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


def _parameter(
    analysis: UnitAnalysis, sites: Sites, layers: list[LayerTrace], path: str, state: Node
) -> Data:
    new = analysis.new.get(path)
    old_value = np.asarray(state.value, float)
    gradient = analysis.adjoints.get(state)
    applied, how = np.zeros_like(old_value), {"adaptive": False, "stale": False, "memory": False}
    if new is not None:
        applied = _difference(new.value, old_value)
        buffers = _buffers(analysis, state, new)
        if buffers:
            applied, how = _without_buffers(analysis, state, new, buffers, applied)
    return {
        "path": path,
        "paths": [other for other, node in analysis.unit.start.state.items() if node is state],
        "texts": [] if new is None else [text for text, _ in new.names],
        "line": 0 if new is None else _update_line(sites, new),
        "value": old_value,
        "moved": np.zeros_like(old_value) if new is None else _difference(new.value, old_value),
        "applied": applied,
        "gradient": None if gradient is None else np.asarray(gradient, float).reshape(old_value.shape),
        "scales": [] if new is None else _scales(analysis, sites, new),
        "changed": new is not None,
        "agreement": 0.0
        if new is None
        else float(np.sign(np.vdot(applied, _difference(new.value, old_value)))),
        "canonical": _canonical(layers, path, applied, gradient, analysis.own.get(state)),
        **how,
    }


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


def _update_line(sites: Sites, new: Node) -> int:
    if new.names:
        return sites.line(new.names[0][1])
    return sites.line(new.site) if new.site >= 0 else 0


def _buffers(analysis: UnitAnalysis, state: Node, new: Node) -> list[Node]:
    """Return what an optimizer remembers for a parameter: changing arrays that its update uses, and nothing else does."""
    size = np.size(state.value)
    forward = analysis.held
    used = set(ancestors(new, analysis.start))
    found = []
    for other, node in analysis.unit.start.state.items():
        if other not in analysis.new or node is state or node in forward or node not in used:
            continue
        if (
            np.size(node.value) == size
            and np.shape(node.value) == np.shape(state.value)
            and node not in found
        ):
            found.append(node)
    return found


def _without_buffers(
    analysis: UnitAnalysis, state: Node, new: Node, buffers: list[Node], applied: Array
) -> tuple[Array, dict[str, bool]]:
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
        return applied, {"adaptive": True, "stale": False, "memory": True}
    gradient = max(choices, key=lambda node: node.index)
    ones = np.ones(np.shape(new.value))
    found = gradients(new, analysis.start | {gradient}, ones)
    slope = np.asarray(found.get(gradient, np.zeros(np.shape(gradient.value))))
    value = np.asarray(gradient.value, float)
    linear = bool(np.allclose(slope, slope.flat[0], rtol=1e-9, atol=0)) and len(edge) == 1
    stale = _never_forgets(analysis, gradient, buffers)
    if not linear:
        return np.reshape(-value, applied.shape), {
            "adaptive": True, "stale": stale, "memory": True,
        }  # fmt: skip
    return np.reshape(slope.flat[0] * value, applied.shape), {
        "adaptive": False,
        "stale": stale,
        "memory": True,
    }


def _less_memory(
    analysis: UnitAnalysis, new: Node, buffers: list[Node], applied: Array
) -> tuple[Array, dict[str, bool]]:
    """Take from an update what it has from older gradients, where that is in proportion to them."""
    found = gradients(new, analysis.start, np.ones(np.shape(new.value)))
    rest = applied
    for buffer in buffers:
        slope = np.asarray(found.get(buffer, np.zeros(np.shape(buffer.value))))
        if not np.allclose(slope, slope.flat[0], rtol=1e-9, atol=1e-15):
            return applied, {"adaptive": True, "stale": False, "memory": True}
        rest = rest - slope.flat[0] * np.asarray(buffer.value, float)
    return rest, {"adaptive": False, "stale": False, "memory": True}


def _never_forgets(analysis: UnitAnalysis, gradient: Node, buffers: list[Node]) -> bool:
    """Whether gradients are added up for ever: a buffer's next value is the old one plus a multiple of this gradient."""
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
    found = []
    for node in ancestors(new, analysis.start):
        if node in analysis.start:
            continue
        if any(source in learned for source in node.inputs):
            learned.add(node)
            if node.op in ("multiply", "divide", "true_divide") and len(node.arguments) >= 2:
                found += _scale_of(sites, node, learned)
    return found[::-1][:12]


def _scale_of(sites: Sites, node: Node, learned: Collection[Node]) -> list[Data]:
    for position in (0, 1):
        argument = node.arguments[position]
        if isinstance(argument, Ref) and node.inputs[argument.index] in learned:
            continue
        value = _number(node, position)
        if value is not None and not (node.op != "multiply" and position == 0):
            text = _operand_text(sites, node, position)
            power = -1 if node.op != "multiply" else 1
            last = re.split(r"[.\[]", text.rstrip("]\"'"))[-1].strip("\"'")
            named = bool(RATE.match(last)) or bool(RATE.match(text.lstrip("-").strip()))
            return [
                {"value": value, "text": text, "power": power, "line": sites.line(node.site), "rate": named}
            ]
    return []


def _operand_text(sites: Sites, node: Node, position: int) -> str:
    import ast

    syntax = sites.nodes[node.site]
    if isinstance(syntax, ast.BinOp):
        return sites.text(syntax.left if position == 0 else syntax.right)
    if isinstance(syntax, ast.AugAssign):
        return sites.text(syntax.value)
    return ""


RATE = re.compile(r"^(lr|eta|alpha|learning_?rate|l_?rate|learnrate|step_?size|rate|η|α)\d?$", re.IGNORECASE)


def _named_rates(analysis: UnitAnalysis) -> list[float]:
    """Return the numbers that the script keeps under a name for a learning rate."""
    found = []
    for path, node in analysis.unit.start.state.items():
        last = re.split(r"[.\[]", path.rstrip('"]'))[-1].strip('"')
        if RATE.match(last) and np.size(node.value) == 1:
            found.append(float(np.asarray(node.value).reshape(-1)[0]))
    return found


def _detail(analysis: UnitAnalysis, sites: Sites) -> list[Data]:
    """Return the values of the backward pass with their lines, in order."""
    before = analysis._ancestors_of(analysis.trained_outputs)
    found: list[Data] = []
    for node in sorted(analysis.updated - before, key=lambda node: node.index):
        if node.site < 0 or node.op == "leaf" or np.size(node.value) > LARGEST_DETAIL:
            continue
        value = np.asarray(node.value)
        if value.dtype.kind not in "fi":
            continue
        found.append(
            {
                "line": sites.line(node.site),
                "site": node.site,
                "op": node.op,
                "value": value.astype(float),
                "names": [[name, sites.line(site)] for name, site in node.names],
            }  # fmt: skip
        )
    return found[:MOST_DETAIL]


# -- networks written number by number -----------------------------------------------------------------------


def capture_scalars(analysis: UnitAnalysis, sites: Sites, label: str, detail: bool) -> Data | None:
    """Return a unit of a network of single numbers in the same canonical form."""
    passes = analysis.passes
    if any(neuron.a is None for one in passes for layer in one.layers for neuron in layer):
        return None
    paths = {
        element.path: element.state
        for layer in passes[0].layers
        for neuron in layer
        for element in (*(term.weight for term in neuron.terms), *([neuron.bias] if neuron.bias else []))
    }
    parameters = {path: _parameter(analysis, sites, [], path, state) for path, state in paths.items()}
    layers = [
        _scalar_layer(analysis, [one.layers[index] for one in passes], parameters)
        for index in range(len(passes[0].layers))
    ]
    rows = [[analysis.adjoints.get(neuron.a) for neuron in one.layers[-1] if neuron.a] for one in passes]
    known = all(value is not None for row in rows for value in row)
    evaluated = [
        one for one in (*analysis.other_passes, *passes)
        if all(neuron.a in analysis.adjoints for neuron in one.layers[-1])
    ]  # fmt: skip
    evaluation: Data | None = None
    if evaluated:
        evaluation = {
            "X": np.array([[term.value for term in one.layers[0][0].terms] for one in evaluated]),
            "A": _numbers([[neuron.a.value for neuron in one.layers[-1] if neuron.a] for one in evaluated]),
            "e": _numbers(
                [[analysis.adjoints[neuron.a] for neuron in one.layers[-1] if neuron.a] for one in evaluated]
            ),
            "averaged": _averaged(analysis, len(evaluated)),
        }
        targets = [_scalar_targets(analysis, one, "loss") for one in evaluated]
        if all(row is not None for row in targets):
            evaluation["Y"] = _numbers(targets)
    found = {}
    for where in ("loss", "update"):
        targets = [_scalar_targets(analysis, one, where) for one in passes]
        found[where] = _numbers(targets) if all(row is not None for row in targets) else None
    result: Data = {
        "label": label, "layers": layers, "parameters": list(parameters.values()),
        "e": _numbers(rows) if known else None, "target": found, "broadcast": [],
        "late": analysis.late(), "source": {"rows": len(passes), "X": None, "Y": None},
        "loss_value": None if analysis.loss is None else float(np.asarray(analysis.loss.value).reshape(-1)[0]),
        "evaluation": evaluation, "rates": _named_rates(analysis),
    }  # fmt: skip
    if detail:
        result["detail"] = _detail(analysis, sites)
    return result


def _numbers(rows: Any) -> Array:
    return np.array([[float(np.asarray(value).reshape(-1)[0]) for value in row] for row in rows])


def _scalar_targets(analysis: UnitAnalysis, one: Pass, where: str) -> list[Any] | None:
    inside = set(analysis.adjoints) if where == "loss" else analysis.updated
    row = []
    for neuron in one.layers[-1]:
        met = next(
            (
                meeting.target for meeting in analysis.meetings[id(neuron)]
                if meeting.node in inside and meeting.target is not None and meeting.node.op == "subtract"
                and np.size(meeting.target.value) == 1
            ),
            None,
        )  # fmt: skip
        if met is None:
            return None
        row.append(met.value)
    return row


def _scalar_layer(analysis: UnitAnalysis, layers: list[list[Neuron]], parameters: dict[str, Data]) -> Data:
    """Stack the passes of one layer as rows, its neurons as columns."""
    first = layers[0]
    a_rows, d_rows = [], []
    for layer in layers:
        d_row = []
        for neuron in layer:
            assert neuron.a is not None
            if neuron.a is neuron.z:
                d_row.append(1.0)
                continue
            slope = gradients(neuron.a, {neuron.z}, np.ones(np.shape(neuron.a.value))).get(neuron.z, 0.0)
            d_row.append(float(np.asarray(slope).reshape(-1)[0]))
        d_rows.append(d_row)
        a_rows.append([neuron.a.value for neuron in layer if neuron.a])

    def of(element: Element, array: str) -> float:
        part = parameters[element.path]
        value = np.asarray(part["value"] if array == "value" else part[array], float)
        return float(value[element.index]) if value.ndim else float(value)

    def matrix(array: str) -> Array:
        return np.array(
            [[of(neuron.terms[row].weight, array) for neuron in first] for row in range(len(first[0].terms))]
        )

    biased = all(neuron.bias is not None for neuron in first)
    own = {path: analysis.own.get(analysis.unit.start.state[path]) for path in parameters}
    made: Data = {
        "W": matrix("value"), "moved": matrix("value") + matrix("moved"), "applied_w": matrix("applied"),
        "weight": first[0].terms[0].weight.path,
        "weight_paths": list(dict.fromkeys(term.weight.path for neuron in first for term in neuron.terms)),
        "bias": first[0].bias.path if biased and first[0].bias else None,
        "bias_paths": list(dict.fromkeys(neuron.bias.path for neuron in first if neuron.bias)) if biased else [],
        "views": [], "column_major": False,
        "b": np.array([of(neuron.bias, "value") for neuron in first if neuron.bias]) if biased else None,
        "applied_b": np.array([[of(neuron.bias, "applied") for neuron in first if neuron.bias]]) if biased else None,
        "X": np.array([[term.value for term in layer[0].terms] for layer in layers]),
        "Z": _numbers([[neuron.z.value for neuron in layer] for layer in layers]),
        "A": _numbers(a_rows), "D": _numbers(d_rows),
        "names": {"z": _name(first[0].z), "a": _name(first[0].a), "x": "", "w": first[0].terms[0].weight.path},
    }  # fmt: skip
    if any(value is not None for value in own.values()):

        def owned(element: Element) -> float:
            value = own[element.path]
            if value is None:
                return 0.0
            value = np.asarray(value, float)
            return float(value[element.index]) if value.ndim else float(value)

        made["own"] = np.array(
            [[owned(neuron.terms[row].weight) for neuron in first] for row in range(len(first[0].terms))]
        )
    return made


__all__ = ["Handle", "UnitAnalysis", "analyses", "capture"]
