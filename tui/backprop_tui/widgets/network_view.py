"""The network drawn: neurons as cells, what is between them as lines, or as a matrix where lines would tangle."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from backprop_core.network_picture import QUANTITIES, LayerPicture, NetworkPicture, NetworkRequest
from backprop_tui.cells import code_points, shorten
from backprop_tui.connections import Line, draw_lines
from backprop_tui.keys import KeySpec
from backprop_tui.neuron_text import connection_lines, course_line, neuron_lines
from backprop_tui.notation import compact
from backprop_tui.palette import ZERO, Ink
from backprop_tui.scales import round_up, short_number
from backprop_tui.widgets.panel import Panel

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from textual import events

    from backprop_core.snapshot import PanelRequest
    from backprop_tui.cells import Canvas

CELL = 13
"""Columns of a neuron: marker, number, level, activation, and whether it is dead."""

SHORTEST_LINE = 6
MOST_LINES = 40
"""More lines than these between two layers would be a tangle."""

INFO_LINES = 5
COURSE = 120
"""So many of the latest activations are kept."""

Span = tuple[int, int, int, int, int]
"""A line, where on it a neuron is drawn (start, stop), its layer and number."""


class NetworkView(Panel):
    """The network, whole or the part of it that fits around the selected neuron."""

    CONTENT: ClassVar[type] = NetworkPicture
    SCROLLS = (1, 0)
    KEYS: ClassVar[tuple[KeySpec, ...]] = (
        KeySpec("down", "↓", "move(1,0)", "↑ ↓ ← → neuron", "Select a neuron.", "network"),
        KeySpec("h", "h", "next_mode", "gradients", "Weights, gradients, updates.", "network"),
        KeySpec("right_square_bracket", "]", "next_layer", "[ ] sample", "Mean, or one sample.", "network"),
        KeySpec("v", "v", "next_panel", "view", "The next view.", "network"),
        KeySpec("escape", "esc", "clear_selection", "out", "Back to the overview.", "network"),
    )

    def __init__(self, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.at_layer = 1
        self.at_neuron: int | None = None
        self.at_sample: int | None = None
        self.quantity = QUANTITIES[0]
        self.border_title = "network"
        self._spans: list[Span] = []
        self._bound = 0.0
        self._course: deque[float] = deque(maxlen=COURSE)
        self._course_of: tuple[int, int, int | None] | None = None
        self._last_step = -1

    def request(self) -> PanelRequest:
        """Ask for as much of the network as fits."""
        return NetworkRequest(
            layer=self.at_layer,
            neuron=self.at_neuron,
            sample=self.at_sample,
            quantity=self.quantity,
            rows=max(self._drawing_lines() - 1, 1),
            columns=max(self.size.width, 1),
            label=CELL + 1,
            strongest=max((self.size.width - 12) // 14, 1),
        )

    def _drawing_lines(self) -> int:
        return max(self.size.height - INFO_LINES, 2)

    def keep_up(self) -> None:
        """Move the selection to where a smaller network has it, and remember the neuron's activation."""
        self.at_layer = min(self.at_layer, len(self.content.sizes) - 1)
        if self.at_neuron is not None:
            self.at_neuron = min(self.at_neuron, self.content.sizes[self.at_layer])
        self._remember()

    def _remember(self) -> None:
        """Keep the selected neuron's activations of the latest frames in which training has gone on."""
        chosen, step = self.content.selected, self.frame.snapshot.step  # type: ignore[union-attr]
        key = (chosen.layer, chosen.neuron, self.content.sample) if chosen is not None else None
        if key != self._course_of or step < self._last_step:
            self._course.clear()
        if chosen is not None and (step != self._last_step or key != self._course_of):
            self._course.append(chosen.activation)
        self._course_of, self._last_step = key, step

    def move(self, down: int, right: int) -> None:
        """Select the neuron beside; the first press selects one."""
        sizes = self.content.sizes if self.content is not None else (1, 1)
        if self.at_neuron is None:
            self.at_neuron = 1
            return
        self.at_layer = min(max(self.at_layer + right, 1), len(sizes) - 1)
        self.at_neuron = min(max(self.at_neuron + down, 1), sizes[self.at_layer])

    def turn(self, direction: int) -> None:
        """Look at another sample; before the first is the mean of all."""
        samples = self.content.samples if self.content is not None else 1
        sample = min(max((self.at_sample or 0) + direction, 0), samples)
        self.at_sample = sample or None

    def next_mode(self) -> None:
        """Draw the next quantity."""
        self.quantity = QUANTITIES[(QUANTITIES.index(self.quantity) + 1) % len(QUANTITIES)]

    def on_click(self, event: events.Click) -> None:
        """Select the neuron that was clicked."""
        offset = event.get_content_offset(self)
        for line, start, stop, layer, neuron in self._spans if offset is not None else ():
            if offset is not None and line == offset.y and start <= offset.x < stop:
                self.at_layer, self.at_neuron = layer, neuron
                self.post_message(self.Changed())
                return

    def paint(self, canvas: Canvas) -> None:
        """Draw the network above, the selected neuron and the legend below."""
        if self.content is None:
            return
        picture: NetworkPicture = self.content
        self._spans = []
        self._bound = stable_bound(picture.bound, self._bound)
        self._say_which(picture)
        height = self._drawing_lines()
        if can_be_lines(picture, canvas.width, height - 1):
            self._lines(canvas, picture, height)
        else:
            self._matrices(canvas, picture, height)
        self._info(canvas, picture, height)
        self._legend(canvas, picture, canvas.height - 1)

    def _say_which(self, picture: NetworkPicture) -> None:
        """Say in the title which layers are drawn, where there is no room for all."""
        first, last, of = picture.layers[0].layer, picture.layers[-1].layer, len(picture.sizes) - 1
        which = f"layer {first}" if first == last else f"layers {first} to {last}"
        title = "network" if last - first + 1 == of else f"network, {which} of {of}"
        if title != self.border_title:
            self.border_title = title

    def _lines(self, canvas: Canvas, picture: NetworkPicture, height: int) -> None:
        """Draw a column a layer, from the inputs on, and lines between."""
        columns = len(picture.layers) + 1
        gap = min((canvas.width - columns * CELL) // (columns - 1), 30)
        canvas.text(2, 0, "inputs", Ink.MUTED)
        places = spread(len(picture.below), height - 1)
        for index, value in enumerate(picture.below):
            canvas.text(2, places[index] + 1, f"x{index + 1} {number(value)}"[: CELL - 2], Ink.TEXT)
        x = CELL
        for layer in picture.layers:
            below, places = places, spread(layer.units, height - 1)
            lines = [
                self._line(picture, layer, source, target, below[source], places[target])
                for target in range(layer.units)
                for source in range(layer.inputs)
            ]
            draw_lines(canvas, x, 1, gap - 1, height - 1, lines)
            x += gap
            self._heading(canvas, x, layer, CELL)
            for row in range(layer.units):
                self._neuron(canvas, x, places[row] + 1, layer, row)
            x += CELL

    def _line(
        self, picture: NetworkPicture, layer: LayerPicture, source: int, target: int, start: int, stop: int
    ) -> Line:
        chosen = picture.selected
        ours = chosen is None or (layer.layer, target + 1) == (chosen.layer, chosen.neuron)
        ours = ours or (layer.layer, source + 1) == (chosen.layer + 1, chosen.neuron)  # type: ignore[union-attr]
        share = float(layer.matrix[target, source]) / self._bound if self._bound else 0.0
        # Where lines leave one another, so that the signs on them do not lie on one another.
        place = (source + 1 + (target + 1) / (layer.units + 1)) / (layer.inputs + 2)
        return Line(start, stop, share, place, not ours)

    def _matrices(self, canvas: Canvas, picture: NetworkPicture, height: int) -> None:
        """Draw a block a layer: a row a neuron, a cell for each of its inputs."""
        x = 0
        for layer in picture.layers:
            self._heading(canvas, x, layer, CELL + layer.matrix.shape[1])
            levels = quantise(layer.matrix, self._bound)
            characters = code_points("".join(self.glyphs.signed) + self.glyphs.missing)
            inks = np.array([*range(Ink.SIGNED, Ink.SIGNED + 9), Ink.DEAD], np.uint8)
            for row in range(min(len(layer.matrix), height - 1)):
                self._neuron(canvas, x, row + 1, layer, row)
                canvas.put(x + CELL, row + 1, characters[levels[row]], inks[levels[row]])
            x += CELL + levels.shape[1] + 1

    def _heading(self, canvas: Canvas, x: int, layer: LayerPicture, width: int) -> None:
        """Name a layer above its neurons, how many of them are dead, if any, and which are drawn, if not all."""
        summary = self.frame.snapshot.layers[layer.layer - 1]  # type: ignore[union-attr]
        here = layer.layer == self.at_layer
        end = canvas.text(x, 0, f" {layer.layer} {layer.activation}", Ink.STRONG if here else Ink.MUTED)
        if summary.dead:
            end = canvas.text(end + 1, 0, f"{self.glyphs.dead}{len(summary.dead)}", Ink.DEAD)
        shown = len(layer.activations)
        if shown < layer.units:
            which = f" {layer.first}-{layer.first + shown - 1}/{layer.units}"
            fits = end + len(which) <= x + width
            canvas.text(end, 0, which if fits else self.glyphs.ellipsis, Ink.MUTED)

    def _neuron(self, canvas: Canvas, x: int, y: int, layer: LayerPicture, row: int) -> None:
        neuron, value, dead = layer.first + row, layer.activations[row], layer.dead[row]
        here = layer.layer == self.at_layer and neuron == self.at_neuron
        ink = Ink.DEAD if dead else Ink.STRONG if here else Ink.TEXT
        marker = self.glyphs.selected if here else " "
        end = canvas.text(x, y, f"{marker}{neuron:>2} ", ink)
        self._level(canvas, end, y, layer, value)
        end = canvas.text(end + 2, y, number(value), ink)
        if dead:
            canvas.text(end, y, self.glyphs.dead, Ink.DEAD)
        self._spans.append((y, x, x + CELL, layer.layer, neuron))

    def _level(self, canvas: Canvas, x: int, y: int, layer: LayerPicture, value: float) -> None:
        """Draw how large an activation is among its layer's."""
        largest = max((abs(a) for a in layer.activations if np.isfinite(a)), default=0.0)
        if not np.isfinite(value):
            canvas.text(x, y, self.glyphs.missing, Ink.DEAD)
        elif min(layer.activations) < 0:
            level = int(quantise(np.array([[value]]), largest)[0, 0])
            canvas.text(x, y, self.glyphs.signed[level], Ink.SIGNED + level)
        else:
            level = round(8 * value / largest) if largest else 0
            canvas.text(x, y, self.glyphs.levels[max(level, int(value > 0))], Ink.LEVEL + level)

    def _info(self, canvas: Canvas, picture: NetworkPicture, y: int) -> None:
        """Tell of the selected neuron, or how to select one."""
        if picture.selected is None:
            canvas.text(0, y, "arrows or a click select a neuron", Ink.MUTED)
            return
        layer = self.frame.snapshot.layers[picture.selected.layer - 1]  # type: ignore[union-attr]
        lines = neuron_lines(picture.selected, layer.activation, self.glyphs, canvas.width)
        lines += connection_lines(picture.selected, picture.quantity)
        lines += course_line(self._course, canvas.width, self.glyphs)
        for place, (text, ink) in enumerate(lines[: INFO_LINES - 1]):
            canvas.text(0, y + place, shorten(text, canvas.width, self.glyphs.ellipsis), ink)

    def _legend(self, canvas: Canvas, picture: NetworkPicture, y: int) -> None:
        x = canvas.text(0, y, f"{picture.quantity} ", Ink.TEXT)
        if self._bound:
            bound = short_number(self._bound)
            x = canvas.text(x, y, f"-{bound} ", Ink.MUTED)
            for level, glyph in enumerate(self.glyphs.signed):
                x = canvas.text(x, y, " 0 " if level == ZERO else glyph, Ink.SIGNED + level)
            x = canvas.text(x, y, f" {bound}", Ink.MUTED)
        else:
            x = canvas.text(x, y, "are all zero", Ink.MUTED)
        notes = [f"{layer.group} inputs a cell" for layer in picture.layers if layer.group > 1][:1]
        if picture.sample is None:
            notes.append(f"activations: mean of {picture.samples} samples")
        else:
            notes.append(f"activations: sample {picture.sample} of {picture.samples}")
        for note in notes:
            if x + 3 + len(note) <= canvas.width:
                x = canvas.text(x, y, f" {self.glyphs.separator} {note}", Ink.MUTED)


def can_be_lines(picture: NetworkPicture, width: int, height: int) -> bool:
    """Tell whether the whole network fits with a line for each weight, and would not be a tangle."""
    layers = picture.layers
    if len(layers) + 1 != len(picture.sizes) or max(picture.sizes) > height:
        return False
    if any(layer.units * layer.inputs > MOST_LINES for layer in layers):
        return False
    return (len(layers) + 1) * CELL + len(layers) * SHORTEST_LINE <= width


def spread(count: int, height: int) -> list[int]:
    """Return lines for so many neurons, evenly over a height."""
    return [(2 * index + 1) * height // (2 * count) for index in range(count)]


def number(value: float) -> str:
    """Return a number in at most six characters."""
    return compact(value, 6)


def stable_bound(most: float, bound: float) -> float:
    """Return a round number for the highest level, kept while the values fill most of it."""
    if not np.isfinite(most) or most == 0:
        return 0.0
    return bound if 0.6 * bound < most <= bound else round_up(most)


def quantise(values: NDArray[np.floating], bound: float) -> NDArray[np.int64]:
    """Return each value's level, 0 to 8 with zero in the middle, 9 where it is not finite.

    Only what is zero is drawn as zero: a small value keeps its sign.
    """
    wide = values.astype(np.float64)
    missing = ~np.isfinite(wide)
    wide[missing] = 0.0
    steps = np.clip(np.rint(wide / bound * 4), -4, 4) if bound else np.zeros_like(wide)
    levels = ZERO + np.where(steps == 0, np.sign(wide), steps)
    levels[missing] = 9
    return levels.astype(np.int64)
