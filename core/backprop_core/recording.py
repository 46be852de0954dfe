"""The snapshot of a record: what an event tells, and besides what a replay needs to draw it."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.events import snapshot_event
from backprop_core.frames import build_heatmap, measure_accuracy
from backprop_core.snapshot import View

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.events import Event
    from backprop_core.snapshot import Heatmap, Snapshot
    from backprop_core.trainer import Trainer

CURVE_COLUMNS = 48
"""So many columns the losses since the snapshot before are reduced to."""

ROWS, COLUMNS, LAYERS = 32, 32, 12
"""Of each of so many layers, the activations of so many neurons on the samples, in so many columns."""

DIGITS = 4


def recorded_snapshot(trainer: Trainer, from_step: int) -> Event:
    """Return the snapshot event of a record.

    Beside the keys of every snapshot it has ``inputs``, how many the network has, ``curve``, the losses of the
    steps after ``from_step``, ``activations``, a bounded part of each layer's, and for classes ``accuracy``.
    """
    with np.errstate(all="ignore"):
        trainer.flush_history()
        snapshot = trainer.snapshot()
        return {
            **snapshot_event(snapshot),
            "inputs": trainer.network.sizes[0],
            "curve": _curve(trainer, from_step),
            "activations": [_activations(trainer, snapshot, layer) for layer in _layers(snapshot)],
            **_accuracy(trainer),
        }


def _layers(snapshot: Snapshot) -> range:
    return range(1, min(len(snapshot.layers), LAYERS) + 1)


def _curve(trainer: Trainer, from_step: int) -> dict[str, Any]:
    history = trainer.history
    columns = history.columns(CURVE_COLUMNS if from_step < history.steps else 0, from_step + 1)
    return {
        "first_step": columns.first_step.tolist(),
        "last_step": columns.last_step.tolist(),
        **{name: _rounded(getattr(columns, name)) for name in ("low", "high", "mean", "validation")},
        "non_finite": list(history.non_finite),
        "baseline": trainer.baseline(),
    }


def _activations(trainer: Trainer, snapshot: Snapshot, layer: int) -> dict[str, Any]:
    heatmap: Heatmap = build_heatmap(trainer, View(layer=layer, rows=ROWS, columns=COLUMNS), snapshot)
    return {
        "layer": layer,
        "total": heatmap.total,
        "group": heatmap.group,
        "low": heatmap.low,
        "high": heatmap.high,
        "values": [_rounded(row) for row in heatmap.values],
    }


def _accuracy(trainer: Trainer) -> dict[str, Any]:
    accuracy = measure_accuracy(trainer)
    if accuracy is None:
        return {}
    return {"accuracy": {name: getattr(accuracy, name) for name in ("training", "validation", "classes")}}


def _rounded(values: NDArray[Any]) -> list[float | None]:
    """Return numbers in as few digits as a picture of them needs; None for what was not measured."""
    return [float(f"{value:.{DIGITS}g}") if isfinite(value) else None for value in values.tolist()]
