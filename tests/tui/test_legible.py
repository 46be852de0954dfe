"""Text can be read in every theme, by WCAG AA: computed from the themes' colours, and from what the app draws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from backprop_tui.legible import GROUNDS, legible
from backprop_tui.palette import READABLE, contrast, nearest_number, rgb_of
from tests.tui.driving import open_lab, paused_engine

THEMES = [theme for theme in BUILTIN_THEMES.values() if not theme.ansi]

DRAWN = ("textual-dark", "textual-light", "solarized-light", "nord")
"""The usual ones, and those of the poorest contrast as Textual has them."""


def quantised(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    return rgb_of(nearest_number(colour))


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_text_stands_out_from_every_ground_in_true_colour_and_in_256(theme):
    variables = theme.to_color_system().generate()
    changed = legible(variables, dark=theme.dark)

    def colour(name: str) -> tuple[int, int, int]:
        return Color.parse(changed.get(name, variables.get(name, ""))).rgb

    background = Color.parse(variables["background"])
    grounds = [(background + Color.parse(variables[name])).rgb for name in GROUNDS if name in variables]
    pairs = [
        (colour(name), ground) for name in ("foreground", "text-muted", "dialog-title") for ground in grounds
    ]
    chosen = "block-cursor-background", "block-cursor-blurred-background"
    pairs += [
        (colour("block-cursor-foreground"), colour(chosen[0])),
        (colour("text-muted"), colour(chosen[1])),
    ]
    for text, ground in pairs:
        assert contrast(text, ground) >= READABLE
        assert contrast(quantised(text), quantised(ground)) >= READABLE


def text_on_ground(app) -> list[tuple[str, tuple[int, int, int], tuple[int, int, int]]]:
    """Return every piece of text on the screen with its colour and the one behind it."""
    found = []
    for strip in app.screen._compositor.render_strips():
        for text, style, _ in strip:
            if style and any(character.isalnum() for character in text):
                colour, ground = tuple(style.color.get_truecolor()), tuple(style.bgcolor.get_truecolor())
                found.append((text, ground, colour) if style.reverse else (text, colour, ground))
    return found


SCREENS = {
    "lab": (),
    "cursor": ("down", "right"),
    "help": ("question_mark",),
    "presets": ("p",),
    "prompt": ("colon", "s"),
    "palette": ("ctrl+p", *"diag"),
}


@pytest.mark.usefixtures("short_waits")
@pytest.mark.parametrize("theme", DRAWN)
async def test_whatever_is_drawn_can_be_read(theme):
    async with open_lab(paused_engine("sequence", steps=200), size=(120, 40)) as lab:
        lab.app.theme = theme
        await lab.frame()
        for severity in ("information", "warning", "error"):
            lab.app.notify("something has happened", severity=severity)
        for screen, keys in SCREENS.items():
            await lab.pilot.press(*keys)
            await lab.pilot.pause()
            if screen == "palette":
                await lab.until(lambda: any("nose" in text for text, _, _ in text_on_ground(lab.app)))
            pieces = text_on_ground(lab.app)
            assert len(pieces) > 20
            unreadable = {piece for piece in pieces if contrast(piece[1], piece[2]) < READABLE}
            assert unreadable == set(), screen
            await lab.pilot.press("escape")


def test_the_nearest_of_256_colours_to_a_dark_blue_grey_is_no_teal():
    for grey in ((46, 52, 64), (36, 47, 56), (30, 30, 46)):
        red, green, blue = rgb_of(nearest_number(grey))
        assert max(red, green, blue) - min(red, green, blue) <= 10


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_the_nearest_is_found_among_all_of_them(colour):
    def distance(number: int) -> float:
        other = rgb_of(number)
        mean = (colour[0] + other[0]) / 2
        red, green, blue = (one - two for one, two in zip(colour, other, strict=True))
        return (2 + mean / 256) * red**2 + 4 * green**2 + (2 + (255 - mean) / 256) * blue**2

    assert distance(nearest_number(colour)) <= 1.02 * min(map(distance, range(16, 256)))


def test_colours_that_the_terminal_has_are_themselves():
    for number in range(16, 256):
        assert rgb_of(nearest_number(rgb_of(number))) == rgb_of(number)
