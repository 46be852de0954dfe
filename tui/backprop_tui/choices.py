"""What a key means in the state at hand: the next learning rate, the layers that `l` switches."""

from __future__ import annotations

from math import floor, log10
from typing import TYPE_CHECKING

from backprop_core.commands import SetActivation
from backprop_core.experiment import Choice

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAKY = Choice("leaky-relu", (("slope", 0.01),))
PACES: tuple[float | None, ...] = (1, 10, 100, 1000, 10_000, None)
"""Steps a second; None is full speed."""


def next_rate(rate: float, direction: int) -> float:
    """Return the next learning rate up (1) or down (−1) in the series …, 0.01, 0.02, 0.05, 0.1, …."""
    if rate <= 0:
        return 0.001 if direction > 0 else 0.0
    decade = floor(log10(rate))
    rungs = [float(f"{lead}e{exponent}") for exponent in range(decade - 1, decade + 2) for lead in (1, 2, 5)]
    if direction > 0:
        return min(rung for rung in rungs if rung > rate * (1 + 1e-9))
    return max(rung for rung in rungs if rung < rate * (1 - 1e-9))


def leaky_switch(hidden: Sequence[str]) -> SetActivation | None:
    """Return the command that switches hidden ReLUs to LeakyReLU, or back; None if there are none.

    Parameters
    ----------
    hidden : sequence of str
        The hidden layers' activations.
    """
    for source, choice in (("relu", LEAKY), ("leaky-relu", Choice("relu"))):
        numbers = [str(number) for number, name in enumerate(hidden, start=1) if name == source]
        if numbers:
            where = "hidden" if len(numbers) == len(hidden) else ",".join(numbers)
            return SetActivation(where, choice)
    return None


def next_pace(pace: float | None, direction: int) -> float | None:
    """Return the next pace up (1) or down (−1)."""
    index = PACES.index(pace) + direction
    return PACES[min(max(index, 0), len(PACES) - 1)]
