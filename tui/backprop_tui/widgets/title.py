"""The title line: the experiment in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_tui.cells import CellView, shorten
from backprop_tui.glyphs import printable
from backprop_tui.palette import Ink

if TYPE_CHECKING:
    from backprop_core.snapshot import Frame
    from backprop_tui.cells import Canvas


SLOW_LINE = "slow line: frames left out"


def title_parts(frame: Frame) -> list[str]:
    """Return network, loss, optimizer, batch and seed of a frame's experiment, the most important first."""
    experiment, layers = frame.experiment, frame.snapshot.layers
    sizes = "-".join(str(size) for size in (frame.inputs, *(layer.units for layer in layers)))
    hidden = list(dict.fromkeys(layer.activation for layer in layers[:-1]))
    activations = " ".join([*hidden, layers[-1].activation]) if layers else ""
    training = experiment.training
    batch = "full batch" if training.batch_size is None else f"batch {training.batch_size}"
    notes = []
    if training.reduction == "sum":
        notes.append("summed gradient")
    if experiment.mistakes.missing_derivative:
        notes.append("derivatives missing")
    if experiment.data.standardize:
        notes.append("standardised")
    return [
        f"{sizes} {activations}",
        f"{training.loss.name} {training.optimizer.name}",
        *notes,
        batch,
        f"seed {experiment.seed}",
    ]


class TitleLine(CellView):
    """One line: the experiment's name, and as many of its parts as fit."""

    DEFAULT_CSS = "TitleLine { height: 1; width: 1fr; }"

    frame: Frame | None = None
    notice = ""
    slow_line = False

    def show(self, frame: Frame) -> None:
        """Show a frame's experiment."""
        self.frame = frame
        self.redraw()

    def paint(self, canvas: Canvas) -> None:
        """Draw the parts that fit whole, the notice at the right end."""
        if self.frame is None:
            return
        name = shorten(printable(self.frame.experiment.name), canvas.width // 2, self.glyphs.ellipsis)
        x = canvas.text(0, 0, name, Ink.STRONG)
        notices = [notice for notice in (SLOW_LINE if self.slow_line else "", self.notice) if notice]
        notice = f" {self.glyphs.separator} ".join(notices)
        room = canvas.width - (len(notice) + 2 if notice else 0)
        for part in title_parts(self.frame):
            if x + 3 + len(part) > room:
                break
            x = canvas.text(x, 0, f" {self.glyphs.separator} ", Ink.MUTED)
            x = canvas.text(x, 0, part, Ink.MUTED)
        if notice:
            canvas.text(canvas.width - len(notice), 0, notice, Ink.MARK)
