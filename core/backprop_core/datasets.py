"""Data sets: where samples come from, how they are split, how they are scaled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.builtin_data import SEQUENCE, make_builtin
from backprop_core.errors import UserError
from backprop_core.files import shown
from backprop_core.readers import numeric, read_arrays, read_series, split_columns, windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.experiment import DataSpec

    Array = NDArray[np.float64]

SEQUENCE_WINDOW = 3
CLASSIFYING = ("cross-entropy", "binary-cross-entropy")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training and validation samples, in their own units.

    Attributes
    ----------
    x, y : arrays, shape (samples, features) and (samples, outputs)
    x_validation, y_validation : arrays, possibly of no rows
    rows, rows_validation : arrays of int
        Each sample's number in the source, counted from 1.
    classes : tuple of str, or None
        Names of the classes in the order of the outputs; two names for one output.
    kind : str
        ``"series"``, ``"regression"`` or ``"classification"``.
    """

    x: Array
    y: Array
    x_validation: Array
    y_validation: Array
    rows: NDArray[np.int64]
    rows_validation: NDArray[np.int64]
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    classes: tuple[str, ...] | None
    kind: str


@dataclass(frozen=True, eq=False)
class Standardizer:
    """Zero mean and unit variance a column: z = (x − mean)/scale. Constant columns keep a scale of 1."""

    mean: Array
    scale: Array

    @classmethod
    def fit(cls, x: Array) -> Standardizer:
        """Return the standardizer of these samples, shape (samples, columns)."""
        deviation = x.std(axis=0)
        # What rounding leaves of a constant column must not be blown up to unit variance.
        constant = deviation <= 1e-12 * np.abs(x).max(axis=0, initial=0.0)
        return cls(x.mean(axis=0), np.where(constant, 1.0, deviation))

    def transform(self, x: Array) -> Array:
        """Return standardised samples."""
        scaled: Array = (x - self.mean) / self.scale
        return scaled

    def inverse(self, z: Array) -> Array:
        """Return samples in their own units again."""
        restored: Array = z * self.scale + self.mean
        return restored


@dataclass(frozen=True)
class _Source:
    """All samples of a source, before the split."""

    x: Array
    y: Array
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    kind: str
    classes: tuple[str, ...] | None = None
    held_out: tuple[Array, Array] | None = None


def load_dataset(data: DataSpec, loss: str, rng: np.random.Generator, folder: Path) -> Dataset:
    """Return the data set that a specification names.

    Parameters
    ----------
    data : DataSpec
    loss : str
        The loss's name: under a cross-entropy a single target column holds classes.
    rng : Generator
        Chooses the validation samples; drawn from only where samples are chosen.
    folder : Path
        What relative paths are relative to.

    Raises
    ------
    UserError
        If the source cannot be read or holds no fitting numbers; names file and place.
    """
    source = _load(data, loss, folder)
    if source.held_out is not None:
        return _given_split(source, data)
    return _split(source, data.validation, rng)


def _load(data: DataSpec, loss: str, folder: Path) -> _Source:
    if data.series is not None:
        path = folder / data.series
        return _series(read_series(path), data.window or 1, shown(path))
    if data.csv is not None:
        return _csv(folder / data.csv, data.target, loss)
    if data.npz is not None:
        return _npz(folder / data.npz, loss)
    if data.builtin == "sequence":
        return _series(np.array(SEQUENCE), data.window or SEQUENCE_WINDOW, "sequence")
    return _builtin(data, loss)


def _series(series: Array, window: int, where: str) -> _Source:
    x, y = windows(series, window, where)
    return _Source(x, y, tuple(f"t−{lag}" for lag in range(window, 0, -1)), ("t",), "series")


def _builtin(data: DataSpec, loss: str) -> _Source:
    record, x, y = make_builtin(data)
    if record.kind != "classification":
        return _Source(x, y, record.features, record.targets, record.kind)
    classes = tuple(str(index) for index in range(max(y.shape[1], 2)))
    if loss == "cross-entropy" and y.shape[1] == 1:
        y = np.eye(2)[y[:, 0].astype(np.int64)]
    return _Source(x, y, record.features, record.targets, record.kind, classes)


def _csv(path: Path, target: tuple[str, ...], loss: str) -> _Source:
    features, x, y = split_columns(path, target, labels=loss in CLASSIFYING)
    return _classified(x, y, features, target, loss, shown(path))


def _npz(path: Path, loss: str) -> _Source:
    arrays, name = read_arrays(path), shown(path)
    for needed in ("X", "y"):
        if needed not in arrays:
            found = ", ".join(shown(key) for key in arrays) or "none"
            raise UserError(f"{name}: has no array '{needed}'; it has {found}")
    x, y = _samples(arrays["X"], arrays["y"], name, "X", "y")
    features = tuple(f"x{column}" for column in range(1, x.shape[1] + 1))
    targets = tuple(f"y{column}" for column in range(1, y.shape[1] + 1))
    source = _classified(x, y, features, targets, loss, name)
    if "X_validation" not in arrays:
        return source
    if "y_validation" not in arrays:
        raise UserError(f"{name}: has X_validation and no y_validation; give both")
    held_x, held_y = _samples(
        arrays["X_validation"], arrays["y_validation"], name, "X_validation", "y_validation"
    )
    if held_x.shape[1] != x.shape[1] or held_y.shape[1] != y.shape[1]:
        raise UserError(f"{name}: X_validation and y_validation need as many columns as X and y")
    both = _classified(
        np.concatenate([x, held_x]), np.concatenate([y, held_y]), features, targets, loss, name
    )
    count = len(x)
    return _Source(
        both.x[:count],
        both.y[:count],
        features,
        targets,
        both.kind,
        both.classes,
        (both.x[count:], both.y[count:]),
    )


def _samples(
    x: NDArray[Any], y: NDArray[Any], name: str, x_name: str, y_name: str
) -> tuple[Array, Array]:
    x, y = numeric(x, f"{name}, '{x_name}'"), numeric(y, f"{name}, '{y_name}'")
    if x.ndim != 2 or 0 in x.shape:
        raise UserError(f"{name}: '{x_name}' has shape {x.shape}; it must be (samples, features)")
    if y.ndim not in (1, 2) or len(y) != len(x) or 0 in y.shape:
        raise UserError(f"{name}: '{y_name}' has shape {y.shape}; it must be ({len(x)},) or ({len(x)}, outputs)")
    return x, y.reshape(len(y), -1)


def _classified(
    x: Array, y: NDArray[Any], features: tuple[str, ...], targets: tuple[str, ...], loss: str, name: str
) -> _Source:
    """Turn a single column of classes into what the loss needs; other targets stay as they are."""
    if loss not in CLASSIFYING or (y.ndim == 2 and y.shape[1] > 1):
        return _Source(x, np.asarray(y, np.float64), features, targets, "regression")
    labels = y.reshape(-1)
    values, index = np.unique(labels, return_inverse=True)
    classes = tuple(f"{value:g}" if isinstance(value, np.floating) else str(value) for value in values)
    if loss == "cross-entropy":
        if len(values) < 2:
            raise UserError(f"{name}: all samples are of class '{shown(classes[0])}'; two are needed")
        if len(values) > 1000:
            raise UserError(f"{name}: {len(values)} classes; are the targets classes? at most 1000 are taken")
        return _Source(x, np.eye(len(values))[index], features, classes, "classification", classes)
    if len(values) == 2:
        return _Source(x, index.astype(np.float64)[:, None], features, targets, "classification", classes)
    if labels.dtype.kind == "f" and values.min() >= 0 and values.max() <= 1:
        return _Source(x, labels[:, None].astype(np.float64), features, targets, "classification", ("0", "1"))
    raise UserError(
        f"{name}: binary-cross-entropy needs two classes or probabilities; found {len(values)} different targets"
    )


def _given_split(source: _Source, data: DataSpec) -> Dataset:
    if data.validation:
        raise UserError("[data] validation cannot be given beside X_validation; leave one out")
    assert source.held_out is not None
    held_x, held_y = source.held_out
    count = len(source.x)
    return _dataset(
        source, source.x, source.y, held_x, held_y, np.arange(count), np.arange(count, count + len(held_x))
    )


def _split(source: _Source, fraction: float, rng: np.random.Generator) -> Dataset:
    count = len(source.x)
    held = 0
    if fraction and count > 1:
        held = min(max(round(fraction * count), 1), count - 1)
    if source.kind == "series" or not held:
        training, validation = np.arange(count - held), np.arange(count - held, count)
    else:
        order = rng.permutation(count)
        training, validation = np.sort(order[held:]), np.sort(order[:held])
    return _dataset(
        source,
        source.x[training],
        source.y[training],
        source.x[validation],
        source.y[validation],
        training,
        validation,
    )


def _dataset(
    source: _Source,
    x: Array,
    y: Array,
    x_validation: Array,
    y_validation: Array,
    rows: NDArray[np.int64],
    rows_validation: NDArray[np.int64],
) -> Dataset:
    return Dataset(
        np.ascontiguousarray(x, np.float64),
        np.ascontiguousarray(y, np.float64),
        np.ascontiguousarray(x_validation, np.float64),
        np.ascontiguousarray(y_validation, np.float64),
        rows + 1,
        rows_validation + 1,
        source.feature_names,
        source.target_names,
        source.classes,
        source.kind,
    )
