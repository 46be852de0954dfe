"""New weights: dead neurons recycled so that the function stays, all drawn anew, or the best ones again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.errors import UserError
from backprop_core.experiment import Choice
from backprop_core.experiment_file import resolve
from backprop_core.network import draw_weights
from backprop_core.training_step import new_optimizer_state

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.experiment import NetworkSpec
    from backprop_core.network import Layer
    from backprop_core.trainer import Trainer

ONE_SIDED = ("relu", "leaky-relu", "elu", "gelu", "silu", "softplus")


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


def initialize_anew(trainer: Trainer, initializer: Choice | None) -> Choice:
    """Draw all weights anew, biases and moments zero, and return how; training goes on where it is.

    Left out, the initializer follows from the hidden activations: He's for those that are zero on one side,
    Xavier's for the others. Frozen parameters stay. Training that ended on a non-finite loss can go on.
    """
    spec = trainer.experiment.network
    chosen = initializer or Choice("he-normal" if one_sided(spec) else "xavier-normal")
    network = trainer.network
    before = network.parameters.copy()
    network.initialize(chosen, trainer.rng)
    mask = network.frozen_mask(spec.freeze)
    if mask is not None:
        np.copyto(network.parameters, before, where=mask == 0)
    trainer.experiment = resolve(
        replace(trainer.experiment, network=replace(spec, initializer=chosen, weights=None))
    )
    _train_on_from_here(trainer)
    return trainer.experiment.network.initializer


def one_sided(spec: NetworkSpec) -> bool:
    """Tell whether the hidden activations let only one side of their input through, as ReLU does."""
    return any(choice.name in ONE_SIDED for choice in spec.activation)


def roll_back(trainer: Trainer, measured: str) -> str:
    """Go back to the parameters of the lowest loss since the last change of the network, moments zero."""
    if measured == "validation" and not trainer.validation_set.samples:
        raise UserError("there is no validation set; `rollback` alone goes by the training loss")
    kept = trainer.keeper.best_validation if measured == "validation" else trainer.keeper.best
    trainer.network.parameters[:] = kept.parameters
    _train_on_from_here(trainer)
    trainer.keeper.restart()
    return f"parameters of step {kept.step} again, where the {measured} loss was lowest"


def _train_on_from_here(trainer: Trainer) -> None:
    trainer.optimizer = new_optimizer_state(trainer.experiment, trainer.network)
    trainer.ended = None
    trainer.rebuild()


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
    draw_incoming(trainer, layer, index, trainer.experiment.network.initializer)
    following = network.layers[layer.number] if layer.number < len(network.layers) else None
    if following is not None:
        following.weights[index] = 0
    for moment in trainer.optimizer.moments:
        layer.of(moment)[:, index] = 0
        if following is not None:
            following.of(moment)[index] = 0


def draw_incoming(trainer: Trainer, layer: Layer, index: int, initializer: Choice) -> None:
    """Draw a neuron's incoming weights; its bias, or without biases their sign, is such that it fires."""
    weights = _incoming(trainer, layer, initializer)
    drive = layer_inputs(trainer, layer) @ weights
    if layer.bias is not None:
        layer.bias[index] = -np.median(drive)
    elif np.count_nonzero(drive > 0) < np.count_nonzero(drive < 0):
        weights = -weights
    layer.weights[:, index] = weights


def _incoming(trainer: Trainer, layer: Layer, initializer: Choice) -> NDArray[np.float64]:
    shape = (layer.fan_in,)
    weights = draw_weights(initializer, trainer.rng, layer.fan_in, layer.units, shape)
    if not weights.any():
        # Zero weights would leave the neuron as dead as it was.
        weights = draw_weights(Choice("he-normal"), trainer.rng, layer.fan_in, layer.units, shape)
    return weights


def layer_inputs(trainer: Trainer, layer: Layer, every: int = 1) -> NDArray[Any]:
    """Return what the layer receives on every so manieth training sample, shape (samples, fan_in)."""
    rows = np.empty((-(-trainer.training_set.samples // every), layer.fan_in))
    for span, forward in trainer.training_set.forward_passes():
        received = forward.layer_inputs[layer.number - 1][: layer.fan_in].T
        first = -(-span.start // every)
        chosen = received[first * every - span.start :: every]
        rows[first : first + len(chosen)] = chosen
    return rows
