"""What a cure drawn at random would have done, applied where the diagnosis spoke."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backprop_core.errors import UserError
from backprop_core.grammar import parse_command
from backprop_core.trainer import Goal, Trainer
from benchmarks.diagnosis.runs import ended

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.diagnosis.runs import Ended
    from benchmarks.diagnosis.setups import Setup

CURES = (
    "reinit-dead",
    "activation hidden leaky-relu 0.01",
    "activation hidden tanh",
    "activation output linear",
    "set learning-rate {lower:g}",
    "set learning-rate {higher:g}",
    "set batch-size full",
    "set optimizer adam",
    "set gradient-clip 1",
    "set weight-decay 0.001",
    "set reduction mean",
    "standardize",
    "add-bias",
    "restart seed {seed}",
)


def cure_at_random(setup: Setup, seed: int, step: int | None, folder: Path) -> Ended:
    """Train to ``step``, or half the way, apply a cure that can be applied there, and train to the end."""
    rng = np.random.default_rng(seed)
    with np.errstate(all="ignore"):
        trainer = Trainer(setup.experiment(seed, folder))
        epochs = trainer.experiment.epochs
        half = epochs * trainer.steps_per_epoch // 2
        trainer.advance(Goal(epoch=epochs, step=half if step is None else step), None)
        _apply_one(trainer, rng)
        # A fresh start has only what is left of the epochs, as any other cure.
        left = epochs - (0 if trainer.step_count else min(epochs, (step or half) // trainer.steps_per_epoch))
        trainer.advance(Goal(epoch=left), None)
        return ended(trainer)


def _apply_one(trainer: Trainer, rng: np.random.Generator) -> None:
    rate = trainer.experiment.training.learning_rate
    for index in rng.permutation(len(CURES)):
        text = CURES[index].format(lower=rate / 5, higher=rate * 5, seed=trainer.experiment.seed + 1000)
        try:
            trainer.apply(parse_command(text))
        except UserError:
            continue
        return
