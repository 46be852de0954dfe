"""The message line: what the last command did, or a warning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_tui.cells import CellView, shorten
from backprop_tui.glyphs import printable
from backprop_tui.palette import Ink

if TYPE_CHECKING:
    from backprop_core.snapshot import Frame
    from backprop_tui.cells import Canvas


class MessageLine(CellView):
    """One line of plain text; nothing in it is read as markup or sent as a control character."""

    DEFAULT_CSS = "MessageLine { height: 1; width: 1fr; }"

    text = ""
    warning = False

    def say(self, text: str, *, warning: bool = False) -> None:
        """Show a text; a warning is also marked by a glyph."""
        self.text = printable(" ".join(text.split()))
        self.warning = warning
        self.redraw()

    def show(self, frame: Frame) -> None:
        """Show why the training ended, as long as nothing else has been said."""
        if frame.reason and not self.text:
            self.say(frame.reason, warning=frame.state == "DIVERGED")

    def paint(self, canvas: Canvas) -> None:
        """Draw the text, cut with an ellipsis where it is too long."""
        x = canvas.text(0, 0, f"{self.glyphs.warning} ", Ink.WARNING) if self.warning else 0
        text = shorten(self.text, canvas.width - x, self.glyphs.ellipsis)
        canvas.text(x, 0, text, Ink.WARNING if self.warning else Ink.TEXT)
