"""What the network makes of its problem, drawn as fits it: plane, series, confusion of classes, or fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from backprop_core.outcome import Confusion, Continuation, Fit, Plane
from backprop_tui.keys import KeySpec
from backprop_tui.outcome_picture import OutcomePicture
from backprop_tui.widgets.panel import Panel

if TYPE_CHECKING:
    from backprop_core.snapshot import PanelRequest
    from backprop_tui.cells import Canvas


class OutcomeView(Panel):
    """One picture of the problem at a time; ``h`` shows the next one that fits."""

    CONTENT: ClassVar[tuple[type, ...]] = (Plane, Continuation, Confusion, Fit)
    SCROLLS = (1, 0)
    KEYS: ClassVar[tuple[KeySpec, ...]] = (
        KeySpec("h", "h", "next_mode", "picture", "Another picture that fits the problem.", "outcome"),
        KeySpec("down", "↓", "move(1,0)", "↑ ↓ neurons", "Other neurons of the layer.", "outcome"),
        KeySpec("right", "→", "move(0,1)", "← → layer", "Neurons of another layer.", "outcome"),
        KeySpec("right_square_bracket", "]", "next_layer", "[ ] output", "Another output.", "outcome"),
        KeySpec("v", "v", "next_panel", "view", "The next view.", "outcome"),
        KeySpec("escape", "esc", "clear_selection", "out", "Back to the overview.", "outcome"),
    )

    def __init__(self, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.picture = OutcomePicture()
        self.border_title = "outcome"

    @property
    def keys(self) -> tuple[KeySpec, ...]:
        """Its keys, without those of neurons where none are drawn, and of outputs where there is one."""
        it, idle = self.content, set[str]()
        if not (isinstance(it, Plane) and it.neurons):
            idle |= {"move(1,0)", "move(0,1)"}
        elif it.layers == 1:
            idle.add("move(0,1)")
        if getattr(it, "outputs", 1) == 1:
            idle.add("next_layer")
        return tuple(spec for spec in self.KEYS if spec.action not in idle)

    def request(self) -> PanelRequest:
        """Ask for as many cells as there are."""
        return self.picture.request(*self.size)

    def keep_up(self) -> None:
        """Keep layer, output and neurons to those that there are."""
        self.picture.take(self.content, running=self.frame is not None and self.frame.state == "RUNNING")

    def move(self, down: int, right: int) -> None:
        """Show other neurons, or another layer's."""
        self.picture.move(down, right)

    def turn(self, direction: int) -> None:
        """Show another output."""
        self.picture.turn(direction)

    def next_mode(self) -> None:
        """Show another picture that fits."""
        self.picture.next_kind()

    def paint(self, canvas: Canvas) -> None:
        """Draw what came."""
        self.picture.paint(canvas, self.glyphs)
