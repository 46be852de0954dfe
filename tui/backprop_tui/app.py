"""The Textual app: the lab screen, the glyphs it draws with, and how it is left."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App
from textual.binding import Binding
from textual.command import CommandPalette

from backprop_core.commands import Run, Step
from backprop_core.engine import EngineDied
from backprop_core.errors import UserError
from backprop_tui.glyphs import ASCII, UNICODE
from backprop_tui.screens.lab_screen import LabScreen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.command import Provider
    from textual.screen import Screen

    from backprop_core.commands import Command
    from backprop_core.engine import Engine
    from backprop_core.snapshot import Frame
    from backprop_tui.screens.live_screen import LiveScreen
    from backprop_tui.session_log import SessionLog


def _lab_commands() -> type[Provider]:
    """Return the palette's provider; it is imported when the palette is opened."""
    from backprop_tui.palette_commands import LabCommands

    return LabCommands


class LabApp(App[None]):
    """The lab around one engine.

    Parameters
    ----------
    engine : Engine
    log : SessionLog
    fps : float
        Frames a second at most.
    ascii_only : bool
        Draw with no character above 0x7e.
    commands : sequence of Command
        Carried out on opening, in their order.
    tour : bool
        Begin with the tour.

    Attributes
    ----------
    farewell : str
        What is to be said on standard error once the screen is gone; empty if nothing.
    """

    TITLE = "backprop-tui"
    CSS_PATH = "app.tcss"
    COMMANDS: ClassVar[set[Any]] = {_lab_commands}
    BINDINGS: ClassVar[list[Any]] = [
        Binding("q", "quit", "Quit", show=False),
        Binding("ctrl+c", "quit", "Quit", show=False, priority=True),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True),
    ]
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        engine: Engine,
        log: SessionLog,
        *,
        fps: float = 10.0,
        ascii_only: bool = False,
        commands: Sequence[Command] = (),
        tour: bool = False,
    ) -> None:
        super().__init__()
        self.glyphs = ASCII if ascii_only else UNICODE
        self.animation_level = "none"
        self.lab = LabScreen(engine, fps, log)
        self.farewell = ""
        self._leaving = False
        self._session_log = log
        self._commands = tuple(commands)
        self._tour = tour
        self.set_class(ascii_only, "-ascii")

    @property
    def last_frame(self) -> Frame | None:
        """The frame drawn last."""
        return self.lab.frame

    def get_default_screen(self) -> Screen[Any]:
        """Return the lab."""
        return self.lab

    def on_mount(self) -> None:
        """Heed signals, and carry out the commands given on opening."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            # Not every loop runs where signals can be had, for example in tests.
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self._on_signal, number)
        if self._tour:
            self.lab.take_tour()
        if self._commands:
            self.run_worker(self._carry_out(), name="script")

    async def _carry_out(self) -> None:
        """Carry out the commands; one that fails, or training that somebody stops, ends that."""
        await self.lab.next_frame()
        try:
            for command in self._commands:
                outcome = await self.lab.send(command)
                if outcome.passed is False or not await self._trained(command):
                    return
        except UserError as error:
            self.lab.say(str(error), warning=True)
        except EngineDied:
            return

    async def _trained(self, command: Command) -> bool:
        """Wait until training that a command has begun is over; False if it was stopped on the way."""
        frame = await self.lab.next_frame()
        if not isinstance(command, (Run, Step)) or frame.state != "RUNNING":
            return True
        while frame.state == "RUNNING":
            frame = await self.lab.next_frame()
        if frame.reason:
            return True
        self.lab.say("the script has ended here, because its training was stopped", warning=True)
        return False

    def _on_signal(self, number: int) -> None:
        self._leave(f"signal {signal.Signals(number).name}", 128 + number)

    def action_palette(self) -> None:
        """Open the command palette, with a text to begin with that has no character above 0x7e."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder="a word of what to do", id="--command-palette"))

    def action_command_palette(self) -> None:
        """Open the command palette by Textual's own key."""
        self.action_palette()

    async def action_quit(self) -> None:
        """Save what is to be saved, and leave."""
        self._leave("quit", 0)

    def on_live_screen_given_up(self, event: LiveScreen.GivenUp) -> None:
        """Leave after the training process has died."""
        self.farewell = event.reason
        self.lab.engine.close()
        self.exit(return_code=1)

    def _leave(self, reason: str, code: int) -> None:
        """Leave beside the keys: should the training process not answer, a second wish to leave is heard."""
        if self._leaving:
            self._gone(code)
        else:
            self._leaving = True
            self.run_worker(self._save_and_leave(reason, code), name="leaving")

    async def _save_and_leave(self, reason: str, code: int) -> None:
        # No frame may be recorded after the end, nor drawn on views that are being taken down.
        self.workers.cancel_node(self.lab)
        try:
            self.lab.frame = await self._session_log.finish(self.lab.engine, reason) or self.lab.frame
        except UserError as error:
            self.farewell = str(error)
            code = code or 2
        except EngineDied:
            pass
        self._gone(code)

    def _gone(self, code: int) -> None:
        self.lab.engine.close()
        if code == 128 + signal.SIGHUP:
            # The terminal is gone: restoring it would wait for ever for writes that cannot end.
            os._exit(code)
        self.exit(return_code=code)

    async def run_action(self, *arguments: Any, **options: Any) -> bool:
        """Perform an action; an error in it is told, and the session goes on."""
        try:
            return await super().run_action(*arguments, **options)
        except Exception as error:
            from backprop_tui.internal_errors import told

            self.lab.say(told(error), warning=True)
            return True

    def _fatal_error(self) -> None:
        """Leave with one line, where Textual would print a traceback."""
        from backprop_tui.internal_errors import told

        error = sys.exception()
        assert error is not None
        self.farewell = told(error)
        self._close_messages_no_wait()
