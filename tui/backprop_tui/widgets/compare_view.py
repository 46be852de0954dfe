"""Kept runs beside the one that is on: their curves in one plot, and a table of what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from backprop_core.comparison import CurveRequest, differences
from backprop_core.snapshot import Curve
from backprop_tui.cells import shorten
from backprop_tui.kept_runs import KeptRun, ghost_layers, losses_of, name_ghosts
from backprop_tui.keys import KeySpec
from backprop_tui.palette import Ink
from backprop_tui.plotting import Layer, Plot, band_dots, draw_plot, plot_grid
from backprop_tui.scales import Axis, log_axis, short_number, steps_axis, still_good
from backprop_tui.widgets.panel import Panel

if TYPE_CHECKING:
    from backprop_core.snapshot import PanelRequest
    from backprop_tui.cells import Canvas

LABEL_WIDTH = 6
WIDEST_VALUE = 18
SMALLEST_PLOT = 6
CHANGING = {"step": 7, "loss": 10, "validation": 10}
"""Columns that are as wide as their numbers can become, so that those beside them stand still."""

NOW = "now"
HOW_TO_KEEP = (
    "k keeps this run; change something, n starts again, and both are seen",
    "k keeps this run, n starts another beside it",
    "k keeps this run",
)
"""What to do while none is kept, in the words that fit."""


class CompareView(Panel):
    """A plot above, a table below; the table gives way where there is too little room."""

    CONTENT: ClassVar[type] = Curve
    KEYS: ClassVar[tuple[KeySpec, ...]] = (
        KeySpec("k", "k", "keep", "k keep", "Keep this run as a ghost.", "compare"),
        KeySpec("K", "K", "forget", "K forget", "Forget the kept runs.", "compare"),
        KeySpec("n", "n", "restart", "again", "Start again with the same seed.", "compare"),
        KeySpec("v", "v", "next_panel", "view", "The next view.", "compare"),
        KeySpec("escape", "esc", "clear_selection", "out", "Back to the overview.", "compare"),
    )

    def __init__(self, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.runs: tuple[KeptRun, ...] = ()
        self._axis: Axis | None = None
        self.border_title = "compare"

    def request(self) -> PanelRequest:
        """Ask for the curve of the run that is on."""
        return CurveRequest(max(self.size.width - LABEL_WIDTH - 1, 8) * 2)

    def paint(self, canvas: Canvas) -> None:
        """Draw the plot, and below it the table."""
        if self.frame is None:
            return
        lines = min(len(self.runs) + 2, max(canvas.height - SMALLEST_PLOT, 2))
        self._plot(canvas, canvas.height - lines - 1)
        self._table(canvas, canvas.height - lines, lines)

    def _plot(self, canvas: Canvas, height: int) -> None:
        curve: Curve = self.content
        end = canvas.text(0, 0, "loss of each step's batch  ", Ink.STRONG)
        notes = (note for note in (*HOW_TO_KEEP, "") if end + len(note) <= canvas.width)
        canvas.text(end, 0, "" if self.runs else next(notes), Ink.MUTED)
        shown = np.isfinite(curve.mean) & (curve.mean > 0)
        losses = np.concatenate([curve.mean[shown], losses_of(self.runs, log=True)])
        if height < 4 or not len(losses):
            return
        low, high = float(losses.min()), float(losses.max())
        if self._axis is None or not still_good(self._axis, low, high, log=True):
            self._axis = log_axis(low, high, max(height // 3, 2))
        y = self._axis
        y_labels = tuple(short_number(tick).rjust(LABEL_WIDTH) for tick in y.ticks)
        grid = plot_grid(canvas.width, height, y_labels, ascii_only=canvas.ascii_only)
        last = max(
            [int(curve.last_step[-1]) if len(curve.last_step) else 1, *(run.steps for run in self.runs)]
        )
        x = steps_axis(1, last, max(grid.columns // 12, 2))
        plot = Plot(x, y, tuple(short_number(tick) for tick in x.ticks), y_labels)
        plot.layers = ghost_layers(self.runs, x, y, grid)
        if shown.any():
            at = (curve.first_step + curve.last_step)[shown] / 2
            share = y.share(curve.mean[shown])
            plot.layers.append(Layer(band_dots(x.share(at), share, share, grid.dots), Ink.TRAINING))
        draw_plot(canvas, 0, 1, canvas.width, height, plot)
        name_ghosts(canvas, self.runs, x, y, canvas.width - grid.columns, 1, grid)

    def _table(self, canvas: Canvas, y: int, lines: int) -> None:
        """Draw a line a run: how far it came, and the value of each key in which the runs differ."""
        columns = self._columns()
        if len(self.runs) + 1 > lines - 1:
            canvas.text(canvas.width - 1, y, self.glyphs.ellipsis, Ink.MUTED)
        x = 0
        for heading, values, ink in columns:
            widest = max(len(heading), *(len(value) for value in values), CHANGING.get(heading, 0))
            width = min(widest, WIDEST_VALUE)
            if x + width > canvas.width:
                canvas.text(min(x, canvas.width - 1), y, self.glyphs.ellipsis, Ink.MUTED)
                return
            canvas.text(x, y, shorten(heading, width, self.glyphs.ellipsis), Ink.MUTED)
            for line, value in enumerate(values[-(lines - 1) :], start=1):
                canvas.text(x, y + line, shorten(value, width, self.glyphs.ellipsis), ink)
            x += width + 2

    def _columns(self) -> list[tuple[str, list[str], int]]:
        frame = self.frame
        assert frame is not None
        snapshot = frame.snapshot
        rows = [
            *((r.letter, r.steps, r.training_loss, r.validation_loss, r.dead) for r in self.runs),
            (NOW, snapshot.step, snapshot.training_loss, snapshot.validation_loss, snapshot.dead),
        ]
        columns = [
            ("run", [row[0] for row in rows], int(Ink.STRONG)),
            ("step", [short_number(row[1]) for row in rows], int(Ink.TEXT)),
            ("loss", [f"{row[2]:.5g}" for row in rows], int(Ink.TEXT)),
        ]
        if any(row[3] is not None for row in rows):
            validation = ["" if row[3] is None else f"{row[3]:.5g}" for row in rows]
            columns.append(("validation", validation, int(Ink.VALIDATION)))
        columns.append(("dead", [str(row[4]) for row in rows], int(Ink.TEXT)))
        different = differences([*(run.experiment for run in self.runs), frame.experiment])
        for key, values in different.items():
            columns.append((key.partition(".")[2].replace("_", " "), list(values), int(Ink.MARK)))
        return columns
