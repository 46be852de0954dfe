"""The help, above the lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from backprop_tui.glyphs import to_ascii
from backprop_tui.help_text import help_text

if TYPE_CHECKING:
    from rich.text import Text
    from textual.app import ComposeResult


class HelpScreen(ModalScreen[None]):
    """Explains the screen, the keys and the commands, or shows another long text; scrolls."""

    BINDINGS = [Binding("escape,q,question_mark", "dismiss", "Close")]  # noqa: RUF012

    def __init__(
        self, watch: str = "", *, text: Text | None = None, title: str = "help", ascii_only: bool = False
    ) -> None:
        super().__init__()
        self._text = help_text(watch) if text is None else text
        self._title = title
        self._ascii_only = ascii_only

    def compose(self) -> ComposeResult:
        """One scrolling text in a frame."""
        text = self._text
        if self._ascii_only:
            text.plain = to_ascii(text.plain)
        with VerticalScroll(classes="dialog") as scroll:
            scroll.border_title = self._title
            scroll.border_subtitle = "esc closes"
            yield Static(text)
