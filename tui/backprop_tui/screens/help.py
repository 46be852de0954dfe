"""The help, above the lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import Static

from backprop_tui.glyphs import to_ascii
from backprop_tui.screens.closing import ClosesOnce

if TYPE_CHECKING:
    from rich.text import Text
    from textual.app import ComposeResult


class HelpScreen(ClosesOnce[None]):
    """Explains what is seen and what the keys do; scrolls."""

    BINDINGS = [Binding("escape,q,question_mark", "dismiss", "Close")]  # noqa: RUF012

    def __init__(self, text: Text, *, title: str = "help", ascii_only: bool = False) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._ascii_only = ascii_only

    def compose(self) -> ComposeResult:
        """One scrolling text in a frame."""
        text = self._text
        if self._ascii_only:
            text.plain = to_ascii(text.plain)
        with VerticalScroll(classes="dialog") as scroll:
            # At the top: on a slow line it is drawn first.
            scroll.border_title = f"{self._title} {'-' if self._ascii_only else '·'} esc closes"
            yield Static(text)
