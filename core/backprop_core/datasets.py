"""Data sets: where samples come from, how they are split, how they are scaled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.builtin_data import OPTIONS, make_builtin
from backprop_core.errors import UserError
from backprop_core.files import shown
from backprop_core.targets import CLASSIFYING, make_targets
from backprop_core.windows import windows

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from backprop_core.experiment import DataSpec

    Array = NDArray[np.float64]

SOURCES = ("builtin", "csv", "series", "npz")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training and validation samples in their own units, float64, C-contiguous.

    Attributes
    ----------
    x, y : arrays, shape (samples, features) and (samples, outputs)
    x_validation, y_validation : arrays, possibly of no rows
    rows, rows_validation : arrays of int
        Each sample's number in its source, counted from 1; of an archive's own validation samples, counted
        on from the training samples.
    feature_names, target_names : tuple of str
        One a column, made harmless to show.
    classes : tuple of str, or None
        Names of the classes in the order of the outputs; two names for one output. None where outputs are
        no classes that exclude each other.
    kind : str
        ``"series"``, ``"regression"`` or ``"classification"``; the last wherever targets are classes or
        probabilities, which no standardisation may touch.
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

    @property
    def size(self) -> int:
        """Bytes of its samples."""
        return sum(array.nbytes for array in (self.x, self.y, self.x_validation, self.y_validation))


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


@dataclass(frozen=True, eq=False)
class _Samples:
    """All samples of a source before the split; the last ``held_out`` are its own validation samples.

    ``y`` may be the labels of one target. ``name`` begins every error.
    """

    name: str
    x: Array
    y: Array | list[str]
    features: tuple[str, ...]
    targets: tuple[str, ...]
    kind: str
    classes: tuple[str, ...] | None = None
    held_out: int = 0


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
    source = _only_source(data)
    load = {"builtin": _load_builtin, "csv": _load_csv, "series": _load_series, "npz": _load_npz}[source]
    samples = load(data, loss, folder)
    training, validation = _split(
        len(samples.x), data.validation, rng, series=samples.kind == "series", held_out=samples.held_out
    )
    targets = make_targets(loss, samples.y, samples.targets, samples.classes, samples.name)
    return Dataset(
        x=np.ascontiguousarray(samples.x[training], np.float64),
        y=np.ascontiguousarray(targets.y[training], np.float64),
        x_validation=np.ascontiguousarray(samples.x[validation], np.float64),
        y_validation=np.ascontiguousarray(targets.y[validation], np.float64),
        rows=training + 1,
        rows_validation=validation + 1,
        feature_names=tuple(map(shown, samples.features)),
        target_names=tuple(map(shown, targets.names)),
        classes=targets.classes and tuple(map(shown, targets.classes)),
        kind="classification" if loss in CLASSIFYING else samples.kind,
    )


def _only_source(data: DataSpec) -> str:
    given = [source for source in SOURCES if getattr(data, source) is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none"
        raise UserError(f"[data] needs exactly one of {', '.join(SOURCES)}; it has {found}")
    source = given[0]
    takes = {"builtin": OPTIONS, "csv": ("target",), "series": ("window",), "npz": ()}[source]
    for option in ("target", *OPTIONS):
        if option not in takes and getattr(data, option) not in (None, ()):
            raise UserError(f"[data] {option}: cannot be given beside {source}; leave it out")
    return source


def _load_builtin(data: DataSpec, loss: str, folder: Path) -> _Samples:
    record, x, y = make_builtin(data)
    name = f"[data] builtin '{record.name}'"
    if loss in CLASSIFYING and y.shape[1] == 1 and record.classes is None:
        raise UserError(f"{name}: holds no classes for {loss}; choose a loss such as quadratic")
    features = record.features or _lags(x.shape[1])
    return _Samples(name, x, y, features, record.targets, record.kind, record.classes)


def _load_series(data: DataSpec, loss: str, folder: Path) -> _Samples:
    from backprop_core.readers import read_series

    if data.window is None:
        raise UserError("[data] series needs window, how many numbers predict the next")
    path = folder / str(data.series)
    x, y = windows(read_series(path), data.window, shown(path))
    return _Samples(shown(path), x, y, _lags(data.window), ("t",), "series")


def _lags(window: int) -> tuple[str, ...]:
    return tuple(f"t-{lag}" for lag in range(window, 0, -1))


def _load_csv(data: DataSpec, loss: str, folder: Path) -> _Samples:
    from backprop_core.readers import read_csv

    path = folder / str(data.csv)
    table = read_csv(path, data.target, labels=loss in CLASSIFYING)
    return _Samples(shown(path), table.x, table.y, table.features, data.target, "regression")


def _load_npz(data: DataSpec, loss: str, folder: Path) -> _Samples:
    from backprop_core.archives import read_arrays

    path = folder / str(data.npz)
    arrays = read_arrays(path, ("X", "y", "X_validation", "y_validation"))
    name = shown(path)
    x, y = _samples_of(arrays, "X", "y", name)
    features = tuple(f"x{column + 1}" for column in range(x.shape[1]))
    targets = tuple(f"y{column + 1}" for column in range(y.shape[1]))
    samples = _Samples(name, x, y, features, targets, "regression")
    if not {"X_validation", "y_validation"} & set(arrays):
        return samples
    if data.validation:
        raise UserError(
            f"{name}: holds X_validation; [data] validation cannot be given besides, leave it out"
        )
    held_x, held_y = _samples_of(arrays, "X_validation", "y_validation", name)
    if (held_x.shape[1], held_y.shape[1]) != (x.shape[1], y.shape[1]):
        raise UserError(f"{name}: X_validation and y_validation must have as many columns as X and y")
    return replace(
        samples, x=np.concatenate([x, held_x]), y=np.concatenate([y, held_y]), held_out=len(held_x)
    )


def _samples_of(arrays: dict[str, NDArray[Any]], x_name: str, y_name: str, name: str) -> tuple[Array, Array]:
    from backprop_core.archives import numeric

    for needed in (x_name, y_name):
        if needed not in arrays:
            raise UserError(f"{name}: has no array '{needed}'; save both {x_name} and {y_name}")
    x, y = arrays[x_name], arrays[y_name]
    if x.ndim != 2 or 0 in x.shape:
        raise UserError(f"{name}, array '{x_name}': has shape {x.shape}; it must be (samples, features)")
    if y.ndim not in (1, 2) or len(y) != len(x) or 0 in y.shape:
        raise UserError(
            f"{name}, array '{y_name}': has shape {y.shape}; it must be ({len(x)},) or ({len(x)}, outputs)"
        )
    x, y = numeric(x, f"{name}, array '{x_name}'"), numeric(y, f"{name}, array '{y_name}'")
    return x, y.reshape(len(y), -1)


def split_again(dataset: Dataset, fraction: float, rng: np.random.Generator, *, series: bool) -> Dataset:
    """Return the same samples, as :func:`load_dataset` splits them with this fraction and generator."""
    rows = np.concatenate([dataset.rows, dataset.rows_validation])
    order = np.argsort(rows, kind="stable")
    x = np.concatenate([dataset.x, dataset.x_validation])[order]
    y = np.concatenate([dataset.y, dataset.y_validation])[order]
    training, validation = _split(len(x), fraction, rng, series=series, held_out=0)
    return replace(
        dataset,
        x=x[training],
        y=y[training],
        x_validation=x[validation],
        y_validation=y[validation],
        rows=training + 1,
        rows_validation=validation + 1,
    )


def _split(
    count: int, fraction: float, rng: np.random.Generator, *, series: bool, held_out: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of the training and of the validation samples, counted from 0, each ascending."""
    if not 0.0 <= fraction < 1.0:
        raise UserError(f"[data] validation: must be from 0 to under 1, not {fraction}")
    held = held_out
    if fraction and count > 1:
        held = min(max(round(fraction * count), 1), count - 1)
    order = np.arange(count)
    if held and not series and not held_out:
        shuffled = rng.permutation(count)
        return np.sort(shuffled[held:]), np.sort(shuffled[:held])
    return order[: count - held], order[count - held :]
