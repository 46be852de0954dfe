"""How the loss has been going: rising, swinging, flat; from the history alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    from backprop_core.history import HistoryColumns

RISE = 1e-3
"""A loss that rises by less than this share of itself rises by rounding or by a hair."""

LEAST_COLUMNS = 8


@dataclass(frozen=True)
class Trend:
    """The loss over the steps since the last intervention, by columns of steps.

    Attributes
    ----------
    columns : int
        How many columns all this is taken of; with fewer than :data:`LEAST_COLUMNS` it says nothing.
    start, best, now : float
        Mean loss of the first column, the lowest of any, and of the last tenth.
    peak : float
        The highest single loss over ``start``.
    rises : float
        Share of the columns of the last half whose mean is above the one before by more than :data:`RISE`.
    band : float
        How far the losses within a column lie apart, over their mean: the middle one of the last quarter.
    progress : float
        By which share of itself the loss fell over the last half of the steps.
    scatter : float
        Root mean square deviation of the last quarter's columns from a straight line, over their mean.
    """

    columns: int
    start: float
    best: float
    now: float
    peak: float
    rises: float
    band: float
    progress: float
    scatter: float

    @property
    def known(self) -> bool:
        """Whether there is enough to say anything."""
        return self.columns >= LEAST_COLUMNS


def trend_of(history: HistoryColumns) -> Trend:
    """Return the trend of a history's columns."""
    finite = np.isfinite(history.mean)
    mean, high = history.mean[finite], history.high[finite]
    count = len(mean)
    if count < 2:
        only = float(mean[0]) if count else np.nan
        return Trend(count, only, only, only, 1.0, 0.0, 0.0, 0.0, 0.0)
    apart = (high - history.low[finite])[-max(count // 4, 2) :]
    start, tenth, half = float(mean[0]), mean[-max(count // 10, 1) :], mean[count // 2 :]
    before = mean[max(count // 2 - max(count // 10, 1), 0) : count // 2]
    now = float(tenth.mean())
    changes = np.diff(half)
    middle = float(before.mean())
    return Trend(
        columns=count,
        start=start,
        best=float(mean.min()),
        now=now,
        peak=float(high.max() / start) if start > 0 else 1.0,
        rises=float((changes > RISE * half[:-1]).mean()) if len(changes) else 0.0,
        band=float(np.median(apart)) / now if now > 0 else 0.0,
        progress=(middle - now) / middle if middle > 0 else 0.0,
        scatter=_scatter(mean[-max(count // 4, 4) :]),
    )


def _scatter(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    if len(values) < 4:
        return 0.0
    x = np.arange(len(values))
    residual = values - np.polyval(np.polyfit(x, values, 1), x)
    mean = float(values.mean())
    return float(np.sqrt(np.mean(residual**2))) / mean if mean > 0 else 0.0
