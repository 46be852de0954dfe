"""What the settings are shown with: how much there is to train on, the loss so far, and the outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backprop_core.comparison import CurveRequest
from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    from backprop_core.outcome import Outcome, OutcomeRequest
    from backprop_core.snapshot import Curve, Snapshot
    from backprop_core.trainer import Trainer


@dataclass(frozen=True)
class Surroundings:
    """``inputs`` are the data's columns before features are made of them, ``samples`` those trained on.

    ``outcome`` is None where none was asked for.
    """

    inputs: int
    outputs: int
    samples: int
    curve: Curve
    outcome: Outcome | None


@dataclass(frozen=True)
class SettingsRequest:
    """The loss in at most so many columns, and a picture of the outcome if one is wanted."""

    columns: int = 64
    outcome: OutcomeRequest | None = None

    def build(self, trainer: Trainer, snapshot: Snapshot, kept: dict[str, Any]) -> Surroundings:
        """Return what is shown beside the settings."""
        dataset = trainer.dataset
        return Surroundings(
            inputs=dataset.x.shape[1],
            outputs=dataset.y.shape[1],
            samples=len(dataset.x),
            curve=CurveRequest(self.columns).build(trainer, snapshot, kept),
            outcome=None if self.outcome is None else self.outcome.build(trainer, snapshot, kept),
        )
