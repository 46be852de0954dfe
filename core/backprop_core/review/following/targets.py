"""What a network's output is compared with, and where samples and targets come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.following.analysis import averaged
from backprop_core.review.following.rows import activation_rows, activation_rows_of
from backprop_core.review.following.structure import VIEWS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.review.explaining.sites import Sites
    from backprop_core.review.following.analysis import UnitAnalysis
    from backprop_core.review.following.layers import Chain
    from backprop_core.review.running.recorded import Node

    Array = NDArray[Any]
    Data = dict[str, Any]


def targets_of(analysis: UnitAnalysis, chains: list[Chain]) -> Data:
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
                            target = activation_rows_of(layers[-1], meeting.target.value)
                            break
                if target is not None:
                    break
            rows.append(target)
        if all(row is not None for row in rows):
            found[where] = np.concatenate([row for row in rows if row is not None])
    return found


def source_of(analysis: UnitAnalysis, chains: list[Chain]) -> Data:
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


def taken_at(sites: Sites, node: Node) -> int:
    """Return the line at which samples are taken from an array, 0 where they are all of it."""
    while node.op in VIEWS and node.inputs:
        if node.op == "item" and node.site >= 0:
            return sites.definition(node.site) or sites.line(node.site)
        node = node.inputs[0]
    return 0


def target_line(analysis: UnitAnalysis, sites: Sites) -> int:
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


def broadcast_lines(analysis: UnitAnalysis, sites: Sites, chains: list[Chain]) -> list[Data]:
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


def evaluation_of(analysis: UnitAnalysis) -> Data | None:
    """Return output, targets and ∂L/∂a of a pass over other samples, from which the loss was computed."""
    rows: dict[str, list[Array]] = {"X": [], "A": [], "e": [], "Y": []}
    for chain in (*analysis.evaluations, *analysis.chains):
        for layers in (chain.layers, *chain.twins):
            last = layers[-1]
            if last.a is None or last.a not in analysis.adjoints:
                continue
            output = activation_rows(last, last.a)
            if output is None:
                return None
            rows["X"].append(layers[0].use.rows(layers[0].use.input.value))
            rows["A"].append(output)
            rows["e"].append(activation_rows_of(last, analysis.adjoints[last.a]))
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
                rows["Y"].append(activation_rows_of(last, target.value))
    if not rows["A"]:
        return None
    if len(rows["Y"]) != len(rows["A"]):
        del rows["Y"]
    return {
        **{name: np.concatenate(values) for name, values in rows.items()},
        "averaged": averaged(analysis, sum(len(part) for part in rows["A"])),
    }
