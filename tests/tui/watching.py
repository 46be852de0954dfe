"""The lab around a script, with a review that comes when a test says so."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from rich.color import ColorSystem

from backprop_core.commands import Step
from backprop_core.review.watching.watch_engine import WatchEngine
from backprop_core.snapshot import View
from backprop_tui.watch_app import WatchApp
from tests.review.watching import written
from tests.tui.driving import FPS, Driver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from backprop_tui.widgets.findings import Report

REPORT = {
    "script": "my_network.py",
    "reviewed": True,
    "loss": {"name": "loss", "line": 15},
    "parameters": [
        {
            "name": "w1",
            "line": 19,
            "shape": [2, 3],
            "relative_error": 0.83,
            "cosine": 0.61,
            "verdict": "wrong",
        },
        {
            "name": "w2",
            "line": 18,
            "shape": [3, 1],
            "relative_error": 0.0,
            "cosine": 1.0,
            "verdict": "correct",
        },
    ],
    "mistakes": [
        {
            "id": "missing-hidden-derivative",
            "layer": 1,
            "line": 17,
            "parameters": ["w1", "b1"],
            "explanation": "Layer 1's error is passed on without the derivative of its activation [not markup].",
            "correction": "d1 = d2 @ w2.T * (z1 > 0)",
            "confidence": 1.0,
            "alternatives": [],
        }
    ],
    "warnings": [{"id": "factor-of-two", "explanation": "The gradient is twice that of the loss."}],
    "beyond_the_gradient": ["No layer has a bias [not markup]."],
    "corrected": {
        "lines": [{"line": 17, "text": "    d1 = d2 @ w2.T * (z1 > 0)\n    print(d1)"}],
        "gradient_right": True,
        "left": [],
        "loss_before": 0.5,
        "loss_after": 0.25,
    },
}


class Reviewer:
    """Gives a report when it is let go."""

    def __init__(self, report: Report = REPORT, *, ready: bool = True) -> None:
        self.report = report
        self.ready = asyncio.Event()
        self.asked = 0
        if ready:
            self.ready.set()

    async def __call__(self) -> Report:
        self.asked += 1
        await self.ready.wait()
        return self.report


def make_watch(script: Path, reviewer: Reviewer, **options: object) -> WatchApp:
    """Return the lab around a script that stands still."""
    app = WatchApp(WatchEngine(script, running=False), reviewer, fps=FPS, **options)
    app.console._color_system = ColorSystem.TRUECOLOR
    return app


async def stand_at(engine: WatchEngine, step: int) -> None:
    """Take single updates until so many have been made."""
    while (await engine.frame(View())).snapshot.step < step:
        await engine.command(Step(1))


@asynccontextmanager
async def open_watch(
    folder: Path, reviewer: Reviewer | None = None, *, size: tuple[int, int] = (120, 40), **script: object
) -> AsyncIterator[Driver]:
    """Open the lab around a script that stands still early in its training."""
    app = make_watch(written(folder, **script), reviewer or Reviewer())  # type: ignore[arg-type]
    try:
        async with app.run_test(size=size) as pilot:
            driver = Driver(app, pilot)
            await driver.until(lambda: app.lab.frame is not None)
            await pilot.pause()
            await driver.frame()
            yield driver
    finally:
        app.lab.engine.close()
