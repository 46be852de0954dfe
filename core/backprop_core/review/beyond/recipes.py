"""Which changes of a script to make it learn, tried out on its network: the fewest that reach the goal.

Unlike the lab's commands, a change of a script leaves the numbers of its start weights as they are: where its inputs
are scaled, they meet the same weights. So these forks begin with the changed network, and fold nothing in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.commands import AddBias, Initialize, SetActivation, SetOption, Standardize
from backprop_core.datasets import Standardizer
from backprop_core.diagnosis.forks import run_fork
from backprop_core.experiment import Choice
from backprop_core.frozen import dataclass
from backprop_core.grammar import parse_condition
from backprop_core.review.mending.rewriting import BIAS, LINEAR, RATE, SCALE, START
from backprop_core.trainer import Trainer
from backprop_core.training_state import capture

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from backprop_core.commands import Command
    from backprop_core.datasets import Dataset
    from backprop_core.experiment import Experiment

DRAWS = 3
"""So many draws of start weights have to do: the script's own, and others with the same numbers in other places."""

WELL = 0.05
"""Where a script has no goal of its own: this share of what always predicting the mean would cost."""

RATES = (1.0, 3.0, 10.0)
DROPPED_FIRST = (BIAS, START, LINEAR, SCALE)
AS_GOOD = 1.1


@dataclass(frozen=True)
class Recipe:
    """Changes, by their kind, with the learning rate's factor, and the loss that the worst draw ends at."""

    kinds: tuple[str, ...]
    rate: float
    loss: float


def kinds_of(commands: Iterable[Command], experiment: Experiment) -> set[str]:
    """Return the changes of a script that do what some commands do."""
    kinds = set()
    for command in commands:
        if isinstance(command, Standardize):
            kinds |= {SCALE} if experiment.network.bias else {SCALE, BIAS}
        elif isinstance(command, AddBias):
            kinds.add(BIAS)
        elif isinstance(command, Initialize):
            kinds.add(START)
        elif (
            isinstance(command, SetActivation)
            and command.where == "output"
            and command.activation.name == "linear"
        ):
            kinds.add(LINEAR)
        elif isinstance(command, SetOption) and command.option == "learning-rate":
            kinds.add(RATE)
    return kinds


class Kitchen:
    """Tries recipes out.

    Parameters
    ----------
    experiment : Experiment
        The script's, with the right gradient.
    dataset : Dataset
    epochs : int
    forks : int
        So many are run at most; changes that none were left for stay in a recipe.
    """

    def __init__(self, experiment: Experiment, dataset: Dataset, epochs: int, forks: int) -> None:
        self._experiment = experiment
        self._dataset = dataset
        self._epochs = epochs
        self._forks = forks
        self._tried: dict[tuple[frozenset[str], float], float] = {}
        until = experiment.until
        self._goal = parse_condition(until).value if until else WELL * Trainer(experiment, dataset).baseline()

    def best(self, wanted: Collection[str], rates: Iterable[float] = RATES) -> Recipe | None:
        """Return the fewest of the changes that reach the goal; if none do, those that end lowest."""
        kinds = frozenset(wanted) - {RATE}
        factors = tuple(rates) if RATE in wanted else (1.0,)
        rate = next((factor for factor in factors if self._reaches(kinds, factor)), None)
        if rate is None:
            rate = min(factors, key=lambda factor: self._loss(kinds, factor))
        for kind in DROPPED_FIRST:
            fewer = kinds - {kind}
            if kind in kinds and self._as_good(fewer, kinds, rate):
                kinds = fewer
        made = tuple(sorted(kinds | ({RATE} if rate != 1.0 else set())))
        loss = self._loss(kinds, rate)
        return Recipe(made, rate, loss) if made and np.isfinite(loss) else None

    def _as_good(self, fewer: frozenset[str], kinds: frozenset[str], rate: float) -> bool:
        if self._reaches(kinds, rate):
            return self._reaches(fewer, rate)
        return self._loss(fewer, rate) <= AS_GOOD * self._loss(kinds, rate)

    def _reaches(self, kinds: frozenset[str], rate: float) -> bool:
        return self._loss(kinds, rate) <= self._goal

    def _loss(self, kinds: frozenset[str], rate: float) -> float:
        """Return the worst loss over the draws: that of the goal, where an experiment's own is met."""
        key = kinds, rate
        if key not in self._tried:
            if self._forks < DRAWS:
                return np.inf
            self._forks -= DRAWS
            self._tried[key] = max(self._run(kinds, rate, draw) for draw in range(DRAWS))
        return self._tried[key]

    def _run(self, kinds: frozenset[str], rate: float, draw: int) -> float:
        network, training = self._experiment.network, self._experiment.training
        dataset = self._dataset
        if SCALE in kinds:
            dataset = replace(dataset, x=Standardizer.fit(dataset.x).transform(dataset.x))
        if LINEAR in kinds:
            network = replace(network, output=Choice("linear"))
        if START in kinds:
            network = replace(network, weights=None, initializer=Choice("he-normal"))
        elif draw and network.weights is not None:
            network = replace(network, weights=_moved_about(network.weights, draw))
        if BIAS in kinds:
            network = replace(network, bias=True)
        training = replace(training, learning_rate=rate * training.learning_rate)
        experiment = replace(self._experiment, network=network, training=training, seed=draw)
        ended = run_fork(capture(Trainer(experiment, dataset)), (), self._epochs)
        assert ended is not None
        return (
            min(ended.final, self._goal)
            if ended.reached
            else ended.final
            if np.isfinite(ended.final)
            else np.inf
        )


def _moved_about(weights: Any, draw: int) -> Any:
    """Return given weights with the numbers of each matrix in other places; biases as they are."""
    generator = np.random.default_rng(draw)
    moved = []
    for name, values in weights:
        array = np.array(values)
        if array.ndim == 2:
            array = generator.permutation(array.ravel()).reshape(array.shape)
        moved.append((name, tuple(map(tuple, array.tolist())) if array.ndim == 2 else values))
    return tuple(moved)
