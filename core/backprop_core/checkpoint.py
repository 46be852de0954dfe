"""Checkpoints: the whole state of a trainer as one NPZ file without pickle, written atomically."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core import __version__
from backprop_core.datasets import Standardizer
from backprop_core.errors import UserError
from backprop_core.experiment_file import experiment_from_dict, experiment_to_dict
from backprop_core.files import arrays_to_bytes, write_atomically
from backprop_core.grammar import format_command, parse_command
from backprop_core.journal import Journal, Place
from backprop_core.keeper import Keepsakes, Kept
from backprop_core.snapshot import Mark
from backprop_core.trainer import Trainer
from backprop_core.training_state import TrainingState, capture, restore

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.datasets import Dataset
    from backprop_core.experiment import Experiment

FORMAT = 1
KEPT = ("origin", "best", "best_validation", "begun")


def to_bytes(trainer: Trainer) -> bytes:
    """Return a trainer's state as a checkpoint file's content."""
    state = capture(trainer)
    meta = {
        "format": FORMAT,
        "version": __version__,
        "experiment": experiment_to_dict(state.experiment),
        "opened": experiment_to_dict(state.opened),
        "folder": str(state.opened.folder.absolute()),
        "data_sha256": fingerprint(state.dataset),
        "optimizer_steps": state.optimizer_steps,
        "place": asdict(trainer.place),
        "stepped": state.stepped,
        "ended": state.ended,
        "random_state": state.random_state,
        "interventions": [asdict(mark) for mark in state.interventions],
        "kept": _kept_numbers(state.kept),
        "journal": [format_command(command) for command in trainer.journal],
    }
    arrays: dict[str, NDArray[Any]] = {
        "meta": np.frombuffer(json.dumps(meta).encode(), np.uint8),
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
        for name in KEPT:
            arrays[f"{name}_parameters"] = getattr(state.kept, name).parameters
    return arrays_to_bytes(arrays)


def _kept_numbers(kept: Keepsakes | None) -> dict[str, Any] | None:
    if kept is None:
        return None
    numbers = {
        name: [one.step, _text(one.loss)] for name, one in ((name, getattr(kept, name)) for name in KEPT)
    }
    return {**numbers, "highest": _text(kept.highest)}


def _text(number: float) -> str:
    """Return a float that may be infinite as text that gives back all its bits."""
    return float(number).hex()


def _keepsakes(meta: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Keepsakes | None:
    """Return what was kept; None in checkpoints from before anything was."""
    numbers = meta.get("kept")
    if numbers is None:
        return None
    kept = {}
    for name in KEPT:
        step, loss = numbers[name]
        kept[name] = Kept(step, float.fromhex(loss), arrays[f"{name}_parameters"])
    return Keepsakes(**kept, highest=float.fromhex(numbers["highest"]))


def from_bytes(content: bytes, source: str) -> Trainer:
    """Return the trainer that :func:`to_bytes` was taken of; its data are read again.

    Raises
    ------
    UserError
        If the content is no checkpoint, or its data are no longer what they were.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        meta = json.loads(arrays["meta"].tobytes())
        if meta["format"] != FORMAT:
            raise UserError(f"{source}: checkpoint format {meta['format']}; this version reads {FORMAT}")
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{source}: not a checkpoint of backprop-tui; write one with `checkpoint FILE`"
        ) from error
    folder = Path(meta["folder"])
    opened = experiment_from_dict(meta["opened"], source, folder)
    experiment = experiment_from_dict(meta["experiment"], source, folder)
    trainer = Trainer(opened)
    if fingerprint(trainer.dataset) != meta["data_sha256"]:
        raise UserError(f"{source}: the experiment's data have changed since the checkpoint was written")
    try:
        restore(trainer, _state(meta, arrays, experiment, opened, trainer.dataset))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise UserError(f"{source}: the checkpoint contradicts itself; use an earlier one") from error
    commands = [parse_command(line) for line in meta["journal"]]
    trainer.record = Journal(commands, Place(**meta["place"]))
    return trainer


def _state(
    meta: dict[str, Any],
    arrays: dict[str, NDArray[Any]],
    experiment: Experiment,
    opened: Experiment,
    dataset: Dataset,
) -> TrainingState:
    standardizers = {
        name: Standardizer(*arrays[f"standardizer_{name}"]) if f"standardizer_{name}" in arrays else None
        for name in ("x", "y")
    }
    return TrainingState(
        experiment=experiment,
        opened=opened,
        dataset=dataset,
        x_standardizer=standardizers["x"],
        y_standardizer=standardizers["y"],
        parameters=arrays["parameters"],
        gradient=arrays["gradient"],
        update=arrays["update"],
        moments=tuple(arrays["moments"]),
        optimizer_steps=meta["optimizer_steps"],
        order=arrays["order"],
        position=meta["place"]["position"],
        step_count=meta["place"]["step"],
        epoch=meta["place"]["epoch"],
        stepped=meta["stepped"],
        ended=meta["ended"],
        random_state=meta["random_state"],
        history={
            name.removeprefix("history_"): array
            for name, array in arrays.items()
            if name.startswith("history_")
        },
        interventions=tuple(Mark(**mark) for mark in meta["interventions"]),
        kept=_keepsakes(meta, arrays),
    )


def fingerprint(dataset: Dataset) -> str:
    """Return a hash of all numbers of a data set and of its split."""
    digest = hashlib.sha256()
    for array in (dataset.x, dataset.y, dataset.x_validation, dataset.y_validation, dataset.rows):
        digest.update(repr(array.shape).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def write_checkpoint(trainer: Trainer, path: Path) -> None:
    """Write a checkpoint; a reader sees the old file or the new one, never a part."""
    write_atomically(path, to_bytes(trainer))


def read_checkpoint(path: Path) -> Trainer:
    """Return the trainer of a checkpoint file."""
    if not path.is_file():
        raise UserError(f"{path}: {'not a regular file' if path.exists() else 'no such file'}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    return from_bytes(content, str(path))
