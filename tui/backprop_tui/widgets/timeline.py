"""The timeline of a replay: where in the record one is, and where something was done; a click goes there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from backprop_tui.cells import CellView
from backprop_tui.palette import Ink

if TYPE_CHECKING:
    from textual import events

    from backprop_core.replay import ReplayEngine
    from backprop_core.snapshot import Frame
    from backprop_tui.cells import Canvas

SHORTEST_TRACK = 10


class Timeline(CellView):
    """A track as wide as there is room, a glyph at each intervention and at each beginning of a run."""

    DEFAULT_CSS = "Timeline { height: 1; width: 1fr; }"

    class Picked(Message):
        """A place on the track was clicked."""

        def __init__(self, position: int) -> None:
            super().__init__()
            self.position = position

    def __init__(self, engine: ReplayEngine, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self._engine = engine
        self._marked = engine.marked
        self._track = range(0)

    def show(self, _: Frame) -> None:
        """Show where the engine is."""
        self.redraw()

    def _words(self) -> tuple[str, str]:
        """Return what stands before the track and after it; as wide at every moment, so that nothing moves."""
        engine = self._engine
        total = str(engine.last + 1)
        before = f"snapshot {engine.position + 1:>{len(total)}} of {total} "
        runs = engine.record.runs
        run = f" run {engine.moment.run} of {runs}" if runs > 1 else ""
        return before, f"{run} {self.glyphs.separator} {engine.speed:g} a second"

    def paint(self, canvas: Canvas) -> None:
        """Draw the track between its words; on the last line there is of this widget's."""
        before, after = self._words()
        if canvas.width < len(before) + len(after) + SHORTEST_TRACK:
            after = ""
        x = canvas.text(0, 0, before, Ink.TEXT)
        self._track = range(x, max(canvas.width - len(after), x + 1))
        canvas.text(x, 0, self.glyphs.reference * len(self._track), Ink.MUTED)
        here = self._column(self._engine.position)
        canvas.text(x, 0, self.glyphs.training * (here - x), Ink.TRAINING)
        for position in self._marked:
            canvas.text(self._column(position), 0, self.glyphs.mark, Ink.MARK)
        canvas.text(here, 0, self.glyphs.levels[8], Ink.STRONG)
        canvas.text(self._track.stop, 0, after, Ink.MUTED)

    def _column(self, position: int) -> int:
        share = position / self._engine.last if self._engine.last else 1.0
        return self._track.start + round(share * (len(self._track) - 1))

    def on_click(self, event: events.Click) -> None:
        """Go to the clicked place."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.x in self._track:
            share = (offset.x - self._track.start) / max(len(self._track) - 1, 1)
            self.post_message(self.Picked(round(share * self._engine.last)))
