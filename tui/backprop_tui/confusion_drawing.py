"""Who is taken for whom: a matrix of classes, and the most confused samples as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backprop_tui.cells import code_points, shorten
from backprop_tui.palette import Ink

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.outcome import Confused, Confusion
    from backprop_tui.cells import Canvas
    from backprop_tui.glyphs import Glyphs

NAME_WIDTH = 7
LIT = 0.5
_HALVES = (" ", "▀", "▄", "█")
_ASCII_HALVES = (" ", "'", ".", ":")


def count_width(confusion: Confusion) -> int:
    """Return how many columns a count takes, a gap included."""
    return max(len(str(int(confusion.counts.max(initial=0)))) + 1, 4)


def matrix_width(confusion: Confusion) -> int:
    """Return how many columns the matrix needs."""
    return NAME_WIDTH + count_width(confusion) * len(confusion.classes) + 8


def draw_matrix(canvas: Canvas, x: int, y: int, rows: int, confusion: Confusion, glyphs: Glyphs) -> None:
    """Draw a row for each true class, a column for each predicted one; what is missed stands out."""
    width = count_width(confusion)
    names = [shorten(name, width - 1, glyphs.ellipsis) for name in confusion.classes]
    canvas.text(x, y, "true".rjust(NAME_WIDTH - 1), Ink.MUTED)
    canvas.text(x + NAME_WIDTH, y, "".join(name.rjust(width) for name in names), Ink.MUTED)
    canvas.text(x + NAME_WIDTH + width * len(names) + 2, y, "right", Ink.MUTED)
    for truth, counts in enumerate(confusion.counts[: max(rows - 1, 0)]):
        line = y + 1 + truth
        name = shorten(confusion.classes[truth], NAME_WIDTH - 1, glyphs.ellipsis)
        canvas.text(x, line, name.rjust(NAME_WIDTH - 1), Ink.MUTED)
        for predicted, count in enumerate(counts.tolist()):
            text = (str(count) if count else glyphs.dead_cell).rjust(width)
            ink = Ink.STRONG if predicted == truth else Ink.DEAD if count else Ink.MUTED
            canvas.text(x + NAME_WIDTH + width * predicted, line, text, ink)
        total = int(counts.sum())
        share = f"{counts[truth] / total:.1%}".rjust(7) if total else ""
        canvas.text(x + NAME_WIDTH + width * len(names), line, share, Ink.TEXT)


def draw_sample(
    canvas: Canvas, x: int, y: int, sample: Confused, classes: tuple[str, ...], glyphs: Glyphs, *, large: bool
) -> None:
    """Draw a sample's picture, and below it what it is and what it is taken for."""
    pixels = sample.pixels
    height = 0
    if pixels is not None:
        height = _grey(canvas, x, y, pixels, glyphs) if large else _halves(canvas, x, y, pixels, glyphs)
    wrong = sample.truth != sample.predicted and sample.share < LIT
    canvas.text(x, y + height, caption(sample, classes), Ink.DEAD if wrong else Ink.MUTED)


def caption(sample: Confused, classes: tuple[str, ...]) -> str:
    """Return what a sample is and what it is taken for; of one that is no picture, also which it is."""
    text = f"{classes[sample.truth]} as {classes[sample.predicted]}"
    return text if sample.pixels is not None else f"sample {sample.row}: {text}"


def picture_size(side: int, *, large: bool) -> tuple[int, int]:
    """Return the columns and lines of a sample's picture with its caption."""
    return (2 * side, side + 1) if large else (max(side, 8), -(-side // 2) + 1)


def _grey(canvas: Canvas, x: int, y: int, pixels: NDArray[np.float32], glyphs: Glyphs) -> int:
    """Draw two cells a pixel, in nine levels; return the lines drawn."""
    levels = np.clip(np.rint(pixels * 8), 0, 8).astype(np.int64)
    characters = code_points(
        glyphs.levels[0] + (glyphs.levels[8] * 8 if not glyphs.ascii else "".join(glyphs.levels[1:]))
    )
    for row, line in enumerate(np.repeat(levels, 2, axis=1)):
        canvas.put(x, y + row, characters[line], (Ink.LEVEL + line).astype(np.uint8))
    return len(pixels)


def _halves(canvas: Canvas, x: int, y: int, pixels: NDArray[np.float32], glyphs: Glyphs) -> int:
    """Draw half a cell a pixel, lit or not; return the lines drawn."""
    lit = np.pad(pixels >= LIT, ((0, len(pixels) % 2), (0, 0)))
    which = lit[::2].astype(np.int64) + 2 * lit[1::2]
    characters = code_points("".join(_ASCII_HALVES if glyphs.ascii else _HALVES))
    for row, line in enumerate(which):
        canvas.put(x, y + row, characters[line], Ink.TEXT)
    return len(which)
