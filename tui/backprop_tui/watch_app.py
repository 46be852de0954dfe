"""The app around a script that is watched."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, cast

from backprop_tui.app import LabApp
from backprop_tui.palette_commands import Entry, LabCommands
from backprop_tui.screens.watch_screen import WatchScreen
from backprop_tui.session_log import SessionLog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from backprop_core.engine import Engine
    from backprop_core.snapshot import Frame
    from backprop_tui.screens.watch_screen import Reviewer


class WatchLog(SessionLog):
    """Keeps nothing: the state of a script is its own."""

    async def look_after(self, _engine: Engine, _frame: Frame) -> None:
        """Do nothing."""

    async def finish(self, _engine: Engine, _reason: str) -> Frame | None:
        """Do nothing."""
        return None


class WatchCommands(LabCommands):
    """What can be done now with a script that is watched."""

    def _entries(self) -> Iterator[Entry]:
        screen = cast("WatchScreen", self.screen)
        if screen.frame is None:
            return
        running = screen.frame.state == "RUNNING"
        yield self._entry(
            "Pause the script" if running else "Let the script go on", "space", "toggle_running"
        )
        yield self._entry("Take one update", "s", "step")
        yield self._entry("Run the script again", "n", "run_again")
        yield self._entry("Show findings or predictions", "f", "toggle_findings")
        yield self._entry("Show the whole report", "enter", "report")
        yield self._entry("Help", "?", "help")
        yield "Change the theme", "colours, dark or light", self.app.search_themes
        yield "Save a picture of the screen", "an SVG file in the working directory", screen.save_picture
        yield "Quit", "key q", partial(self.app.run_action, "quit")


class WatchApp(LabApp):
    """The lab around a script of the user's own.

    Parameters
    ----------
    engine : Engine
    review : callable
        Returns the review of the script, when it is ready.
    """

    COMMANDS: ClassVar[set[Any]] = {WatchCommands}

    LIVE_SCREEN = WatchScreen
    lab: WatchScreen

    def __init__(self, engine: Engine, review: Reviewer, **options: Any) -> None:
        super().__init__(engine, WatchLog(), **options)
        self.lab.review = review
