"""The tour: from a network that has stalled to one that is trained, by what the visitor does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from backprop_core.snapshot import Frame

PRESET = "sequence"
TRAINED = 0.1


@dataclass(frozen=True)
class Sight:
    """What the visitor has before their eyes: a frame, and the panel that is open, by its name."""

    frame: Frame
    panel: str | None


@dataclass(frozen=True)
class TourStep:
    """A step: what to do and why, and by what the lab sees that it was done."""

    text: str
    done: Callable[[Sight], bool]


def _error_at_layer_1(sight: Sight) -> bool:
    station = getattr(sight.frame.panel, "station", None)
    return station is not None and station.phase == "backward" and station.layer == 1


def _told_of_a_death(sight: Sight) -> bool:
    selected = getattr(sight.frame.panel, "selected", None)
    return selected is not None and selected.dead


STEPS = (
    TourStep(
        "This network has stopped learning: its loss lies on the dashed line, «always the mean». Press ↓ to "
        "select a neuron.",
        lambda sight: sight.frame.inspection is not None,
    ),
    TourStep(
        "It is dead: its derivative is zero on every sample. Press x to see a step of backpropagation.",
        lambda sight: sight.panel == "step",
    ),
    TourStep(
        "↓ walks through the step: forward, loss, and the error back. Walk until the error arrives at layer 1.",
        _error_at_layer_1,
    ),
    TourStep(
        "Here the error stops: f'(z) = 0, so δ = 0, and this neuron's weights cannot change. Press v for the "
        "network.",
        lambda sight: sight.panel == "network",
    ),
    TourStep("Press ↓: a dead neuron tells when it died, and what killed it.", _told_of_a_death),
    TourStep(
        "One update was too large. r draws dead neurons anew, and leaves what the network computes: press r.",
        lambda sight: (sight.frame.undoable or "").startswith("reinit-dead"),
    ),
    TourStep(
        "Press space, and watch the loss fall below 0.1; v shows the series. Should neurons die again: -, then r.",
        lambda sight: sight.frame.snapshot.training_loss < TRAINED,
    ),
)

FAREWELL = "it has learnt the series. u takes things back, w writes this as a script, p has more to heal."


class Tour:
    """How far a visitor has come; ``at`` counts the steps done."""

    def __init__(self) -> None:
        self.at = 0

    @property
    def text(self) -> str:
        """What to do now."""
        return STEPS[self.at].text if self.at < len(STEPS) else FAREWELL

    @property
    def heading(self) -> str:
        """Where on the tour one is."""
        return f"tour {self.at + 1} of {len(STEPS)}" if self.at < len(STEPS) else "tour done"

    def look(self, sight: Sight) -> bool:
        """Go on if the step's thing was done; return whether it was."""
        if self.at == len(STEPS) or sight.frame.experiment.name != PRESET or not STEPS[self.at].done(sight):
            return False
        self.at += 1
        return True
