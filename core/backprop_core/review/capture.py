"""What one update of a script was, as plain numbers: the network in canonical form, and what was applied to it.

Samples are rows here, whatever the script does: X (n, fan_in), W (fan_in, fan_out), Z = XW + b (n, fan_out).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.analysis import averaged
from backprop_core.review.applied import detail_of, name_of, named_rates, parameters_data
from backprop_core.review.gradients import gradients
from backprop_core.review.scalar_capture import capture_scalars
from backprop_core.review.structure import VIEWS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.review.analysis import UnitAnalysis
    from backprop_core.review.instrument import Sites
    from backprop_core.review.recorder import Node
    from backprop_core.review.structure import Chain, LayerTrace, Use

    Array = NDArray[Any]
    Data = dict[str, Any]


def capture(analysis: UnitAnalysis, sites: Sites, label: str, detail: bool) -> Data | None:
    """Return the unit in canonical form; None if it holds no chain of layers that leads to its update."""
    if analysis.passes:
        return capture_scalars(analysis, sites, label, detail)
    chains = analysis.chains
    if not chains or analysis.left_out or any(chain.layers[-1].a is None for chain in chains):
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
        "parameters": parameters_data(analysis, sites, first),
        "e": _output_gradient(analysis, chains),
        "target": _targets(analysis, chains),
        "broadcast": _broadcast(analysis, sites, chains),
        "late": analysis.late(),
        "coarse": np.asarray(first[-1].use.node.value).dtype in (np.float32, np.float16),
        "source": _source(analysis, chains)
        | {
            "line": _taken_at(sites, chains[0].layers[0].use.input),
            "target_line": _target_line(analysis, sites),
        },
        "loss_value": None
        if analysis.loss is None
        else float(np.asarray(analysis.loss.value).reshape(-1)[0]),
        "evaluation": _evaluation(analysis),
        "rates": named_rates(analysis),
    }
    if detail:
        result["detail"] = detail_of(analysis, sites)
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
            "z": name_of(traces[0].z),
            "a": name_of(traces[0].a),
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
    return name_of(node) or min(held, key=len, default="")


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


def _activation_rows_of(trace: LayerTrace, found: Any) -> Array:
    value: Array = np.asarray(found, float)
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
                    if (
                        inside
                        and meeting.target is not None
                        and meeting.node.op in ("subtract", "multiply", "set_item")
                    ):
                        size = np.size(layers[-1].z.value)
                        if np.size(meeting.target.value) == size:
                            target = _activation_rows_of(layers[-1], meeting.target.value)
                            break
                if target is not None:
                    break
            rows.append(target)
        if all(row is not None for row in rows):
            found[where] = np.concatenate([row for row in rows if row is not None])
    return found


def _source(analysis: UnitAnalysis, chains: list[Chain]) -> Data:
    """Return the arrays from which the samples and their targets were taken, and how many rows there are."""
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


def _taken_at(sites: Sites, node: Node) -> int:
    """Return the line at which samples are taken from an array, 0 where they are all of it."""
    while node.op in VIEWS and node.inputs:
        if node.op == "item" and node.site >= 0:
            return sites.definition(node.site) or sites.line(node.site)
        node = node.inputs[0]
    return 0


def _target_line(analysis: UnitAnalysis, sites: Sites) -> int:
    """Return the line at which the update takes its targets: where they are chosen, or where the output meets them."""
    for chain in analysis.chains:
        for layers in (chain.layers, *chain.twins):
            for meeting in analysis.meetings[id(layers[-1])]:
                if meeting.target is not None and meeting.node in analysis.updated and meeting.node.site >= 0:
                    chosen = meeting.target.op != "leaf" and meeting.target.site >= 0
                    return sites.line(meeting.target.site if chosen else meeting.node.site)
    return 0


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
        "averaged": averaged(analysis, sum(len(part) for part in rows["A"])),
    }
