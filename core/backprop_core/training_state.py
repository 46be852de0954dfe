"""The whole state of a trainer as frozen copies: what undo goes back to and a checkpoint holds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.features import feature_count
from backprop_core.frozen import dataclass
from backprop_core.history import LossHistory
from backprop_core.keeper import Keeper
from backprop_core.network import build_network
from backprop_core.training_step import new_optimizer_state

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.datasets import Dataset, Standardizer
    from backprop_core.divergence import Divergence
    from backprop_core.experiment import Experiment
    from backprop_core.keeper import Keepsakes
    from backprop_core.snapshot import Mark
    from backprop_core.trainer import Trainer


@dataclass(frozen=True)
class TrainingState:
    """A trainer at one moment. ``random_state`` is the bit generator's own dictionary."""

    experiment: Experiment
    opened: Experiment
    dataset: Dataset
    x_standardizer: Standardizer | None
    y_standardizer: Standardizer | None
    parameters: NDArray[Any]
    gradient: NDArray[Any]
    update: NDArray[Any]
    moments: tuple[NDArray[Any], ...]
    optimizer_steps: int
    order: NDArray[np.int64]
    position: int
    step_count: int
    epoch: int
    stepped: bool
    ended: str | None
    random_state: dict[str, Any]
    history: dict[str, NDArray[Any]]
    interventions: tuple[Mark, ...]
    divergence: Divergence | None = None
    kept: Keepsakes | None = None

    @property
    def size(self) -> int:
        """Bytes of its arrays, the data set not counted."""
        arrays = (self.parameters, self.gradient, self.update, *self.moments, self.order)
        kept = self.kept.size if self.kept else 0
        return sum(array.nbytes for array in (*arrays, *self.history.values())) + kept


def capture(trainer: Trainer) -> TrainingState:
    """Copy a trainer's state."""
    trainer.flush_history()
    optimizer = trainer.optimizer
    return TrainingState(
        trainer.experiment,
        trainer.opened,
        trainer.dataset,
        trainer.x_standardizer,
        trainer.y_standardizer,
        trainer.network.parameters.copy(),
        optimizer.gradient.copy(),
        optimizer.update.copy(),
        tuple(moment.copy() for moment in optimizer.moments),
        optimizer.steps,
        trainer.order.copy(),
        trainer.position,
        trainer.step_count,
        trainer.epoch,
        trainer.stepped,
        trainer.ended,
        dict(trainer.rng.bit_generator.state),
        trainer.history.to_arrays(),
        tuple(trainer.interventions),
        trainer.divergence,
        trainer.keeper.capture(),
    )


def restore(trainer: Trainer, state: TrainingState) -> None:
    """Put a trainer back, bit for bit, to where the state was captured."""
    trainer.experiment, trainer.opened = state.experiment, state.opened
    trainer.hold(state.dataset)
    trainer.x_standardizer, trainer.y_standardizer = state.x_standardizer, state.y_standardizer
    features, outputs = feature_count(state.experiment.data, state.dataset), state.dataset.y.shape[1]
    trainer.network = build_network(state.experiment.network, features, outputs)
    trainer.network.parameters[:] = state.parameters
    trainer.optimizer = new_optimizer_state(state.experiment, trainer.network)
    trainer.optimizer.gradient[:] = state.gradient
    trainer.optimizer.update[:] = state.update
    for moment, stored in zip(trainer.optimizer.moments, state.moments, strict=True):
        moment[:] = stored
    trainer.optimizer.steps = state.optimizer_steps
    trainer.order = state.order.copy()
    trainer.position, trainer.step_count, trainer.epoch = state.position, state.step_count, state.epoch
    trainer.ended = state.ended
    trainer.rng.bit_generator.state = state.random_state
    trainer.history = LossHistory.from_arrays(state.history)
    trainer.forget_losses()
    trainer.interventions = list(state.interventions)
    trainer.divergence = state.divergence
    trainer.rebuild()
    trainer.stepped = state.stepped
    trainer.keeper = Keeper(trainer)
    if state.kept is not None:
        trainer.keeper.restore(state.kept)


def at_origin(state: TrainingState) -> TrainingState:
    """Return the state as it was before the first step: the weights that training, or its last form, began with.

    The data are in the order in which they are now.
    """
    assert state.kept is not None
    zeros = np.zeros_like(state.parameters)
    return replace(
        state,
        parameters=state.kept.origin.parameters,
        gradient=zeros,
        update=zeros,
        moments=tuple(np.zeros_like(moment) for moment in state.moments),
        optimizer_steps=0,
        position=0,
        step_count=0,
        epoch=0,
        stepped=False,
        ended=None,
        history=LossHistory().to_arrays(),
        interventions=(),
        kept=None,
    )


def holding_out(state: TrainingState, every: int) -> TrainingState:
    """Return the state with every so manieth training sample made a validation sample, and no others held out.

    The parameters have seen these samples; what is learnt from here on has not.
    """
    dataset = state.dataset
    held = np.zeros(len(dataset.x), np.bool_)
    held[np.random.default_rng(every).permutation(len(held))[::every]] = True
    smaller = replace(
        dataset,
        x=dataset.x[~held],
        y=dataset.y[~held],
        rows=dataset.rows[~held],
        x_validation=dataset.x[held],
        y_validation=dataset.y[held],
        rows_validation=dataset.rows[held],
    )
    return replace(state, dataset=smaller, order=np.arange(len(smaller.x)), position=0)
