"""Predictions against targets: accuracy for classes, a plot for a series, a table of rows for the rest."""

from __future__ import annotations

from math import floor, isfinite, log10
from typing import TYPE_CHECKING

import numpy as np

from backprop_tui.cells import CellView
from backprop_tui.palette import Ink
from backprop_tui.plotting import Layer, Plot, band_dots, draw_plot, fill_blank_down, plot_grid
from backprop_tui.scales import Axis, linear_axis, round_step, short_number, still_good

if TYPE_CHECKING:
    from backprop_core.snapshot import Accuracy, Frame, Prediction, Series
    from backprop_tui.cells import Canvas

LABEL_WIDTH = 5
SMALLEST_PLOT = (24, 7)
WIDEST_BAR = 40


class PredictionsView(CellView):
    """Chooses what to draw by the data and the room."""

    DEFAULT_CSS = "PredictionsView { width: 1fr; height: 1fr; }"

    def __init__(self, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.frame: Frame | None = None
        self._axis: Axis | None = None
        self.border_title = "predictions"

    def show(self, frame: Frame) -> None:
        """Show a frame's predictions."""
        self.frame = frame
        self.redraw()

    def paint(self, canvas: Canvas) -> None:
        """Draw accuracy, plot or table."""
        frame = self.frame
        if frame is None:
            return
        series = frame.series
        if frame.accuracy is not None:
            top = self._accuracy(canvas, frame.accuracy) + int(canvas.height > 10)
            self._class_rows(canvas, top, frame.snapshot.predictions)
        elif series is not None and series_has_room(canvas, len(series.row)):
            self._series(canvas, series)
        else:
            self._table(canvas, frame.snapshot.predictions)

    def _accuracy(self, canvas: Canvas, accuracy: Accuracy) -> int:
        """Draw the accuracies with their bars, and return the line below them."""
        shares = [("training", accuracy.training, Ink.TRAINING)]
        if accuracy.validation is not None:
            shares.append(("validation", accuracy.validation, Ink.VALIDATION))
        for y, (name, share, ink) in enumerate(shares):
            x = canvas.texts(0, y, (f"{name:<10}", Ink.MUTED), (f"{share:7.2%} right ", Ink.TEXT))
            room = max(min(canvas.width - x, WIDEST_BAR), 0)
            if np.isfinite(share):
                filled = round(share * room)
                x = canvas.text(x, y, self.glyphs.levels[8] * filled, ink)
                canvas.text(x, y, self.glyphs.reference * (room - filled), Ink.MUTED)
        return len(shares)

    def _class_rows(self, canvas: Canvas, top: int, rows: tuple[Prediction, ...]) -> None:
        header = f"{'row':>5}  {'target':>6} {'predicted':>10}  {'output':>6}"
        self._name_mark(canvas, canvas.text(0, top, header, Ink.MUTED), top, rows)
        for y, row in enumerate(chosen_rows(rows, canvas.height - top - 1), top + 1):
            target, predicted = class_of(row.target), class_of(row.prediction)
            self._row_label(canvas, y, row, str(row.row))
            output = max(row.prediction) if len(row.prediction) > 1 else row.prediction[0]
            canvas.text(7, y, f"{target:>6} {predicted:>10}  {output:>6.3f}", Ink.TEXT)
            if target != predicted:
                canvas.text(33, y, f"{self.glyphs.dead} wrong"[: max(canvas.width - 33, 0)], Ink.DEAD)

    def _table(self, canvas: Canvas, rows: tuple[Prediction, ...]) -> None:
        header = f"{'row':>5} {'target':>10} {'prediction':>10} {'error':>10}"
        self._name_mark(canvas, canvas.text(0, 0, header, Ink.MUTED), 0, rows)
        lines = [
            (row, f"{row.row}.{output + 1}" if len(row.target) > 1 else str(row.row), output)
            for row in chosen_rows(rows, canvas.height - 1)
            for output in range(len(row.target))
        ]
        decimals = decimals_for([row.target[output] for row, _, output in lines])
        for y, (row, label, output) in enumerate(lines, 1):
            target, prediction = row.target[output], row.prediction[output]
            self._row_label(canvas, y, row, label)
            texts = (
                fixed(target, decimals),
                fixed(prediction, decimals),
                fixed(prediction - target, decimals, "+"),
            )
            canvas.text(6, y, " ".join(text.rjust(10) for text in texts), Ink.TEXT)

    def _name_mark(self, canvas: Canvas, x: int, y: int, rows: tuple[Prediction, ...]) -> None:
        """Say what the mark beside some rows means, if there are such rows and there is room."""
        if any(row.validation for row in rows) and x + len(" v validation") <= canvas.width:
            canvas.texts(
                canvas.width - len("v validation"), y, ("v", Ink.VALIDATION), (" validation", Ink.MUTED)
            )

    def _row_label(self, canvas: Canvas, y: int, row: Prediction, label: str) -> None:
        canvas.text(0, y, label.rjust(5), Ink.MUTED)
        if row.validation:
            canvas.text(5, y, "v", Ink.VALIDATION)

    def _series(self, canvas: Canvas, series: Series) -> None:
        glyphs = self.glyphs
        x = canvas.texts(1, 0, (f"{glyphs.training} ", Ink.TRAINING), ("prediction  ", Ink.MUTED))
        x = canvas.texts(x, 0, (f"{glyphs.reference} ", Ink.TEXT), ("target  ", Ink.MUTED))
        if series.first_validation_row is not None:
            canvas.texts(x, 0, (f"{glyphs.mark_line} ", Ink.VALIDATION), ("validation from here", Ink.MUTED))
        height = canvas.height - 1
        values = np.concatenate([series.prediction, series.target])
        values = values[np.isfinite(values)]
        low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
        if not still_good(self._axis, low, high, log=False) or self._axis is None:
            self._axis = linear_axis(low, high, max(height // 3, 2))
        axis = self._axis
        y_labels = tuple(short_number(tick).rjust(LABEL_WIDTH) for tick in axis.ticks)
        grid = plot_grid(canvas.width, height, y_labels, ascii_only=canvas.ascii_only)
        rows = series.row.astype(np.float64)
        first, last = float(rows[0]), float(max(rows[-1], rows[0] + 1))
        step = max(round_step(last - first, max(grid.columns // 12, 2)), 1.0)
        ticks = tuple(float(tick) for tick in np.arange(np.ceil(first / step) * step, last + 1e-9, step))
        x_axis = Axis(first, last, False, ticks)
        plot = Plot(x_axis, axis, tuple(short_number(tick) for tick in ticks), y_labels)
        at = x_axis.share(rows)
        target, prediction = axis.share(series.target), axis.share(series.prediction)
        plot.layers = [
            Layer(band_dots(at, target, target, grid.dots), Ink.TEXT),
            Layer(band_dots(at, prediction, prediction, grid.dots), Ink.TRAINING),
        ]
        draw_plot(canvas, 0, 1, canvas.width, height, plot)
        if series.first_validation_row is not None:
            share = float(x_axis.share(np.array([float(series.first_validation_row)]))[0])
            column = canvas.width - grid.columns + round(share * (grid.columns - 1))
            fill_blank_down(canvas, column, 1, 1 + grid.rows, glyphs.mark_line, Ink.VALIDATION)


def series_has_room(canvas: Canvas, rows: int) -> bool:
    """Tell whether a plot says more than a table: there is room for it, and not for a line a row."""
    width, height = SMALLEST_PLOT
    return canvas.width >= width and canvas.height >= height and rows >= canvas.height


def chosen_rows(rows: tuple[Prediction, ...], room: int) -> list[Prediction]:
    """Return the rows that fit: up to a third of them from validation, the rest from training."""
    if room <= 0:
        return []
    if len(rows) <= room:
        return list(rows)
    validation = [row for row in rows if row.validation][: room // 3]
    training = [row for row in rows if not row.validation][: room - len(validation)]
    return training + validation


def decimals_for(values: list[float]) -> int:
    """Return so many decimals that the largest value has four digits."""
    largest = max((abs(value) for value in values if isfinite(value)), default=0.0)
    return max(0, min(3 - floor(log10(largest)), 6)) if largest else 3


def fixed(value: float, decimals: int, sign: str = "") -> str:
    """Return a number with given decimals; shorter where it is so large that its column would overflow."""
    if not abs(value) < 1e6:
        return f"{value:{sign}.2e}"
    # Adding zero turns -0.0 into 0.0.
    return f"{round(value, decimals) + 0.0:{sign}.{decimals}f}"


def class_of(outputs: tuple[float, ...]) -> int:
    """Return the class that outputs stand for: the largest, or whether a single one is above one half."""
    if len(outputs) == 1:
        return int(outputs[0] > 0.5)
    return int(np.argmax(outputs))
