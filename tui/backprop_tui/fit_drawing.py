"""Curves and clouds of what is predicted: a series with its continuation, predictions against targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backprop_tui.palette import Ink
from backprop_tui.plotting import Layer, Plot, band_dots, draw_plot, fill_blank_down, plot_grid
from backprop_tui.scales import Axis, linear_axis, round_step, short_number, still_good

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.outcome import Continuation, Fit
    from backprop_tui.cells import Canvas
    from backprop_tui.glyphs import Glyphs

LABEL_WIDTH = 6
LARGEST = 1e300


def value_axis(axis: Axis | None, values: NDArray[np.float64], most_ticks: int) -> Axis:
    """Return an axis that holds the finite ones of the values: the one there was, if it still does well."""
    # The span of what is beyond would not be finite; it is drawn on the edge.
    finite = values[np.abs(values) < LARGEST]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    if axis is not None and still_good(axis, low, high, log=False):
        return axis
    return linear_axis(low, high, max(most_ticks, 2))


def draw_series(
    canvas: Canvas, top: int, height: int, series: Continuation, axis: Axis | None, glyphs: Glyphs
) -> Axis:
    """Draw predictions against targets by row, and beyond the last row what is predicted from predictions."""
    row = series.row.astype(np.float64)
    last = float(row[-1])
    later = last + np.arange(1, len(series.ahead) + 1)
    everything = np.concatenate([series.prediction, series.target, series.ahead])
    axis = value_axis(axis, everything, height // 3)
    y_labels = tuple(short_number(tick).rjust(LABEL_WIDTH) for tick in axis.ticks)
    grid = plot_grid(canvas.width, height, y_labels, ascii_only=canvas.ascii_only)
    end = float(later[-1]) if len(later) else last
    step = max(round_step(max(end - row[0], 1.0), max(grid.columns // 12, 2)), 1.0)
    ticks = tuple(float(tick) for tick in np.arange(np.ceil(row[0] / step) * step, end + 1e-9, step))
    x_axis = Axis(float(row[0]), max(end, row[0] + 1), False, ticks)
    plot = Plot(x_axis, axis, tuple(short_number(tick) for tick in ticks), y_labels)
    for at, values, ink in (
        (row, series.target, Ink.TEXT),
        (np.append(last, later), np.append(series.prediction[-1], series.ahead), Ink.MARK),
        (row, series.prediction, Ink.TRAINING),
    ):
        share = axis.share(values)
        plot.layers.append(Layer(band_dots(x_axis.share(at), share, share, grid.dots), ink))
    draw_plot(canvas, 0, top, canvas.width, height, plot)
    left = canvas.width - grid.columns
    for place, ink in ((series.first_validation_row, Ink.VALIDATION), (last, Ink.MARK)):
        if place is not None:
            across = float(x_axis.share(np.array([float(place)]))[0])
            column = left + round(across * (grid.columns - 1))
            fill_blank_down(canvas, column, top, top + grid.rows, glyphs.mark_line, ink)
    return axis


def draw_fit(canvas: Canvas, top: int, height: int, fit: Fit, axis: Axis | None) -> Axis:
    """Draw predictions over targets; on the diagonal they are equal."""
    everything = np.concatenate(
        [fit.target, fit.prediction, fit.target_validation, fit.prediction_validation]
    )
    axis = value_axis(axis, everything, height // 3)
    y_labels = tuple(short_number(tick).rjust(LABEL_WIDTH) for tick in axis.ticks)
    grid = plot_grid(canvas.width, height, y_labels, ascii_only=canvas.ascii_only)
    ticks = axis.ticks[:: max(-(-len(axis.ticks) * 8 // grid.columns), 1)]
    plot = Plot(Axis(axis.low, axis.high, False, ticks), axis, tuple(map(short_number, ticks)), y_labels)
    ends = np.array([0.0, 1.0])
    plot.layers = [
        Layer(band_dots(ends, ends, ends, grid.dots), Ink.REFERENCE),
        Layer(_cloud(axis, fit.target, fit.prediction, grid.dots), Ink.TRAINING),
        Layer(_cloud(axis, fit.target_validation, fit.prediction_validation, grid.dots), Ink.VALIDATION),
    ]
    draw_plot(canvas, 0, top, canvas.width, height, plot)
    return axis


def _cloud(
    axis: Axis, target: NDArray[np.float64], prediction: NDArray[np.float64], dots: tuple[int, int]
) -> NDArray[np.bool_]:
    """Return a dot for each pair; row 0 is the top."""
    across, up = dots
    cloud = np.zeros((up, across), np.bool_)
    finite = np.isfinite(target) & np.isfinite(prediction)
    columns = np.rint(axis.share(target[finite]) * (across - 1)).astype(np.int64)
    rows = np.rint((1 - axis.share(prediction[finite])) * (up - 1)).astype(np.int64)
    cloud[rows, columns] = True
    return cloud
