"""The way through a step: forward layer by layer, the loss, and back; neuron by neuron."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_core.dissection import Station

if TYPE_CHECKING:
    from collections.abc import Sequence

Leg = tuple[str, int, int]
"""A phase, a layer, and how many stations it has there."""


def legs(units: Sequence[int]) -> list[Leg]:
    """Return the legs of the way through a network whose layers have so many units."""
    numbered = list(enumerate(units, start=1))
    back = numbered[::-1]
    return [
        *(("forward", layer, count) for layer, count in numbered),
        ("loss", len(units), 1),
        *(("backward", layer, count) for layer, count in back),
        *(("update", layer, count) for layer, count in back),
    ]


def next_neuron(station: Station, units: Sequence[int], direction: int) -> Station:
    """Return the station after (1) or before (−1) this one; at either end of the way the same."""
    way = legs(units)
    at = _leg_of(station, way)
    neuron = (station.neuron if way[at][0] != "loss" else 1) + direction
    if neuron < 1:
        return station if at == 0 else Station(way[at - 1][0], way[at - 1][1], way[at - 1][2])
    if neuron > way[at][2]:
        return station if at == len(way) - 1 else Station(*way[at + 1][:2], 1)
    return Station(station.phase, station.layer, neuron)


def next_leg(station: Station, units: Sequence[int], direction: int) -> Station:
    """Return the beginning of the next leg (1), of this leg (−1 within it), or of the one before it."""
    way = legs(units)
    at = _leg_of(station, way)
    if direction < 0 and station.neuron > 1:
        return Station(*way[at][:2], 1)
    at = min(max(at + direction, 0), len(way) - 1)
    return Station(*way[at][:2], 1)


def phase_start(phase: str, units: Sequence[int]) -> Station:
    """Return where a phase begins."""
    return next(Station(name, layer, 1) for name, layer, _ in legs(units) if name == phase)


def within(station: Station, units: Sequence[int]) -> Station:
    """Return the station, or the nearest one that a network of such layers has."""
    layer = min(station.layer, len(units))
    return Station(station.phase, layer, min(station.neuron, units[layer - 1]))


def _leg_of(station: Station, way: Sequence[Leg]) -> int:
    for at, (phase, layer, _) in enumerate(way):
        if phase == station.phase and layer == station.layer:
            return at
    return 0
