"""The message line: what the last command did, or a warning; while a command is typed, help with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_tui.cells import CellView, shorten
from backprop_tui.glyphs import printable
from backprop_tui.palette import Ink

if TYPE_CHECKING:
    from backprop_tui.cells import Canvas


class MessageLine(CellView):
    """Plain text, in as many lines as the widget has; nothing in it is markup or a control character."""

    DEFAULT_CSS = "MessageLine { height: 1; width: 1fr; }"

    text = ""
    warning = False
    _hint = ""

    def say(self, text: str, *, warning: bool = False) -> None:
        """Show a text; a warning is also marked by a glyph."""
        self.text = one_line(text)
        self.warning = warning
        self.redraw()

    def hint(self, text: str) -> None:
        """Show another text in place of it, until this one is empty."""
        self._hint = printable(text)
        self.redraw()

    def lines_needed(self, width: int) -> int:
        """Return how many lines of a width would show all of the text."""
        return len(wrapped(self._hint or self._marked(), width))

    def _marked(self) -> str:
        return f"{self.glyphs.warning} {self.text}" if self.warning else self.text

    def paint(self, canvas: Canvas) -> None:
        """Draw the text, cut with an ellipsis where even the last line is too short for it."""
        text, ink = (self._hint, Ink.MUTED) if self._hint else (self._marked(), self._ink())
        lines = wrapped(text, canvas.width)
        for y, line in enumerate(lines[: canvas.height]):
            rest = " ".join(lines[y:]) if y == canvas.height - 1 else line
            canvas.text(0, y, shorten(rest, canvas.width, self.glyphs.ellipsis), ink)

    def _ink(self) -> int:
        return Ink.WARNING if self.warning else Ink.TEXT


def one_line(text: str) -> str:
    """Return text without anything that would end a line or control the terminal."""
    return printable(" ".join(text.split()))


def wrapped(text: str, width: int) -> list[str]:
    """Return lines that break between words; a word longer than a line is broken where the line ends."""
    lines = []
    while len(text) > width > 0:
        at = text.rfind(" ", 1, width + 1)
        at = at if at > 0 else width
        lines.append(text[:at].rstrip())
        text = text[at:].lstrip()
    return [*lines, text]
