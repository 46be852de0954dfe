"""The loss plot: training as a band that keeps every spike, validation, interventions, non-finite steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from textual.reactive import reactive

from backprop_tui.cells import BLANK, CellView, shorten
from backprop_tui.kept_runs import ghost_layers, losses_of, name_ghosts
from backprop_tui.palette import Ink
from backprop_tui.plotting import (
    Grid,
    Layer,
    Plot,
    band_dots,
    draw_plot,
    fill_blank,
    fill_blank_down,
    plot_grid,
)
from backprop_tui.scales import Axis, labelled, linear_axis, log_axis, short_number, steps_axis, still_good

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.snapshot import Curve, Frame
    from backprop_tui.cells import Canvas
    from backprop_tui.kept_runs import KeptRun

LABEL_WIDTH = 5
"""Fixed, so that the curve does not move sideways when a label gets longer."""

LEGEND_LINES = 1

ROOM_FOR_EVENTS = 10
"""In a lower plot, events share the first line with the curve."""

BASELINE = "always the mean"


class LossPlot(CellView):
    """The loss over the steps. On a logarithmic axis, what is not positive is put on the lower edge."""

    DEFAULT_CSS = "LossPlot { width: 1fr; height: 1fr; }"

    logarithmic = reactive(True, repaint=False)

    def __init__(self, *, logarithmic: bool = True, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.frame: Frame | None = None
        self.ghosts: tuple[KeptRun, ...] = ()
        self._axis: Axis | None = None
        self.set_reactive(LossPlot.logarithmic, logarithmic)
        self._name_axis()

    @property
    def columns(self) -> int:
        """How many columns of the history the plot can show."""
        dots = 1 if self.glyphs.ascii else 2
        return max(self.size.width - LABEL_WIDTH - 1, 8) * dots

    def show(self, frame: Frame) -> None:
        """Show a frame's curve, if it is another than the one shown."""
        known, self.frame = self.frame, frame
        if known is None or identity(known) != identity(frame):
            self.redraw()

    def toggle_axis(self) -> None:
        """Switch between a logarithmic and a linear loss axis."""
        self.logarithmic = not self.logarithmic

    def watch_logarithmic(self) -> None:
        """Redraw with the other axis."""
        self._axis = None
        self._name_axis()
        self.redraw()

    def _name_axis(self) -> None:
        self.border_title = "loss, logarithmic" if self.logarithmic else "loss, linear"

    def paint(self, canvas: Canvas) -> None:
        """Draw legend, axes, curves, reference line and events."""
        frame = self.frame
        if frame is None or not len(frame.curve.first_step):
            note = "no step taken yet"
            canvas.text((canvas.width - len(note)) // 2, canvas.height // 2, note, Ink.MUTED)
            return
        self._legend(canvas, frame)
        curve = frame.curve
        events = bool(curve.marks or curve.non_finite)
        top = LEGEND_LINES + int(events and canvas.height > ROOM_FOR_EVENTS)
        height = canvas.height - top
        if height < 4 or canvas.width < LABEL_WIDTH + 6:
            return
        plot = self._plot(curve, canvas.width, height, ascii_only=canvas.ascii_only)
        grid = draw_plot(canvas, 0, top, canvas.width, height, plot)
        left = canvas.width - grid.columns
        name_ghosts(canvas, self.ghosts, plot.x, plot.y, left, top, grid)
        self._baseline(canvas, plot.y, curve.baseline, left, top, grid)
        if events:
            row = max(top - 1, LEGEND_LINES)
            self._events(canvas, plot.x, curve, left, row, range(top, top + grid.rows))

    def _legend(self, canvas: Canvas, frame: Frame) -> None:
        glyphs, snapshot = self.glyphs, frame.snapshot
        entries = [(glyphs.training, "training", snapshot.training_loss, Ink.TRAINING)]
        if snapshot.validation_loss is not None:
            entries.append((glyphs.validation, "validation", snapshot.validation_loss, Ink.VALIDATION))
        roomy = canvas.width >= 25 * len(entries)
        x = int(roomy)
        for glyph, name, value, ink in entries:
            number = f"{value:<10.4g}" if roomy else f"{value:<8.3g}"
            x = canvas.texts(x, 0, (f"{glyph} ", ink), (f"{name} ", Ink.MUTED), (number, Ink.TEXT))
        note = "zero is on the lower edge"
        if (
            self.logarithmic
            and np.nanmin(frame.curve.low, initial=np.inf) <= 0
            and x + len(note) < canvas.width
        ):
            canvas.text(x, 0, note, Ink.MUTED)

    def _plot(self, curve: Curve, width: int, height: int, *, ascii_only: bool) -> Plot:
        y = self._y_axis(curve, max(height // 2 if height < 12 else height // 3, 2))
        y_labels = tuple(short_number(tick).rjust(LABEL_WIDTH) for tick in y.ticks)
        grid = plot_grid(width, height, y_labels, ascii_only=ascii_only)
        last = max([int(curve.last_step[-1]), *(run.steps for run in self.ghosts)])
        x = steps_axis(int(curve.first_step[0]), last, max(grid.columns // 12, 2))
        plot = Plot(x, y, tuple(short_number(tick) for tick in x.ticks), y_labels)
        at = x.share((curve.first_step + curve.last_step) / 2)
        band = band_dots(at, y.share(curve.low), y.share(curve.high), grid.dots)
        mean = band_dots(at, y.share(curve.mean), y.share(curve.mean), grid.dots)
        ghosts = ghost_layers(self.ghosts, x, y, grid)
        plot.layers = [*ghosts, Layer(band, Ink.BAND), Layer(mean, Ink.TRAINING)]
        measured = np.isfinite(curve.validation)
        if measured.any():
            shares = y.share(curve.validation[measured])
            dots = band_dots(at[measured], shares, shares, grid.dots)
            plot.layers.append(Layer(dashed(dots), Ink.VALIDATION, "o" if ascii_only else None, alone=True))
        return plot

    def _y_axis(self, curve: Curve, most_ticks: int) -> Axis:
        ghosts = losses_of(self.ghosts, log=self.logarithmic)
        values = np.concatenate([curve.low, curve.high, curve.validation, ghosts])
        values = values[np.isfinite(values)]
        if self.logarithmic:
            values = values[values > 0]
        if not len(values):
            return log_axis(0.1, 1.0, most_ticks) if self.logarithmic else linear_axis(0.0, 1.0, most_ticks)
        low, high = float(values.min()), float(values.max())
        if high < curve.baseline < 3 * high:
            high = curve.baseline
        if self._axis is None or not still_good(self._axis, low, high, log=self.logarithmic):
            axis = (
                log_axis(low, high, most_ticks)
                if self.logarithmic
                else linear_axis(min(low, 0.0), high, most_ticks)
            )
            self._axis = labelled(axis, LABEL_WIDTH)
        return self._axis

    def _baseline(self, canvas: Canvas, y: Axis, baseline: float, left: int, top: int, grid: Grid) -> None:
        if not y.low <= baseline <= y.high:
            return
        row = top + grid.rows - 1 - round(float(y.share(np.array([baseline]))[0]) * (grid.rows - 1))
        fill_blank(canvas, row, left, canvas.width, self.glyphs.reference, Ink.REFERENCE)
        label = f" {BASELINE} {baseline:.3g}"
        start = canvas.width - len(label)
        beneath = canvas.inks[row, max(start, 0) : canvas.width]
        if start > left + 10 and bool((beneath == Ink.REFERENCE).all()):
            canvas.text(start, row, label, Ink.REFERENCE)

    def _events(self, canvas: Canvas, x: Axis, curve: Curve, left: int, row: int, lines: range) -> None:
        """Draw interventions and non-finite steps: a glyph and a text on ``row``, a line down the plot."""
        glyphs = self.glyphs
        events = [(mark.step, glyphs.mark, mark.text, Ink.MARK) for mark in curve.marks]
        if curve.non_finite:
            first = curve.non_finite[0]
            events.append((first, glyphs.not_finite, f"not finite at step {first}", Ink.DEAD))
        free = canvas.width
        for step, glyph, text, ink in sorted(events, key=lambda event: event[0], reverse=True):
            column = column_of(step, x, left, canvas.width)
            fill_blank_down(canvas, column, lines.start, lines.stop, glyphs.mark_line, ink)
            if column < free:
                start, text = place_beside(column, text, left, free, glyphs.ellipsis)
                beneath = canvas.characters[row, max(start - 1, 0) : start + len(text) + 1]
                if row < lines.start or bool((beneath == BLANK).all()):
                    canvas.text(start, row, text, ink)
                canvas.text(column, row, glyph, ink)
                free = min(start, column) - 1
        for step in curve.non_finite[1:]:
            column = column_of(step, x, left, canvas.width)
            fill_blank_down(canvas, column, row, row + 1, glyphs.not_finite, Ink.DEAD)


def identity(frame: Frame) -> tuple[object, ...]:
    """Return what tells one curve from another: the same steps always give the same losses."""
    curve, snapshot = frame.curve, frame.snapshot
    span = (int(curve.first_step[0]), int(curve.last_step[-1])) if len(curve.first_step) else ()
    losses = (snapshot.training_loss, snapshot.validation_loss, curve.baseline)
    return span, len(curve.first_step), curve.marks, len(curve.non_finite), losses


def column_of(step: int, x: Axis, left: int, right: int) -> int:
    """Return the column of a step in a plot whose columns go from ``left`` to before ``right``."""
    return left + round(float(x.share(np.array([float(step)]))[0]) * (right - left - 1))


def place_beside(column: int, text: str, left: int, free: int, ellipsis: str) -> tuple[int, str]:
    """Return where an event's text begins, and as much of it as fits: right of its glyph, or else left.

    Where it fits nowhere, it is cut on the side that has more room.
    """
    room = free - column - 2
    if len(text) <= room:
        return column + 2, text
    if column - left > len(text) + 3:
        return column - len(text) - 1, text
    if (before := column - left - 3) > max(room, 3):
        return column - before - 1, shorten(text, before, ellipsis)
    return column + 2, shorten(text, room, ellipsis) if room > 3 else ""


def dashed(dots: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return dots with gaps, so that a curve can be told from a solid one without colour."""
    kept = np.arange(dots.shape[1]) % 6 < 4
    return dots & kept
