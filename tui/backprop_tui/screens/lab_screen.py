"""The lab: what its keys, its prompt and the mouse do."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding

from backprop_core.commands import (
    Diagnose,
    ReinitDead,
    Restart,
    Run,
    SetOption,
    Step,
    Treat,
    Undo,
)
from backprop_core.errors import UserError
from backprop_core.grammar import parse_commands
from backprop_core.presets import load_preset
from backprop_core.snapshot import HEATMAP_MODES
from backprop_tui.choices import leaky_switch, next_pace, next_rate
from backprop_tui.keys import KEYS
from backprop_tui.saving import write_script
from backprop_tui.screens.live_screen import Selection
from backprop_tui.screens.settings_screen import SettingsScreen
from backprop_tui.widgets.heatmap import HeatmapView
from backprop_tui.widgets.loss_plot import LossPlot
from backprop_tui.widgets.title import TitleLine

if TYPE_CHECKING:
    from pathlib import Path

    from backprop_core.commands import Command
    from backprop_core.engine import Engine
    from backprop_core.experiment import Experiment
    from backprop_tui.prompt import Prompt, PromptLine
    from backprop_tui.session_log import SessionLog
    from backprop_tui.widgets.key_bar import KeyBar
    from backprop_tui.widgets.panel import Panel


class LabScreen(SettingsScreen):
    """The one screen that is always there."""

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
        if spec.action not in ("palette", "suspend", "draw_anew", "quit")
    ]

    def __init__(self, engine: Engine, fps: float, log: SessionLog) -> None:
        super().__init__(engine, fps, log)
        self._prompt: PromptLine | None = None

    @property
    def ascii_only(self) -> bool:
        """Whether no character above 0x7e may be shown."""
        return self.query_one(TitleLine).glyphs.ascii

    def enter_line(self, line: str) -> None:
        """Carry out a typed command."""

        async def parse_and_send() -> None:
            for command in parse_commands(line):
                if isinstance(command, Diagnose):
                    self.action_diagnose()
                elif isinstance(command, Treat):
                    await self.treat(command.cure)
                else:
                    await self.send(command)

        self.job(parse_and_send)

    def on_prompt_entered(self, event: Prompt.Entered) -> None:
        """Carry out what was typed."""
        assert self._prompt is not None
        # By now it may have been opened again.
        if not self._prompt.prompt.opened:
            self.remove_class("-prompting")
            self.hint("")
        if event.line:
            self.enter_line(event.line)

    def on_input_changed(self, event: Prompt.Changed) -> None:
        """Help with the line that is being typed."""
        from backprop_tui.prompt import help_for

        if self._prompt is not None and self._prompt.prompt.opened:
            self.hint(help_for(event.value))

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
        self.select(**changes)
        if self.selection.neuron is not None:
            # A long message gives the inspector its line back.
            self.remove_class("-long-message")

    def _command(self, command: Command) -> None:
        self.job(partial(self.send, command))

    def action_toggle_running(self) -> None:
        """Pause, or resume."""
        self.job(self._toggle_running)

    async def _toggle_running(self) -> None:
        if (await self.current()).state == "RUNNING":
            await self.ask(self.engine.pause())
        else:
            await self.ask(self.engine.resume())
            self.say("")

    def action_step(self) -> None:
        """Take one batch."""
        self._command(Step(1))

    def action_epoch(self) -> None:
        """Take one epoch."""
        self._command(Run(epochs=1))

    def action_reinit_dead(self) -> None:
        """Reinitialise the dead neurons."""
        self.job(partial(self.heal, ReinitDead(), "r"))

    def action_toggle_leaky(self) -> None:
        """Switch ReLU to LeakyReLU, or back."""
        self.job(self._toggle_leaky)

    async def _toggle_leaky(self) -> None:
        frame = await self.current()
        command = leaky_switch([layer.activation for layer in frame.snapshot.layers[:-1]])
        if command is None:
            self.say("no hidden layer is ReLU or LeakyReLU: nothing to switch")
        else:
            await self.heal(command, "l")

    def action_rate_up(self) -> None:
        """Raise the learning rate, or what is chosen in the panel."""
        if self.panel is None or not self.panel.adjust(1):
            self.job(partial(self._change_rate, 1))

    def action_rate_down(self) -> None:
        """Lower the learning rate, or what is chosen in the panel."""
        if self.panel is None or not self.panel.adjust(-1):
            self.job(partial(self._change_rate, -1))

    async def _change_rate(self, direction: int) -> None:
        rate = (await self.current()).experiment.training.learning_rate
        await self.send(SetOption("learning-rate", next_rate(rate, direction)))

    def action_undo(self) -> None:
        """Take the last intervention back."""
        self._command(Undo())

    def action_restart(self) -> None:
        """Start again with the same seed."""
        self._command(Restart())

    def action_restart_next(self) -> None:
        """Start again with the next seed."""
        self.job(self._restart_next)

    async def _restart_next(self) -> None:
        await self.send(Restart((await self.current()).experiment.seed + 1))

    def action_next_mode(self) -> None:
        """Show the heatmap's next mode, or the panel's."""
        if self.panel is not None:
            self.panel.next_mode()
            self.wake()
            return
        index = HEATMAP_MODES.index(self.selection.mode)
        self._select(mode=HEATMAP_MODES[(index + 1) % len(HEATMAP_MODES)])

    def action_previous_layer(self) -> None:
        """Look at the layer before."""
        self._change_layer(-1)

    def action_next_layer(self) -> None:
        """Look at the layer after."""
        self._change_layer(1)

    def _change_layer(self, direction: int) -> None:
        if self.panel is not None:
            self.panel.turn(direction)
            self.wake()
        elif self.frame:
            layers = len(self.frame.snapshot.layers)
            layer = min(max(self.selection.layer + direction, 1), layers)
            self._select(layer=layer, first_neuron=1, neuron=None)

    def action_move(self, neurons: int, samples: int) -> None:
        """Move the selection; the first press selects the first neuron shown. Or walk through the panel."""
        if self.panel is not None:
            self.panel.move(neurons, samples)
            self.wake()
            return
        if self.frame is None or self.frame.panel is not None:
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

    async def action_clear_selection(self) -> None:
        """Go back to the overview; there, select nothing."""
        if self.panel is not None:
            await self.open_panel(None)
        else:
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

    def action_slower(self) -> None:
        """Slow down."""
        self.job(partial(self._change_pace, -1))

    def action_faster(self) -> None:
        """Speed up."""
        self.job(partial(self._change_pace, 1))

    async def _change_pace(self, direction: int) -> None:
        pace = next_pace(self.pace, direction)
        await self.ask(self.engine.pace(pace))
        self.pace = pace
        limit = "full speed" if pace is None else f"at most {pace:g} step{'s' * (pace > 1)} a second"
        self.say(f"pace: {limit}")
        self.query_one(TitleLine).notice = "" if pace is None else f"{pace:g} steps/s at most"

    async def action_prompt(self) -> None:
        """Open the prompt in the place of the key bar, whose keys do not act while it is open."""
        await self._open_prompt()

    async def on_panel_typed(self, event: Panel.Typed) -> None:
        """Open the prompt with the beginning of a command."""
        await self._open_prompt(event.beginning)

    async def _open_prompt(self, beginning: str = "") -> None:
        if self._prompt is None:
            from backprop_tui.prompt import PromptLine

            self._prompt = PromptLine()
            await self.mount(self._prompt, before="#keys")
        self.add_class("-prompting")
        self._prompt.prompt.open(beginning)

    def action_help(self) -> None:
        """Show the help."""
        from backprop_tui.help_text import help_text
        from backprop_tui.screens.help import HelpScreen

        watch = self.frame.experiment.watch if self.frame else ""
        self.app.push_screen(
            HelpScreen(help_text(watch), tour=True, ascii_only=self.ascii_only), self._help_left
        )

    def _help_left(self, wish: str | None) -> None:
        if wish == "tour":
            self.take_tour()

    async def action_tour(self) -> None:
        """Take the tour, or leave it."""
        if self.tour is None:
            self.take_tour()
        else:
            await self.end_tour()

    def take_tour(self) -> None:
        """Open the tour's preset, unless nothing else has been done with it so far, and begin."""
        self.job(self._take_tour)

    async def _take_tour(self) -> None:
        from backprop_tui.tour import PRESET

        frame = await self.current()
        if frame.experiment != load_preset(PRESET) or frame.undoable:
            await self._open_experiment(load_preset(PRESET), PRESET)
        await self.begin_tour()

    def action_presets(self) -> None:
        """Choose a preset."""
        from backprop_tui.screens.presets import PresetsScreen

        current = self.frame.experiment.name if self.frame else ""
        self.app.push_screen(PresetsScreen(current, ascii_only=self.ascii_only), self._preset_chosen)

    def _preset_chosen(self, name: str | None) -> None:
        if name is not None:
            self.open_preset(name)

    def open_preset(self, name: str) -> None:
        """Replace the run by a preset's."""
        self.job(partial(self._open_experiment, load_preset(name), name))

    async def _open_experiment(self, experiment: Experiment, origin: str) -> None:
        """Replace the run by another experiment's; a session with interventions is written as a script first."""
        kept = ""
        if (await self.current()).undoable:
            kept = f"; the session before is kept in {await self._write_script()}"
        await self.ask(self.engine.load(experiment, origin))
        self.selection, self.zoomed = Selection(), False
        self._hint_shown = experiment.name
        self.log_of_session.opened()
        self.say(experiment.watch + kept)

    def action_write_script(self) -> None:
        """Write the session as a script into the working directory."""
        self.job(self._tell_of_script)

    async def _tell_of_script(self) -> None:
        path = await self._write_script()
        self.say(f"session written to {path}; its first lines say how to run it headless")

    async def _write_script(self) -> Path:
        path = write_script((await self.current()).experiment.name, await self.engine.script())
        self.scripts.append(path)
        return path

    def save_picture(self) -> None:
        """Write what the screen shows as an SVG file into the working directory."""

        async def save() -> None:
            try:
                path = self.app.save_screenshot(path=".")
            except OSError as error:
                raise UserError(f"the picture cannot be written here: {error.strerror}") from None
            self.say(f"picture written to {path}")

        self.job(save)
