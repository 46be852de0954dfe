"""The list of presets, above the lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from backprop_core.presets import load_preset, preset_names
from backprop_tui.glyphs import printable, to_ascii
from backprop_tui.screens.closing import ClosesOnce

if TYPE_CHECKING:
    from textual.app import ComposeResult

NAME_WIDTH = 2 + max(map(len, preset_names()))


class PresetsScreen(ClosesOnce[str | None]):
    """Returns the name of the chosen preset, None if none was chosen."""

    BINDINGS = [Binding("escape,q,p", "leave", "Close")]  # noqa: RUF012

    def __init__(self, current: str, *, ascii_only: bool = False) -> None:
        super().__init__()
        self._current = current
        self._ascii_only = ascii_only
        self._presets = {name: load_preset(name) for name in preset_names()}

    def compose(self) -> ComposeResult:
        """A line a preset, and below them all that is to be said of one."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = f"presets {'-' if self._ascii_only else '·'} enter opens, esc closes"
            yield OptionList(*map(self._option, self._presets), compact=True)
            yield Static(id="details")

    def on_mount(self) -> None:
        """Begin at the preset that is open."""
        options = self.query_one_optional(OptionList)
        if options is None:
            # The app is left while this opens.
            return
        names = list(self._presets)
        options.highlighted = names.index(self._current) if self._current in names else 0
        options.focus()

    def _option(self, name: str) -> Option:
        described = printable(self._presets[name].description)
        return Option(self._shown(Text.assemble((name.ljust(NAME_WIDTH), "bold"), described)), id=name)

    def _shown(self, text: Text) -> Text:
        if self._ascii_only:
            text.plain = to_ascii(text.plain)
        return text

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Say all of the one looked at."""
        preset = self._presets[str(event.option_id)]
        details = Text.assemble(printable(preset.description), "\n", (printable(preset.watch), "bold"))
        self.query_one("#details", Static).update(self._shown(details))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open the chosen one."""
        self.dismiss(event.option_id)

    def action_leave(self) -> None:
        """Open none."""
        self.dismiss(None)
