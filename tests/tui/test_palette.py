"""Colours: luminance rises with the value, text can be read, and every level has a colour of its own."""

from __future__ import annotations

from itertools import pairwise

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from backprop_tui.glyphs import ASCII, UNICODE
from backprop_tui.palette import (
    DARK,
    LIGHT,
    READABLE,
    ZERO,
    Ink,
    contrast,
    ink_colours,
    luminance,
    readable,
    rgb_of,
)

TEXT_INKS = (Ink.TRAINING, Ink.VALIDATION, Ink.DEAD, Ink.WARNING, Ink.MARK, Ink.MUTED, Ink.REFERENCE)

THEMES = [theme for theme in BUILTIN_THEMES.values() if not theme.ansi]


def rising(numbers: tuple[int, ...]) -> bool:
    values = [luminance(number) for number in numbers]
    return all(lower < higher for lower, higher in pairwise(values))


def test_black_and_white_have_the_extreme_luminances_and_contrast() -> None:
    assert luminance((0, 0, 0)) == 0
    assert luminance((255, 255, 255)) == pytest.approx(1)
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)


def test_numbers_are_the_terminal_s_fixed_colours() -> None:
    assert rgb_of(16) == (0, 0, 0)
    assert rgb_of(203) == (255, 95, 95)
    assert rgb_of(231) == (255, 255, 255)
    assert rgb_of(244) == (128, 128, 128)


def test_on_dark_the_levels_get_lighter_on_light_darker() -> None:
    assert rising(DARK.levels[1:])
    assert rising(LIGHT.levels[:0:-1])


@pytest.mark.parametrize("arm", ["negative", "positive"])
def test_signed_colours_leave_the_background_as_the_value_leaves_zero(arm: str) -> None:
    assert rising(getattr(DARK, arm))
    assert rising(getattr(LIGHT, arm)[::-1])


def test_signs_are_told_by_blue_against_orange_which_the_colour_blind_can_tell() -> None:
    for palette in (DARK, LIGHT):
        assert all(rgb_of(number)[2] > rgb_of(number)[0] for number in palette.negative)
        assert all(rgb_of(number)[0] > rgb_of(number)[2] for number in palette.positive)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_text_is_readable_in_every_theme(theme: object) -> None:
    colours = theme.to_color_system().generate()  # type: ignore[attr-defined]
    text, background = Color.parse(colours["foreground"]).rgb, Color.parse(colours["background"]).rgb
    best = contrast(text, background)
    inks = ink_colours(text, background, dark=theme.dark)  # type: ignore[attr-defined]
    for ink in TEXT_INKS:
        assert contrast(inks[ink][0], background) >= min(READABLE, best)


def test_a_colour_that_cannot_be_read_is_shifted_until_it_can() -> None:
    assert readable(75, (18, 18, 18), dark=True) == 75
    shifted = readable(130, (224, 224, 224), dark=False)
    assert shifted != 130
    assert contrast(shifted, (224, 224, 224)) >= READABLE


def test_a_signed_level_s_glyph_stands_out_from_its_colour() -> None:
    for dark in (True, False):
        inks = ink_colours((224, 224, 224), (18, 18, 18), dark=dark)
        for level in range(9):
            glyph, behind = inks[Ink.SIGNED + level]
            assert level == ZERO or contrast(glyph, behind) > 1.9  # type: ignore[arg-type]


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_every_level_has_a_glyph_of_its_own(glyphs: object) -> None:
    assert len(set(glyphs.levels)) == 9  # type: ignore[attr-defined]
    assert len(set(glyphs.signed)) == 9  # type: ignore[attr-defined]


def test_the_ascii_set_is_ascii() -> None:
    texts = [value for value in vars(ASCII).values() if isinstance(value, str)]
    assert all(character <= "\x7e" for character in "".join([*texts, *ASCII.levels, *ASCII.signed]))
