"""The output over the plane, with samples on it, and the hidden neurons' own pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backprop_tui.cells import code_points
from backprop_tui.palette import ZERO, Ink
from backprop_tui.scales import short_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.outcome import NeuronPlane, Plane
    from backprop_tui.cells import Canvas
    from backprop_tui.glyphs import Glyphs

CALM = 0.9
"""A level stays until its value is so many levels away from it; half a level is where another is nearer."""

POINTS = ("o", "x")
"""A sample below the middle, and one above it."""


def signed_levels(values: NDArray[np.float32], middle: float, reach: float) -> NDArray[np.int64]:
    """Return levels 0 to 8, 4 only at the middle itself; 9 where a value is not finite.

    So that the boundary between two classes is where the sign changes, no value beside it is drawn as on it.
    """
    away = (values.astype(np.float64) - middle) / (reach or 1.0)
    missing = ~np.isfinite(away)
    away[missing] = 0.0
    steps = np.clip(np.rint(away * 4), -4, 4)
    levels = ZERO + np.where(steps == 0, np.sign(away), steps)
    levels[missing] = 9
    return levels.astype(np.int64)


def calm_levels(
    values: NDArray[np.float32], middle: float, reach: float, shown: NDArray[np.int64] | None
) -> NDArray[np.int64]:
    """Return levels as :func:`signed_levels`, but keep those shown as long as they are about right.

    A value that trembles around the edge of two levels so does not flicker; the sign is always the value's.
    """
    levels = signed_levels(values, middle, reach)
    if shown is None or shown.shape != levels.shape:
        return levels
    away = np.nan_to_num((values.astype(np.float64) - middle) / (reach or 1.0)) * 4
    near = np.abs(np.clip(away, -4, 4) - (shown - ZERO)) < CALM
    same_side = (np.sign(shown - ZERO) == np.sign(levels - ZERO)) & (levels != 9) & (shown != 9)
    return np.where(near & same_side, shown, levels)


def draw_levels(canvas: Canvas, x: int, y: int, levels: NDArray[np.int64], glyphs: Glyphs) -> None:
    """Draw levels of the signed scale, a cell each."""
    characters = code_points("".join(glyphs.signed) + glyphs.missing)
    inks = np.array([*range(Ink.SIGNED, Ink.SIGNED + 9), Ink.DEAD], np.uint8)
    for row, line in enumerate(levels):
        canvas.put(x, y + row, characters[line], inks[line])


def draw_plane(
    canvas: Canvas, x: int, y: int, plane: Plane, levels: NDArray[np.int64], glyphs: Glyphs
) -> None:
    """Draw the output over the plane, as levels, and the samples on it."""
    rows, columns = levels.shape
    draw_levels(canvas, x, y, levels, glyphs)
    across = (plane.x - plane.low[0]) / (plane.high[0] - plane.low[0])
    down = (plane.high[1] - plane.y) / (plane.high[1] - plane.low[1])
    places = zip(
        np.clip((across * columns).astype(int), 0, columns - 1).tolist(),
        np.clip((down * rows).astype(int), 0, rows - 1).tolist(),
        (plane.targets > plane.middle).tolist(),
        plane.wrong.tolist(),
        strict=True,
    )
    # Samples that are taken for the other class are drawn last: they are what is looked for.
    for column, row, above, wrong in sorted(places, key=lambda place: place[3]):
        canvas.text(x + column, y + row, POINTS[above], Ink.DEAD if wrong else Ink.STRONG)


def axis_line(plane: Plane) -> str:
    """Return the ranges of both features in words."""
    (left, bottom), (right, top) = plane.low, plane.high
    across, up = plane.features
    return (
        f"{across}: {short_number(rounded(left))} to {short_number(rounded(right))}, "
        f"{up}: {short_number(rounded(bottom))} to {short_number(rounded(top))}"
    )


def rounded(value: float) -> float:
    """Return a value with three significant digits."""
    return float(f"{value:.3g}")


def sample_line(plane: Plane, room: int) -> list[tuple[str, int]]:
    """Return what the samples' characters mean, and how many are on the wrong side, in the words that fit."""
    if plane.classes is None:
        return [
            (
                f"{POINTS[0]} below, {POINTS[1]} above the targets' mean {short_number(rounded(plane.middle))}",
                Ink.MUTED,
            )
        ]
    if plane.outputs == 1:
        names = plane.classes
    else:
        name = plane.classes[plane.output - 1]
        names = (f"not {name}", name)
    parts: list[tuple[str, int]] = [(f"{POINTS[0]} {names[0]}  {POINTS[1]} {names[1]}", Ink.TEXT)]
    wrong = int(plane.wrong.sum())
    for text in (f"  {wrong} of {len(plane.wrong)} on the wrong side", f"  {wrong} wrong", f" {wrong} wrong"):
        if wrong and len(parts[0][0]) + len(text) <= room:
            return [*parts, (text, Ink.DEAD)]
    return parts


def neuron_levels(picture: NeuronPlane, shown: NDArray[np.int64] | None = None) -> NDArray[np.int64] | None:
    """Return a neuron's activation as levels that are calm beside those shown; None if it is 0 everywhere."""
    finite = picture.values[np.isfinite(picture.values)]
    largest = float(np.abs(finite).max()) if finite.size else 0.0
    if picture.dead or not largest:
        return None
    return calm_levels(picture.values, 0.0, largest, shown)


def draw_neuron(
    canvas: Canvas, x: int, y: int, picture: NeuronPlane, levels: NDArray[np.int64] | None, glyphs: Glyphs
) -> None:
    """Draw a neuron's number, and below it its activation over the plane."""
    ink = Ink.DEAD if picture.dead else Ink.MUTED
    mark = f" {glyphs.dead} dead" if picture.dead else ""
    canvas.text(x, y, f"{picture.neuron}{mark}", ink)
    if levels is not None:
        draw_levels(canvas, x, y + 1, levels, glyphs)
        return
    rows, columns = picture.values.shape
    for row in range(rows):
        canvas.put(x, y + 1 + row, np.full(columns, ord(glyphs.dead_cell), np.uint32), ink)
