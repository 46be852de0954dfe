"""The captured updates as points at which hypotheses are tested, and the true gradient at each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.following.activation_forms import Form, form_of, recognise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
    Data = dict[str, Any]


@dataclass(eq=False)
class PointLayer:
    """One layer at one point. Samples are rows."""

    X: Array
    W: Array
    Z: Array
    A: Array
    D: Array
    """∂a/∂z of each unit by itself."""
    moved: Array
    """The weights after the update."""
    applied_w: Array | None
    applied_b: Array | None
    kept: NDArray[np.bool_]
    """Which rows of W belong to units below; the others are the bias."""


@dataclass(eq=False)
class Point:
    """One update."""

    label: str
    rows: int
    layers: list[PointLayer]
    e: Array
    """∂L/∂a of the output for the mean or sum that the script's loss is, over the samples of this update."""
    target: Array | None
    rate: float
    loss_value: float | None = None
    data: Data = field(default_factory=dict)


@dataclass(eq=False)
class Network:
    """What is the same at all points."""

    weights: list[str]
    biases: list[str | None]
    weight_paths: list[list[str]]
    """The parameters that make up each layer's weights: one, unless every weight is a variable of its own."""
    bias_paths: list[list[str]]
    activations: list[str]
    forms: list[Form | None]
    loss: str
    """Name of the loss's form: quadratic, binary-cross-entropy, cross-entropy, absolute, or unknown."""
    implied: bool
    """Whether the script computes no loss that was found, and one was assumed."""
    batches: int
    """How many updates an epoch has."""
    accumulated: bool
    """Whether the loss is summed up over the updates of an epoch."""
    samples: int
    """How many samples the loss is over."""
    averaged: bool
    points: list[Point]
    parameters: dict[str, Data]
    names: list[dict[str, str]]
    """What the script calls z, a and x of each layer."""
    column_major: bool
    coarse: bool = False
    """Whether the script computes with single precision."""
    short_form: bool = False
    """Whether the output's δ is taken to be its error: cross-entropy's, where the script computes no loss."""

    def shares_bias(self, index: int) -> bool:
        """Whether one number is the bias of all units of a layer."""
        paths = self.bias_paths[index]
        part = self.parameters.get(paths[0]) if len(paths) == 1 else None
        return part is not None and np.size(part["value"]) == 1


LOSS_BASES: dict[str, Any] = {
    "quadratic": lambda a, y: a - y,
    "binary-cross-entropy": lambda a, y: (a - y) / (a * (1 - a)),
    "cross-entropy": lambda a, y: -y / a,
    "absolute": lambda a, y: np.sign(a - y),
}
"""∂loss/∂a of one sample up to a constant."""


def loss_form(evaluation: Data) -> tuple[str, float, Array | None]:
    """Tell the form of a loss from output, targets and ∂L/∂a: its name, the constant before it, the targets."""
    a, e = evaluation["A"], evaluation["e"]
    y = evaluation.get("Y")
    with np.errstate(all="ignore"):
        if y is None and np.all((e == 0) | (a > 0)):
            y = (e != 0) * 1.0
            product = e * a
            inside = e != 0
            single = a.shape[1] > 1 and bool(np.all(inside.sum(axis=1) == 1))
            if single and np.allclose(product[inside], product[inside].flat[0], rtol=1e-6):
                return "cross-entropy", float(-product[inside].flat[0]), y
            return "unknown", 1.0, None
        if y is None:
            return "unknown", 1.0, None
        for name, base in LOSS_BASES.items():
            shape = base(a, y)
            good = np.isfinite(shape) & np.isfinite(e)
            norm = float(np.sum(shape[good] ** 2))
            if not norm or good.sum() < 0.5 * good.size:
                continue
            factor = float(np.sum(shape[good] * e[good]) / norm)
            if np.allclose(e[good], factor * shape[good], rtol=1e-5, atol=1e-9 * np.abs(e[good]).max()):
                return name, factor, y
    return "unknown", 1.0, y


def build_network(messages: list[Data], implied: bool = False) -> Network | None:
    """Pool all captures of one script.

    Parameters
    ----------
    implied : bool
        Assume the loss that the update's error implies, whatever the script computes beside it.
    """
    start = next((message for message in messages if message["kind"] == "start"), None)
    if start is None:
        return None
    captures = [
        made
        for message in messages
        if message["kind"] not in ("end",) and not message["kind"].startswith("check")
        for made in message.get("captures", [])
    ]
    pattern = _pattern(captures[0])
    captures = [made for made in captures if _pattern(made) == pattern and _finite(made)]
    captures = _alike(captures)
    if not captures:
        return None
    evaluation = start.get("evaluation")
    if evaluation and evaluation.get("Y") is None:
        evaluation["Y"] = _targets_by_inputs(captures, evaluation["X"])
    kind, constant, _ = loss_form(evaluation) if evaluation else ("unknown", 1.0, None)
    if evaluation and kind != "unknown" and np.ptp(evaluation["A"]) == 0:
        # Where all outputs are the same, as with weights of zero, the losses look alike.
        kind, constant = _form_elsewhere(captures, kind, constant, len(evaluation["A"]))
    samples = len(evaluation["A"]) if evaluation else len(captures[0]["layers"][0]["X"])
    averaged = bool(evaluation and evaluation["averaged"])
    implied = implied or start["loss"] is None
    first = captures[0]["layers"]
    depth = len(first)
    coarse = bool(captures[0].get("coarse"))
    activations, forms = [], []
    for index in range(depth):
        pairs = [(made["layers"][index]["Z"], made["layers"][index]["A"]) for made in captures]
        name, slope = recognise(pairs, coarse)
        activations.append(name)
        forms.append(form_of(name, slope))
    points = []
    for made in captures:
        e = _error(made, evaluation, kind, constant, implied, samples if averaged else 0)
        if e is not None:
            points.append(_point(made, e))
    if not points:
        return None
    return Network(
        [layer["weight"] for layer in first], [layer["bias"] for layer in first],
        [layer.get("weight_paths", [layer["weight"]]) for layer in first],
        [layer.get("bias_paths", [layer["bias"]] if layer["bias"] else []) for layer in first],
        activations, forms,
        kind if not implied else "quadratic", implied, start["batches"],
        any(made["late"] for made in captures if made["label"] == "start"), samples, averaged, points,
        {part["path"]: part for part in captures[0]["parameters"]},
        [layer["names"] for layer in first], bool(first[0]["column_major"]), coarse,
    )  # fmt: skip


def _form_elsewhere(captures: list[Data], kind: str, constant: float, count: int) -> tuple[str, float]:
    for made in captures:
        own = made["evaluation"]
        if own is not None and len(own["A"]) == count and np.ptp(own["A"]) > 0:
            found, factor, _ = loss_form(own)
            if found != "unknown":
                return found, factor
    return kind, constant


def _alike(captures: list[Data]) -> list[Data]:
    """Leave out updates at which an optimizer had no memory yet, if it has one at others."""

    def remembering(made: Data) -> frozenset[str]:
        return frozenset(part["path"] for part in made["parameters"] if part["memory"])

    every = frozenset().union(*(remembering(made) for made in captures)) if captures else frozenset()
    return [made for made in captures if remembering(made) == every] or captures


def _targets_by_inputs(captures: list[Data], x: Array) -> Array | None:
    """Look the targets of samples up among those that updates used; None unless all are found."""
    known: dict[bytes, Array] = {}
    for made in captures:
        targets = made["target"]["update"]
        if targets is not None:
            for row, target in zip(made["layers"][0]["X"], targets, strict=True):
                known[np.ascontiguousarray(row).tobytes()] = target
    found = [known.get(np.ascontiguousarray(row).tobytes()) for row in x]
    return None if any(target is None for target in found) else np.array(found)


def _pattern(made: Data) -> Any:
    return [(layer["weight"], tuple(layer["views"]), layer["bias"]) for layer in made["layers"]]


def _finite(made: Data) -> bool:
    arrays = [layer[name] for layer in made["layers"] for name in ("Z", "A", "W")]
    arrays += [part["applied"] for part in made["parameters"]]
    return all(bool(np.all(np.isfinite(array))) for array in arrays)


def _error(
    made: Data, evaluation: Data | None, kind: str, constant: float, implied: bool, averaged_over: int
) -> Array | None:
    """Return ∂L/∂a of the output for the samples of one update."""
    a = made["layers"][-1]["A"]
    if made["e"] is not None and not implied:
        own = made["evaluation"]
        share = len(own["A"]) / len(a) if own is not None and own["averaged"] else 1.0
        return np.asarray(made["e"], float) * share
    y = made["target"]["update"]
    if implied:
        return None if y is None else a - y
    if kind == "unknown" or evaluation is None:
        return None
    matched = _matched(made, evaluation)
    y = matched if matched is not None else y
    if y is None:
        return None
    factor = constant * averaged_over / len(a) if averaged_over else constant
    with np.errstate(all="ignore"):
        return np.asarray(factor * LOSS_BASES[kind](a, y), float)


def _matched(made: Data, evaluation: Data) -> Array | None:
    """Return the targets of an update's samples, found by their inputs among those of the loss."""
    _, _, targets = loss_form(evaluation)
    x, all_x = made["layers"][0]["X"], evaluation["X"]
    if targets is None or x.shape[1] != all_x.shape[1] or len(targets) != len(all_x):
        return None
    where = {row.tobytes(): number for number, row in enumerate(np.ascontiguousarray(all_x))}
    numbers = [where.get(row.tobytes()) for row in np.ascontiguousarray(x)]
    return None if any(number is None for number in numbers) else targets[np.array(numbers, int)]


def _point(made: Data, e: Array) -> Point:
    applied = {
        (place["layer"], place["kind"]): place["applied"]
        for part in made["parameters"]
        for place in part["canonical"]
    }
    layers = []
    for index, layer in enumerate(made["layers"]):
        kept = np.ones(layer["W"].shape[0], bool)
        if layer.get("bias_column") is not None:
            kept[layer["bias_column"]] = False
        layers.append(
            PointLayer(
                layer["X"],
                layer["W"],
                layer["Z"],
                layer["A"],
                layer["D"],
                layer["moved"],
                layer.get("applied_w", applied.get((index, "W"))),
                layer.get("applied_b", applied.get((index, "b"))),
                kept,
            )
        )
    return Point(
        made["label"], len(layers[0].X), layers, e, made["target"]["update"],
        rate_of(made), made["loss_value"], made,
    )  # fmt: skip


def rate_of(made: Data) -> float:
    """Return the learning rate of an update; 1 where no number is named as one."""
    for part in made["parameters"]:
        for scale in part["scales"]:
            if scale["rate"] and scale["value"]:
                return abs(float(scale["value"]))
    return abs(float(made["rates"][0])) if made["rates"] and made["rates"][0] else 1.0


def has_rate(made: Data) -> bool:
    """Whether the script names its learning rate."""
    return bool(made["rates"]) or any(
        scale["rate"] for part in made["parameters"] for scale in part["scales"]
    )
