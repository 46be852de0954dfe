"""One update of a network that is written number by number, in the same canonical form as one of matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.explaining.detail import detail_of
from backprop_core.review.following.analysis import averaged
from backprop_core.review.following.applied import name_of, parameter_data
from backprop_core.review.following.gradients import gradients
from backprop_core.review.following.scales import named_rates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.review.explaining.sites import Sites
    from backprop_core.review.following.analysis import UnitAnalysis
    from backprop_core.review.following.scalar_structure import Element, Neuron, Pass

    Array = NDArray[Any]
    Data = dict[str, Any]


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
    parameters = {path: parameter_data(analysis, sites, [], path, state) for path, state in paths.items()}
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
            "averaged": averaged(analysis, len(evaluated)),
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
        "late": analysis.late(),
        "source": {"rows": len(passes), "X": None, "Y": None, "target_line": _target_line(analysis, sites)},
        "loss_value": None if analysis.loss is None else float(np.asarray(analysis.loss.value).reshape(-1)[0]),
        "evaluation": evaluation, "rates": named_rates(analysis),
    }  # fmt: skip
    if detail:
        result["detail"] = detail_of(analysis, sites)
    return result


def _numbers(rows: Any) -> Array:
    return np.array([[float(np.asarray(value).reshape(-1)[0]) for value in row] for row in rows])


def _target_line(analysis: UnitAnalysis, sites: Sites) -> int:
    """Return the line at which the update takes targets and outputs together."""
    met = (
        meeting for neuron in analysis.passes[0].layers[-1] for meeting in analysis.meetings[id(neuron)]
        if meeting.node in analysis.updated and meeting.node.op == "subtract" and meeting.node.site >= 0
    )  # fmt: skip
    return next((sites.line(meeting.node.site) for meeting in met), 0)


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
        "names": {"z": name_of(first[0].z), "a": name_of(first[0].a), "x": "", "w": first[0].terms[0].weight.path},
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
