"""What is opened in place of the overview: which panel, its part of each frame, its keys and its mouse."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from backprop_tui.panels import PANELS, following
from backprop_tui.screens.live_screen import LiveScreen
from backprop_tui.widgets.key_bar import KeyBar

if TYPE_CHECKING:
    from backprop_core.snapshot import Frame, View
    from backprop_tui.keys import KeySpec
    from backprop_tui.widgets.panel import Panel


class PanelScreen(LiveScreen):
    """A live screen whose overview can give its room to a panel."""

    panel: Panel | None = None
    panel_name: str | None = None

    def view(self) -> View:
        """Return what the next frame should hold: the overview's parts, or what the panel asks for."""
        view = super().view()
        # Before it has been laid out, a panel does not know how much to ask for.
        return (
            replace(view, panel=self.panel.request()) if self.panel is not None and self.panel.size else view
        )

    def show_frame(self, frame: Frame) -> None:
        """Hand a frame to every view, the panel too, drawn as one update."""
        with self.app.batch_update():
            super().show_frame(frame)
            if self.panel is not None:
                self.panel.show(frame)
                self._name_keys(self.panel.keys)

    async def action_next_panel(self) -> None:
        """Open what comes next in turn: the overview, one panel after another, the overview."""
        await self.open_panel(following(self.panel_name))

    async def action_panel(self, name: str) -> None:
        """Open a panel, or close it if it is the one that is open."""
        await self.open_panel(None if name == self.panel_name else name)

    async def open_panel(self, name: str | None) -> None:
        """Open a panel by its name, None for the overview."""
        if name == self.panel_name:
            return
        if self.panel is not None:
            await self.panel.remove()
        self.panel, self.panel_name = None, name
        if name is not None:
            self.panel = PANELS[name].create()
            await self.mount(self.panel, after="#views")
            if self.panel.PAUSES:
                self.job(self._pause)
        self.set_class(name is not None, "-panel")
        self._name_keys(() if self.panel is None else self.panel.keys)
        self.wake()

    def _name_keys(self, keys: tuple[KeySpec, ...]) -> None:
        """Have the key bar begin with the panel's keys."""
        bar = self.query_one(KeyBar)
        if bar.lead != keys:
            bar.lead = keys
            bar.redraw()

    async def _pause(self) -> None:
        await self.ask(self.engine.pause())

    def action_confirm(self) -> None:
        """Do what the open panel does on enter."""
        if self.panel is not None:
            self.panel.confirm()
            self.wake()

    def on_panel_changed(self) -> None:
        """Show what the panel shows now."""
        self.wake()

    def on_panel_sent(self, event: Panel.Sent) -> None:
        """Carry out what the panel wants."""

        async def send() -> None:
            await self.send(event.command)

        self.job(send)
