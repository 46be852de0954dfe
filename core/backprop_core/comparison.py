"""What tells experiments apart, and the curve to compare them by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backprop_core.experiment_file import experiment_to_dict
from backprop_core.frames import build_curve
from backprop_core.frozen import dataclass
from backprop_core.snapshot import View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backprop_core.experiment import Experiment
    from backprop_core.snapshot import Curve, Snapshot
    from backprop_core.trainer import Trainer

UNCOMPARED = {"experiment.description", "experiment.watch", "experiment.epochs", "experiment.until"}
"""Keys that say nothing of how a network learns."""


@dataclass(frozen=True)
class CurveRequest:
    """The loss curve of the whole run in at most so many columns."""

    columns: int = 256

    def build(self, trainer: Trainer, snapshot: Snapshot, kept: dict[str, Any]) -> Curve:  # noqa: ARG002
        """Return the curve."""
        return build_curve(trainer, View(curve_columns=max(self.columns, 1)))


def differences(experiments: Sequence[Experiment]) -> dict[str, tuple[str, ...]]:
    """Return the keys in which experiments differ, each with every experiment's value; "" where it has none."""
    flat = [
        {
            f"{section}.{key}": value
            for section, table in experiment_to_dict(experiment).items()
            for key, value in table.items()
        }
        for experiment in experiments
    ]
    keys = dict.fromkeys(key for one in flat for key in one)
    different = {}
    for key in keys:
        values = tuple(_shown(one.get(key)) for one in flat)
        if key not in UNCOMPARED and len(set(values)) > 1:
            different[key] = values
    return different


def _shown(value: Any) -> str:
    """Return a value in few characters."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        if "name" not in value:
            return "given"
        options = ",".join(f"{key}={_shown(option)}" for key, option in value.items() if key != "name")
        return f"{value['name']} {options}" if options else str(value["name"])
    if isinstance(value, list):
        parts = [_shown(item) for item in value]
        return (
            parts[0]
            if len(set(parts)) == 1 and len(parts) > 1 and not parts[0].isdigit()
            else "-".join(parts)
        )
    return str(value)
