"""The tour's lines: where one is, what to do, how to leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from backprop_tui.cells import CellView, shorten
from backprop_tui.palette import Ink
from backprop_tui.widgets.message_line import wrapped

if TYPE_CHECKING:
    from textual import events

    from backprop_tui.cells import Canvas

LEAVE = "T leaves"


class TourLine(CellView):
    """Two lines above the message; a click on its end leaves the tour."""

    DEFAULT_CSS = "TourLine { height: 2; width: 1fr; }"

    heading = ""
    text = ""

    class Left(Message):
        """The visitor wants to leave the tour."""

    def tell(self, heading: str, text: str) -> None:
        """Show a step."""
        self.heading, self.text = heading, text
        self.redraw()

    def paint(self, canvas: Canvas) -> None:
        """Draw the heading, the text in what is left of two lines, and how to leave."""
        lines = wrapped(f"{self.heading}: {self.text}", max(canvas.width - len(LEAVE) - 2, 10))
        for y, line in enumerate(lines[: canvas.height]):
            rest = " ".join(lines[y:]) if y == canvas.height - 1 else line
            canvas.text(0, y, shorten(rest, canvas.width - len(LEAVE) - 2, self.glyphs.ellipsis), Ink.STRONG)
        canvas.inks[0, : len(self.heading)] = Ink.MARK
        canvas.text(canvas.width - len(LEAVE), 0, LEAVE, Ink.MUTED)

    def on_click(self, event: events.Click) -> None:
        """Leave, if that was clicked."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.y == 0 and offset.x >= self.size.width - len(LEAVE):
            self.post_message(self.Left())
