"""The lab: pulls frames from the engine, shows them, sends what keys and the prompt say."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import replace
from shutil import get_terminal_size
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding
from textual.containers import Container
from textual.screen import Screen
from textual.widgets import Static

from backprop_core.commands import (
    ReinitDead,
    Restart,
    Run,
    SetOption,
    Step,
    Undo,
)
from backprop_core.engine import EngineDied
from backprop_core.errors import UserError
from backprop_core.frozen import dataclass
from backprop_core.grammar import parse_command
from backprop_core.presets import load_preset
from backprop_core.snapshot import HEATMAP_MODES, View
from backprop_tui.choices import leaky_switch, next_pace, next_rate
from backprop_tui.keys import KEYS
from backprop_tui.saving import write_script
from backprop_tui.updates import LeanUpdates
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
    from textual import events
    from textual.app import ComposeResult

    from backprop_core.commands import Command, Outcome
    from backprop_core.engine import Engine
    from backprop_core.experiment import Experiment
    from backprop_core.snapshot import Frame
    from backprop_tui.prompt import Prompt
    from backprop_tui.session_log import SessionLog

SMALLEST = (60, 20)
MEDIUM, WIDE = (100, 32), (160, 44)
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


class LabScreen(LeanUpdates, Screen[None]):
    """The one screen that is always there."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[Any]] = [
        Binding(
            spec.keys,
            spec.action,
            spec.help,
            show=False,
            id=spec.action,
            tooltip=spec.help,
            # Otherwise keys that come right after it, as when pasted, would act before the prompt has opened.
            priority=spec.action == "prompt",
        )
        for spec in KEYS
        if spec.action not in ("palette", "quit")
    ]

    def __init__(self, engine: Engine, fps: float, log: SessionLog) -> None:
        super().__init__()
        self.engine = engine
        self.fps = fps
        self.log_of_session = log
        self.frame: Frame | None = None
        self.selection = Selection()
        self.pace: float | None = None
        self.zoomed = False
        self._wake = asyncio.Event()
        self._drawn = asyncio.Condition()
        self._hint_shown = ""
        self._prompt: Prompt | None = None
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
                f"this terminal has {width} and {height}. Training goes on."
            )
        self.wake()

    def wake(self) -> None:
        """Have the next frame drawn at once."""
        self._wake.set()

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
            try:
                frame = await self.engine.frame(self.view())
                self.show_frame(frame)
                async with self._drawn:
                    self._drawn.notify_all()
                await self.log_of_session.look_after(self.engine, frame)
            except EngineDied as death:
                await self._engine_died(death)
                continue
            running = frame.state == "RUNNING"
            wait = 1 / self.fps if running else IDLE_SECONDS
            # A key makes the next frame come at once; a quick typist does not make more than fps of them.
            await self._sleep(begun + wait - monotonic())

    async def _sleep(self, seconds: float) -> None:
        if seconds > 0 and not self._wake.is_set():
            try:
                await asyncio.wait_for(self._wake.wait(), seconds)
            except TimeoutError:
                return

    async def next_frame(self) -> Frame:
        """Wait for the next frame to be drawn, and return it."""
        self.wake()
        async with self._drawn:
            await self._drawn.wait()
        assert self.frame is not None
        return self.frame

    def show_frame(self, frame: Frame) -> None:
        """Hand a frame to every view, drawn as one update."""
        self.frame = frame
        with self.app.batch_update():
            for widget in self.query("TitleLine, StatusLine, LossPlot, HeatmapView, PredictionsView"):
                widget.show(frame)  # type: ignore[attr-defined]
            for widget in self.query("LayersTable, Inspector, MessageLine"):
                widget.show(frame)  # type: ignore[attr-defined]
            self._unpainted.close()
            if frame.experiment.watch and self._hint_shown != frame.experiment.name:
                self._hint_shown = frame.experiment.name
                self.say(frame.experiment.watch)

    def say(self, text: str, *, warning: bool = False) -> None:
        """Write into the message line."""
        self.query_one(MessageLine).say(text, warning=warning)

    async def send(self, command: Command) -> Outcome | None:
        """Have the engine carry out a command, and report what it did."""
        try:
            outcome = await self.engine.command(command)
        except UserError as error:
            self.say(str(error), warning=True)
            return None
        except EngineDied:
            self.wake()
            return None
        self.log_of_session.command(outcome)
        text = f"{outcome.warning} · {outcome.result}" if outcome.warning else outcome.result
        self.say(text, warning=bool(outcome.warning) or outcome.passed is False)
        self.wake()
        return outcome

    async def enter_line(self, line: str) -> None:
        """Carry out a typed command."""
        try:
            command = parse_command(line)
        except UserError as error:
            self.say(str(error), warning=True)
            return
        await self.send(command)

    async def on_prompt_entered(self, event: Prompt.Entered) -> None:
        """Carry out what was typed."""
        if event.line:
            await self.enter_line(event.line)

    async def on_key_bar_pressed(self, event: KeyBar.Pressed) -> None:
        """Do what the clicked key does."""
        prefix = "app." if event.action in ("quit", "palette") else ""
        await self.run_action(prefix + event.action)

    def on_heatmap_view_picked(self, event: HeatmapView.Picked) -> None:
        """Select the clicked neuron and sample."""
        on_samples = self.selection.mode in HEATMAP_MODES[:2]
        self._select(neuron=event.neuron, sample=event.sample if on_samples else self.selection.sample)

    def on_heatmap_view_scrolled(self, event: HeatmapView.Scrolled) -> None:
        """Show other neurons."""
        self._select(first_neuron=event.first_neuron)

    def _select(self, **changes: Any) -> None:
        self.selection = replace(self.selection, **changes)
        self.wake()

    async def action_toggle_running(self) -> None:
        """Pause, or resume."""
        try:
            if self.frame and self.frame.state == "RUNNING":
                await self.engine.pause()
            else:
                await self.engine.resume()
                self.say("")
        except UserError as error:
            self.say(str(error), warning=True)
        except EngineDied:
            pass
        self.wake()

    async def action_step(self) -> None:
        """Take one batch."""
        await self.send(Step(1))

    async def action_epoch(self) -> None:
        """Take one epoch."""
        await self.send(Run(epochs=1))

    async def action_reinit_dead(self) -> None:
        """Reinitialise the dead neurons."""
        await self.send(ReinitDead())

    async def action_toggle_leaky(self) -> None:
        """Switch ReLU to LeakyReLU, or back."""
        if self.frame is None:
            return
        command = leaky_switch([layer.activation for layer in self.frame.snapshot.layers[:-1]])
        if command is None:
            self.say("no hidden layer is ReLU or LeakyReLU: nothing to switch")
        else:
            await self.send(command)

    async def action_rate_up(self) -> None:
        """Raise the learning rate."""
        await self._change_rate(1)

    async def action_rate_down(self) -> None:
        """Lower the learning rate."""
        await self._change_rate(-1)

    async def _change_rate(self, direction: int) -> None:
        if self.frame:
            rate = next_rate(self.frame.experiment.training.learning_rate, direction)
            await self.send(SetOption("learning-rate", rate))

    async def action_undo(self) -> None:
        """Take the last intervention back."""
        await self.send(Undo())

    async def action_restart(self) -> None:
        """Start again with the same seed."""
        await self.send(Restart())

    async def action_restart_next(self) -> None:
        """Start again with the next seed."""
        if self.frame:
            await self.send(Restart(self.frame.experiment.seed + 1))

    def action_next_mode(self) -> None:
        """Show the heatmap's next mode."""
        index = HEATMAP_MODES.index(self.selection.mode)
        self._select(mode=HEATMAP_MODES[(index + 1) % len(HEATMAP_MODES)])

    def action_previous_layer(self) -> None:
        """Look at the layer before."""
        self._change_layer(-1)

    def action_next_layer(self) -> None:
        """Look at the layer after."""
        self._change_layer(1)

    def _change_layer(self, direction: int) -> None:
        if self.frame:
            layers = len(self.frame.snapshot.layers)
            layer = min(max(self.selection.layer + direction, 1), layers)
            self._select(layer=layer, first_neuron=1, neuron=None)

    def action_move(self, neurons: int, samples: int) -> None:
        """Move the selection; the first press selects the first neuron shown."""
        if self.frame is None:
            return
        heatmap, chosen = self.frame.heatmap, self.selection
        neuron = heatmap.first_neuron if chosen.neuron is None else chosen.neuron + neurons
        neuron = min(max(neuron, 1), heatmap.units)
        total = self.frame.inspection.samples if self.frame.inspection else heatmap.total
        sample = chosen.sample
        if samples:
            sample = 1 if sample is None else min(max(sample + samples, 1), total)
        rows = self.query_one(HeatmapView).capacity[0]
        first = min(max(heatmap.first_neuron, neuron - rows + 1), neuron)
        self._select(neuron=neuron, sample=sample, first_neuron=first)

    def action_clear_selection(self) -> None:
        """Select nothing."""
        self._select(neuron=None, sample=None)

    def action_toggle_axis(self) -> None:
        """Switch the loss axis."""
        self.query_one(LossPlot).toggle_axis()

    def action_zoom(self) -> None:
        """Show the whole run, or what came after the last mark."""
        if not self.zoomed and not (self.frame and self.frame.curve.marks):
            self.say("no mark to zoom to yet: z shows what came after the last intervention")
            return
        self.zoomed = not self.zoomed
        self.say(
            "loss since the last mark; z shows the whole run" if self.zoomed else "loss of the whole run"
        )
        self.wake()

    async def action_slower(self) -> None:
        """Slow down."""
        await self._change_pace(-1)

    async def action_faster(self) -> None:
        """Speed up."""
        await self._change_pace(1)

    async def _change_pace(self, direction: int) -> None:
        self.pace = next_pace(self.pace, direction)
        try:
            await self.engine.pace(self.pace)
        except EngineDied:
            return
        limit = "full speed" if self.pace is None else f"at most {self.pace:g} steps a second"
        self.say(f"pace: {limit}")
        title = self.query_one(TitleLine)
        title.notice = "" if self.pace is None else f"{self.pace:g} steps/s at most"
        self.wake()

    async def action_prompt(self) -> None:
        """Open the prompt."""
        if self._prompt is None:
            from backprop_tui.prompt import Prompt

            self._prompt = Prompt()
            await self.mount(self._prompt, before="#keys")
        self._prompt.open()

    def action_help(self) -> None:
        """Show the help."""
        from backprop_tui.screens.help import HelpScreen

        watch = self.frame.experiment.watch if self.frame else ""
        self.app.push_screen(HelpScreen(watch, ascii_only=self.query_one(TitleLine).glyphs.ascii))

    def action_presets(self) -> None:
        """Choose a preset."""
        from backprop_tui.screens.presets import PresetsScreen

        current = self.frame.experiment.name if self.frame else ""
        ascii_only = self.query_one(TitleLine).glyphs.ascii
        self.app.push_screen(PresetsScreen(current, ascii_only=ascii_only), self._preset_chosen)

    async def _preset_chosen(self, name: str | None) -> None:
        if name is not None:
            await self.open_preset(name)

    async def open_preset(self, name: str) -> None:
        """Replace the run by a preset's."""
        await self.open_experiment(load_preset(name), name)

    async def open_experiment(self, experiment: Experiment, origin: str) -> None:
        """Replace the run by another experiment's; the session so far is written as a script first."""
        try:
            kept = ""
            if self.frame and self.frame.undoable:
                path = write_script(self.frame.experiment.name, await self.engine.script())
                kept = f"; the session before is kept in {path}"
            await self.engine.load(experiment, origin)
        except UserError as error:
            self.say(str(error), warning=True)
            return
        except EngineDied:
            self.wake()
            return
        self.selection, self.zoomed = Selection(), False
        self._hint_shown = experiment.name
        self.log_of_session.opened()
        self.say(experiment.watch + kept)
        self.wake()

    async def action_write_script(self) -> None:
        """Write the session as a script into the working directory."""
        if self.frame is None:
            return
        try:
            path = write_script(self.frame.experiment.name, await self.engine.script())
        except UserError as error:
            self.say(str(error), warning=True)
            return
        except EngineDied:
            return
        self.say(f"session written to {path}; its first lines say how to run it headless")

    async def _engine_died(self, death: EngineDied) -> None:
        """Say why, and go on from the last state or quit."""
        from backprop_tui.screens.died import DiedScreen

        self._unpainted.close()
        step = f"step {self.log_of_session.kept_step}" if self.engine.last_state else "the beginning"
        if not await self.app.push_screen_wait(DiedScreen(death.reason, step)):
            self.app.exit(return_code=1, message=f"backprop-tui: {death.reason}")
            await asyncio.Event().wait()
        self.engine.close()
        self.engine = self.engine.revived()
        self.say(f"going on from {step}")
