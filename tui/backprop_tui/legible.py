"""A theme's colours, changed where its text could not be read.

Most of Textual's themes fade placeholders, suggestions and second lines below the contrast that WCAG AA asks for, and
write on their primary colour whatever the contrast.
"""

from __future__ import annotations

from textual.color import Color

from backprop_tui.palette import READABLE, RGB, contrast, mix, nearest_number, rgb_of

GROUNDS = ("background", "surface", "panel", "panel-darken-1", "surface-active", "boost")
"""What text is written on."""

CHOSEN_SHARE = 0.12
"""How much of the text's colour the background of a chosen line has where something else takes the keys."""

WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def legible(variables: dict[str, str], *, dark: bool) -> dict[str, str]:
    """Return the variables of a theme to be replaced, and those that the app's style sheet has of its own.

    Parameters
    ----------
    variables : dict
        The theme's, as Textual generates them.
    dark : bool
        Whether its background is dark.
    """
    background = Color.parse(variables["background"])
    grounds = [(background + Color.parse(variables[name])).rgb for name in GROUNDS if name in variables]
    surface, primary = Color.parse(variables["surface"]).rgb, Color.parse(variables["primary"]).rgb
    end = WHITE if dark else BLACK
    text = towards(Color.parse(variables["foreground"]).rgb, end, grounds)
    chosen = mix(surface, text, CHOSEN_SHARE)
    text = towards(text, end, [*grounds, chosen])
    faint = faded(text, background.rgb, [*grounds, chosen])
    on_primary = max((WHITE, BLACK), key=lambda colour: contrast(colour, primary))
    return {
        "foreground": hexadecimal(text),
        "text-muted": hexadecimal(faint),
        "text-disabled": hexadecimal(faint),
        "foreground-muted": hexadecimal(faint),
        "block-cursor-background": hexadecimal(towards(primary, opposite(on_primary), [on_primary])),
        "block-cursor-foreground": hexadecimal(on_primary),
        "block-cursor-blurred-background": hexadecimal(chosen),
        "block-cursor-blurred-foreground": hexadecimal(text),
        "dialog-title": hexadecimal(towards(primary, end, grounds)),
    }


def towards(colour: RGB, end: RGB, others: list[RGB]) -> RGB:
    """Return a colour, moved as little as possible towards another so that all others contrast with it."""
    for percent in range(0, 100, 4):
        moved = rgb_of(mix(colour, end, percent / 100))
        if all(can_be_read(moved, other) for other in others):
            return moved
    return end


def faded(text: RGB, background: RGB, grounds: list[RGB]) -> RGB:
    """Return the text's colour, faded into the background as far as it can be read on all grounds."""
    for percent in range(55, 0, -3):
        fainter = mix(text, background, percent / 100)
        if all(can_be_read(fainter, ground) for ground in grounds):
            return fainter
    return text


def can_be_read(text: RGB, ground: RGB) -> bool:
    """Tell whether text has WCAG AA's contrast, in true colour and in the nearest of 256 colours."""
    coarse = rgb_of(nearest_number(text)), rgb_of(nearest_number(ground))
    return contrast(text, ground) >= READABLE and contrast(*coarse) >= READABLE


def opposite(colour: RGB) -> RGB:
    """Return black for white, white for black."""
    return BLACK if colour == WHITE else WHITE


def hexadecimal(colour: RGB) -> str:
    """Return a colour as style sheets write it."""
    return "#{:02x}{:02x}{:02x}".format(*colour)
