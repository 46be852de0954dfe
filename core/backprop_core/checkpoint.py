"""Checkpoints: the whole state of a trainer as one NPZ file without pickle, written atomically."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core import __version__
from backprop_core.archives import arrays_from_bytes
from backprop_core.commands import Expect, Save, SaveCheckpoint, TakeSnapshot
from backprop_core.errors import UserError
from backprop_core.files import arrays_to_bytes, read_bytes, shown, write_atomically
from backprop_core.frozen import dataclass
from backprop_core.grammar import format_command, parse_command
from backprop_core.journal import Journal
from backprop_core.state_archive import Contradiction, StateReader, state_to_arrays, state_to_values
from backprop_core.trainer import Trainer
from backprop_core.training_state import capture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.commands import Command
    from backprop_core.training_state import TrainingState

FORMAT = 1

LARGEST_FILE = 1 << 32

BEFORE_DIVERGENCE = "before_"

UNDO_STATES = 20
UNDO_BYTES = 32 * 1024 * 1024
"""Of the states that undo goes back to, a checkpoint holds the latest, so many and so large together."""


@dataclass(frozen=True)
class Checkpoint:
    """A trainer as it was, and whether whoever looked at it had paused it."""

    trainer: Trainer
    paused: bool


def to_bytes(trainer: Trainer, *, paused: bool = False) -> bytes:
    """Return a trainer's state as a checkpoint file's content."""
    trainer.located_divergence()
    state = capture(trainer)
    before = state.divergence.before if state.divergence else None
    undo = _kept_undo_states(trainer)
    meta = {
        "format": FORMAT,
        "version": __version__,
        "folder": str(state.opened.folder.absolute()),
        "paused": paused,
        **state_to_values(state),
        "undo": [{"undoes": text, **state_to_values(earlier)} for text, earlier in undo],
        "before_divergence": before and state_to_values(before),
        "journal": [format_command(command) for command in trainer.journal],
    }
    arrays: dict[str, NDArray[Any]] = {
        "meta": np.frombuffer(json.dumps(meta).encode(), np.uint8),
        **state_to_arrays(state),
    }
    for number, (_, earlier) in enumerate(undo):
        arrays |= state_to_arrays(earlier, _undo_prefix(number))
    if before:
        arrays |= state_to_arrays(before, BEFORE_DIVERGENCE)
    return arrays_to_bytes(arrays)


def _kept_undo_states(trainer: Trainer) -> list[tuple[str, TrainingState]]:
    """Return the latest entries of the undo stack that a checkpoint has room for."""
    kept: list[tuple[str, TrainingState]] = []
    room = UNDO_BYTES
    for text, state in reversed(trainer.undo_stack[-UNDO_STATES:]):
        room -= state.size
        if room < 0:
            break
        kept.insert(0, (text, state))
    return kept


def _undo_prefix(number: int) -> str:
    return f"undo{number}_"


def open_checkpoint(content: bytes, source: str) -> Checkpoint:
    """Return what :func:`to_bytes` was taken of; its data are read again.

    Raises
    ------
    UserError
        If the content is no checkpoint, or its data are no longer what they were.
    """
    arrays = _arrays(content, source)
    meta = _meta(arrays, source)
    try:
        return _rebuilt(meta, arrays, source)
    except Contradiction as found:
        if found.args:
            raise UserError(
                f"{source}: the experiment's data have changed since the checkpoint was written;"
                " put them back as they were"
            ) from None
        raise _contradicts(source) from None
    except _MALFORMED:
        raise _contradicts(source) from None


_MALFORMED = (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError)


def _arrays(content: bytes, source: str) -> dict[str, NDArray[Any]]:
    try:
        # Nothing in a checkpoint is compressed, so no more can be in it than the file is long.
        arrays = arrays_from_bytes(content, source, most=len(content))
    except UserError:
        arrays = {}
    if "meta" not in arrays:
        raise _no_checkpoint(source)
    return arrays


def _no_checkpoint(source: str) -> UserError:
    return UserError(
        f"{source}: not a checkpoint of backprop-tui, or not a whole one; write one with `checkpoint FILE`"
    )


def _meta(arrays: dict[str, NDArray[Any]], source: str) -> dict[str, Any]:
    try:
        meta = json.loads(arrays["meta"].tobytes())
        number = meta["format"]
    except _MALFORMED:
        raise _no_checkpoint(source) from None
    if number != FORMAT:
        written = shown(meta.get("version", "unknown"))
        raise UserError(
            f"{source}: checkpoint format {shown(number)}, of version {written}; this version reads {FORMAT}"
        )
    checked: dict[str, Any] = meta
    return checked


def _contradicts(source: str) -> UserError:
    return UserError(f"{source}: the checkpoint contradicts itself; use an earlier one")


def _rebuilt(meta: dict[str, Any], arrays: dict[str, NDArray[Any]], source: str) -> Checkpoint:
    reader = StateReader(arrays, source, Path(meta["folder"]))
    state = reader.state(meta)
    trainer = Trainer.at(state)
    if trainer.divergence and meta.get("before_divergence"):
        before = reader.state(meta["before_divergence"], BEFORE_DIVERGENCE)
        trainer.divergence = replace(trainer.divergence, before=before)
    undo = meta.get("undo", [])
    if len(undo) > UNDO_STATES:
        raise Contradiction
    trainer.undo_stack = [
        (format_command(_journalled(entry["undoes"])), reader.state(entry, _undo_prefix(number)))
        for number, entry in enumerate(undo)
    ]
    trainer.record = Journal([_journalled(line) for line in meta["journal"]], trainer.place)
    return Checkpoint(trainer, meta.get("paused") is True)


def _journalled(line: str) -> Command:
    """Return a command of a journal: one that writes or prints was never in one."""
    try:
        command = parse_command(line)
    except UserError:
        raise Contradiction from None
    if isinstance(command, (Expect, TakeSnapshot, Save, SaveCheckpoint)):
        raise Contradiction
    return command


def from_bytes(content: bytes, source: str) -> Trainer:
    """Return the trainer of a checkpoint's content, as :func:`open_checkpoint` does."""
    return open_checkpoint(content, source).trainer


def write_checkpoint(trainer: Trainer, path: Path, *, paused: bool = False) -> None:
    """Write a checkpoint; a reader sees the old file or the new one, never a part."""
    write_atomically(path, to_bytes(trainer, paused=paused))


def read_checkpoint(path: Path) -> Trainer:
    """Return the trainer of a checkpoint file."""
    return from_bytes(read_bytes(path, LARGEST_FILE), shown(path))
