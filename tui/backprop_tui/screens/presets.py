"""The list of presets, above the lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.binding import Binding
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from backprop_core.presets import load_preset, preset_names
from backprop_tui.glyphs import printable, to_ascii

if TYPE_CHECKING:
    from textual.app import ComposeResult


class PresetsScreen(ModalScreen[str | None]):
    """Returns the name of the chosen preset, None if none was chosen."""

    BINDINGS = [Binding("escape,q,p", "leave", "Close")]  # noqa: RUF012

    def __init__(self, current: str, *, ascii_only: bool = False) -> None:
        super().__init__()
        self._current = current
        self._ascii_only = ascii_only

    def compose(self) -> ComposeResult:
        """Each preset with its description and hint."""
        options = OptionList(*map(self._option, preset_names()), classes="dialog")
        options.border_title = "presets"
        options.border_subtitle = "enter opens, esc closes"
        yield options

    def on_mount(self) -> None:
        """Begin at the preset that is open."""
        options = self.query_one(OptionList)
        names = preset_names()
        options.highlighted = names.index(self._current) if self._current in names else 0
        options.focus()

    def _option(self, name: str) -> Option:
        preset = load_preset(name)
        text = Text.assemble(
            (name, "bold"), "\n", printable(preset.description), "\n", (printable(preset.watch), "dim"), "\n"
        )
        if self._ascii_only:
            text.plain = to_ascii(text.plain)
        return Option(text, id=name)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open the chosen one."""
        self.dismiss(event.option_id)

    def action_leave(self) -> None:
        """Open none."""
        self.dismiss(None)
