"""The options of ``run``, and the experiment that they lead to."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.datasets import load_dataset
from backprop_core.errors import UserError, nearest
from backprop_core.experiment_file import override, read_experiment, resolve
from backprop_core.experiment_options import OPTIONS, OWN_DATA, SWITCHES, key_of, own_data_base
from backprop_core.files import shown
from backprop_core.frozen import dataclass
from backprop_core.presets import load_preset, preset_names

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backprop_core.datasets import Dataset
    from backprop_core.experiment import Experiment

DEFAULT_EXPERIMENT = "sequence"
LARGE_DATA = 256
"""Own data of more samples than this are trained in batches of 32, unless told otherwise."""


@dataclass(frozen=True)
class LabOptions:
    """What the screen is opened with; either ``experiment`` or ``resume`` is given.

    ``arguments`` are the words of the command line that make the experiment, for a saved script's header.
    """

    experiment: Experiment | None = None
    resume: Path | None = None
    fps: float | None = None
    ascii_only: bool = False
    script: Path | None = None
    record: Path | None = None
    checkpoint: Path | None = None
    checkpoint_every: float | None = None
    arguments: tuple[str, ...] = ()
    treat: bool = False
    tour: bool = False


def add_experiment_options(parser: ArgumentParser) -> None:
    """Add EXPERIMENT and every option that belongs to it."""
    from argparse import BooleanOptionalAction

    parser.add_argument(
        "experiment",
        nargs="?",
        metavar="EXPERIMENT",
        help="a preset's name or a .toml file (default: sequence)",
    )
    groups: dict[str, Any] = {}
    for option in OPTIONS:
        if option.section not in groups:
            groups[option.section] = parser.add_argument_group(
                {"experiment": "how long"}.get(option.section, option.section)
            )
        groups[option.section].add_argument(option.flag, metavar=option.metavar, help=option.help)
    for flag, section, key in SWITCHES:
        groups[section].add_argument(
            flag, action=BooleanOptionalAction, default=None, help=key_of(section, key).help
        )


def given_values(arguments: Namespace) -> dict[str, Any]:
    """Return the experiment's keys that the command line sets, as ``{"training.loss": …}``, checked."""
    values: dict[str, Any] = {}
    for option in OPTIONS:
        text = getattr(arguments, option.flag[2:].replace("-", "_"))
        if text is None:
            continue
        try:
            values[f"{option.section}.{option.key}"] = option.read(text)
        except UserError as error:
            raise UserError(f"{option.flag}: {error}") from None
    for flag, section, key in SWITCHES:
        given = getattr(arguments, flag[2:])
        if given is not None:
            values[f"{section}.{key}"] = given
    return values


def arguments_of(arguments: Namespace) -> tuple[str, ...]:
    """Return the words that make the same experiment again."""
    words = [arguments.experiment] if arguments.experiment else []
    for option in OPTIONS:
        text = getattr(arguments, option.flag[2:].replace("-", "_"))
        if text is not None:
            words += [option.flag, text]
    for flag, _, _ in SWITCHES:
        given = getattr(arguments, flag[2:])
        if given is not None:
            words.append(flag if given else f"--no-{flag[2:]}")
    return tuple(words) or (DEFAULT_EXPERIMENT,)


def experiment_of(arguments: Namespace) -> Experiment:
    """Return the resolved experiment that the command line describes."""
    values = given_values(arguments)
    own = any(f"data.{source}" in values for source in OWN_DATA)
    _check_companions(values)
    if arguments.experiment is None and own:
        return _own_data(values)
    name = DEFAULT_EXPERIMENT if arguments.experiment is None else arguments.experiment
    experiment = find_experiment(name)
    if own:
        values = {
            f"data.{name}": _absolute(values, name) for name in OWN_DATA if f"data.{name}" in values
        } | {key: value for key, value in values.items() if key.removeprefix("data.") not in OWN_DATA}
    return resolve(override(experiment, values))


def _absolute(values: dict[str, Any], name: str) -> str:
    return str(Path(values[f"data.{name}"]).absolute())


def _check_companions(values: dict[str, Any]) -> None:
    if "data.csv" in values and "data.target" not in values:
        raise UserError("--csv needs --target NAME, the column to predict")
    if "data.series" in values and "data.window" not in values:
        raise UserError("--series needs --window N, how many numbers predict the next")


def find_experiment(name: str) -> Experiment:
    """Return the preset or the file of that name."""
    if name in preset_names():
        return load_preset(name)
    path = Path(name)
    if path.suffix == ".toml" or "/" in name or os.path.lexists(name):
        return read_experiment(path)
    raise UserError(f"no preset and no file '{shown(name)}'{nearest(name, preset_names())}")


def _own_data(values: dict[str, Any]) -> Experiment:
    """Return an experiment with own data and settings that mostly learn."""
    experiment = resolve(own_data_base(values))

    def loaded() -> Dataset:
        rng = np.random.default_rng(0)
        return load_dataset(experiment.data, experiment.training.loss.name, rng, experiment.folder)

    try:
        dataset = loaded()
    except UserError as error:
        if "X_validation" not in str(error) or "data.validation" in values:
            raise
        # The file brings its own validation samples, so none are to be held out.
        experiment = replace(experiment, data=replace(experiment.data, validation=0.0))
        dataset = loaded()
    if len(dataset.x) > LARGE_DATA and "training.batch_size" not in values:
        experiment = replace(experiment, training=replace(experiment.training, batch_size=32))
    return experiment
