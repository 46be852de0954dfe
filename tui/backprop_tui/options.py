"""The options of ``run``: one entry each, and the experiment that they lead to."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.datasets import load_dataset
from backprop_core.errors import UserError, nearest
from backprop_core.experiment import Choice, Experiment, NetworkSpec, TrainingSpec
from backprop_core.experiment_file import override, read_experiment, resolve
from backprop_core.experiment_keys import KEYS
from backprop_core.files import shown
from backprop_core.frozen import dataclass
from backprop_core.presets import load_preset, preset_names

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable

DEFAULT_EXPERIMENT = "sequence"
LARGE_DATA = 256
"""Own data of more samples than this are trained in batches of 32, unless told otherwise."""

OWN_DATA = ("csv", "series", "npz")


@dataclass(frozen=True)
class Option:
    """A command-line option that sets a key of the experiment; ``convert`` makes TOML's value of its text."""

    flag: str
    section: str
    key: str
    metavar: str
    convert: Callable[[str], Any]


def _number(text: str) -> float | int:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise UserError(f"must be a number, not '{text}'") from None


def _numbers(text: str) -> list[float | int]:
    return [_number(part) for part in text.split(",")] if text else []


def _text(text: str) -> str:
    return text


def _choice(text: str) -> str | dict[str, Any]:
    """Read ``adam`` or ``sgd:momentum=0.9``."""
    name, *settings = text.split(":")
    if not settings:
        return name
    table: dict[str, Any] = {"name": name}
    for setting in settings:
        key, _, value = setting.partition("=")
        table[key] = _number(value)
    return table


def _choices(text: str) -> list[Any] | Any:
    parts = [_choice(part) for part in text.split(",")]
    return parts if len(parts) > 1 else parts[0]


def _texts(text: str) -> list[str]:
    return text.split(",")


def _batch_size(text: str) -> Any:
    return text if text == "full" else _number(text)


OPTIONS = (
    Option("--builtin", "data", "builtin", "NAME", _text),
    Option("--csv", "data", "csv", "FILE", _text),
    Option("--target", "data", "target", "NAME[,NAME]", _texts),
    Option("--series", "data", "series", "FILE", _text),
    Option("--window", "data", "window", "N", _number),
    Option("--npz", "data", "npz", "FILE", _text),
    Option("--samples", "data", "samples", "N", _number),
    Option("--noise", "data", "noise", "X", _number),
    Option("--validation", "data", "validation", "FRACTION", _number),
    Option("--features", "data", "features", "NAME[,NAME]", _texts),
    Option("--hidden", "network", "hidden", "N[,N]", _numbers),
    Option("--activation", "network", "activation", "NAME", _choices),
    Option("--output", "network", "output", "NAME", _choice),
    Option("--initializer", "network", "initializer", "NAME", _choice),
    Option("--precision", "network", "precision", "NAME", _text),
    Option("--loss", "training", "loss", "NAME", _choice),
    Option("--reduction", "training", "reduction", "mean|sum", _text),
    Option("--optimizer", "training", "optimizer", "NAME", _choice),
    Option("--learning-rate", "training", "learning_rate", "X", _number),
    Option("--batch-size", "training", "batch_size", "N|full", _batch_size),
    Option("--weight-decay", "training", "weight_decay", "X", _number),
    Option("--l1", "training", "l1", "X", _number),
    Option("--gradient-clip", "training", "gradient_clip", "X", _number),
    Option("--epochs", "experiment", "epochs", "N", _number),
    Option("--until", "experiment", "until", "CONDITION", _text),
    Option("--seed", "experiment", "seed", "N", _number),
)
SWITCHES = (("--bias", "network", "bias"), ("--standardize", "data", "standardize"))

_KEYS = {(key.section, key.name): key for key in KEYS}


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
        groups[option.section].add_argument(
            option.flag, metavar=option.metavar, help=_KEYS[option.section, option.key].help
        )
    for flag, section, key in SWITCHES:
        groups[section].add_argument(
            flag, action=BooleanOptionalAction, default=None, help=_KEYS[section, key].help
        )


def given_values(arguments: Namespace) -> dict[str, Any]:
    """Return the experiment's keys that the command line sets, as ``{"training.loss": …}``, checked."""
    values: dict[str, Any] = {}
    for option in OPTIONS:
        text = getattr(arguments, option.flag[2:].replace("-", "_"))
        if text is None:
            continue
        try:
            values[f"{option.section}.{option.key}"] = _KEYS[option.section, option.key].read(
                option.convert(text)
            )
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
    loss = values.get("training.loss", Choice("quadratic")).name
    output = {"cross-entropy": "softmax", "binary-cross-entropy": "sigmoid"}.get(loss, "linear")
    source = next(name for name in OWN_DATA if f"data.{name}" in values)
    base = Experiment(
        name=Path(values[f"data.{source}"]).stem or "own-data",
        description=f"{source} {values[f'data.{source}']}",
        network=NetworkSpec(hidden=(8,), output=Choice(output)),
        training=TrainingSpec(learning_rate=0.05),
    )
    given, values = values, {"data.validation": 0.2, "data.standardize": True, **values}
    experiment = resolve(override(base, values))
    data = experiment.data
    try:
        dataset = load_dataset(data, loss, np.random.default_rng(0), experiment.folder)
    except UserError as error:
        if "X_validation" not in str(error) or "data.validation" in given:
            raise
        # The file brings its own validation samples, so none are to be held out.
        experiment = replace(experiment, data=replace(data, validation=0.0))
        dataset = load_dataset(experiment.data, loss, np.random.default_rng(0), experiment.folder)
    if len(dataset.x) > LARGE_DATA and "training.batch_size" not in values:
        experiment = replace(experiment, training=replace(experiment.training, batch_size=32))
    return experiment
