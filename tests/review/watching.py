"""Scripts to be watched, and engines that run them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from backprop_core.commands import Step
from backprop_core.review.watching.watch_engine import WatchEngine
from backprop_core.snapshot import View

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NETWORK = """
import numpy as np

np.random.seed(1)
x = np.random.rand(9, 2)
t = x[:, :1] * 2 - x[:, 1:]
w1 = np.random.randn(2, 3)
b1 = np.array([0.1, 0.2, -50.0])
w2 = np.random.randn(3, 1)
eta = 0.05
losses = []
for epoch in range(@epochs@):
    z1 = x @ w1 + b1
    a1 = np.maximum(0, z1)
    out = a1 @ w2
    loss = np.sum((out - t) ** 2) / (2 * len(x))
    losses.append(loss)
    d2 = (out - t) / len(x)
    d1 = d2 @ w2.T * (z1 > 0)
    w2 -= eta * a1.T @ d2
    w1 -= eta * x.T @ d1
    b1 -= eta * d1.sum(axis=0)
"""
"""Its third hidden neuron is dead from the beginning."""

VIEW = View(rows=10, columns=100, curve_columns=2000)


def written(folder: Path, text: str = NETWORK, epochs: int = 1_000_000) -> Path:
    """Write a script."""
    path = folder / "my_network.py"
    path.write_text(text.replace("@epochs@", str(epochs)).lstrip())
    return path


def by_hand(text: str = NETWORK, epochs: int = 0) -> dict:
    """Run a script as Python does, and return its names."""
    names: dict = {"__name__": "__main__"}
    exec(text.replace("@epochs@", str(epochs)), names)
    return names


@asynccontextmanager
async def watching(script: Path, step: int = 0, **options: object) -> AsyncIterator[WatchEngine]:
    """Run a script that stands still, after so many updates or as early as it can."""
    engine = WatchEngine(script, running=False, **options)  # type: ignore[arg-type]
    try:
        while (await engine.frame(VIEW)).snapshot.step < step:
            await engine.command(Step(1))
        yield engine
    finally:
        engine.close()
