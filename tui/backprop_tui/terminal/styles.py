"""Styles as terminal codes, and only those codes that change from one character to the next.

Textual 8.2 writes for every run of cells its whole style (up to 40 bytes in true colour) and a reset.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rich.color import ColorSystem, ColorType
from textual.strip import Strip

from backprop_tui.palette import contrast, nearest_number

if TYPE_CHECKING:
    from rich.color import Color
    from rich.style import Style

    from backprop_tui.palette import RGB

RESET = "\x1b[0m"
REVERSED = "7"

ENDED_BY = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "6": "25", "7": "27", "8": "28", "9": "29"}
"""Which code ends an attribute: bold, dim, italic, underline, blink, reverse, hidden, struck through."""

DEFAULT_COLOURS = ("39", "49")
"""Codes of the terminal's own text colour and background."""

STANDS_OUT = 1.6
"""Contrast of a background with the plain one from which on it means something, as a cursor does."""

Codes = tuple[str, str, str]
"""A style as terminal codes: attributes, text colour, background colour."""

PLAIN: Codes = ("", "", "")


@lru_cache(4096)
def style_codes(style: Style, color_system: ColorSystem) -> Codes:
    """Return a style's codes; they are Textual's own, taken apart."""
    return (
        Strip.render_ansi(style.without_color, color_system),
        colour_codes(style.color, color_system),
        colour_codes(style.bgcolor, color_system, foreground=False),
    )


def colour_codes(colour: Color | None, color_system: ColorSystem, *, foreground: bool = True) -> str:
    """Return a colour's codes; of 256 colours it is the one that looks most like it.

    Rich takes the nearest of the cube, whose darkest steps are far apart: a dark grey with a touch of blue becomes
    teal.
    """
    if colour is None:
        return ""
    if color_system == ColorSystem.EIGHT_BIT and colour.type == ColorType.TRUECOLOR:
        red, green, blue = colour.get_truecolor()
        number = nearest_number((red, green, blue))
        return f"{'38' if foreground else '48'};5;{number}"
    return ";".join(colour.downgrade(color_system).get_ansi_codes(foreground))


def colourless_codes(style: Style, plain: RGB) -> Codes:
    """Return a style's codes without any colour; what a background would have marked is reversed."""
    attributes = Strip.render_ansi(style.without_color, ColorSystem.STANDARD)
    if style.bgcolor is not None and not style.bgcolor.is_default and not style.reverse:
        background = style.bgcolor.get_truecolor()
        if contrast((background.red, background.green, background.blue), plain) >= STANDS_OUT:
            attributes = f"{attributes};{REVERSED}" if attributes else REVERSED
    return attributes, "", ""


@lru_cache(16_384)
def change_of(pen: Codes, codes: Codes) -> str:
    """Return what has to be sent so that the next characters appear in another style."""
    if codes == pen:
        return ""
    old, new = (set(attributes.split(";")) - {""} for attributes in (pen[0], codes[0]))
    ended = sorted({ENDED_BY.get(attribute, "0") for attribute in old - new})
    begun = sorted(new - old | {attribute for attribute in new if ENDED_BY.get(attribute) in ended})
    colours = [
        now or default
        for before, now, default in zip(pen[1:], codes[1:], DEFAULT_COLOURS, strict=True)
        if now != before
    ]
    changed = ";".join([*ended, *begun, *colours])
    whole = ";".join(part for part in ("0", *codes) if part)
    return f"\x1b[{whole if '0' in ended or len(whole) < len(changed) else changed}m"
