"""What may keep a network from learning besides its gradient: seen in its own numbers, confirmed by no experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from backprop_core.review.comparing.points import Network, Point

LARGE = 3.0
"""Inputs whose size is so many times what the initialisations of the textbooks assume slow training down."""


def seen_in_numbers(network: Network) -> list[str]:
    """Return one sentence for each trouble with output, biases, inputs and initial weights."""
    start = next((point for point in network.points if point.label == "start"), None)
    if start is None:
        return []
    found = [_output(network), _bias(network), _inputs(start), *_weights(network, start)]
    return [sentence for sentence in found if sentence]


def _output(network: Network) -> str:
    if network.activations[-1] != "relu":
        return ""
    own = [point for point in network.points if not point.label.startswith("random")]
    dead = sum(bool(np.all(point.layers[-1].Z <= 0)) for point in own)
    seen = (
        f" In {dead} of {len(own)} of the script's own updates that were looked at it was so." if dead else ""
    )
    return (
        "The output is a ReLU: once its pre-activation is negative on every sample, its gradient is zero and it cannot "
        f"come back.{seen} Make it linear."
    )


def _bias(network: Network) -> str:
    bare = [number + 1 for number, bias in enumerate(network.biases) if bias is None]
    if len(bare) != len(network.biases) or any(_has_ones(point) for point in network.points[:1]):
        return ""
    return "No layer has a bias: the function goes through zero where all inputs are zero. Add one to each layer."


def _has_ones(point: Point) -> bool:
    x = point.layers[0].X
    return bool(len(x) > 1 and np.any(np.all(x == 1.0, axis=0)))


def _inputs(point: Point) -> str:
    x = point.layers[0].X
    if len(x) < 3:
        return ""
    varying = x[:, x.std(axis=0) > 0]
    if not varying.size:
        return ""
    mean, deviation = varying.mean(axis=0), varying.std(axis=0)
    shifted = np.abs(mean) > 1.2 * deviation
    if not (
        np.any(deviation > LARGE)
        or np.any(deviation < 0.05)
        or (np.any(shifted) and np.any(np.abs(mean) > 1))
    ):
        return ""
    return (
        f"The inputs are not scaled: means {_range(mean)}, standard deviations {_range(deviation)}. "
        "Subtract each column's mean and divide by its standard deviation."
    )


def _range(values: np.ndarray) -> str:
    return f"{values.min():.3g} to {values.max():.3g}"


def _weights(network: Network, point: Point) -> list[str]:
    found = []
    for number, layer in enumerate(point.layers):
        name, w = network.weights[number], layer.W
        if w.size < 3:
            continue
        if np.all(w == w.flat[0]):
            found.append(
                f"{name} starts with equal weights: the units of a layer stay alike for ever. Draw them at random."
            )
        elif w.shape[1] > 1 and np.all(w > 0) and network.activations[number] == "relu":
            found.append(
                f"{name} starts all positive: every unit is on for every positive input, and they all are alike."
            )
        elif float(np.sqrt(np.mean(w * w) * w.shape[0])) > 6:
            found.append(
                f"{name} starts large: pre-activations reach {np.abs(layer.Z).max():.3g}. Scale by 1/√fan_in."
            )
    return found
