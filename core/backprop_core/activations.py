"""The activations, a record each: name, function, derivative, and where the derivative is zero."""

from __future__ import annotations

from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.frozen import dataclass
from backprop_core.special import NormalDistribution, normal_density

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]

Operation = partial[Any]
"""A call with its buffers bound; a pass is a list of these, so that a step allocates nothing."""

_SMALL = 4096
"""Up to so many elements `putmask` beats multiplying by a mask (0.16 against 0.76 µs at 40 elements)."""


@dataclass(frozen=True)
class Activation:
    """An activation a = f(z). All arrays are (units, samples).

    Attributes
    ----------
    apply : callable(z, a, **options) -> list of Operation
        The calls that write f(z) into ``a``, which is ``z`` itself for those that work ``in_place``.
    chain : callable(delta, z, a, **options) -> list of Operation
        The calls that multiply ``delta`` (= ∂L/∂a) by f'(z), so that it becomes ∂L/∂z.
    derivative : callable(z, a, **options) -> array
        f'(z), for the screen; for softmax the diagonal of its Jacobian.
    in_place : bool
        Whether ``chain`` needs only ``a``, so that ``z`` need not be kept.
    zero_derivative : callable(z) -> bool array, or None
        Where f'(z) is zero; None where it is nowhere zero. Of an activation that works in place, ``a``
        may be given for ``z``.
    low, high : float
        The range of f.
    defaults : mapping
        Options and their defaults; the first is the one a bare number sets.
    """

    name: str
    summary: str
    apply: Callable[..., list[Operation]]
    chain: Callable[..., list[Operation]]
    derivative: Callable[..., Array]
    in_place: bool = True
    zero_derivative: Callable[[Array], NDArray[np.bool_]] | None = None
    low: float = -np.inf
    high: float = np.inf
    defaults: Mapping[str, float] = field(default_factory=dict)

    @property
    def can_die(self) -> bool:
        """Whether a neuron can have a zero derivative on every sample."""
        return self.zero_derivative is not None


def _mask(like: Array) -> NDArray[np.bool_]:
    return np.empty(like.shape, np.bool_)


def _linear(z: Array, a: Array) -> list[Operation]:
    return [] if a is z else [partial(np.copyto, a, z)]


def _linear_chain(delta: Array, z: Array, a: Array) -> list[Operation]:
    return []


def _linear_derivative(z: Array, a: Array) -> Array:
    return np.ones_like(z)


def _relu(z: Array, a: Array) -> list[Operation]:
    return [partial(np.maximum, z, 0, out=a)]


def _relu_chain(delta: Array, z: Array, a: Array) -> list[Operation]:
    mask, zero = _mask(delta), np.zeros((), delta.dtype)
    if delta.size <= _SMALL:
        return [partial(np.less_equal, a, 0, out=mask), partial(np.putmask, delta, mask, zero)]
    return [partial(np.greater, a, 0, out=mask), partial(np.multiply, delta, mask, out=delta)]


def _relu_derivative(z: Array, a: Array) -> Array:
    return (z > 0).astype(z.dtype)


def _leaky_relu(z: Array, a: Array, slope: float) -> list[Operation]:
    scaled = np.empty_like(z)
    larger = np.maximum if slope <= 1 else np.minimum
    return [partial(np.multiply, z, slope, out=scaled), partial(larger, z, scaled, out=a)]


def _leaky_relu_chain(delta: Array, z: Array, a: Array, slope: float) -> list[Operation]:
    scaled, mask = np.empty_like(delta), _mask(delta)
    return [
        partial(np.less_equal, a, 0, out=mask),
        partial(np.multiply, delta, slope, out=scaled),
        partial(np.copyto, delta, scaled, where=mask),
    ]


def _leaky_relu_derivative(z: Array, a: Array, slope: float) -> Array:
    return np.where(z > 0, 1.0, slope)


def _elu(z: Array, a: Array, alpha: float) -> list[Operation]:
    # alpha·(exp(min(z, 0)) − 1) is zero above 0, and cannot overflow.
    negative = np.empty_like(z)
    return [
        partial(np.minimum, z, 0, out=negative),
        partial(np.expm1, negative, out=negative),
        partial(np.multiply, negative, alpha, out=negative),
        partial(np.maximum, z, 0, out=a),
        partial(np.add, a, negative, out=a),
    ]


def _elu_chain(delta: Array, z: Array, a: Array, alpha: float) -> list[Operation]:
    slope, mask = np.empty_like(delta), _mask(delta)
    return [
        partial(np.add, a, alpha, out=slope),
        partial(np.greater, a, 0, out=mask),
        partial(np.copyto, slope, 1, where=mask),
        partial(np.multiply, delta, slope, out=delta),
    ]


def _elu_derivative(z: Array, a: Array, alpha: float) -> Array:
    return np.where(z > 0, 1.0, alpha * np.exp(np.minimum(z, 0)))


def _gelu(z: Array, a: Array) -> list[Operation]:
    return [partial(NormalDistribution(z), z, a), partial(np.multiply, a, z, out=a)]


def _gelu_slope(z: Array, slope: Array) -> list[Operation]:
    density = np.empty_like(z)
    return [
        partial(NormalDistribution(z), z, slope),
        partial(normal_density, z, density),
        partial(np.multiply, density, z, out=density),
        partial(np.add, slope, density, out=slope),
    ]


def _gelu_chain(delta: Array, z: Array, a: Array) -> list[Operation]:
    slope = np.empty_like(delta)
    return [*_gelu_slope(z, slope), partial(np.multiply, delta, slope, out=delta)]


def _gelu_derivative(z: Array, a: Array) -> Array:
    slope = np.empty_like(z)
    for operation in _gelu_slope(z, slope):
        operation()
    return slope


def _sigmoid(z: Array, a: Array) -> list[Operation]:
    # ½·(1 + tanh(z/2)) is the logistic function without an exponential that can overflow.
    return [
        partial(np.multiply, z, 0.5, out=a),
        partial(np.tanh, a, out=a),
        partial(np.multiply, a, 0.5, out=a),
        partial(np.add, a, 0.5, out=a),
    ]


def _sigmoid_chain(delta: Array, z: Array, a: Array) -> list[Operation]:
    slope = np.empty_like(delta)
    return [
        partial(np.subtract, 1, a, out=slope),
        partial(np.multiply, slope, a, out=slope),
        partial(np.multiply, delta, slope, out=delta),
    ]


def _sigmoid_derivative(z: Array, a: Array) -> Array:
    return a * (1 - a)


def _silu(z: Array, a: Array) -> list[Operation]:
    return [*_sigmoid(z, a), partial(np.multiply, a, z, out=a)]


def _silu_chain(delta: Array, z: Array, a: Array) -> list[Operation]:
    # f' = σ·(1 + z·(1 − σ)) = σ + a·(1 − σ)
    logistic, slope = np.empty_like(delta), np.empty_like(delta)
    return [
        *_sigmoid(z, logistic),
        partial(np.subtract, 1, logistic, out=slope),
        partial(np.multiply, slope, a, out=slope),
        partial(np.add, slope, logistic, out=slope),
        partial(np.multiply, delta, slope, out=delta),
    ]


def _silu_derivative(z: Array, a: Array) -> Array:
    logistic = _logistic(z)
    return logistic + a * (1 - logistic)


def _logistic(z: Array) -> Array:
    logistic = np.empty_like(z)
    for operation in _sigmoid(z, logistic):
        operation()
    return logistic


def _softplus(z: Array, a: Array) -> list[Operation]:
    return [partial(np.logaddexp, z, 0, out=a)]


def _softplus_chain(delta: Array, z: Array, a: Array) -> list[Operation]:
    slope = np.empty_like(delta)
    return [*_sigmoid(z, slope), partial(np.multiply, delta, slope, out=delta)]


def _softplus_derivative(z: Array, a: Array) -> Array:
    return _logistic(z)


def _tanh(z: Array, a: Array) -> list[Operation]:
    return [partial(np.tanh, z, out=a)]


def _tanh_chain(delta: Array, z: Array, a: Array) -> list[Operation]:
    slope = np.empty_like(delta)
    return [
        partial(np.multiply, a, a, out=slope),
        partial(np.subtract, 1, slope, out=slope),
        partial(np.multiply, delta, slope, out=delta),
    ]


def _tanh_derivative(z: Array, a: Array) -> Array:
    return 1 - a * a


def _softmax(z: Array, a: Array) -> list[Operation]:
    # Subtracting the largest leaves the quotient unchanged and keeps exp from overflowing.
    row = np.empty(z.shape[1], z.dtype)
    return [
        partial(np.maximum.reduce, z, axis=0, out=row),
        partial(np.subtract, z, row, out=a),
        partial(np.exp, a, out=a),
        partial(np.add.reduce, a, axis=0, out=row),
        partial(np.divide, a, row, out=a),
    ]


def _softmax_chain(delta: Array, z: Array, a: Array) -> list[Operation]:
    # The Jacobian is diag(a) − a aᵀ, so that Jδ = a ⊙ (δ − Σ a δ).
    product, row = np.empty_like(delta), np.empty(delta.shape[1], delta.dtype)
    return [
        partial(np.multiply, a, delta, out=product),
        partial(np.add.reduce, product, axis=0, out=row),
        partial(np.subtract, delta, row, out=delta),
        partial(np.multiply, delta, a, out=delta),
    ]


ACTIVATIONS: dict[str, Activation] = {
    record.name: record
    for record in (
        Activation("linear", "a = z", _linear, _linear_chain, _linear_derivative),
        Activation(
            "relu",
            "a = max(z, 0); derivative 0 at and below 0",
            _relu,
            _relu_chain,
            _relu_derivative,
            zero_derivative=lambda z: np.less_equal(z, 0),
            low=0.0,
        ),
        Activation(
            "leaky-relu",
            "a = z above 0, slope·z below: never dead",
            _leaky_relu,
            _leaky_relu_chain,
            _leaky_relu_derivative,
            defaults={"slope": 0.01},
        ),
        Activation(
            "elu",
            "a = z above 0, alpha·(exp(z) − 1) below",
            _elu,
            _elu_chain,
            _elu_derivative,
            low=-1.0,
            defaults={"alpha": 1.0},
        ),
        Activation(
            "gelu", "a = z·Φ(z), exact", _gelu, _gelu_chain, _gelu_derivative, in_place=False, low=-0.17
        ),
        Activation("silu", "a = z·σ(z)", _silu, _silu_chain, _silu_derivative, in_place=False, low=-0.28),
        Activation(
            "softplus",
            "a = ln(1 + exp(z))",
            _softplus,
            _softplus_chain,
            _softplus_derivative,
            in_place=False,
            low=0.0,
        ),
        Activation(
            "tanh", "a = tanh(z), between −1 and 1", _tanh, _tanh_chain, _tanh_derivative, low=-1.0, high=1.0
        ),
        Activation(
            "sigmoid",
            "a = 1/(1 + exp(−z)), between 0 and 1",
            _sigmoid,
            _sigmoid_chain,
            _sigmoid_derivative,
            low=0.0,
            high=1.0,
        ),
        Activation(
            "softmax",
            "a = exp(z)/Σ exp(z) over the layer: probabilities",
            _softmax,
            _softmax_chain,
            _sigmoid_derivative,
            low=0.0,
            high=1.0,
        ),
    )
}
