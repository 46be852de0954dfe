"""The picture of what a network makes of its problem, in a rectangle of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backprop_core.outcome import Confusion, Continuation, Fit, OutcomeRequest, Plane
from backprop_tui import plane_drawing as planes
from backprop_tui.cells import shorten
from backprop_tui.confusion_drawing import caption, draw_matrix, draw_sample, matrix_width, picture_size
from backprop_tui.fit_drawing import draw_fit, draw_series
from backprop_tui.palette import Ink
from backprop_tui.scales import short_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.outcome import NeuronPlane, Outcome
    from backprop_tui.cells import Canvas
    from backprop_tui.glyphs import Glyphs
    from backprop_tui.scales import Axis

SMALL = (14, 5)
"""Cells of a neuron's picture; a line above it names the neuron."""

FRAMES_A_PICTURE = 5
"""The neurons' pictures cover so many frames while training runs."""

CELLS_A_FRAME = 200
"""While training runs, so many cells of plane and neurons may change a frame; where more do, frames are left
out: a picture that is another one every time would cost a terminal some 70 KB a second.
"""

GAP = 2
SIDE_SHARE = 0.42
SIDE_FROM = 44
"""Columns from which on neurons' pictures stand beside the plane."""

LARGE_PICTURES = 30
"""Lines from which on samples are drawn in grey, two cells a pixel."""


class OutcomePicture:
    """What is seen of the outcome, and of which output, layer and neurons.

    Attributes
    ----------
    width, height : int
        Cells that there are.
    content : Outcome or None
        What came of the last request.
    """

    def __init__(self) -> None:
        self.width = self.height = 0
        self.content: Outcome | None = None
        self.turn_of = 0
        self.output = 1
        self.at_layer = 1
        self.first = 1
        self._axis: Axis | None = None
        self._levels: NDArray[np.int64] | None = None
        self._plane: Plane | None = None
        self._neurons: list[tuple[NeuronPlane, NDArray[np.int64] | None]] = []
        self._of = 0
        self._frames = 0
        self._owed = 0

    def request(self, width: int, height: int) -> OutcomeRequest:
        """Ask for as many cells as there are."""
        self.width, self.height = width, height
        columns, rows = self._plane_size()
        across, down = self._pictures()
        wide, high = picture_size(8, large=self._large)
        pictures = across * down
        if isinstance(self.content, Confusion):
            room = width - matrix_width(self.content) - GAP
            pictures = max(room // (wide + GAP), 0) * max(height - 1, 0) // (high + int(self._large))
        return OutcomeRequest(
            turn=self.turn_of,
            output=self.output,
            columns=columns,
            rows=rows,
            small=SMALL,
            pictures=pictures,
            layer=self.at_layer,
            first=self.first,
        )

    @property
    def _large(self) -> bool:
        return self.height >= LARGE_PICTURES

    def _side(self) -> int:
        """Return the columns that neurons' pictures take: whole pictures, up to a share of the width."""
        if self.width < SIDE_FROM:
            return 0
        across = max(int(self.width * SIDE_SHARE) // (SMALL[0] + GAP), 1)
        return across * (SMALL[0] + GAP)

    def _plane_size(self) -> tuple[int, int]:
        return max(self.width - self._side(), 2), max(self.height - 2, 2)

    def _pictures(self) -> tuple[int, int]:
        """Return how many neurons' pictures stand beside and below one another."""
        return self._side() // (SMALL[0] + GAP), max((self.height - 1) // (SMALL[1] + 1), 1)

    def take(self, content: Outcome, *, running: bool) -> None:
        """Take what came, and keep layer, output and neurons to those that there are."""
        self.content = content
        if isinstance(content, (Plane, Fit)):
            self.output = min(self.output, content.outputs)
        if isinstance(content, Plane):
            # What came may have been asked for before the last key: its layer is not taken over.
            self.at_layer = min(self.at_layer, max(content.layers, 1))
            if content.layer == self.at_layer:
                across, down = self._pictures()
                self.first = min(self.first, max(content.units - across * down + 1, 1))
            self._frames += 1
            self._owed = max(self._owed - CELLS_A_FRAME, 0)
            due = not running or self._owed == 0
            if due or self._plane is None or not _alike(content, self._plane):
                self._choose_plane(content)
            self._choose_neurons(content, due=not running or (due and self._frames >= FRAMES_A_PICTURE))

    def _choose_plane(self, plane: Plane) -> None:
        """Draw this plane from now on, and owe the cells that it changes."""
        before, self._plane = self._levels, plane
        self._levels = planes.calm_levels(plane.values, plane.middle, plane.reach, before)
        if before is not None:
            self._owed += _cells_changed(self._levels, before)

    def _choose_neurons(self, plane: Plane, *, due: bool) -> None:
        """Take new pictures of the neurons only now and then while training runs: they are many cells."""
        known = {(self._of, neuron.neuron): levels for neuron, levels in self._neurons}
        same = known.keys() == {(plane.layer, neuron.neuron) for neuron in plane.neurons}
        if same and not due:
            return
        self._neurons = []
        for neuron in plane.neurons:
            before = known.get((plane.layer, neuron.neuron))
            levels = planes.neuron_levels(neuron, before)
            self._owed += _cells_changed(levels, before)
            self._neurons.append((neuron, levels))
        self._of, self._frames = plane.layer, 0

    def move(self, down: int, right: int) -> None:
        """Show other neurons, or another layer's."""
        if isinstance(self.content, Plane):
            self.first = max(self.first + down * self._pictures()[0], 1)
            if right:
                self.at_layer = min(max(self.at_layer + right, 1), max(self.content.layers, 1))
                self.first = 1

    def turn(self, direction: int) -> None:
        """Show another output."""
        outputs = getattr(self.content, "outputs", 1)
        self.output = min(max(self.output + direction, 1), outputs)

    def next_kind(self) -> None:
        """Show another picture that fits."""
        self.turn_of += 1
        self._axis = None

    @property
    def fits(self) -> bool:
        """Whether there is room for all that the picture has to show."""
        return not isinstance(self.content, Confusion) or matrix_width(self.content) <= self.width

    def paint(self, canvas: Canvas, glyphs: Glyphs) -> None:
        """Draw what came."""
        match self.content:
            case Plane() as plane:
                self._planes(canvas, plane, glyphs)
            case Continuation() as series:
                self._series(canvas, series, glyphs)
            case Confusion() as confusion:
                self._confusion(canvas, confusion, glyphs)
            case Fit() as fit:
                self._fit(canvas, fit)

    def _planes(self, canvas: Canvas, now: Plane, glyphs: Glyphs) -> None:
        assert self._plane is not None
        assert self._levels is not None
        plane = self._plane
        of = f" (output {plane.output} of {plane.outputs})" if plane.outputs > 1 else ""
        name = f"{plane.target}{of}: "
        canvas.texts(0, 0, (name, Ink.STRONG), *planes.sample_line(plane, canvas.width - len(name)))
        rows, columns = plane.values.shape
        planes.draw_plane(canvas, 0, 1, plane, self._levels, glyphs)
        canvas.text(0, rows + 1, shorten(planes.axis_line(plane), columns, glyphs.ellipsis), Ink.MUTED)
        left = columns + GAP
        across = max((canvas.width - left + GAP) // (SMALL[0] + GAP), 1)
        if now.neurons:
            title = f"layer {now.layer} of {now.layers}"
            longer = f"{title}, {now.units} neurons"
            room = canvas.width - left
            canvas.text(left, 0, (longer if len(longer) <= room else title).rjust(room), Ink.MUTED)
        for place, (neuron, levels) in enumerate(self._neurons):
            x, y = left + place % across * (SMALL[0] + GAP), 1 + place // across * (SMALL[1] + 1)
            planes.draw_neuron(canvas, x, y, neuron, levels, glyphs)

    def _series(self, canvas: Canvas, series: Continuation, glyphs: Glyphs) -> None:
        following = ", ".join(f"{value:.4g}" for value in series.ahead[:3])
        x = canvas.texts(
            0,
            0,
            (f"{glyphs.training} prediction  ", Ink.TRAINING),
            (f"{glyphs.training} target  ", Ink.TEXT),
            (f"{glyphs.mark_line} next: {following}", Ink.MARK),
        )
        note = f"{glyphs.mark_line} validation from here"
        if series.first_validation_row is not None and x + 2 + len(note) <= canvas.width:
            canvas.text(x + 2, 0, note, Ink.VALIDATION)
        self._axis = draw_series(canvas, 1, canvas.height - 1, series, self._axis, glyphs)

    def _confusion(self, canvas: Canvas, confusion: Confusion, glyphs: Glyphs) -> None:
        counts = confusion.counts
        total, right = int(counts.sum()), int(counts.trace())
        name = "validation" if confusion.validation else "training"
        canvas.texts(
            0,
            0,
            (f"{right} of {total} {name} samples right", Ink.STRONG),
            ("; across: predicted as", Ink.MUTED),
        )
        draw_matrix(canvas, 0, 1, canvas.height - 1, confusion, glyphs)
        self._samples(canvas, matrix_width(confusion) + GAP, confusion, glyphs)

    def _samples(self, canvas: Canvas, left: int, confusion: Confusion, glyphs: Glyphs) -> None:
        """Draw the most confused samples beside the matrix, as many as fit whole."""
        large = self._large
        side = max((len(s.pixels) for s in confusion.samples if s.pixels is not None), default=0)
        if side:
            wide, high = picture_size(side, large=large)
        else:
            wide, high = max((len(caption(s, confusion.classes)) for s in confusion.samples), default=1), 1
        high += int(large)
        x, y = left, 2
        canvas.text(left, 1, "most confused"[: max(canvas.width - left, 0)], Ink.MUTED)
        for sample in confusion.samples:
            if x + wide > canvas.width:
                x, y = left, y + high
            if y + high - int(large) > canvas.height or left + wide > canvas.width:
                return
            draw_sample(canvas, x, y, sample, confusion.classes, glyphs, large=large)
            x += wide + GAP

    def _fit(self, canvas: Canvas, fit: Fit) -> None:
        of = f" (output {fit.output} of {fit.outputs})" if fit.outputs > 1 else ""
        x = canvas.texts(
            0,
            0,
            (f"{fit.name}{of}: ", Ink.STRONG),
            (
                f"prediction up, target across; root mean square error {short_number(float(f'{fit.error:.4g}'))}",
                Ink.MUTED,
            ),
        )
        if len(fit.target_validation):
            canvas.texts(x + 2, 0, ("v", Ink.VALIDATION), (" validation", Ink.MUTED))
        self._axis = draw_fit(canvas, 1, canvas.height - 1, fit, self._axis)


def _alike(plane: Plane, other: Plane) -> bool:
    """Tell whether two planes are of the same problem, output and size, so that one may stand for the other."""
    return (
        plane.values.shape == other.values.shape
        and plane.target == other.target
        and (plane.low, plane.high, plane.features) == (other.low, other.high, other.features)
        and len(plane.x) == len(other.x)
    )


def _cells_changed(levels: NDArray[np.int64] | None, other: NDArray[np.int64] | None) -> int:
    """Return in how many cells a picture is another one; None is one of nothing."""
    if levels is None or other is None:
        return 0 if levels is other else (levels if other is None else other).size  # type: ignore[union-attr]
    return int(np.count_nonzero(levels != other)) if levels.shape == other.shape else levels.size
