"""The losses, a record each: the value, and its gradient with respect to the network's outputs."""

from __future__ import annotations

from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from backprop_core.activations import Operation

    Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Loss:
    """A loss, the mean over N samples of a loss a sample. Arrays are (outputs, samples).

    Attributes
    ----------
    measure : callable(prediction, target, **options) -> callable() -> float
        Binds the arrays; the result reads them at every call and returns the mean over the samples.
    gradient : callable(prediction, target, out, **options) -> list of Operation
        The calls that write the gradient of the *sum* over the samples into ``out``; the reduction
        divides by N.
    square : callable(outputs) -> float, or None
        For losses that are w·Σ‖error‖²/N: w. Their gradient is 2w·error, which a step gets for nothing.
    canonical : str or None
        The output activation with which ∂L/∂z is (prediction − target)·``canonical_weight(outputs)``.
    mean_over_outputs : bool
        Whether a sample's loss is the mean over its outputs, and not their sum.
    classification : bool
        Whether targets are classes or probabilities, and not quantities to be standardised.
    """

    name: str
    summary: str
    measure: Callable[..., Callable[[], float]]
    gradient: Callable[..., list[Operation]]
    square: Callable[[int], float] | None = None
    canonical: str | None = None
    canonical_weight: Callable[[int], float] = lambda outputs: 1.0
    mean_over_outputs: bool = False
    classification: bool = False
    defaults: Mapping[str, float] = field(default_factory=dict)

    @property
    def output(self) -> str:
        """The output activation that suits it: the canonical one, linear where there is none."""
        return self.canonical or "linear"

    def value(self, prediction: Array, target: Array, **options: float) -> float:
        """Return the mean loss of these predictions."""
        return float(self.measure(prediction, target, **options)())


def _square_measure(weight: Callable[[int], float]) -> Callable[..., Callable[[], float]]:
    def measure(prediction: Array, target: Array) -> Callable[[], float]:
        error = np.empty(prediction.shape, prediction.dtype)
        factor = weight(len(prediction)) / prediction.shape[1]

        def value() -> float:
            np.subtract(prediction, target, out=error)
            return float(np.vdot(error, error) * factor)

        return value

    return measure


def _square_gradient(weight: Callable[[int], float]) -> Callable[..., list[Operation]]:
    def gradient(prediction: Array, target: Array, out: Array) -> list[Operation]:
        return [
            partial(np.subtract, prediction, target, out=out),
            partial(np.multiply, out, 2.0 * weight(len(out)), out=out),
        ]

    return gradient


def _half(outputs: int) -> float:
    return 0.5


def _share(outputs: int) -> float:
    return 1.0 / outputs


def _mae(prediction: Array, target: Array) -> Callable[[], float]:
    error = np.empty(prediction.shape, prediction.dtype)

    def value() -> float:
        np.subtract(prediction, target, out=error)
        np.absolute(error, out=error)
        return float(np.add.reduce(error, axis=None)) / error.size

    return value


def _mae_gradient(prediction: Array, target: Array, out: Array) -> list[Operation]:
    return [
        partial(np.subtract, prediction, target, out=out),
        partial(np.sign, out, out=out),
        partial(np.multiply, out, 1.0 / len(out), out=out),
    ]


def _huber(prediction: Array, target: Array, delta: float) -> Callable[[], float]:
    error, near = np.empty(prediction.shape, prediction.dtype), np.empty(prediction.shape, prediction.dtype)

    def value() -> float:
        # With c = clip(e, −δ, δ) both branches, e²/2 and δ|e| − δ²/2, are c·e − c²/2.
        np.subtract(prediction, target, out=error)
        np.clip(error, -delta, delta, out=near)
        return float(np.vdot(near, error) - 0.5 * np.vdot(near, near)) / error.size

    return value


def _huber_gradient(prediction: Array, target: Array, out: Array, delta: float) -> list[Operation]:
    return [
        partial(np.subtract, prediction, target, out=out),
        partial(np.clip, out, -delta, delta, out=out),
        partial(np.multiply, out, 1.0 / len(out), out=out),
    ]


def _least(prediction: Array) -> float:
    """Keeps logarithms and quotients finite, also where an output is no probability at all."""
    return float(np.finfo(prediction.dtype).eps)


def _binary_cross_entropy(prediction: Array, target: Array) -> Callable[[], float]:
    term, log, least = np.empty_like(prediction), np.empty_like(prediction), _least(prediction)

    def value() -> float:
        np.maximum(prediction, least, out=log)
        np.log(log, out=log)
        np.multiply(log, target, out=term)
        total = np.add.reduce(term, axis=None)
        np.subtract(1, prediction, out=log)
        np.maximum(log, least, out=log)
        np.log(log, out=log)
        np.subtract(1, target, out=term)
        np.multiply(log, term, out=term)
        return -float(total + np.add.reduce(term, axis=None)) / term.size

    return value


def _binary_cross_entropy_gradient(prediction: Array, target: Array, out: Array) -> list[Operation]:
    chance, counter, least = np.empty_like(out), np.empty_like(out), _least(prediction)
    return [
        partial(np.subtract, 1, prediction, out=chance),
        partial(np.maximum, chance, least, out=chance),
        partial(np.subtract, 1, target, out=out),
        partial(np.divide, out, chance, out=out),
        partial(np.maximum, prediction, least, out=chance),
        partial(np.divide, target, chance, out=counter),
        partial(np.subtract, out, counter, out=out),
        partial(np.multiply, out, 1.0 / len(out), out=out),
    ]


def _cross_entropy(prediction: Array, target: Array) -> Callable[[], float]:
    log, least = np.empty_like(prediction), _least(prediction)

    def value() -> float:
        np.maximum(prediction, least, out=log)
        np.log(log, out=log)
        np.multiply(log, target, out=log)
        return float(-np.add.reduce(log, axis=None) / log.shape[1])

    return value


def _cross_entropy_gradient(prediction: Array, target: Array, out: Array) -> list[Operation]:
    return [
        partial(np.maximum, prediction, _least(prediction), out=out),
        partial(np.divide, target, out, out=out),
        partial(np.negative, out, out=out),
    ]


LOSSES: dict[str, Loss] = {
    record.name: record
    for record in (
        Loss(
            "quadratic",
            "Σ‖error‖²/2N, the textbooks' quadratic cost",
            _square_measure(_half),
            _square_gradient(_half),
            square=_half,
        ),
        Loss(
            "mse",
            "the mean squared error over samples and outputs",
            _square_measure(_share),
            _square_gradient(_share),
            square=_share,
            mean_over_outputs=True,
        ),
        Loss(
            "mae",
            "the mean absolute error over samples and outputs",
            _mae,
            _mae_gradient,
            mean_over_outputs=True,
        ),
        Loss(
            "huber",
            "quadratic up to delta, linear beyond",
            _huber,
            _huber_gradient,
            mean_over_outputs=True,
            defaults={"delta": 1.0},
        ),
        Loss(
            "binary-cross-entropy",
            "−(y·ln a + (1−y)·ln(1−a)), the mean over samples and outputs",
            _binary_cross_entropy,
            _binary_cross_entropy_gradient,
            canonical="sigmoid",
            canonical_weight=_share,
            mean_over_outputs=True,
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
