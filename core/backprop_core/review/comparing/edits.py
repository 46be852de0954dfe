"""Mistakes as edits of the backward pass, the explanations that they make up, and what these cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.review.comparing.fitting import Fit

    Array = NDArray[Any]


VARYING = 1.2
"""More than one mistake that explains it with one factor: a factor of its own at each point explains too much."""


KNOWN_VARYING = 0.1
"""Once the rate is known to change from point to point, all layers follow it."""


WRONG_WEIGHTS = 4.0


WRONG_BIAS = 3.0


@dataclass(frozen=True)
class Edit:
    """One mistake in one place. ``layer`` counts from 1; ``place`` is W, b or both."""

    id: str
    layer: int | None
    place: str = ""
    note: str = ""


@dataclass(frozen=True)
class State:
    """A partial explanation: the layers from the output down to here."""

    cost: float
    edits: tuple[Edit, ...]
    signal: tuple[Array, ...]
    """What arrives at the layer's activation, for each point."""
    fits: dict[tuple[int, str], Fit | None] = field(default_factory=dict)
    deltas: dict[int, tuple[Array, ...]] = field(default_factory=dict)
    signals: dict[int, tuple[Array, ...]] = field(default_factory=dict)
    """What arrived at each layer's activation, before its derivative."""
    raw: tuple[Array, ...] = ()


@dataclass(frozen=True)
class Choice:
    """One way to come from a signal to the δ of a layer."""

    cost: float
    edits: tuple[Edit, ...]
    used: tuple[Array, ...]
    """For the layer's own gradients."""
    passed: tuple[Array, ...]
    """For the layers below."""
    signal: tuple[Array, ...] = ()
    """What it was made from."""
