"""The step, taken apart: forward, loss, backward, update, with the numbers of the user's own network."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from backprop_core.commands import Step
from backprop_core.dissection import PHASES, Dissection, DissectionRequest, LayerColumn, Station
from backprop_core.frozen import dataclass
from backprop_tui.cells import shorten
from backprop_tui.keys import KeySpec
from backprop_tui.notation import compact
from backprop_tui.palette import Ink
from backprop_tui.step_text import EQUATIONS, Row, StepText, Table
from backprop_tui.step_walk import next_leg, next_neuron, phase_start, within
from backprop_tui.widgets.message_line import wrapped
from backprop_tui.widgets.panel import Panel

if TYPE_CHECKING:
    from textual import events

    from backprop_core.snapshot import PanelRequest
    from backprop_tui.cells import Canvas

NUMBER_WIDTH = 16
LABEL_WIDTH = 6
LAYER_LABEL = 18
CELL_WIDTH = 9
AIRY = 19
"""Lines from which on the layers are set apart from the formulas."""

LEAST_TABLE = 5
"""Lines that the second of two tables below each other is worth drawing in."""

ROOMY = 26
"""Lines from which on there are gaps, and the four equations have a line each."""


@dataclass(frozen=True)
class Span:
    """A part of a line, and what a click on it chooses: a station, a weight or a sample."""

    line: int
    start: int
    stop: int
    station: Station | None = None
    weight: int | None = None
    sample: int | None = None


class StepView(Panel):
    """One station of the coming step at a time; the arrows walk through them."""

    CONTENT: ClassVar[type] = Dissection
    SCROLLS = (0, 1)
    PAUSES: ClassVar[bool] = True
    KEYS: ClassVar[tuple[KeySpec, ...]] = (
        KeySpec("right", "→", "move(0,1)", "← → walk", "Go on to the next neuron.", "step"),
        KeySpec("down", "↓", "move(1,0)", "↑ ↓ layer", "Go on to the next layer.", "step"),
        KeySpec("left_square_bracket", "[", "previous_layer", "[ ] sample", "Another sample.", "step"),
        KeySpec("h", "h", "next_mode", "h weight", "Another weight's update.", "step"),
        KeySpec("enter", "enter", "confirm", "enter take", "Take the step.", "step"),
        KeySpec("escape", "esc", "clear_selection", "out", "Back to the overview.", "step"),
    )

    def __init__(self, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.station = Station()
        self.sample = self.weight = 1
        self.border_title = "step"
        self._spans: list[Span] = []

    @property
    def keys(self) -> tuple[KeySpec, ...]:
        """Its keys, without that of samples where the batch is one."""
        one = self.content is not None and self.content.batch == 1
        return tuple(spec for spec in self.KEYS if not (one and spec.action == "previous_layer"))

    def request(self) -> PanelRequest:
        """Ask for the station, as large as it can be shown."""
        return DissectionRequest(
            station=self.station,
            sample=self.sample,
            weight=self.weight,
            terms=self._table_rows(),
            rows=max((self.size.width - LAYER_LABEL) // CELL_WIDTH, 1),
            columns=self._layer_lines(),
        )

    def keep_up(self) -> None:
        """Move to where another network, or a smaller batch, has the station and the sample."""
        self.sample = min(self.sample, self.content.batch)
        self.station = within(self.station, self._units())
        self.weight = min(self.weight, self._fan_in())

    def _fan_in(self) -> int:
        layer = len(self._units()) if self.station.phase == "loss" else self.station.layer
        return self.content.sizes[layer - 1] if self.content is not None else 1

    def _units(self) -> tuple[int, ...]:
        return self.content.sizes[1:] if self.content is not None else (1,)

    def move(self, down: int, right: int) -> None:
        """Walk on or back: neuron by neuron, or layer by layer."""
        if right:
            self.station = next_neuron(self.station, self._units(), right)
        if down:
            self.station = next_leg(self.station, self._units(), down)

    def turn(self, direction: int) -> None:
        """Look at another sample of the batch."""
        batch = self.content.batch if self.content is not None else 1
        self.sample = min(max(self.sample + direction, 1), batch)

    def next_mode(self) -> None:
        """Look at another weight: the neuron's next one, after the last its bias."""
        if self.content is not None:
            biased = self.content.neuron.bias is not None
            self.weight = 0 if self.weight == self._fan_in() and biased else self.weight % self._fan_in() + 1

    def confirm(self) -> None:
        """Take the step, and be at the beginning of the next one."""
        self.station, self.sample = Station(), 1
        self.post_message(self.Sent(Step(1)))

    def on_click(self, event: events.Click) -> None:
        """Go to the phase, neuron, weight or sample that was clicked."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        for span in self._spans:
            if span.line == offset.y and span.start <= offset.x < span.stop:
                self.station = span.station or self.station
                self.weight = self.weight if span.weight is None else span.weight
                self.sample = self.sample if span.sample is None else span.sample
                self.post_message(self.Changed())
                return

    @property
    def _roomy(self) -> bool:
        return self.size.height >= ROOMY

    def _layer_lines(self) -> int:
        return min(max((self.size.height - 11) // 2, 2), 12)

    def _table_rows(self) -> int:
        """Return how many rows a table may have."""
        two = self._roomy and self.size.width // 2 < LABEL_WIDTH + 3 * NUMBER_WIDTH
        stacked = two and self.station.phase in ("backward", "update")
        return max((self.size.height - self._layer_lines() - 10) // (2 if stacked else 1), 2)

    def paint(self, canvas: Canvas) -> None:
        """Draw phases, layers, formulas and tables from above, the four equations from below."""
        if self.content is None or self.frame is None:
            return
        text = StepText(self.content, self.frame.experiment, ascii_only=canvas.ascii_only)
        self._spans = []
        gap = int(self._roomy)
        self._phases(canvas, 0)
        y = self._layers(canvas, 1 + gap) + int(canvas.height >= AIRY)
        canvas.texts(0, y, (self._place(), Ink.STRONG), (text.equation(), Ink.MARK))
        y += 1 + gap
        for line in text.formulas(canvas.width - 2):
            canvas.text(2, y, shorten(line, canvas.width - 2, self.glyphs.ellipsis), Ink.TEXT)
            y += 1
        bottom = self._equations(canvas, text)
        for note, ink in reversed(text.notes()):
            for line in reversed(wrapped(note, canvas.width)):
                bottom -= 1
                canvas.text(0, bottom, line, ink)
        self._tables(canvas, y + gap, bottom - gap, text)

    def _place(self) -> str:
        station = self.content.station
        if station.phase == "loss":
            return "loss  "
        return f"layer {station.layer} neuron {station.neuron}  "

    def _phases(self, canvas: Canvas, y: int) -> None:
        """Draw the four phases, and at the right end what is taken apart."""
        it, x = self.content, 0
        for phase in PHASES:
            here = phase == it.station.phase
            marker = self.glyphs.selected if here else " "
            start = x
            x = canvas.text(x, y, f"{marker}{phase}", Ink.MARK if here else Ink.MUTED)
            self._spans.append(Span(y, start, x, phase_start(phase, it.sizes[1:])))
            x += 1
        rest = f"step {it.step}, sample {it.row}"
        if it.batch > 1:
            rest += f": {it.sample} of a batch of {it.batch}"
        if x + 2 + len(rest) <= canvas.width:
            canvas.text(canvas.width - len(rest), y, rest, Ink.MUTED)

    def _layers(self, canvas: Canvas, y: int) -> int:
        """Draw a line a layer: what has been computed of it so far. Return the line below."""
        columns: tuple[LayerColumn, ...] = self.content.columns
        names = ["inputs", *(layer.activation for layer in self.frame.snapshot.layers)]  # type: ignore[union-attr]
        for column in columns[: self._layer_lines()]:
            number = str(column.layer) if column.layer else " "
            here = column.layer == self.content.station.layer
            label = f"{number} {names[column.layer]}"
            canvas.text(
                0, y, shorten(label, LAYER_LABEL - 5, self.glyphs.ellipsis), Ink.STRONG if here else Ink.MUTED
            )
            self._cells(canvas, y, column)
            y += 1
        return y

    def _cells(self, canvas: Canvas, y: int, column: LayerColumn) -> None:
        station: Station = self.content.station
        backwards = station.phase in ("backward", "update") and column.layer > 0
        values = column.deltas if backwards else column.activations
        symbol = self._symbol("δ" if backwards else "a") if column.layer else "x"
        x = canvas.text(LAYER_LABEL - 4, y, f"{symbol} ", Ink.MUTED) + 1
        if column.first > 1:
            canvas.text(x - 1, y, self.glyphs.ellipsis, Ink.MUTED)
        for place, value in enumerate(values):
            neuron = column.first + place
            if x + CELL_WIDTH > canvas.width:
                canvas.text(x, y, self.glyphs.ellipsis, Ink.MUTED)
                return
            self._cell(canvas, x, y, column, neuron, value, dead=column.dead[place])
            x += CELL_WIDTH
        if column.first + len(values) - 1 < column.units:
            canvas.text(x, y, self.glyphs.ellipsis, Ink.MUTED)

    def _cell(
        self, canvas: Canvas, x: int, y: int, column: LayerColumn, neuron: int, value: float, *, dead: bool
    ) -> None:
        station: Station = self.content.station
        here = column.layer == station.layer and neuron == station.neuron and station.phase != "loss"
        known = self._known(column.layer, neuron)
        number = compact(value, CELL_WIDTH - 2) if known else self.glyphs.dead_cell
        marker = self.glyphs.selected if here else " "
        ink = Ink.DEAD if dead else Ink.STRONG if here else Ink.TEXT if known else Ink.MUTED
        end = canvas.text(x, y, f"{marker}{number}", ink)
        if dead:
            canvas.text(end, y, self.glyphs.dead, Ink.DEAD)
        if column.layer:
            phase = "forward" if station.phase == "loss" else station.phase
            self._spans.append(Span(y, x, x + CELL_WIDTH, Station(phase, column.layer, neuron)))

    def _known(self, layer: int, neuron: int) -> bool:
        """Tell whether the walk has come by a neuron's value."""
        station: Station = self.content.station
        if station.phase in ("loss", "update") or layer == 0:
            return True
        if layer == station.layer:
            return neuron <= station.neuron
        return (layer < station.layer) == (station.phase == "forward")

    def _symbol(self, symbol: str) -> str:
        return {"δ": "d"}.get(symbol, symbol) if self.glyphs.ascii else symbol

    def _equations(self, canvas: Canvas, text: StepText) -> int:
        """Draw the four equations at the bottom, those applied marked; return the line below the room left.

        Where a batch's samples need the room, and none is applied, they give way.
        """
        if self.content.station.phase == "update" and self.content.batch > 1:
            return canvas.height
        lines = 4 if self._roomy else 2
        top = canvas.height - lines
        for index, (number, equation, meaning) in enumerate(EQUATIONS):
            applied = number in text.applied
            ink = Ink.MARK if applied else Ink.MUTED
            marker = self.glyphs.selected if applied else " "
            x, y = (0, top + index) if lines == 4 else (index // 2 * (canvas.width // 2), top + index % 2)
            x = canvas.text(x, y, f"{marker}{text.n.write(equation)}", ink)
            if lines == 4:
                canvas.text(30, y, meaning, ink)
        return top - int(canvas.height >= AIRY)

    def _tables(self, canvas: Canvas, y: int, bottom: int, text: StepText) -> None:
        """Draw the tables beside each other where they fit, else below, the second only if there is room."""
        tables = text.tables(bottom - y)
        column = canvas.width // len(tables)
        if max(map(_width, tables)) <= column:
            for number, table in enumerate(tables):
                self._table(canvas, number * column, y, bottom - y, table, text)
            return
        room = (bottom - y - int(self._roomy)) // len(tables)
        tables = text.tables(room)
        if room < LEAST_TABLE and text.it.station.phase == "update":
            tables = tables[:1]
        for number, table in enumerate(tables):
            last = number == len(tables) - 1
            y = self._table(canvas, 0, y, bottom - y if last else room, table, text) + int(self._roomy)

    def _table(self, canvas: Canvas, x: int, y: int, room: int, table: Table, text: StepText) -> int:
        """Draw a table into so many lines, and return the line below it."""
        if room < 2:
            return y
        label, *headings = map(text.n.write, table.headings)
        heading = label.rjust(LABEL_WIDTH) + "".join(name.rjust(NUMBER_WIDTH) for name in headings)
        canvas.text(x, y, heading, Ink.MUTED)
        rows, note = list(table.rows), table.note
        most = room - 1 - bool(note)
        if len(rows) > most:
            most = max(room - 2, 0)
            note = f"and {len(rows) - most} more" + (f"; {note}" if note else "")
            here = next((place for place, row in enumerate(rows) if row.here), 0)
            first = max(here - most + 1, 0)
            rows = rows[first : first + most]
        for row in rows:
            y += 1
            self._row(canvas, x, y, row)
        if note:
            y += 1
            canvas.text(x + LABEL_WIDTH + 2, y, note, Ink.MUTED)
        return y + 1

    def _row(self, canvas: Canvas, x: int, y: int, row: Row) -> None:
        label = self.glyphs.ellipsis if row.label == "…" else row.label
        line = label.rjust(LABEL_WIDTH) + "".join(number.rjust(NUMBER_WIDTH) for number in row.numbers)
        end = canvas.text(x, y, line, Ink.STRONG if row.here else row.ink)
        if row.here:
            canvas.text(x + LABEL_WIDTH - len(label) - 1, y, self.glyphs.selected, Ink.MARK)
        if row.weight is not None or row.sample is not None:
            self._spans.append(Span(y, x, end, None, row.weight, row.sample))


def _width(table: Table) -> int:
    return LABEL_WIDTH + NUMBER_WIDTH * (len(table.headings) - 1)
