"""The rules of known detectors, on the same runs: what they count, and from where they call a run ill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from backprop_core.trainer import Trainer

PERSISTENT = 0.5
"""A rule has to hold at this share of the looks at a run."""


@dataclass(frozen=True, eq=False)
class Look:
    """What the rules read: a full pass and the last step's gradients and updates, a layer an entry."""

    inputs: NDArray[Any]
    hidden: tuple[NDArray[Any], ...]
    gradients: tuple[float, ...]
    update_ratios: tuple[float, ...]


@dataclass(frozen=True)
class Rule:
    """``holds(look)`` tells whether the rule calls the run ill at that look."""

    name: str
    holds: Callable[[Look], bool]


def _many_zeros(look: Look) -> bool:
    return any(float(np.mean(a == 0)) >= 0.7 for a in look.hidden)


def _gradient_ratio(look: Look) -> bool:
    smallest, largest = min(look.gradients), max(look.gradients)
    return not largest <= 1e3 * smallest


def _inputs_outside(look: Look) -> bool:
    return bool(np.abs(look.inputs).max() > 1.0)


def _update_ratio(look: Look) -> bool:
    return any(not 1e-5 <= ratio <= 1e-1 for ratio in look.update_ratios)


def _silent_units(look: Look) -> bool:
    return any(bool((np.mean(a > 0, axis=1) < 0.01).any()) for a in look.hidden if a.min() >= 0)


RULES: tuple[Rule, ...] = (
    Rule("70 % of a layer's entries are zero", _many_zeros),
    Rule("gradients of layers differ over 1,000-fold", _gradient_ratio),
    Rule("inputs outside [-1, 1]", _inputs_outside),
    Rule("update ratio outside 1e-5 to 1e-1", _update_ratio),
    Rule("a unit active on under 1 % of samples", _silent_units),
)


def take_look(trainer: Trainer) -> Look:
    """Return what the rules need of a trainer as it stands."""
    layers = trainer.snapshot(rows=0).layers
    sample = trainer.training_set.sampled_pass()
    sizes = [layer.augmented.size for layer in trainer.network.layers]
    return Look(
        trainer.scaled(trainer.dataset.x),
        tuple(a.copy() for a in sample.activations[:-1]),
        tuple(layer.gradient_norm / size**0.5 for layer, size in zip(layers, sizes, strict=True)),
        tuple(layer.update_ratio for layer in layers),
    )


class Watch:
    """Asks every rule at every look."""

    def __init__(self) -> None:
        self._looks = 0
        self._held = dict.fromkeys((rule.name for rule in RULES), 0)

    def __call__(self, trainer: Trainer) -> None:
        """Look at a trainer."""
        with np.errstate(all="ignore"):
            look = take_look(trainer)
            self._looks += 1
            for rule in RULES:
                self._held[rule.name] += rule.holds(look)

    def verdicts(self) -> dict[str, bool]:
        """Return which rules held at enough of the looks; a run too short for any look is called ill by all."""
        return {
            name: not self._looks or held >= PERSISTENT * self._looks for name, held in self._held.items()
        }
