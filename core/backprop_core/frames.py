"""What the screen draws, built from a trainer: a snapshot, a heatmap, the curve, the selected neuron."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.measures import predict
from backprop_core.snapshot import HEATMAP_MODES, Accuracy, Curve, Frame, Heatmap, Inspection, Series

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from backprop_core.evaluation import Evaluator
    from backprop_core.history import LossHistory
    from backprop_core.network import Layer
    from backprop_core.snapshot import Mark, Snapshot, View
    from backprop_core.trainer import Trainer

FRAME_SHARE = 0.03
"""Full passes for frames may take this share of the time; on large data they are made less often."""

SERIES_ROWS = 512
INSPECTED_INPUTS = 64

NO_HEATMAP = Heatmap(
    layer=1,
    mode=HEATMAP_MODES[0],
    activation="",
    units=0,
    first_neuron=1,
    total=0,
    group=1,
    axis="sample",
    values=np.empty((0, 0), np.float32),
    low=0.0,
    high=0.0,
    dead=(),
    dead_in_layer=0,
)


class FrameBuilder:
    """Builds frames of one trainer, making full passes over large data only as often as they pay."""

    def __init__(self, trainer: Trainer, clock: Callable[[], float] = perf_counter) -> None:
        self.trainer = trainer
        self._clock = clock
        self._snapshot: Snapshot | None = None
        self._kept: dict[str, Any] = {}
        self._cost = 0.0
        self._measured = -np.inf

    def build(self, view: View, state: str, reason: str, steps_per_second: float) -> Frame:
        """Return the frame that a view asks for."""
        trainer = self.trainer
        trainer.flush_history()
        snapshot = self._measure(view, running=state == "RUNNING")
        panel = view.panel
        overview = panel is None
        divergence = trainer.located_divergence()
        return Frame(
            snapshot=snapshot,
            state=state,
            reason=reason,
            steps_per_second=steps_per_second,
            heatmap=build_heatmap(trainer, view, snapshot) if overview else NO_HEATMAP,
            inspection=inspect(trainer, view, snapshot) if overview else None,
            curve=build_curve(trainer, view) if overview else bare_curve(trainer),
            series=build_series(trainer) if overview else None,
            accuracy=measure_accuracy(trainer) if overview else None,
            undoable=trainer.undoable,
            experiment=trainer.experiment,
            inputs=trainer.network.sizes[0],
            panel=None if panel is None else panel.build(trainer, snapshot, self._kept),
            divergence=divergence.text if divergence else "",
        )

    def _measure(self, view: View, *, running: bool) -> Snapshot:
        """Take a snapshot, or while running on large data keep the last one until a new one has paid off."""
        now = self._clock()
        due = now - self._measured > self._cost / FRAME_SHARE
        if self._snapshot is None or due or not running:
            self._snapshot = self.trainer.snapshot(view.prediction_rows)
            self._measured = self._clock()
            self._cost = self._measured - now
        return self._snapshot


def build_frame(trainer: Trainer, view: View, state: str, reason: str, steps_per_second: float) -> Frame:
    """Return one frame of a trainer, everything in it measured now."""
    return FrameBuilder(trainer).build(view, state, reason, steps_per_second)


def build_curve(trainer: Trainer, view: View) -> Curve:
    """Return the loss history reduced to the view's columns, with its marks."""
    return curve_of(trainer.history, view, tuple(trainer.interventions), trainer.baseline())


def curve_of(history: LossHistory, view: View, marks: tuple[Mark, ...], baseline: float) -> Curve:
    """Return a history reduced to the view's columns."""
    columns = history.columns(view.curve_columns, view.curve_from)
    return Curve(
        columns.first_step,
        columns.last_step,
        columns.low,
        columns.high,
        columns.mean,
        columns.validation,
        marks,
        tuple(history.non_finite),
        baseline,
    )


def bare_curve(trainer: Trainer) -> Curve:
    """Return a curve without a single column, but with its marks."""
    steps, losses = np.empty(0, np.int64), np.empty(0)
    return Curve(
        steps,
        steps,
        losses,
        losses,
        losses,
        losses,
        tuple(trainer.interventions),
        (),
        float("nan"),
    )


def build_heatmap(trainer: Trainer, view: View, snapshot: Snapshot) -> Heatmap:
    """Return the part of a layer that the view shows."""
    layer = trainer.network.layers[min(max(view.layer, 1), len(trainer.network.layers)) - 1]
    summary = snapshot.layers[layer.number - 1]
    rows = max(view.rows, 1)
    first = min(max(view.first_neuron, 1), max(layer.units - rows + 1, 1))
    shown = slice(first - 1, min(first - 1 + rows, layer.units))
    with np.errstate(all="ignore"):
        values, total, low, high = _layer_values(trainer, layer, view)
        group = max(-(-total // max(view.columns, 1)), 1)
        part = group_means(values[shown], group)
    part[~np.isfinite(part)] = np.nan
    dead = set(summary.dead)
    return Heatmap(
        layer=layer.number,
        mode=view.mode,
        activation=summary.activation,
        units=layer.units,
        first_neuron=first,
        total=total,
        group=group,
        axis="input" if view.mode in ("weights", "gradients") else "sample",
        values=part,
        low=low,
        high=high,
        dead=tuple(neuron in dead for neuron in range(shown.start + 1, shown.stop + 1)),
        dead_in_layer=len(dead),
    )


def _layer_values(trainer: Trainer, layer: Layer, view: View) -> tuple[NDArray[Any], int, float, float]:
    """Return (units, samples or inputs) values of a layer, how many columns they have, and their extremes."""
    if view.mode == "weights":
        values = layer.augmented.T
    elif view.mode == "gradients":
        values = layer.of(trainer.gradient()).T
    else:
        values = layer_response(trainer.training_set, layer, view.mode == "pre-activations")
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    return values, values.shape[1], low, high


def layer_response(evaluator: Evaluator, layer: Layer, pre: bool) -> NDArray[np.float64]:
    """Return a layer's activations or pre-activations on all samples, shape (units, samples).

    Beyond :data:`CHUNK` samples, on that many spread evenly over them.
    """
    forward = evaluator.sampled_pass()
    if not pre:
        return forward.activations[layer.number - 1].astype(np.float64)
    response: NDArray[np.float64] = np.dot(layer.augmented.T, forward.layer_inputs[layer.number - 1]).astype(
        np.float64
    )
    return response


def group_means(values: NDArray[Any], group: int) -> NDArray[np.float32]:
    """Return the means of each ``group`` neighbouring columns."""
    starts = np.arange(0, values.shape[1], group)
    sums = np.add.reduceat(values.astype(np.float64), starts, axis=1)
    sizes = np.minimum(starts + group, values.shape[1]) - starts
    means: NDArray[np.float32] = (sums / sizes).astype(np.float32)
    return means


def inspect(trainer: Trainer, view: View, snapshot: Snapshot) -> Inspection | None:
    """Return the numbers of the selected neuron, on the selected sample if there is one."""
    if view.neuron is None:
        return None
    layers = trainer.network.layers
    layer = layers[min(max(view.layer, 1), len(layers)) - 1]
    neuron = min(max(view.neuron, 1), layer.units)
    index = neuron - 1
    with np.errstate(all="ignore"):
        forward = trainer.training_set.sampled_pass()
        inputs = forward.layer_inputs[layer.number - 1]
        z = layer.augmented.T @ inputs
        a = forward.activations[layer.number - 1]
        slope = layer.activation.derivative(z, a, **layer.options)
        sample = None if view.sample is None else min(max(view.sample, 1), z.shape[1])
        at = None if sample is None else sample - 1
        return Inspection(
            layer=layer.number,
            neuron=neuron,
            dead=neuron in snapshot.layers[layer.number - 1].dead,
            fires_on=int(np.count_nonzero(z[index] > 0)),
            samples=z.shape[1],
            bias=None if layer.bias is None else float(layer.bias[index]),
            weight_norm=float(np.linalg.norm(layer.weights[:, index])),
            sample=sample,
            pre_activation=None if at is None else float(z[index, at]),
            activation=None if at is None else float(a[index, at]),
            derivative=None if at is None else float(slope[index, at]),
            inputs=() if at is None else tuple(map(float, inputs[:INSPECTED_INPUTS, at][: layer.fan_in])),
            weights=tuple(map(float, layer.weights[:INSPECTED_INPUTS, index])),
        )


def build_series(trainer: Trainer) -> Series | None:
    """Return predictions against targets over the rows of a series with one output, else None."""
    dataset = trainer.dataset
    if dataset.kind != "series" or dataset.y.shape[1] != 1:
        return None
    rows = np.concatenate([dataset.rows, dataset.rows_validation])
    x = np.concatenate([dataset.x, dataset.x_validation])
    y = np.concatenate([dataset.y, dataset.y_validation])
    every = max(-(-len(rows) // SERIES_ROWS), 1)
    with np.errstate(all="ignore"):
        predicted = predict(trainer, x[::every])
    first = int(dataset.rows_validation[0]) if len(dataset.rows_validation) else None
    return Series(rows[::every], predicted[:, 0], y[::every, 0], first)


def measure_accuracy(trainer: Trainer) -> Accuracy | None:
    """Return the share of samples put into the right class, None for regression."""
    dataset = trainer.dataset
    if dataset.classes is None:
        return None
    with np.errstate(all="ignore"):
        validation = trainer.validation_set
        return Accuracy(
            _accuracy(trainer.training_set, dataset.y),
            _accuracy(validation, dataset.y_validation) if validation.samples else None,
            len(dataset.classes),
        )


def _accuracy(evaluator: Evaluator, targets: NDArray[Any]) -> float:
    outputs = evaluator.sampled_pass().outputs
    truth = targets[evaluator.sampled_rows()].T
    if len(outputs) == 1:
        return float(np.mean((outputs > 0.5) == (truth > 0.5)))
    return float(np.mean(outputs.argmax(axis=0) == truth.argmax(axis=0)))
