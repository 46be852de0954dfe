"""What is told of a selected neuron: its connections, how often it fires, when it died and of what."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from backprop_tui.palette import Ink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backprop_core.deaths import Death
    from backprop_core.network_picture import NeuronPicture
    from backprop_tui.glyphs import Glyphs

Told = list[tuple[str, int]]


def neuron_lines(neuron: NeuronPicture, activation: str, glyphs: Glyphs, width: int) -> Told:
    """Return what is true of the neuron, as much as a line holds, and if it is dead, since when and why."""
    line = f"layer {neuron.layer} neuron {neuron.neuron}"
    for part in (
        activation,
        f"positive on {neuron.fires_on} of {neuron.samples} samples",
        f"activation {neuron.activation:.6g}",
        "no bias" if neuron.bias is None else f"bias {neuron.bias:.6g}",
    ):
        if len(line) + 3 + len(part) <= width:
            line += f" {glyphs.separator} {part}"
    lines: Told = [(line, Ink.STRONG)]
    if neuron.dead:
        lines.append((f"{glyphs.dead} {death_line(neuron.death)}", Ink.DEAD))
    return lines


def death_line(death: Death | None) -> str:
    """Return since when a neuron is dead, and what killed it."""
    if death is None:
        return "dead; since when cannot be found out"
    if death.cause == "start":
        return f"dead since step {death.step}, as it was initialised"
    if death.cause == "command":
        return f"dead since step {death.step}: killed by '{death.command}'"
    if death.cause == "unknown":
        return f"dead; it was alive at step {death.step}, as far as the training was repeated"
    since = f"dead since step {death.step}"
    if death.cause == "below":
        return f"{since}: the neurons before it changed, its own weights did not"
    if not isfinite(death.ratio):
        return f"{since}: its weights were zero before that update (lr {death.learning_rate:g})"
    return f"{since}: that update was {death.ratio:.2g} times its weights (lr {death.learning_rate:g})"


def connection_lines(neuron: NeuronPicture, quantity: str) -> Told:
    """Return the connections in and out with the largest weights, by the quantity that is drawn."""
    field = quantity.removesuffix("s")
    lines: Told = []
    for name, connections in (("from", neuron.incoming), ("to", neuron.outgoing)):
        if connections:
            values = "  ".join(f"{c.neuron}: {getattr(c, field):.4g}" for c in connections)
            ink = Ink.TEXT if name == "from" else Ink.MUTED
            lines.append((f"{quantity} {name:<4}  {values}", ink))
    return lines


def course_line(course: Sequence[float], width: int, glyphs: Glyphs) -> Told:
    """Return the latest activations as levels between the smallest and the largest; nothing of a single one."""
    name = "lately  "
    values = [value for value in course if isfinite(value)][-max(width - len(name) - 30, 1) :]
    if len(values) < 2 or width < 60:
        return []
    low, high = min(values), max(values)
    reach = high - low or 1.0
    marks = "".join(glyphs.levels[1 + round((value - low) / reach * 7)] for value in values)
    return [(f"{name}{marks}  activation {low:.3g} to {high:.3g}", Ink.MUTED)]
