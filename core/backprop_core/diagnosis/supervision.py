"""A run that is looked after from its first epoch to its last: when to look, when to investigate, when to treat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_core.diagnosis.diagnose import DEFAULT_EPOCHS, diagnose
from backprop_core.diagnosis.report import FINDING
from backprop_core.diagnosis.treat import treat
from backprop_core.diagnosis.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from backprop_core.commands import Outcome
    from backprop_core.diagnosis.report import Diagnosis
    from backprop_core.trainer import Trainer

LOOKS = (0.01, 0.02, 0.03, 0.06, 0.09, 0.12, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85)
"""Where in the training its health is looked at, counted from its beginning or from the last treatment."""

LEAST_STEPS = 10
"""No look comes before so many steps: what is seen then is still the beginning."""

INVESTIGATE_AGAIN = 4.0
"""The same symptoms are investigated again after so many times the epochs."""

MOST_TREATMENTS = 4


class Supervision:
    """Looks after a trainer. Whoever trains it goes to :attr:`next_epoch`, and asks :meth:`look` there.

    Parameters
    ----------
    trainer : Trainer
    epochs : int, optional
        Where its training ends; by default where the experiment does.
    on_fork : callable, optional
        Is called after each fork of an investigation.
    """

    def __init__(
        self, trainer: Trainer, epochs: int | None = None, on_fork: Callable[[], None] = lambda: None
    ) -> None:
        self.trainer = trainer
        self._on_fork = on_fork
        self.epochs = epochs or trainer.experiment.epochs or trainer.epoch + DEFAULT_EPOCHS
        self.watch = Watch(trainer)
        self.treatments = 0
        self._begun = trainer.epoch
        self._investigated = 0

    @property
    def next_epoch(self) -> int:
        """The epoch of the next look, or the last of all."""
        trainer = self.trainer
        span = self.epochs - self._begun
        least = -(-LEAST_STEPS // trainer.steps_per_epoch)
        places = (
            self._begun + max(round(share * span), least * number) for number, share in enumerate(LOOKS, 1)
        )
        return min((place for place in places if trainer.epoch < place < self.epochs), default=self.epochs)

    @property
    def left(self) -> int:
        """How many epochs there are still to train."""
        return max(self.epochs - self.trainer.epoch, 0)

    def look(self) -> Diagnosis | None:
        """Observe, and investigate if that is worth it; None if nothing was investigated."""
        trainer = self.trainer
        health = self.watch.observe()
        if trainer.ended is None and not self._due(health.wants_diagnosis, bool(health.suspicions)):
            return None
        self._investigated = trainer.epoch - self._begun
        found = diagnose(
            trainer,
            epochs=max(self.left, 1),
            since=self.watch.since,
            witness=self.watch.witness,
            on_fork=self._on_fork,
        )
        self.watch.note(found)
        return found

    def _due(self, wanted: bool, suspicious: bool) -> bool:
        if not self.left:
            return False
        so_far = self.trainer.epoch - self._begun
        return wanted or (suspicious and so_far >= INVESTIGATE_AGAIN * max(self._investigated, 1))

    def treat(self, diagnosis: Diagnosis) -> tuple[Outcome, ...]:
        """Apply the recommended cure, if there is one and it is not the umpteenth."""
        if diagnosis.state != FINDING or diagnosis.recommended is None or self.treatments >= MOST_TREATMENTS:
            return ()
        outcomes = treat(self.trainer, diagnosis=diagnosis)
        self.treatments += 1
        self.watch.reset()
        self._begun, self._investigated = self.trainer.epoch, 0
        return outcomes
