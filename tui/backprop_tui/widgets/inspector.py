"""The inspector: the numbers of the selected neuron, on the selected sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_tui.cells import CellView
from backprop_tui.palette import Ink

if TYPE_CHECKING:
    from backprop_core.snapshot import Frame, Inspection
    from backprop_tui.cells import Canvas

Parts = list[tuple[str, int]]

INPUTS_SHOWN = 8


def neuron_parts(inspection: Inspection) -> Parts:
    """Return what is true of the neuron whatever the sample."""
    parts: Parts = [(f"layer {inspection.layer} neuron {inspection.neuron}", Ink.STRONG)]
    if inspection.dead:
        parts.append(("dead: its derivative is zero on every sample", Ink.DEAD))
    parts.append((f"positive on {inspection.fires_on} of {inspection.samples} samples", Ink.TEXT))
    parts.append((f"bias {inspection.bias:.4g}" if inspection.bias is not None else "no bias", Ink.TEXT))
    parts.append((f"weights' norm {inspection.weight_norm:.4g}", Ink.TEXT))
    return parts


def sample_parts(inspection: Inspection) -> Parts:
    """Return what the neuron does on the selected sample; nothing if none is selected."""
    if inspection.sample is None:
        return []
    parts: Parts = [(f"sample {inspection.sample}", Ink.STRONG)]
    for name, value in (
        ("z", inspection.pre_activation),
        ("f(z)", inspection.activation),
        ("f'(z)", inspection.derivative),
    ):
        if value is not None:
            parts.append((f"{name} {value:.4g}", Ink.TEXT))
    if 0 < len(inspection.inputs) <= INPUTS_SHOWN:
        parts.append((f"inputs {numbers(inspection.inputs)}", Ink.MUTED))
        parts.append((f"weights {numbers(inspection.weights)}", Ink.MUTED))
    return parts


def numbers(values: tuple[float, ...]) -> str:
    """Return numbers in a row."""
    return " ".join(f"{value:.3g}" for value in values)


class Inspector(CellView):
    """One or two lines on the selection, or how to select."""

    DEFAULT_CSS = "Inspector { height: 2; width: 1fr; }"

    frame: Frame | None = None

    def show(self, frame: Frame) -> None:
        """Show a frame's inspection."""
        self.frame = frame
        self.redraw()

    def paint(self, canvas: Canvas) -> None:
        """Draw the neuron's line, and the sample's below it, or after it where there is one line."""
        inspection = self.frame.inspection if self.frame else None
        if inspection is None:
            canvas.text(0, 0, "arrows or a click select a neuron and a sample", Ink.MUTED)
            return
        x, y = self._line(canvas, 0, 0, neuron_parts(inspection)), 0
        if canvas.height > 1:
            x, y = 0, 1
        self._line(canvas, x, y, sample_parts(inspection))

    def _line(self, canvas: Canvas, x: int, y: int, parts: Parts) -> int:
        """Write as many parts as fit whole."""
        separator = f" {self.glyphs.separator} "
        for text, ink in parts:
            if x and x + len(separator) + len(text) > canvas.width:
                break
            x = canvas.text(x, y, separator if x else "", Ink.MUTED)
            x = canvas.text(x, y, text, ink)
        return x
