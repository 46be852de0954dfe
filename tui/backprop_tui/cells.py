"""A grid of characters, and the widget that shows one and sends only the cells that changed."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from rich.color import Color, ColorType
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from backprop_tui.glyphs import HIGHEST_ASCII, UNICODE, Glyphs, is_wide, printable, to_ascii
from backprop_tui.palette import SIXTEEN, Ink, ink_colours, rgb_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_tui.palette import Colour

BLANK = 32
JOINED_GAP = 5
"""Moving the cursor costs as many bytes as this many unchanged cells."""


class Canvas:
    """Cells to draw on: a character (as its code point) and an ink each. Drawing outside is clipped.

    The cell after a character of two cells holds code point 0.
    """

    def __init__(self, width: int, height: int, *, ascii_only: bool = False) -> None:
        self.width = width
        self.height = height
        self.ascii_only = ascii_only
        self.characters: NDArray[np.uint32] = np.full((height, width), BLANK, np.uint32)
        self.inks: NDArray[np.uint8] = np.zeros((height, width), np.uint8)

    def text(self, x: int, y: int, text: str, ink: int = Ink.TEXT) -> int:
        """Write text from a cell on, and return the column after it."""
        codes = code_points(to_ascii(printable(text)) if self.ascii_only else printable(text))
        self.put(x, y, codes, ink)
        return x + len(codes)

    def put(self, x: int, y: int, codes: NDArray[np.uint32], ink: int | NDArray[np.uint8]) -> None:
        """Write code points from a cell on, in one ink or one each."""
        start, stop = max(x, 0), min(x + len(codes), self.width)
        if not 0 <= y < self.height or start >= stop:
            return
        shown = codes[start - x : stop - x].copy()
        if shown[0] == 0:
            shown[0] = BLANK
        if stop - x < len(codes) and codes[stop - x] == 0:
            shown[-1] = BLANK
        line = self.characters[y]
        if start > 0 and line[start] == 0:
            line[start - 1] = BLANK
        if stop < self.width and line[stop] == 0:
            line[stop] = BLANK
        line[start:stop] = shown
        self.inks[y, start:stop] = ink[start - x : stop - x] if isinstance(ink, np.ndarray) else ink

    def place(self, x: int, y: int, other: Canvas) -> None:
        """Draw all of another canvas, its corner at a cell."""
        for row in range(other.height):
            self.put(x, y + row, other.characters[row], other.inks[row])

    def texts(self, x: int, y: int, *parts: tuple[str, int]) -> int:
        """Write several texts, each with its ink, one after another."""
        for text, ink in parts:
            x = self.text(x, y, text, ink)
        return x


def code_points(text: str) -> NDArray[np.uint32]:
    """Return a text's code points, 0 after each character that fills two cells."""
    if not text.isascii():
        text = "".join(character + "\0" if is_wide(character) else character for character in text)
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)


def shorten(text: str, width: int, ellipsis: str) -> str:
    """Return text cut to a width, with an ellipsis where something is left out."""
    if len(text) <= width:
        return text
    return text[: max(width - len(ellipsis), 0)] + ellipsis[: max(width, 0)]


def changed_spans(changed: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return (start, stop) of the runs of True in a line, joined where the gap is not worth a cursor move."""
    columns = np.flatnonzero(changed)
    if not len(columns):
        return []
    breaks = np.flatnonzero(np.diff(columns) > JOINED_GAP)
    starts = columns[np.concatenate(([0], breaks + 1))]
    stops = columns[np.concatenate((breaks, [len(columns) - 1]))] + 1
    return list(zip(starts.tolist(), stops.tolist(), strict=True))


class CellView(Widget):
    """A widget that paints a :class:`Canvas` and marks only the cells that differ from what is shown."""

    ALLOW_SELECT = False

    def __init__(
        self,
        *,
        glyphs: Glyphs | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._glyphs = glyphs
        self._shown: Canvas | None = None
        self._strips: list[Strip | None] = []
        self._styles_by_ink: dict[int, Style] = {}

    @property
    def glyphs(self) -> Glyphs:
        """The characters to draw with: those given, else the app's."""
        if self._glyphs is None:
            self._glyphs = getattr(self.app, "glyphs", UNICODE)
        return self._glyphs

    def paint(self, canvas: Canvas) -> None:
        """Draw the whole content. Widgets override this."""

    def redraw(self) -> None:
        """Paint anew and mark what changed for the screen's next update."""
        if not self.is_attached or not self.size:
            return
        shown, new = self._shown, self._painted()
        if shown is None or shown.characters.shape != new.characters.shape:
            self._replace(new)
            self.refresh()
            return
        changed = (shown.characters != new.characters) | (shown.inks != new.inks)
        lines = np.flatnonzero(changed.any(axis=1)).tolist()
        self._shown = new
        regions = []
        for y in lines:
            self._strips[y] = None
            for start, stop in changed_spans(changed[y]):
                whole = stop + int(stop < new.width and new.characters[y, stop] == 0)
                regions.append(Region(start, y, whole - start, 1))
        if regions:
            self.refresh(*regions)

    def _painted(self) -> Canvas:
        canvas = Canvas(*self.size, ascii_only=self.glyphs.ascii)
        self.paint(canvas)
        if canvas.ascii_only:
            canvas.characters[canvas.characters > HIGHEST_ASCII] = ord("?")
        return canvas

    def _replace(self, canvas: Canvas) -> None:
        self._shown = canvas
        self._strips = [None] * canvas.height

    def notify_style_update(self) -> None:
        """Forget colours that came from the theme."""
        super().notify_style_update()
        self._styles_by_ink.clear()
        self._strips = [None] * len(self._strips)

    def render_line(self, y: int) -> Strip:
        """Return a line as the screen shows it."""
        canvas = self._shown
        if canvas is None or (canvas.width, canvas.height) != self.size:
            canvas = self._painted()
            self._replace(canvas)
        if y >= canvas.height:
            return Strip.blank(self.size.width, self.style_of(Ink.TEXT))
        strip = self._strips[y]
        if strip is None:
            strip = self._strips[y] = self._strip(canvas, y)
        return strip

    def _strip(self, canvas: Canvas, y: int) -> Strip:
        characters, inks = canvas.characters[y], canvas.inks[y]
        edges = [0, *(np.flatnonzero(np.diff(inks)) + 1).tolist(), canvas.width]
        text = characters.tobytes().decode("utf-32-le")
        segments = [
            Segment(text[start:stop].replace("\0", ""), self.style_of(int(inks[start])))
            for start, stop in pairwise(edges)
            if stop > start
        ]
        return Strip(segments, canvas.width)

    def style_of(self, ink: int) -> Style:
        """Return the style of an ink in the current theme."""
        if not self._styles_by_ink:
            self._styles_by_ink = self._resolve_inks()
        return self._styles_by_ink.get(ink, self._styles_by_ink[Ink.TEXT])

    def _resolve_inks(self) -> dict[int, Style]:
        base = Style.from_color(self.rich_style.color, self.rich_style.bgcolor)
        inks = {int(Ink.TEXT): base, int(Ink.STRONG): base + Style(bold=True)}
        if self.app.no_color:
            # Glyphs alone tell levels and states; what is behind a cell would be taken for a cursor.
            inks |= dict.fromkeys((int(Ink.DEAD), int(Ink.WARNING), int(Ink.MARK)), base)
        elif self.app.native_ansi_color or self.app.console.color_system in ("standard", "windows"):
            inks |= {int(ink): base + Style(color=name) for ink, name in SIXTEEN.items()}
        else:
            colours = ink_colours(
                self.colors[3].rgb, self.background_colors[1].rgb, dark=self.app.current_theme.dark
            )
            for ink, (colour, behind) in colours.items():
                inks[ink] = base + Style.from_color(
                    rich_colour(colour), None if behind is None else rich_colour(behind)
                )
        inks.setdefault(int(Ink.CURSOR), base + Style(reverse=True))
        for ink in (Ink.DEAD, Ink.WARNING, Ink.MARK):
            inks[int(ink)] += Style(bold=True)
        return inks


def rich_colour(colour: Colour) -> Color:
    """Return a colour as Rich has it; one of the terminal's 256 is sent by its number.

    The triplet is given too: Textual turns colours without one into true colour, at twice the bytes.
    """
    triplet = ColorTriplet(*rgb_of(colour))
    if isinstance(colour, tuple):
        return Color.from_triplet(triplet)
    return Color(f"color({colour})", ColorType.EIGHT_BIT, number=colour, triplet=triplet)
