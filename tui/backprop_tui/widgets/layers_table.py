"""The layers: activation, units, dead, and the recent course of gradient norm and update/weight ratio."""

from __future__ import annotations

from collections import deque
from math import isfinite, log10
from typing import TYPE_CHECKING

from backprop_tui.cells import CellView
from backprop_tui.palette import Ink
from backprop_tui.scales import short_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backprop_core.snapshot import Frame, LayerSummary
    from backprop_tui.cells import Canvas
    from backprop_tui.glyphs import Glyphs

FRAMES_A_MARK = 3
"""One mark of a sparkline covers so many frames: it moves three times a second, not at every frame."""

MARKS_KEPT = 64
NUMBER_WIDTH = 8

Course = deque[float]


class LayersTable(CellView):
    """One line a layer, below a header."""

    DEFAULT_CSS = "LayersTable { width: 1fr; height: 1fr; }"

    def __init__(self, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.frame: Frame | None = None
        self._courses: dict[int, tuple[Course, Course]] = {}
        self._last_step = -1
        self._frames = 0
        self.border_title = "layers"

    def show(self, frame: Frame) -> None:
        """Show a frame's layers and remember their numbers."""
        self.frame = frame
        self._remember(frame)
        self.redraw()

    def _remember(self, frame: Frame) -> None:
        snapshot = frame.snapshot
        if snapshot.step == self._last_step:
            return
        if snapshot.step < self._last_step:
            self._courses.clear()
        self._last_step = snapshot.step
        if self._frames % FRAMES_A_MARK == 0:
            for layer in snapshot.layers:
                gradients, updates = self._courses.setdefault(
                    layer.layer, (deque(maxlen=MARKS_KEPT), deque(maxlen=MARKS_KEPT))
                )
                gradients.append(layer.gradient_norm)
                updates.append(layer.update_ratio)
        self._frames += 1

    def paint(self, canvas: Canvas) -> None:
        """Draw the header and a line for each layer."""
        if self.frame is None:
            return
        layers = self.frame.snapshot.layers
        name_width = 3 + max(len("layer"), *(len(layer.activation) for layer in layers))
        dead_width = max(len("dead"), *(len(dead_count(layer, self.glyphs)) for layer in layers))
        left = name_width + dead_width + 3
        course = max(min((canvas.width - left + 2) // 2 - NUMBER_WIDTH - 3, MARKS_KEPT), 0)
        step = NUMBER_WIDTH + (course + 3 if course else 1)
        canvas.text(0, 0, f" # {'layer':<{name_width - 3}} {'dead':>{dead_width}}", Ink.MUTED)
        canvas.text(left, 0, "gradient", Ink.MUTED)
        canvas.text(left + step, 0, "update/weight" if course > 4 else "upd/wt", Ink.MUTED)
        room = canvas.height - 1
        for y, layer in enumerate(layers[:room], 1):
            canvas.text(0, y, f"{layer.layer:>2} {layer.activation}", Ink.TEXT)
            dead = dead_count(layer, self.glyphs).rjust(dead_width)
            canvas.text(name_width + 1, y, dead, Ink.DEAD if layer.dead else Ink.TEXT)
            self._courses_of(canvas, left, y, layer, step, course)
        if len(layers) > room > 0:
            canvas.text(
                0, canvas.height - 1, f"{len(layers) - room + 1} more layers".ljust(canvas.width), Ink.MUTED
            )

    def _courses_of(self, canvas: Canvas, x: int, y: int, layer: LayerSummary, step: int, width: int) -> None:
        courses = self._courses.get(layer.layer, ((), ()))
        for value, course in zip((layer.gradient_norm, layer.update_ratio), courses, strict=True):
            canvas.text(x, y, number(value), Ink.TEXT)
            canvas.text(x + NUMBER_WIDTH + 1, y, sparkline(course, width, self.glyphs), Ink.TRAINING)
            x += step


def dead_count(layer: LayerSummary, glyphs: Glyphs) -> str:
    """Return how many of a layer's units are dead, or a dash where none can be."""
    return f"{len(layer.dead)}/{layer.units}" if layer.can_die else f"{glyphs.dash}/{layer.units}"


def number(value: float) -> str:
    """Return a number of steady width."""
    return short_number(float(f"{value:.3g}")).ljust(NUMBER_WIDTH) if isfinite(value) else f"{value}"


def sparkline(values: Sequence[float], width: int, glyphs: Glyphs) -> str:
    """Return the latest values as levels, logarithmic; a zero is the empty level."""
    latest = list(values)[max(len(values) - width, 0) :] if width else []
    logs = [log10(value) for value in latest if value > 0 and isfinite(value)]
    if not logs:
        return glyphs.levels[0] * len(latest)
    low, high = min(logs), max(max(logs), min(logs) + 1)
    return "".join(
        glyphs.missing
        if not isfinite(value)
        else glyphs.levels[0]
        if value <= 0
        else glyphs.levels[1 + round((log10(value) - low) / (high - low) * 7)]
        for value in latest
    )
