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
from backprop_core.working import Working

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from backprop_core.experiment import TrainingSpec
    from backprop_core.working import Moved

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
    """An optimizer.

    Attributes
    ----------
    moments : tuple of str
        What it keeps a vector each of.
    operations : callable(state, **options) -> list of Operation
        The calls that turn ``state.gradient`` into ``state.update``.
    working : callable(moved, **options) -> list of Working
        The same for a single parameter, line by line.
    """

    name: str
    summary: str
    moments: tuple[str, ...]
    operations: Callable[..., list[Operation]]
    working: Callable[..., list[Working]]
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


def _decay_working(it: Moved) -> list[Working]:
    if not it.weight_decay:
        return []
    numbers = (it.gradient, it.weight_decay, it.weight)
    return [Working("g", "g + λ₂·w", "{} + {}·{}", numbers, it.decayed)]


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


def _sgd_working(it: Moved, momentum: float, nesterov: float) -> list[Working]:
    lines, g, rate = _decay_working(it), it.decayed, it.learning_rate
    if not momentum:
        return [*lines, Working("update", "η·g", "{}·{}", (rate, g), it.update)]
    (before,), (after,) = it.before, it.after
    lines.append(Working("v", "μ·v + g", "{}·{} + {}", (momentum, before, g), after))
    if nesterov:
        numbers = (rate, g, momentum, after)
        return [*lines, Working("update", "η·(g + μ·v)", "{}·({} + {}·{})", numbers, it.update)]
    return [*lines, Working("update", "η·v", "{}·{}", (rate, after), it.update)]


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


def _mean_square_working(g: float, before: float, after: float, keep: float, symbol: str) -> Working:
    numbers = (keep, before, 1 - keep, g)
    return Working("s", f"{symbol}·s + (1−{symbol})·g²", "{}·{} + {}·{}²", numbers, after)


def _rmsprop_working(it: Moved, alpha: float, epsilon: float, momentum: float) -> list[Working]:
    g, rate, square = it.decayed, it.learning_rate, it.after[0]
    lines = [*_decay_working(it), _mean_square_working(g, it.before[0], square, alpha, "α")]
    if not momentum:
        step = (rate, g, square, epsilon)
        return [*lines, Working("update", "η·g/(√s + ε)", "{}·{}/(√{} + {})", step, it.update)]
    before, after = it.before[1], it.after[1]
    sped = (momentum, before, g, square, epsilon)
    return [
        *lines,
        Working("v", "μ·v + g/(√s + ε)", "{}·{} + {}/(√{} + {})", sped, after),
        Working("update", "η·v", "{}·{}", (rate, after), it.update),
    ]


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


def _moments_working(it: Moved, g: float, beta1: float, beta2: float) -> list[Working]:
    numbers = (beta1, it.before[0], 1 - beta1, g)
    return [
        Working("m", "β₁·m + (1−β₁)·g", "{}·{} + {}·{}", numbers, it.after[0]),
        _mean_square_working(g, it.before[1], it.after[1], beta2, "β₂"),
    ]


def _corrected(it: Moved, beta1: float, beta2: float, epsilon: float) -> tuple[float, ...]:
    """Return rate, mean, 1 − β₁ᵗ, mean square, 1 − β₂ᵗ and ε, as the formula has them."""
    mean, square = it.after
    return it.learning_rate, mean, 1 - beta1**it.steps, square, 1 - beta2**it.steps, epsilon


def _adam_working(it: Moved, beta1: float, beta2: float, epsilon: float) -> list[Working]:
    formula, places = "η·m/(1−β₁ᵗ) / (√(s/(1−β₂ᵗ)) + ε)", "{}·{}/{} / (√({}/{}) + {})"
    numbers = _corrected(it, beta1, beta2, epsilon)
    return [
        *_decay_working(it),
        *_moments_working(it, it.decayed, beta1, beta2),
        Working("update", formula, places, numbers, it.update),
    ]


def _adamw_working(it: Moved, beta1: float, beta2: float, epsilon: float) -> list[Working]:
    formula, places = "η·m/(1−β₁ᵗ) / (√(s/(1−β₂ᵗ)) + ε)", "{}·{}/{} / (√({}/{}) + {})"
    numbers = _corrected(it, beta1, beta2, epsilon)
    if it.weight_decay:
        formula, places = f"{formula} + η·λ₂·w", f"{places} + {{}}·{{}}·{{}}"
        numbers = (*numbers, it.learning_rate, it.weight_decay, it.weight)
    return [
        *_moments_working(it, it.gradient, beta1, beta2),
        Working("update", formula, places, numbers, it.update),
    ]


_ADAM_DEFAULTS = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}

OPTIMIZERS: dict[str, Optimizer] = {
    record.name: record
    for record in (
        Optimizer(
            "sgd",
            "gradient descent, with momentum and Nesterov's look-ahead if wanted",
            ("velocity",),
            _sgd,
            _sgd_working,
            {"momentum": 0.0, "nesterov": 0.0},
        ),
        Optimizer(
            "rmsprop",
            "the gradient over the root of its running mean square",
            ("mean_square", "velocity"),
            _rmsprop,
            _rmsprop_working,
            {"alpha": 0.99, "epsilon": 1e-8, "momentum": 0.0},
        ),
        Optimizer(
            "adam",
            "running mean over root mean square, both corrected for their start (Kingma and Ba, 2015)",
            ("mean", "mean_square"),
            _adam,
            _adam_working,
            _ADAM_DEFAULTS,
        ),
        Optimizer(
            "adamw",
            "Adam with decoupled weight decay (Loshchilov and Hutter, 2019)",
            ("mean", "mean_square"),
            _adamw,
            _adamw_working,
            _ADAM_DEFAULTS,
        ),
    )
}
