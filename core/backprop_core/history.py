"""The loss of any number of steps in bounded memory: minimum, maximum and mean of each column of steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

CAPACITY = 2048
"""Columns kept; when they are full, neighbours are merged and each column covers twice the steps."""

REMEMBERED_EVENTS = 100


@dataclass(frozen=True)
class HistoryColumns:
    """Columns of consecutive steps; NaN where a column has no finite loss or no validation."""

    first_step: NDArray[np.int64]
    last_step: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    mean: NDArray[np.float64]
    validation: NDArray[np.float64]


class LossHistory:
    """The losses of steps 1, 2, …, in at most :data:`CAPACITY` columns of ``stride`` steps each.

    A column's minimum and maximum are exact whatever the stride, so no spike is lost.
    """

    def __init__(self) -> None:
        self.stride = 1
        self.steps = 0
        self.non_finite: list[int] = []
        self._low, self._high, self._sum, self._count, self._validation = self._empty()

    @staticmethod
    def _empty() -> list[NDArray[np.float64]]:
        return [np.full(CAPACITY, fill) for fill in (np.nan, np.nan, 0.0, 0.0, np.nan)]

    def extend(self, losses: Sequence[float] | NDArray[np.float64]) -> None:
        """Append the losses of the next steps; those that are not finite become events."""
        values = np.array(losses, np.float64)
        finite = np.isfinite(values)
        if not finite.all():
            events = self.steps + 1 + np.flatnonzero(~finite)
            self.non_finite += [int(step) for step in events[: REMEMBERED_EVENTS - len(self.non_finite)]]
            values[~finite] = np.nan
        while len(values):
            room = CAPACITY * self.stride - self.steps
            if room == 0:
                self._merge_neighbours()
                continue
            self._fill(values[:room])
            values = values[room:]

    def _fill(self, values: NDArray[np.float64]) -> None:
        steps = self.steps + np.arange(len(values))
        columns = steps // self.stride
        first = columns[0]
        starts = np.concatenate(([0], np.flatnonzero(np.diff(columns)) + 1))
        span = slice(first, first + len(starts))
        self._low[span] = np.fmin(self._low[span], np.fmin.reduceat(values, starts))
        self._high[span] = np.fmax(self._high[span], np.fmax.reduceat(values, starts))
        self._sum[span] = self._summed(values, columns - first, float(self._sum[first]))
        self._count[span] += np.add.reduceat(np.isfinite(values).astype(np.float64), starts)
        self.steps += len(values)

    @staticmethod
    def _summed(values: NDArray[np.float64], columns: NDArray[np.int64], begun: float) -> NDArray[np.float64]:
        """Return each column's sum, the first going on from ``begun``.

        Summed one by one: however the losses are cut into calls, the sums are the same to the bit.
        """
        weights = np.concatenate(([begun], np.nan_to_num(values)))
        sums: NDArray[np.float64] = np.bincount(np.concatenate(([0], columns)), weights).astype(np.float64)
        return sums

    def _merge_neighbours(self) -> None:
        half = CAPACITY // 2
        merged = self._empty()
        for old, new, merge in zip(
            (self._low, self._high, self._sum, self._count),
            merged,
            (np.fmin, np.fmax, np.add, np.add),
            strict=False,
        ):
            new[:half] = merge(old[0::2], old[1::2])
        earlier, later = self._validation[0::2], self._validation[1::2]
        merged[4][:half] = np.where(np.isnan(later), earlier, later)
        self._low, self._high, self._sum, self._count, self._validation = merged
        self.stride *= 2

    def wants_validation(self) -> bool:
        """Tell whether the current column has no validation loss yet."""
        return self.steps > 0 and bool(np.isnan(self._validation[self._column()]))

    def add_validation(self, loss: float) -> None:
        """Set the validation loss of the current column."""
        if self.steps and np.isfinite(loss):
            self._validation[self._column()] = loss

    def _column(self) -> int:
        return (self.steps - 1) // self.stride

    def columns(self, most: int, from_step: int = 0) -> HistoryColumns:
        """Return the history from ``from_step`` on in at most ``most`` columns; none if ``most`` is 0."""
        used = -(-self.steps // self.stride)
        start = min(max(from_step - 1, 0) // self.stride, max(used - 1, 0))
        group = max(-(-(used - start) // max(most, 1)), 1)
        starts = np.arange(start, used if most else start, group)
        if not len(starts):
            none = np.empty(0)
            return HistoryColumns(none.astype(np.int64), none.astype(np.int64), none, none, none, none)
        count = np.add.reduceat(self._count[:used], starts)
        with np.errstate(invalid="ignore"):
            mean = np.add.reduceat(self._sum[:used], starts) / count
        return HistoryColumns(
            first_step=starts * self.stride + 1,
            last_step=np.minimum((starts + group) * self.stride, self.steps),
            low=np.fmin.reduceat(self._low[:used], starts),
            high=np.fmax.reduceat(self._high[:used], starts),
            mean=mean,
            validation=_last_finite(self._validation[:used], starts),
        )

    def to_arrays(self) -> dict[str, NDArray[np.float64] | NDArray[np.int64]]:
        """Return copies of everything kept, for a checkpoint or an undo."""
        used = -(-self.steps // self.stride)
        return {
            "columns": np.stack(
                [part[:used] for part in (self._low, self._high, self._sum, self._count, self._validation)]
            ),
            "position": np.array([self.stride, self.steps], np.int64),
            "non_finite": np.array(self.non_finite, np.int64),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[np.float64] | NDArray[np.int64]]) -> LossHistory:
        """Return the history that :meth:`to_arrays` was taken of; a ValueError if there is none such."""
        history = cls()
        if len(arrays["non_finite"]) > REMEMBERED_EVENTS:
            raise ValueError("more events than are ever kept")
        history.stride, history.steps = (int(value) for value in arrays["position"])
        history.non_finite = [int(step) for step in arrays["non_finite"]]
        if history.stride < 1 or history.stride.bit_count() != 1 or history.steps < 0:
            raise ValueError("no such stride or steps")
        used = -(-history.steps // history.stride)
        if used > CAPACITY or arrays["columns"].shape != (5, used):
            raise ValueError("not as many columns as the steps make")
        parts = (history._low, history._high, history._sum, history._count, history._validation)
        for part, stored in zip(parts, arrays["columns"], strict=True):
            part[: len(stored)] = stored
        return history


def _last_finite(values: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the last value that is not NaN of each group; groups begin at ``starts``."""
    index = np.where(np.isnan(values), -1, np.arange(len(values)))
    last = np.maximum.reduceat(index, starts)
    return np.where(last < starts, np.nan, values[np.maximum(last, 0)])
