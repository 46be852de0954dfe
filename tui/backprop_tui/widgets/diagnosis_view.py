"""The diagnosis in words: the chain of findings, the one looked at with its evidence, its cures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from backprop_core.diagnosis.text import loss
from backprop_tui.cells import CellView, shorten
from backprop_tui.consultation import Consultation
from backprop_tui.health_text import (
    chain_of,
    evidence_items,
    forecast_sentence,
    rows_text,
    title_of,
    units_text,
    verdict_of,
)
from backprop_tui.palette import Ink
from backprop_tui.widgets.message_line import wrapped

if TYPE_CHECKING:
    from textual import events

    from backprop_core.diagnosis.report import Diagnosis, Finding, Forecast
    from backprop_core.snapshot import Frame
    from backprop_tui.cells import Canvas

Part = tuple[str, int]

NAME_WIDTH = 11
"""Of the words before evidence, neurons and rows."""

ROOMY = 24
"""So many lines have room for empty ones between the parts."""

LEAST_CURES = 3
"""So many cures are shown however much there is to say of the finding."""

SEVERITY_INKS = {"critical": Ink.DEAD, "serious": Ink.DEAD, "minor": Ink.TEXT}
VERDICT_INKS = {"recommended": Ink.MARK, "harmful": Ink.DEAD}


def window(chosen: int, count: int, most: int) -> range:
    """Return so many of ``count`` places at most, the chosen one among them."""
    most = max(most, 1)
    first = max(min(chosen - most // 2, count - most), 0)
    return range(first, min(first + most, count))


class DiagnosisView(CellView):
    """Everything that is said; which finding and which of its cures are looked at, is remembered here.

    Attributes
    ----------
    finding, cure : int
        Places in the chain, and among the finding's cures, from 0.
    warned : Forecast or None
        The cure whose harm has been warned of.
    """

    DEFAULT_CSS = "DiagnosisView { width: 1fr; height: 1fr; }"

    class Selected(Message):
        """Another finding or cure is looked at."""

    frame: Frame | None = None
    consultation = Consultation()
    finding = 0
    cure = 0
    warned: Forecast | None = None

    def __init__(self, **options: str) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self._targets: dict[int, tuple[str, int]] = {}

    @property
    def diagnosis(self) -> Diagnosis | None:
        """What is shown."""
        return self.consultation.diagnosis

    @property
    def looked_at(self) -> Finding | None:
        """The finding that is looked at."""
        diagnosis = self.diagnosis
        if diagnosis is None or not diagnosis.findings:
            return None
        places = chain_of(diagnosis.findings)
        return diagnosis.findings[places[min(self.finding, len(places) - 1)][1]]

    @property
    def chosen(self) -> Forecast | None:
        """The cure that is looked at."""
        cures = self.cures
        return cures[min(self.cure, len(cures) - 1)] if cures else None

    @property
    def cures(self) -> tuple[Forecast, ...]:
        """The cures of the finding that is looked at, the recommended one first wherever one looks."""
        finding, recommended = self.looked_at, self.consultation.recommended
        if finding is None:
            return ()
        others = tuple(one for one in finding.cures if recommended is None or one.id != recommended.id)
        return others if recommended is None else (recommended, *others)

    def show(self, frame: Frame, consultation: Consultation) -> None:
        """Show what is known."""
        if consultation.diagnosis is not self.diagnosis:
            self.finding = self.cure = 0
        self.frame, self.consultation = frame, consultation
        self.redraw()

    def select(self, *, finding: int | None = None, cure: int | None = None) -> None:
        """Look at another finding (and its first cure), or at another cure; what lies beyond is the last."""
        if finding is not None:
            count = len(self.diagnosis.findings) if self.diagnosis else 0
            self.finding, self.cure = max(min(finding, count - 1), 0), 0
        if cure is not None:
            self.cure = max(min(cure, len(self.cures) - 1), 0)
        self.redraw()
        self.post_message(self.Selected())

    def on_click(self, event: events.Click) -> None:
        """Look at the clicked finding or cure."""
        offset = event.get_content_offset(self)
        kind, number = self._targets.get(offset.y, ("", 0)) if offset else ("", 0)
        if kind == "finding":
            self.select(finding=number)
        elif kind == "cure":
            self.select(cure=number)

    def paint(self, canvas: Canvas) -> None:
        """Draw the chain, the finding and its cures, or what is known before there is a diagnosis."""
        self._targets = {}
        gap = int(canvas.height >= ROOMY)
        if self.diagnosis is None:
            y = self._waiting(canvas)
        elif not self.diagnosis.findings:
            y = self._paragraph(canvas, 0, "No symptom.", Ink.TRAINING)
            y = self._paragraph(
                canvas,
                y + gap,
                "Everything that is known to keep a network from learning was looked for, and nothing was found.",
                Ink.TEXT,
            )
            y = self._paragraph(canvas, y, self.diagnosis.note, Ink.MUTED)
        else:
            y = self._chain(canvas) + gap
            y = self._finding(canvas, y, gap) + gap
            y = self._cures(canvas, y)
        self._state(canvas, y + gap)

    def _waiting(self, canvas: Canvas) -> int:
        """Draw what is suspected while the forks train."""
        consultation, health = self.consultation, self.frame.health if self.frame else None
        y = 0
        if consultation.seconds is not None:
            y = self._paragraph(
                canvas,
                y,
                f"Investigating for {consultation.seconds:.0f} s. Copies of the run train with each cure and "
                f"without, over the same batches; {consultation.forks} so far. The run itself goes on.",
                Ink.STRONG,
            )
        if health is not None and health.suspicions:
            y = self._paragraph(canvas, y + 1, "Suspected so far:", Ink.MUTED)
            for number, suspicion in enumerate(health.suspicions):
                canvas.texts(
                    0,
                    y,
                    (f"{self.glyphs.watching} ", Ink.MUTED),
                    (title_of(suspicion.id), Ink.STRONG),
                    (f", since step {suspicion.since}", Ink.MUTED),
                )
                y += 1
                if number == 0:
                    y = self._paragraph(canvas, y, suspicion.summary, Ink.TEXT, left=2)
        elif consultation.seconds is None:
            y = self._paragraph(canvas, y, "Not investigated yet: d does that.", Ink.MUTED)
        return y

    def _state(self, canvas: Canvas, y: int) -> None:
        if self.warned is not None and self.warned == self.chosen:
            warning = f"{self.glyphs.warning} This would do harm. t again applies it all the same."
            self._paragraph(canvas, y, warning, Ink.WARNING)
        elif self.consultation.failed:
            self._paragraph(canvas, y, f"{self.glyphs.warning} {self.consultation.failed}", Ink.WARNING)
        elif self.diagnosis is not None and self.consultation.seconds is not None:
            seconds = f"{self.consultation.seconds:.0f} s"
            self._paragraph(canvas, y, f"Investigating anew, {seconds}.", Ink.MUTED)

    def _paragraph(
        self, canvas: Canvas, y: int, text: str, ink: int, left: int = 0, end: int | None = None
    ) -> int:
        """Write a text in as many lines as it takes, none from line ``end`` on, and return the line after it."""
        if not text:
            return y
        width, end = max(canvas.width - left, 1), canvas.height if end is None else end
        lines = wrapped(text, width)
        shown = lines[: max(end - y, 0)]
        if shown and len(shown) < len(lines):
            shown[-1] = shorten(f"{shown[-1]} {lines[len(shown)]}", width, self.glyphs.ellipsis)
        for line in shown:
            canvas.text(left, y, line, ink)
            y += 1
        return y

    def _named(self, canvas: Canvas, y: int, name: str, text: str, end: int | None = None) -> int:
        """Write a text beside its name."""
        after = self._paragraph(canvas, y, text, Ink.TEXT, left=NAME_WIDTH, end=end)
        if after > y:
            canvas.text(0, y, name, Ink.MUTED)
        return after

    def _chain(self, canvas: Canvas) -> int:
        diagnosis = self.diagnosis
        assert diagnosis is not None
        y = 0
        places = chain_of(diagnosis.findings)
        shown = self._shown_places(len(places), canvas.height)
        for place in shown:
            depth, number = places[place]
            finding = diagnosis.findings[number]
            here = place == self.finding
            x = canvas.text(0, y, f"{self.glyphs.selected if here else ' '} ", Ink.STRONG)
            if depth:
                x = canvas.text(x + 3 * (depth - 1), y, f"{self.glyphs.effect} ", Ink.MUTED)
            glyph = self.glyphs.finding if finding.confirmed else self.glyphs.watching
            ink = SEVERITY_INKS[finding.severity] if finding.confirmed else Ink.MUTED
            x = canvas.text(x, y, f"{glyph} ", ink)
            x = canvas.text(x, y, title_of(finding.id), Ink.STRONG if here else Ink.TEXT)
            note = self._note_of(finding, place)
            if place in (shown[0], shown[-1]) and place not in (0, len(places) - 1):
                note = f"{len(places) - len(shown)} more {self.glyphs.separator} {note}"
            canvas.text(max(canvas.width - len(note), x + 2), y, note, ink)
            self._targets[y] = ("finding", place)
            y += 1
        return y

    def _shown_places(self, places: int, height: int) -> range:
        """Return the places in the chain that there is room for, the one looked at among them."""
        return window(self.finding, places, max(height // 3, 2))

    def _note_of(self, finding: Finding, place: int) -> str:
        note = finding.severity if finding.confirmed else "not confirmed"
        return f"root {self.glyphs.separator} {note}" if place == 0 and finding.confirmed else note

    def _finding(self, canvas: Canvas, y: int, gap: int) -> int:
        finding = self.looked_at
        assert finding is not None
        since = f"since step {finding.since}" if finding.since != finding.step else f"at step {finding.step}"
        separator = f" {self.glyphs.separator} "
        # The cures and what they would do come below, whatever there is to say here.
        end = canvas.height - min(len(self.cures), LEAST_CURES) - 1
        y = self._named(canvas, y, "what", f"{finding.summary} Seen {since}.", end)
        y = self._named(canvas, y, "why", finding.why, end - 1)
        y = self._named(canvas, y + gap, "evidence", separator.join(evidence_items(finding.evidence)), end)
        y = self._named(canvas, y, "neurons", units_text(finding.units), end)
        return self._named(canvas, y, "rows", rows_text(finding.rows), end)

    def _cures(self, canvas: Canvas, y: int) -> int:
        cures, recommended = self.cures, self.consultation.recommended
        if not cures:
            return self._named(canvas, y, "cures", "none was tried")
        verdicts = [verdict_of(cure, recommended) for cure in cures]
        effects = [f"{loss(cure.loss_untreated)} → {loss(cure.loss_treated)}" for cure in cures]
        verdict_width, loss_width = max(map(len, verdicts)), max(map(len, effects))
        room = canvas.width - 2 - loss_width - verdict_width - 4
        chosen = min(self.cure, len(cures) - 1)
        # The line after them says what the chosen one would come to.
        for number in window(chosen, len(cures), canvas.height - 1 - y):
            cure, verdict, effect = cures[number], verdicts[number], effects[number]
            here = number == chosen
            canvas.text(0, y, self.glyphs.selected if here else " ", Ink.STRONG)
            name = shorten(cure.id.replace("+", " + "), room, self.glyphs.ellipsis)
            canvas.text(2, y, name, Ink.STRONG if here else Ink.TEXT)
            canvas.text(2 + room + 2, y, effect, Ink.TEXT)
            canvas.text(canvas.width - verdict_width, y, verdict, VERDICT_INKS.get(verdict, Ink.MUTED))
            self._targets[y] = ("cure", number)
            y += 1
        return self._of_chosen(canvas, y)

    def _of_chosen(self, canvas: Canvas, y: int) -> int:
        """Say what the cure that is looked at does, and what it would come to."""
        chosen = self.chosen
        assert chosen is not None
        exact = "; the loss is at first unchanged" if chosen.exact else ""
        y = self._paragraph(canvas, y, forecast_sentence(chosen), Ink.TEXT, left=2)
        return self._paragraph(canvas, y, f"{chosen.summary}{exact}", Ink.MUTED, left=2)
