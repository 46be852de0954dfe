"""A setup trained from one seed: how it ended, and what was seen on the way."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite
from typing import TYPE_CHECKING

import numpy as np

from backprop_core.commands import Run
from backprop_core.trainer import Goal, Trainer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.diagnosis.setups import Setup

LOOKS = 20


@dataclass(frozen=True)
class Ended:
    """The losses at the end of a run, in units of what the best constant prediction costs; inf if not finite."""

    training: float
    validation: float
    baseline: float

    def loss(self, judged_by: str) -> float:
        """Return the loss on the training or on the validation samples."""
        return self.training if judged_by == "training" else self.validation


def ended(trainer: Trainer) -> Ended:
    """Return how a trainer stands."""
    baseline = trainer.baseline()
    validation = trainer.validation_loss()

    def relative(loss: float | None) -> float:
        return loss / baseline if loss is not None and isfinite(loss) and trainer.ended is None else inf

    return Ended(relative(trainer.census().loss), relative(validation), baseline)


def train(setup: Setup, seed: int, folder: Path, look: Callable[[Trainer], None] | None = None) -> Ended:
    """Train a setup to its end, with :data:`LOOKS` looks at it on the way, evenly spaced."""
    with np.errstate(all="ignore"):
        trainer = Trainer(setup.experiment(seed, folder))
        if look is not None:
            epochs = trainer.experiment.epochs
            for number in range(1, LOOKS):
                trainer.advance(Goal(epoch=epochs * number // LOOKS), None)
                if trainer.ended or trainer.epoch == 0:
                    break
                look(trainer)
        trainer.run(Run())
        if look is not None:
            look(trainer)
        return ended(trainer)
