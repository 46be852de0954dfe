"""What is live about the lab: frames pulled from the engine, jobs for it, its death; no keys."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, suppress
from dataclasses import replace
from shutil import get_terminal_size
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from textual.containers import Container
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from backprop_core.engine import EngineDied
from backprop_core.errors import UserError
from backprop_core.frozen import dataclass
from backprop_core.snapshot import HEATMAP_MODES, View
from backprop_tui.widgets.heatmap import HeatmapView
from backprop_tui.widgets.inspector import Inspector
from backprop_tui.widgets.key_bar import KeyBar
from backprop_tui.widgets.layers_table import LayersTable
from backprop_tui.widgets.loss_plot import LossPlot
from backprop_tui.widgets.message_line import MessageLine
from backprop_tui.widgets.predictions import PredictionsView
from backprop_tui.widgets.status import StatusLine
from backprop_tui.widgets.title import TitleLine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from textual import events
    from textual.app import ComposeResult

    from backprop_core.commands import Command, Outcome
    from backprop_core.engine import Engine
    from backprop_core.snapshot import Frame
    from backprop_tui.session_log import SessionLog

    Job = Callable[[], Awaitable[object]]

Answer = TypeVar("Answer")

MESSAGE_LINES = 4
"""A message has so many lines at most."""

SMALLEST = (60, 20)
MEDIUM, WIDE = (100, 32), (160, 44)
SKIPPED = 0.7
"""A frame that is later than this share of the time between two was held up by the line."""

SKIPPED_TO_SAY = 3
"""So many frames in a row that are held up are worth a word; so many that are not take it back."""

IDLE_SECONDS = 1.0
"""How long the screen waits for something to happen when nothing trains."""


@dataclass(frozen=True)
class Selection:
    """What is looked at; neuron and sample count from 1, None is nothing."""

    layer: int = 1
    mode: str = HEATMAP_MODES[0]
    first_neuron: int = 1
    neuron: int | None = None
    sample: int | None = None


class LiveScreen(Screen[None]):
    """Shows what an engine does, and has it carry out jobs one after another.

    Jobs run beside the keys: while the engine takes its time, the screen can still be walked through and left.
    """

    AUTO_FOCUS = ""

    class GivenUp(Message):
        """The training process has died, and nobody wants to go on."""

        def __init__(self, reason: str) -> None:
            super().__init__()
            self.reason = reason

    def __init__(self, engine: Engine, fps: float, log: SessionLog) -> None:
        super().__init__()
        self.engine = engine
        self.fps = fps
        self.log_of_session = log
        self.frame: Frame | None = None
        self.scripts: list[Path] = []
        self.selection = Selection()
        self.pace: float | None = None
        self.zoomed = False
        self._jobs: asyncio.Queue[Job] = asyncio.Queue()
        self._asked = self._answered = 0
        self._wake = asyncio.Event()
        self._drawn = asyncio.Condition()
        self._hint_shown = ""
        self._skipping = 0
        self._unpainted = ExitStack()

    def compose(self) -> ComposeResult:
        """Lines above and below, four views between."""
        yield TitleLine(id="title")
        yield StatusLine(id="status")
        with Container(id="views"):
            yield LossPlot(id="loss")
            yield HeatmapView(id="heatmap")
            yield PredictionsView(id="predictions")
            yield LayersTable(id="layers")
        yield Inspector(id="inspector")
        yield MessageLine(id="message")
        yield KeyBar(id="keys")
        yield Static(id="too-small")

    def on_mount(self) -> None:
        """Name the views, and begin to pull frames."""
        # Nothing is painted before there is a frame to show: an empty screen would only delay the full one.
        # Of a terminal that has no size Textual makes up two, and would wait for one of them for ever.
        if get_terminal_size(fallback=(0, 0)) != (0, 0):
            self._unpainted.enter_context(self.app.batch_update())
        self.query_one("#predictions").border_title = "predictions"
        self.query_one("#layers").border_title = "layers"
        self.run_worker(self._pull_frames(), name="frames", exclusive=True, group="frames")
        self.run_worker(self._do_jobs(), name="jobs", exclusive=True, group="jobs")

    def on_resize(self, event: events.Resize) -> None:
        """Choose the layout that suits the size."""
        width, height = event.size
        small = width < SMALLEST[0] or height < SMALLEST[1]
        self.set_class(small, "-small")
        wide = width >= WIDE[0] and height >= WIDE[1]
        self.set_class(wide, "-wide")
        self.set_class(not wide and width >= MEDIUM[0] and height >= MEDIUM[1], "-medium")
        if small:
            self.query_one("#too-small", Static).update(
                f"The lab needs {SMALLEST[0]} columns and {SMALLEST[1]} lines; "
                f"this terminal has {width} and {height}. Training is not affected."
            )
        self._make_room_for_message()
        self.wake()

    def first_lines(self) -> list[int]:
        """Return the lines of the screen that are all text: on a slow line they are drawn before the views."""
        return [
            y
            for widget in self.query("TitleLine, StatusLine, MessageLine, Inspector, PromptLine, KeyBar")
            for y in range(widget.region.y, widget.region.bottom)
        ]

    def wake(self) -> None:
        """Have the next frame drawn at once."""
        self._wake.set()

    def select(self, **changes: Any) -> None:
        """Look at something else."""
        self.selection = replace(self.selection, **changes)
        self.wake()

    def view(self) -> View:
        """Return what the next frame should hold."""
        heatmap, loss = self.query_one(HeatmapView), self.query_one(LossPlot)
        rows, columns = heatmap.capacity
        chosen = self.selection
        marks = self.frame.curve.marks if self.frame else ()
        return View(
            layer=chosen.layer,
            mode=chosen.mode,
            first_neuron=chosen.first_neuron,
            rows=rows,
            columns=columns,
            neuron=chosen.neuron,
            sample=chosen.sample,
            curve_columns=loss.columns,
            curve_from=marks[-1].step if self.zoomed and marks else 0,
        )

    async def _pull_frames(self) -> None:
        """Ask for a frame, draw it, wait until the next is due: one request at a time."""
        while True:
            begun = monotonic()
            self._wake.clear()
            asked = self._asked
            try:
                frame = await self.engine.frame(self.view())
                if self._gone:
                    return
                self.show_frame(frame)
                await self._announce(asked)
                await self.log_of_session.look_after(self.engine, frame)
            except UserError as error:
                self.say(str(error), warning=True)
            except EngineDied as death:
                # Who waits for a frame must not wait for the answer to a question on the screen.
                await self._announce(self._asked)
                await self._engine_died(death)
                continue
            running = self.frame is None or self.frame.state == "RUNNING"
            due = begun + (1 / self.fps if running else IDLE_SECONDS)
            await self._sleep(due - monotonic())
            late = await self._line_free(due)
            if self._gone:
                return
            self._note_skipped(late and running)

    @property
    def _gone(self) -> bool:
        """Whether the screen is being taken down: its widgets go before its workers are told."""
        return not self.query(TitleLine)

    async def _line_free(self, due: float) -> bool:
        """Wait until the line can take a frame, and tell whether frames were left out for that."""
        output = self.app.output  # type: ignore[attr-defined]
        if not output.free and not self._wake.is_set():
            waits = [asyncio.ensure_future(wait) for wait in (output.wait_until_free(), self._wake.wait())]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
        return monotonic() - due > SKIPPED * 1 / self.fps

    def _note_skipped(self, skipped: bool) -> None:
        """Say in the title that frames are left out, once it is not for a moment only."""
        self._skipping = min(self._skipping + 1, SKIPPED_TO_SAY) if skipped else max(self._skipping - 1, 0)
        title = self.query_one(TitleLine)
        if self._skipping in (0, SKIPPED_TO_SAY):
            title.slow_line = self._skipping > 0

    async def _announce(self, answered: int) -> None:
        self._answered = answered
        async with self._drawn:
            self._drawn.notify_all()

    async def _sleep(self, seconds: float) -> None:
        """Wait until the next frame is due, or until something has happened that it should show."""
        if seconds > 0 and not self._wake.is_set():
            try:
                await asyncio.wait_for(self._wake.wait(), seconds)
            except TimeoutError:
                return

    async def next_frame(self) -> Frame:
        """Wait until all jobs are done and the frame after them is drawn, and return it."""
        await self._jobs.join()
        return await self._drawn_frame()

    async def _drawn_frame(self) -> Frame:
        self.wake()
        async with self._drawn:
            await self._drawn.wait()
        assert self.frame is not None
        return self.frame

    async def current(self) -> Frame:
        """Return a frame that shows what every request so far has led to: keys may come quicker than frames."""
        while self.frame is None or self._answered < self._asked:
            await self._drawn_frame()
        return self.frame

    def show_frame(self, frame: Frame) -> None:
        """Hand a frame to every view, drawn as one update."""
        before, self.frame = self.frame, frame
        with self.app.batch_update():
            # A panel's frame holds nothing of the overview, which so stays as it was until it is back.
            overview = (
                "" if frame.panel is not None else ", LossPlot, HeatmapView, PredictionsView, Inspector"
            )
            for widget in self.query("TitleLine, StatusLine" + overview):
                widget.show(frame)  # type: ignore[attr-defined]
            for widget in self.query("LayersTable, KeyBar"):
                widget.show(frame)  # type: ignore[attr-defined]
            self._unpainted.close()
            if frame.experiment.watch and self._hint_shown != frame.experiment.name:
                self._hint_shown = frame.experiment.name
                self.say(frame.experiment.watch)
            if frame.reason and (before is None or frame.reason != before.reason):
                where = f"; {frame.divergence}" if frame.divergence else ""
                self.say(frame.reason + where, warning=frame.state == "DIVERGED")

    def say(self, text: str, *, warning: bool = False) -> None:
        """Write into the message line; what does not even fit into its lines is shown above the views as well."""
        message = self.query_one(MessageLine)
        message.say(text, warning=warning)
        if self._make_room_for_message() > MESSAGE_LINES:
            self.app.notify(
                message.text, severity="warning" if warning else "information", timeout=20, markup=False
            )

    def hint(self, text: str) -> None:
        """Show a text in place of the message, until it is the empty one."""
        self.query_one(MessageLine).hint(text)
        self._make_room_for_message()

    def _make_room_for_message(self) -> int:
        """Give a message as many lines as it needs, up to a number, and return how many that are."""
        message = self.query_one(MessageLine)
        needed = message.lines_needed(self.size.width - 2)
        message.styles.height = min(needed, MESSAGE_LINES)
        self.set_class(needed > 1, "-long-message")
        return needed

    def job(self, job: Job) -> None:
        """Have something done that needs the engine, after all that was asked for before."""
        self._jobs.put_nowait(job)

    async def _do_jobs(self) -> None:
        while True:
            job = await self._jobs.get()
            try:
                await job()
            except UserError as error:
                self.say(str(error), warning=True)
            except EngineDied:
                # The next frame's request finds out too, and tells.
                pass
            except Exception as error:
                # One failed key ends no session: it is told, with where its traceback is kept.
                from backprop_tui.internal_errors import told

                self.say(told(error), warning=True)
            finally:
                self._jobs.task_done()
                self.wake()

    async def ask(self, request: Awaitable[Answer]) -> Answer:
        """Wait for the engine's answer to a request that changes what frames show."""
        self._asked += 1
        return await request

    async def send(self, command: Command) -> Outcome:
        """Have the engine carry out a command, and report what it did."""
        outcome = await self.ask(self.engine.command(command))
        text = f"{outcome.warning} · {outcome.result}" if outcome.warning else outcome.result
        self.say(text, warning=bool(outcome.warning) or outcome.passed is False)
        self.log_of_session.command(outcome)
        self.wake()
        return outcome

    async def _engine_died(self, death: EngineDied) -> None:
        """Say why, and go on from the last state or quit."""
        from backprop_tui.screens.died import DiedScreen

        self._unpainted.close()
        step = f"step {self.log_of_session.kept_step}" if self.engine.last_state else "the beginning"
        if not await self.app.push_screen_wait(DiedScreen(death.reason, step)):
            self.post_message(self.GivenUp(death.reason))
            await asyncio.Event().wait()
        self.engine.close()
        self.engine = self.engine.revived()
        # Should it have died again, the next request for a frame tells.
        with suppress(EngineDied):
            if self.frame and self.frame.state != "RUNNING":
                await self.engine.pause()
            if self.pace is not None:
                await self.engine.pace(self.pace)
        self.say(f"going on from {step}")
