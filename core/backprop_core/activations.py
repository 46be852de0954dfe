"""The activations, a record each: name, function, derivative, and where the derivative is zero."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.special import normal_density, normal_distribution

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]

Operation = partial[Any]
"""A call with its buffers bound; a pass is a list of these, so that a step allocates nothing."""

_SMALL = 4096
"""Up to so many elements `putmask` beats multiplying by a mask (measured: 0.16 against 0.76 µs at 40)."""


@dataclass(frozen=True)
class Activation:
    """An activation a = f(z).

    Attributes
    ----------
    apply : callable(z, a, **options)
        Write f(z) into ``a``; both of shape (units, samples). ``a`` may be ``z`` itself if ``in_place``.
    chain : callable(delta, z, a, scratch, **options)
        Multiply ``delta`` (= ∂L/∂a) by f'(z) in place, so that it becomes ∂L/∂z.
    derivative : callable(z, a, **options) -> array
        f'(z), for the screen; for softmax the diagonal of its Jacobian.
    in_place : bool
        Whether ``chain`` needs only ``a``, so that ``z`` need not be kept.
    zero_derivative : callable(z) -> bool array, or None
        Where f'(z) is zero; None where it is nowhere zero.
    low, high : float
        The range of f.
    defaults : mapping
        Options and their defaults; the first is the one a bare number sets.
    """

    name: str
    summary: str
    apply: Callable[..., object]
    chain: Callable[..., object]
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


def _linear(z: Array, a: Array) -> None:
    if a is not z:
        np.copyto(a, z)


def _linear_chain(delta: Array, z: Array, a: Array, scratch: Array) -> None:
    """f' = 1: nothing to multiply by."""


def _linear_derivative(z: Array, a: Array) -> Array:
    return np.ones_like(z)


def _relu(z: Array, a: Array) -> None:
    np.maximum(z, 0, out=a)


def _relu_chain(delta: Array, z: Array, a: Array, scratch: Array) -> None:
    delta *= a > 0


def _relu_derivative(z: Array, a: Array) -> Array:
    return (z > 0).astype(z.dtype)


def _leaky_relu(z: Array, a: Array, slope: float) -> None:
    if a is z:
        z *= np.where(z > 0, z.dtype.type(1), z.dtype.type(slope))
    else:
        np.multiply(z, slope, out=a)
        np.copyto(a, z, where=z > 0)


def _leaky_relu_chain(delta: Array, z: Array, a: Array, scratch: Array, slope: float) -> None:
    np.multiply(delta, slope, out=scratch)
    np.copyto(delta, scratch, where=a <= 0)


def _leaky_relu_derivative(z: Array, a: Array, slope: float) -> Array:
    return np.where(z > 0, 1.0, slope)


def _elu(z: Array, a: Array, alpha: float) -> None:
    negative = z <= 0
    np.copyto(a, z)
    # expm1 is taken of min(z, 0) so that large z, not used here, cannot overflow.
    np.copyto(a, alpha * np.expm1(np.minimum(z, 0)), where=negative)


def _elu_chain(delta: Array, z: Array, a: Array, scratch: Array, alpha: float) -> None:
    np.add(a, alpha, out=scratch)
    np.multiply(delta, scratch, out=delta, where=a <= 0)


def _elu_derivative(z: Array, a: Array, alpha: float) -> Array:
    return np.where(z > 0, 1.0, alpha * np.exp(np.minimum(z, 0)))


def _gelu(z: Array, a: Array) -> None:
    np.multiply(z, normal_distribution(z), out=a)


def _gelu_derivative(z: Array, a: Array) -> Array:
    derivative: Array = normal_distribution(z) + z * normal_density(z)
    return derivative


def _gelu_chain(delta: Array, z: Array, a: Array, scratch: Array) -> None:
    delta *= _gelu_derivative(z, a)


def _sigmoid(z: Array, a: Array) -> None:
    # ½·(1 + tanh(z/2)) is the logistic function without an exponential that can overflow.
    np.multiply(z, 0.5, out=a)
    np.tanh(a, out=a)
    a *= 0.5
    a += 0.5


def _sigmoid_chain(delta: Array, z: Array, a: Array, scratch: Array) -> None:
    np.subtract(1, a, out=scratch)
    scratch *= a
    delta *= scratch


def _sigmoid_derivative(z: Array, a: Array) -> Array:
    return a * (1 - a)


def _logistic(z: Array) -> Array:
    s = np.empty_like(z)
    _sigmoid(z, s)
    return s


def _silu(z: Array, a: Array) -> None:
    np.multiply(z, _logistic(z), out=a)


def _silu_derivative(z: Array, a: Array) -> Array:
    s = _logistic(z)
    return s * (1 + z * (1 - s))


def _silu_chain(delta: Array, z: Array, a: Array, scratch: Array) -> None:
    delta *= _silu_derivative(z, a)


def _softplus(z: Array, a: Array) -> None:
    np.logaddexp(z, 0, out=a)


def _softplus_derivative(z: Array, a: Array) -> Array:
    return _logistic(z)


def _softplus_chain(delta: Array, z: Array, a: Array, scratch: Array) -> None:
    _sigmoid(z, scratch)
    delta *= scratch


def _tanh(z: Array, a: Array) -> None:
    np.tanh(z, out=a)


def _tanh_chain(delta: Array, z: Array, a: Array, scratch: Array) -> None:
    np.multiply(a, a, out=scratch)
    np.subtract(1, scratch, out=scratch)
    delta *= scratch


def _tanh_derivative(z: Array, a: Array) -> Array:
    return 1 - a * a


def _softmax(z: Array, a: Array) -> None:
    # Subtracting the largest leaves the quotient unchanged and keeps exp from overflowing.
    np.subtract(z, z.max(axis=0), out=a)
    np.exp(a, out=a)
    a /= a.sum(axis=0)


def _softmax_chain(delta: Array, z: Array, a: Array, scratch: Array) -> None:
    # J = diag(a) − a aᵀ, so Jδ = a ⊙ (δ − Σ a δ).
    np.multiply(a, delta, out=scratch)
    delta -= scratch.sum(axis=0)
    delta *= a


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
            zero_derivative=lambda z: ~(z > 0),
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
            "tanh",
            "a = tanh(z), between −1 and 1",
            _tanh,
            _tanh_chain,
            _tanh_derivative,
            low=-1.0,
            high=1.0,
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


def apply_operations(
    activation: Activation, options: Mapping[str, float], z: Array, a: Array
) -> list[Operation]:
    """Return the calls that write f(z) into ``a``; none where nothing needs to be done."""
    if activation.name == "linear" and a is z:
        return []
    if activation.name == "relu":
        return [partial(np.maximum, z, np.zeros((), z.dtype), out=a)]
    return [partial(activation.apply, z, a, **options)]


def chain_operations(
    activation: Activation, options: Mapping[str, float], delta: Array, z: Array, a: Array
) -> list[Operation]:
    """Return the calls that multiply ``delta`` by f'(z)."""
    if activation.name == "linear":
        return []
    if activation.name == "relu":
        return _relu_chain_operations(delta, a)
    return [partial(activation.chain, delta, z, a, np.empty_like(delta), **options)]


def _relu_chain_operations(delta: Array, a: Array) -> list[Operation]:
    mask = np.empty(delta.shape, np.bool_)
    zero = np.zeros((), delta.dtype)
    if delta.size <= _SMALL:
        return [partial(np.less_equal, a, zero, out=mask), partial(np.putmask, delta, mask, zero)]
    return [partial(np.greater, a, zero, out=mask), partial(np.multiply, delta, mask, out=delta)]
