"""Few colours, each with one meaning: safe for the colour-blind, and rising in luminance with the value.

Colours are numbers of the terminal's fixed 256: over SSH, where true colour is rarely known, they look the
same, and they cost half the bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

RGB = tuple[int, int, int]

READABLE = 4.5
"""The contrast that WCAG AA asks of text."""

LEVELS = 9


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
    LEVEL = 16
    SIGNED = 32
    REVERSED = 64
    """Added to another ink, it swaps text and background: the cursor."""


@dataclass(frozen=True)
class Palette:
    """Colours for a dark or a light background; of each ink's candidates the first readable one is taken."""

    training: tuple[int, ...]
    band: tuple[int, ...]
    validation: tuple[int, ...]
    dead: tuple[int, ...]
    mark: tuple[int, ...]
    levels: tuple[int, ...]
    signed: tuple[int, ...]


DARK = Palette(
    training=(75, 111, 117),
    band=(25,),
    validation=(215, 222),
    dead=(203, 210, 217),
    mark=(177, 183, 219),
    levels=(24, 24, 31, 37, 73, 115, 151, 187, 230),
    signed=(117, 74, 31, 24, 240, 94, 136, 178, 222),
)

LIGHT = Palette(
    training=(25, 18, 17),
    band=(110,),
    validation=(130, 94, 58),
    dead=(124, 88, 52),
    mark=(91, 54, 53),
    levels=(186, 186, 150, 108, 72, 66, 24, 18, 16),
    signed=(17, 25, 68, 110, 245, 179, 172, 130, 52),
)

_CUBE = (0, 95, 135, 175, 215, 255)


def rgb_of(number: int) -> RGB:
    """Return red, green and blue of a colour from 16 to 255 of the terminal's 256."""
    if number >= 232:
        grey = 8 + 10 * (number - 232)
        return grey, grey, grey
    cube = number - 16
    return _CUBE[cube // 36], _CUBE[cube // 6 % 6], _CUBE[cube % 6]


def luminance(colour: RGB) -> float:
    """Return the relative luminance, 0 (black) to 1 (white), as WCAG defines it."""
    red, green, blue = (
        value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4
        for value in (component / 255 for component in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: RGB, other: RGB) -> float:
    """Return the contrast of two colours, 1 to 21, as WCAG defines it."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def readable(candidates: tuple[int, ...], background: RGB) -> int:
    """Return the first candidate that is readable on the background, or else the one with most contrast."""
    for number in candidates:
        if contrast(rgb_of(number), background) >= READABLE:
            return number
    return max(candidates, key=lambda number: contrast(rgb_of(number), background))


def muted(text: RGB, background: RGB) -> RGB:
    """Return the text colour faded into the background as far as it stays readable."""
    for percent in range(45, 100, 5):
        share = percent / 100
        faded = (
            round(background[0] + (text[0] - background[0]) * share),
            round(background[1] + (text[1] - background[1]) * share),
            round(background[2] + (text[2] - background[2]) * share),
        )
        if contrast(faded, background) >= READABLE:
            return faded
    return text


def ink_numbers(background: RGB, *, dark: bool) -> dict[int, int]:
    """Return the colour number of every ink that has a colour of its own, for a background."""
    palette = DARK if dark else LIGHT
    numbers: dict[int, int] = {
        Ink.TRAINING: readable(palette.training, background),
        Ink.BAND: palette.band[0],
        Ink.VALIDATION: readable(palette.validation, background),
        Ink.DEAD: readable(palette.dead, background),
        Ink.MARK: readable(palette.mark, background),
        Ink.WARNING: readable(palette.dead, background),
    }
    numbers |= {Ink.LEVEL + level: number for level, number in enumerate(palette.levels)}
    numbers |= {Ink.SIGNED + level: number for level, number in enumerate(palette.signed)}
    return numbers


SIXTEEN = {
    Ink.TRAINING: "cyan",
    Ink.BAND: "blue",
    Ink.VALIDATION: "yellow",
    Ink.DEAD: "red",
    Ink.MARK: "magenta",
    Ink.WARNING: "red",
    Ink.MUTED: "bright_black",
    Ink.REFERENCE: "bright_black",
    **{Ink.SIGNED + level: "blue" for level in range(4)},
    **{Ink.SIGNED + level: "yellow" for level in range(5, 9)},
}
"""Where a terminal has 16 colours or the theme leaves them to it; the glyphs alone tell the amounts."""
