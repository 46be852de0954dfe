"""The status line: state, epoch, step, loss, rate, dead neurons and speed, in words scripts can parse."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from backprop_tui.cells import CellView
from backprop_tui.palette import Ink

if TYPE_CHECKING:
    from backprop_core.snapshot import Frame
    from backprop_tui.cells import Canvas

STATE_INKS = {"RUNNING": Ink.TRAINING, "PAUSED": Ink.STRONG, "DONE": Ink.STRONG, "DIVERGED": Ink.DEAD}

DROPPED_FIRST = ("steps/s", "lr", "epoch", "dead", "step", "loss")

Part = tuple[str, str, int]


def plain_rate(rate: float) -> str:
    """Return steps a second rounded to three digits, so that the number stands still while the speed does."""
    if rate < 100:
        return f"{rate:.3g}"
    digits = len(str(int(rate)))
    return str(int(round(rate, 3 - digits)))


def short_rate(rate: float) -> str:
    """Return steps a second in few characters: 249k."""
    return f"{rate / 1000:.0f}k" if rate >= 10_000 else plain_rate(rate)


def status_parts(frame: Frame, *, short: bool = False) -> list[Part]:
    """Return (name, text, ink) of each part of the status line after the state."""
    rate = short_rate(frame.steps_per_second) if short else plain_rate(frame.steps_per_second)
    snapshot = frame.snapshot
    dead = snapshot.dead
    return [
        ("epoch", f"epoch {snapshot.epoch}", Ink.TEXT),
        ("step", f"step {snapshot.step}", Ink.TEXT),
        ("loss", f"loss {snapshot.training_loss:.{4 if short else 6}g}", Ink.STRONG),
        ("lr", f"lr {snapshot.learning_rate:.6g}", Ink.TEXT),
        ("dead", f"dead {dead}/{snapshot.mortal}", Ink.DEAD if dead else Ink.TEXT),
        ("steps/s", f"{rate} steps/s", Ink.MUTED),
    ]


class StatusLine(CellView):
    """One line that never wraps; where there is too little room, the least important part goes first."""

    DEFAULT_CSS = "StatusLine { height: 1; width: 1fr; }"

    WORDS: ClassVar[dict[str, str]] = {}
    """Other words for some states."""

    frame: Frame | None = None

    def parts(self, frame: Frame, *, short: bool = False) -> list[Part]:
        """Return what follows the state."""
        return status_parts(frame, short=short)

    def show(self, frame: Frame) -> None:
        """Show a frame's numbers."""
        self.frame = frame
        self.redraw()

    def paint(self, canvas: Canvas) -> None:
        """Draw as many parts as fit, in their order."""
        frame = self.frame
        if frame is None:
            return
        parts = self.parts(frame)
        state = self.WORDS.get(frame.state, frame.state)
        marker = f"{self.glyphs.state(frame.state)} "
        gap = "  "
        dropped = list(DROPPED_FIRST)

        def width() -> int:
            return len(marker) + len(state) + sum(len(gap) + len(text) for _, text, _ in parts)

        if width() > canvas.width:
            gap = " "
        if width() > canvas.width:
            marker = ""
        if width() > canvas.width:
            parts = self.parts(frame, short=True)
        while width() > canvas.width and dropped:
            least = dropped.pop(0)
            parts = [part for part in parts if part[0] != least]
        x = canvas.text(0, 0, marker + state, STATE_INKS[frame.state])
        for _, text, ink in parts:
            x = canvas.text(x + len(gap), 0, text, ink)
