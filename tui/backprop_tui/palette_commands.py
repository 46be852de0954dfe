"""The command palette's entries; they depend on the state."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Provider

from backprop_core.presets import load_preset, preset_names
from backprop_tui.glyphs import to_ascii

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from textual.command import Hits

    from backprop_tui.screens.lab_screen import LabScreen

Entry = tuple[str, str, "Callable[[], object]"]


class LabCommands(Provider):
    """What can be done now, and the presets."""

    def _entries(self) -> Iterator[Entry]:
        # The palette is a screen of its own above the lab; Textual hands the one below.
        lab = cast("LabScreen", self.screen)
        frame = lab.frame
        if frame is None:
            return
        running = frame.state == "RUNNING"
        dead = frame.snapshot.dead
        yield self._entry("Pause training" if running else "Resume training", "space", "toggle_running")
        yield self._entry("Diagnose: why does it learn, or not", "d", "diagnose")
        if recommended := lab.consultation.recommended:
            yield self._entry(f"Treat with {recommended.id.replace('+', ' + ')}", "t", "treat")
        if dead:
            yield self._entry(f"Reinitialise {dead} dead neuron{'s' * (dead > 1)}", "r", "reinit_dead")
        hidden = [layer.activation for layer in frame.snapshot.layers[:-1]]
        if "relu" in hidden:
            yield self._entry("Switch hidden ReLUs to LeakyReLU", "l", "toggle_leaky")
        elif "leaky-relu" in hidden:
            yield self._entry("Switch hidden LeakyReLUs back to ReLU", "l", "toggle_leaky")
        if frame.undoable:
            yield self._entry(f"Undo {frame.undoable}", "u", "undo")
        if not frame.experiment.data.standardize:
            yield "Standardise the data", ":standardize", partial(lab.enter_line, "standardize")
        if not frame.experiment.network.bias:
            yield "Add biases", ":add-bias", partial(lab.enter_line, "add-bias")
        yield self._entry("Restart with the same seed", "n", "restart")
        yield self._entry("Restart with the next seed", "N", "restart_next")
        yield self._entry("Write this session as a script", "w", "write_script")
        yield self._entry("Change the settings", "o", "panel('settings')")
        yield self._entry("Copy the command line of these settings", "c", "copy_command_line")
        yield self._entry("Write that command line as a shell script", "C", "write_command_line")
        yield self._entry("Save the experiment as a file", "f", "save_experiment")
        yield self._entry("Help", "?", "help")
        yield self._entry("Leave the tour" if lab.tour else "Take the tour", "T", "tour")
        yield "Change the theme", "colours, dark or light", self.app.search_themes
        yield self._entry("Keep this run as a ghost", "k", "keep")
        yield "Export the loss curve", "a CSV file in the working directory", partial(lab.export, "curve")
        yield "Save the weights", "an NPZ file in the working directory", partial(lab.export, "weights")
        yield (
            "Export for PyTorch",
            "a state_dict as NPZ, and lines that load it",
            partial(lab.export, "torch"),
        )
        yield "Save a picture of the screen", "an SVG file in the working directory", lab.save_picture
        for name in preset_names():
            description = load_preset(name).description
            shown = to_ascii(description) if lab.ascii_only else description
            yield f"Open preset {name}", shown, partial(lab.open_preset, name)
        yield "Quit", "key q", partial(self.app.run_action, "quit")

    def _entry(self, title: str, key: str, action: str) -> Entry:
        return title, f"key {key}", partial(self.screen.run_action, action)

    async def discover(self) -> Hits:
        """List all entries."""
        for title, help_line, run in self._entries():
            yield DiscoveryHit(title, run, help=help_line)

    async def search(self, query: str) -> Hits:
        """List the entries that match."""
        matcher = self.matcher(query)
        for title, help_line, run in self._entries():
            if (score := matcher.match(title)) > 0:
                yield Hit(score, matcher.highlight(title), run, help=help_line)
