"""Runs that were kept, to be compared with the one that is on: ghosts in the loss plot, rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backprop_core.frozen import dataclass
from backprop_tui.palette import Ink
from backprop_tui.plotting import Layer, band_dots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from backprop_core.experiment import Experiment
    from backprop_core.snapshot import Frame
    from backprop_tui.cells import Canvas
    from backprop_tui.plotting import Grid
    from backprop_tui.scales import Axis

LETTERS = "ABCDEFGH"
CURVE_COLUMNS = 256
"""So fine a kept run's curve is."""


@dataclass(frozen=True, eq=False)
class KeptRun:
    """A run as it was when it was kept; ``step`` and ``loss`` of the curve are arrays of equal length."""

    letter: str
    experiment: Experiment
    step: NDArray[np.float64]
    loss: NDArray[np.float64]
    steps: int
    training_loss: float
    validation_loss: float | None
    dead: int


def keep(letter: str, frame: Frame) -> KeptRun:
    """Return the run that a frame shows, under a letter."""
    curve, snapshot = frame.curve, frame.snapshot
    return KeptRun(
        letter,
        frame.experiment,
        (curve.first_step + curve.last_step) / 2,
        curve.mean.copy(),
        snapshot.step,
        snapshot.training_loss,
        snapshot.validation_loss,
        snapshot.dead,
    )


def drawable(run: KeptRun, *, log: bool) -> NDArray[np.bool_]:
    """Return which points of a run's curve an axis can hold."""
    finite = np.isfinite(run.loss)
    return finite & (run.loss > 0) if log else finite


def losses_of(runs: Sequence[KeptRun], *, log: bool) -> NDArray[np.float64]:
    """Return all losses of the runs that an axis can hold."""
    return np.concatenate([np.empty(0), *(run.loss[drawable(run, log=log)] for run in runs)])


def ghost_layers(runs: Sequence[KeptRun], x: Axis, y: Axis, grid: Grid) -> list[Layer]:
    """Return the curves of kept runs, to be drawn below the others."""
    layers = []
    for run in runs:
        shown = drawable(run, log=y.log) & (run.step >= x.low)
        if shown.any():
            share = y.share(run.loss[shown])
            layers.append(Layer(band_dots(x.share(run.step[shown]), share, share, grid.dots), Ink.MUTED))
    return layers


def name_ghosts(
    canvas: Canvas, runs: Sequence[KeptRun], x: Axis, y: Axis, left: int, top: int, grid: Grid
) -> None:
    """Write each kept run's letter at the end of its curve."""
    for run in runs:
        shown = np.flatnonzero(drawable(run, log=y.log) & (run.step >= x.low))
        if len(shown):
            last = shown[-1:]
            column = round(float(x.share(run.step[last])[0]) * (grid.columns - 1))
            row = grid.rows - 1 - round(float(y.share(run.loss[last])[0]) * (grid.rows - 1))
            canvas.text(left + column, top + row, run.letter, Ink.STRONG)
