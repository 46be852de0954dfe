"""Experiments from TOML and back; every error names the file and the key."""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backprop_core.activations import ACTIVATIONS
from backprop_core.errors import UserError, nearest
from backprop_core.experiment import (
    Choice,
    DataSpec,
    Experiment,
    Mistakes,
    NetworkSpec,
    TrainingSpec,
)
from backprop_core.experiment_keys import KEYS
from backprop_core.files import read_text, shown
from backprop_core.initializers import INITIALIZERS
from backprop_core.losses import LOSSES
from backprop_core.optimizers import OPTIMIZERS

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST_FILE = 1024 * 1024
LARGEST_NUMBER = 1e150
SECTIONS = {"data": DataSpec, "network": NetworkSpec, "training": TrainingSpec, "mistakes": Mistakes}
SOURCES = ("builtin", "csv", "series", "npz")

_BY_SECTION: dict[str, dict[str, Any]] = {}
for _key in KEYS:
    _BY_SECTION.setdefault(_key.section, {})[_key.name] = _key


def read_experiment(path: Path) -> Experiment:
    """Return the resolved experiment of a TOML file; errors about its data will name the file, too."""
    experiment = parse_experiment(read_text(path, LARGEST_FILE), shown(path), path.parent)
    return replace(experiment, source=shown(path))


def parse_experiment(text: str, name: str, folder: Path) -> Experiment:
    """Return the resolved experiment of a TOML text; ``name`` stands in errors."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UserError(f"{name}: not TOML: {shown(error)}") from None
    return experiment_from_dict(document, name, folder)


def experiment_from_dict(document: Mapping[str, Any], where: str, folder: Path) -> Experiment:
    """Return the resolved experiment of nested tables, as TOML and JSON hold them."""
    for section, table in document.items():
        if section not in _BY_SECTION:
            raise UserError(f"{where}: unknown section [{section}]{nearest(section, _BY_SECTION)}")
        if not isinstance(table, dict):
            raise UserError(f"{where}: [{section}] must be a table")
    if "data" not in document:
        raise UserError(f"{where}: [data] is missing; it names one of {', '.join(SOURCES)}")
    parts: dict[str, Any] = {
        section: make(**_read_section(document.get(section, {}), section, where))
        for section, make in SECTIONS.items()
    }
    top = _read_section(document.get("experiment", {}), "experiment", where)
    try:
        return resolve(Experiment(**top, **parts, folder=folder))
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def _read_section(table: Mapping[str, Any], section: str, where: str) -> dict[str, Any]:
    known = _BY_SECTION[section]
    values = {}
    for name, value in table.items():
        if name not in known:
            raise UserError(f"{where}: unknown key [{section}] {name}{nearest(name, known)}")
        if value is None:
            continue
        try:
            values[name] = known[name].read(value)
        except UserError as error:
            raise UserError(f"{where}: [{section}] {name} {error}") from None
    return values


def resolve(experiment: Experiment) -> Experiment:
    """Fill in every default and check what depends on several keys.

    Raises
    ------
    UserError
        Naming section and key, but no file.
    """
    network = experiment.network
    activation = network.activation
    if len(activation) == 1:
        activation *= len(network.hidden)
    if len(activation) != len(network.hidden) and network.hidden:
        raise UserError(
            f"[network] activation has {len(activation)} entries; hidden has {len(network.hidden)} layers"
        )
    network = replace(
        network,
        activation=tuple(_complete(choice, ACTIVATIONS) for choice in activation[: len(network.hidden)]),
        output=_complete(network.output, ACTIVATIONS),
        initializer=_complete(network.initializer, INITIALIZERS),
    )
    training = replace(
        experiment.training,
        loss=_complete(experiment.training.loss, LOSSES),
        optimizer=_complete(experiment.training.optimizer, OPTIMIZERS),
    )
    _check_data(experiment.data)
    _check_ranges(network, training)
    return replace(experiment, network=network, training=training)


def _complete(choice: Choice, catalogue: Mapping[str, Any]) -> Choice:
    options = {**catalogue[choice.name].defaults, **dict(choice.options)}
    return Choice(choice.name, tuple(options.items()))


def _check_data(data: DataSpec) -> None:
    given = [source for source in SOURCES if getattr(data, source) is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none"
        raise UserError(f"[data] needs exactly one of {', '.join(SOURCES)}; it has {found}")
    if data.csv is not None and not data.target:
        raise UserError("[data] csv needs target, the names of the columns to predict")
    if data.series is not None and data.window is None:
        raise UserError("[data] series needs window, how many numbers predict the next")
    for name in ("samples", "noise", "validation"):
        if getattr(data, name) is not None:
            _check_key("data", name, getattr(data, name))


def _check_ranges(network: NetworkSpec, training: TrainingSpec) -> None:
    for key, choice in [("activation", one) for one in network.activation] + [("output", network.output)]:
        for name, value in choice.options:
            if value <= 0:
                raise UserError(f"[network] {key} {choice.name} {name} must be above 0, not {value:g}")
    _check_initializer(network.initializer)
    _check_frozen(network)
    for name, value in training.optimizer.options:
        inside = value > 0 if name == "epsilon" else 0 <= value < 1 or (name == "nesterov" and value == 1)
        if not inside:
            raise UserError(f"[training] optimizer {training.optimizer.name} {name} cannot be {value:g}")
    options = dict(training.optimizer.options)
    if options.get("nesterov") and not options["momentum"]:
        raise UserError("[training] optimizer sgd nesterov needs a momentum above 0")
    for name, value in training.loss.options:
        if value <= 0:
            raise UserError(f"[training] loss {training.loss.name} {name} must be above 0, not {value:g}")
    for name in ("learning_rate", "weight_decay", "l1", "gradient_clip"):
        _check_key("training", name, getattr(training, name))


def _check_key(section: str, name: str, value: Any) -> None:
    try:
        _BY_SECTION[section][name].read(value)
    except UserError as error:
        raise UserError(f"[{section}] {name} {error}") from None


def _check_initializer(initializer: Choice) -> None:
    options, where = dict(initializer.options), f"[network] initializer {initializer.name}"
    if any(abs(value) > LARGEST_NUMBER for value in options.values()):
        raise UserError(f"{where}: its numbers may be up to {LARGEST_NUMBER:g}")
    if options.get("low", 0.0) > options.get("high", 0.0):
        raise UserError(f"{where} low must not be above high")
    if options.get("std", 0.0) < 0:
        raise UserError(f"{where} std must be 0 or more, not {options['std']:g}")


def _check_frozen(network: NetworkSpec) -> None:
    layers = len(network.hidden) + 1
    known = ["weights", "bias", *(f"{kind}{number}" for number in range(1, layers + 1) for kind in "Wb")]
    for name in network.freeze:
        if name not in known:
            raise UserError(
                f"[network] freeze: no parameters are called '{shown(name)}'{nearest(name, known)}"
            )


def experiment_to_dict(experiment: Experiment) -> dict[str, Any]:
    """Return the whole experiment as nested tables of JSON's types; keys without a value are left out."""
    top = {
        key.name: getattr(experiment, key.name)
        for key in KEYS
        if key.section == "experiment" and getattr(experiment, key.name) is not None
    }
    document: dict[str, Any] = {"experiment": top}
    for section in SECTIONS:
        part = getattr(experiment, section)
        table = {}
        for field in fields(part):
            value = getattr(part, field.name)
            if field.name == "batch_size":
                value = value or "full"
            if value is None or (value == () and field.name not in ("hidden", "activation")):
                continue
            table[field.name] = _plain(field.name, value)
        if table:
            document[section] = table
    return document


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, Choice):
        return {"name": value.name, **dict(value.options)} if value.options else value.name
    if name == "weights" and not isinstance(value, str):
        return {key: _plain(key, array) for key, array in value}
    if isinstance(value, tuple):
        return [_plain(name, item) for item in value]
    return value


def format_experiment(experiment: Experiment) -> str:
    """Return the experiment as TOML; reading it back gives an equal one."""
    lines = []
    for section, table in experiment_to_dict(experiment).items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {_toml(value)}" for key, value in table.items()]
        lines.append("")
    return "\n".join(lines)


PATHS = ("csv", "series", "npz")


def relocated(experiment: Experiment, folder: Path) -> Experiment:
    """Return the experiment with its files' paths as a file in another folder has to name them."""

    def moved(path: str) -> str:
        return path if Path(path).is_absolute() else os.path.relpath(experiment.folder / path, folder)

    data, network = experiment.data, experiment.network
    paths: dict[str, Any] = {
        name: moved(getattr(data, name)) for name in PATHS if getattr(data, name) is not None
    }
    if isinstance(network.weights, str):
        network = replace(network, weights=moved(network.weights))
    return replace(experiment, data=replace(data, **paths), network=network, folder=folder)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON's escapes are TOML's, but for DEL, which TOML wants escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    return repr(value)


def override(experiment: Experiment, values: Mapping[str, Any]) -> Experiment:
    """Return the experiment with keys such as ``"training.learning_rate"`` changed, not yet resolved.

    A data source takes the place of the one there was, and of what belonged to it; where all hidden layers have
    one activation, so have other ones.
    """
    activation = experiment.network.activation
    if "network.hidden" in values and len(set(activation)) <= 1:
        network = replace(experiment.network, activation=activation[:1] or NetworkSpec.activation)
        experiment = replace(experiment, network=network)
    if any(f"data.{source}" in values for source in SOURCES):
        kept = {name: getattr(experiment.data, name) for name in ("validation", "standardize")}
        experiment = replace(experiment, data=DataSpec(**kept))
    for key, value in values.items():
        section, name = key.split(".")
        if section == "experiment":
            experiment = replace(experiment, **{name: value})
        else:
            part = replace(getattr(experiment, section), **{name: value})
            experiment = replace(experiment, **{section: part})
    return experiment
