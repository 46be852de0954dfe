"""``set``: its options, what each takes, and how it completes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_core import commands as c
from backprop_core.builtin_data import BUILTIN
from backprop_core.command_words import count, entry, number
from backprop_core.errors import UserError, nearest
from backprop_core.features import FEATURES, checked
from backprop_core.optimizers import OPTIMIZERS

if TYPE_CHECKING:
    from collections.abc import Sequence

OF_TRAINING = ("learning-rate", "batch-size", "weight-decay", "l1", "gradient-clip", "reduction", "optimizer")
OF_DATA = ("data", "noise", "samples", "validation", "features")
OPTIONS = (*OF_TRAINING, *OF_DATA)

USAGE = "usage: set OPTION VALUE"


def parse_set(words: Sequence[str]) -> c.SetOption | c.SetData | c.SetFeatures:
    """Return the command of what follows ``set``."""
    if len(words) < 2:
        raise UserError(USAGE)
    option, value, rest = words[0], words[1], words[2:]
    if option not in OPTIONS:
        raise UserError(f"unknown option '{option}'{nearest(option, OPTIONS)}")
    if option == "optimizer":
        return c.SetOption(option, entry(OPTIMIZERS, "optimizer", value, rest))
    if rest:
        raise UserError(USAGE)
    if option in OF_DATA:
        return _parse_data(option, value)
    if option == "reduction":
        if value not in ("mean", "sum"):
            raise UserError(f"unknown reduction '{value}'; known: mean, sum")
        return c.SetOption(option, value)
    if option == "batch-size":
        return c.SetOption(option, None if value == "full" else count(value, "or say full"))
    return c.SetOption(option, number(value, f"{option} is one"))


def _parse_data(option: str, value: str) -> c.SetData | c.SetFeatures:
    if option == "features":
        try:
            return c.SetFeatures(checked(value.split(",")))
        except UserError as error:
            raise UserError(f"features: {error}") from None
    if option == "data":
        if value not in BUILTIN:
            known = ", ".join(BUILTIN)
            raise UserError(f"no built-in data set '{value}'{nearest(value, BUILTIN)}; known: {known}")
        return c.SetData(option, value)
    if option == "samples":
        return c.SetData(option, count(value, "samples is one"))
    return c.SetData(option, number(value, f"{option} is one"))


def value_words(option: str) -> Sequence[str]:
    """Return what a value of an option may be, where it is a word."""
    return {
        "reduction": ("mean", "sum"),
        "optimizer": tuple(OPTIMIZERS),
        "batch-size": ("full",),
        "data": tuple(BUILTIN),
        "features": tuple(FEATURES),
    }.get(option, ())
