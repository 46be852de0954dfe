"""The catalogue of panels: what opens in place of the overview, imported when it does."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    from backprop_tui.widgets.panel import Panel


@dataclass(frozen=True)
class PanelSpec:
    """A panel by its name, the module and class that draw it, and whether ``v`` comes by it."""

    name: str
    title: str
    module: str
    class_name: str
    in_turn: bool = True

    def create(self) -> Panel:
        """Return the panel's widget."""
        return cast("Panel", getattr(import_module(self.module), self.class_name)(id="panel"))


PANELS = {
    spec.name: spec
    for spec in (
        PanelSpec(
            "step",
            "one step of backpropagation, taken apart",
            "backprop_tui.widgets.step_view",
            "StepView",
            in_turn=False,
        ),
        PanelSpec("network", "the network drawn", "backprop_tui.widgets.network_view", "NetworkView"),
        PanelSpec(
            "outcome",
            "what the network makes of its problem",
            "backprop_tui.widgets.outcome_view",
            "OutcomeView",
        ),
        PanelSpec(
            "settings",
            "settings, and the command line that they make",
            "backprop_tui.widgets.settings_view",
            "SettingsView",
            in_turn=False,
        ),
        PanelSpec("compare", "kept runs compared", "backprop_tui.widgets.compare_view", "CompareView"),
    )
}


def following(name: str | None) -> str | None:
    """Return the panel that ``v`` opens after another; None is the overview, before and after all of them."""
    turn = [None, *(spec.name for spec in PANELS.values() if spec.in_turn)]
    return turn[(turn.index(name) + 1 if name in turn else 1) % len(turn)]
