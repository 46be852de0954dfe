"""Makers of example frames, for tests of what draws them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from backprop_core.snapshot import (
    Accuracy,
    Curve,
    Frame,
    Heatmap,
    Inspection,
    LayerSummary,
    Mark,
    Prediction,
    Series,
    Snapshot,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def make_curve(
    losses: Sequence[float] | NDArray[np.float64],
    *,
    columns: int = 64,
    spread: float = 0.0,
    validation: Sequence[float] | NDArray[np.float64] | None = None,
    marks: tuple[Mark, ...] = (),
    baseline: float = 13.0,
) -> Curve:
    """Return the curve of given losses of steps 1, 2, …, reduced to columns as the history does it."""
    values = np.asarray(losses, np.float64)
    steps = len(values)
    group = max(-(-steps // columns), 1)
    starts = np.arange(0, steps, group)
    finite = np.where(np.isfinite(values), values, np.nan)
    if not steps:
        none = np.empty(0)
        whole = none.astype(np.int64)
        return Curve(whole, whole, none, none, none, none, marks, (), baseline)
    count = np.add.reduceat(np.isfinite(finite).astype(float), starts)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.add.reduceat(np.nan_to_num(finite), starts) / count
    return Curve(
        first_step=starts + 1,
        last_step=np.minimum(starts + group, steps),
        low=np.fmin.reduceat(finite, starts) * (1 - spread),
        high=np.fmax.reduceat(finite, starts) * (1 + spread),
        mean=mean,
        validation=np.full(len(starts), np.nan) if validation is None else np.asarray(validation)[starts],
        marks=marks,
        non_finite=tuple(int(step) + 1 for step in np.flatnonzero(~np.isfinite(values))),
        baseline=baseline,
    )


def make_heatmap(
    values: NDArray[np.float64] | Sequence[Sequence[float]],
    *,
    layer: int = 1,
    mode: str = "activations",
    activation: str = "relu",
    units: int | None = None,
    first_neuron: int = 1,
    total: int | None = None,
    group: int = 1,
    dead: Sequence[int] = (),
) -> Heatmap:
    """Return a heatmap of given values (rows, columns); ``dead`` are neurons, counted from 1."""
    array = np.asarray(values, np.float32)
    finite = array[np.isfinite(array)]
    return Heatmap(
        layer=layer,
        mode=mode,
        activation=activation,
        units=len(array) if units is None else units,
        first_neuron=first_neuron,
        total=array.shape[1] if total is None else total,
        group=group,
        axis="input" if mode in ("weights", "gradients") else "sample",
        values=array,
        low=float(finite.min()) if finite.size else 0.0,
        high=float(finite.max()) if finite.size else 0.0,
        dead=tuple(neuron in dead for neuron in range(first_neuron, first_neuron + len(array))),
        dead_in_layer=len(dead),
    )


def make_layer(layer: int = 1, **changes: object) -> LayerSummary:
    """Return the summary of a layer of four ReLUs, none of them dead."""
    summary = LayerSummary(layer, "relu", 4, True, (), 0.0123, 0.00045)
    return replace(summary, **changes)  # type: ignore[arg-type]


def make_prediction(row: int, prediction: float, target: float, *, validation: bool = False) -> Prediction:
    """Return one row's prediction of one output."""
    return Prediction(row, validation, (prediction,), (target,))


def make_snapshot(**changes: object) -> Snapshot:
    """Return a snapshot of a network of 4 hidden units, two of them dead, and a linear output."""
    targets = (5.1, 4.9, 4.7, 4.6, 5.0, 5.4, 4.6, 5.0, 4.4, 4.9)
    snapshot = Snapshot(
        step=1234,
        epoch=123,
        training_loss=0.123456,
        validation_loss=None,
        learning_rate=0.05,
        gradient_norm=0.5,
        layers=(
            make_layer(1, dead=(2, 4)),
            make_layer(2, activation="linear", units=1, can_die=False, gradient_norm=0.2, update_ratio=0.001),
        ),
        predictions=tuple(
            make_prediction(row, target + 0.3 * (-1) ** row, target, validation=row > 8)
            for row, target in enumerate(targets, 1)
        ),
    )
    return replace(snapshot, **changes)  # type: ignore[arg-type]


def make_inspection(**changes: object) -> Inspection:
    """Return the inspection of neuron 3 of layer 1 on sample 7."""
    inspection = Inspection(
        layer=1,
        neuron=3,
        dead=False,
        fires_on=6,
        samples=10,
        bias=-0.25,
        weight_norm=1.5,
        sample=7,
        pre_activation=0.75,
        activation=0.75,
        derivative=1.0,
        inputs=(1.0, 2.0, 3.0),
        weights=(0.5, -0.5, 0.5),
    )
    return replace(inspection, **changes)  # type: ignore[arg-type]


def make_series(rows: int = 40, *, first_validation_row: int | None = 33) -> Series:
    """Return a sine as targets and a slightly flatter one as predictions."""
    row = np.arange(1, rows + 1)
    target = np.sin(row / 5)
    return Series(row, 0.8 * target, target, first_validation_row)


def make_accuracy(training: float = 0.975, validation: float | None = 0.9625, classes: int = 10) -> Accuracy:
    """Return accuracies as a digits classifier has them."""
    return Accuracy(training, validation, classes)


def make_frame(**changes: object) -> Frame:
    """Return a frame of a run under way; ``changes`` replace its fields."""
    rng = np.random.default_rng(0)
    activations = np.maximum(rng.normal(0.5, 1.0, (4, 10)), 0)
    activations[[1, 3]] = 0.0
    frame = Frame(
        snapshot=make_snapshot(),
        state="RUNNING",
        reason="",
        steps_per_second=73012.0,
        heatmap=make_heatmap(activations, dead=(2, 4)),
        inspection=None,
        curve=make_curve(np.geomspace(20, 0.1, 400)),
        series=None,
        accuracy=None,
        undoable=None,
    )
    return replace(frame, **changes)  # type: ignore[arg-type]
