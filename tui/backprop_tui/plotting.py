"""Curves as cells: plotext draws the axes and places the marks, NumPy rasters many values into few marks.

plotext takes time in proportion to its points, so it is given one point a cell, whose marker already holds
the dots of that cell.
"""

from __future__ import annotations

import dataclasses
from dataclasses import field
from typing import TYPE_CHECKING

import numpy as np
from plotext._date import date_class
from plotext._monitor import monitor_class

from backprop_core.frozen import dataclass
from backprop_tui.cells import BLANK, code_points
from backprop_tui.glyphs import to_ascii
from backprop_tui.palette import Ink

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from plotext._matrix import matrix_class

    from backprop_tui.cells import Canvas
    from backprop_tui.scales import Axis

BRAILLE = 0x2800
COMPACT_BELOW = 12
_BRAILLE_BITS = np.array([[1, 8], [2, 16], [4, 32], [64, 128]], np.uint32)
_ASCII_DOTS = np.array([BLANK, ord("'"), ord("."), ord(":")], np.uint32)
_ASCII_BITS = np.array([[1], [2]], np.uint32)


@dataclass(frozen=True)
class Grid:
    """How many cells a plot's canvas has, and how many dots fit into each.

    In a ``compact`` plot the labels of the x axis are on its line, not below it.
    """

    columns: int
    rows: int
    ascii_only: bool
    compact: bool

    @property
    def dots(self) -> tuple[int, int]:
        """Dots across and up the whole canvas."""
        across, up = (1, 2) if self.ascii_only else (2, 4)
        return self.columns * across, self.rows * up

    def characters(self, dots: NDArray[np.bool_]) -> NDArray[np.uint32]:
        """Return the character of each cell, blank where no dot is set; row 0 is the top."""
        bits = _ASCII_BITS if self.ascii_only else _BRAILLE_BITS
        up, across = bits.shape
        blocks = dots.reshape(self.rows, up, self.columns, across)
        codes: NDArray[np.uint32] = (blocks * bits[None, :, None, :]).sum(axis=(1, 3), dtype=np.uint32)
        if self.ascii_only:
            return np.asarray(_ASCII_DOTS[codes])
        return np.where(codes == 0, np.uint32(BLANK), codes + BRAILLE).astype(np.uint32)


@dataclasses.dataclass
class Layer:
    """One curve's dots (row 0 is the top) and the ink of the cells that hold them.

    A cell has one ink only. Where a curve is ``alone``, the dots of those below it are left out of its cells:
    in a dense band it could not be seen otherwise.
    """

    dots: NDArray[np.bool_]
    ink: int
    character: str | None = None
    alone: bool = False


@dataclasses.dataclass
class Plot:
    """A plot to be drawn: axes and layers, later layers over earlier ones."""

    x: Axis
    y: Axis
    x_labels: tuple[str, ...]
    y_labels: tuple[str, ...]
    layers: list[Layer] = field(default_factory=list)


def band_dots(
    shares_x: NDArray[np.float64],
    shares_low: NDArray[np.float64],
    shares_high: NDArray[np.float64],
    dots: tuple[int, int],
) -> NDArray[np.bool_]:
    """Return the dots of a band from low to high, neighbours connected; NaN leaves a gap.

    Where several values fall into a column of dots, it spans all of them; where a column has none, it is
    interpolated between its neighbours.
    """
    across, up = dots
    low, high = np.full(across, np.nan), np.full(across, np.nan)
    for start, stop in finite_runs(shares_low):
        columns = np.rint(shares_x[start:stop] * (across - 1)).astype(np.int64)
        first, last = int(columns[0]), int(columns[-1])
        least, most = np.full(across, np.inf), np.full(across, -np.inf)
        np.minimum.at(least, columns, shares_low[start:stop])
        np.maximum.at(most, columns, shares_high[start:stop])
        known = np.flatnonzero(np.isfinite(least))
        span = np.arange(first, last + 1)
        low[span] = np.fmin(low[span], np.interp(span, known, least[known]))
        high[span] = np.fmax(high[span], np.interp(span, known, most[known]))
    bottom, top = np.rint(low * (up - 1)), np.rint(high * (up - 1))
    joined_bottom, joined_top = bottom.copy(), top.copy()
    joined_bottom[1:] = np.where(np.isnan(top[:-1]), bottom[1:], np.minimum(bottom[1:], top[:-1] + 1))
    joined_top[1:] = np.where(np.isnan(bottom[:-1]), top[1:], np.maximum(top[1:], bottom[:-1] - 1))
    heights = np.arange(up - 1, -1, -1)[:, None]
    return np.asarray((heights >= joined_bottom) & (heights <= joined_top))


def finite_runs(values: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return (start, stop) of the runs of finite values."""
    finite = np.concatenate(([False], np.isfinite(values), [False]))
    edges = np.flatnonzero(finite[1:] != finite[:-1]).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def draw_plot(canvas: Canvas, left: int, top: int, width: int, height: int, plot: Plot) -> Grid:
    """Draw a plot into a rectangle of the canvas, and return the grid that its curves have."""
    grid = plot_grid(width, height, plot.y_labels, ascii_only=canvas.ascii_only)
    monitor = monitor_class()
    monitor.set_date(date_class())
    monitor.set_size([width, grid.rows + (0 if grid.compact else 2)])
    monitor.set_xaxes(not grid.compact, False)
    monitor.set_yaxes(True, False)
    monitor.set_xlim(0, grid.columns - 1)
    monitor.set_ylim(0, grid.rows - 1)
    shares_x = plot.x.share(np.array(plot.x.ticks)) * (grid.columns - 1)
    shares_y = plot.y.share(np.array(plot.y.ticks)) * (grid.rows - 1)
    monitor.set_xticks(*(([], []) if grid.compact else (shares_x.tolist(), plot.x_labels)))
    monitor.set_yticks(shares_y.tolist(), plot.y_labels)
    xs, ys, markers, inks = _marks(grid, plot.layers)
    monitor.draw(xs or [0], ys or [0], marker=markers or [" "], color=inks or [int(Ink.MUTED)])
    monitor.build_plot()
    _copy(canvas, left, top, monitor.matrix)
    if grid.compact:
        _labelled_line(canvas, left + width - grid.columns, top + grid.rows, grid, shares_x, plot.x_labels)
    return grid


def plot_grid(width: int, height: int, y_labels: tuple[str, ...], *, ascii_only: bool) -> Grid:
    """Return the cells left for curves beside labels and axes."""
    beside = max(map(len, y_labels), default=0) + 1
    compact = height < COMPACT_BELOW
    return Grid(max(width - beside, 2), max(height - (1 if compact else 2), 2), ascii_only, compact)


def _labelled_line(
    canvas: Canvas, x: int, y: int, grid: Grid, ticks: NDArray[np.float64], labels: tuple[str, ...]
) -> None:
    """Draw an x axis of one line, its labels on it."""
    canvas.text(x - 1, y, "└" + "─" * grid.columns, Ink.MUTED)
    free = x
    for tick, label in zip(np.rint(ticks).astype(int).tolist(), labels, strict=True):
        start = min(max(x + tick - len(label) // 2, x), x + grid.columns - len(label))
        if start >= free:
            free = canvas.text(start, y, label, Ink.MUTED) + 1


def _marks(grid: Grid, layers: list[Layer]) -> tuple[list[int], list[int], list[str], list[int]]:
    """Return one mark a cell: the dots of all layers in it, in the ink of the last layer that has some."""
    across, up = grid.dots
    every = np.zeros((up, across), np.bool_)
    inks = np.zeros((grid.rows, grid.columns), np.uint8)
    own = np.zeros((grid.rows, grid.columns), np.uint32)
    for layer in layers:
        cells = grid.characters(layer.dots) != BLANK
        if layer.alone:
            every &= ~np.kron(cells, np.ones((up // grid.rows, across // grid.columns), np.bool_))
        every |= layer.dots
        inks[cells] = layer.ink
        own[cells] = 0 if layer.character is None else ord(layer.character)
    characters = grid.characters(every)
    characters = np.where(own > 0, own, characters)
    rows, columns = np.nonzero(characters != BLANK)
    texts = characters[rows, columns].astype(np.uint32).tobytes().decode("utf-32-le")
    return columns.tolist(), (grid.rows - 1 - rows).tolist(), list(texts), inks[rows, columns].tolist()


def _copy(canvas: Canvas, left: int, top: int, matrix: matrix_class) -> None:
    """Copy plotext's matrix, whose row 0 is the lowest; a mark's colour is its ink's number."""
    muted = int(Ink.MUTED)
    rows = zip(reversed(matrix.marker), reversed(matrix.fullground), strict=True)
    for y, (markers, colours) in enumerate(rows, top):
        inks = np.array([colour if isinstance(colour, int) else muted for colour in colours], np.uint8)
        text = "".join(markers)
        canvas.put(left, y, code_points(to_ascii(text) if canvas.ascii_only else text), inks)


def fill_blank(canvas: Canvas, y: int, start: int, stop: int, character: str, ink: int) -> None:
    """Draw a horizontal line where nothing else is drawn."""
    _fill(canvas.characters[y, start:stop], canvas.inks[y, start:stop], character, ink)


def fill_blank_down(canvas: Canvas, x: int, start: int, stop: int, character: str, ink: int) -> None:
    """Draw a vertical line where nothing else is drawn."""
    _fill(canvas.characters[start:stop, x], canvas.inks[start:stop, x], character, ink)


def _fill(characters: NDArray[np.uint32], inks: NDArray[np.uint8], character: str, ink: int) -> None:
    # A blank in another ink belongs to a text.
    free = (characters == BLANK) & ((inks == Ink.TEXT) | (inks == Ink.MUTED))
    characters[free] = code_points(character)[0]
    inks[free] = ink
