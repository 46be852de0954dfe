"""Features made of two inputs: what the network sees of a point (x, y), such as x² or sin(x)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.errors import UserError, nearest
from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from backprop_core.datasets import Dataset
    from backprop_core.experiment import DataSpec

    Array = NDArray[np.float64]

LARGEST = 1e150
"""The largest number of a feature, as of data: its square is still a number."""

INPUTS = ("x", "y")
"""What there is without any others, whatever the columns are called: the first and the second input."""


@dataclass(frozen=True)
class Feature:
    """A feature: ``of(x, y)`` computes it of two columns; ``torch`` is the same in PyTorch's words."""

    name: str
    of: Callable[[Array, Array], Array]
    torch: str


FEATURES: dict[str, Feature] = {
    record.name: record
    for record in (
        Feature("x", lambda x, y: x, "x"),
        Feature("y", lambda x, y: y, "y"),
        Feature("x^2", lambda x, y: x * x, "x**2"),
        Feature("y^2", lambda x, y: y * y, "y**2"),
        Feature("xy", lambda x, y: x * y, "x * y"),
        Feature("sin(x)", lambda x, y: np.sin(x), "torch.sin(x)"),
        Feature("sin(y)", lambda x, y: np.sin(y), "torch.sin(y)"),
    )
}


def checked(names: Sequence[str]) -> tuple[str, ...]:
    """Return names of features; a UserError if one is unknown or comes twice, or if there are none."""
    if not names:
        raise UserError(f"must name at least one of {', '.join(FEATURES)}")
    for number, name in enumerate(names):
        if name not in FEATURES:
            raise UserError(f"unknown feature '{name}'{nearest(name, FEATURES)}")
        if name in names[:number]:
            raise UserError(f"names {name} twice")
    return tuple(names)


def derive(x: NDArray[Any], names: Sequence[str]) -> NDArray[Any]:
    """Return the features of samples.

    Parameters
    ----------
    x : array, shape (samples, inputs)
    names : sequence of str
        Empty where the inputs themselves are the features; else there are two inputs.

    Returns
    -------
    array, shape (samples, features)
    """
    if not names or tuple(names) == INPUTS:
        return x
    with np.errstate(over="ignore"):
        return np.column_stack([FEATURES[name].of(x[:, 0], x[:, 1]) for name in names])


def features_of(data: DataSpec, dataset: Dataset) -> NDArray[Any]:
    """Return the features of the training samples, shape (samples, features).

    Raises
    ------
    UserError
        If features are named for data that have not two inputs, or one is beyond all numbers.
    """
    inputs = dataset.x.shape[1]
    if data.features and inputs != len(INPUTS):
        raise UserError(f"[data] features: are made of data of two inputs, and these have {inputs}")
    x = derive(dataset.x, data.features)
    beyond = ~(np.abs(x) <= LARGEST).all(axis=0)
    if data.features and beyond.any():
        name = data.features[int(np.flatnonzero(beyond)[0])]
        raise UserError(
            f"[data] features: {name} of these data is too large; values may be up to {LARGEST:g}"
        )
    return x


def feature_count(data: DataSpec, dataset: Dataset) -> int:
    """Return how many inputs the network has."""
    return len(data.features) or dataset.x.shape[1]
