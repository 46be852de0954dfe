"""Hidden layers put in and taken out while a network trains, so that its function changes as little as can be.

A new layer a' = f(Vᵀa + c) between activations a and the sums z = Wᵀa + b that the next layer made of them
leaves these as they are if W'ᵀa' + b' = z. It carries signals s = Cᵀa with z = Bᵀs + const.: the activations
themselves (C = 1, B = W) where it has the units for them, else the next layer's sums (C = W, B = 1), else the
principal components of those, as many as it has units for. What is the same on all training samples, as a dead
unit's activation is, goes into the biases. It carries the signals

- *straight*, V = C, W' = B: linear layers, and ReLU, LeakyReLU and ELU, which are the identity above 0, behind
  activations that are never negative; exact everywhere;
- *in pairs*, V = (C, −C), W' = (B, −B)/κ: f(s) − f(−s) = κ·s, with κ = 1 for ReLU, GELU (s·Φ(s) + s·Φ(−s) =
  s), SiLU (the same with σ) and softplus, and 1 + slope for LeakyReLU; exact everywhere, takes two units a signal;
- *lifted* above 0 where ReLU, LeakyReLU and ELU are the identity: c = one standard deviation − the least s
  of the training samples, b' = b − Bᵀc; exact on these;
- *fitted*, for all others: near its mean a signal meets a stretch of f that is nearly straight. V is C scaled
  to signals of standard deviation g, and W', b' are the least-squares solution for z over the training
  samples. A small g is exacter but wants large W', on which gradient descent is unstable; so g is the largest
  of a few for which z is met to 1 %, or the one that meets it best.

Units beyond those that carry are drawn as `widen` draws them, their outgoing weights zero.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.errors import UserError
from backprop_core.experiment import Choice
from backprop_core.experiment_keys import MOST_LAYERS
from backprop_core.frozen import dataclass
from backprop_core.reinitialization import draw_incoming, layer_inputs
from backprop_core.reshaping import carry_over, renumbered, reshape
from backprop_core.wording import plural

if TYPE_CHECKING:
    from backprop_core.commands import AddLayer, RemoveLayer
    from backprop_core.network import Layer, Network
    from backprop_core.optimizers import OptimizerState
    from backprop_core.trainer import Trainer

    Array = np.ndarray[Any, np.dtype[np.float64]]

UNITS = 8
"""Of a first hidden layer, where nothing is said."""

IDENTITY_ABOVE_ZERO = ("relu", "leaky-relu", "elu")
PAIRING = ("relu", "leaky-relu", "gelu", "silu", "softplus")

GAINS = (1.0, 0.5, 0.25, 0.1, 0.05, 0.02, 0.01)
MET = 1e-2
"""A relative deviation of the next layer's sums that is small enough: a layer put below a trained `moons` moves its
loss by 1.6 %, which falls in the next 20 epochs. With a tenth of it the loss moves by 0.4 %, and then rises to 15
times what it was, as the weights are twice as large."""

CLEARLY = 0.99
"""A smaller gain has to meet the sums better by this factor."""

LARGEST_FIT = 1 << 24
"""Numbers that a fit looks at: of more training samples, every k-th is taken."""


@dataclass(frozen=True)
class Bridge:
    """A new layer's incoming weights (inputs, units) and biases, and the next one's weights and added bias."""

    incoming: Array
    thresholds: Array
    outgoing: Array
    offset: Array


def add_layer(trainer: Trainer, command: AddLayer) -> str:
    """Put in a hidden layer; the module says how. Moments of it and of the layer after it are zero."""
    spec, network = trainer.experiment.network, trainer.network
    depth = len(spec.hidden)
    number = command.layer or depth + 1
    if number > depth + 1:
        raise UserError(f"a new hidden layer can be number 1 to {depth + 1}, not {number}")
    if depth >= MOST_LAYERS:
        raise UserError(f"the network has {depth} hidden layers, and {MOST_LAYERS} are the most")
    neighbour = max(number - 2, 0)
    units = command.units or (spec.hidden[neighbour] if depth else UNITS)
    activation = spec.activation[neighbour] if depth else Choice("relu")
    following = network.layers[number - 1]
    every = _stride(trainer, following.fan_in)
    rows, weights = layer_inputs(trainer, following, every), following.weights.astype(np.float64)
    sums = _sums(trainer, following, every)
    new_spec = replace(
        spec,
        hidden=(*spec.hidden[: number - 1], units, *spec.hidden[number - 1 :]),
        activation=(*spec.activation[: number - 1], activation, *spec.activation[number - 1 :]),
        freeze=renumbered(spec.freeze, {old: old + (old >= number) for old in range(1, depth + 2)}),
    )
    old, old_optimizer = reshape(trainer, new_spec)
    layer, after = trainer.network.layers[number - 1 : number + 1]
    never_negative = number > 1 and network.layers[number - 2].activation.low >= 0
    bridge = _bridge(layer, rows, weights, old.bias, never_negative=never_negative)
    _keep_others(
        trainer, old, old_optimizer, {n: n + (n > number) for n in range(1, depth + 2) if n != number}
    )
    used = bridge.incoming.shape[1]
    layer.weights[:, :used] = bridge.incoming
    after.weights[:used] = bridge.outgoing
    if layer.bias is not None and after.bias is not None and following.bias is not None:
        layer.bias[:used] = bridge.thresholds
        after.bias[:] = following.bias + bridge.offset
    trainer.rebuild()
    for unit in range(used, units):
        draw_incoming(trainer, layer, unit, Choice("he-normal"))
    trainer.rebuild()
    how = _deviation(trainer, after, sums)
    return f"hidden layer {number} of {plural(units, 'unit')} put in, {activation.name}; {how}"


def remove_layer(trainer: Trainer, command: RemoveLayer) -> str:
    """Take out a hidden layer; the next one's weights are fitted to make the same sums of what is below.

    They and its biases are the least-squares solution over the training samples; its moments are zero.
    """
    spec, network = trainer.experiment.network, trainer.network
    depth = len(spec.hidden)
    if not depth:
        raise UserError("the network has no hidden layer to remove")
    number = command.layer or depth
    if number > depth:
        raise UserError(f"there is no hidden layer {number}; the network has {depth}")
    below, following = network.layers[number - 1], network.layers[number]
    every = _stride(trainer, max(below.fan_in, below.units))
    rows = layer_inputs(trainer, below, every)
    sums = _sums(trainer, following, every)
    try:
        weights, offset = _least_squares(rows, sums, network.bias)
    except np.linalg.LinAlgError:
        raise _not_finite() from None
    if not (np.isfinite(weights).all() and np.isfinite(offset).all()):
        raise _not_finite()
    new_spec = replace(
        spec,
        hidden=(*spec.hidden[: number - 1], *spec.hidden[number:]),
        activation=(*spec.activation[: number - 1], *spec.activation[number:]),
        freeze=renumbered(
            spec.freeze, {old: old - (old > number) for old in range(1, depth + 2) if old != number}
        ),
    )
    old, old_optimizer = reshape(trainer, new_spec)
    kept = {n: n - (n > number) for n in range(1, depth + 2) if n not in (number, number + 1)}
    _keep_others(trainer, old, old_optimizer, kept)
    after = trainer.network.layers[number - 1]
    after.weights[:] = weights
    if after.bias is not None:
        after.bias[:] = offset
    trainer.rebuild()
    return f"hidden layer {number} of {plural(below.units, 'unit')} taken out; {_deviation(trainer, after, sums)}"


def _keep_others(
    trainer: Trainer, old: Network, old_optimizer: OptimizerState, numbers: dict[int, int]
) -> None:
    for before, after in numbers.items():
        carry_over(
            old.layers[before - 1], trainer.network.layers[after - 1], old_optimizer, trainer.optimizer
        )


def _stride(trainer: Trainer, width: int) -> int:
    return max(-(-trainer.training_set.samples * width // LARGEST_FIT), 1)


def _sums(trainer: Trainer, layer: Layer, every: int) -> Array:
    """Return the pre-activations that a layer makes of every so manieth training sample (samples, units)."""
    sums: Array = layer_inputs(trainer, layer, every) @ layer.weights.astype(np.float64)
    if layer.bias is not None:
        sums += layer.bias
    if not np.isfinite(sums).all():
        raise _not_finite()
    return sums


def _not_finite() -> UserError:
    return UserError("the network's numbers are not finite, so no layer can be fitted; undo or restart first")


def _deviation(trainer: Trainer, layer: Layer, wanted: Array) -> str:
    """Say how far a layer's sums are from what they were, on the training samples."""
    now = _sums(trainer, layer, max(-(-trainer.training_set.samples // len(wanted)), 1))
    size = float(np.linalg.norm(wanted - wanted.mean(axis=0))) or float(np.linalg.norm(wanted))
    relative = float(np.linalg.norm(now - wanted)) / size if size else 0.0
    if relative <= 1e4 * float(np.finfo(trainer.network.dtype).eps):
        return "the function is unchanged"
    return f"the next layer's sums, fitted, are off by {100 * relative:.2g} %"


def _bridge(layer: Layer, rows: Array, weights: Array, bias: bool, *, never_negative: bool) -> Bridge:
    """Return how a new layer is put in between activations ``rows`` and the weights after it."""
    try:
        bridge = _exact(layer, rows, weights, bias, never_negative) or _fitted(layer, rows, weights, bias)
    except np.linalg.LinAlgError:
        raise _not_finite() from None
    parts = (bridge.incoming, bridge.thresholds, bridge.outgoing, bridge.offset)
    if not all(np.isfinite(part).all() for part in parts):
        raise _not_finite()
    return bridge


def _signals(rows: Array, weights: Array, room: int, bias: bool) -> tuple[Array, Array, Array]:
    """Return C, B and an offset for the next biases: rows @ C are at most ``room`` signals."""
    inputs, outputs = weights.shape
    carried = _carried(rows, bias)
    if room >= np.count_nonzero(carried):
        constant = rows[0, ~carried] @ weights[~carried]
        return np.eye(inputs)[:, carried], weights[carried], constant
    if room >= outputs:
        return weights, np.eye(outputs), np.zeros(outputs)
    sums = rows @ weights
    mean = sums.mean(axis=0) if bias else np.zeros(outputs)
    centred = (sums - mean) / (np.abs(sums).max() or 1.0)
    components = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :room]
    return weights @ components, components.T, mean - mean @ components @ components.T


def _carried(rows: Array, bias: bool) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which activations are signals: biases carry what is the same on all training samples."""
    varies: np.ndarray[Any, np.dtype[np.bool_]] = rows.max(axis=0) != rows.min(axis=0)
    return varies if bias else varies | (rows[0] != 0)


def _exact(layer: Layer, rows: Array, weights: Array, bias: bool, never_negative: bool) -> Bridge | None:
    """Return the layer that carries straight, in pairs or lifted; None where only a fit is left."""
    name, units, pairs = layer.activation.name, layer.units, layer.units // 2
    inputs, outputs = np.count_nonzero(_carried(rows, bias)), weights.shape[1]
    as_it_is = name in IDENTITY_ABOVE_ZERO and never_negative and units >= inputs
    if name == "linear" or as_it_is:
        chosen, back, offset = _signals(rows, weights, units, bias)
        return Bridge(chosen, np.zeros(chosen.shape[1]), back, offset)
    lifting = name in IDENTITY_ABOVE_ZERO and bias
    if name in PAIRING and pairs and (pairs >= min(inputs, outputs) or not bias):
        chosen, back, offset = _signals(rows, weights, pairs, bias)
        slope = 1.0 + layer.options.get("slope", 0.0)
        return Bridge(
            np.hstack([chosen, -chosen]),
            np.zeros(2 * chosen.shape[1]),
            np.vstack([back, -back]) / slope,
            offset,
        )
    if not lifting:
        return None
    chosen, back, offset = _signals(rows, weights, units, bias)
    signals = rows @ chosen
    thresholds = signals.std(axis=0) - signals.min(axis=0)
    return Bridge(chosen, thresholds, back, offset - thresholds @ back)


def _fitted(layer: Layer, rows: Array, weights: Array, bias: bool) -> Bridge:
    units = layer.units
    chosen, _, _ = _signals(rows, weights, units, bias)
    if layer.activation.name == "softmax":
        # Each unit's activation depends on all sums: the others, at zero, take part in the fit.
        chosen = np.hstack([chosen, np.zeros((len(chosen), units - chosen.shape[1]))])
    signals, wanted = rows @ chosen, rows @ weights
    middle = signals.mean(axis=0) if bias else np.zeros(signals.shape[1])
    spread = np.sqrt(np.mean((signals - middle) ** 2, axis=0))
    spread[spread == 0] = 1.0
    best, least = None, np.inf
    for gain in GAINS:
        scale = gain / spread
        thresholds = -middle * scale
        answer = _activated(layer, signals * scale + thresholds)
        outgoing, offset = _least_squares(answer, wanted, bias)
        deviation = float(np.linalg.norm(answer @ outgoing + offset - wanted))
        if best is None or deviation < CLEARLY * least:
            best, least = Bridge(chosen * scale, thresholds, outgoing, offset), deviation
        if least <= MET * float(np.linalg.norm(wanted - (wanted.mean(axis=0) if bias else 0.0))):
            break
    assert best is not None
    return best


def _activated(layer: Layer, sums: Array) -> Array:
    """Return f of sums (samples, units)."""
    z = np.ascontiguousarray(sums.T)
    a = np.empty_like(z)
    for operation in layer.activation.apply(z, a, **layer.options):
        operation()
    return a.T


def _least_squares(rows: Array, wanted: Array, bias: bool) -> tuple[Array, Array]:
    """Return weights and, with biases, an offset: the shortest of the best fits of ``wanted`` by ``rows``."""
    if not np.isfinite(rows).all():
        raise _not_finite()
    if not rows.shape[1]:
        return np.zeros((0, wanted.shape[1])), wanted.mean(axis=0) * bias
    x, y = (rows.mean(axis=0), wanted.mean(axis=0)) if bias else (0.0, np.zeros(wanted.shape[1]))
    weights: Array = np.linalg.lstsq(rows - x, wanted - y, rcond=None)[0]
    return weights, (y - x @ weights if bias else y)
