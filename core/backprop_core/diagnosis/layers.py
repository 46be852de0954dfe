"""The evidence layer by layer: who is dead, saturated or a twin; how signals and errors are scaled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.diagnosis.probe import Probe
    from backprop_core.network import Layer, Network

SATURATED_DERIVATIVE = 0.05
"""A derivative under this share of its maximum is as good as none."""

SATURATED_SAMPLES = 0.95
"""On so many of the samples it has to be, for a unit to count as saturated."""

LIMITED = {"tanh": 1.0, "sigmoid": 0.25}
"""Activations that saturate at both ends, and the maximum of their derivative."""

TWIN_COSINE = 0.999
TWIN_LENGTH = 0.02


@dataclass(frozen=True)
class LayerEvidence:
    """One layer over the training samples that a probe looks at.

    Attributes
    ----------
    layer, units, fan_in : int
    activation : str
    can_die : bool
    dead : tuple of int
        Neurons whose derivative is zero on every sample, counted from 1.
    saturated : tuple of int
        Units whose derivative is under :data:`SATURATED_DERIVATIVE` of its maximum on
        :data:`SATURATED_SAMPLES` of the samples; none for activations that do not saturate.
    identical : int
        How many units do the same as an earlier one: the same weights in and out.
    spread, offset : float
        Root mean square over the units of the pre-activations' standard deviation, and of their mean.
    weight_scale : float
        Root mean square of the weights, over √(1/fan-in).
    one_sign : bool
        Whether all weights of the layer have the same sign.
    delta : float
        Root mean square of ∂L/∂z.
    gradient : float
        Norm of the true gradient.
    """

    layer: int
    units: int
    fan_in: int
    activation: str
    can_die: bool
    dead: tuple[int, ...]
    saturated: tuple[int, ...]
    identical: int
    spread: float
    offset: float
    weight_scale: float
    one_sign: bool
    delta: float
    gradient: float


def layer_evidence(probe: Probe) -> tuple[LayerEvidence, ...]:
    """Return the evidence of every layer for the parameters that the probe looked at last."""
    return tuple(_of(probe, layer) for layer in probe.network.layers)


def _of(probe: Probe, layer: Layer) -> LayerEvidence:
    index = layer.number - 1
    z, a = probe.forward.pre_activations[index], probe.forward.activations[index]
    weights = layer.weights.astype(np.float64)
    zero = layer.activation.zero_derivative
    dead = np.zeros(layer.units, np.bool_) if zero is None else np.all(zero(z), axis=1)
    return LayerEvidence(
        layer=layer.number,
        units=layer.units,
        fan_in=layer.fan_in,
        activation=layer.activation.name,
        can_die=layer.activation.can_die,
        dead=_numbers(dead),
        saturated=_numbers(_saturated(layer, z, a)),
        identical=_identical(probe.network, layer),
        spread=_rms(z.std(axis=1)),
        offset=_rms(z.mean(axis=1)),
        weight_scale=_rms(weights) * float(np.sqrt(layer.fan_in)),
        one_sign=weights.size > 2 and bool((weights > 0).all() or (weights < 0).all()),
        delta=_rms(probe.deltas[index]),
        gradient=float(np.linalg.norm(probe.true[layer.span])),
    )


def _numbers(mask: NDArray[Any]) -> tuple[int, ...]:
    return tuple(int(index) + 1 for index in np.flatnonzero(mask))


def _rms(values: NDArray[Any]) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64)))) if values.size else 0.0


def _saturated(layer: Layer, z: NDArray[Any], a: NDArray[Any]) -> NDArray[np.bool_]:
    most = LIMITED.get(layer.activation.name)
    if most is None:
        return np.zeros(layer.units, np.bool_)
    derivative = layer.activation.derivative(z, a, **layer.options)
    flat: NDArray[np.bool_] = (derivative < SATURATED_DERIVATIVE * most).mean(axis=1) >= SATURATED_SAMPLES
    return flat


def _identical(network: Network, layer: Layer) -> int:
    """Return how many hidden units have an earlier one for a twin: the same in, the same out."""
    if layer.number == len(network.layers) or layer.units < 2:
        return 0
    twins = _alike(layer.augmented) & _alike(network.layers[layer.number].weights.T)
    return int(np.tril(twins, -1).any(axis=1).sum())


def _alike(columns: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which columns point the same way and are equally long; zero ones are alike."""
    vectors = columns.astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=0)
    unit = vectors / np.where(lengths > 0, lengths, 1.0)
    zero = lengths == 0
    same: NDArray[np.bool_] = (unit.T @ unit > TWIN_COSINE) | (zero[:, None] & zero[None, :])
    longer = np.maximum(lengths[:, None], lengths[None, :])
    same &= np.abs(lengths[:, None] - lengths[None, :]) <= TWIN_LENGTH * longer
    return same
