"""The heatmap: neurons by samples (or inputs) of one layer, dead neurons marked and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from textual.message import Message

from backprop_core.frozen import dataclass
from backprop_tui.cells import CellView, code_points
from backprop_tui.palette import ZERO, Ink
from backprop_tui.scales import round_up, short_number

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from textual import events

    from backprop_core.snapshot import Frame, Heatmap
    from backprop_tui.cells import Canvas

WIDEST_CELL = 5
TALLEST_ROW = 3
HEADER_LINES = 2
LEGEND_LINES = 1
ROOM_FOR_A_GAP = 14


@dataclass(frozen=True)
class Layout:
    """Where the cells are: their top left corner and size, how many rows and columns are drawn."""

    top: int
    left: int
    row_height: int
    cell_width: int
    rows: int
    columns: int

    def cell_at(self, x: int, y: int) -> tuple[int, int] | None:
        """Return (row, column) of the cell at a position; column 0 for a row's label, None outside."""
        row = (y - self.top) // self.row_height
        column = max((x - self.left) // self.cell_width, 0)
        return (row, column) if 0 <= row < self.rows and column < self.columns and y >= self.top else None


class HeatmapView(CellView):
    """One layer's values in nine levels, each a glyph and a colour of its own."""

    DEFAULT_CSS = "HeatmapView { width: 1fr; height: 1fr; }"

    class Picked(Message):
        """A neuron and a sample (or input) were clicked; both count from 1."""

        def __init__(self, neuron: int, sample: int) -> None:
            super().__init__()
            self.neuron = neuron
            self.sample = sample

    class Scrolled(Message):
        """Other neurons are wanted: those from ``first_neuron`` on."""

        def __init__(self, first_neuron: int) -> None:
            super().__init__()
            self.first_neuron = first_neuron

    frame: Frame | None = None
    _selected: tuple[int, int | None] | None = None
    _bound = 0.0

    @property
    def capacity(self) -> tuple[int, int]:
        """How many neurons (rows) and columns the widget can show."""
        units = self.frame.heatmap.units if self.frame else 99
        return self._room(), max(self.size.width - self._label_width(units), 1)

    def show(self, frame: Frame) -> None:
        """Show a frame's heatmap; the cursor is where its inspection is."""
        self.frame = frame
        inspection = frame.inspection
        here = inspection is not None and inspection.layer == frame.heatmap.layer
        self._selected = (inspection.neuron, inspection.sample) if inspection and here else None
        if self.border_title != frame.heatmap.mode:
            self.border_title = frame.heatmap.mode
        self.redraw()

    def select(self, neuron: int, sample: int | None) -> None:
        """Move the cursor at once, before the next frame."""
        self._selected = (neuron, sample)
        self.redraw()

    def on_click(self, event: events.Click) -> None:
        """Tell which neuron and sample was clicked."""
        offset = event.get_content_offset(self)
        heatmap = self.frame.heatmap if self.frame else None
        if offset is None or heatmap is None:
            return
        cell = self._layout(heatmap).cell_at(offset.x, offset.y)
        if cell is not None:
            row, column = cell
            self.post_message(self.Picked(heatmap.first_neuron + row, column * heatmap.group + 1))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Ask for the neurons further down."""
        self._scroll(1)
        event.stop()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Ask for the neurons further up."""
        self._scroll(-1)
        event.stop()

    def _scroll(self, rows: int) -> None:
        if self.frame is None:
            return
        heatmap = self.frame.heatmap
        last = max(heatmap.units - len(heatmap.values) + 1, 1)
        first = min(max(heatmap.first_neuron + rows, 1), last)
        if first != heatmap.first_neuron:
            self.post_message(self.Scrolled(first))

    def _room(self) -> int:
        """Return the lines left for neurons; where there are many, one stays empty above the legend."""
        height = self.size.height
        return max(height - HEADER_LINES - LEGEND_LINES - int(height >= ROOM_FOR_A_GAP), 1)

    def _label_width(self, units: int) -> int:
        return len(str(units)) + 3

    def _layout(self, heatmap: Heatmap) -> Layout:
        rows, columns = heatmap.values.shape
        left = self._label_width(heatmap.units)
        room = self._room()
        across = max(self.size.width - left, 1)
        return Layout(
            top=HEADER_LINES,
            left=left,
            row_height=max(min(room // max(rows, 1), TALLEST_ROW), 1),
            cell_width=max(min(across // max(columns, 1), WIDEST_CELL), 1),
            rows=min(rows, max(self.size.height - HEADER_LINES, 0)),
            columns=min(columns, max(self.size.width - left, 0)),
        )

    def paint(self, canvas: Canvas) -> None:
        """Draw title, dead counts, the cells with their labels, and the legend."""
        if self.frame is None:
            return
        heatmap = self.frame.heatmap
        layout = self._layout(heatmap)
        self._title(canvas, self.frame)
        self._dead_counts(canvas, self.frame)
        self._bound = stable_bound(heatmap, self._bound)
        levels = quantise(heatmap, self._bound)
        signed = heatmap.low < 0
        for row in range(layout.rows):
            self._label(canvas, layout, heatmap, row)
            self._row(canvas, layout, levels[row], heatmap.dead[row], row, signed=signed)
        self._cursor(canvas, layout, heatmap)
        self._legend(canvas, heatmap, layout, signed=signed)

    def _title(self, canvas: Canvas, frame: Frame) -> None:
        heatmap, glyphs = frame.heatmap, self.glyphs
        separator = f" {glyphs.separator} "
        layers = len(frame.snapshot.layers)
        shown = len(heatmap.values)
        last = heatmap.first_neuron + shown - 1
        part = f"{heatmap.first_neuron}{glyphs.dash}{last} of {heatmap.units}"
        whole = f"{heatmap.units} neuron" + ("s" if heatmap.units > 1 else "")
        neurons = (f"neurons {part}", part) if shown < heatmap.units else (whole, whole)
        dead = f"dead {heatmap.dead_in_layer}"
        for title in (
            separator.join([f"layer {heatmap.layer} of {layers}", heatmap.activation, neurons[0], ""]),
            separator.join([f"layer {heatmap.layer}/{layers}", heatmap.activation, neurons[1], ""]),
            separator.join([f"layer {heatmap.layer}", neurons[1], ""]),
        ):
            if len(title) + len(dead) <= canvas.width:
                break
        x = canvas.text(0, 0, title, Ink.STRONG)
        canvas.text(x, 0, dead, Ink.DEAD if heatmap.dead_in_layer else Ink.STRONG)

    def _dead_counts(self, canvas: Canvas, frame: Frame) -> None:
        glyphs = self.glyphs
        items = []
        for summary in frame.snapshot.layers:
            count = f"{len(summary.dead)}/{summary.units}" if summary.can_die else glyphs.dash
            here = summary.layer == frame.heatmap.layer
            marker = glyphs.selected if here else " "
            ink = Ink.DEAD if summary.dead else (Ink.TEXT if here else Ink.MUTED)
            items.append((f"{marker}{summary.layer}: {count}", ink))
        x = canvas.text(0, 1, "dead ", Ink.MUTED)
        width = max(len(text) for text, _ in items) + 1
        fitting = max((canvas.width - x - 2) // width, 1)
        start = min(max(frame.heatmap.layer - 1 - fitting // 2, 0), max(len(items) - fitting, 0))
        if start:
            x = canvas.text(x, 1, glyphs.ellipsis, Ink.MUTED)
        for text, ink in items[start : start + fitting]:
            x = canvas.text(x, 1, text, ink) + 1
        if start + fitting < len(items):
            canvas.text(x, 1, glyphs.ellipsis, Ink.MUTED)

    def _label(self, canvas: Canvas, layout: Layout, heatmap: Heatmap, row: int) -> None:
        neuron = heatmap.first_neuron + row
        selected = self._selected is not None and self._selected[0] == neuron
        y = layout.top + row * layout.row_height + (layout.row_height - 1) // 2
        ink = Ink.DEAD if heatmap.dead[row] else (Ink.STRONG if selected else Ink.MUTED)
        marker = self.glyphs.selected if selected else " "
        canvas.text(0, y, marker + str(neuron).rjust(layout.left - 3), ink)
        if heatmap.dead[row]:
            canvas.text(layout.left - 2, y, self.glyphs.dead, Ink.DEAD)

    def _row(
        self, canvas: Canvas, layout: Layout, levels: NDArray[np.int64], dead: bool, row: int, *, signed: bool
    ) -> None:
        glyphs = self.glyphs
        levels = levels[: layout.columns]
        characters = code_points("".join(glyphs.signed if signed else glyphs.levels) + glyphs.missing)
        scale = Ink.SIGNED if signed else Ink.LEVEL
        inks = np.array([*range(scale, scale + 9), Ink.DEAD], np.uint8)
        top = layout.top + row * layout.row_height
        for line in range(layout.row_height):
            y = top + line
            if signed:
                lit = levels
            else:
                above = layout.row_height - 1 - line
                lit = np.where(levels == 9, 9, np.clip(levels * layout.row_height - 8 * above, 0, 8))
            codes = np.repeat(characters[lit], layout.cell_width)
            canvas.put(layout.left, y, codes, np.repeat(inks[levels], layout.cell_width))
        if dead:
            self._dead_cells(
                canvas, layout, levels, top + (layout.row_height - 1) // 2, ZERO if signed else 0
            )

    def _dead_cells(
        self, canvas: Canvas, layout: Layout, levels: NDArray[np.int64], y: int, nothing: int
    ) -> None:
        """Dot a dead neuron's row: where its value is nothing, and every other cell where it is not."""
        if y >= canvas.height:
            return
        columns = np.arange(len(levels))
        empty = levels == nothing
        at = layout.left + columns * layout.cell_width
        canvas.characters[y, at[empty | (columns % 2 == 0)]] = code_points(self.glyphs.dead_cell)[0]
        canvas.inks[y, at[empty]] = Ink.DEAD

    def _cursor(self, canvas: Canvas, layout: Layout, heatmap: Heatmap) -> None:
        if self._selected is None or self._selected[1] is None:
            return
        row = self._selected[0] - heatmap.first_neuron
        column = (self._selected[1] - 1) // heatmap.group
        if 0 <= row < layout.rows and 0 <= column < layout.columns:
            x, y = layout.left + column * layout.cell_width, layout.top + row * layout.row_height
            canvas.inks[y : y + layout.row_height, x : x + layout.cell_width] = Ink.CURSOR

    def _legend(self, canvas: Canvas, heatmap: Heatmap, layout: Layout, *, signed: bool) -> None:
        glyphs = self.glyphs
        y = min(layout.top + layout.rows * layout.row_height + 1, canvas.height - 1)
        bound = short_number(self._bound)
        if not self._bound:
            x = canvas.text(0, y, "all zero", Ink.MUTED)
        elif signed:
            x = canvas.text(0, y, f"-{bound} ", Ink.MUTED)
            for level, glyph in enumerate(glyphs.signed):
                x = canvas.text(x, y, " 0 " if level == ZERO else glyph, Ink.SIGNED + level)
            x = canvas.text(x, y, f" {bound}", Ink.MUTED)
        else:
            x = canvas.text(0, y, "0 ", Ink.MUTED)
            for level, glyph in enumerate(glyphs.levels[1:], 1):
                x = canvas.text(x, y, glyph, Ink.LEVEL + level)
            x = canvas.text(x, y, f" {bound}", Ink.MUTED)
        for note in columns_notes(heatmap):
            text = f" {glyphs.separator} {note}"
            if x + len(text) <= canvas.width:
                canvas.text(x, y, text, Ink.MUTED)
                break


def columns_notes(heatmap: Heatmap) -> tuple[str, ...]:
    """Return what a column is, in words, the longest wording first."""
    things = f"{heatmap.axis}s" if heatmap.total != 1 else heatmap.axis
    if heatmap.group == 1:
        return f"{heatmap.total} {things}", str(heatmap.total)
    return (
        f"each column: mean of {heatmap.group} of {heatmap.total} {things}",
        f"column: mean of {heatmap.group} {things}",
        f"mean of {heatmap.group}",
    )


def stable_bound(heatmap: Heatmap, bound: float) -> float:
    """Return the value of the highest level: a round number, kept while the values fill most of it.

    It is the layer's, so that rows can be compared while scrolling; but means of many samples are so much
    smaller than the samples' extremes that they get a scale of their own.
    """
    most = max(abs(heatmap.low), abs(heatmap.high))
    if heatmap.group > 1 and np.isfinite(heatmap.values).any():
        most = float(np.nanmax(np.abs(heatmap.values)))
    if not np.isfinite(most) or most == 0:
        return 0.0
    return bound if 0.6 * bound < most <= bound else round_up(most)


def quantise(heatmap: Heatmap, bound: float) -> NDArray[np.int64]:
    """Return each value's level: 0 to 8, 4 being zero where there are negative ones; 9 if missing."""
    values = heatmap.values.astype(np.float64)
    missing = ~np.isfinite(values)
    values[missing] = 0.0
    shares = values / bound if bound else values
    if heatmap.low < 0:
        levels = ZERO + np.clip(np.rint(shares * 4), -4, 4)
        if heatmap.mode == "pre-activations":
            # Whether a neuron fires is all in the sign, however small the value.
            levels = np.where(levels == ZERO, ZERO + np.sign(values), levels)
    else:
        levels = np.clip(np.rint(shares * 8), 0, 8)
        levels[(levels == 0) & (values > 0)] = 1
    levels[missing] = 9
    return levels.astype(np.int64)
