"""The losses, a record each: the value, and its gradient with respect to the network's outputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Loss:
    """A loss, the mean over N samples of a loss a sample.

    Attributes
    ----------
    value : callable(prediction, target, **options) -> float
        The mean over the samples; both arrays of shape (outputs, samples).
    gradient : callable(prediction, target, out, **options)
        Write the gradient of the *sum* over the samples into ``out``; the reduction divides by N.
    square : callable(outputs) -> float, or None
        For losses that are w·Σ‖error‖²/N: w. Their gradient is 2w·error, which a step gets for nothing.
    canonical : str or None
        The output activation with which ∂L/∂z is (prediction − target)·``canonical_weight(outputs)``.
    classification : bool
        Whether targets are classes or probabilities, and not quantities to be standardised.
    """

    name: str
    summary: str
    value: Callable[..., float]
    gradient: Callable[..., object]
    square: Callable[[int], float] | None = None
    canonical: str | None = None
    canonical_weight: Callable[[int], float] = lambda outputs: 1.0
    classification: bool = False
    defaults: Mapping[str, float] = field(default_factory=dict)


def _quadratic(prediction: Array, target: Array) -> float:
    error = prediction - target
    return float(np.vdot(error, error)) / (2 * error.shape[1])


def _quadratic_gradient(prediction: Array, target: Array, out: Array) -> None:
    np.subtract(prediction, target, out=out)


def _mse(prediction: Array, target: Array) -> float:
    error = prediction - target
    return float(np.vdot(error, error)) / error.size


def _mse_gradient(prediction: Array, target: Array, out: Array) -> None:
    np.subtract(prediction, target, out=out)
    out *= 2.0 / len(out)


def _mae(prediction: Array, target: Array) -> float:
    return float(np.abs(prediction - target).mean())


def _mae_gradient(prediction: Array, target: Array, out: Array) -> None:
    np.subtract(prediction, target, out=out)
    np.sign(out, out=out)
    out *= 1.0 / len(out)


def _huber(prediction: Array, target: Array, delta: float) -> float:
    size = np.abs(prediction - target)
    near = np.minimum(size, delta)
    return float((near * (size - 0.5 * near)).mean())


def _huber_gradient(prediction: Array, target: Array, out: Array, delta: float) -> None:
    np.subtract(prediction, target, out=out)
    np.clip(out, -delta, delta, out=out)
    out *= 1.0 / len(out)


def _probability(prediction: Array) -> Array:
    """Keep logarithm and quotient finite, also where an output is no probability at all."""
    return np.maximum(prediction, np.finfo(prediction.dtype).eps)


def _binary_cross_entropy(prediction: Array, target: Array) -> float:
    value = target * np.log(_probability(prediction)) + (1 - target) * np.log(_probability(1 - prediction))
    return -float(value.mean())


def _binary_cross_entropy_gradient(prediction: Array, target: Array, out: Array) -> None:
    np.divide(1 - target, _probability(1 - prediction), out=out)
    out -= target / _probability(prediction)
    out *= 1.0 / len(out)


def _cross_entropy(prediction: Array, target: Array) -> float:
    return -float(np.vdot(target, np.log(_probability(prediction)))) / prediction.shape[1]


def _cross_entropy_gradient(prediction: Array, target: Array, out: Array) -> None:
    np.divide(target, _probability(prediction), out=out)
    np.negative(out, out=out)


LOSSES: dict[str, Loss] = {
    record.name: record
    for record in (
        Loss(
            "quadratic",
            "Σ‖error‖²/2N, the textbooks' quadratic cost",
            _quadratic,
            _quadratic_gradient,
            square=lambda outputs: 0.5,
        ),
        Loss(
            "mse",
            "the mean squared error over samples and outputs",
            _mse,
            _mse_gradient,
            square=lambda outputs: 1.0 / outputs,
        ),
        Loss("mae", "the mean absolute error over samples and outputs", _mae, _mae_gradient),
        Loss(
            "huber",
            "quadratic up to delta, linear beyond",
            _huber,
            _huber_gradient,
            defaults={"delta": 1.0},
        ),
        Loss(
            "binary-cross-entropy",
            "−(y·ln a + (1−y)·ln(1−a)), the mean over samples and outputs",
            _binary_cross_entropy,
            _binary_cross_entropy_gradient,
            canonical="sigmoid",
            canonical_weight=lambda outputs: 1.0 / outputs,
            classification=True,
        ),
        Loss(
            "cross-entropy",
            "−Σ y·ln a, the mean over samples",
            _cross_entropy,
            _cross_entropy_gradient,
            canonical="softmax",
            classification=True,
        ),
    )
}
