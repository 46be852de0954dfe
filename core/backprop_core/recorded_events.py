"""Snapshot events read back: every value is checked before it is believed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.activations import ACTIVATIONS
from backprop_core.files import shown
from backprop_core.snapshot import Accuracy, LayerSummary, Prediction, Snapshot

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

LARGEST_COUNT = 2**53
MOST_LAYERS = 1001
MOST_ITEMS = 4096


class Malformed(Exception):  # noqa: N818 - what has been found
    """An event has a value that it cannot have; the text says which."""


CURVE_ROWS = ("first_step", "last_step", "low", "high", "mean", "validation")


@dataclass(frozen=True, eq=False)
class RecordedCurve:
    """The losses since the snapshot before: ``columns`` has a row for each of :data:`CURVE_ROWS`."""

    columns: Array
    non_finite: tuple[int, ...]
    baseline: float


@dataclass(frozen=True, eq=False)
class RecordedActivations:
    """A part of one layer's activations: values (neurons, columns), each the mean of ``group`` samples."""

    values: NDArray[np.float32]
    total: int
    group: int
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class RecordedSnapshot:
    """A snapshot, and what else its event holds: None, or nothing, where it does not."""

    snapshot: Snapshot
    curve: RecordedCurve | None
    activations: dict[int, RecordedActivations]
    accuracy: Accuracy | None
    inputs: int | None = None


def table(event: Any, name: str) -> dict[str, Any]:
    """Return an object, or say that there must be one."""
    if not isinstance(event, dict):
        raise Malformed(f"{name} must be an object")
    return event


def items(event: dict[str, Any], name: str, most: int = MOST_ITEMS) -> list[Any]:
    """Return a list of an event, or say that there must be one."""
    value = event.get(name)
    if not isinstance(value, list) or len(value) > most:
        raise Malformed(f"'{name}' must be a list of at most {most}")
    return value


def count(event: dict[str, Any], name: str, least: int = 0) -> int:
    """Return a whole number of an event, or say that there must be one."""
    return _count(event.get(name), name, least)


def _count(value: Any, name: str, least: int = 0) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= LARGEST_COUNT:
        raise Malformed(f"'{name}' must be a whole number from {least} on")
    return value


def number_or_nan(value: Any, name: str) -> float:
    """Return a number, NaN for null, or say that there must be one."""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e308:
        raise Malformed(f"'{name}' must be a number or null")
    return float(value)


def text(event: dict[str, Any], name: str) -> str:
    """Return a text of an event, or say that there must be one."""
    value = event.get(name)
    if not isinstance(value, str):
        raise Malformed(f"'{name}' must be text")
    return value


def numbers(event: dict[str, Any], name: str, most: int = MOST_ITEMS) -> Array:
    """Return a list of numbers of an event, NaN for null."""
    return np.array([number_or_nan(value, name) for value in items(event, name, most)], np.float64)


def read_snapshot(event: dict[str, Any]) -> RecordedSnapshot:
    """Return the snapshot that an event tells.

    Raises
    ------
    Malformed
    """
    loss = table(event.get("loss"), "'loss'")
    layers = [_layer(layer, number) for number, layer in enumerate(items(event, "layers", MOST_LAYERS), 1)]
    if not layers:
        raise Malformed("'layers' must not be empty")
    validation = loss.get("validation")
    snapshot = Snapshot(
        step=count(event, "step"),
        epoch=count(event, "epoch"),
        training_loss=number_or_nan(loss.get("training"), "training"),
        validation_loss=None if validation is None else number_or_nan(validation, "validation"),
        learning_rate=number_or_nan(event.get("learning_rate"), "learning_rate"),
        gradient_norm=number_or_nan(event.get("gradient_norm"), "gradient_norm"),
        layers=tuple(layers),
        predictions=tuple(_prediction(row) for row in items(event, "predictions")),
    )
    inputs = count(event, "inputs", 1) if "inputs" in event else None
    return RecordedSnapshot(snapshot, _curve(event), _activations(event, snapshot), _accuracy(event), inputs)


def _layer(value: Any, number: int) -> LayerSummary:
    layer = table(value, "a layer")
    activation, units = text(layer, "activation"), count(layer, "units", 1)
    if activation not in ACTIVATIONS:
        raise Malformed(f"unknown activation '{shown(activation[:40])}'")
    if count(layer, "layer") != number:
        raise Malformed(f"layer {number} must come as the {number}th")
    dead = tuple(_count(neuron, "dead", 1) for neuron in items(layer, "dead", LARGEST_COUNT))
    if any(neuron > units for neuron in dead):
        raise Malformed(f"'dead' names a neuron that layer {number} of {units} has not")
    return LayerSummary(
        number,
        activation,
        units,
        ACTIVATIONS[activation].can_die,
        dead,
        number_or_nan(layer.get("gradient_norm"), "gradient_norm"),
        number_or_nan(layer.get("update_ratio"), "update_ratio"),
    )


def _prediction(value: Any) -> Prediction:
    row = table(value, "a prediction")
    prediction, target = (tuple(numbers(row, name).tolist()) for name in ("prediction", "target"))
    if len(prediction) != len(target) or not target:
        raise Malformed("'prediction' and 'target' must have equally many numbers")
    return Prediction(count(row, "row", 1), row.get("validation") is True, prediction, target)


def _curve(event: dict[str, Any]) -> RecordedCurve | None:
    if "curve" not in event:
        return None
    curve = table(event["curve"], "'curve'")
    steps = [[_count(step, name, 1) for step in items(curve, name)] for name in CURVE_ROWS[:2]]
    losses = [numbers(curve, name) for name in CURVE_ROWS[2:]]
    if len({*map(len, steps), *map(len, losses)}) != 1:
        raise Malformed("the columns of 'curve' must be equally long")
    columns = np.array([*steps, *losses], np.float64).reshape(len(CURVE_ROWS), -1)
    if (columns[0] > columns[1]).any() or (columns[0, 1:] <= columns[1, :-1]).any():
        raise Malformed("the steps of 'curve' must go on from column to column")
    non_finite = tuple(_count(step, "non_finite", 1) for step in items(curve, "non_finite"))
    return RecordedCurve(columns, non_finite, number_or_nan(curve.get("baseline"), "baseline"))


def _activations(event: dict[str, Any], snapshot: Snapshot) -> dict[int, RecordedActivations]:
    if "activations" not in event:
        return {}
    parts = {}
    for value in items(event, "activations", MOST_LAYERS):
        part = table(value, "activations")
        number = count(part, "layer", 1)
        rows = [numbers({"values": row}, "values") for row in items(part, "values")]
        if number > len(snapshot.layers) or len(rows) > snapshot.layers[number - 1].units:
            raise Malformed("'activations' do not fit the layers")
        if not rows or not len(rows[0]) or any(len(row) != len(rows[0]) for row in rows):
            raise Malformed("the rows of 'activations' must be equally long")
        parts[number] = RecordedActivations(
            np.array(rows, np.float32),
            count(part, "total", 1),
            count(part, "group", 1),
            number_or_nan(part.get("low"), "low"),
            number_or_nan(part.get("high"), "high"),
        )
    return parts


def _accuracy(event: dict[str, Any]) -> Accuracy | None:
    if "accuracy" not in event:
        return None
    accuracy = table(event["accuracy"], "'accuracy'")
    validation = accuracy.get("validation")
    return Accuracy(
        number_or_nan(accuracy.get("training"), "training"),
        None if validation is None else number_or_nan(validation, "validation"),
        count(accuracy, "classes", 1),
    )
