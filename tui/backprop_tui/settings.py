"""The settings as controls: what each shows, and the command that each of its changes sends."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from backprop_core.activations import ACTIVATIONS
from backprop_core.builtin_data import BUILTIN
from backprop_core.commands import (
    AddBias,
    AddLayer,
    Narrow,
    RemoveLayer,
    SetActivation,
    SetData,
    SetFeatures,
    SetOption,
    Standardize,
    Widen,
)
from backprop_core.datasets import SOURCES
from backprop_core.experiment import Choice
from backprop_core.features import FEATURES, INPUTS
from backprop_core.frozen import dataclass
from backprop_core.optimizers import OPTIMIZERS
from backprop_tui.choices import next_rate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from backprop_core.commands import Command
    from backprop_core.experiment import Experiment
    from backprop_core.settings import Surroundings

GROUPS = ("data", "training", "network")

NOISES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)
SAMPLES = (4, 10, 20, 50, 100, 200, 400, 800, 1600, 3200)
HELD_OUT = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
PENALTIES = (0.0, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
CLIPS = (0.0, 0.1, 0.5, 1.0, 5.0, 10.0)
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
Value = TypeVar("Value", int, float)


@dataclass(frozen=True)
class Control:
    """One setting.

    Attributes
    ----------
    name : str
        Tells it from all others.
    group : str
        One of :data:`GROUPS`.
    label, value : str
        As it is read.
    lower, higher : Command or None
        What makes it less or more, or the one before and after; None where there is no such.
    typed : str
        How the line begins that gives it another value; empty if it has no other than the two.
    beside : bool
        Whether it stands on the line of the one before.
    toggle : bool or None
        Whether it is on, if it is on or off.
    removal : Command or None
        What takes away the thing that it belongs to.
    reason : str
        Why it cannot be changed here; empty if it can.
    """

    name: str
    group: str
    label: str
    value: str
    lower: Command | None = None
    higher: Command | None = None
    typed: str = ""
    beside: bool = False
    toggle: bool | None = None
    removal: Command | None = None
    reason: str = ""

    def change(self, direction: int) -> Command | None:
        """Return the command of a change up (1) or down (−1)."""
        return self.higher if direction > 0 else self.lower


def controls(experiment: Experiment, around: Surroundings) -> tuple[Control, ...]:
    """Return the controls of an experiment, group by group in the order of :data:`GROUPS`."""
    return (*_data(experiment, around), *_training(experiment, around), *_network(experiment))


def _below(value: float, rungs: Sequence[Value]) -> Value | None:
    place = bisect_left(rungs, value * (1 - 1e-9))
    return rungs[place - 1] if place else None


def _above(value: float, rungs: Sequence[Value]) -> Value | None:
    place = bisect_right(rungs, value * (1 + 1e-9))
    return rungs[place] if place < len(rungs) else None


def _neighbours(name: str, names: Sequence[str]) -> tuple[str | None, str | None]:
    """Return the entries before and after one, None at the ends; of what is no entry, the last and the first."""
    if name not in names:
        return None, names[0]
    place = names.index(name)
    return (
        names[place - 1] if place else None,
        names[place + 1] if place + 1 < len(names) else None,
    )


def _data(experiment: Experiment, around: Surroundings) -> Iterator[Control]:
    data = experiment.data
    before, after = _neighbours(data.builtin or "", tuple(BUILTIN))
    source = next(name for name in SOURCES if getattr(data, name) is not None)
    yield Control(
        "data",
        "data",
        "set",
        data.builtin or Path(getattr(data, source)).name,
        None if before is None else SetData("data", before),
        None if after is None else SetData("data", after),
        "set data ",
    )
    options = BUILTIN[data.builtin].options if data.builtin else {}
    where = f"{data.builtin} has none to choose" if data.builtin else f"your own {source} has what it has"
    for name, rungs in (("samples", SAMPLES), ("noise", NOISES)):
        if name in options:
            given = getattr(data, name)
            yield _amount(name, "data", options[name] if given is None else given, rungs, SetData)
        else:
            shown = str(around.samples) if name == "samples" else ""
            yield Control(name, "data", name, shown, reason=where)
    yield _amount("validation", "data", data.validation, HELD_OUT, SetData, "held out")
    yield _one_way("standardize", "data", "scaled", Standardize(), on=data.standardize)
    yield from _features(experiment, around)


def _features(experiment: Experiment, around: Surroundings) -> Iterator[Control]:
    seen = experiment.data.features or INPUTS
    for place, name in enumerate(FEATURES):
        label = name.replace("^2", "²").replace("(", " ").replace(")", "")
        if around.inputs != len(INPUTS):
            if place == 0:
                reason = f"features are made of two inputs, and there {_are(around.inputs)}"
                yield Control("features", "data", "features", "", reason=reason)
            continue
        on = name in seen
        chosen = tuple(other for other in FEATURES if (other in seen) != (other == name))
        command = SetFeatures(chosen) if chosen else None
        yield Control(
            f"feature {name}",
            "data",
            label,
            "",
            command if on else None,
            None if on else command,
            beside=place not in (0, 4),
            toggle=on,
            reason="" if chosen else "the network needs one feature at least",
        )


def _are(count: int) -> str:
    return "is one" if count == 1 else f"are {count}"


def _amount(
    name: str,
    group: str,
    value: float,
    rungs: Sequence[float],
    make: type[SetData | SetOption],
    label: str = "",
) -> Control:
    """Return the control of a number that goes up and down a ladder."""
    lower, higher = _below(value, rungs), _above(value, rungs)
    return Control(
        name,
        group,
        label or name,
        f"{value:g}",
        None if lower is None else make(name, lower),
        None if higher is None else make(name, higher),
        f"set {name} ",
    )


def _one_way(name: str, group: str, label: str, command: Command, *, on: bool) -> Control:
    """Return the control of what can be done, and only be undone."""
    reason = "only undo takes it back: u" if on else ""
    return Control(name, group, label, "yes" if on else "no", higher=None if on else command, reason=reason)


def _training(experiment: Experiment, around: Surroundings) -> Iterator[Control]:
    training = experiment.training
    optimizer = training.optimizer
    before, after = _neighbours(optimizer.name, tuple(OPTIMIZERS))
    momentum = dict(optimizer.options).get("momentum", 0.0) if optimizer.name == "sgd" else 0.0
    yield Control(
        "optimizer",
        "training",
        "optimizer",
        optimizer.name + (f" {momentum:g}" if momentum else ""),
        None if before is None else SetOption("optimizer", Choice.of(OPTIMIZERS, before)),
        None if after is None else SetOption("optimizer", Choice.of(OPTIMIZERS, after)),
        "set optimizer ",
    )
    rate = training.learning_rate
    slower = next_rate(rate, -1)
    yield Control(
        "learning-rate",
        "training",
        "rate",
        f"{rate:g}",
        SetOption("learning-rate", slower) if slower < rate else None,
        SetOption("learning-rate", next_rate(rate, 1)),
        "set learning-rate ",
    )
    yield _batch(training.batch_size, around.samples)
    yield _amount("l1", "training", training.l1, PENALTIES, SetOption, "L1")
    yield _amount("weight-decay", "training", training.weight_decay, PENALTIES, SetOption, "L2")
    yield _amount("gradient-clip", "training", training.gradient_clip, CLIPS, SetOption, "clip")
    yield Control(
        "reduction",
        "training",
        "gradient",
        training.reduction,
        SetOption("reduction", "mean") if training.reduction == "sum" else None,
        SetOption("reduction", "sum") if training.reduction == "mean" else None,
        "set reduction ",
    )


def _batch(size: int | None, samples: int) -> Control:
    """Return the control of the batch size; the full batch comes after all that are smaller."""
    smaller = _below(samples if size is None else size, BATCHES)
    larger = None if size is None else _above(size, BATCHES)
    full = None if size is None else SetOption("batch-size", None)
    return Control(
        "batch-size",
        "training",
        "batch",
        "full" if size is None else str(size),
        None if smaller is None else SetOption("batch-size", smaller),
        SetOption("batch-size", larger) if larger is not None and larger < samples else full,
        "set batch-size ",
        reason="there is one sample" if samples == 1 else "",
    )


def _network(experiment: Experiment) -> Iterator[Control]:
    network = experiment.network
    layers = len(network.hidden)
    yield Control(
        "layers",
        "network",
        "layers",
        str(layers),
        RemoveLayer() if layers else None,
        AddLayer(),
        "add-layer ",
    )
    for number, (units, choice) in enumerate(zip(network.hidden, network.activation, strict=True), start=1):
        yield Control(
            f"units {number}",
            "network",
            str(number),
            str(units),
            Narrow(1, number) if units > 1 else None,
            Widen(1, number),
            f"widen {number} ",
            removal=RemoveLayer(number),
        )
        yield _activation(str(number), f"activation {number}", choice, beside=True)
    yield _activation("output", "output", network.output)
    yield _one_way("add-bias", "network", "biases", AddBias(), on=network.bias)


def _activation(where: str, name: str, choice: Choice, *, beside: bool = False) -> Control:
    before, after = _neighbours(choice.name, tuple(ACTIVATIONS))
    return Control(
        name,
        "network",
        "" if beside else where,
        choice.name,
        None if before is None else SetActivation(where, Choice.of(ACTIVATIONS, before)),
        None if after is None else SetActivation(where, Choice.of(ACTIVATIONS, after)),
        f"activation {where} ",
        beside=beside,
    )
