"""The events that a run writes, one JSON object a line."""

from __future__ import annotations

import json
import math
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from backprop_core import __version__
from backprop_core.errors import UserError
from backprop_core.experiment_file import experiment_to_dict
from backprop_core.files import shown, write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from backprop_core.commands import Outcome
    from backprop_core.experiment import Experiment
    from backprop_core.snapshot import Snapshot
    from backprop_core.trainer import Trainer

Event = dict[str, Any]

BEGINNING = b'{"event"'
"""How every line begins."""


def start_event(experiment: Experiment, parameters: int) -> Event:
    """Return the event that opens a run of a network of so many parameters."""
    return {
        "event": "start",
        "version": __version__,
        "experiment": experiment_to_dict(experiment),
        "parameters": parameters,
        "seed": experiment.seed,
    }


def snapshot_event(snapshot: Snapshot) -> Event:
    """Return a snapshot as an event."""
    return {
        "event": "snapshot",
        "step": snapshot.step,
        "epoch": snapshot.epoch,
        "loss": {"training": snapshot.training_loss, "validation": snapshot.validation_loss},
        "learning_rate": snapshot.learning_rate,
        "gradient_norm": snapshot.gradient_norm,
        "layers": [
            {
                "layer": layer.layer,
                "activation": layer.activation,
                "units": layer.units,
                "dead": list(layer.dead),
                "gradient_norm": layer.gradient_norm,
                "update_ratio": layer.update_ratio,
            }
            for layer in snapshot.layers
        ],
        "predictions": [
            {
                "row": row.row,
                "validation": row.validation,
                "prediction": list(row.prediction),
                "target": list(row.target),
            }
            for row in snapshot.predictions
        ],
    }


def command_event(outcome: Outcome) -> Event:
    """Return what a command did as an event."""
    event = {
        "event": "command",
        "step": outcome.step,
        "command": outcome.command,
        "result": outcome.result,
        "loss_before": outcome.loss_before,
        "loss_after": outcome.loss_after,
    }
    return event if outcome.warning is None else {**event, "warning": outcome.warning}


def expect_event(outcome: Outcome) -> Event:
    """Return what an ``expect`` found as an event."""
    condition = outcome.command.removeprefix("expect ")
    return {"event": "expect", "condition": condition, "value": outcome.value, "passed": outcome.passed}


def outcome_event(outcome: Outcome) -> Event:
    """Return the event of any command's outcome."""
    return command_event(outcome) if outcome.passed is None else expect_event(outcome)


def end_event(trainer: Trainer, reason: str) -> Event:
    """Return the event that closes a run; its loss is that of the training set.

    Of a run that diverged it says where that began.
    """
    event = {
        "event": "end",
        "reason": reason,
        "step": trainer.step_count,
        "epoch": trainer.epoch,
        "loss": trainer.census().loss,
        "parameters_sha256": trainer.parameters_sha256(),
    }
    divergence = trainer.located_divergence()
    if divergence is None:
        return event
    parts = ("step", "layer", "tensor", "neuron", "value")
    return {**event, "divergence": {name: getattr(divergence, name) for name in parts}}


def to_json_line(event: Event) -> str:
    """Return an event as one line; numbers that are not finite become null, and ``finite`` false."""
    finite, found = _without_non_finite(event)
    if found:
        finite["finite"] = False
    return json.dumps(finite, ensure_ascii=True, allow_nan=False) + "\n"


def _without_non_finite(value: Any) -> tuple[Any, bool]:
    if isinstance(value, float) and not math.isfinite(value):
        return None, True
    if isinstance(value, dict):
        parts = {key: _without_non_finite(item) for key, item in value.items()}
        return {key: part for key, (part, _) in parts.items()}, any(found for _, found in parts.values())
    if isinstance(value, list):
        items = [_without_non_finite(item) for item in value]
        return [item for item, _ in items], any(found for _, found in items)
    return value, False


class Recorder:
    """Appends events to a file, whole lines only: a kill costs the last line at most, a full disk none.

    Raises
    ------
    UserError
        If the file cannot be opened, or holds something else than events.
    """

    def __init__(self, path: Path) -> None:
        try:
            # Without O_NONBLOCK, opening a pipe that nobody reads would wait for ever.
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o666)
        except OSError as error:
            raise UserError(f"{shown(path)}: cannot be written: {error.strerror}") from None
        except ValueError:
            raise UserError(f"{shown(path)}: is not a file's name") from None
        os.set_blocking(descriptor, True)
        self._file = open(descriptor, "ab", buffering=0)  # noqa: PTH123, SIM115
        self._regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        if self._regular and self._file.tell():
            self._look_at_what_is_there(path)

    def _look_at_what_is_there(self, path: Path) -> None:
        """Append to a record only; after a line that a kill has cut off, begin a new one."""
        try:
            with path.open("rb") as file:
                beginning = file.read(len(BEGINNING))
                file.seek(-1, os.SEEK_END)
                cut_off = file.read(1) != b"\n"
        except OSError:
            # It may be written and not read.
            return
        if not BEGINNING.startswith(beginning):
            self._file.close()
            raise UserError(f"{shown(path)}: is there and is no record; give another file")
        if cut_off:
            self._append(b"\n")

    def write(self, event: Event) -> None:
        """Append an event; an OSError leaves the record as it was before."""
        self._append(to_json_line(event).encode())

    def _append(self, content: bytes) -> None:
        begin = os.fstat(self._file.fileno()).st_size
        try:
            write_whole(self._file, content)
        except OSError:
            if self._regular:
                with suppress(OSError):
                    self._file.truncate(begin)
            raise

    def close(self) -> None:
        """Sync and close the file; may be called more than once."""
        if self._file.closed:
            return
        with suppress(OSError):
            os.fsync(self._file.fileno())
        self._file.close()
