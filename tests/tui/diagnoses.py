"""Makers of example diagnoses, and an engine whose investigations find what it was given."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.commands import ReinitDead, SetActivation, SetOption
from backprop_core.consulting import Examined, Foreseen, Tried
from backprop_core.diagnosis import Diagnosis, Finding, Forecast, ForkCurve
from backprop_core.diagnosis.cures import LEAKY_RELU
from backprop_core.engine import LocalEngine
from backprop_core.errors import UserError
from backprop_core.experiment import Choice
from backprop_core.presets import load_preset
from tests.tui.frames import make_heatmap

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from backprop_core.commands import Command
    from backprop_core.consulting import Found

EPOCHS = 400


def make_forecast(
    name: str = "reinit-dead", *commands: Command, loss: float = 0.031, **changes: Any
) -> Forecast:
    """Return the forecast of a cure that takes the loss from 2.438 to ``loss`` in 400 epochs."""
    epochs = np.linspace(0, EPOCHS, 25)
    falling = 2.438 * (min(max(loss, 1e-6), 1e6) / 2.438) ** (epochs / EPOCHS)
    forecast = Forecast(
        id=name,
        commands=commands or (ReinitDead(),),
        summary="reinitialise the dead neurons: new incoming weights, outgoing weights zero",
        exact=True,
        confirmed=loss < 1,
        harmful=loss > 10,
        measured="training",
        loss_now=2.438,
        loss_untreated=2.438,
        loss_treated=loss,
        epochs=EPOCHS,
        untreated=ForkCurve(tuple(epochs), (2.438,) * 25),
        treated=ForkCurve(tuple(epochs), tuple(falling)),
    )
    return replace(forecast, **changes)


REVIVE = make_forecast()
LINEAR = make_forecast(
    "linear-output",
    SetActivation("output", Choice("linear")),
    loss=2.4,
    exact=False,
    summary="make the output layer linear, so that it reaches every target",
)
HARMFUL = make_forecast(
    "leaky-relu",
    *LEAKY_RELU.commands,
    loss=61_000.0,
    exact=False,
    summary="switch the hidden neurons to LeakyReLU, whose derivative is nowhere zero",
)
RATE = make_forecast(
    "learning-rate-0.003+reinit-dead",
    SetOption("learning-rate", 0.003),
    ReinitDead(),
    loss=0.0125,
    summary="lower the learning rate to 0.003; reinitialise the dead neurons",
)


def make_finding(name: str = "dead-units", **changes: Any) -> Finding:
    """Return a confirmed finding of four dead hidden neurons."""
    finding = Finding(
        id=name,
        step=200,
        since=4,
        severity="critical",
        summary="4 of 4 hidden neurons are dead, all of layer 1: zero on every sample; killed in training.",
        why="A dead neuron gets no gradient, so it never comes back; the others have to fit the data alone.",
        confirmed=True,
        evidence={"dead": 4, "units": 4, "share": 1.0},
        units=tuple((1, neuron) for neuron in range(1, 5)),
        cures=(REVIVE, HARMFUL),
    )
    return replace(finding, **changes)


def make_diagnosis(**changes: Any) -> Diagnosis:
    """Return a chain of two confirmed findings, one beside it, and one that is not confirmed."""
    root = make_finding(
        "learning-rate-too-high",
        severity="serious",
        summary="Steps at a learning rate of 0.03 overshoot: 4 neurons died of its steps.",
        why="Steps that are too long overshoot the minimum along them, and can kill neurons for good.",
        evidence={"overshoot": -1.25, "killed": 4, "cosine": float("nan")},
        units=(),
        cause_of=("dead-units",),
        cures=(RATE, LINEAR),
    )
    beside = make_finding(
        "contradictory-targets",
        severity="minor",
        summary="2 samples have equal inputs and different targets.",
        why="No network tells equal inputs apart.",
        evidence={"floor": 0.125},
        units=(),
        rows=(3, 7),
        cures=(),
    )
    unsure = make_finding("insufficient-capacity", confirmed=False, units=(), cures=(LINEAR,))
    diagnosis = Diagnosis("finding", 200, 200, 2.43844, (root, make_finding(), beside, unsure), RATE)
    return replace(diagnosis, **changes)


DEAD_LAYER = make_heatmap(
    -np.abs(np.random.default_rng(1).normal(3, 2, (4, 10))), mode="pre-activations", dead=(1, 2, 3, 4)
)


class CannedEngine(LocalEngine):
    """Its investigations find a given diagnosis, as soon as they are allowed to end."""

    def __init__(self, preset: str = "sequence", steps: int = 200, **options: Any) -> None:
        super().__init__(load_preset(preset), **options)
        self.session.pause()
        self.session.trainer.step(steps)
        self.diagnosis = make_diagnosis()
        self.foreseen = (REVIVE, HARMFUL)
        self.failure = ""
        self.investigated = 0
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def investigate(self) -> AsyncGenerator[Found, None]:
        """Find what was given."""
        self.investigated += 1
        version = self.session.examine().version
        yield Tried(version, 7)
        await self.may_end.wait()
        if self.failure:
            raise UserError(self.failure)
        yield Examined(version, self.diagnosis, (DEAD_LAYER,) if self.diagnosis.findings else ())
        yield Foreseen(version, self.foreseen)
