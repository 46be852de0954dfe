"""A replay: the lab's views on what was recorded, and keys to walk through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding
from textual.containers import Container
from textual.widgets import Static

from backprop_tui.keys import REPLAY_KEYS
from backprop_tui.screens.live_screen import LiveScreen
from backprop_tui.widgets.layers_table import LayersTable
from backprop_tui.widgets.loss_plot import LossPlot
from backprop_tui.widgets.message_line import MessageLine
from backprop_tui.widgets.predictions import PredictionsView
from backprop_tui.widgets.replayed import RecordedHeatmap, ReplayKeys, ReplayStatus
from backprop_tui.widgets.timeline import Timeline
from backprop_tui.widgets.title import TitleLine

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from backprop_core.replay import ReplayEngine
    from backprop_core.snapshot import Frame
    from backprop_tui.session_log import SessionLog
    from backprop_tui.widgets.heatmap import HeatmapView
    from backprop_tui.widgets.key_bar import KeyBar


class ReplayScreen(LiveScreen):
    """Plays a record, back and forth, at any speed."""

    engine: ReplayEngine

    BINDINGS: ClassVar[list[Any]] = [
        Binding(spec.keys, spec.action, spec.help, show=False, id=spec.action, tooltip=spec.help)
        for spec in REPLAY_KEYS
        if spec.action != "quit"
    ]

    def __init__(self, engine: ReplayEngine, fps: float, log: SessionLog) -> None:
        super().__init__(engine, fps, log)
        self._told = -1

    def compose(self) -> ComposeResult:
        """As the lab, the timeline in the inspector's place."""
        yield TitleLine(id="title")
        yield ReplayStatus(id="status")
        with Container(id="views"):
            yield LossPlot(id="loss")
            yield RecordedHeatmap(id="heatmap")
            yield PredictionsView(id="predictions")
            yield LayersTable(id="layers")
        yield Timeline(self.engine, id="timeline")
        yield MessageLine(id="message")
        yield ReplayKeys(id="keys")
        yield Static(id="too-small")

    def on_mount(self) -> None:
        """Say that this is a replay, where the lab says at which pace it trains."""
        self.query_one(TitleLine).notice = "replay"

    def show_frame(self, frame: Frame) -> None:
        """Show a moment: its story in the message line; what to try is of no use here."""
        self._hint_shown = frame.experiment.name
        super().show_frame(frame)
        self.query_one(Timeline).show(frame)
        if self.engine.position != self._told:
            note = self.engine.record.note if self._told < 0 else ""
            self._told = self.engine.position
            self.say(note or frame.reason, warning=bool(note))

    async def on_key_bar_pressed(self, event: KeyBar.Pressed) -> None:
        """Do what the clicked key does."""
        await self.run_action(("app." if event.action == "quit" else "") + event.action)

    def on_timeline_picked(self, event: Timeline.Picked) -> None:
        """Go where the track was clicked."""
        self.engine.seek(event.position)
        self.wake()

    def on_heatmap_view_scrolled(self, event: HeatmapView.Scrolled) -> None:
        """Show other neurons."""
        self.select(first_neuron=event.first_neuron)

    def action_toggle_running(self) -> None:
        """Play, or stand still."""
        self.job(self._toggle)

    async def _toggle(self) -> None:
        if self.engine.mode == "RUNNING":
            await self.engine.pause()
        else:
            await self.engine.resume()

    def action_go(self, moments: int) -> None:
        """Go back or forth by some snapshots."""
        self.engine.step(moments)
        self.wake()

    def action_to(self, place: str) -> None:
        """Go to the first snapshot, or to the last."""
        self.engine.seek(0 if place == "first" else self.engine.last)
        self.wake()

    def action_mark(self, direction: int) -> None:
        """Go to the next intervention or run, or to the one before."""
        here, marked = self.engine.position, self.engine.marked
        places = [place for place in marked if (place - here) * direction > 0]
        if not places:
            self.say(f"no intervention {'after' if direction > 0 else 'before'} this moment")
            return
        self.engine.step((min(places) if direction > 0 else max(places)) - here)
        self.wake()

    def action_speed(self, direction: int) -> None:
        """Play slower, or faster."""
        self.say(f"speed: {self.engine.change_speed(direction):g} snapshots a second")
        self.wake()

    def action_layer(self, direction: int) -> None:
        """Look at the layer before, or after."""
        if self.frame:
            layers = len(self.frame.snapshot.layers)
            self.select(layer=min(max(self.selection.layer + direction, 1), layers), first_neuron=1)

    def action_rows(self, direction: int) -> None:
        """Show the neurons further up, or further down."""
        if self.frame:
            self.select(first_neuron=max(self.frame.heatmap.first_neuron + direction, 1))

    def action_toggle_axis(self) -> None:
        """Switch the loss axis."""
        self.query_one(LossPlot).toggle_axis()

    def action_zoom(self) -> None:
        """Show the whole run, or what came after the last intervention."""
        self.zoomed = not self.zoomed
        self.wake()

    def action_help(self) -> None:
        """Show the help."""
        from backprop_tui.help_text import replay_help
        from backprop_tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(replay_help(), ascii_only=self.query_one(TitleLine).glyphs.ascii))
