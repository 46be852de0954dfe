"""An experiment as the shortest command line that opens it again."""

from __future__ import annotations

import shlex
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backprop_core.errors import UserError
from backprop_core.experiment_file import PATHS, override, read_experiment, resolve
from backprop_core.experiment_keys import KEYS
from backprop_core.experiment_options import OPTIONS, OWN_DATA, SWITCHES, option_text, own_data_base
from backprop_core.frozen import dataclass
from backprop_core.presets import load_preset, preset_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from backprop_core.experiment import Experiment

NAMING = ("experiment.name", "experiment.description", "experiment.watch")
"""Keys that change nothing of a run."""

SOURCE = ("builtin", "target", "window", *PATHS)
"""Keys that say which data, and are given together."""


@dataclass(frozen=True)
class CommandLine:
    """The words after ``backprop-tui run``, and the keys that only an experiment file can carry."""

    arguments: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the line as a shell takes it."""
        return shlex.join(["backprop-tui", "run", *self.arguments])


@dataclass(frozen=True)
class _Base:
    """What words open, the keys that have to be said beside them, and how the options make an experiment."""

    words: tuple[str, ...]
    experiment: Experiment
    said: frozenset[str] = frozenset()
    own: bool = False


@dataclass(frozen=True)
class _Draft:
    """The words that a base needs for an experiment, and the values that they set."""

    base: _Base
    words: tuple[str, ...]
    values: dict[str, Any]

    @property
    def length(self) -> tuple[int, int]:
        """How many words it has, and how many characters."""
        return len(self.words), len(shlex.join(self.words))


def command_line(experiment: Experiment) -> CommandLine:
    """Return the words that open a resolved experiment, from a preset, its own file or its own data.

    Of those that leave least to an experiment file, the shortest; one that keeps the experiment's name first.
    """
    wanted = _located(experiment)
    drafts = [_draft(base, wanted) for base in _bases(experiment, wanted)]
    drafts.sort(key=lambda draft: (draft.base.experiment.name != experiment.name, draft.length))
    lines = []
    for draft in drafts:
        line = CommandLine(draft.words, _different(draft.base.experiment, draft.values, wanted))
        if not line.left_out:
            # What comes after it is no better, and whether it says all is the costly question.
            return line
        lines.append(line)
    return min(lines, key=lambda line: len(line.left_out))


def _bases(experiment: Experiment, wanted: Experiment) -> Iterator[_Base]:
    sources = frozenset(f"data.{key}" for key in SOURCE if getattr(wanted.data, key))
    bases = list(_presets())
    if (file := _own_file(experiment)) is not None:
        bases.append(file)
    for base in bases:
        yield base
        yield replace(base, said=sources)
    if any(getattr(experiment.data, name) is not None for name in OWN_DATA):
        # How large a batch is, and what is held out, else depends on what the file holds.
        said = {*sources, "training.batch_size", "data.validation"}
        if experiment.training.loss.name != "quadratic":
            said.add("training.loss")
        values = {key: _value(wanted, key) for key in said}
        yield _Base((), resolve(own_data_base(values)), frozenset(said), own=True)


@cache
def _presets() -> tuple[_Base, ...]:
    return tuple(_Base((name,), _located(load_preset(name))) for name in preset_names())


def _own_file(experiment: Experiment) -> _Base | None:
    """Return the file that the experiment came from, as it now is, if it can be read."""
    if not experiment.source:
        return None
    path = Path(experiment.source)
    try:
        read = read_experiment(path)
    except UserError:
        return None
    word = str(path)
    return _Base((f"./{word}" if word.startswith("-") or word in preset_names() else word,), _located(read))


def _located(experiment: Experiment) -> Experiment:
    """Return the experiment with absolute paths, such that those of several folders can be compared."""
    data, network = experiment.data, experiment.network
    paths: dict[str, Any] = {
        name: str((experiment.folder / getattr(data, name)).absolute())
        for name in PATHS
        if getattr(data, name) is not None
    }
    if isinstance(network.weights, str):
        network = replace(network, weights=str((experiment.folder / network.weights).absolute()))
    return replace(experiment, data=replace(data, **paths), network=network)


def _draft(base: _Base, wanted: Experiment) -> _Draft:
    words, values = list(base.words), {}
    for option in OPTIONS:
        key = f"{option.section}.{option.key}"
        value = _value(wanted, key)
        reset = base.said and option.section == "data" and option.key in ("samples", "noise", "features")
        there = _value(base.experiment, key)
        same = value in (None, ()) if reset and not base.own else value == there
        if option.key == "activation" and value:
            # One activation of all layers is that of other layers as well.
            same = same or len({*value, *there}) == 1
        if (same and key not in base.said) or (value is None and option.key != "batch_size"):
            continue
        text = option_text(option.key, value)
        try:
            values[key] = option.read(text)
        except UserError:
            continue
        if option.key in PATHS:
            text = _short_path(text)
        words += [f"{option.flag}={text}"] if text.startswith("-") else [option.flag, text]
    for flag, section, name in SWITCHES:
        key = f"{section}.{name}"
        if (value := _value(wanted, key)) != _value(base.experiment, key):
            values[key] = value
            words.append(flag if value else f"--no-{flag[2:]}")
    return _Draft(base, tuple(words), values)


def _short_path(text: str) -> str:
    """Return an absolute path as it is named from the working directory, where it lies below it."""
    path = Path(text)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else text


def _different(base: Experiment, values: dict[str, Any], wanted: Experiment) -> tuple[str, ...]:
    """Return the keys in which what the options lead to differs from what is wanted."""
    try:
        made = resolve(override(base, values))
    except UserError:
        return tuple(f"{key.section}.{key.name}" for key in KEYS)
    keys = (f"{key.section}.{key.name}" for key in KEYS)
    return tuple(key for key in keys if key not in NAMING and _value(made, key) != _value(wanted, key))


def _value(experiment: Experiment, key: str) -> Any:
    section, name = key.split(".")
    return getattr(experiment if section == "experiment" else getattr(experiment, section), name)
