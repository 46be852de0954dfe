"""How one parameter's update comes about: its gradient from the batch's samples, and what is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.frozen import dataclass
from backprop_core.optimizers import OPTIMIZERS
from backprop_core.training_step import CLIP_EPSILON, clip_factor, gradient_norm
from backprop_core.working import Moved, Working

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.coming_step import ComingStep
    from backprop_core.network import Layer

    Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Share:
    """What one sample of the batch, counted from 1, has to do with a parameter's gradient: δ·a.

    ``value`` is the activation (or input) that the parameter multiplies, 1 for a bias.
    """

    sample: int
    delta: float
    value: float
    product: float


@dataclass(frozen=True)
class Shares:
    """The samples' shares in their order, some left out: the ``others`` make up ``rest`` together.

    ``total`` is the sum of all, ``gradient`` what the step uses: that sum, or its mean.
    """

    shown: tuple[Share, ...]
    others: int
    rest: float
    total: float
    gradient: float
    mean: bool


class UpdateDissector:
    """Takes the update of one parameter apart.

    Parameters
    ----------
    coming : ComingStep
    layer : Layer
    neuron, source : int
        Which parameter, both counted from 0; ``source`` is the layer's fan-in for the bias.
    """

    def __init__(self, coming: ComingStep, layer: Layer, neuron: int, source: int) -> None:
        self.coming, self.layer, self.neuron, self.source = coming, layer, neuron, source

    def shares(self, sample: int, most: int) -> Shares:
        """Return at most so many samples' shares: the first, the last, and the one of that place (from 0)."""
        delta = self.coming.deltas[self.layer.number - 1][self.neuron]
        inputs = self.coming.layer_inputs[self.layer.number - 1]
        value = np.ones_like(delta) if self.source == self.layer.fan_in else inputs[self.source]
        product = delta * value
        chosen = first_and_last(len(product), max(most, 1), sample)
        left_out = np.ones(len(product), np.bool_)
        left_out[chosen] = False
        return Shares(
            tuple(Share(s + 1, float(delta[s]), float(value[s]), float(product[s])) for s in chosen),
            int(left_out.sum()),
            float(product[left_out].sum()),
            float(product.sum()),
            self._of(self.coming.gradient),
            self.coming.experiment.training.reduction == "mean",
        )

    def workings(self) -> tuple[Working, ...]:
        """Return how the gradient becomes the update; nothing where that is the gradient times the rate."""
        coming = self.coming
        if coming.plain or not coming.taken:
            return ()
        choice = coming.experiment.training.optimizer
        lines = self._given_to_the_optimizer()
        moved = Moved(
            weight=self._of(coming.before),
            gradient=lines[-1].value,
            decayed=self._of(coming.optimizer.gradient),
            before=tuple(map(self._of, coming.moments)),
            after=tuple(map(self._of, coming.optimizer.moments)),
            update=self._of(coming.update),
            steps=coming.optimizer.steps,
            learning_rate=coming.optimizer.learning_rate,
            weight_decay=coming.optimizer.weight_decay,
        )
        return (*lines, *OPTIMIZERS[choice.name].working(moved, **dict(choice.options)))

    def _given_to_the_optimizer(self) -> list[Working]:
        """Return the lines of g: the gradient, with the L1 penalty's, clipped."""
        coming, training = self.coming, self.coming.experiment.training
        own, weight = self._of(coming.gradient), self._of(coming.before)
        penalised = coming.penalised
        g = self._of(penalised)
        lines = [Working("g", "∂C/∂w", "", (), own)]
        if training.l1 and self.source < self.layer.fan_in:
            numbers = (own, training.l1, float(np.sign(weight)))
            lines = [Working("g", "∂C/∂w + λ₁·sign w", "{} + {}·{}", numbers, g)]
        if training.gradient_clip:
            norm, most = gradient_norm(penalised), training.gradient_clip
            if (factor := clip_factor(norm, most)) != 1:
                clipped = float(penalised.dtype.type(g) * penalised.dtype.type(factor))
                numbers = (g, most, norm + CLIP_EPSILON)
                lines.append(Working("g", "g·clip/‖g‖", "{}·{}/{}", numbers, clipped))
        return lines

    def _of(self, vector: Array) -> float:
        return float(self.layer.of(vector)[self.source, self.neuron])


def first_and_last(count: int, most: int, always: int) -> list[int]:
    """Return at most so many of ``count`` places: the first, the last, and one always."""
    if count <= most:
        return list(range(count))
    chosen = {always, *([count - 1] if most > 1 else [])}
    for place in range(count):
        if len(chosen) >= most:
            break
        chosen.add(place)
    return sorted(chosen)
