"""Every script of the corpus: the styles with their variants, mistakes and pairs of mistakes."""

from __future__ import annotations

import itertools
import zlib
from typing import TYPE_CHECKING

from tests.review.corpus.labels import WrongLabelError, verify
from tests.review.corpus.styles import STYLES
from tests.review.corpus.template import NotExpressibleError, Script

if TYPE_CHECKING:
    from collections.abc import Iterator

ADAPTIVE = frozenset({"adagrad", "rmsprop", "adam"})
OF_SCALE = frozenset({"sum-instead-of-mean", "divided-twice", "factor-of-two", "constant-factor"})
"""What an adaptive optimizer undoes."""

HARMLESS = frozenset({"factor-of-two", "constant-factor"})


def correct() -> list[Script]:
    """Every style, and every style in each variant."""
    return [
        Script(style, chosen, ())
        for style in STYLES
        for chosen in [(), *((v,) for v in style.variants)]
        if _expressible(Script(style, chosen, ()))
    ]


def singles() -> list[Script]:
    """Every mistake in every style and variant that it can be made in."""
    return [
        script
        for base in correct()
        for edit in base.style.mistakes
        for script in [Script(base.style, base.variants, (edit,))]
        if _fits(script) and _expressible(script)
    ]


def doubles(every: int = 1) -> list[Script]:
    """Pairs of mistakes that can be made at once, in the styles as they are; one in ``every``, by name."""
    return [script for script in _pairs() if zlib.crc32(script.name.encode()) % every == 0]


def _pairs() -> Iterator[Script]:
    for base in correct():
        for pair in itertools.combinations(base.style.mistakes, 2):
            ids = {edit.name for edit in pair}
            script = Script(base.style, base.variants, pair)
            if len(ids) == 2 and not ids & HARMLESS and _fits(script) and _expressible(script):
                yield script


def _fits(script: Script) -> bool:
    names = {v.name for v in script.variants}
    if script.network.optimizer.split()[0] in ADAPTIVE and any(
        edit.name in OF_SCALE for edit in script.mistakes
    ):
        return False
    return all(not edit.within or edit.within in names for edit in script.mistakes)


def _expressible(script: Script) -> bool:
    try:
        script.text(1)
    except NotExpressibleError:
        return False
    return True


def is_plain(script: Script) -> bool:
    """Whether a script is a style as it is, or in the one variant that its mistake needs."""
    needed = {edit.within for edit in script.mistakes if edit.within}
    return all(v.name in needed for v in script.variants)


def sample(scripts: list[Script], every: int, offset: int = 0) -> list[Script]:
    """One in ``every`` scripts, the same ones each time, spread over styles and mistakes."""
    return [s for s in scripts if zlib.crc32(s.name.encode()) % every == offset]


def confirmed(scripts: list[Script]) -> list[Script]:
    """Those whose labels the reference confirms.

    A mistake in a variant, or beside another one, may be none: its place is never reached, or the other one covers it.
    """
    return [script for script in scripts if is_confirmed(script)]


def is_confirmed(script: Script) -> bool:
    """Whether the script does what its label says."""
    try:
        verify(script)
    except (WrongLabelError, FloatingPointError, ArithmeticError, ValueError, KeyError, NameError):
        return False
    return True
