"""Other parameters for the same function: zero biases, standardisation folded into the weights."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from backprop_core.datasets import Standardizer
from backprop_core.errors import UserError
from backprop_core.features import derive
from backprop_core.network import build_network
from backprop_core.training_step import new_optimizer_state

if TYPE_CHECKING:
    from backprop_core.trainer import Trainer


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
    of_x = Standardizer.fit(derive(trainer.dataset.x, trainer.experiment.data.features))
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
