"""What is beyond the gradient, in sentences of the script's own names and units."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backprop_core.commands import AddBias, Initialize, SetActivation, SetOption, Standardize, Widen
from backprop_core.diagnosis.text import loss as number
from backprop_core.grammar import parse_command
from backprop_core.review.beyond.beyond import LONGER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from backprop_core.commands import Command
    from backprop_core.review.beyond.beyond import Beyond, DeadOutput, Trouble
    from backprop_core.review.beyond.expression import Expressed
    from backprop_core.review.comparing.points import Network


STILL_FALLING = 0.67
"""A loss that falls below this share of itself if it is only trained longer has not come to its end."""


@dataclass(frozen=True)
class Terms:
    """What the script calls things; empty where it has no name for one.

    Attributes
    ----------
    weights : tuple of str
        Of each layer.
    """

    loss: str
    rate: str
    inputs: str
    weights: tuple[str, ...]


@dataclass(frozen=True)
class _Seen:
    """What a sentence about a trouble is made of."""

    trouble: Trouble
    expressed: Expressed
    terms: Terms


def terms_of(network: Network, names: Mapping[str, str], loss: str | None) -> Terms:
    """Return the script's names."""
    scales = [scale for part in network.parameters.values() for scale in part["scales"] if scale["rate"]]
    plain = [scale["text"].lstrip("-").strip() for scale in scales]
    weights = tuple(names.get(path, path) for path in network.weights)
    named = loss if loss is not None and re.fullmatch(r"[\w.\[\]\"']+", loss) else ""
    return Terms(named, plain[0] if plain else "", network.names[0]["x"], weights)


def sentences(beyond: Beyond, expressed: Expressed, terms: Terms) -> list[str]:
    """Return one sentence or two for each trouble, the root first; then what has died."""
    told = []
    dead = beyond.dead_output
    if dead is not None:
        told.append(_dead(dead, expressed, terms))
    for trouble in beyond.troubles:
        if dead is not None and trouble.id == "dead-output":
            continue
        seen = SEEN.get(trouble.id, _summary)(_Seen(trouble, expressed, terms))
        told.append(f"{seen}{_forecast(trouble, beyond, expressed, terms)}")
    return told


def span(beyond: Beyond, expressed: Expressed) -> str:
    """Return for how long forks were trained, beside what the script does."""
    planned = expressed.experiment.epochs
    if planned and beyond.epochs < planned:
        return f"after {beyond.epochs:,} of the {planned:,} epochs"
    return f"after {'the same ' if planned else ''}{beyond.epochs:,} epochs"


def cure_text(commands: Iterable[Command], expressed: Expressed, terms: Terms) -> str:
    """Return what commands do, as what the network is trained with: ``inputs standardised and biases``."""
    parts = []
    network = expressed.experiment.network
    for command in commands:
        if isinstance(command, Standardize):
            linear = network.output.name == "linear" and expressed.dataset.kind != "classification"
            parts.append(f"inputs {'and targets ' if linear else ''}standardised")
            parts += [] if network.bias else ["biases"]
        elif isinstance(command, AddBias):
            parts.append("biases in each layer")
        elif isinstance(command, Initialize):
            rule = command.initializer.name.split("-")[0].title() if command.initializer else "other"
            parts.append(f"start weights by {rule}'s rule")
        elif isinstance(command, SetActivation):
            units = "output" if command.where == "output" else "hidden units"
            article = "a " if units == "output" else ""
            parts.append(f"{article}{command.activation.name} {units}")
        elif isinstance(command, Widen):
            parts.append(f"{command.units} more units in each hidden layer")
        elif isinstance(command, SetOption):
            parts.append(_option(command, expressed, terms))
        else:
            parts.append(type(command).__name__)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _option(command: SetOption, expressed: Expressed, terms: Terms) -> str:
    if command.option == "learning-rate" and isinstance(command.value, (int, float)):
        if terms.rate:
            return f"{terms.rate} = {command.value / expressed.rate_factor:.2g}"
        times = command.value / expressed.experiment.training.learning_rate
        return f"steps {times:.2g} times as long" if times > 1 else f"steps {1 / times:.2g} times shorter"
    if command.option == "batch-size":
        return "the full batch" if command.value is None else f"batches of {command.value}"
    if command.option == "gradient-clip":
        return f"the gradient cut to a norm of {command.value:g}"
    return f"{command.option.replace('-', ' ')} {command.value}"


def _forecast(trouble: Trouble, beyond: Beyond, expressed: Expressed, terms: Terms) -> str:
    if not trouble.commands:
        return ""
    factor = expressed.loss_factor
    cure = cure_text(map(parse_command, trouble.commands), expressed, terms)
    loss = terms.loss or "the loss"
    said = (
        f" With {cure}, {loss} ends at {number(factor * trouble.loss)} instead of "
        f"{number(factor * beyond.untreated)} {span(beyond, expressed)}"
    )
    if trouble.longer < STILL_FALLING * beyond.untreated:
        return f"{said}; with nothing changed, after {LONGER} times as many, at {number(factor * trouble.longer)}."
    return f"{said}."


def _dead(dead: DeadOutput, expressed: Expressed, terms: Terms) -> str:
    factor, loss = expressed.loss_factor, terms.loss or "the loss"
    samples = len(expressed.dataset.x)
    own = "with these mistakes" if expressed.wrong is not None else "as it trains"
    said = (
        f"The output is a ReLU, and {own} it dies: its pre-activation is negative on all {samples} samples, so its "
        f"gradient is zero and it cannot come back. With the right gradient from there on, {loss} stays at "
        f"{number(factor * dead.stays)}"
    )
    if dead.linear < 0.9 * dead.stays:
        return f"{said}; with a linear output it goes on to {number(factor * dead.linear)}."
    return f"{said}."


def _summary(seen: _Seen) -> str:
    """Name the weights beside the number of a layer."""

    def named(match: re.Match[str]) -> str:
        number = int(match[1]) - 1
        return f"{match[0]} ({seen.terms.weights[number]})" if number < len(seen.terms.weights) else match[0]

    return re.sub(r"layer (\d+)", named, seen.trouble.summary)


def _inputs(seen: _Seen) -> str:
    x = seen.expressed.dataset.x
    varying = x[:, x.std(axis=0) > 0]
    name = f" {seen.terms.inputs}" if seen.terms.inputs else ""
    return (
        f"The inputs{name} are not scaled: means {_range(varying.mean(axis=0))}, "
        f"standard deviations {_range(varying.std(axis=0))}."
    )


def _range(values: NDArray[np.float64]) -> str:
    low, high = f"{values.min():.3g}", f"{values.max():.3g}"
    return low if low == high else f"{low} to {high}"


def _bias(_: _Seen) -> str:
    return "No layer has a bias: where all inputs are zero, so is every pre-activation."


def _steps(seen: _Seen) -> str:
    rate = seen.expressed.experiment.training.learning_rate / seen.expressed.rate_factor
    said = _summary(seen)
    name = f"Steps of {seen.terms.rate} = {rate:.6g}" if seen.terms.rate else "Its steps"
    return re.sub(r"Steps at a learning rate of \S+", name, said)


def _capacity(_: _Seen) -> str:
    return "The hidden units are too few or too simple for these data."


def _floor(seen: _Seen) -> str:
    floor = number(seen.expressed.loss_factor * seen.trouble.evidence["floor"])
    return (
        f"{seen.trouble.evidence['rows']:.0f} samples have the same inputs as others and different targets: "
        f"no network gets below a loss of {floor}."
    )


def _outside(seen: _Seen) -> str:
    """Leave out the bound, which is of the lab's loss."""
    return seen.trouble.summary.partition(": the loss cannot")[0].rstrip(".") + "."


SEEN: dict[str, Callable[[_Seen], str]] = {
    "unstandardized-inputs": _inputs,
    "missing-bias": _bias,
    "learning-rate-too-high": _steps,
    "learning-rate-too-low": _steps,
    "insufficient-capacity": _capacity,
    "contradictory-targets": _floor,
    "output-cannot-reach-targets": _outside,
}
"""Of findings whose sentence has better words or other units here: by id."""
