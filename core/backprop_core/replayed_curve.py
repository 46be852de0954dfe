"""The loss curve of a record up to one of its moments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.recorded_events import CURVE_ROWS
from backprop_core.snapshot import Curve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.record import Moment
    from backprop_core.snapshot import View

    Columns = NDArray[np.float64]
    """A row for each of :data:`CURVE_ROWS`, a column for some steps."""

FIRST, LAST, LOW, HIGH, MEAN, VALIDATION = range(len(CURVE_ROWS))


class ReplayedCurve:
    """Puts the curve together of what the moments tell; what an undo took back is left out."""

    def __init__(self, moments: tuple[Moment, ...]) -> None:
        self._moments = moments
        self._last: tuple[int, Columns] = (-1, np.empty((len(CURVE_ROWS), 0)))

    def build(self, position: int, view: View) -> Curve:
        """Return the curve at a moment, as the view asks for it."""
        moment = self._moments[position]
        columns = self._columns(position)
        shown = _reduced(columns[:, columns[LAST] >= view.curve_from], view.curve_columns)
        curve = moment.recorded.curve
        snapshot = moment.recorded.snapshot
        lost = () if np.isfinite(snapshot.training_loss) else (max(snapshot.step, 1),)
        return Curve(
            first_step=shown[FIRST].astype(np.int64),
            last_step=shown[LAST].astype(np.int64),
            low=shown[LOW],
            high=shown[HIGH],
            mean=shown[MEAN],
            validation=shown[VALIDATION],
            marks=moment.marks,
            non_finite=curve.non_finite if curve else lost,
            baseline=curve.baseline if curve else float("nan"),
        )

    def _columns(self, position: int) -> Columns:
        """Return all columns up to a moment; of what is told twice, as after an undo, the later word."""
        wanted = position
        if self._last[0] != wanted:
            run = self._moments[position].run
            before = self._moments[position].recorded.snapshot.step + 1
            parts = []
            while position >= 0 and before > 1 and self._moments[position].run == run:
                part = _own_columns(self._moments[position])
                part = part[:, part[FIRST] < before].copy()
                if part.shape[1]:
                    part[LAST, -1] = min(part[LAST, -1], before - 1)
                    before = int(part[FIRST, 0])
                    parts.append(part)
                position -= 1
            parts.reverse()
            whole = np.concatenate(parts, axis=1) if parts else np.empty((len(CURVE_ROWS), 0))
            self._last = wanted, whole
        return self._last[1]


def _own_columns(moment: Moment) -> Columns:
    """Return what a moment itself tells; where no curve was recorded, its snapshot's loss."""
    if moment.recorded.curve is not None:
        return moment.recorded.curve.columns
    snapshot = moment.recorded.snapshot
    loss = snapshot.training_loss
    validation = np.nan if snapshot.validation_loss is None else snapshot.validation_loss
    column = [snapshot.step, snapshot.step, loss, loss, loss, validation]
    return np.array(column, np.float64)[:, None][:, : int(snapshot.step > 0)]


def _reduced(columns: Columns, most: int) -> Columns:
    """Return at most so many columns, which cover about equally many steps each."""
    if columns.shape[1] <= most:
        return columns
    edges = np.linspace(columns[FIRST, 0], columns[LAST, -1] + 1, max(most, 1) + 1)
    starts = np.unique(np.searchsorted(columns[LAST], edges[:-1]))
    stops = np.append(starts[1:], columns.shape[1]) - 1
    reduce: Any = np.add.reduceat
    known = np.isfinite(columns[MEAN])
    with np.errstate(invalid="ignore"):
        mean = reduce(np.where(known, columns[MEAN], 0.0), starts) / reduce(known.astype(np.float64), starts)
    return np.stack(
        [
            columns[FIRST, starts],
            columns[LAST, stops],
            np.fmin.reduceat(columns[LOW], starts),
            np.fmax.reduceat(columns[HIGH], starts),
            mean,
            columns[VALIDATION, stops],
        ]
    )
