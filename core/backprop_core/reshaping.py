"""A network of another shape in a trainer's hands, and what the parameters of its layers are moved by."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from backprop_core.errors import UserError
from backprop_core.experiment_file import resolve
from backprop_core.network import build_network
from backprop_core.network_size import must_fit
from backprop_core.training_step import new_optimizer_state

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from backprop_core.experiment import NetworkSpec
    from backprop_core.network import Layer, Network
    from backprop_core.optimizers import OptimizerState
    from backprop_core.trainer import Trainer

    Array = NDArray[np.floating[Any]]

LARGEST_NETWORK = 10_000_000
"""Weights that a network may be made to have while it trains."""


def reshape(
    trainer: Trainer, spec: NetworkSpec, *, inputs: int | None = None, outputs: int | None = None
) -> tuple[Network, OptimizerState]:
    """Give a trainer a network of another shape, all its numbers zero; return the network and optimizer it had.

    Start weights that the experiment gives are of the old shape, and forgotten. The trainer has to be
    rebuilt once the parameters are set.

    Raises
    ------
    UserError
        If the network is too large.
    """
    old, old_optimizer = trainer.network, trainer.optimizer
    inputs, outputs = inputs or old.sizes[0], outputs or old.sizes[-1]
    sizes = (inputs, *spec.hidden, outputs)
    weights = sum(a * b for a, b in pairwise(sizes))
    if weights > LARGEST_NETWORK and weights > sum(a * b for a, b in pairwise(old.sizes)):
        raise UserError(f"that makes too large a network: {weights} weights; at most {LARGEST_NETWORK}")
    given = spec.weights if sizes == old.sizes else None
    experiment = resolve(replace(trainer.experiment, network=replace(spec, weights=given)))
    must_fit(experiment, sizes, len(trainer.dataset.x))
    trainer.experiment = experiment
    trainer.network = build_network(experiment.network, inputs, outputs)
    trainer.optimizer = new_optimizer_state(experiment, trainer.network)
    trainer.optimizer.steps = old_optimizer.steps
    return old, old_optimizer


def carry_over(
    before: Layer,
    after: Layer,
    old: OptimizerState,
    new: OptimizerState,
    move: Callable[[Array], Array] = lambda part: part,
) -> None:
    """Copy a layer's parameters and moments; ``move`` brings an array like ``augmented`` into the new shape."""
    after.augmented[:] = move(before.augmented)
    for had, has in zip(old.moments, new.moments, strict=True):
        after.of(has)[:] = move(before.of(had))


def renumbered(names: tuple[str, ...], numbers: Mapping[int, int]) -> tuple[str, ...]:
    """Return names such as W2 with the layers' new numbers; those of layers that are gone are left out."""
    kept = []
    for name in names:
        number = name[1:]
        if name[0] not in "Wb" or not number.isdecimal():
            kept.append(name)
        elif int(number) in numbers:
            kept.append(f"{name[0]}{numbers[int(number)]}")
    return tuple(kept)
