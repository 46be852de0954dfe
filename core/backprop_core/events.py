"""The events that a run writes, one JSON object a line."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from backprop_core import __version__
from backprop_core.errors import UserError
from backprop_core.experiment_file import experiment_to_dict
from backprop_core.files import shown

if TYPE_CHECKING:
    from pathlib import Path

    from backprop_core.commands import Outcome
    from backprop_core.diagnosis.report import Finding
    from backprop_core.experiment import Experiment
    from backprop_core.snapshot import Snapshot
    from backprop_core.trainer import Trainer

Event = dict[str, Any]


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


def finding_event(finding: Finding) -> Event:
    """Return a finding as an event, with what its cures were measured to do."""
    return {
        "event": "finding",
        "id": finding.id,
        "step": finding.step,
        "since": finding.since,
        "severity": finding.severity,
        "confirmed": finding.confirmed,
        "summary": finding.summary,
        "why": finding.why,
        "evidence": dict(finding.evidence),
        "units": [list(unit) for unit in finding.units],
        "rows": list(finding.rows),
        "cause_of": list(finding.cause_of),
        "cures": [
            {
                "id": cure.id,
                "command": cure.command,
                "summary": cure.summary,
                "exact": cure.exact,
                "confirmed": cure.confirmed,
                "harmful": cure.harmful,
                "measured": cure.measured,
                "epochs": cure.epochs,
                "loss_untreated": cure.loss_untreated,
                "loss_treated": cure.loss_treated,
            }
            for cure in finding.cures
        ],
    }


def end_event(trainer: Trainer, reason: str) -> Event:
    """Return the event that closes a run; its loss is that of the training set."""
    return {
        "event": "end",
        "reason": reason,
        "step": trainer.step_count,
        "epoch": trainer.epoch,
        "loss": trainer.census().loss,
        "parameters_sha256": trainer.parameters_sha256(),
    }


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
    """Appends events to a file, one write an event, so that a kill costs the last line at most."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise UserError(f"{shown(path)}: cannot be written: {error.strerror}") from None

    def write(self, event: Event) -> None:
        """Append an event."""
        self._file.write(to_json_line(event).encode())

    def close(self) -> None:
        """Close the file."""
        self._file.close()
