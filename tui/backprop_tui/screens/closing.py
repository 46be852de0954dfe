"""What opens above the lab closes once, however many clicks and keys ask for it before it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual._styles_cache import StylesCache
from textual.await_complete import AwaitComplete
from textual.command import CommandList, CommandPalette
from textual.screen import ModalScreen, ScreenResultType

if TYPE_CHECKING:
    from textual.screen import Screen
    from textual.worker import Worker


class ClosesOnce(ModalScreen[ScreenResultType]):
    """A screen above the lab."""

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Close, if that has not been asked for already."""
        return super().dismiss(result) if is_on_top(self) else AwaitComplete()

    def on_unmount(self) -> None:
        """Give back what was drawn."""
        forget_closed()


class Palette(CommandPalette):
    """Textual's command palette, in which a second click beside it would end the program."""

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Close, if that has not been asked for already."""
        if not is_on_top(self):
            return AwaitComplete()
        self.workers.cancel_node(self)
        return super().dismiss(result)

    def on_unmount(self) -> None:
        """Give back what was drawn."""
        forget_closed()

    def _gather_commands(self, search_value: str) -> Worker[None] | None:  # type: ignore[override]
        """Look for what has been typed, unless that is heard of when the list is being taken down."""
        there = is_on_top(self) and self.query(CommandList)
        return super()._gather_commands(search_value) if there else None

    def _action_command_list(self, action: str) -> None:
        """Pass a key on to the list; one without lines, as in a window of no height, has no pages to go through."""
        commands = self.query_one(CommandList)
        # Lays out what has been found since the last frame.
        commands.scroll_to_highlight()
        if commands.scrollable_content_region:
            super()._action_command_list(action)


def forget_closed() -> None:
    """Have Textual forget the lines of screens that are closed: it remembers 1024 widgets of them, 100 MB."""
    StylesCache.get_inner_outer.cache_clear()


def is_on_top(screen: Screen[Any]) -> bool:
    """Tell whether a screen is the one that takes the keys."""
    return screen.app.screen_stack[-1] is screen
