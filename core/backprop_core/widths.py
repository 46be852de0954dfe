"""Units added to hidden layers, and taken from them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.errors import UserError
from backprop_core.experiment import Choice
from backprop_core.reinitialization import draw_incoming, layer_inputs
from backprop_core.reshaping import carry_over, reshape
from backprop_core.wording import plural

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.commands import Narrow, Widen
    from backprop_core.experiment import NetworkSpec
    from backprop_core.trainer import Trainer

    Array = NDArray[np.floating[Any]]

NAMED = 8
"""So many of the units taken away are named."""


def _chosen_layers(spec: NetworkSpec, layer: int | None, verb: str) -> list[int]:
    if not spec.hidden:
        raise UserError(f"the network has no hidden layer to {verb}")
    if layer is not None and layer > len(spec.hidden):
        raise UserError(f"there is no hidden layer {layer}; the network has {len(spec.hidden)}")
    return [layer] if layer is not None else list(range(1, len(spec.hidden) + 1))


def widen(trainer: Trainer, command: Widen) -> str:
    """Add units to one hidden layer, or to each; the function stays what it was.

    Incoming weights are He's, the bias is such that the unit fires on half of the samples, outgoing weights
    are zero, and so are all of a new unit's moments.
    """
    spec, units = trainer.experiment.network, command.units
    widened = _chosen_layers(spec, command.layer, "widen")
    hidden = tuple(size + units * (number in widened) for number, size in enumerate(spec.hidden, start=1))
    old, old_optimizer = reshape(trainer, replace(spec, hidden=hidden))
    for before, after in zip(old.layers, trainer.network.layers, strict=True):
        carry_over(
            before,
            after,
            old_optimizer,
            trainer.optimizer,
            partial(_enlarged, like=after.augmented, bias=old.bias),
        )
    trainer.rebuild()
    for number in widened:
        grown = trainer.network.layers[number - 1]
        for unit in range(grown.units - units, grown.units):
            draw_incoming(trainer, grown, unit, Choice("he-normal"))
    trainer.rebuild()
    names = ", ".join(map(str, widened))
    return f"{plural(units, 'unit')} added to hidden layer{'s' * (len(widened) > 1)} {names}"


def _enlarged(part: Array, like: Array, bias: bool) -> Array:
    """Return a layer's old array in its larger one; what is new is zero."""
    larger = np.zeros_like(like)
    rows, columns = part.shape[0] - bias, part.shape[1]
    larger[:rows, :columns] = part[:rows]
    if bias:
        larger[-1, :columns] = part[-1]
    return larger


def narrow(trainer: Trainer, command: Narrow) -> str:
    """Take units from one hidden layer, or from each: dead ones, then those that the next layer feels least.

    What the next layer's sums lose with unit i is a_i·w_i, which is felt by its standard deviation over the
    training samples, std(a_i)·‖w_i‖, as its mean goes into the next biases: b' = b + Σ mean(a_i)·w_i. A dead
    unit's output is constant on the training samples, so that nothing at all is lost with it. Among equals
    the last ones go. The moments of what stays are kept.
    """
    spec, units = trainer.experiment.network, command.units
    chosen = _chosen_layers(spec, command.layer, "narrow")
    for number in chosen:
        size = spec.hidden[number - 1]
        if units >= size:
            most = f"at most {size - 1} can go" if size > 1 else "none can go"
            raise UserError(f"hidden layer {number} has {plural(size, 'unit')}, and one must stay: {most}")
    gone: list[str] = []
    dead = 0
    # From the top: units that only units without a say listen to are felt by nobody once those are gone.
    for number in reversed(chosen):
        taken, were_dead = _take_away(trainer, number, units)
        gone = [f"{number}.{unit + 1}" for unit in taken] + gone
        dead += were_dead
    names = ", ".join(gone[:NAMED]) + (f" and {len(gone) - NAMED} more" if len(gone) > NAMED else "")
    folded = (
        "means folded into the next biases" if trainer.network.bias else "no biases to fold their means into"
    )
    return f"{plural(len(gone), 'unit')} taken away ({names}), {dead} of them dead; {folded}"


def _take_away(trainer: Trainer, number: int, units: int) -> tuple[list[int], int]:
    """Take units from one hidden layer; return which, counted from 0, and how many of them were dead."""
    following = trainer.network.layers[number]
    outputs = layer_inputs(trainer, following)
    constant = outputs.max(axis=0) == outputs.min(axis=0)
    mean = np.where(constant, outputs[0], outputs.mean(axis=0))
    felt = np.where(constant, 0.0, outputs.std(axis=0)) * np.linalg.norm(following.weights, axis=1)
    dead = trainer.census().dead[number - 1]
    taken = np.sort(np.lexsort((-np.arange(len(felt)), felt, ~dead))[:units])
    spec = trainer.experiment.network
    hidden = tuple(size - units * (place == number) for place, size in enumerate(spec.hidden, start=1))
    old, old_optimizer = reshape(trainer, replace(spec, hidden=hidden))
    for before, after in zip(old.layers, trainer.network.layers, strict=True):
        axis = {number: 1, number + 1: 0}.get(before.number)
        move = partial(np.delete, obj=taken, axis=axis) if axis is not None else np.copy
        carry_over(before, after, old_optimizer, trainer.optimizer, move)
    bias = trainer.network.layers[number].bias
    if bias is not None:
        bias += (mean[taken] @ following.weights[taken]).astype(bias.dtype)
    trainer.rebuild()
    return taken.tolist(), int(np.count_nonzero(dead[taken]))
