"""The parameters that training may want back: where the training loss was lowest, and the validation loss."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from backprop_core.trainer import Trainer

KEEP_EVERY = 128
"""Steps between two looks, counted from the first step of the training: whoever cuts the training into pieces,
the same parameters are kept."""

VALIDATION_SHARE = 0.02
"""Looking at the validation loss may take about this share of the training."""

EARLY_LOOKS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96)
"""Steps before the first :data:`KEEP_EVERY` after which the validation loss is looked at: a small network with
an adaptive optimizer can be at its best within ten."""


@dataclass(frozen=True)
class Kept:
    """Parameters of one moment. ``loss`` is what they are kept for; infinite if it is not known."""

    step: int
    loss: float
    parameters: NDArray[Any]


@dataclass(frozen=True)
class Keepsakes:
    """All that a keeper holds: ``begun`` is where the current stretch began, ``highest`` its highest loss.

    ``origin`` is where it began to keep: the start weights, or those after the last change of the network.
    """

    origin: Kept
    best: Kept
    best_validation: Kept
    begun: Kept
    highest: float

    @property
    def size(self) -> int:
        """Bytes of its arrays."""
        return int(4 * self.begun.parameters.nbytes)


class Keeper:
    """Keeps the parameters at the beginning of the best stretch of :data:`KEEP_EVERY` steps.

    A stretch is as good as its highest loss, which is the same however the losses are handed over.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self.reset()

    def reset(self) -> None:
        """Begin anew from the parameters as they are: those before are of another function."""
        self.origin = self._begun = self.best = self.best_validation = self._take(np.inf)
        self._highest = -np.inf

    def restart(self) -> None:
        """Begin a new stretch from the parameters as they are; what was kept stays."""
        self._begun, self._highest = self._take(np.inf), -np.inf

    def _take(self, loss: float) -> Kept:
        return Kept(self._trainer.step_count, loss, self._trainer.network.parameters.copy())

    def note(self, losses: Sequence[float]) -> None:
        """Take in losses of the current stretch, each once."""
        if len(losses):
            highest = max(losses)
            self._highest = highest if not highest <= self._highest else self._highest
            if any(loss != loss for loss in losses):
                self._highest = np.inf

    def look(self) -> None:
        """End a stretch; to be called whenever the count of steps is a multiple of :data:`KEEP_EVERY`."""
        trainer = self._trainer
        begun, highest = self._begun, self._highest
        if begun.step + KEEP_EVERY == trainer.step_count and highest < self.best.loss:
            self.best = Kept(begun.step, highest, begun.parameters)
        self.restart()
        if self._validation_due():
            self.look_at_validation()

    def look_at_validation(self) -> None:
        """Keep the parameters if no validation loss seen so far was lower than theirs."""
        loss = self._trainer.validation_loss()
        if loss is not None and loss < self.best_validation.loss:
            self.best_validation = self._take(loss)

    def _validation_due(self) -> bool:
        trainer = self._trainer
        samples = trainer.validation_set.samples
        if not samples:
            return False
        trained = 3 * trainer.batch_size * KEEP_EVERY
        stretches = max(ceil(samples / (VALIDATION_SHARE * trained)), 1)
        seen = trainer.step_count // KEEP_EVERY
        # The powers of two in any case: looks too far apart at first would miss where it turns.
        return seen % stretches == 0 or seen & (seen - 1) == 0

    def capture(self) -> Keepsakes:
        """Return all that is held; none of it is ever written to."""
        return Keepsakes(self.origin, self.best, self.best_validation, self._begun, self._highest)

    def restore(self, kept: Keepsakes) -> None:
        """Hold what was captured."""
        self.origin, self.best, self.best_validation = kept.origin, kept.best, kept.best_validation
        self._begun, self._highest = kept.begun, kept.highest
