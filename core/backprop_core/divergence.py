"""Where a divergence began: the step, the layer and the tensor of the first number that was not finite.

While training goes well, nothing is watched but the loss. Once it is not finite, the steps since a state that
was kept some tenths of a second before are taken again, and the one in which the first such number appears is
gone through tensor by tensor.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.frozen import dataclass
from backprop_core.training_state import capture, restore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from backprop_core.trainer import Trainer
    from backprop_core.training_state import TrainingState

TENSORS = ("input", "pre-activation", "activation", "loss", "delta", "gradient", "parameter")
"""In the order in which a step computes them."""


@dataclass(frozen=True)
class Divergence:
    """The first number that was not finite.

    Attributes
    ----------
    step : int
        Counted from 1: the step that computed it.
    layer : int
        Counted from 1; for an input the first layer, for the loss the last.
    tensor : str
        One of :data:`TENSORS`; a parameter is the updated one.
    neuron : int or None
        Of the layer, counted from 1; the feature for an input, None for the loss.
    value : str
        ``"inf"``, ``"-inf"`` or ``"nan"``.
    before : TrainingState or None
        The last state from which a step with another rate could have led elsewhere: the loss and its gradient
        are finite there. None if none was kept.
    """

    step: int
    layer: int
    tensor: str
    neuron: int | None
    value: str
    before: TrainingState | None = field(default=None, compare=False)

    @property
    def text(self) -> str:
        """The finding in a line."""
        value = {"nan": "NaN", "inf": "infinity", "-inf": "-infinity"}[self.value]
        where = {
            "input": f"input {self.neuron}",
            "loss": "the loss itself, of finite outputs",
        }.get(self.tensor, f"a {self.tensor} of layer {self.layer}, neuron {self.neuron}")
        where = where.replace("a activation", "an activation")
        return f"the first number that was not finite: {value}, in step {self.step}, {where}"


def locate(trainer: Trainer, anchor: TrainingState | None) -> Divergence | None:
    """Return where a trainer's divergence began; the trainer is left as it was.

    Parameters
    ----------
    trainer : Trainer
        One whose loss is not finite.
    anchor : TrainingState or None
        An earlier state from which nothing but steps has led here. None: only the last step is looked at.
    """
    diverged = capture(trainer)
    with np.errstate(all="ignore"):
        try:
            finite = None if anchor is None else _last_finite_state(trainer, anchor, diverged.step_count)
            found = next(_non_finite(trainer), None)
            if found is None:
                return None
            step = diverged.step_count + 1 if finite is None else finite.step_count + 1
            before = finite
            if anchor and finite and found[1] != "parameter":
                before = _one_step_before(trainer, finite, anchor)
        finally:
            restore(trainer, diverged)
    return Divergence(step, *found, before)


def _one_step_before(trainer: Trainer, state: TrainingState, anchor: TrainingState) -> TrainingState | None:
    """Return the state a step earlier: what does not depend on the rate was not finite already."""
    if anchor.step_count >= state.step_count:
        return None
    restore(trainer, anchor)
    trainer.take_steps(state.step_count - 1 - anchor.step_count)
    return capture(trainer)


def _last_finite_state(trainer: Trainer, anchor: TrainingState, last: int) -> TrainingState | None:
    """Put a trainer to the last step, not after ``last``, at which all parameters are finite.

    What is not finite stays so, which makes the search a bisection; mostly it is the last step.
    """
    restore(trainer, anchor)
    if not np.isfinite(trainer.network.parameters).all():
        return None
    finite = anchor
    chunk = max(last - anchor.step_count - 1, 1)
    while chunk and finite.step_count < last:
        trainer.take_steps(min(chunk, last - finite.step_count))
        if np.isfinite(trainer.network.parameters).all():
            finite = capture(trainer)
        else:
            restore(trainer, finite)
            chunk //= 2
    return finite


Found = tuple[int, str, "int | None", str]


def _non_finite(trainer: Trainer) -> Iterator[Found]:
    """Take one step on, and yield (layer, tensor, neuron, value) of what in it is not finite, in order."""
    layers = trainer.network.layers
    rows, targets = trainer.coming_batch()
    gradient = np.zeros_like(trainer.network.parameters)
    forward, backward = trainer.steps.passes(rows, targets, gradient, keep=True)
    yield from _in(rows[:, : trainer.network.sizes[0]].T, 1, "input")
    forward.run()
    for index, layer in enumerate(layers):
        yield from _in(forward.pre_activations[index], layer.number, "pre-activation")
        yield from _in(forward.activations[index], layer.number, "activation")
    loss = trainer.steps.loss_of(forward.outputs, targets)
    if not np.isfinite(loss):
        yield len(layers), "loss", None, repr(loss)
    backward.run()
    for index, layer in reversed(list(enumerate(layers))):
        yield from _in(backward.deltas[index], layer.number, "delta")
        yield from _in(layer.of(gradient).T, layer.number, "gradient")
    trainer.take_steps(1)
    for layer in trainer.network.layers:
        yield from _in(layer.augmented.T, layer.number, "parameter")


def _in(values: NDArray[Any], layer: int, tensor: str) -> Iterator[Found]:
    """Yield the first number that is not finite; rows are neurons."""
    places = np.argwhere(~np.isfinite(values))
    if len(places):
        yield layer, tensor, int(places[0][0]) + 1, repr(float(values[tuple(places[0])]))
