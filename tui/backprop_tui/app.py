"""The Textual app: the lab screen, the glyphs it draws with, and how it is left."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, ClassVar

from textual._compositor import CompositorUpdate
from textual.app import App
from textual.binding import Binding
from textual.color import Color
from textual.events import InputEvent, MouseMove

from backprop_core.commands import Run, Step
from backprop_core.engine import EngineDied
from backprop_core.errors import UserError
from backprop_tui.glyphs import ASCII, UNICODE
from backprop_tui.legible import legible
from backprop_tui.screens.lab_screen import LabScreen
from backprop_tui.terminal.flow import AT_FIRST, AT_FIRST_OVER_SSH, Flow
from backprop_tui.terminal.glass import Glass
from backprop_tui.terminal.output import Output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.command import Provider
    from textual.driver import Driver
    from textual.events import Event, Resize
    from textual.screen import Screen
    from textual.theme import Theme

    from backprop_core.commands import Command
    from backprop_core.engine import Engine
    from backprop_core.snapshot import Frame
    from backprop_tui.screens.live_screen import LiveScreen
    from backprop_tui.session_log import SessionLog


def _lab_commands() -> type[Provider]:
    """Return the palette's provider; it is imported when the palette is opened."""
    from backprop_tui.palette_commands import LabCommands

    return LabCommands


def _lab_driver() -> type[Driver]:
    from backprop_tui.terminal.driver import LabDriver

    return LabDriver


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
    treat : bool
        Apply of itself what a diagnosis recommends.
    tour : bool
        Begin with the tour.
    over_ssh : bool
        Whether the line to the terminal may be slow.

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
        Binding("ctrl+z", "suspend_process", "Suspend", show=False, priority=True),
        Binding("ctrl+l", "draw_anew", "Draw anew", show=False, priority=True),
    ]
    ENABLE_COMMAND_PALETTE = True
    LIVE_SCREEN: ClassVar[type[LiveScreen]] = LabScreen
    """What is always there."""

    def __init__(
        self,
        engine: Engine,
        log: SessionLog,
        *,
        fps: float = 10.0,
        ascii_only: bool = False,
        commands: Sequence[Command] = (),
        treat: bool = False,
        tour: bool = False,
        over_ssh: bool = False,
    ) -> None:
        if not os.environ.get("NO_COLOR"):
            # By its convention an empty one asks for nothing; to Textual it does.
            os.environ.pop("NO_COLOR", None)
        super().__init__()
        self.glyphs = ASCII if ascii_only else UNICODE
        self.animation_level = "none"
        self.lab = self.LIVE_SCREEN(engine, fps, log)
        self.treats = treat
        self.farewell = ""
        self._leaving = False
        self._session_log = log
        self._commands = tuple(commands)
        self._tour = tour
        self.set_class(ascii_only, "-ascii")
        self.output = Output(
            Glass(None if self.no_color else self.console._color_system, ascii_only=ascii_only),
            self._write,
            Flow(AT_FIRST_OVER_SSH if over_ssh else AT_FIRST) if self.driver_class is _lab_driver() else None,
            self._first_lines,
        )

    def get_driver_class(self) -> type[Driver]:
        """Return the lab's own driver for a Unix terminal, Textual's for anything else."""
        from textual.drivers.linux_driver import LinuxDriver

        chosen = super().get_driver_class()
        return _lab_driver() if chosen is LinuxDriver else chosen

    @property
    def last_frame(self) -> Frame | None:
        """The frame drawn last."""
        return self.lab.frame

    def _note_background(self, _: Theme) -> None:
        """Tell which background means nothing, where colours are left out."""
        self.output.glass.forget_styles(Color.parse(self.theme_variables["background"]).rgb)

    def get_css_variables(self) -> dict[str, str]:
        """Return the theme's variables, so changed that all text can be read."""
        variables = super().get_css_variables()
        if self.current_theme.ansi:
            return {**variables, "dialog-title": variables["foreground"]}
        self.theme_variables = {**variables, **legible(variables, dark=self.current_theme.dark)}
        return self.theme_variables

    def _write(self, text: str) -> None:
        if self._driver is not None:
            self._driver.write(text)

    def _first_lines(self) -> Sequence[int]:
        return self.lab.first_lines() if self.screen is self.lab else ()

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        """Draw an update on the glass, which sends what differs from what the terminal shows."""
        shown = isinstance(renderable, CompositorUpdate) and self._driver and not self.is_headless
        if not shown or self._batch_count or not self._running or self._closed:
            super()._display(screen, renderable)
            return
        self.output.show(renderable, self.screen.outer_size.clamp_offset(self.cursor_position))
        self.post_display_hook()

    def _on_terminal_supports_synchronized_output(self, message: Any) -> None:
        super()._on_terminal_supports_synchronized_output(message)
        self.output.synchronised = self._sync_available

    def terminal_entered(self) -> None:
        """Draw everything: the terminal has just been taken over."""
        self.lab.engine.go_on()
        if self.output.flow is not None:
            self.output.flow.nothing_on_the_way()
        self.output.ask()
        self.output.anew()

    def terminal_left(self) -> None:
        """Have the training stand still while the lab is suspended."""
        self.lab.engine.suspend()

    def terminal_answered(self, now: float) -> None:
        """Go on sending: what was sent before has arrived."""
        self.output.answered(now)

    def terminal_gone(self) -> None:
        """Leave as on the signal that usually tells so."""
        self._on_signal(signal.SIGHUP)

    async def on_event(self, event: Event) -> None:
        """Have what a key or the mouse changes sent before all else."""
        if isinstance(event, InputEvent) and not isinstance(event, MouseMove):
            self.output.urge()
        await super().on_event(event)

    def on_resize(self, event: Resize) -> None:
        """Draw everything: a terminal that was smaller for a moment has lost what did not fit."""
        if event.size == (self.output.glass.width, self.output.glass.height):
            self.output.anew()

    def action_draw_anew(self) -> None:
        """Draw everything, as after another program has written into the terminal."""
        self.output.anew()

    def action_suspend_process(self) -> None:
        """Return to the shell until it continues the lab; training stops as well."""
        from backprop_tui.terminal.driver import can_be_suspended, suspend_group

        if not (self._driver and self._driver.can_suspend):
            return
        if not can_be_suspended():
            self.lab.say("there is no shell to return to here", warning=True)
            return
        self._suspend_signal()
        suspend_group()

    def get_default_screen(self) -> Screen[Any]:
        """Return the lab."""
        return self.lab

    def on_mount(self) -> None:
        """Heed signals, and carry out the commands given on opening."""
        self._note_background(self.current_theme)
        self.theme_changed_signal.subscribe(self, self._note_background)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Not every loop runs where signals can be had, for example in tests.
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self._on_signal, number)
        if self._tour:
            assert isinstance(self.lab, LabScreen)
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
        if number == signal.SIGHUP and self._leaving:
            # A terminal that goes away is told twice, by the signal and by the end of what can be read.
            return
        self._leave(f"signal {signal.Signals(number).name}", 128 + number)

    def action_palette(self) -> None:
        """Open the command palette, with a text to begin with that has no character above 0x7e."""
        from backprop_tui.screens.closing import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(placeholder="a word of what to do"))

    def search_themes(self) -> None:
        """Open a palette of the themes."""
        from textual.theme import ThemeProvider

        from backprop_tui.screens.closing import Palette

        self.push_screen(Palette(providers=[ThemeProvider], placeholder="a theme"))

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
        for screen in self.screen_stack:
            # A palette that is still looking for commands would show them in a list that is taken down before it.
            self.workers.cancel_node(screen)
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
