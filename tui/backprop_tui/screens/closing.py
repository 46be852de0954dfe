"""What opens above the lab closes once, however many clicks and keys ask for it before it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.await_complete import AwaitComplete
from textual.command import CommandPalette
from textual.screen import ModalScreen, ScreenResultType

if TYPE_CHECKING:
    from textual.screen import Screen


class ClosesOnce(ModalScreen[ScreenResultType]):
    """A screen above the lab."""

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Close, if that has not been asked for already."""
        return super().dismiss(result) if is_on_top(self) else AwaitComplete()


class Palette(CommandPalette):
    """Textual's command palette, in which a second click beside it would end the program."""

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Close, if that has not been asked for already."""
        return super().dismiss(result) if is_on_top(self) else AwaitComplete()


def is_on_top(screen: Screen[Any]) -> bool:
    """Tell whether a screen is the one that takes the keys."""
    return screen.app.screen_stack[-1] is screen
