"""The diagnosis as its users have it: the command, run in this process, its events read."""

from __future__ import annotations

import gc
import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from math import inf
from typing import TYPE_CHECKING, Any

from backprop_tui.cli import main

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Diagnosed:
    """What the command said and did.

    ``named`` are the ids of the first diagnosis with a confirmed finding, root first, of which ``confirmed``
    are confirmed; ``step`` is when; ``treatment`` are the commands applied; losses are in the data's units,
    inf if not finite.
    """

    named: tuple[str, ...]
    confirmed: tuple[str, ...]
    step: int | None
    treatment: tuple[str, ...]
    training: float
    validation: float

    def loss(self, judged_by: str) -> float:
        """Return the loss at the end, on the training or on the validation samples."""
        return self.training if judged_by == "training" else self.validation


def diagnose(experiment: Path) -> Diagnosed:
    """Run ``backprop-tui diagnose --treat`` and read its events."""
    # The command does without in its own short life, which is not this process's.
    gc.enable()
    output, errors = StringIO(), StringIO()
    with redirect_stdout(output), redirect_stderr(errors):
        code = main(["diagnose", str(experiment), "--treat", "--json"])
    if code not in (0, 1, 3):
        raise RuntimeError(f"{experiment}: exit code {code}: {errors.getvalue().strip()}")
    return read_events([json.loads(line) for line in output.getvalue().splitlines()])


def read_events(events: Sequence[dict[str, Any]]) -> Diagnosed:
    """Return what the events say; findings that come at one step are one diagnosis."""
    findings = [event for event in events if event["event"] == "finding"]
    first = next((event["step"] for event in findings if _is_confirmed(event)), None)
    diagnosis = [event for event in findings if event["step"] == first]
    last = [event for event in events if event["event"] == "snapshot"][-1]
    return Diagnosed(
        tuple(event["id"] for event in diagnosis),
        tuple(event["id"] for event in diagnosis if _is_confirmed(event)),
        first,
        tuple(event["command"] for event in events if event["event"] == "command"),
        _finite(last["loss"]["training"]),
        _finite(last["loss"]["validation"]),
    )


def _is_confirmed(event: dict[str, Any]) -> bool:
    return bool(event.get("confirmed")) or any(cure["confirmed"] for cure in event["cures"])


def _finite(value: float | None) -> float:
    return inf if value is None else float(value)
