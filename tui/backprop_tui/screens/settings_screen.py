"""The settings changed from their panel, and passed on: as a command line, or as an experiment's file."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.events import Click

from backprop_core.command_line import command_line
from backprop_core.experiment_file import format_experiment, relocated
from backprop_tui.saving import write_new
from backprop_tui.screens.health_screen import HealthScreen
from backprop_tui.widgets.key_bar import KeyBar

if TYPE_CHECKING:
    from backprop_tui.widgets.panel import Panel


class SettingsScreen(HealthScreen):
    """Carries out what the settings' panel wants, and writes down what it has led to."""

    @on(Click, "#title")
    async def _open_settings(self) -> None:
        """Open the settings: the title tells of them."""
        action = "panel('settings')"
        if any(spec.action == action for spec in self.query_one(KeyBar).specs):
            await self.run_action(action)

    def on_panel_wanted(self, event: Panel.Wanted) -> None:
        """Carry out the command that the state then asks for."""
        self.job(partial(self._carry_out, event))

    async def _carry_out(self, event: Panel.Wanted) -> None:
        command = event.choose(await self.current())
        if command is not None:
            await self.send(command)
        elif event.otherwise:
            self.say(event.otherwise)

    def action_take_out(self) -> None:
        """Take out what is chosen in the panel."""
        if self.panel is not None:
            self.panel.take_out()

    def action_copy_command_line(self) -> None:
        """Copy the command line to the clipboard."""
        self.job(self._copy)

    async def _copy(self) -> None:
        line = command_line((await self.current()).experiment)
        self.app.copy_to_clipboard(str(line))
        self.say(f"copied, where the terminal lets programs copy: {line}")

    def action_write_command_line(self) -> None:
        """Write the command line as a shell script into the working directory."""
        self.job(self._write_line)

    async def _write_line(self) -> None:
        experiment = (await self.current()).experiment
        path = write_new(experiment.name, "sh", f"#!/bin/sh\n{command_line(experiment)}\n")
        self.say(f"command line written to {path}; `sh {path}` opens the lab with these settings")

    def action_save_experiment(self) -> None:
        """Save the experiment as a file into the working directory."""
        self.job(self._save_experiment)

    async def _save_experiment(self) -> None:
        experiment = relocated((await self.current()).experiment, Path())
        path = write_new(experiment.name, "toml", format_experiment(experiment))
        self.say(f"experiment written to {path}: `backprop-tui run {path}` begins it anew")
