"""The health line: healthy, watching, or finding, and in a sentence what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from backprop_tui.cells import CellView, shorten
from backprop_tui.consultation import Consultation
from backprop_tui.palette import Ink

if TYPE_CHECKING:
    from textual import events

    from backprop_core.snapshot import Frame
    from backprop_tui.cells import Canvas

Parts = list[tuple[str, int]]


def health_parts(frame: Frame, consultation: Consultation) -> Parts:
    """Return what is said of a run's health, with the ink of each part."""
    health = frame.health
    under_way = f" · investigating, {consultation.seconds:.0f} s" if consultation.seconds is not None else ""
    if health is None:
        return [(f"not looked at yet{under_way}", Ink.MUTED)]
    if health.state == "healthy":
        return [("healthy", Ink.TRAINING), (f" · no symptom{under_way}", Ink.MUTED)]
    if health.state == "finding" and consultation.diagnosis is not None:
        # Imported here: it brings the whole diagnosis with it, which no healthy run needs.
        from backprop_core.diagnosis.text import chain

        root = consultation.diagnosis.findings[0]
        return [
            (f"finding · {chain(consultation.diagnosis)}", Ink.DEAD),
            (f" · {root.summary}", Ink.TEXT),
            (under_way, Ink.MUTED),
        ]
    if not health.suspicions:
        return [(f"{health.state}{under_way}", Ink.STRONG), (f" · {health.line}", Ink.TEXT)]
    from backprop_core.diagnosis.text import title

    first, more = health.suspicions[0], len(health.suspicions) - 1
    others = f" and {more} more" if more else ""
    return [
        (f"{health.state} · {title(first.id)}{others}", Ink.STRONG),
        (under_way, Ink.MUTED),
        (f" · {first.summary}", Ink.TEXT),
    ]


class HealthLine(CellView):
    """One line; a click opens the diagnosis."""

    DEFAULT_CSS = "HealthLine { height: 1; width: 1fr; }"

    class Opened(Message):
        """The diagnosis is to be opened."""

    frame: Frame | None = None
    consultation = Consultation()

    def show(self, frame: Frame, consultation: Consultation) -> None:
        """Show a frame's health."""
        self.frame, self.consultation = frame, consultation
        self.redraw()

    def on_click(self, event: events.Click) -> None:
        """Open the diagnosis."""
        event.stop()
        self.post_message(self.Opened())

    def paint(self, canvas: Canvas) -> None:
        """Draw the state's glyph and as much of the sentence as fits."""
        if self.frame is None:
            return
        parts = health_parts(self.frame, self.consultation)
        health = self.frame.health
        glyph = self.glyphs.health(health.state if health else "watching")
        x = canvas.text(0, 0, f"{glyph} ", parts[0][1])
        for text, ink in parts:
            x = canvas.text(x, 0, shorten(text, canvas.width - x, self.glyphs.ellipsis), ink)
