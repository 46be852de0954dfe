"""The loss so far in a few lines, without the overview's legend and events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backprop_tui.palette import Ink
from backprop_tui.plotting import Layer, Plot, band_dots, draw_plot, plot_grid
from backprop_tui.scales import Axis, labelled, log_axis, short_number, steps_axis, still_good

if TYPE_CHECKING:
    from backprop_core.snapshot import Curve
    from backprop_tui.cells import Canvas

LABEL_WIDTH = 5
LOWEST = 3
NARROWEST = 12


def draw_loss(canvas: Canvas, y: int, height: int, curve: Curve, axis: Axis | None) -> Axis | None:
    """Draw the loss of the steps' batches on a logarithmic axis that stands still; return that axis."""
    shown = np.isfinite(curve.mean) & (curve.mean > 0)
    if height < LOWEST or canvas.width < NARROWEST or not shown.any():
        return axis
    low, high = float(curve.mean[shown].min()), float(curve.mean[shown].max())
    if axis is None or not still_good(axis, low, high, log=True):
        axis = labelled(log_axis(low, high, max(height // 3, 2)), LABEL_WIDTH)
    labels = tuple(short_number(tick).rjust(LABEL_WIDTH) for tick in axis.ticks)
    grid = plot_grid(canvas.width, height, labels, ascii_only=canvas.ascii_only)
    x = steps_axis(1, int(curve.last_step[-1]), max(grid.columns // 12, 1))
    plot = Plot(x, axis, tuple(short_number(tick) for tick in x.ticks), labels)
    at = x.share((curve.first_step + curve.last_step)[shown] / 2)
    share = axis.share(curve.mean[shown])
    plot.layers.append(Layer(band_dots(at, share, share, grid.dots), Ink.TRAINING))
    draw_plot(canvas, 0, y, canvas.width, height, plot)
    return axis
