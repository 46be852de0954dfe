"""Recycling dead neurons: they fire again, and the network's function stays what it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.errors import UserError
from backprop_core.experiment import Choice
from backprop_core.network import draw_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.network import Layer
    from backprop_core.trainer import Trainer


def reinitialize_dead(trainer: Trainer, layer: int | None, neuron: int | None) -> list[tuple[int, int]]:
    """Recycle the dead neurons, or one of them; return (layer, neuron) of each, counted from 1.

    Incoming weights are drawn anew; the bias is chosen so that the neuron fires on half of the samples
    (without biases the draw's sign is); outgoing weights and all the neuron's moments become zero. The
    lower layers come first, as they change what the upper ones receive.
    """
    chosen = _chosen(trainer, layer, neuron)
    for number, index in chosen:
        _recycle(trainer, trainer.network.layers[number - 1], index - 1)
    if chosen:
        trainer.rebuild()
    return chosen


def _chosen(trainer: Trainer, layer: int | None, neuron: int | None) -> list[tuple[int, int]]:
    dead = [
        (number, int(index) + 1)
        for number, mask in enumerate(trainer.census().dead, start=1)
        for index in np.flatnonzero(mask)
    ]
    if layer is None or neuron is None:
        return dead
    layers = trainer.network.layers
    if not (1 <= layer <= len(layers) and 1 <= neuron <= layers[layer - 1].units):
        sizes = ", ".join(str(one.units) for one in layers)
        raise UserError(f"there is no neuron {layer}.{neuron}; the layers have {sizes} neurons")
    if (layer, neuron) not in dead:
        raise UserError(f"neuron {layer}.{neuron} is not dead")
    return [(layer, neuron)]


def _recycle(trainer: Trainer, layer: Layer, index: int) -> None:
    network = trainer.network
    weights = _incoming(trainer, layer)
    drive = _layer_inputs(trainer, layer) @ weights
    if layer.bias is not None:
        layer.bias[index] = -np.median(drive)
    elif np.count_nonzero(drive > 0) < np.count_nonzero(drive < 0):
        weights = -weights
    layer.weights[:, index] = weights
    following = network.layers[layer.number] if layer.number < len(network.layers) else None
    if following is not None:
        following.weights[index] = 0
    for moment in trainer.optimizer.moments:
        layer.of(moment)[:, index] = 0
        if following is not None:
            following.of(moment)[index] = 0


def _incoming(trainer: Trainer, layer: Layer) -> NDArray[np.float64]:
    initializer = trainer.experiment.network.initializer
    shape = (layer.fan_in,)
    weights = draw_weights(initializer, trainer.rng, layer.fan_in, layer.units, shape)
    if not weights.any():
        # Zero weights would leave the neuron as dead as it was.
        weights = draw_weights(Choice("he-normal"), trainer.rng, layer.fan_in, layer.units, shape)
    return weights


def _layer_inputs(trainer: Trainer, layer: Layer) -> NDArray[Any]:
    """Return what the layer receives on every training sample, shape (samples, fan_in)."""
    rows = np.empty((trainer.training_set.samples, layer.fan_in))
    for span, forward in trainer.training_set.forward_passes():
        rows[span] = forward.layer_inputs[layer.number - 1][: layer.fan_in].T
    return rows
