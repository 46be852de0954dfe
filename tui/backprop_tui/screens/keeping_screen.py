"""Runs that are kept for comparison, and what is exported."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from backprop_core.commands import Export, Save
from backprop_core.errors import UserError
from backprop_tui.kept_runs import CURVE_COLUMNS, LETTERS, KeptRun, keep
from backprop_tui.saving import free_path
from backprop_tui.screens.live_screen import LiveScreen
from backprop_tui.screens.toured_screen import TouredScreen
from backprop_tui.widgets.loss_plot import LossPlot

if TYPE_CHECKING:
    from backprop_core.commands import Command


class KeepingScreen(TouredScreen):
    """Keeps runs as ghosts, however many other runs come after them."""

    kept: tuple[KeptRun, ...] = ()

    def action_keep(self) -> None:
        """Keep this run as a ghost in the plot."""
        self.job(self._keep)

    async def _keep(self) -> None:
        if len(self.kept) == len(LETTERS):
            raise UserError(f"{len(LETTERS)} runs are kept already; K forgets them")
        await self.current()
        view = replace(LiveScreen.view(self), curve_columns=CURVE_COLUMNS, curve_from=0)
        frame = await self.engine.frame(view)
        if not len(frame.curve.mean):
            raise UserError("no step has been taken yet: there is nothing to keep")
        run = keep(LETTERS[len(self.kept)], frame)
        self._show_kept((*self.kept, run))
        self.say(
            f"kept as {run.letter}: {run.experiment.name}, step {run.steps}, loss {run.training_loss:.6g}; "
            "change something, press n, and see both"
        )

    def action_forget(self) -> None:
        """Forget the kept runs."""
        self._show_kept(())
        self.say("no run is kept any more")

    def _show_kept(self, kept: tuple[KeptRun, ...]) -> None:
        self.kept = kept
        plot = self.query_one(LossPlot)
        plot.ghosts = kept
        plot.redraw()
        self._hand_over()

    async def open_panel(self, name: str | None) -> None:
        """Open a panel; the one that compares is given the kept runs."""
        await super().open_panel(name)
        self._hand_over()

    def _hand_over(self) -> None:
        if self.panel_name == "compare" and self.panel is not None:
            self.panel.runs = self.kept  # type: ignore[attr-defined]
            self.panel.redraw()

    def export(self, what: str) -> None:
        """Write the loss curve, the weights, or the network for PyTorch into the working directory."""

        async def write() -> None:
            name = (await self.current()).experiment.name
            commands: dict[str, Command] = {
                "curve": Export("curve", str(free_path(f"{name}-loss", "csv"))),
                "weights": Save(str(free_path(f"{name}-weights", "npz"))),
                "torch": Export("torch", str(free_path(f"{name}-torch", "npz", "py"))),
            }
            await self.send(commands[what])

        self.job(write)
