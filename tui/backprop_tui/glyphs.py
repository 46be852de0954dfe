"""The characters that stand for something, in Unicode and in ASCII; the app chooses one set, once."""

from __future__ import annotations

from unicodedata import combining, east_asian_width, normalize

from backprop_core.frozen import dataclass

HIGHEST_ASCII = 0x7E


@dataclass(frozen=True)
class Glyphs:
    """One set of characters, each with one meaning.

    ``levels`` are nine amounts from nothing to the most. ``signed`` are nine from the most negative over
    zero (the middle one) to the most positive: a value's sign and size can be read without colour.
    """

    ascii: bool
    running: str
    paused: str
    done: str
    diverged: str
    dead: str
    dead_cell: str
    missing: str
    mark: str
    mark_line: str
    not_finite: str
    selected: str
    lower: str
    training: str
    validation: str
    reference: str
    warning: str
    healthy: str
    watching: str
    finding: str
    effect: str
    separator: str
    dash: str
    ellipsis: str
    levels: tuple[str, ...]
    signed: tuple[str, ...]

    def state(self, state: str) -> str:
        """Return the glyph of a state: RUNNING, PAUSED, DONE or DIVERGED."""
        glyph: str = getattr(self, state.lower())
        return glyph

    def health(self, state: str) -> str:
        """Return the glyph of a health: healthy, watching or finding."""
        glyph: str = getattr(self, state)
        return glyph


UNICODE = Glyphs(
    ascii=False,
    running="▶",
    paused="‖",
    done="■",
    diverged="✗",
    dead="✕",
    dead_cell="·",
    missing="?",
    mark="▼",
    mark_line="┊",
    not_finite="✗",
    selected="▸",
    lower="◂",
    training="━",
    validation="╍",
    reference="╌",
    warning="▲",
    healthy="●",
    watching="◐",
    finding="▲",
    effect="└▶",
    separator="·",
    dash="–",
    ellipsis="…",
    levels=(" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"),
    signed=("═", "━", "─", "⁻", " ", "⁺", "┼", "╋", "╬"),
)

ASCII = Glyphs(
    ascii=True,
    running=">",
    paused="=",
    done="#",
    diverged="!",
    dead="x",
    dead_cell=".",
    missing="?",
    mark="v",
    mark_line=":",
    not_finite="!",
    selected=">",
    lower="<",
    training="*",
    validation="o",
    reference="-",
    warning="!",
    healthy="o",
    watching="?",
    finding="!",
    effect="->",
    separator="-",
    dash="-",
    ellipsis="~",
    levels=(" ", "'", ":", "-", "=", "+", "*", "%", "@"),
    signed=("=", "~", "-", ",", " ", "'", "+", "*", "#"),
)

_ALIKE = {
    "+": "╭╮╰╯┌┐└┘├┤┬┴┼╔╗╚╝╬╋┏┓┗┛±",
    "-": "·–—─━═╌╍▁▔⎺⎽▂",
    "|": "│┃║┊▎▏▕▌▐‖",
    "#": "▃▄▅▆▇█▀▉▊▋",
    ">": "→❯▶▸❭≥",
    "<": "←≤",
    "^": "↑",
    "v": "↓▼▾",
    "~": "…",
    "x": "×✕",
    "!": "✗▲",
    "*": "●•",
    '"': "«»",
    "s": "σ",
    "u": "µμ",
    "d": "∂δ",
}
_ASCII_FOR = {character: like for like, characters in _ALIKE.items() for character in characters}


_MATHEMATICS = str.maketrans(
    {
        "δ": "delta",
        "ε": "eps",
        "η": "eta",
        "θ": "theta",
        "λ": "lambda",
        "σ": "sigma",
        "Σ": "sum ",
        "∂": "d",
        "∇": "grad ",
        "√": "sqrt",
        "∞": "infinity",
        "⊙": ".*",
        "·": "*",
        "−": "-",
        "‖": "|",
        "≈": "~",
        "≤": "<=",
        "←": "<-",
        "→": "->",
        "½": "1/2 ",
        "¼": "1/4",
        "²": "^2",
        "³": "^3",
        "⁰": "^0",
        "⁶": "^6",
        "⁸": "^8",
        "ᵀ": "'",
        "₁": "1",
        "û": "u",
        "…": "...",
    }
)


def spelled_out(text: str) -> str:
    """Return text without any character above 0x7e, formulas as one would type them."""
    for plain, typed in (("³⁰⁸", "^308"), ("³⁸", "^38")):
        text = text.replace(plain, typed)
    return to_ascii(text.translate(_MATHEMATICS))


def printable(text: str) -> str:
    """Return text of which every character fills one or two cells and none controls the terminal."""
    if text.isascii() and text.isprintable():
        return text
    composed = normalize("NFC", text)
    return "".join(
        character if character.isprintable() else " " for character in composed if not combining(character)
    )


def to_ascii(text: str) -> str:
    """Return text without any character above 0x7e, as long as it was."""
    if text.isascii():
        return text
    return "".join(
        character if ord(character) <= HIGHEST_ASCII else _ASCII_FOR.get(character, "?") for character in text
    )


def is_wide(character: str) -> bool:
    """Tell whether a terminal gives this character two cells."""
    return not character.isascii() and east_asian_width(character) in "WF"
