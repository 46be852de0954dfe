"""The experiments that come with the package."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from backprop_core.errors import UserError, nearest
from backprop_core.experiment_file import read_experiment

if TYPE_CHECKING:
    from backprop_core.experiment import Experiment

PRESETS = Path(__file__).parent / "presets"

ORDER = (
    "sequence",
    "as-posted",
    "repaired",
    "worked-example",
    "digits",
    "dying-relu",
    "dead-output",
    "vanishing-sigmoid",
    "saturated-tanh",
    "rate-too-high",
    "unstandardized",
    "zero-initialization",
    "overfitting",
    "xor",
    "moons",
    "circles",
    "spiral",
)
"""In the order in which they are listed: the posted network, then faults, then healthy ones."""


def preset_names() -> tuple[str, ...]:
    """Return the presets' names in their order."""
    return ORDER


def load_preset(name: str) -> Experiment:
    """Return a preset; an unknown name is a UserError that names the nearest."""
    if name not in ORDER:
        raise UserError(f"no preset '{name}'{nearest(name, ORDER)}")
    return replace(read_experiment(PRESETS / f"{name}.toml"), source="")
