"""Forks: copies of a run that go on from one state over the same batches, with a cure or without.

A fork has a network, an order of the data and a random state of its own: whatever it does, the run that it was
copied from does not notice. Fork 0 sees exactly the batches that the run itself would see; the others see the
same data in other orders, the same ones under every cure, so that what is left between two forks is the cure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backprop_core.errors import UserError
from backprop_core.frozen import dataclass
from backprop_core.grammar import parse_condition
from backprop_core.trainer import Goal, Trainer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backprop_core.commands import Command, Condition
    from backprop_core.training_state import TrainingState

POINTS = 24
"""At so many places along its way a fork's loss is measured."""

GOAL_LOOKS = 100
"""So often it is looked whether the experiment's goal is met: at every epoch that would take longer than training."""

LAST_POINTS = 5
"""Of so many measurements in its last tenth the median counts: one batch more or less must not decide."""


STUCK_POINTS = 7
"""So many equal losses in a row, to the last bit, end a fork: its output does not depend on what is trained."""

HOPELESS, HOPELESS_WAY = 100.0, 0.2
"""A fork whose loss is so many times that at its beginning after this share of its way is not followed further."""


@dataclass(frozen=True)
class ForkResult:
    """How a fork went.

    Attributes
    ----------
    epochs, training, validation : tuples of equal length
        Epochs since the fork began, and the losses over the whole sets there; validation may be empty.
    final : float
        Median of the measurements of the training loss in the last tenth; infinite once a loss was not finite.
    last : tuple of float
        The lowest and the highest of these.
    final_validation, last_validation
        Likewise of the validation loss; NaN without a validation set.
    reached : bool
        Whether the experiment's own goal (``until``) was met.
    accuracy : float or None
        Of classes: the share of the training samples that are named rightly at the end.
    """

    epochs: tuple[float, ...]
    training: tuple[float, ...]
    validation: tuple[float, ...]
    final: float
    last: tuple[float, float]
    final_validation: float
    last_validation: tuple[float, float]
    reached: bool
    accuracy: float | None = None


def run_fork(
    state: TrainingState, commands: Sequence[Command], epochs: int, order: int = 0
) -> ForkResult | None:
    """Apply commands to a copy of a state, and train it.

    Parameters
    ----------
    state : TrainingState
        Is left as it is.
    commands : sequence of Command
        The cure; empty for the untreated fork.
    epochs : int
        How long to train, at least 1.
    order : int
        0 for the run's own batches; another number for another order of the data and other random draws.

    Returns
    -------
    ForkResult, or None if a command cannot be carried out in this state.
    """
    with np.errstate(all="ignore"):
        fork = Trainer.fork(state)
        if order:
            _take_another_order(fork, order)
        try:
            for command in commands:
                fork.apply(command)
        except UserError:
            return None
        return _run(fork, epochs)


def _take_another_order(fork: Trainer, order: int) -> None:
    fork.rng = np.random.default_rng((fork.experiment.seed, fork.step_count, order))
    fork.rng.shuffle(fork.order[fork.position :])


def measuring_epochs(epochs: int) -> list[int]:
    """Return after which epochs a fork of that length is measured: evenly along the way, closely at the end."""
    along = np.linspace(0, epochs, min(POINTS, epochs) + 1)[1:]
    closely = np.linspace(0.9 * epochs, epochs, LAST_POINTS)
    return sorted({max(1, round(float(epoch))) for epoch in (*along, *closely)})


def _run(fork: Trainer, epochs: int) -> ForkResult:
    until = fork.experiment.until
    condition = parse_condition(until) if until else None
    begun = fork.epoch
    at, training, validation = [0.0], [fork.census().loss], [_or_nan(fork.validation_loss())]
    reached = False
    before = fork.network.parameters.copy()
    for epoch in measuring_epochs(epochs):
        reached = _advance(fork, begun + epoch, condition, -(-epochs // GOAL_LOOKS))
        at.append(float(fork.epoch - begun))
        training.append(_finite_or_inf(fork.census().loss))
        validation.append(_or_nan(fork.validation_loss()))
        if fork.ended:
            training[-1] = validation[-1] = np.inf
        if reached or fork.ended or _hopeless(training, epoch / epochs):
            break
        if np.array_equal(before, fork.network.parameters) or _is_stuck(training):
            # What has not moved for so long will not.
            at.append(float(epochs))
            training.append(training[-1])
            validation.append(validation[-1])
            break
        before[:] = fork.network.parameters
    has_validation = fork.validation_set.samples > 0
    held_out = _late(at, validation) if has_validation else [np.nan]
    late = training[-1:] if reached or fork.ended else _late(at, training)
    return ForkResult(
        tuple(at),
        tuple(training),
        tuple(validation) if has_validation else (),
        float(np.median(late)),
        (min(late), max(late)),
        float(np.median(held_out)),
        (min(held_out), max(held_out)),
        reached,
        _accuracy(fork),
    )


def _advance(fork: Trainer, epoch: int, goal: Condition | None, every: int) -> bool:
    """Train to an epoch, and tell whether the goal was met on the way, looking for it every so many epochs."""
    while fork.epoch < epoch and fork.ended is None:
        fork.advance(Goal(epoch=min(fork.epoch + every, epoch) if goal else epoch), None)
        if goal is not None and fork.ended is None and fork.holds(goal)[0]:
            return True
    return False


def _is_stuck(losses: Sequence[float]) -> bool:
    return len(losses) > STUCK_POINTS and len(set(losses[-STUCK_POINTS:])) == 1


def _late(at: Sequence[float], values: Sequence[float]) -> list[float]:
    """Return the values of the last tenth."""
    return [value for epoch, value in zip(at, values, strict=True) if epoch >= 0.9 * at[-1]]


def _accuracy(fork: Trainer) -> float | None:
    if fork.dataset.kind != "classification" or fork.ended:
        return None
    wanted, predicted = fork.dataset.y, fork.training_set.predictions()
    if wanted.shape[1] == 1:
        return float(((predicted > 0.5) == (wanted > 0.5)).mean())
    return float((predicted.argmax(axis=1) == wanted.argmax(axis=1)).mean())


def _hopeless(losses: Sequence[float], way: float) -> bool:
    return way > HOPELESS_WAY and losses[-1] > HOPELESS * max(losses[0], min(losses))


def _or_nan(loss: float | None) -> float:
    return np.nan if loss is None else _finite_or_inf(loss)


def _finite_or_inf(loss: float) -> float:
    return loss if np.isfinite(loss) else np.inf
