"""Frames of a script that is being watched: what the lab draws, out of the captures of its latest updates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.experiment import Experiment
from backprop_core.frames import INSPECTED_INPUTS, curve_of, group_means
from backprop_core.review.following.activation_forms import recognise
from backprop_core.snapshot import Frame, Heatmap, Inspection, LayerSummary, Prediction, Snapshot

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.review.watching.watching import Watched
    from backprop_core.snapshot import View

    Array = NDArray[np.float64]

MOST_ROWS = 2000
EXECUTED = "{name} runs unmodified in a process of its own; what it prints is not shown, what it writes is kept aside"
MORTAL = ("relu", "unknown")


@dataclass(frozen=True)
class SeenLayer:
    """One layer over the samples of the updates that are kept; rows are samples.

    Attributes
    ----------
    W, b
        Before the latest update; b is None where there is no bias.
    X, Z, A, D
        Inputs, pre-activations, activations and the activation's derivative.
    gradient
        ∂L/∂W of the latest update, None if the loss does not tell.
    gradient_norm, update_ratio
        Of weights and bias together; NaN if unknown.
    """

    activation: str
    W: Array
    b: Array | None
    X: Array
    Z: Array
    A: Array
    D: Array
    gradient: Array | None
    gradient_norm: float
    update_ratio: float

    @property
    def dead(self) -> tuple[int, ...]:
        """The neurons, from 1, whose derivative is zero on all of the samples."""
        if self.activation not in MORTAL:
            return ()
        return tuple(int(unit) + 1 for unit in np.flatnonzero((self.D == 0).all(axis=0)))


def seen_layers(watched: Watched) -> list[SeenLayer]:
    """Put the captures together, in the order of the epoch."""
    latest = max(watched.slots.values(), key=lambda made: made.get("step", 0))
    depth = len(latest["layers"])
    shapes = [np.shape(layer["W"]) for layer in latest["layers"]]
    alike = [
        made
        for _, made in sorted(watched.slots.items())
        if [np.shape(layer["W"]) for layer in made["layers"]] == shapes
    ]
    return [_seen_layer(watched, latest, alike, index) for index in range(depth)]


def _seen_layer(
    watched: Watched, latest: dict[str, Any], alike: list[dict[str, Any]], index: int
) -> SeenLayer:
    layer = latest["layers"][index]
    rows = {
        name: np.concatenate([made["layers"][index][name] for made in alike])[:MOST_ROWS] for name in "XZAD"
    }
    norm, ratio, gradient = _movement(latest, layer, index)
    return SeenLayer(
        watched.named(index, recognise([(rows["Z"], rows["A"])])[0]), layer["W"], layer["b"], **rows,
        gradient=gradient, gradient_norm=norm, update_ratio=ratio,
    )  # fmt: skip


def _movement(latest: dict[str, Any], layer: dict[str, Any], index: int) -> tuple[float, float, Array | None]:
    """Return the norm of a layer's gradient, its update's relative to its weights', and ∂L/∂W."""
    gradients, applied, values, of_weights = [], [], [], None
    for part in latest["parameters"]:
        if not any(place["layer"] == index for place in part["canonical"]):
            continue
        values.append(np.ravel(part["value"]))
        applied.append(np.ravel(part["applied"]))
        if part["gradient"] is not None:
            gradients.append(np.ravel(part["gradient"]))
            if part["path"] == layer["weight"]:
                of_weights = _canonical(np.asarray(part["gradient"]), layer)
    size = np.linalg.norm(np.concatenate(values)) if values else 0.0
    moved = np.linalg.norm(np.concatenate(applied)) if applied else math.nan
    norm = float(np.linalg.norm(np.concatenate(gradients))) if gradients else math.nan
    return norm, float(moved / size) if size else math.nan, of_weights


def _canonical(gradient: Array, layer: dict[str, Any]) -> Array | None:
    shape = np.shape(layer["W"])
    if layer["column_major"] and gradient.T.shape == shape:
        return gradient.T
    return gradient if gradient.shape == shape else None


def build_frame(watched: Watched, view: View, name: str) -> Frame:
    """Return the frame that a view asks for."""
    with np.errstate(all="ignore"):
        layers = seen_layers(watched)
        snapshot = _snapshot(watched, layers)
        index = min(max(view.layer, 1), len(layers)) - 1
        return Frame(
            snapshot=snapshot,
            state=watched.state if watched.settled else "RUNNING",
            reason=watched.reason,
            steps_per_second=watched.speed.rate if watched.state == "RUNNING" else 0.0,
            heatmap=_heatmap(layers[index], index + 1, view),
            inspection=_inspection(layers[index], index + 1, view),
            curve=curve_of(watched.history, view, (), math.nan),
            series=None,
            accuracy=None,
            undoable=None,
            experiment=Experiment(name=name, watch=EXECUTED.format(name=name)),
            inputs=layers[0].W.shape[0],
            facts=_facts(watched, layers),
        )


def _snapshot(watched: Watched, layers: list[SeenLayer]) -> Snapshot:
    latest = max(watched.slots.values(), key=lambda made: made.get("step", 0))
    norms = [layer.gradient_norm for layer in layers]
    return Snapshot(
        step=watched.step,
        epoch=watched.epoch,
        training_loss=watched.loss,
        validation_loss=None,
        learning_rate=latest["rates"][0] if latest["rates"] else math.nan,
        gradient_norm=float(np.linalg.norm(norms)),
        layers=tuple(
            LayerSummary(
                number, layer.activation, layer.W.shape[1], layer.activation in MORTAL, layer.dead,
                layer.gradient_norm, layer.update_ratio,
            )
            for number, layer in enumerate(layers, 1)
        ),
        predictions=_predictions(watched),
    )  # fmt: skip


def _predictions(watched: Watched) -> tuple[Prediction, ...]:
    rows: list[Prediction] = []
    for _, made in sorted(watched.slots.items()):
        output, target = made["layers"][-1]["A"], made["target"]["update"]
        if target is None:
            target = made["target"]["loss"]
        if target is None or np.shape(target) != np.shape(output):
            continue
        for prediction, wanted in zip(output, target, strict=True):
            if len(rows) < 100:
                rows.append(
                    Prediction(len(rows) + 1, False, tuple(map(float, prediction)), tuple(map(float, wanted)))
                )
    return tuple(rows)


def _heatmap(layer: SeenLayer, number: int, view: View) -> Heatmap:
    units = layer.W.shape[1]
    rows = max(view.rows, 1)
    first = min(max(view.first_neuron, 1), max(units - rows + 1, 1))
    shown = slice(first - 1, min(first - 1 + rows, units))
    values = _values(layer, view.mode)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    group = max(-(-values.shape[1] // max(view.columns, 1)), 1)
    part = group_means(values[shown], group)
    part[~np.isfinite(part)] = np.nan
    dead = set(layer.dead)
    return Heatmap(
        layer=number,
        mode=view.mode,
        activation=layer.activation,
        units=units,
        first_neuron=first,
        total=values.shape[1],
        group=group,
        axis="input" if view.mode in ("weights", "gradients") else "sample",
        values=part,
        low=low,
        high=high,
        dead=tuple(neuron in dead for neuron in range(shown.start + 1, shown.stop + 1)),
        dead_in_layer=len(dead),
    )


def _values(layer: SeenLayer, mode: str) -> Array:
    """Return (units, samples or inputs)."""
    if mode == "weights":
        return layer.W.T if layer.b is None else np.concatenate([layer.W.T, layer.b.reshape(-1, 1)], axis=1)
    if mode == "gradients":
        return np.full(layer.W.T.shape, np.nan) if layer.gradient is None else layer.gradient.T
    return (layer.Z if mode == "pre-activations" else layer.A).T


def _inspection(layer: SeenLayer, number: int, view: View) -> Inspection | None:
    if view.neuron is None:
        return None
    index = min(max(view.neuron, 1), layer.W.shape[1]) - 1
    sample = None if view.sample is None else min(max(view.sample, 1), len(layer.Z))
    at = None if sample is None else sample - 1
    return Inspection(
        layer=number,
        neuron=index + 1,
        dead=index + 1 in layer.dead,
        fires_on=int(np.count_nonzero(layer.Z[:, index] > 0)),
        samples=len(layer.Z),
        bias=None if layer.b is None else float(layer.b[index]),
        weight_norm=float(np.linalg.norm(layer.W[:, index])),
        sample=sample,
        pre_activation=None if at is None else float(layer.Z[at, index]),
        activation=None if at is None else float(layer.A[at, index]),
        derivative=None if at is None else float(layer.D[at, index]),
        inputs=() if at is None else tuple(map(float, layer.X[at, :INSPECTED_INPUTS])),
        weights=tuple(map(float, layer.W[:INSPECTED_INPUTS, index])),
    )


def _facts(watched: Watched, layers: list[SeenLayer]) -> tuple[str, ...]:
    sizes = "-".join(str(size) for size in (layers[0].W.shape[0], *(layer.W.shape[1] for layer in layers)))
    hidden = list(dict.fromkeys(layer.activation for layer in layers[:-1]))
    loss = (
        "no loss found"
        if watched.loss_name is None
        else f"loss: {watched.loss_name}, line {watched.loss_line}"
    )
    return (
        f"{sizes} {' '.join([*hidden, layers[-1].activation])}",
        loss,
        f"updates in the loop of line {watched.loop_line}",
    )
