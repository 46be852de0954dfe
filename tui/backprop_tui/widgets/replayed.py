"""The views of a replay, where they differ from the lab's: what a record does not hold is said, not drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from backprop_tui.keys import REPLAY_KEYS
from backprop_tui.palette import Ink
from backprop_tui.widgets.heatmap import HEADER_LINES, HeatmapView
from backprop_tui.widgets.key_bar import KeyBar
from backprop_tui.widgets.status import Part, StatusLine, status_parts

if TYPE_CHECKING:
    from backprop_core.snapshot import Frame
    from backprop_tui.cells import Canvas

NOT_RECORDED = "the record holds no activations"


class ReplayStatus(StatusLine):
    """The lab's status line, but for the words of the state, and for the speed of a training that is none."""

    WORDS: ClassVar[dict[str, str]] = {"RUNNING": "PLAYING", "DONE": "END"}

    def parts(self, frame: Frame, *, short: bool = False) -> list[Part]:
        """Return all but the steps a second."""
        return [part for part in status_parts(frame, short=short) if part[0] != "steps/s"]


class RecordedHeatmap(HeatmapView):
    """The recorded part of a layer's activations."""

    def paint(self, canvas: Canvas) -> None:
        """Draw it, or say that there is none."""
        if self.frame is None or self.frame.heatmap.values.size:
            super().paint(canvas)
            return
        self._title(canvas, self.frame)
        self._dead_counts(canvas, self.frame)
        y = (canvas.height + HEADER_LINES) // 2
        canvas.text(max((canvas.width - len(NOT_RECORDED)) // 2, 0), y, NOT_RECORDED, Ink.MUTED)


class ReplayKeys(KeyBar):
    """The keys of a replay."""

    specs = REPLAY_KEYS
