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
    from textual import events
    from textual.app import ComposeResult


class HelpScreen(ClosesOnce[str | None]):
    """Explains what is seen and what the keys do; scrolls. Returns "tour" if that word was typed."""

    BINDINGS = [Binding("escape,q,question_mark", "dismiss", "Close")]  # noqa: RUF012

    def __init__(
        self, text: Text, *, title: str = "help", tour: bool = False, ascii_only: bool = False
    ) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._tour = tour
        self._ascii_only = ascii_only
        self._typed = ""

    def compose(self) -> ComposeResult:
        """One scrolling text in a frame."""
        text = self._text
        if self._ascii_only:
            text.plain = to_ascii(text.plain)
        with VerticalScroll(classes="dialog") as scroll:
            # At the top: on a slow line it is drawn first.
            scroll.border_title = f"{self._title} {'-' if self._ascii_only else '·'} esc closes"
            if self._tour:
                scroll.border_subtitle = "[@click=screen.tour]type tour to take the tour[/]"
            yield Static(text)

    def on_key(self, event: events.Key) -> None:
        """Begin the tour once its name has been typed."""
        self._typed = (self._typed + (event.character or " "))[-len("tour") :]
        if self._tour and self._typed == "tour":
            event.stop()
            self.action_tour()

    def action_tour(self) -> None:
        """Leave the help for the tour."""
        self.dismiss("tour")
