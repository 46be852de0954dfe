"""What the terminal shows and what it should show; only the difference is sent.

Textual 8.2 writes every dirty line from the widget's left edge on, and does not compare with what is there.
Here its updates are only drawn on a grid. When the line is free, the cells that differ from those sent before are
sent: however many updates came meanwhile, they cost one.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

from rich.cells import get_character_cell_size
from textual._compositor import ChopsUpdate, LayoutUpdate

from backprop_tui.glyphs import to_ascii
from backprop_tui.terminal.styles import PLAIN, RESET, change_of, colourless_codes, style_codes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rich.color import ColorSystem
    from rich.segment import Segment
    from rich.style import Style
    from textual._compositor import CompositorUpdate

    from backprop_tui.palette import RGB
    from backprop_tui.terminal.styles import Codes

JOINED_GAP = 4
"""Moving the cursor costs as many bytes as this many unchanged cells."""

LONGEST_RUN = 48
"""A longer run is sent in pieces, between which the sending can stop."""

UNKNOWN = None
"""A cell of which it is not known what the terminal shows in it."""

Cells = list[str | None]


@lru_cache(4096)
def cells_of(text: str, *, ascii_only: bool = False) -> tuple[str, ...]:
    """Return a text's cells; a character of two cells is followed by an empty one, marks stay with their letter.

    Characters that control a terminal, or the direction of its text, become blanks or vanish.
    """
    if ascii_only and not text.isascii():
        return tuple(to_ascii(cell[0]) if cell else " " for cell in cells_of(text))
    if text.isascii() and text.isprintable():
        return tuple(text)
    cells: list[str] = []
    for character in text:
        width = get_character_cell_size(character)
        if width == 0:
            if cells and character.isprintable():
                head = -2 if cells[-1] == "" and len(cells) > 1 else -1
                cells[head] += character
        else:
            cells.append(character if character.isprintable() else " ")
            if width == 2:
                cells.append("" if cells[-1] != " " else " ")
    return tuple(cells)


def looks_blank(pen: Codes, other: Codes) -> bool:
    """Tell whether a blank looks the same in two styles: the colour of the text that is not there makes none."""
    return pen[2] == other[2] and pen[0] == other[0]


class Line:
    """One line: each cell's character, empty behind one that fills two cells, and its style."""

    __slots__ = ("pens", "texts")

    def __init__(self, width: int, text: str | None) -> None:
        self.texts: Cells = [text] * width
        self.pens: list[Codes] = [PLAIN] * width

    def put(self, x: int, cells: Sequence[str], pen: Codes) -> int:
        """Write cells in one style, and return the column after them."""
        stop = x + len(cells)
        if x == stop:
            return stop
        texts = self.texts
        # Of a character that fills two cells, half cannot stay.
        if texts[x] == "":
            texts[x - 1] = " "
        if stop < len(texts) and texts[stop] == "":
            texts[stop] = " "
        texts[x:stop] = cells
        self.pens[x:stop] = [pen] * len(cells)
        return stop

    def changed_runs(self, other: Line) -> Iterator[tuple[int, int]]:
        """Yield (start, stop) of what differs from another line, joined over gaps not worth a cursor move."""
        columns = [
            x
            for x, (text, old_text, pen, old_pen) in enumerate(
                zip(self.texts, other.texts, self.pens, other.pens, strict=True)
            )
            if text != old_text or (pen != old_pen and not (text == " " and looks_blank(pen, old_pen)))
        ]
        if not columns:
            return
        start = stop = columns[0]
        for x in columns:
            if x - stop > JOINED_GAP or (x - start >= LONGEST_RUN and self.texts[x] != ""):
                yield self._whole(start, stop)
                start = x
            stop = x + 1
        yield self._whole(start, stop)

    def _whole(self, start: int, stop: int) -> tuple[int, int]:
        """Take in both cells of a character that fills two."""
        if start > 0 and self.texts[start] == "":
            start -= 1
        if stop < len(self.texts) and self.texts[stop] == "":
            stop += 1
        return start, stop


class Glass:
    """The terminal's cells, as they should be and as they are.

    Parameters
    ----------
    color_system : ColorSystem or None
        What the terminal can show; None sends no colour at all.
    ascii_only : bool
        Send no character above 0x7e, whatever is drawn.
    """

    def __init__(self, color_system: ColorSystem | None, *, ascii_only: bool = False) -> None:
        self.width = self.height = 0
        self._color_system = color_system
        self._ascii_only = ascii_only
        self._plain_background: RGB = (0, 0, 0)
        self._wanted: list[Line] = []
        self._shown: list[Line] = []
        self._dirty: list[bool] = []
        self._pens: dict[Style | None, Codes] = {None: PLAIN}
        self._next_line = 0
        self._at: tuple[int, int] | None = None
        self._pen: Codes | None = None

    @property
    def clean(self) -> bool:
        """Whether the terminal shows what it should."""
        return True not in self._dirty

    def resize(self, width: int, height: int) -> None:
        """Take another size; nothing is known of what a terminal of another size shows."""
        if (width, height) == (self.width, self.height):
            return
        self.width, self.height = width, height
        self._wanted = [Line(width, " ") for _ in range(height)]
        self._next_line = 0
        self.forget()

    def forget(self) -> None:
        """Have everything sent again: the terminal may show anything."""
        self._shown = [Line(self.width, UNKNOWN) for _ in range(self.height)]
        self._dirty = [True] * self.height
        self._at = None
        self._pen = None

    def forget_styles(self, plain_background: RGB) -> None:
        """Take styles anew, as after a change of the theme."""
        self._plain_background = plain_background
        self._pens = {None: PLAIN}

    def take(self, update: CompositorUpdate) -> None:
        """Draw one of Textual's updates."""
        if isinstance(update, LayoutUpdate):
            region = update.region
            self.resize(region.right, region.bottom)
            for y, strips in enumerate(update.strips, region.y):
                self.put(region.x, y, chain.from_iterable(strips))
        elif isinstance(update, ChopsUpdate):
            for y, span_start, span_stop in update.spans:
                for stop, (start, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
                    if strip is None or start >= span_stop or stop <= span_start:
                        continue
                    left, right = max(start, span_start), min(stop, span_stop)
                    self.put(left, y, strip.crop(left - start, right - start))
        else:
            raise TypeError(f"an update of unknown kind: {type(update).__name__}")

    def put(self, x: int, y: int, segments: Iterable[Segment]) -> None:
        """Draw segments from a cell on; what lies outside is left out."""
        if not 0 <= y < self.height:
            return
        line = self._wanted[y]
        for text, style, control in segments:
            if control:
                continue
            cells: Sequence[str] = cells_of(text, ascii_only=self._ascii_only)
            pen = self._pens.get(style)
            if pen is None:
                pen = self._pens[style] = self._codes_of(style)
            x = line.put(x, cells[: max(self.width - x, 0)], pen)
        self._dirty[y] = True

    def _codes_of(self, style: Style | None) -> Codes:
        if style is None:
            return PLAIN
        if self._color_system is None:
            return colourless_codes(style, self._plain_background)
        return style_codes(style, self._color_system)

    def difference(self, room: float, first_lines: Callable[[], Sequence[int]] = tuple) -> str:
        """Return what makes the terminal show what it should, as far as it fits into so many bytes.

        Where there is not enough room for all, ``first_lines`` come first, and the others in turn, so that
        none waits for ever. At least one run is returned if anything differs.
        """
        parts: list[str] = []
        if self._pen is None:
            parts.append(RESET)
            self._pen = PLAIN
        size = 0
        for y in self._turn(first_lines if room < self.width * self.height else tuple):
            wanted, shown = self._wanted[y], self._shown[y]
            for start, stop in wanted.changed_runs(shown):
                if size >= room:
                    self._next_line = y
                    break
                text = self._run(wanted, start, stop, y)
                parts.append(text)
                size += len(text) if text.isascii() else len(text.encode())
                shown.texts[start:stop] = wanted.texts[start:stop]
                shown.pens[start:stop] = wanted.pens[start:stop]
            else:
                self._dirty[y] = False
                continue
            break
        return "".join(parts)

    def _turn(self, first_lines: Callable[[], Sequence[int]]) -> Iterator[int]:
        first = [y for y in first_lines() if 0 <= y < self.height]
        start = self._next_line
        rest = (*range(start, self.height), *range(start))
        return (y for y in (*first, *rest) if self._dirty[y])

    def begin_at_the_top(self) -> None:
        """Send the upper lines first: they name what a key has changed."""
        self._next_line = 0

    def _run(self, line: Line, start: int, stop: int, y: int) -> str:
        """Return a run of cells as a terminal sequence."""
        parts = [self.move(start, y)]
        texts, pens = line.texts, line.pens
        # Terminals disagree about the width of what is not one plain character a cell.
        sure = all(text is not None and len(text) == 1 for text in texts[start:stop])
        pen = self._pen or PLAIN
        while start < stop:
            codes, end = pens[start], start + 1
            while end < stop and pens[end] is codes:
                end += 1
            if not (texts[start] == " " and looks_blank(codes, pen) and set(texts[start:end]) == {" "}):
                parts.append(change_of(pen, codes))
                pen = codes
            for text in texts[start:end]:
                parts.append(text or "")
            start = end
        self._pen = pen
        self._at = (stop, y) if sure and stop < self.width else None
        return "".join(parts)

    def move(self, x: int, y: int) -> str:
        """Return what moves the cursor to a cell, empty if it is there."""
        at, self._at = self._at, (x, y)
        if at == (x, y):
            return ""
        if at is not None and at[1] == y and at[0] < x:
            return f"\x1b[{x - at[0]}C"
        return f"\x1b[{y + 1};{x + 1}H"
