"""Few colours, each with one meaning: safe for the colour-blind, and rising in luminance with the value.

Colours are numbers of the terminal's fixed 256: over SSH, where true colour is rarely known, they look the
same, and they cost half the bytes.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from itertools import product

from backprop_core.frozen import dataclass

RGB = tuple[int, int, int]

READABLE = 4.5
"""The contrast that WCAG AA asks of text."""

ZERO = 4
"""Which of the nine signed levels is zero."""


class Ink(IntEnum):
    """What a cell's colour says. ``LEVEL + k`` and ``SIGNED + k`` (k from 0 to 8) are the two scales."""

    TEXT = 0
    STRONG = 1
    MUTED = 2
    TRAINING = 3
    BAND = 4
    VALIDATION = 5
    DEAD = 6
    MARK = 7
    REFERENCE = 8
    WARNING = 9
    CURSOR = 10
    NEGATIVE = 11
    POSITIVE = 12
    LEVEL = 16
    SIGNED = 32


Colour = int | RGB
"""A number from 16 to 255 of the terminal's 256 colours, or red, green and blue where none will do."""


@dataclass(frozen=True)
class Palette:
    """Colours for a dark or a light background, as numbers of the terminal's 256."""

    training: int
    band: int
    validation: int
    dead: int
    mark: int
    levels: tuple[int, ...]
    negative: tuple[int, ...]
    positive: tuple[int, ...]


DARK = Palette(
    training=75,
    band=25,
    validation=215,
    dead=203,
    mark=177,
    levels=(24, 24, 31, 37, 73, 115, 151, 187, 230),
    negative=(24, 31, 74, 117),
    positive=(94, 136, 178, 222),
)

LIGHT = Palette(
    training=25,
    band=110,
    validation=130,
    dead=124,
    mark=91,
    levels=(186, 186, 150, 108, 72, 66, 24, 18, 16),
    negative=(110, 68, 25, 17),
    positive=(179, 172, 130, 52),
)

_CUBE = (0, 95, 135, 175, 215, 255)


def rgb_of(colour: Colour) -> RGB:
    """Return red, green and blue of a colour."""
    if isinstance(colour, tuple):
        return colour
    if colour >= 232:
        grey = 8 + 10 * (colour - 232)
        return grey, grey, grey
    cube = colour - 16
    return _CUBE[cube // 36], _CUBE[cube // 6 % 6], _CUBE[cube % 6]


@lru_cache(4096)
def nearest_number(colour: RGB) -> int:
    """Return the number, 16 to 255, of the terminal's colour that looks most like another.

    The distance is the low-cost approximation of perceived difference known as «redmean» (T. Riemersma, Colour metric,
    CompuPhase).
    """

    def distance(number: int) -> float:
        other: RGB = rgb_of(number)
        mean = (colour[0] + other[0]) / 2
        red, green, blue = (one - two for one, two in zip(colour, other, strict=True))
        return (2 + mean / 256) * red**2 + 4 * green**2 + (2 + (255 - mean) / 256) * blue**2

    channels = [sorted(range(6), key=lambda step: abs(_CUBE[step] - component))[:2] for component in colour]
    cube: list[int] = [16 + 36 * red + 6 * green + blue for red, green, blue in product(*channels)]
    grey = min(max(round((sum(colour) / 3 - 8) / 10), 1), 22)
    candidates = [*cube, *range(231 + grey, 234 + grey)]
    nearest: int = min(candidates, key=distance)
    return nearest


def luminance(colour: Colour) -> float:
    """Return the relative luminance, 0 (black) to 1 (white), as WCAG defines it."""
    red, green, blue = (
        value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4
        for value in (component / 255 for component in rgb_of(colour))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast of two colours, 1 to 21, as WCAG defines it."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def mix(colour: Colour, other: Colour, share: float) -> RGB:
    """Return a colour with a share of another mixed in."""
    red, green, blue = (
        round(one + (two - one) * share) for one, two in zip(rgb_of(colour), rgb_of(other), strict=True)
    )
    return red, green, blue


def readable(colour: Colour, background: RGB, *, dark: bool) -> Colour:
    """Return the colour as it is if it can be read on the background, else lighter or darker until it can."""
    end = (255, 255, 255) if dark else (0, 0, 0)
    for percent in range(0, 100, 5):
        mixed = colour if percent == 0 else mix(colour, end, percent / 100)
        if contrast(mixed, background) >= READABLE:
            return mixed
    return end


def muted(text: RGB, background: RGB) -> RGB:
    """Return the text colour faded into the background as far as it stays readable."""
    for percent in range(55, 0, -5):
        faded = mix(text, background, percent / 100)
        if contrast(faded, background) >= READABLE:
            return faded
    return text


InkColours = tuple[Colour, Colour | None]
"""The colour of the character, and of the cell behind it unless that is the widget's."""


def ink_colours(text: RGB, background: RGB, *, dark: bool) -> dict[int, InkColours]:
    """Return the colours of every ink that has some of its own, for a theme's text and background."""
    palette = DARK if dark else LIGHT
    faded = muted(text, background)
    colours: dict[int, InkColours] = {
        Ink.TRAINING: (readable(palette.training, background, dark=dark), None),
        Ink.BAND: (palette.band, None),
        Ink.VALIDATION: (readable(palette.validation, background, dark=dark), None),
        Ink.DEAD: (readable(palette.dead, background, dark=dark), None),
        Ink.WARNING: (readable(palette.dead, background, dark=dark), None),
        Ink.MARK: (readable(palette.mark, background, dark=dark), None),
        Ink.NEGATIVE: (readable(palette.negative[2], background, dark=dark), None),
        Ink.POSITIVE: (readable(palette.positive[2], background, dark=dark), None),
        Ink.CURSOR: (background, text),
        Ink.MUTED: (faded, None),
        Ink.REFERENCE: (faded, None),
        Ink.SIGNED + ZERO: (faded, None),
    }
    colours |= {Ink.LEVEL + level: (number, None) for level, number in enumerate(palette.levels)}
    for away in range(4):
        # Its glyph in a colour of the same arm tells the level without shouting over the colour.
        glyph = (away + 2) % 4
        colours[Ink.SIGNED + ZERO - 1 - away] = (palette.negative[glyph], palette.negative[away])
        colours[Ink.SIGNED + ZERO + 1 + away] = (palette.positive[glyph], palette.positive[away])
    return colours


SIXTEEN = {
    Ink.TRAINING: "cyan",
    Ink.BAND: "blue",
    Ink.VALIDATION: "yellow",
    Ink.DEAD: "red",
    Ink.MARK: "magenta",
    Ink.WARNING: "red",
    Ink.NEGATIVE: "blue",
    Ink.POSITIVE: "yellow",
    Ink.MUTED: "bright_black",
    Ink.REFERENCE: "bright_black",
    **{Ink.SIGNED + level: "blue" for level in range(4)},
    **{Ink.SIGNED + level: "yellow" for level in range(5, 9)},
}
"""Where a terminal has 16 colours or the theme leaves them to it; the glyphs alone tell the amounts."""
