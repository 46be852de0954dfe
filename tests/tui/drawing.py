"""Drawing one widget in an app of its own, and reading what it shows."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from rich.color import ColorSystem
from textual.app import App

from backprop_tui.glyphs import UNICODE, Glyphs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from textual.app import ComposeResult
    from textual.pilot import Pilot
    from textual.widget import Widget

    from backprop_tui.cells import Canvas, CellView


class Stage(App[None]):
    """One widget that fills the screen; remembers the messages that it posts."""

    CSS = "Screen > * { width: 1fr; height: 1fr; }"

    def __init__(self, *widgets: Widget, glyphs: Glyphs = UNICODE) -> None:
        super().__init__()
        self.widgets = widgets
        self.glyphs = glyphs
        # Whatever the terminal that the tests are run in.
        self.console._color_system = ColorSystem.TRUECOLOR
        self.received: list[object] = []

    def compose(self) -> ComposeResult:
        yield from self.widgets

    def on_heatmap_view_picked(self, message: object) -> None:
        self.received.append(message)

    def on_heatmap_view_scrolled(self, message: object) -> None:
        self.received.append(message)


@asynccontextmanager
async def on_stage(
    *widgets: Widget, width: int = 60, height: int = 16, glyphs: Glyphs = UNICODE
) -> AsyncIterator[Pilot[None]]:
    """Run an app that shows the widgets in a terminal of a given size."""
    async with Stage(*widgets, glyphs=glyphs).run_test(size=(width, height)) as pilot:
        await pilot.pause()
        yield pilot


def received_in(pilot: Pilot[None]) -> list[Any]:
    """Return the messages that the widgets posted so far."""
    assert isinstance(pilot.app, Stage)
    return pilot.app.received


def canvas_of(widget: CellView) -> Canvas:
    """Return the cells that a widget shows."""
    assert widget._shown is not None
    return widget._shown


def lines_of(widget: CellView) -> list[str]:
    """Return the lines that a widget shows, without the blanks at their ends."""
    return [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]


def text_of(widget: CellView) -> str:
    return "\n".join(lines_of(widget))
