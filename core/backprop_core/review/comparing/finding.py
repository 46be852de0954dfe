"""A mistake as it is found: before it is put into words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backprop_core.review.comparing.points import Network


@dataclass
class Finding:
    """A mistake as found: before it is put into words."""

    id: str
    layer: int | None
    paths: list[str]
    alternatives: list[str] = field(default_factory=list)
    note: str = ""
    residual: float = 0.0
    place: str = ""


def paths_of(network: Network, layer: int, place: str) -> list[str]:
    """Return the parameters of a layer: its weights (W), its biases (b), or both."""
    weights, biases = network.weight_paths[layer - 1], network.bias_paths[layer - 1]
    if place == "W":
        return list(weights)
    return list(biases) if place == "b" else [*weights, *biases]
