"""The page of a fault: what it is, with its mathematics, and what cures it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from backprop_core.diagnosis.faults import FAULTS
from backprop_tui.glyphs import spelled_out

if TYPE_CHECKING:
    from textual.app import ComposeResult


def fault_text(name: str) -> Text:
    """Return the page of a fault."""
    fault = FAULTS[name]
    text = Text()
    text.append(f"{fault.title}\n", "bold")
    text.append(f"{fault.why}\n\n")
    # Its lines are broken for the source: here the screen breaks them.
    for paragraph in fault.help.replace("-\n", "-").split("\n\n"):
        text.append(f"{' '.join(paragraph.split())}\n")
    causes = [FAULTS[cause].title for cause in fault.causes if cause in FAULTS]
    if causes:
        text.append("\nWhat may have led to it\n", "bold")
        text.append(f"{', '.join(causes)}\n")
    return text


class FaultScreen(ModalScreen[None]):
    """Explains one fault; scrolls."""

    BINDINGS = [Binding("escape,q,question_mark", "dismiss", "Close")]  # noqa: RUF012

    def __init__(self, name: str, *, ascii_only: bool = False) -> None:
        super().__init__()
        self._fault = name
        self._ascii_only = ascii_only

    def compose(self) -> ComposeResult:
        """One scrolling text in a frame."""
        text = fault_text(self._fault)
        if self._ascii_only:
            text.plain = spelled_out(text.plain)
        with VerticalScroll(classes="dialog page") as scroll:
            scroll.border_title = self._fault
            scroll.border_subtitle = "esc closes"
            yield Static(text)
