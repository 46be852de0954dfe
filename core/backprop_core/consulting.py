"""An investigation: a diagnosis of a run from a copy of its state, with pictures and what keys would do."""

from __future__ import annotations

from itertools import count
from time import process_time
from typing import TYPE_CHECKING

import numpy as np

from backprop_core.checkpoint import from_bytes
from backprop_core.commands import Run
from backprop_core.diagnosis.cures import LEAKY_RELU, REINIT_DEAD
from backprop_core.diagnosis.diagnose import DEFAULT_EPOCHS, diagnose
from backprop_core.diagnosis.whatif import Plan, WhatIf
from backprop_core.frames import build_heatmap
from backprop_core.frozen import dataclass
from backprop_core.snapshot import View
from backprop_core.trainer import Goal, Trainer
from backprop_core.training_state import capture

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from backprop_core.diagnosis.fault import Cure
    from backprop_core.diagnosis.report import Diagnosis, Forecast
    from backprop_core.snapshot import Heatmap

FORK_SECONDS = 0.1
"""A fork is no longer than what can be trained in about this time of the processor …"""

LEAST_EPOCHS = 20
"""… but never shorter than this."""

CALIBRATION = 0.1
"""How long that is, is found out by training for this share of it."""

PICTURE_ROWS, PICTURE_COLUMNS = 8, 96
"""So many neurons and groups of samples a picture shows at most."""


@dataclass(frozen=True)
class Case:
    """What an investigation is given.

    Attributes
    ----------
    version : int
        Of the run, as :class:`backprop_core.care.Care` counts.
    state : bytes
        A checkpoint.
    since : mapping of id to step
        Since when each suspicion has been there.
    epochs : int or None
        How long the forks are; None for as long as is sensible.
    """

    version: int
    state: bytes
    since: Mapping[str, int]
    epochs: int | None = None


@dataclass(frozen=True)
class Examined:
    """A diagnosis with its pictures: the pre-activations of the layers concerned, at its step."""

    version: int
    diagnosis: Diagnosis
    pictures: tuple[Heatmap, ...] = ()


@dataclass(frozen=True)
class Tried:
    """How many forks have been trained so far."""

    version: int
    forks: int


@dataclass(frozen=True)
class Foreseen:
    """What commands that keys send would do, where no finding has them for a cure."""

    version: int
    forecasts: tuple[Forecast, ...] = ()


Found = Tried | Examined | Foreseen


def consult(case: Case, tell: Callable[[Found], None]) -> None:
    """Diagnose a copy of the run, then measure what the healing keys would do to it.

    Parameters
    ----------
    case : Case
    tell : callable
        Is given what is found, as it is found.

    Raises
    ------
    UserError
        If the state cannot be opened, for example because the data have changed.
    """
    trainer = from_bytes(case.state, "the run")
    epochs = case.epochs or sensible_epochs(trainer)
    forks = count(1)
    diagnosis = diagnose(
        trainer,
        epochs=epochs,
        since=case.since,
        on_fork=lambda: tell(Tried(case.version, next(forks))),
    )
    tell(Examined(case.version, diagnosis, pictures_of(trainer, diagnosis)))
    tell(Foreseen(case.version, key_forecasts(trainer, diagnosis, epochs)))


def sensible_epochs(trainer: Trainer) -> int:
    """Return how long forks should be: what the experiment has left, as far as there is time for it."""
    total = trainer.experiment.epochs or DEFAULT_EPOCHS
    left = total - trainer.epoch
    fork = Trainer.fork(capture(trainer))
    goal, first = Goal(until=fork.goal(Run()).until), fork.step_count
    seconds, begun = 0.0, process_time()
    with np.errstate(all="ignore"):
        while seconds < CALIBRATION * FORK_SECONDS and fork.reached(goal) is None:
            fork.advance(goal, max(fork.step_count - first, 1))
            seconds = process_time() - begun
    taken = fork.step_count - first
    affordable = int(FORK_SECONDS / seconds * taken / fork.steps_per_epoch) if taken and seconds else total
    return max(min(left if left > 0 else total, affordable), min(LEAST_EPOCHS, total))


def pictures_of(trainer: Trainer, diagnosis: Diagnosis) -> tuple[Heatmap, ...]:
    """Return a picture of each layer that has units which a finding is about, from the first of them on."""
    concerned: dict[int, int] = {}
    for finding in diagnosis.findings:
        for layer, neuron in finding.units:
            concerned[layer] = min(neuron, concerned.get(layer, neuron))
    if not concerned:
        return ()
    snapshot = trainer.snapshot(0)
    return tuple(
        build_heatmap(
            trainer,
            View(
                layer=layer,
                mode="pre-activations",
                first_neuron=neuron,
                rows=PICTURE_ROWS,
                columns=PICTURE_COLUMNS,
            ),
            snapshot,
        )
        for layer, neuron in sorted(concerned.items())
    )


def key_cures(trainer: Trainer) -> tuple[Cure, ...]:
    """Return what the healing keys would do to this run, as cures."""
    hidden = {layer.activation.name for layer in trainer.network.layers[:-1]}
    revive = (REINIT_DEAD,) if trainer.census().dead_count else ()
    return (*revive, LEAKY_RELU) if hidden == {"relu"} else revive


def key_forecasts(trainer: Trainer, diagnosis: Diagnosis, epochs: int) -> tuple[Forecast, ...]:
    """Return forecasts of the healing keys' commands, those of the findings first."""
    known = {cure.commands: cure for finding in diagnosis.findings for cure in finding.cures}
    whatif = WhatIf(capture(trainer), epochs, trainer.baseline())
    forecasts = []
    for cure in key_cures(trainer):
        forecast = known.get(cure.commands) or whatif.forecast(Plan((cure,)), orders=1)
        if forecast is not None:
            forecasts.append(forecast)
    return tuple(forecasts)
