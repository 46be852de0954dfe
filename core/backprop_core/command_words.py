"""The words of a command: numbers, counts, entries of a catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_core.errors import UserError, nearest
from backprop_core.experiment import Choice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any


def number(word: str, what: str) -> float:
    """Return a word's number; ``what`` ends the error."""
    try:
        return float(word)
    except ValueError:
        raise UserError(f"'{word}' is not a number; {what}") from None


def count(word: str, what: str) -> int:
    """Return a word's whole number from 1 on; ``what`` ends the error."""
    if not (word.isascii() and word.isdecimal()) or len(word) > 18 or int(word) < 1:
        raise UserError(f"'{word}' is not a whole number from 1 on; {what}")
    return int(word)


def entry(catalogue: Mapping[str, Any], kind: str, name: str, settings: Sequence[str]) -> Choice:
    """Return a catalogue entry with its defaults, and what ``KEY=NUMBER`` words set of them."""
    if name not in catalogue:
        raise UserError(f"unknown {kind} '{name}'{nearest(name, catalogue)}")
    options = dict(catalogue[name].defaults)
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or key not in options:
            raise UserError(f"'{setting}' is no setting of {name}{nearest(key, options)}")
        options[key] = number(value, f"{key} is one")
    return Choice(name, tuple(options.items()))
