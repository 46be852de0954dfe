"""What is shown when the training process has died."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Static

from backprop_tui.glyphs import printable
from backprop_tui.screens.closing import ClosesOnce

if TYPE_CHECKING:
    from textual.app import ComposeResult


class DiedScreen(ClosesOnce[bool]):
    """Says why, and returns whether to go on from the last state."""

    BINDINGS = [  # noqa: RUF012
        Binding("g,enter", "answer(True)", "Go on"),
        Binding("q,escape,ctrl+c", "answer(False)", "Quit"),
    ]

    def __init__(self, reason: str, state: str) -> None:
        super().__init__()
        self._reason = reason
        self._state = state

    def compose(self) -> ComposeResult:
        """The reason and the two keys."""
        with Vertical(classes="dialog small") as dialog:
            dialog.border_title = "the training has ended unexpectedly"
            yield Static(
                Text.assemble(
                    printable(self._reason),
                    ".\n\n",
                    ("g", "bold"),
                    f"  go on from {self._state}\n",
                    ("q", "bold"),
                    "  quit",
                )
            )

    def action_answer(self, go_on: bool) -> None:
        """Return the answer."""
        self.dismiss(go_on)
