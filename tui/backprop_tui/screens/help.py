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
    from textual import events
    from textual.app import ComposeResult


class HelpScreen(ModalScreen[str | None]):
    """Explains the screen, the keys and the commands; scrolls. Returns "tour" if that word was typed."""

    BINDINGS = [Binding("escape,q,question_mark", "dismiss", "Close")]  # noqa: RUF012

    def __init__(self, watch: str, *, ascii_only: bool = False) -> None:
        super().__init__()
        self._watch = watch
        self._ascii_only = ascii_only
        self._typed = ""

    def compose(self) -> ComposeResult:
        """One scrolling text in a frame."""
        text = help_text(self._watch)
        if self._ascii_only:
            text.plain = to_ascii(text.plain)
        with VerticalScroll(classes="dialog") as scroll:
            scroll.border_title = "help"
            scroll.border_subtitle = "[@click=screen.tour]type tour to take the tour[/], esc closes"
            yield Static(text)

    def on_key(self, event: events.Key) -> None:
        """Begin the tour once its name has been typed."""
        self._typed = (self._typed + (event.character or " "))[-len("tour") :]
        if self._typed == "tour":
            event.stop()
            self.action_tour()

    def action_tour(self) -> None:
        """Leave the help for the tour."""
        self.dismiss("tour")
