"""Timing against noise: contestants take turns in short rounds, and ratios are formed within a round."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROUND_SECONDS = 0.03
"""Long against the clock's resolution, short against the swings of a machine that others use too."""


def seconds_per_call(contestant: Callable[[int], object], calls: int) -> float:
    """Return the seconds a call of a contestant, which takes the number of calls to make."""
    start = perf_counter()
    contestant(calls)
    return (perf_counter() - start) / calls


def take_turns(
    contestants: Mapping[str, Callable[[int], object]], rounds: int = 31, seconds: float = ROUND_SECONDS
) -> dict[str, list[float]]:
    """Return every contestant's seconds a call, round by round."""
    calls = {}
    for name, contestant in contestants.items():
        contestant(3)
        calls[name] = max(int(seconds / seconds_per_call(contestant, 10)), 1)
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, contestant in contestants.items():
            times[name].append(seconds_per_call(contestant, calls[name]))
    return times


def ratios(over: Sequence[float], under: Sequence[float]) -> list[float]:
    """Return the ratio in each round."""
    return [a / b for a, b in zip(over, under, strict=True)]
