"""Lines between the neurons of two layers: sign by colour and glyph, size by thickness."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backprop_core.frozen import dataclass
from backprop_tui.palette import Ink
from backprop_tui.plotting import Grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_tui.cells import Canvas

SIZES = 4
"""Thicknesses: dotted, one dot, two, three."""


@dataclass(frozen=True)
class Line:
    """From a line of cells on the left to one on the right; ``share`` is value over bound, −1 to 1."""

    start: int
    stop: int
    share: float
    place: float
    muted: bool


def thickness(share: float) -> int:
    """Return 1 to :data:`SIZES`, or 0 for nothing at all."""
    return 0 if not share or not np.isfinite(share) else min(int(abs(share) * SIZES) + 1, SIZES)


def draw_lines(canvas: Canvas, x: int, y: int, width: int, height: int, lines: list[Line]) -> None:
    """Draw lines into a rectangle, the strongest above the others, each with its sign on it."""
    grid = Grid(width, height, canvas.ascii_only, compact=True)
    dots = np.zeros(grid.dots[::-1], np.bool_)
    inks = np.zeros((height, width), np.uint8)
    signs: list[tuple[int, int, str, int]] = []
    up = grid.dots[1] // height
    across = grid.dots[0] // width
    for line in sorted(lines, key=lambda line: (not line.muted, abs(line.share))):
        size = thickness(line.share)
        if not size:
            continue
        ink: int = Ink.MUTED if line.muted else Ink.NEGATIVE if line.share < 0 else Ink.POSITIVE
        columns = np.arange(grid.dots[0])
        middle = (np.array([line.start, line.stop]) + 0.5) * up
        rows = np.rint(np.linspace(middle[0], middle[1], len(columns))).astype(np.int64)
        _put(dots, inks, columns, rows, size, ink, up, across)
        at = min(int(line.place * width), width - 1)
        row = int(np.clip(rows[at * across] // up, 0, height - 1))
        signs.append((at, row, "-" if line.share < 0 else "+", ink))
    codes = grid.characters(dots)
    for row in range(height):
        drawn = np.flatnonzero(codes[row] != ord(" "))
        for start, stop in _runs(drawn):
            canvas.put(x + start, y + row, codes[row, start:stop], inks[row, start:stop])
    for at, row, sign, ink in signs:
        canvas.text(x + at, y + row, sign, ink)


def _put(
    dots: NDArray[np.bool_],
    inks: NDArray[np.uint8],
    columns: NDArray[np.int64],
    rows: NDArray[np.int64],
    size: int,
    ink: int,
    up: int,
    across: int,
) -> None:
    """Set the dots of one line, and make the cells that it passes its colour."""
    if size == 1:
        columns, rows = columns[::3], rows[::3]
    for shift in range(max(size - 1, 1)):
        shifted = np.clip(rows + shift - (size - 1) // 2, 0, len(dots) - 1)
        dots[shifted, columns] = True
        inks[shifted // up, columns // across] = ink


def _runs(places: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return (start, stop) of runs of neighbouring places."""
    if not len(places):
        return []
    breaks = np.flatnonzero(np.diff(places) > 1)
    starts = places[np.concatenate(([0], breaks + 1))]
    stops = places[np.concatenate((breaks, [len(places) - 1]))] + 1
    return list(zip(starts.tolist(), stops.tolist(), strict=True))
