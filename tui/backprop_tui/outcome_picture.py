"""The picture of what a network makes of its problem, in a rectangle of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_core.outcome import Confusion, Continuation, Fit, OutcomeRequest, Plane
from backprop_tui import plane_drawing as planes
from backprop_tui.cells import shorten
from backprop_tui.confusion_drawing import draw_matrix, draw_sample, matrix_width, picture_size
from backprop_tui.fit_drawing import draw_fit, draw_series
from backprop_tui.palette import Ink
from backprop_tui.scales import short_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from backprop_core.outcome import NeuronPlane, Outcome
    from backprop_tui.cells import Canvas
    from backprop_tui.glyphs import Glyphs
    from backprop_tui.scales import Axis

SMALL = (14, 5)
"""Cells of a neuron's picture; a line above it names the neuron."""

FRAMES_A_PICTURE = 5
"""The neurons' pictures cover so many frames while training runs."""

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
        self._neurons: tuple[NeuronPlane, ...] = ()
        self._of = 0
        self._frames = 0

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
            self.at_layer = content.layer
            across, down = self._pictures()
            self.first = min(self.first, max(content.units - across * down + 1, 1))
            self._choose_neurons(content, running=running)

    def _choose_neurons(self, plane: Plane, *, running: bool) -> None:
        """Take new pictures of the neurons only now and then while training runs: they are many cells."""
        self._frames += 1
        places = [(neuron.neuron, neuron.values.shape) for neuron in plane.neurons]
        known = [(neuron.neuron, neuron.values.shape) for neuron in self._neurons]
        if not running or self._frames % FRAMES_A_PICTURE == 0 or places != known or plane.layer != self._of:
            self._neurons, self._of = plane.neurons, plane.layer

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
                self._plane(canvas, plane, glyphs)
            case Continuation() as series:
                self._series(canvas, series, glyphs)
            case Confusion() as confusion:
                self._confusion(canvas, confusion, glyphs)
            case Fit() as fit:
                self._fit(canvas, fit)

    def _plane(self, canvas: Canvas, plane: Plane, glyphs: Glyphs) -> None:
        of = f" (output {plane.output} of {plane.outputs})" if plane.outputs > 1 else ""
        name = f"{plane.target}{of}: "
        canvas.texts(0, 0, (name, Ink.STRONG), *planes.sample_line(plane, canvas.width - len(name)))
        rows, columns = plane.values.shape
        self._levels = planes.calm_levels(plane.values, plane.middle, plane.reach, self._levels)
        planes.draw_plane(canvas, 0, 1, plane, self._levels, glyphs)
        canvas.text(0, rows + 1, shorten(planes.axis_line(plane), columns, glyphs.ellipsis), Ink.MUTED)
        left = columns + GAP
        across = max((canvas.width - left + GAP) // (SMALL[0] + GAP), 1)
        if plane.neurons:
            title = f"layer {plane.layer} of {plane.layers}"
            longer = f"{title}, {plane.units} neurons"
            room = canvas.width - left
            canvas.text(left, 0, (longer if len(longer) <= room else title).rjust(room), Ink.MUTED)
        for place, neuron in enumerate(self._neurons):
            x, y = left + place % across * (SMALL[0] + GAP), 1 + place // across * (SMALL[1] + 1)
            planes.draw_neuron(canvas, x, y, neuron, glyphs)

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
            wide, high = max((len(n) for n in confusion.classes), default=1) * 2 + 4, 1
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
                f"up: prediction, across: target; root mean square error {short_number(float(f'{fit.error:.4g}'))}",
                Ink.MUTED,
            ),
        )
        if len(fit.target_validation):
            canvas.texts(x + 2, 0, ("v", Ink.VALIDATION), (" validation", Ink.MUTED))
        self._axis = draw_fit(canvas, 1, canvas.height - 1, fit, self._axis)
