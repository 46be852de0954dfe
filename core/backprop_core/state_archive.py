"""A training state as arrays and JSON's values, and back: what is read is checked before it is believed."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from backprop_core.datasets import Standardizer, load_dataset
from backprop_core.divergence import TENSORS, Divergence
from backprop_core.errors import UserError
from backprop_core.experiment_file import experiment_from_dict, experiment_to_dict
from backprop_core.features import feature_count
from backprop_core.keeper import Keepsakes, Kept
from backprop_core.network import build_network
from backprop_core.optimizers import OPTIMIZERS
from backprop_core.snapshot import Mark
from backprop_core.trainer import NON_FINITE
from backprop_core.training_state import TrainingState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from backprop_core.datasets import Dataset
    from backprop_core.experiment import Experiment

    Arrays = dict[str, NDArray[Any]]

_KEPT = ("origin", "best", "best_validation", "begun")
_DIVERGENCE = ("step", "layer", "tensor", "neuron", "value")

_fingerprints: WeakKeyDictionary[Dataset, str] = WeakKeyDictionary()


def state_to_values(state: TrainingState) -> dict[str, Any]:
    """Return all of a state that JSON can hold."""
    return {
        "experiment": experiment_to_dict(state.experiment),
        "opened": experiment_to_dict(state.opened),
        "data_sha256": fingerprint(state.dataset),
        "optimizer_steps": state.optimizer_steps,
        "place": {"step": state.step_count, "epoch": state.epoch, "position": state.position},
        "stepped": state.stepped,
        "ended": state.ended,
        "random_state": state.random_state,
        "interventions": [asdict(mark) for mark in state.interventions],
        "divergence": state.divergence and [getattr(state.divergence, name) for name in _DIVERGENCE],
        "kept": state.kept and _keepsakes_to_values(state.kept),
    }


def _keepsakes_to_values(kept: Keepsakes) -> dict[str, Any]:
    """Return the numbers of what is kept; losses, which may be infinite, as text that gives back all bits."""
    values: dict[str, Any] = {
        name: [one.step, one.loss.hex()] for name, one in ((name, getattr(kept, name)) for name in _KEPT)
    }
    return {**values, "highest": float(kept.highest).hex()}


def state_to_arrays(state: TrainingState, prefix: str = "") -> Arrays:
    """Return a state's arrays, their names beginning with ``prefix``."""
    arrays: Arrays = {
        "parameters": state.parameters,
        "gradient": state.gradient,
        "update": state.update,
        "moments": np.array(state.moments),
        "order": state.order,
        **{f"history_{name}": array for name, array in state.history.items()},
    }
    for name, standardizer in (("x", state.x_standardizer), ("y", state.y_standardizer)):
        if standardizer is not None:
            arrays[f"standardizer_{name}"] = np.stack([standardizer.mean, standardizer.scale])
    if state.kept is not None:
        arrays |= {f"kept_{name}": getattr(state.kept, name).parameters for name in _KEPT}
    return {prefix + name: array for name, array in arrays.items()}


def fingerprint(dataset: Dataset) -> str:
    """Return a hash of all numbers of a data set and of its split."""
    if dataset not in _fingerprints:
        digest = hashlib.sha256()
        for array in (dataset.x, dataset.y, dataset.x_validation, dataset.y_validation, dataset.rows):
            digest.update(repr(array.shape).encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        _fingerprints[dataset] = digest.hexdigest()
    return _fingerprints[dataset]


class Contradiction(Exception):  # noqa: N818 - what has been found
    """A state's parts do not fit each other."""


class StateReader:
    """Reads the states of one archive; what they share, such as data, is read once.

    Parameters
    ----------
    arrays : dict
        All of the archive's.
    source : str
        Begins every error about an experiment.
    folder : Path
        What relative paths in experiments are relative to.
    """

    def __init__(self, arrays: Arrays, source: str, folder: Path) -> None:
        self._arrays = arrays
        self._source = source
        self._folder = folder
        self._datasets: dict[tuple[object, ...], Dataset] = {}

    def experiments(self, values: Mapping[str, Any], prefix: str = "") -> tuple[Experiment, Experiment]:
        """Return a state's experiment, and what it was opened as.

        Raises
        ------
        Contradiction
            If their network has more parameters than the archive holds: no memory may be taken for it.
        UserError
        """
        experiment, opened = (
            experiment_from_dict(_table(values[key]), self._source, self._folder)
            for key in ("experiment", "opened")
        )
        hidden = experiment.network.hidden
        least = sum(a * b for a, b in pairwise(hidden)) + sum(hidden[:1] + hidden[-1:])
        if least > self._arrays[prefix + "parameters"].size:
            raise Contradiction
        return experiment, opened

    def state(self, values: Mapping[str, Any], prefix: str = "") -> TrainingState:
        """Return the state that its values and the arrays with this prefix describe.

        Raises
        ------
        Contradiction
            If the parts do not fit each other. Values of a wrong type are TypeErrors, ValueErrors and the like.
        UserError
            If the data cannot be read.
        """
        experiment, opened = self.experiments(values, prefix)
        dataset = self._dataset(experiment)
        if values["data_sha256"] != fingerprint(dataset):
            raise Contradiction("data")
        inputs = feature_count(experiment.data, dataset)
        network = build_network(experiment.network, inputs, dataset.y.shape[1])
        flat, samples = network.parameters, len(dataset.x)
        moments = len(OPTIMIZERS[experiment.training.optimizer.name].moments)
        place = {key: _count(values["place"][key]) for key in ("step", "epoch", "position")}
        order = self._array(prefix + "order", np.dtype(np.int64), (samples,))
        if place["position"] >= samples or not np.array_equal(np.sort(order), np.arange(samples)):
            raise Contradiction
        return TrainingState(
            experiment=experiment,
            opened=opened,
            dataset=dataset,
            x_standardizer=self._standardizer(prefix + "standardizer_x", inputs),
            y_standardizer=self._standardizer(prefix + "standardizer_y", dataset.y.shape[1]),
            parameters=self._array(prefix + "parameters", flat.dtype, flat.shape),
            gradient=self._array(prefix + "gradient", flat.dtype, flat.shape),
            update=self._array(prefix + "update", flat.dtype, flat.shape),
            moments=tuple(self._array(prefix + "moments", flat.dtype, (moments, flat.size)))
            if moments
            else (),
            optimizer_steps=_count(values["optimizer_steps"]),
            order=order,
            position=place["position"],
            step_count=place["step"],
            epoch=place["epoch"],
            stepped=bool(values["stepped"]),
            ended=_ended(values["ended"]),
            random_state=_random_state(values["random_state"]),
            history={
                name: self._arrays[f"{prefix}history_{name}"]
                for name in ("columns", "position", "non_finite")
            },
            interventions=tuple(_mark(mark) for mark in values["interventions"]),
            divergence=_divergence(values.get("divergence")),
            kept=self._keepsakes(values.get("kept"), prefix, flat),
        )

    def _dataset(self, experiment: Experiment) -> Dataset:
        data, loss = replace(experiment.data, standardize=False, features=()), experiment.training.loss.name
        key = (data, loss, experiment.seed)
        if key not in self._datasets:
            rng = np.random.default_rng(experiment.seed)
            try:
                dataset = load_dataset(data, loss, rng, self._folder)
            except UserError as error:
                raise UserError(f"{self._source}: its data cannot be read again: {error}") from None
            self._datasets[key] = dataset
        return self._datasets[key]

    def _array(self, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        array = self._arrays[name]
        if array.dtype != dtype or array.shape != shape:
            raise Contradiction
        return array

    def _keepsakes(self, values: Any, prefix: str, like: NDArray[Any]) -> Keepsakes | None:
        """Return what was kept; None in checkpoints from before anything was."""
        if values is None:
            return None
        kept = {}
        for name in _KEPT:
            step, loss = _table(values)[name]
            parameters = self._array(f"{prefix}kept_{name}", like.dtype, like.shape)
            kept[name] = Kept(_count(step), float.fromhex(loss), parameters)
        return Keepsakes(**kept, highest=float.fromhex(values["highest"]))

    def _standardizer(self, name: str, columns: int) -> Standardizer | None:
        if name not in self._arrays:
            return None
        mean, scale = self._array(name, np.dtype(np.float64), (2, columns))
        if not (np.isfinite(mean).all() and np.isfinite(scale).all() and (scale > 0).all()):
            raise Contradiction
        return Standardizer(mean, scale)


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Contradiction
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise Contradiction
    return value


def _ended(value: Any) -> str | None:
    if value not in (None, NON_FINITE):
        raise Contradiction
    ended: str | None = value
    return ended


def _divergence(value: Any) -> Divergence | None:
    if value is None:
        return None
    step, layer, tensor, neuron, number = value
    if tensor not in TENSORS or number not in ("inf", "-inf", "nan"):
        raise Contradiction
    return Divergence(_count(step), _count(layer), tensor, None if neuron is None else _count(neuron), number)


def _mark(value: Any) -> Mark:
    mark = Mark(**_table(value))
    _count(mark.step)
    if not isinstance(mark.text, str):
        raise Contradiction
    return mark


def _random_state(value: Any) -> dict[str, Any]:
    """Return a bit generator's state that one takes."""
    state = _table(value)
    np.random.default_rng().bit_generator.state = state
    return state
