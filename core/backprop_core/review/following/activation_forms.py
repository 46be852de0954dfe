"""Which activation a script computes, told from its values; and the ways in which its derivative is got wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[Any]


@dataclass(frozen=True)
class Form:
    """An activation f as hand-written scripts have it.

    Attributes
    ----------
    derivative : callable(z) -> array
        f'(z).
    by_output : callable(a) -> array, or None
        The formula of f' in terms of a = f(z), such as a(1 − a).
    written : str
        The derivative in the script's words, ``{z}`` and ``{a}`` to be filled in.
    """

    name: str
    function: Callable[[Array], Array]
    derivative: Callable[[Array], Array]
    by_output: Callable[[Array], Array] | None
    written: str


def sigmoid(z: Array) -> Array:
    """Return 1/(1 + exp(−z)) without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(z, float)))


def softmax(z: Array) -> Array:
    """Return the softmax of each row."""
    shifted = np.exp(z - z.max(axis=1, keepdims=True))
    total = shifted.sum(axis=1, keepdims=True)
    return np.asarray(shifted / total)


def _elu(z: Array) -> Array:
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


FORMS = {
    form.name: form
    for form in (
        Form("relu", lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0, None, "({z} > 0)"),
        Form(
            "sigmoid",
            sigmoid,
            lambda z: sigmoid(z) * (1 - sigmoid(z)),
            lambda a: a * (1 - a),
            "{a} * (1 - {a})",
        ),
        Form("tanh", np.tanh, lambda z: 1 - np.tanh(z) ** 2, lambda a: 1 - a * a, "(1 - {a} ** 2)"),
        Form("softplus", lambda z: np.logaddexp(0, z), sigmoid, None, "1 / (1 + np.exp(-{z}))"),
        Form(
            "elu",
            _elu,
            lambda z: np.where(z > 0, 1.0, np.exp(np.minimum(z, 0))),
            lambda a: np.where(a > 0, 1.0, a + 1),
            "np.where({z} > 0, 1, {a} + 1)",
        ),
        Form("silu", lambda z: z * sigmoid(z), lambda z: sigmoid(z) * (1 + z * (1 - sigmoid(z))), None, ""),
        Form(
            "softsign",
            lambda z: z / (1 + np.abs(z)),
            lambda z: 1 / (1 + np.abs(z)) ** 2,
            None,
            "1 / (1 + np.abs({z})) ** 2",
        ),
        Form("sine", np.sin, np.cos, None, "np.cos({z})"),
        Form("linear", lambda z: z, np.ones_like, None, "1"),
    )
}
TOLERANCE = 1e-7


def recognise(pairs: list[tuple[Array, Array]], coarse: bool = False) -> tuple[str, float]:
    """Return the activation that turns each Z into its A, and its slope below zero if it has one.

    Parameters
    ----------
    pairs : list of (Z, A)
        Pre-activations and activations at several points, (samples, units) each.
    coarse : bool
        They were computed with single precision.

    Returns
    -------
    (str, float)
        A name of :data:`FORMS`, ``leaky-relu``, ``softmax``, or ``unknown``; the slope of a LeakyReLU.
    """
    pairs = [(z, a) for z, a in pairs if np.all(np.isfinite(z)) and np.all(np.isfinite(a))]
    if not pairs:
        return "unknown", 0.0
    close = 1e-4 if coarse else TOLERANCE
    if _same(pairs, lambda z: z, close):
        return "linear", 0.0
    for name, form in FORMS.items():
        if _same(pairs, form.function, close):
            return name, 0.0
    slope = _slope(pairs)
    if slope is not None and _same(pairs, lambda z: np.where(z > 0, z, slope * z), close):
        return "leaky-relu", slope
    if all(z.shape[1] > 1 for z, _ in pairs) and _same(pairs, softmax, close):
        return "softmax", 0.0
    return "unknown", 0.0


def _same(pairs: list[tuple[Array, Array]], function: Callable[[Array], Array], close: float) -> bool:
    with np.errstate(all="ignore"):
        return all(bool(np.all(np.abs(function(z) - a) <= close * (1 + np.abs(a)))) for z, a in pairs)


def _slope(pairs: list[tuple[Array, Array]]) -> float | None:
    for z, a in pairs:
        below = z < -1e-9
        if below.any():
            return float(np.median(a[below] / z[below]))
    return None


def form_of(name: str, slope: float) -> Form | None:
    """Return the form of a recognised activation."""
    if name == "leaky-relu":
        return Form(
            name,
            lambda z: np.where(z > 0, z, slope * z),
            lambda z: np.where(z > 0, 1.0, slope),
            None,
            f"np.where({{z}} > 0, 1, {slope:g})",
        )
    return FORMS.get(name)


def wrong_arguments(form: Form, z: Array, a: Array, error: Array | None) -> dict[str, list[Any]]:
    """Return what f' becomes when it is taken at the wrong thing, by the mistake's id."""
    found: dict[str, list[Any]] = {}
    true = form.derivative(z)
    with np.errstate(all="ignore"):
        if form.name not in ("linear", "relu", "leaky-relu"):
            found["derivative-of-activation-not-preactivation"] = [form.derivative(a)]
            if form.by_output is not None:
                found["derivative-formula-on-preactivation"] = [form.by_output(z)]
        if error is not None and form.name != "linear":
            taken = [form.derivative(error), form.derivative(-error)]
            if form.by_output is not None:
                taken += [form.by_output(error), form.by_output(-error)]
            found["derivative-of-error"] = taken
    return {name: [one for one in ones if one.shape == true.shape] for name, ones in found.items()}
