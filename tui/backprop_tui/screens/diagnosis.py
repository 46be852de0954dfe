"""The diagnosis, above the lab: the chain, the evidence with its pictures, the cures with their forecasts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding
from textual.containers import Container
from textual.screen import ModalScreen

from backprop_core.diagnosis.report import Forecast
from backprop_tui.glyphs import to_ascii
from backprop_tui.widgets.diagnosis_view import DiagnosisView
from backprop_tui.widgets.fork_plot import ForkPlot
from backprop_tui.widgets.heatmap import HeatmapView

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual import events
    from textual.app import ComposeResult

    from backprop_core.snapshot import Frame
    from backprop_tui.consultation import Consultation

BESIDE = 100
"""From so many columns on the pictures stand beside the words, else below them."""

KEYS = ("↑↓ finding  ←→ cure  t apply  d anew  ? explain  esc back", "↑↓ ←→  t apply  d anew  esc back")


class DiagnosisScreen(ModalScreen[Forecast | None]):
    """Returns the cure to be applied, None if none is.

    Parameters
    ----------
    frame : Frame
    consultation : Consultation
    anew : callable
        Has the run investigated again.
    """

    BINDINGS: ClassVar[list[Any]] = [
        Binding("escape,q", "leave", "Close"),
        Binding("up,k", "finding(-1)", "The finding before"),
        Binding("down,j", "finding(1)", "The finding after"),
        Binding("left", "cure(-1)", "The cure before"),
        Binding("right,tab", "cure(1)", "The cure after"),
        Binding("t,enter", "apply", "Apply the cure"),
        Binding("d", "anew", "Investigate anew"),
        Binding("question_mark", "explain", "Explain the fault"),
    ]

    def __init__(self, frame: Frame, consultation: Consultation, anew: Callable[[], None]) -> None:
        super().__init__()
        self.frame = frame
        self.consultation = consultation
        self._anew = anew

    def compose(self) -> ComposeResult:
        """Words, a picture of the neurons concerned, the forecast's curves."""
        with Container(classes="dialog diagnosis"):
            yield DiagnosisView(id="words")
            picture, forks = HeatmapView(id="picture"), ForkPlot(id="forks")
            picture.border_title, forks.border_title = "pre-activations", "forecast"
            yield picture
            yield forks

    def on_mount(self) -> None:
        """Show what is known so far."""
        self.show(self.frame, self.consultation)

    def on_resize(self, event: events.Resize) -> None:
        """Put the pictures beside the words where there is room."""
        self.set_class(event.size.width >= BESIDE, "-beside")
        if not self.query(DiagnosisView):
            return
        keys = self._fitting(KEYS)
        ascii_only = self.query_one(DiagnosisView).glyphs.ascii
        self.query_one(".diagnosis").border_subtitle = to_ascii(keys) if ascii_only else keys
        self.call_after_refresh(self._show_pictures)

    def _fitting(self, texts: Sequence[str]) -> str:
        """Return the first text that the border has room for, or the last."""
        room = self.size.width - 6
        return next((text for text in texts if len(text) <= room), texts[-1])

    def show(self, frame: Frame, consultation: Consultation) -> None:
        """Show what is known now."""
        self.frame, self.consultation = frame, consultation
        if not self.query(DiagnosisView):
            # Not yet there, or being taken down, as when the app is left while this opens.
            return
        dialog, diagnosis = self.query_one(".diagnosis"), consultation.diagnosis
        titles = ["diagnosis"]
        if diagnosis is not None:
            titles.insert(0, f"diagnosis at step {diagnosis.step}")
            titles.insert(0, f"{titles[0]}, epoch {diagnosis.epoch}, loss {diagnosis.loss:.6g}")
        title = self._fitting(titles)
        if dialog.border_title != title:
            dialog.border_title = title
        self.query_one(DiagnosisView).show(frame, consultation)
        self._show_pictures()

    def on_diagnosis_view_selected(self) -> None:
        """Show the pictures of what is looked at now."""
        self._show_pictures()

    def _show_pictures(self) -> None:
        words = self.query_one(DiagnosisView)
        finding = words.looked_at
        layers = {layer for layer, _ in finding.units} if finding else set()
        picture = self.consultation.picture_of(layers)
        view, forks = self.query_one(HeatmapView), self.query_one(ForkPlot)
        self.set_class(picture is None, "-no-picture")
        forks.display = bool(words.cures)
        if picture is not None:
            view.show(replace(self.frame, heatmap=picture, inspection=None))
        forks.show(words.chosen)

    def action_finding(self, direction: int) -> None:
        """Look at another finding."""
        words = self.query_one(DiagnosisView)
        words.select(finding=words.finding + direction)

    def action_cure(self, direction: int) -> None:
        """Look at another cure."""
        words = self.query_one(DiagnosisView)
        words.select(cure=words.cure + direction)

    def action_apply(self) -> None:
        """Leave, and have the cure that is looked at applied; one that does harm only at the second press."""
        words = self.query_one(DiagnosisView)
        chosen = words.chosen
        if chosen is not None and chosen.harmful and words.warned != chosen:
            words.warned = chosen
            words.redraw()
        elif chosen is not None:
            self.dismiss(chosen)

    def action_anew(self) -> None:
        """Investigate the run as it is now."""
        self._anew()

    def action_explain(self) -> None:
        """Open the page of the fault that is looked at."""
        from backprop_tui.screens.fault import FaultScreen

        finding = self.query_one(DiagnosisView).looked_at
        undiagnosed = self.consultation.diagnosis is None and self.frame.health
        suspicions = undiagnosed.suspicions if undiagnosed else ()
        name = finding.id if finding else suspicions[0].id if suspicions else None
        if name is not None:
            glyphs = self.query_one(DiagnosisView).glyphs
            self.app.push_screen(FaultScreen(name, ascii_only=glyphs.ascii))

    def action_leave(self) -> None:
        """Go back to the lab."""
        self.dismiss(None)
