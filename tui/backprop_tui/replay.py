"""Opening a replay: the record is read before the screen is opened."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, ClassVar

from backprop_core.files import harmless
from backprop_core.record import read_record
from backprop_core.replay import ReplayEngine
from backprop_tui.app import LabApp
from backprop_tui.opening import run, screen_options
from backprop_tui.screens.replay_screen import ReplayScreen
from backprop_tui.session_log import SessionLog

if TYPE_CHECKING:
    from pathlib import Path

    from backprop_core.engine import Engine
    from backprop_core.snapshot import Frame

DEFAULT_SPEED = 2.0


class Unlogged(SessionLog):
    """A replay leaves nothing behind."""

    async def look_after(self, engine: Engine, frame: Frame) -> None:
        """Do nothing."""


class ReplayApp(LabApp):
    """The app around a record that is played."""

    LIVE_SCREEN = ReplayScreen
    COMMANDS: ClassVar[set[Any]] = set()
    ENABLE_COMMAND_PALETTE = False

    def action_palette(self) -> None:
        """Do nothing: the lab's palette is full of what a record cannot do."""


def open_replay(path: Path, *, speed: float, fps: float | None, ascii_only: bool) -> int:
    """Open a record, and return the exit code when the replay is left.

    Raises
    ------
    UserError
        If it cannot be read; the screen is not opened then.
    """
    record = read_record(path)
    app = ReplayApp(
        ReplayEngine(record, speed=speed), Unlogged(), **screen_options(fps, ascii_only=ascii_only)
    )
    run(app)
    for line in filter(None, (record.note, app.farewell)):
        sys.stderr.write(f"backprop-tui: {harmless(line)}\n")
    return app.return_code or 0
