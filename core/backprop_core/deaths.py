"""When a neuron died and what killed it, found out afterwards: training is repeated on a copy.

Nothing is noted while training runs. Training is the same at every run, so that a copy which starts where the
last intervention left off, or at the beginning, passes the step at which the neuron died.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backprop_core.coming_step import ComingStep
from backprop_core.commands import AddLayer, Narrow, RemoveLayer
from backprop_core.errors import UserError
from backprop_core.frozen import dataclass
from backprop_core.grammar import parse_command
from backprop_core.training_state import capture, restore

if TYPE_CHECKING:
    from backprop_core.trainer import Trainer
    from backprop_core.training_state import TrainingState

STEPS_REPEATED = 8192
WORK = 3e8
"""Steps times samples of a batch times parameters are no more than this: a fraction of a second."""


@dataclass(frozen=True)
class Death:
    """When a neuron died.

    Attributes
    ----------
    step : int
        The step after which it was dead; if that was not found, the last one at which it was seen alive.
    cause : str
        "update" (the update of its own parameters), "below" (its inputs changed), "command", "start" (dead as
        initialised), "unknown" (it died later than training was repeated).
    ratio : float
        Norm of the update of its parameters over their norm, at that step.
    learning_rate : float
    command : str
        The intervention after which it was dead, if that is the cause.
    """

    step: int
    cause: str
    ratio: float = 0.0
    learning_rate: float = 0.0
    command: str = ""


def find_death(trainer: Trainer, layer: int, neuron: int) -> Death | None:
    """Return when a dead neuron died; None if that cannot be found out, because its data are gone, say.

    Parameters
    ----------
    layer, neuron : int
        Counted from 1.
    """
    try:
        with np.errstate(all="ignore"):
            return _Search(trainer, layer, neuron).run()
    except UserError:
        return None


class _Search:
    def __init__(self, trainer: Trainer, layer: int, neuron: int) -> None:
        self.trainer, self.layer, self.index = trainer, layer, neuron - 1
        cost = trainer.network.parameters.size * trainer.batch_size
        self.budget = int(min(max(WORK / cost, 1), STEPS_REPEATED))

    def run(self) -> Death | None:
        """Look through the stretches between interventions, the last one first."""
        stack = self.trainer.undo_stack
        end = self.trainer.step_count
        for text, state in reversed(stack):
            fork = self._fork(state)
            alive_before, step = not self._dead(fork), fork.step_count
            command = parse_command(text)
            fork.apply(command)
            if not self._dead(fork):
                return self._within(fork, end)
            if isinstance(command, (Narrow, AddLayer, RemoveLayer)):
                # Before that, another neuron had its number.
                return None
            if alive_before:
                return Death(step, "command", command=text)
            end = step
        fork = self.trainer.beginning() if not stack else self._beginning_of(stack[0][1])
        if self._dead(fork):
            return Death(fork.step_count, "start")
        return self._within(fork, end)

    def _fork(self, state: TrainingState) -> Trainer:
        fork = self.trainer.beginning()
        restore(fork, state)
        return fork

    def _beginning_of(self, state: TrainingState) -> Trainer:
        return self._fork(state).beginning()

    def _dead(self, fork: Trainer) -> bool:
        layers = fork.training_set.census().dead
        if self.layer > len(layers) or self.index >= len(layers[self.layer - 1]):
            return False
        return bool(layers[self.layer - 1][self.index])

    def _within(self, fork: Trainer, end: int) -> Death:
        """Go on from where it is alive in ever longer strides until it is dead, then halve the last of them."""
        begin, stride = fork.step_count, 1
        limit = min(end, begin + self.budget)
        while True:
            alive = capture(fork)
            if fork.step_count >= limit or not fork.step(min(stride, limit - fork.step_count)):
                return Death(fork.step_count, "unknown")
            if self._dead(fork):
                return self._halved(alive, fork.step_count)
            stride *= 2

    def _halved(self, alive: TrainingState, dead_at: int) -> Death:
        while dead_at - alive.step_count > 1:
            fork = self._fork(alive)
            fork.step((dead_at - alive.step_count) // 2)
            if self._dead(fork):
                dead_at = fork.step_count
            else:
                alive = capture(fork)
        return self._cause(self._fork(alive))

    def _cause(self, fork: Trainer) -> Death:
        """Tell what the step that kills does to the neuron's own parameters."""
        coming = ComingStep(fork)
        layer = fork.network.layers[self.layer - 1]
        before = layer.of(coming.before)[:, self.index]
        change = layer.of(coming.update)[:, self.index]
        size, moved = float(np.linalg.norm(before)), float(np.linalg.norm(change))
        return Death(
            fork.step_count + 1,
            "update" if moved else "below",
            moved / size if size else float("inf"),
            fork.experiment.training.learning_rate,
        )
