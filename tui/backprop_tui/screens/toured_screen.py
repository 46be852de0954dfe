"""A screen that can be toured: the tour is begun, followed frame by frame, and left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_tui.screens.panel_screen import PanelScreen
from backprop_tui.widgets.tour_line import TourLine

if TYPE_CHECKING:
    from backprop_core.snapshot import Frame
    from backprop_tui.tour import Tour


class TouredScreen(PanelScreen):
    """Shows the tour's lines while one is on."""

    tour: Tour | None = None

    async def begin_tour(self) -> None:
        """Begin the tour at its first step, with the overview."""
        from backprop_tui.tour import Tour

        await self.end_tour()
        await self.open_panel(None)
        self.tour = Tour()
        line = TourLine(id="tour")
        await self.mount(line, before="#message")
        # Its size comes with the layout; until then there is nothing to draw into.
        self.call_after_refresh(self._tell)

    async def end_tour(self) -> None:
        """Take the tour's lines away."""
        self.tour = None
        await self.query(TourLine).remove()
        self.wake()

    def show_frame(self, frame: Frame) -> None:
        """Hand a frame to every view, and look whether it shows that the tour's step was done."""
        super().show_frame(frame)
        if self.tour is not None:
            from backprop_tui.tour import Sight

            if self.tour.look(Sight(frame, self.panel_name)):
                self._tell()
                self.wake()

    def _tell(self) -> None:
        for line in self.query(TourLine):
            if self.tour is not None:
                line.tell(self.tour.heading, self.tour.text)

    async def on_tour_line_left(self) -> None:
        """Leave the tour."""
        await self.end_tour()
