"""The truth about a script: its network written once more, plainly, with each mistake as a formula.

Nothing here comes from the review itself: labels are checked with this, and this with central differences and PyTorch.
Samples are rows, weights (fan-in, fan-out), whatever the script's own layout.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

Array = Any


@dataclass(frozen=True)
class Mistake:
    """One mistake: its id, the layer from 1 (None: all, or all hidden ones), and which of its forms."""

    id: str
    layer: int | None
    variant: str = ""

    def concerns(self, layer: int | None, last: int) -> bool:
        """Whether it is made in a layer."""
        return layer == self.layer or (
            self.layer is None and not (self.variant == "hidden" and layer == last)
        )


@dataclass(frozen=True)
class Network:
    """What a script trains, and where its arrays are found in its namespace.

    Attributes
    ----------
    parameters
        For each layer the expressions of its weights and of its bias ("" for none).
    activations
        For each layer ``sigmoid``, ``tanh``, ``relu``, ``leaky``, ``elu``, ``softplus``, ``linear`` or ``softmax``.
    loss
        ``half-mse`` Σe²/2N, ``mse`` Σe²/NK, ``sample-mse`` Σe²/N, ``sse`` Σe², ``half-sse``, ``mae`` Σ|e|/NK, ``bce``
        over N, ``sum-bce``, ``ce`` over N, ``sum-ce``.
    inputs, targets
        Expressions of the data.
    columns
        Samples are columns and weights (fan-out, fan-in).
    batch
        Samples an update; None for all.
    order
        An expression that draws an epoch's order of samples; "" for the order of the data.
    ragged
        Whether the samples that are left over at an epoch's end make a batch of their own.
    rate
        The learning rate, or a function of the epoch from 0 and the update from 0.
    optimizer
        ``sgd``, ``momentum 0.9``, ``averaged-momentum 0.9`` (v = βv + (1−β)g), ``nesterov``, ``rmsprop 0.9``,
        ``adagrad``, ``adam``.
    penalty
        The loss has ``penalty`` · Σ W² besides.
    factor
        The script's update is the gradient's times this: harmless, a warning.
    scope
        The function whose local variables are meant; "" for the module's.
    report
        What the first printed loss is of: ``before`` or ``after`` the first epoch, ``mean`` or ``sum`` of its
        batches; "" if none is printed.
    """

    parameters: tuple[tuple[str, str], ...]
    activations: tuple[str, ...]
    loss: str
    rate: float | Callable[[int, int], float]
    inputs: str = "X"
    targets: str = "y"
    columns: bool = False
    batch: int | None = None
    order: str = ""
    ragged: bool = True
    optimizer: str = "sgd"
    penalty: float = 0.0
    slope: float = 0.01
    clip: float = 0.0
    factor: float = 1.0
    scope: str = ""
    report: str = "before"

    def renamed(self, rename: Callable[[str], str]) -> Network:
        """The same network with its expressions renamed."""
        return replace(
            self,
            parameters=tuple((rename(w), rename(b)) for w, b in self.parameters),
            inputs=rename(self.inputs),
            targets=rename(self.targets),
            order=rename(self.order),
        )


@dataclass
class Layer:
    """Weights (fan-in, fan-out) and bias (fan-out,), or None."""

    W: Array
    b: Array


def activate(name: str, z: Array, slope: float) -> Array:
    """Apply an activation."""
    match name:
        case "sigmoid":
            return 1 / (1 + np.exp(-z))
        case "tanh":
            return np.tanh(z)
        case "relu":
            return np.where(z > 0, z, 0.0)
        case "leaky":
            return np.where(z > 0, z, slope * z)
        case "elu":
            return np.where(z > 0, z, np.exp(np.minimum(z, 0)) - 1)
        case "softplus":
            return np.log1p(np.exp(z))
        case "linear":
            return z
        case "softmax":
            shifted = np.exp(z - z.max(axis=1, keepdims=True))
            return shifted / shifted.sum(axis=1, keepdims=True)
    raise ValueError(name)


def derivative(name: str, z: Array, slope: float) -> Array:
    """Differentiate an activation at z."""
    match name:
        case "sigmoid" | "softmax":
            s = 1 / (1 + np.exp(-z))
            return s * (1 - s)
        case "tanh":
            return 1 - np.tanh(z) ** 2
        case "relu":
            return (z > 0).astype(float)
        case "leaky":
            return np.where(z > 0, 1.0, slope)
        case "elu":
            return np.where(z > 0, 1.0, np.exp(np.minimum(z, 0)))
        case "softplus":
            return 1 / (1 + np.exp(-z))
        case "linear":
            return np.ones_like(z)
    raise ValueError(name)


def derivative_from_output(name: str, a: Array) -> Array:
    """Differentiate an activation by the formula in its own output, whatever is put in."""
    return {
        "sigmoid": lambda: a * (1 - a),
        "tanh": lambda: 1 - a**2,
        "relu": lambda: (a > 0).astype(float),
    }[name]()


FUSED = ("bce", "sum-bce", "ce", "sum-ce")


def loss_scale(loss: str, n: int, k: int) -> float:
    """The factor of (a − y) in ∂L/∂a, or in δ of the output where loss and activation are differentiated at once."""
    return {
        "half-mse": 1 / n,
        "mse": 2 / (n * k),
        "sample-mse": 2 / n,
        "sse": 2.0,
        "half-sse": 1.0,
        "mae": 1 / (n * k),
        "bce": 1 / n,
        "sum-bce": 1.0,
        "ce": 1 / n,
        "sum-ce": 1.0,
    }[loss]


def forward(network: Network, layers: list[Layer], X: Array) -> tuple[list[Array], list[Array]]:
    """Pre-activations (first entry: none) and activations (first entry: X)."""
    zs, activations = [np.empty(0)], [X]
    for layer, name in zip(layers, network.activations, strict=True):
        z = activations[-1] @ layer.W
        if layer.b is not None:
            z = z + layer.b
        zs.append(z)
        activations.append(activate(name, z, network.slope))
    return zs, activations


def loss(network: Network, layers: list[Layer], X: Array, y: Array) -> float:
    """The loss, penalty included."""
    a = forward(network, layers, X)[1][-1]
    n, k = a.shape
    match network.loss:
        case "bce" | "sum-bce":
            total = -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a))
        case "ce" | "sum-ce":
            total = -np.sum(y * np.log(a))
        case "mae":
            total = np.sum(np.abs(a - y))
        case _:
            total = np.sum((a - y) ** 2) / 2
    if network.loss not in FUSED:
        total = total * loss_scale(network.loss, n, k)
    elif not network.loss.startswith("sum"):
        total = total / n
    return float(total + network.penalty * sum(np.sum(layer.W**2) for layer in layers))


def gradients(
    network: Network,
    layers: list[Layer],
    X: Array,
    y: Array,
    mistakes: tuple[Mistake, ...],
    rate: float = 0.0,
) -> list[Layer]:
    """The gradient that a script with these mistakes computes; the true one where there are none."""
    last = len(layers)

    def made(name: str, at: int | None) -> Mistake | None:
        return next((m for m in mistakes if m.id == name and m.concerns(at, last)), None)

    zs, activations = forward(network, layers, X)
    n, k = activations[-1].shape
    error = activations[-1] - y
    m = made("broadcast-error", last)
    if m and m.variant in ("mean", "sum", "other-axis"):
        error = {
            "mean": activations[-1] - y.mean(axis=0),
            "sum": n * (activations[-1] - y.mean(axis=0)),
            "other-axis": activations[-1].mean(axis=0) - y,
        }[m.variant]
    if m := made("target-misaligned", last):
        error = activations[-1] - misaligned(y, m.variant)

    scale = loss_scale(network.loss, n, k) * network.factor
    raw = scale * np.sign(error) if network.loss == "mae" else scale * error

    def slope_at(at: int) -> Array:
        name, z, a = network.activations[at - 1], zs[at], activations[at]
        if made("missing-output-derivative" if at == last else "missing-hidden-derivative", at):
            return np.ones_like(z)
        if made("derivative-of-activation-not-preactivation", at):
            return derivative(name, a, network.slope)
        if made("derivative-formula-on-preactivation", at):
            return derivative_from_output(name, z)
        if m := made("derivative-of-error", at):
            signed = -error if m.variant.startswith("y-a") else error
            return (
                derivative_from_output(name, signed)
                if "formula" in m.variant
                else derivative(name, signed, 0.0)
            )
        if m := made("wrong-slope", at):
            return derivative(name, z, float(m.variant))
        return derivative(name, z, network.slope)

    if network.loss in FUSED:
        delta = raw
        if made("extra-output-derivative", last):
            delta = delta * activations[-1] * (1 - activations[-1])
        if made("softmax-diagonal-only", last):
            delta = scale * -y * (1 - activations[-1])
    elif network.activations[-1] == "softmax":
        p = activations[-1]
        delta = p * (raw - np.sum(raw * p, axis=1, keepdims=True))
        if made("softmax-diagonal-only", last):
            delta = raw * p * (1 - p)
        if made("missing-output-derivative", last):
            delta = raw
    else:
        delta = raw * slope_at(last)

    found: list[Layer] = [Layer(None, None) for _ in layers]
    bare, above = raw, raw
    for at in range(last, 0, -1):
        layer = layers[at - 1]
        used = bare if made("derivative-missing-in-gradient-only", at) else delta
        incoming = activations[at] if made("outputs-in-place-of-inputs", at) else activations[at - 1]
        gradient = np.broadcast_to(incoming.T @ used, layer.W.shape)
        if made("weights-in-place-of-activation", at):
            gradient = layer.W * used.sum(axis=0)
        if made("gradient-transposed", at):
            gradient = gradient.T
        penalised = 2 * network.penalty * network.factor * layer.W
        if made("regularization-missing", at):
            penalised = 0.0 * penalised
        if m := made("regularization-wrong-factor", at):
            penalised = float(m.variant) * penalised
        # A gradient that is summed or halved as a whole takes its penalty along only where the script says so.
        weight_gradient = gradient * rescaled(mistakes, at, n) + penalised * rescaled(mistakes, at, n, True)
        found[at - 1] = Layer(weight_gradient, None)
        if layer.b is not None:
            summed = bias_gradient(made("bias-gradient-wrong-axis", at), used, above, n)
            bias = np.broadcast_to(summed, layer.b.shape) * rescaled(mistakes, at, n)
            if m := made("bias-never-updated", at):
                bias = {"": 0.0, "by-itself": 1.0, "decays": 1.0 * layer.b}[m.variant] * np.ones_like(layer.b)
            found[at - 1].b = bias
        above = delta
        if at == 1:
            break
        carried = _carried(made, at, delta, raw, layer, weight_gradient, rate)
        bare = carried
        delta = carried * slope_at(at - 1)
    return found


def _carried(
    made: Any, at: int, delta: Array, raw: Array, layer: Layer, weight_gradient: Array, rate: float
) -> Array:
    if made("raw-error-propagated", at - 1):
        return raw @ layer.W.T
    if m := made("error-not-propagated", at - 1):
        passed = raw if m.variant == "error" else delta
        if m.variant == "summed":
            passed = delta.sum(axis=1, keepdims=True)
        return np.broadcast_to(passed, (len(passed), layer.W.shape[0]))
    if made("weights-not-transposed", at - 1):
        return delta @ layer.W
    if made("updated-before-backpropagating", at - 1):
        return delta @ (layer.W - rate * weight_gradient).T
    return delta @ layer.W.T


def bias_gradient(m: Mistake | None, used: Array, above: Array, n: int) -> Array:
    """Reduce δ to the bias's gradient, along the right axis or another, or the δ of the layer above."""
    if m is None:
        return used.sum(axis=0)
    match m.variant:
        case "all":
            return np.sum(used)
        case "mean-all":
            return np.mean(used) * n
        case "axis":
            return used.sum(axis=1)
        case "next":
            return np.sum(above, axis=0)
    raise ValueError(m.variant)


def rescaled(mistakes: tuple[Mistake, ...], at: int, n: int, penalty: bool = False) -> float:
    """The factor by which mistakes of scale and sign change a layer's gradient."""
    factor = 1.0
    for m in mistakes:
        if m.layer not in (None, at):
            continue
        told = m.variant.removesuffix("-with-penalty")
        if penalty and told == m.variant and m.id not in ("sign-flipped",):
            continue
        if m.id == "sum-instead-of-mean":
            factor *= n if not told else float(told)
        elif m.id == "divided-twice":
            factor /= n if not told else float(told)
        elif m.id in ("factor-of-two", "constant-factor"):
            factor *= float(told)
        elif m.id == "sign-flipped":
            factor *= -1
    return factor


def misaligned(y: Array, how: str) -> Array:
    """The targets as a script with this form of misalignment takes them."""
    kind, _, number = how.partition(" ")
    if kind == "roll":
        return np.roll(y, int(number), axis=0)
    if kind == "scaled":
        return y * float(number)
    if kind == "reversed":
        return y[::-1]
    return y
