"""What watching costs: the share of a lab's training time that goes into looking at the run's health."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import process_time
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np

from backprop_core.diagnosis.watch import Watch
from backprop_core.presets import load_preset
from backprop_core.session import Session
from backprop_core.snapshot import View
from backprop_core.trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PRESETS = ("sequence", "spiral", "digits")
FRAMES_A_SECOND = 10
SECONDS = 12.0
"""Of the processor, long against the first look, which finds out what does not change."""

SLICE = 0.005


@dataclass
class Stopwatch:
    """Adds up what a method takes."""

    seconds: float = 0.0

    def timed(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """Return the method, timed."""

        def call(*arguments: Any, **options: Any) -> Any:
            begun = process_time()
            try:
                return method(*arguments, **options)
            finally:
                self.seconds += process_time() - begun

        return call


def watching_table() -> str:
    """Return what watching costs on each preset, as Markdown."""
    lines = ["| cost of watching | share of the training process's time |", "| --- | --- |"]
    lines += [f"| {preset} | {100 * cost_of_watching(preset):.2f} % |" for preset in PRESETS]
    return "\n".join(lines)


def cost_of_watching(preset: str, seconds: float = SECONDS) -> float:
    """Return the share of a session's time that its watch takes, frames being drawn at the default rate."""
    experiment = replace(load_preset(preset), epochs=0, until=None)
    stopwatch = Stopwatch()
    with (
        np.errstate(all="ignore"),
        patch.object(Watch, "prepare", stopwatch.timed(Watch.prepare)),
        patch.object(Watch, "observe", stopwatch.timed(Watch.observe)),
    ):
        session = Session(Trainer(experiment))
        begun = drawn = process_time()
        while (now := process_time()) < begun + seconds:
            session.advance(SLICE)
            if now >= drawn + 1 / FRAMES_A_SECOND:
                session.frame(View())
                drawn = now
        return stopwatch.seconds / (process_time() - begun)
