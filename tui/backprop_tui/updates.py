"""What is written to the terminal: only the cells that changed, and only the colours that change with them.

For a part of a line that changed, Textual 8.2 writes the line from the widget's left edge on, and for every
run of cells its whole style (up to 40 bytes in true colour) and a reset. Measured in a pty: three changed
cells in a heatmap of 50 columns cost 1,900 bytes so, and 115 here; a frame of the lab with everything in
motion 25,000 bytes, and 4,500 here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rich.color import ColorSystem
from textual._compositor import ChopsUpdate, Compositor, LayoutUpdate
from textual.strip import Strip

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console
    from rich.segment import Segment
    from rich.style import Style

RESET = "\x1b[0m"

Codes = tuple[str, str, str]
"""A style as terminal codes: attributes, text colour, background colour."""

PLAIN: Codes = ("", "", "")


@lru_cache(4096)
def style_codes(style: Style, color_system: ColorSystem) -> Codes:
    """Return a style's codes; they are Textual's own, taken apart."""
    attributes = Strip.render_ansi(style.without_color, color_system)
    colour, background = style.color, style.bgcolor
    return (
        attributes,
        "" if colour is None else ";".join(colour.downgrade(color_system).get_ansi_codes()),
        "" if background is None else ";".join(background.downgrade(color_system).get_ansi_codes(False)),
    )


def change_of(pen: Codes, codes: Codes) -> str:
    """Return what has to be sent so that the next characters appear in another style."""
    if codes == pen:
        return ""
    if codes == PLAIN:
        return RESET
    undone = codes[0] != pen[0] or (pen[1] and not codes[1]) or (pen[2] and not codes[2])
    if undone:
        return "\x1b[" + ";".join(part for part in ("0", *codes) if part) + "m"
    return "\x1b[" + ";".join(new for new, old in zip(codes, pen, strict=True) if new != old) + "m"


class Encoder:
    """Turns segments into terminal sequences, remembering cursor and style from one to the next."""

    def __init__(self, color_system: ColorSystem) -> None:
        self._color_system = color_system
        self._parts: list[str] = []
        self._pen = PLAIN
        self._cursor = (-1, -1)

    def write(self, x: int, y: int, segments: Iterable[Segment], width: int) -> None:
        """Write segments that fill ``width`` cells from a place on."""
        append = self._parts.append
        if self._cursor != (x, y):
            append(f"\x1b[{y + 1};{x + 1}H")
        for text, style, control in segments:
            if control:
                continue
            if style is not None and style.link:
                append(change_of(self._pen, PLAIN) + Strip.render_style(style, text, self._color_system))
                self._pen = PLAIN
                continue
            codes = PLAIN if style is None else style_codes(style, self._color_system)
            append(change_of(self._pen, codes))
            append(text)
            self._pen = codes
        self._cursor = (x + width, y)

    def finish(self) -> str:
        """Return everything written, the style reset at its end."""
        self._parts.append(change_of(self._pen, PLAIN))
        return "".join(self._parts)


def _encoder(console: Console) -> Encoder:
    return Encoder(console._color_system or ColorSystem.TRUECOLOR)


class LeanPartialUpdate(ChopsUpdate):
    """The changed spans of the screen, and nothing beside them."""

    def render_segments(self, console: Console) -> str:
        """Return the spans as terminal sequences."""
        encoder = _encoder(console)
        for y, span_start, span_stop in self.spans:
            for stop, (start, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if strip is None or start >= span_stop or stop <= span_start:
                    continue
                left, right = max(start, span_start), min(stop, span_stop)
                encoder.write(left, y, strip.crop(left - start, right - start), right - left)
        return encoder.finish()


class LeanFullUpdate(LayoutUpdate):
    """The whole screen."""

    def render_segments(self, console: Console) -> str:
        """Return the lines as terminal sequences."""
        encoder = _encoder(console)
        for y, strips in enumerate(self.strips, self.region.y):
            x = self.region.x
            for strip in strips:
                encoder.write(x, y, strip, strip.cell_length)
                x += strip.cell_length
        return encoder.finish()


class LeanCompositor(Compositor):
    """Textual's compositor with updates that cost fewer bytes."""

    def render_full_update(self, simplify: bool = False) -> LayoutUpdate:
        """Return an update of the whole screen."""
        update = super().render_full_update(simplify)
        return update if simplify else LeanFullUpdate(update.strips, update.region)

    def render_partial_update(self) -> ChopsUpdate | None:
        """Return an update of what changed, None if nothing did."""
        update: Any = super().render_partial_update()
        return update and LeanPartialUpdate(update.chops, update.spans, update.chop_ends)


class LeanUpdates:
    """For a screen to inherit before Textual's: ``class LabScreen(LeanUpdates, Screen[None])``."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._compositor: Compositor = LeanCompositor()
