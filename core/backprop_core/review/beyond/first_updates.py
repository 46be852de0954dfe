"""How a script trains, told by its first updates: the lab's optimizers take the same ones, and are compared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.experiment import Choice
from backprop_core.optimizers import OPTIMIZERS
from backprop_core.trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from backprop_core.datasets import Dataset
    from backprop_core.experiment import Experiment, TrainingSpec

    Array = NDArray[Any]
    Data = dict[str, Any]

MOST_UPDATES = 3
KEPT = (0.9, 0.99, 0.999)
"""How much of its mean square RMSprop keeps, as people write it."""


class FirstUpdates:
    """The updates that a script takes from its start weights, to be taken by the lab.

    Parameters
    ----------
    captures : list of dict
        Of the script's first updates, in order.
    dataset : Dataset
        All of its samples.
    columns : array of bool
        Which columns of the script's samples the data set has.
    """

    def __init__(self, captures: list[Data], dataset: Dataset, columns: NDArray[np.bool_]) -> None:
        self.dataset = dataset
        self.columns = columns
        self.captures = _consecutive(captures)
        rows = [_rows_of(capture, dataset, columns) for capture in self.captures]
        self.batches = [found for found in rows if found is not None]
        if len(self.batches) < len(rows):
            self.batches = []
        size = len(self.batches[0]) if self.batches else 0
        self.count = min(
            len(self.batches),
            next((n for n, batch in enumerate(self.batches) if len(batch) != size), MOST_UPDATES),
            MOST_UPDATES,
            max(len(dataset.x) // size, 1) if 0 < size < len(dataset.x) else MOST_UPDATES,
        )

    def _taken(self, experiment: Experiment, count: int) -> list[list[Array]]:
        """Return the weights of each layer, biases left out, after each of so many updates of the lab's."""
        trainer = Trainer(experiment, self.dataset)
        if trainer.batch_size < len(trainer.order):
            first = np.concatenate(self.batches[:count])
            trainer.order = np.resize(first, len(trainer.order))
        after = []
        with np.errstate(all="ignore"):
            for _ in range(count):
                trainer.step()
                after.append([layer.weights.copy() for layer in trainer.network.layers])
        return after

    def agreement(self, experiment: Experiment) -> float:
        """Return how far the lab's weights are from the script's, relative to the way that these have gone."""
        worst = 0.0
        taken = self._taken(experiment, self.count)
        for capture, mine in zip(self.captures, taken, strict=False):
            pairs = zip(capture["layers"], self.captures[0]["layers"], mine, strict=True)
            for index, (layer, begun, weights) in enumerate(pairs):
                moved = self._without_bias(layer, layer["moved"], index)
                way = float(np.linalg.norm(moved - self._without_bias(begun, begun["W"], index)))
                off = float(np.linalg.norm(weights - moved))
                if not np.isfinite(off):
                    return np.inf
                worst = max(worst, off / way if way else (0.0 if not off else np.inf))
        return worst

    def candidates(self, experiment: Experiment, rates: list[float]) -> Iterator[TrainingSpec]:
        """Yield how the lab might take the same updates.

        Parameters
        ----------
        rates : list of float
            What the script calls its learning rate: tried for optimizers that rescale gradients.
        """
        plain = replace(experiment.training, optimizer=Choice("sgd"), learning_rate=1.0)
        begun = self._flat(self.captures[0], "W")
        moves = [self._flat(one, "W") - self._flat(one, "moved") for one in self.captures[: self.count]]
        unit = self._taken(replace(experiment, training=plain), 1)[0]
        slope = begun - np.concatenate([after.ravel() for after in unit])
        rate = _projected(moves[0], slope)
        if rate > 0:
            sgd = replace(plain, learning_rate=rate)
            yield sgd
            if self.count > 1:
                taken = self._taken(replace(experiment, training=sgd), 2)
                second = np.concatenate([(a - b).ravel() for a, b in zip(*taken, strict=True)])
                momentum = _projected(moves[1] - second, moves[0])
                if 0 < momentum < 1:
                    yield replace(sgd, optimizer=Choice("sgd", (("momentum", momentum),)))
        size = float(np.median(np.abs(moves[0][moves[0] != 0]))) if np.any(moves[0]) else 0.0
        for value in dict.fromkeys([*rates, float(f"{size:.5g}")]):
            if value > 0:
                yield replace(plain, optimizer=Choice.of(OPTIMIZERS, "adam"), learning_rate=value)
                for kept in KEPT:
                    chosen = Choice("rmsprop", (("alpha", kept),))
                    yield replace(plain, optimizer=chosen, learning_rate=value)

    def _flat(self, capture: Data, which: str) -> Array:
        layers = enumerate(capture["layers"])
        return np.concatenate(
            [self._without_bias(layer, layer[which], index).ravel() for index, layer in layers]
        )

    def _without_bias(self, layer: Data, value: Array, index: int) -> Array:
        """Return a layer's weights without the row that is its bias."""
        if not index:
            return np.asarray(value, float)[self.columns]
        column = layer.get("bias_column")
        return np.asarray(value if column is None else np.delete(value, column, axis=0), float)


def _projected(vector: Array, on: Array) -> float:
    norm = float(on @ on)
    return float(vector @ on) / norm if norm else 0.0


def _consecutive(captures: list[Data]) -> list[Data]:
    """Return the first captures for as long as each begins with the weights that the one before left."""
    found = captures[:1]
    for capture in captures[1:MOST_UPDATES]:
        pairs = zip(found[-1]["layers"], capture["layers"], strict=True)
        if not all(np.array_equal(before["moved"], after["W"]) for before, after in pairs):
            break
        found.append(capture)
    return found


def _rows_of(capture: Data, dataset: Dataset, columns: NDArray[np.bool_]) -> NDArray[np.int64] | None:
    """Return which samples of the data set an update is of; None where they are not among them."""
    x, target = capture["layers"][0]["X"], capture["target"]["update"]
    if x.shape[1] != len(columns):
        return None
    x = x[:, columns]
    if len(x) == len(dataset.x):
        return np.arange(len(x))
    known: dict[bytes, list[int]] = {}
    for number, row in enumerate(dataset.x):
        known.setdefault(row.tobytes(), []).append(number)
    found = []
    for number, row in enumerate(np.ascontiguousarray(x)):
        places = known.get(row.tobytes(), [])
        wanted = None if target is None or len(target) != len(x) else target[number]
        fitting = [place for place in places if wanted is None or np.array_equal(dataset.y[place], wanted)]
        if not fitting:
            return None
        found.append(fitting[0])
    return np.array(found, np.int64)
