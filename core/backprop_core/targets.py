"""What a loss needs as targets: classes become outputs under a cross-entropy, all else stays as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from backprop_core.errors import UserError
from backprop_core.files import shown
from backprop_core.wording import plain_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

CROSS_ENTROPY = "cross-entropy"
BINARY_CROSS_ENTROPY = "binary-cross-entropy"
CLASSIFYING = (CROSS_ENTROPY, BINARY_CROSS_ENTROPY)

LARGEST_CLASSES = 1000
LARGEST_TARGETS = 2**27
"""So many numbers all one-hot targets may hold together: 1 GiB."""


@dataclass(frozen=True, eq=False)
class Targets:
    """Targets y (samples, outputs), a name for each output, and the classes, if outputs stand for classes."""

    y: Array
    names: tuple[str, ...]
    classes: tuple[str, ...] | None


def make_targets(
    loss: str, y: Array | list[str], names: tuple[str, ...], classes: tuple[str, ...] | None, where: str
) -> Targets:
    """Return the targets as the loss needs them.

    Parameters
    ----------
    loss : str
        The loss's name. Under ``cross-entropy`` a single column of classes becomes one output a class;
        under ``binary-cross-entropy`` it becomes 0 and 1.
    y : array (samples, targets), or list of str
        Labels of one target may be texts, under those two losses.
    names, classes : tuple of str, or None for no classes
        The columns' names, and the classes' if they are known.
    where : str
        Begins every error.

    Raises
    ------
    UserError
        If the targets are neither the classes nor the probabilities that the loss needs.
    """
    if isinstance(y, list) or (loss in CLASSIFYING and y.shape[1] == 1):
        labels, members = _classes_of(y)
        if loss == CROSS_ENTROPY:
            return _one_hot(labels, members, where)
        return _binary(names, labels, members, where)
    if loss not in CLASSIFYING:
        return Targets(y, names, classes)
    exclusive = _check_probabilities(loss, y, names, where)
    return Targets(y, names, (classes or names) if exclusive else None)


def _classes_of(y: Array | list[str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the classes' names in order, and the class of each sample, counted from 0."""
    if isinstance(y, list):
        labels = tuple(sorted(set(y)))
        number = {label: index for index, label in enumerate(labels)}
        return labels, np.array([number[label] for label in y])
    values, members = np.unique(y[:, 0], return_inverse=True)
    return tuple(plain_number(float(value)) for value in values), members


def _one_hot(labels: tuple[str, ...], members: NDArray[np.int64], where: str) -> Targets:
    if len(labels) < 2:
        raise UserError(
            f"{where}: all samples are of class '{shown(labels[0])}'; {CROSS_ENTROPY} needs two or more"
        )
    if len(labels) > LARGEST_CLASSES:
        raise UserError(
            f"{where}: {len(labels)} different targets; {CROSS_ENTROPY} takes each for a class,"
            f" at most {LARGEST_CLASSES}"
        )
    if len(labels) * len(members) > LARGEST_TARGETS:
        raise UserError(
            f"{where}: {len(labels)} classes of {len(members)} samples make too many targets;"
            f" at most {LARGEST_TARGETS} are taken"
        )
    y = np.zeros((len(members), len(labels)))
    y[np.arange(len(members)), members] = 1.0
    return Targets(y, labels, labels)


def _binary(
    names: tuple[str, ...], labels: tuple[str, ...], members: NDArray[np.int64], where: str
) -> Targets:
    if len(labels) == 1 and labels[0] in ("0", "1"):
        labels, members = ("0", "1"), members + int(labels[0])
    if len(labels) != 2:
        count = f"{len(labels)} different values" if len(labels) > 1 else f"one value, '{shown(labels[0])}'"
        raise UserError(
            f"{where}: the target holds {count}; {BINARY_CROSS_ENTROPY} needs 0 and 1, or two classes"
        )
    return Targets(members[:, None].astype(np.float64), names, labels)


def _check_probabilities(loss: str, y: Array, names: tuple[str, ...], where: str) -> bool:
    """Return whether the columns are classes that exclude each other: the probabilities of a row sum to 1."""
    outside = (y < 0.0) | (y > 1.0)
    if outside.any():
        row, column = (int(index) for index in np.argwhere(outside)[0])
        raise UserError(
            f"{where}: target '{shown(names[column])}' of row {row + 1} is {y[row, column]:g};"
            f" {loss} needs values from 0 to 1"
        )
    exclusive = np.abs(y.sum(axis=1) - 1.0) <= 1e-6
    if loss == CROSS_ENTROPY and not exclusive.all():
        row = int(np.argmin(exclusive))
        raise UserError(
            f"{where}: the targets of row {row + 1} sum to {y[row].sum():g}; {loss} needs them to sum to 1"
        )
    return bool(exclusive.all())
