"""An engine that trains nothing: it serves the frames of a record, at any speed, back and forth."""

from __future__ import annotations

from itertools import pairwise
from time import perf_counter
from typing import TYPE_CHECKING, Any, NoReturn, Self

import numpy as np

from backprop_core.builtin_data import BUILTIN
from backprop_core.errors import UserError
from backprop_core.replayed_curve import ReplayedCurve
from backprop_core.snapshot import Frame, Heatmap, Series

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from numpy.typing import NDArray

    from backprop_core.commands import Command, Outcome
    from backprop_core.consulting import Found
    from backprop_core.diagnosis.report import Diagnosis, Forecast
    from backprop_core.experiment import Experiment
    from backprop_core.record import Moment, Record
    from backprop_core.snapshot import View

SPEEDS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
"""Snapshots a second. The lab records one a second, and more of its first seconds."""

PLAYING, PAUSED, END = "RUNNING", "PAUSED", "DONE"

NOTHING_TO_CHANGE = "a record can be looked at, not changed"


class ReplayEngine:
    """Plays a record.

    Parameters
    ----------
    record : Record
    speed : float, optional
        Snapshots a second.
    clock : callable, optional
        Returns seconds.

    Attributes
    ----------
    mode : str
        RUNNING while it plays, PAUSED, or DONE at the last moment.
    position : int
        Which moment is shown, counted from 0.
    """

    last_state: bytes | None = None

    def __init__(
        self, record: Record, *, speed: float = 2.0, clock: Callable[[], float] = perf_counter
    ) -> None:
        self.record = record
        self.speed = speed
        self.position = 0
        self.mode = PLAYING
        self._clock = clock
        self._since = self._suspended = clock()
        self._curve = ReplayedCurve(record.moments)
        if len(record.moments) == 1:
            self.mode = END

    @property
    def last(self) -> int:
        """The last position."""
        return len(self.record.moments) - 1

    @property
    def moment(self) -> Moment:
        """The moment that is shown."""
        return self.record.moments[self.position]

    @property
    def marked(self) -> list[int]:
        """The positions at which an intervention is seen first, and those at which a run begins."""
        moments = self.record.moments
        return [
            index
            for index, (before, here) in enumerate(pairwise(moments), 1)
            if here.run != before.run or (here.marks != before.marks and len(here.marks) >= len(before.marks))
        ]

    def play_on(self) -> None:
        """Go on to the moment that is due."""
        if self.mode != PLAYING:
            return
        now = self._clock()
        due = int((now - self._since) * self.speed)
        if due > 0:
            self._since += due / self.speed
            self._show(self.position + due)

    def _show(self, position: int) -> None:
        self.position = min(max(position, 0), self.last)
        if self.position == self.last:
            self.mode = END
        elif self.mode == END:
            self.mode = PAUSED

    def seek(self, position: int) -> None:
        """Show another moment; what plays goes on from there."""
        self._since = self._clock()
        self._show(position)

    def step(self, moments: int) -> None:
        """Pause, and go so many moments forth, or back if negative."""
        if self.mode == PLAYING:
            self.mode = PAUSED
        self.seek(self.position + moments)

    def change_speed(self, direction: int) -> float:
        """Play faster (1) or slower (−1), and return the new speed."""
        self._since = self._clock()
        if direction > 0:
            self.speed = min((speed for speed in SPEEDS if speed > self.speed), default=self.speed)
        else:
            self.speed = max((speed for speed in SPEEDS if speed < self.speed), default=self.speed)
        return self.speed

    async def frame(self, view: View) -> Frame:
        """Return what is to be drawn now."""
        self.play_on()
        moment = self.moment
        snapshot = moment.recorded.snapshot
        return Frame(
            snapshot=snapshot,
            state=self.mode,
            reason=moment.story,
            steps_per_second=self.speed,
            heatmap=_heatmap(moment, view),
            inspection=None,
            curve=self._curve.build(self.position, view),
            series=_series(moment),
            accuracy=moment.recorded.accuracy,
            undoable=None,
            experiment=moment.experiment,
            inputs=_inputs(moment),
        )

    async def pause(self) -> None:
        """Stand still."""
        if self.mode == PLAYING:
            self.mode = PAUSED

    async def resume(self) -> None:
        """Play on; from the beginning, where the end has been reached."""
        if self.mode == END:
            self.seek(0)
        if self.last:
            self.mode, self._since = PLAYING, self._clock()

    async def leave(self) -> None:
        """Do nothing: there is no training to stop."""

    async def command(self, command: Command) -> Outcome:  # noqa: ARG002
        """Refuse."""
        _refuse()

    async def pace(self, steps_per_second: float | None) -> None:  # noqa: ARG002
        """Refuse; :meth:`change_speed` is what a replay has."""
        _refuse()

    async def investigate(self) -> AsyncGenerator[Found, None]:
        """Refuse."""
        _refuse()
        yield

    async def note(self, version: int, diagnosis: Diagnosis) -> bool:  # noqa: ARG002
        """Refuse."""
        _refuse()

    async def treat(self, version: int, forecast: Forecast) -> tuple[Outcome, ...]:  # noqa: ARG002
        """Refuse."""
        _refuse()

    async def script(self) -> str:
        """Refuse."""
        _refuse()

    async def load(self, experiment: Experiment, origin: str = "") -> None:  # noqa: ARG002
        """Refuse."""
        _refuse()

    async def state(self) -> bytes:
        """Refuse."""
        _refuse()

    async def recording(self, from_step: int) -> dict[str, Any]:  # noqa: ARG002
        """Refuse."""
        _refuse()

    async def end_event(self, reason: str) -> dict[str, Any]:  # noqa: ARG002
        """Refuse."""
        _refuse()

    def revived(self) -> Self:
        """Return itself: it cannot die."""
        return self

    def suspend(self) -> None:
        """Stand still as the program does, at the moment shown last."""
        self._suspended = self._clock()

    def go_on(self) -> None:
        """Play on from where :meth:`suspend` was asked for."""
        self._since += self._clock() - self._suspended

    def close(self) -> None:
        """Do nothing: there is no process to end."""


def _refuse() -> NoReturn:
    raise UserError(NOTHING_TO_CHANGE)


def _heatmap(moment: Moment, view: View) -> Heatmap:
    """Return the recorded part of a layer's activations; values of no size where none were recorded."""
    layers = moment.recorded.snapshot.layers
    summary = layers[min(max(view.layer, 1), len(layers)) - 1]
    part = moment.recorded.activations.get(summary.layer)
    values = np.empty((0, 0), np.float32) if part is None else part.values
    rows = max(view.rows, 1)
    first = min(max(view.first_neuron, 1), max(len(values) - rows + 1, 1))
    values = _grouped(values[first - 1 : first - 1 + rows], max(view.columns, 1))
    dead = set(summary.dead)
    return Heatmap(
        layer=summary.layer,
        mode="activations",
        activation=summary.activation,
        units=summary.units,
        first_neuron=first,
        total=part.total if part else 0,
        group=(part.group if part else 1) * (-(-part.values.shape[1] // max(view.columns, 1)) if part else 1),
        axis="sample",
        values=values,
        low=part.low if part else 0.0,
        high=part.high if part else 0.0,
        dead=tuple(neuron in dead for neuron in range(first, first + len(values))),
        dead_in_layer=len(dead),
    )


def _grouped(values: NDArray[np.float32], most: int) -> NDArray[np.float32]:
    """Return means of neighbouring columns where there are more than can be shown."""
    group = -(-values.shape[1] // most)
    if group <= 1:
        return values
    starts = np.arange(0, values.shape[1], group)
    sizes = np.minimum(starts + group, values.shape[1]) - starts
    means: NDArray[np.float32] = (np.add.reduceat(values, starts, axis=1) / sizes).astype(np.float32)
    return means


def _series(moment: Moment) -> Series | None:
    """Return the recorded predictions as a series where the data are one."""
    data, rows = moment.experiment.data, moment.recorded.snapshot.predictions
    builtin = BUILTIN.get(data.builtin or "")
    if data.series is None and (builtin is None or builtin.kind != "series"):
        return None
    if not rows or any(len(row.target) != 1 for row in rows):
        return None
    return Series(
        np.array([row.row for row in rows], np.int64),
        np.array([row.prediction[0] for row in rows]),
        np.array([row.target[0] for row in rows]),
        next((row.row for row in rows if row.validation), None),
    )


def _inputs(moment: Moment) -> int:
    """Return how many inputs the network has.

    Records of earlier versions do not tell: there it follows from the number of parameters, or is 0.
    """
    if moment.recorded.inputs is not None:
        return moment.recorded.inputs
    sizes = [layer.units for layer in moment.recorded.snapshot.layers]
    bias = moment.experiment.network.bias
    rest = moment.parameters - sum((a + bias) * b for a, b in pairwise(sizes))
    return max(rest // sizes[0] - bias, 0)
