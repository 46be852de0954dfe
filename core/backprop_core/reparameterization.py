"""Other parameters for the same function: zero biases, more units, standardisation folded into the weights."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from backprop_core.datasets import Standardizer
from backprop_core.errors import UserError
from backprop_core.experiment import Choice
from backprop_core.network import build_network
from backprop_core.reinitialization import draw_incoming
from backprop_core.training_step import new_optimizer_state

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.trainer import Trainer

LARGEST_NETWORK = 10_000_000


def add_biases(trainer: Trainer) -> None:
    """Give every layer a bias of zero; moments are kept, those of the biases zero."""
    old, old_optimizer = trainer.network, trainer.optimizer
    trainer.experiment = replace(trainer.experiment, network=replace(trainer.experiment.network, bias=True))
    trainer.network = build_network(trainer.experiment.network, old.sizes[0], old.sizes[-1])
    trainer.optimizer = new_optimizer_state(trainer.experiment, trainer.network)
    trainer.optimizer.steps = old_optimizer.steps
    for before, after in zip(old.layers, trainer.network.layers, strict=True):
        after.weights[:] = before.weights
        for had, has in zip(old_optimizer.moments, trainer.optimizer.moments, strict=True):
            after.of(has)[: after.fan_in] = before.of(had)
    trainer.rebuild()


def widen(trainer: Trainer, units: int, layer: int | None) -> list[int]:
    """Add units to one hidden layer, or to each, and return which; the function stays what it was.

    Incoming weights are He's, the bias is such that the unit fires on half of the samples, outgoing weights
    are zero, and so are all of a new unit's moments.
    """
    old, old_optimizer, spec = trainer.network, trainer.optimizer, trainer.experiment.network
    if not spec.hidden:
        raise UserError("the network has no hidden layer to widen")
    if layer is not None and layer > len(spec.hidden):
        raise UserError(f"there is no hidden layer {layer}; the network has {len(spec.hidden)}")
    widened = [layer] if layer is not None else list(range(1, len(spec.hidden) + 1))
    hidden = tuple(size + units * (number in widened) for number, size in enumerate(spec.hidden, start=1))
    if sum(a * b for a, b in pairwise((old.sizes[0], *hidden, old.sizes[-1]))) > LARGEST_NETWORK:
        raise UserError(f"{units} more units make too large a network; at most {LARGEST_NETWORK} weights")
    trainer.experiment = replace(trainer.experiment, network=replace(spec, hidden=hidden, weights=None))
    trainer.network = build_network(trainer.experiment.network, old.sizes[0], old.sizes[-1])
    trainer.optimizer = new_optimizer_state(trainer.experiment, trainer.network)
    trainer.optimizer.steps = old_optimizer.steps
    for before, after in zip(old.layers, trainer.network.layers, strict=True):
        _copy_into(before.augmented, after.augmented, before.bias is not None)
        for had, has in zip(old_optimizer.moments, trainer.optimizer.moments, strict=True):
            _copy_into(before.of(had), after.of(has), before.bias is not None)
    trainer.rebuild()
    for number in widened:
        grown = trainer.network.layers[number - 1]
        for unit in range(grown.units - units, grown.units):
            draw_incoming(trainer, grown, unit, Choice("he-normal"))
    trainer.rebuild()
    return widened


def _copy_into(before: NDArray[Any], after: NDArray[Any], bias: bool) -> None:
    """Copy a layer's old vectors into its larger ones; what is new is zero."""
    after[:] = 0
    rows, columns = before.shape[0] - bias, before.shape[1]
    after[:rows, :columns] = before[:rows]
    if bias:
        after[-1, :columns] = before[-1]


def standardize(trainer: Trainer) -> str:
    """Standardise the data, and fold the change into the weights so that the function stays.

    With x' = (x − m)/s the first layer takes W' = s·W and b' = b + mᵀW; with y' = (y − m)/s a linear last
    layer takes W' = W/s and b' = (b − m)/s. Targets stay as they are where the last layer is not linear or
    the targets are classes. The optimizer's moments become zero: they were of other parameters.
    """
    if trainer.x_standardizer is not None:
        raise UserError("the data are standardised already")
    note = ""
    if not trainer.network.bias:
        add_biases(trainer)
        note = ", biases added"
    first, last = trainer.network.layers[0], trainer.network.layers[-1]
    assert first.bias is not None
    assert last.bias is not None
    of_x = Standardizer.fit(trainer.dataset.x)
    first.bias[:] += (of_x.mean @ first.weights).astype(first.bias.dtype)
    first.weights[:] *= of_x.scale[:, None].astype(first.weights.dtype)
    trainer.x_standardizer = of_x
    what = "inputs"
    if trainer.dataset.kind != "classification" and last.activation.name == "linear":
        of_y = Standardizer.fit(trainer.dataset.y)
        last.weights[:] /= of_y.scale.astype(last.weights.dtype)
        last.bias[:] -= of_y.mean.astype(last.bias.dtype)
        last.bias[:] /= of_y.scale.astype(last.bias.dtype)
        trainer.y_standardizer = of_y
        what = "inputs and targets"
    trainer.experiment = replace(trainer.experiment, data=replace(trainer.experiment.data, standardize=True))
    trainer.optimizer = new_optimizer_state(trainer.experiment, trainer.network)
    trainer.rebuild()
    return f"{what} standardised, folded into the weights{note}"
