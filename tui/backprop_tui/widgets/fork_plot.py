"""The forecast as two curves: the loss of the fork with the cure against that of the untreated one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backprop_core.diagnosis.text import loss
from backprop_tui.cells import CellView
from backprop_tui.palette import Ink
from backprop_tui.plotting import Layer, Plot, band_dots, draw_plot, plot_grid
from backprop_tui.scales import linear_axis, log_axis, short_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.diagnosis.report import Forecast, ForkCurve
    from backprop_tui.cells import Canvas
    from backprop_tui.scales import Axis

LABEL_WIDTH = 5
LEAST_HEIGHT = 5


class ForkPlot(CellView):
    """The loss over the epochs of both forks, logarithmic where the losses are positive."""

    DEFAULT_CSS = "ForkPlot { width: 1fr; height: 1fr; }"

    forecast: Forecast | None = None

    def show(self, forecast: Forecast | None) -> None:
        """Show a forecast, or that there is none."""
        self.forecast = forecast
        self.redraw()

    def paint(self, canvas: Canvas) -> None:
        """Draw the legend and both curves."""
        forecast = self.forecast
        if forecast is None:
            canvas.text(0, 0, "no cure was tried", Ink.MUTED)
            return
        glyph, gap = self.glyphs.training, "  "
        canvas.texts(
            0,
            0,
            (f"{glyph} untreated {loss(forecast.loss_untreated)}", Ink.TRAINING),
            (gap, Ink.TEXT),
            (f"{glyph} treated {loss(forecast.loss_treated)}", Ink.MARK),
        )
        height = canvas.height - 1
        if height >= LEAST_HEIGHT and canvas.width > 2 * LABEL_WIDTH:
            draw_plot(canvas, 0, 1, canvas.width, height, self._plot(forecast, canvas.width, height))

    def _plot(self, forecast: Forecast, width: int, height: int) -> Plot:
        y = _loss_axis([forecast.untreated, forecast.treated], max(height // 3, 2))
        y_labels = tuple(short_number(tick).rjust(LABEL_WIDTH) for tick in y.ticks)
        grid = plot_grid(width, height, y_labels, ascii_only=self.glyphs.ascii)
        x = linear_axis(0.0, float(max(forecast.epochs, 1)), max(grid.columns // 12, 2))
        plot = Plot(x, y, tuple(short_number(tick) for tick in x.ticks), y_labels)
        for curve, ink in ((forecast.untreated, Ink.TRAINING), (forecast.treated, Ink.MARK)):
            at, shares = x.share(np.array(curve.epochs)), y.share(_losses(curve))
            plot.layers.append(Layer(band_dots(at, shares, shares, grid.dots), ink, alone=ink == Ink.MARK))
        return plot


def _losses(curve: ForkCurve) -> NDArray[np.float64]:
    """Return the losses, one that is not finite as a gap."""
    losses = np.array(curve.losses)
    losses[~np.isfinite(losses)] = np.nan
    return losses


def _loss_axis(curves: list[ForkCurve], most_ticks: int) -> Axis:
    values = np.concatenate([_losses(curve) for curve in curves])
    values = values[np.isfinite(values)]
    if not len(values):
        return linear_axis(0.0, 1.0, most_ticks)
    low, high = float(values.min()), float(values.max())
    return log_axis(low, high, most_ticks) if low > 0 else linear_axis(min(low, 0.0), high, most_ticks)
