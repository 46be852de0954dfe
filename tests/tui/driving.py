"""Opening the lab on an engine in this process, pressing its keys, and reading what it shows."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from rich.color import ColorSystem

from backprop_core.commands import Step
from backprop_core.engine import LocalEngine
from backprop_core.presets import load_preset
from backprop_tui.app import LabApp
from backprop_tui.session_log import SessionLog
from backprop_tui.widgets.message_line import MessageLine
from backprop_tui.widgets.status import StatusLine
from tests.tui.drawing import lines_of, text_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from textual.pilot import Pilot

    from backprop_core.commands import Command
    from backprop_core.engine import Engine
    from backprop_core.session import Session
    from backprop_core.snapshot import Frame
    from backprop_core.trainer import Trainer

DEADLINE = 20.0
"""A test that waits for longer has failed."""

FPS = 0.5
"""Few frames come of themselves, so that those a test asks for are the ones that train."""


def paused_engine(preset: str = "sequence", *, steps: int = 0, steps_per_frame: int = 10) -> LocalEngine:
    """Return an engine on a preset that stands still after so many steps."""
    engine = LocalEngine(load_preset(preset), steps_per_frame=steps_per_frame)
    engine.session.pause()
    if steps:
        engine.session.trainer.apply(Step(steps))
    return engine


def make_app(engine: Engine, **options: Any) -> LabApp:
    """Return a lab that draws in true colour whatever the terminal that the tests are run in."""
    log = options.pop("log", None) or SessionLog()
    watchful = options.pop("watchful", False)
    app = LabApp(engine, log, fps=FPS, **options)
    app.lab.watchful = watchful
    app.console._color_system = ColorSystem.TRUECOLOR
    return app


@dataclass
class Driver:
    """A lab that is open, and the hand on its keys."""

    app: LabApp
    pilot: Pilot[None]

    @property
    def session(self) -> Session:
        engine = self.app.lab.engine
        assert isinstance(engine, LocalEngine)
        return engine.session

    @property
    def trainer(self) -> Trainer:
        return self.session.trainer

    @property
    def message(self) -> str:
        return self.app.lab.query_one(MessageLine).text

    @property
    def status(self) -> str:
        return text_of(self.app.lab.query_one(StatusLine))

    def shown(self, selector: str) -> str:
        """Return the lines that one of the lab's widgets shows."""
        return "\n".join(lines_of(self.app.lab.query_one(selector)))  # type: ignore[type-var]

    async def frame(self) -> Frame:
        """Wait for the next frame to be drawn."""
        await self.pilot.pause()
        frame = await asyncio.wait_for(self.app.lab.next_frame(), DEADLINE)
        await self.pilot.pause()
        return frame

    async def press(self, *keys: str) -> Frame:
        """Press keys one after another, each followed by a frame."""
        for key in keys:
            await self.pilot.press(key)
            await self.frame()
        assert self.app.lab.frame is not None
        return self.app.lab.frame

    async def type(self, line: str) -> Frame:
        """Give a command to the prompt."""
        await self.pilot.press("colon")
        await self.write(line)
        await self.pilot.press("enter")
        return await self.frame()

    async def write(self, text: str) -> None:
        """Press the keys of a text."""
        names = {" ": "space", "-": "minus", ".": "full_stop", "<": "less_than_sign", "=": "equals_sign"}
        await self.pilot.press(*(names.get(character, character) for character in text))

    async def until(self, holds: Callable[[], object]) -> None:
        """Let the app go on until something holds."""
        deadline = monotonic() + DEADLINE
        while not holds():
            assert monotonic() < deadline, "what was waited for did not come"
            await self.pilot.pause()


@asynccontextmanager
async def open_lab(
    engine: Engine,
    *,
    size: tuple[int, int] = (120, 40),
    ascii_only: bool = False,
    commands: Sequence[Command] = (),
    log: SessionLog | None = None,
    **options: Any,
) -> AsyncIterator[Driver]:
    """Open the lab around an engine, and wait for its first frame."""
    app = make_app(engine, ascii_only=ascii_only, commands=commands, log=log, **options)
    async with app.run_test(size=size) as pilot:
        driver = Driver(app, pilot)
        await driver.until(lambda: app.lab.frame is not None)
        # The layout of this size comes after the first frame.
        await pilot.pause()
        await driver.frame()
        yield driver
