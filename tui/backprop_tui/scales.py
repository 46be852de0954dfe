"""Axes that stand still: bounds and ticks at round numbers, which change seldom while the data grow."""

from __future__ import annotations

from math import ceil, floor, isfinite, log10
from typing import TYPE_CHECKING

import numpy as np

from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUND_ENDS = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
"""Mantissas of an axis' end: at least three quarters of the axis are in use."""

ROUND_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Axis:
    """From ``low`` to ``high``, linear or logarithmic; the values at ``ticks`` are written beside it."""

    low: float
    high: float
    log: bool
    ticks: tuple[float, ...]

    def share(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where values lie, 0 at ``low`` and 1 at ``high``; what lies beyond is put on the edge."""
        clipped = np.clip(values, self.low, self.high)
        if self.log:
            return np.asarray((np.log10(clipped) - log10(self.low)) / (log10(self.high) - log10(self.low)))
        return np.asarray((clipped - self.low) / (self.high - self.low))


def round_up(value: float) -> float:
    """Return the next round number that is not below a positive value."""
    power = 10.0 ** floor(log10(value))
    for mantissa in ROUND_ENDS:
        if mantissa * power >= value * (1 - 1e-9):
            return mantissa * power
    return 10.0 * power


def round_step(span: float, most: int) -> float:
    """Return a round distance of ticks, so that at most so many fit into a span."""
    rough = span / max(most, 1)
    power = 10.0 ** floor(log10(rough))
    return power * next(step for step in ROUND_STEPS if step * power >= rough * (1 - 1e-9))


def linear_axis(low: float, high: float, most_ticks: int) -> Axis:
    """Return a linear axis that holds a range; a range of one value is widened around it."""
    if low == high:
        reach = abs(low) / 2 or 0.5
        low, high = low - reach, high + reach
    step = round_step(high - low, max(most_ticks - 1, 1))
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    ticks = tuple(float(f"{index * step:.10g}") for index in range(first, last + 1))
    while len(ticks) > max(most_ticks, 2):
        ticks = ticks[::2]
    return Axis(first * step, last * step, False, ticks)


def log_axis(low: float, high: float, most_ticks: int) -> Axis:
    """Return a logarithmic axis for a range of positive values; its ends are 1, 2 or 5 times a power."""
    bottom, top = _decade_part(low, up=False), _decade_part(high, up=True)
    if bottom == top:
        bottom, top = bottom / 10, top * 10
    decades = range(ceil(log10(bottom) - 1e-9), floor(log10(top) + 1e-9) + 1)
    ticks: tuple[float, ...] = tuple(10.0**power for power in decades)
    if len(ticks) < 3:
        finer = sorted(
            mantissa * 10.0**power
            for power in range(floor(log10(bottom)), ceil(log10(top)) + 1)
            for mantissa in (1, 2, 5)
        )
        ticks = tuple(tick for tick in finer if bottom * 0.999 <= tick <= top * 1.001)
    if len(ticks) > max(most_ticks, 2):
        ticks = ticks[:: -(-len(ticks) // max(most_ticks, 2))]
    return Axis(bottom, top, True, ticks)


def _decade_part(value: float, *, up: bool) -> float:
    power = floor(log10(value) + 1e-12)
    mantissa = value / 10.0**power
    if up:
        return min(part for part in (1.0, 2.0, 5.0, 10.0) if part >= mantissa * (1 - 1e-9)) * 10.0**power
    return max(part for part in (1.0, 2.0, 5.0) if part <= mantissa * (1 + 1e-9)) * 10.0**power


def steps_axis(first: int, last: int, most_ticks: int) -> Axis:
    """Return the axis of training steps from the first one shown to a round number beyond the last."""
    start = 0.0 if first <= 1 else float(first)
    end = start + round_up(max(last - start, 10.0))
    step = max(round_step(end - start, max(most_ticks, 1)), 1.0)
    ticks = tuple(float(tick) for tick in np.arange(ceil(start / step) * step, end * (1 + 1e-9), step))
    return Axis(start, end, False, ticks)


def still_good(axis: Axis | None, low: float, high: float, *, log: bool) -> bool:
    """Tell whether an axis can stay: it holds the range, and the range fills more than half of it."""
    if axis is None or axis.log != log or low < axis.low or high > axis.high:
        return False
    shares = axis.share(np.array([low, high]))
    return bool(shares[1] - shares[0] > 0.55)


def labelled(axis: Axis, width: int) -> Axis:
    """Return the axis without ticks whose numbers are wider than so many cells, if two are left."""
    ticks = tuple(tick for tick in axis.ticks if len(short_number(tick)) <= width)
    return Axis(axis.low, axis.high, axis.log, ticks) if len(ticks) > 1 else axis


def short_number(value: float) -> str:
    """Return a number in few characters: 10k, 2.5M, 0.05, 1e-6."""
    if not isfinite(value):
        return str(value)
    size = abs(value)
    for limit, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size >= limit * (1 - 1e-9) and size < 1e12:
            return f"{value / limit:.4g}{suffix}"
    if size != 0 and (size < 1e-3 or size >= 1e12):
        mantissa, exponent = f"{value:.3e}".split("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    return f"{value:.4g}"
