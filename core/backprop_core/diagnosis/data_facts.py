"""What can be said of the data before any training: scales, conditioning, contradictions, classes, baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.frozen import dataclass
from backprop_core.losses import LOSSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.datasets import Dataset
    from backprop_core.experiment import Choice

    Array = NDArray[np.float64]

SAMPLES = 4096
"""Scales and baselines are taken of no more samples than this, every k-th of all."""

FEATURES = 512
"""Beyond so many features covariance and ridge regression are left out: they take their cube."""

RIDGE = 1e-6
"""Of the features' variance, so that columns that depend on each other do no harm."""


@dataclass(frozen=True)
class DataFacts:
    """Facts of a training set, in the data's units where nothing else is said.

    Attributes
    ----------
    samples, features : int
    offset : float
        The largest |mean|/std of a feature, constant ones left out.
    scale_ratio : float
        The largest standard deviation of a feature over the smallest.
    largest_input : float
        The largest standard deviation or |mean| of a feature.
    condition : float
        Of the features' second moments together with a bias's constant 1: the largest eigenvalue over the
        smallest that is not zero. By its square root gradient descent on a linear layer is slow.
    steepness : float
        How many times the largest of these eigenvalues is what it would be of standardised features: so many
        times lower is the highest learning rate of a linear layer. NaN where there are too many features.
    constant, duplicate : tuples of int
        Features that do not vary; features equal to an earlier one; counted from 1.
    baseline, ridge : float
        The loss of always predicting the targets' mean, and of ridge regression from the features (for
        classes: of its outputs, cut to probabilities); the latter NaN where it was left out.
    floor : float
        The loss that no network goes below: equal inputs with different targets, predicted by their mean.
    contradictory : tuple of int
        The rows (numbered as in the source) of equal inputs with different targets, the first hundred.
    contradictory_count : int
    target_low, target_high : tuples of float
        Extremes of each target.
    class_counts : tuple of int
        Samples of each class; empty in regression.
    """

    samples: int
    features: int
    offset: float
    scale_ratio: float
    largest_input: float
    condition: float
    steepness: float
    constant: tuple[int, ...]
    duplicate: tuple[int, ...]
    baseline: float
    ridge: float
    floor: float
    contradictory: tuple[int, ...]
    contradictory_count: int
    target_low: tuple[float, ...]
    target_high: tuple[float, ...]
    class_counts: tuple[int, ...]

    @property
    def majority(self) -> float:
        """The share of the largest class; 0 in regression."""
        return max(self.class_counts) / sum(self.class_counts) if self.class_counts else 0.0


def data_facts(dataset: Dataset, loss: Choice) -> DataFacts:
    """Return the facts of a training set under a loss."""
    every = max(-(-len(dataset.x) // SAMPLES), 1)
    x, y = dataset.x[::every], dataset.y[::every]
    mean, std = x.mean(axis=0), x.std(axis=0)
    varying = std > 1e-12 * np.abs(x).max(axis=0, initial=0.0)
    spread = std[varying]
    floor, rows = _floor(dataset, loss)
    moments = _moments(x)
    return DataFacts(
        samples=len(dataset.x),
        features=x.shape[1],
        offset=float((np.abs(mean[varying]) / spread).max(initial=0.0)),
        scale_ratio=float(spread.max() / spread.min()) if len(spread) else 1.0,
        largest_input=float(np.maximum(np.abs(mean), std).max(initial=0.0)),
        condition=_condition(moments),
        steepness=_steepness(x, moments),
        constant=tuple(int(index) + 1 for index in np.flatnonzero(~varying)),
        duplicate=_duplicates(x),
        baseline=_value(loss, np.broadcast_to(dataset.y.mean(axis=0), dataset.y.shape), dataset.y),
        ridge=_ridge(x, y, loss),
        floor=floor,
        contradictory=tuple(int(number) for number in np.sort(dataset.rows[rows])[:100]),
        contradictory_count=len(rows),
        target_low=tuple(map(float, dataset.y.min(axis=0))),
        target_high=tuple(map(float, dataset.y.max(axis=0))),
        class_counts=_class_counts(dataset),
    )


def _value(loss: Choice, prediction: NDArray[Any], target: NDArray[Any]) -> float:
    record = LOSSES[loss.name]
    predicted, wanted = (np.ascontiguousarray(array.T, np.float64) for array in (prediction, target))
    return record.value(predicted, wanted, **dict(loss.options))


def _moments(x: Array) -> Array:
    """Return the eigenvalues, rising, of the second moments of features and a bias's 1; none of too many."""
    if x.shape[1] > FEATURES:
        return np.empty(0)
    rows = np.column_stack([x, np.ones(len(x))])
    return np.asarray(np.linalg.eigvalsh(rows.T @ rows / len(rows)), np.float64)


def _condition(moments: Array) -> float:
    if not len(moments):
        return np.nan
    nonzero = moments[moments > 1e-12 * moments[-1]]
    return float(nonzero[-1] / nonzero[0]) if len(nonzero) else 1.0


def _steepness(x: Array, moments: Array) -> float:
    return float(moments[-1] / _moments(_standardized(x))[-1]) if len(moments) else np.nan


def _standardized(x: Array) -> Array:
    std = x.std(axis=0)
    scaled: Array = (x - x.mean(axis=0)) / np.where(std > 0, std, 1.0)
    return scaled


def _as_bytes(rows: NDArray[Any]) -> NDArray[Any]:
    """Return each row as one item: rows are sorted by their bytes many times faster than number by number."""
    # Adding zero makes −0 and 0 the same.
    whole = np.ascontiguousarray(rows + 0.0)
    return whole.view(np.dtype((np.void, whole.dtype.itemsize * whole.shape[1]))).reshape(-1)


def _duplicates(x: Array) -> tuple[int, ...]:
    _, first = np.unique(_as_bytes(x.T), return_index=True)
    return tuple(sorted(set(range(1, x.shape[1] + 1)) - {int(index) + 1 for index in first}))


def _ridge(x: Array, y: Array, loss: Choice) -> float:
    if x.shape[1] > FEATURES:
        return np.nan
    rows = np.column_stack([_standardized(x), np.ones(len(x))])
    weights = np.linalg.solve(rows.T @ rows + RIDGE * len(rows) * np.eye(rows.shape[1]), rows.T @ y)
    prediction = rows @ weights
    if LOSSES[loss.name].classification:
        prediction = np.clip(prediction, 0.01, 0.99)
        if y.shape[1] > 1:
            prediction /= prediction.sum(axis=1, keepdims=True)
    return _value(loss, prediction, y)


def _floor(dataset: Dataset, loss: Choice) -> tuple[float, NDArray[np.int64]]:
    """Return the least loss that equal inputs allow, and which rows have equal inputs and different targets."""
    _, group, counts = np.unique(_as_bytes(dataset.x), return_inverse=True, return_counts=True)
    group = group.reshape(-1)
    best = np.empty_like(dataset.y)
    for column, targets in enumerate(dataset.y.T):
        best[:, column] = (np.bincount(group, targets) / counts)[group]
    apart = np.abs(dataset.y - best).max(axis=1) > 1e-9 * np.abs(dataset.y).max(initial=1.0)
    contradictory = np.unique(group[apart])
    rows = np.flatnonzero(np.isin(group, contradictory) & (counts[group] > 1))
    if not len(rows):
        return 0.0, rows
    lowest = _value(loss, best, dataset.y)
    # With probabilities as targets even perfect predictions have a loss: what they would cost is no floor.
    return max(lowest - _value(loss, dataset.y, dataset.y), 0.0), rows


def _class_counts(dataset: Dataset) -> tuple[int, ...]:
    if dataset.kind != "classification":
        return ()
    y = dataset.y
    if y.shape[1] > 1:
        return tuple(np.bincount(y.argmax(axis=1), minlength=y.shape[1]).tolist()) if dataset.classes else ()
    ones = int(np.count_nonzero(y > 0.5))
    return len(y) - ones, ones
