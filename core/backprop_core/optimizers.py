"""The optimizers: how a gradient becomes the update that is subtracted from the parameters.

Their formulas, the order of their operations and the meaning of weight decay are PyTorch's, so that both
walk the same path; biases decay as well.
"""

from __future__ import annotations

import dataclasses
from dataclasses import field
from functools import partial
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from backprop_core.experiment import TrainingSpec

    Array = NDArray[np.floating[Any]]

Operation = partial[Any]


@dataclasses.dataclass
class OptimizerState:
    """What an optimizer works on: flat vectors as long as the parameters, and the count of its steps.

    ``moments`` are its running averages; ``update`` is what the last step subtracted.
    """

    parameters: Array
    gradient: Array
    update: Array
    scratch: Array
    moments: tuple[Array, ...]
    learning_rate: float
    weight_decay: float
    steps: int = 0


@dataclass(frozen=True)
class Optimizer:
    """``operations(state, **options)`` returns the calls that turn ``state.gradient`` into ``state.update``."""

    name: str
    summary: str
    moments: tuple[str, ...]
    operations: Callable[..., list[Operation]]
    defaults: Mapping[str, float] = field(default_factory=dict)


def is_plain(training: TrainingSpec) -> bool:
    """Tell whether the update is the gradient times a constant, which the backward pass can multiply in."""
    bare = training.optimizer.name == "sgd" and not training.optimizer.option("momentum")
    return bare and not (training.weight_decay or training.l1 or training.gradient_clip)


def _decay_operations(state: OptimizerState) -> list[Operation]:
    """Return L2 decay: the gradient plus weight_decay · parameters."""
    if not state.weight_decay:
        return []
    gradient, scratch = state.gradient, state.scratch
    return [
        partial(np.multiply, state.parameters, state.weight_decay, out=scratch),
        partial(np.add, gradient, scratch, out=gradient),
    ]


def _sgd(state: OptimizerState, momentum: float, nesterov: float) -> list[Operation]:
    gradient, update, scratch = state.gradient, state.update, state.scratch
    operations = _decay_operations(state)
    direction = gradient
    if momentum:
        (velocity,) = state.moments
        operations += [
            partial(np.multiply, velocity, momentum, out=velocity),
            partial(np.add, velocity, gradient, out=velocity),
        ]
        direction = velocity
        if nesterov:
            operations += [
                partial(np.multiply, velocity, momentum, out=scratch),
                partial(np.add, scratch, gradient, out=scratch),
            ]
            direction = scratch
    return [*operations, partial(np.multiply, direction, state.learning_rate, out=update)]


def _mean_square_operations(state: OptimizerState, mean_square: Array, keep: float) -> list[Operation]:
    """Return mean_square ← keep · mean_square + (1 − keep) · gradient²."""
    gradient, scratch = state.gradient, state.scratch
    return [
        partial(np.multiply, gradient, gradient, out=scratch),
        partial(np.multiply, scratch, 1.0 - keep, out=scratch),
        partial(np.multiply, mean_square, keep, out=mean_square),
        partial(np.add, mean_square, scratch, out=mean_square),
    ]


def _rmsprop(state: OptimizerState, alpha: float, epsilon: float, momentum: float) -> list[Operation]:
    mean_square, velocity = state.moments
    update, scratch = state.update, state.scratch
    operations = [
        *_decay_operations(state),
        *_mean_square_operations(state, mean_square, alpha),
        partial(np.sqrt, mean_square, out=scratch),
        partial(np.add, scratch, epsilon, out=scratch),
        partial(np.divide, state.gradient, scratch, out=scratch),
    ]
    if momentum:
        operations += [
            partial(np.multiply, velocity, momentum, out=velocity),
            partial(np.add, velocity, scratch, out=velocity),
            partial(np.multiply, velocity, state.learning_rate, out=update),
        ]
    else:
        operations.append(partial(np.multiply, scratch, state.learning_rate, out=update))
    return operations


def _adam_operations(state: OptimizerState, beta1: float, beta2: float, epsilon: float) -> list[Operation]:
    mean, mean_square = state.moments
    update, scratch = state.update, state.scratch

    def bias_corrected_update() -> None:
        state.steps += 1
        rate = state.learning_rate / (1.0 - beta1**state.steps)
        np.sqrt(mean_square, out=scratch)
        np.divide(scratch, sqrt(1.0 - beta2**state.steps), out=scratch)
        np.add(scratch, epsilon, out=scratch)
        np.divide(mean, scratch, out=update)
        np.multiply(update, rate, out=update)

    return [
        partial(np.subtract, state.gradient, mean, out=scratch),
        partial(np.multiply, scratch, 1.0 - beta1, out=scratch),
        partial(np.add, mean, scratch, out=mean),
        *_mean_square_operations(state, mean_square, beta2),
        partial(bias_corrected_update),
    ]


def _adam(state: OptimizerState, beta1: float, beta2: float, epsilon: float) -> list[Operation]:
    return _decay_operations(state) + _adam_operations(state, beta1, beta2, epsilon)


def _adamw(state: OptimizerState, beta1: float, beta2: float, epsilon: float) -> list[Operation]:
    operations = _adam_operations(state, beta1, beta2, epsilon)
    if state.weight_decay:
        # The decay is decoupled: it is taken from the parameters, not fed through the moments.
        operations += [
            partial(
                np.multiply, state.parameters, state.learning_rate * state.weight_decay, out=state.scratch
            ),
            partial(np.add, state.update, state.scratch, out=state.update),
        ]
    return operations


_ADAM_DEFAULTS = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}

OPTIMIZERS: dict[str, Optimizer] = {
    record.name: record
    for record in (
        Optimizer(
            "sgd",
            "gradient descent, with momentum and Nesterov's look-ahead if wanted",
            ("velocity",),
            _sgd,
            {"momentum": 0.0, "nesterov": 0.0},
        ),
        Optimizer(
            "rmsprop",
            "the gradient over the root of its running mean square",
            ("mean_square", "velocity"),
            _rmsprop,
            {"alpha": 0.99, "epsilon": 1e-8, "momentum": 0.0},
        ),
        Optimizer(
            "adam",
            "running mean over root mean square, both corrected for their start (Kingma and Ba, 2015)",
            ("mean", "mean_square"),
            _adam,
            _ADAM_DEFAULTS,
        ),
        Optimizer(
            "adamw",
            "Adam with decoupled weight decay (Loshchilov and Hutter, 2019)",
            ("mean", "mean_square"),
            _adamw,
            _ADAM_DEFAULTS,
        ),
    )
}
