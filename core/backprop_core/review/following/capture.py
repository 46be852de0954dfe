"""What one update of a script was, as plain numbers: the network in canonical form, and what was applied to it.

Samples are rows here, whatever the script does: X (n, fan_in), W (fan_in, fan_out), Z = XW + b (n, fan_out).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.explaining.detail import detail_of
from backprop_core.review.following.applied import name_of, parameters_data
from backprop_core.review.following.gradients import gradients
from backprop_core.review.following.rows import activation_rows, activation_rows_of, before_padding
from backprop_core.review.following.scalar_capture import capture_scalars
from backprop_core.review.following.scales import named_rates
from backprop_core.review.following.targets import (
    broadcast_lines,
    evaluation_of,
    source_of,
    taken_at,
    target_line,
    targets_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.review.explaining.sites import Sites
    from backprop_core.review.following.analysis import UnitAnalysis
    from backprop_core.review.following.layers import Chain, LayerTrace, Use
    from backprop_core.review.running.recorded import Node

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
        "target": targets_of(analysis, chains),
        "broadcast": broadcast_lines(analysis, sites, chains),
        "late": analysis.late(),
        "coarse": np.asarray(first[-1].use.node.value).dtype in (np.float32, np.float16),
        "source": source_of(analysis, chains)
        | {
            "line": taken_at(sites, chains[0].layers[0].use.input),
            "target_line": target_line(analysis, sites),
        },
        "loss_value": None
        if analysis.loss is None
        else float(np.asarray(analysis.loss.value).reshape(-1)[0]),
        "evaluation": evaluation_of(analysis),
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
        activation = activation_rows(trace, source)
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


def _local_derivative(trace: LayerTrace) -> Array:
    """Return ∂a/∂z, shaped as z; row sums of the Jacobian where the activation mixes units."""
    z = np.asarray(trace.z.value, float)
    if trace.a is None or trace.a is trace.z:
        return np.ones_like(z)
    of = trace.a
    if np.size(of.value) != np.size(z):
        of = before_padding(of, np.size(z)) or of
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
                part = activation_rows_of(last, found)
                total = part if total is None else total + part
        if total is None:
            return None
        rows.append(total)
    return np.concatenate(rows)
