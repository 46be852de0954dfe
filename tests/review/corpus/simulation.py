"""Training by the reference: the epochs that a script makes, from its own start on its own data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.review.corpus.reference import Layer, Mistake, Network, gradients, loss

if TYPE_CHECKING:
    from collections.abc import Callable

Array = Any


@dataclass
class Epochs:
    """What came of some epochs.

    Attributes
    ----------
    layers
        Weights and biases at the end.
    before, after
        The loss of all samples before and after each epoch.
    batches
        The loss of each batch before its update, by epoch.
    """

    layers: list[Layer]
    before: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)
    batches: list[list[float]] = field(default_factory=list)


def simulate(
    network: Network,
    layers: list[Layer],
    X: Array,
    y: Array,
    epochs: int,
    mistakes: tuple[Mistake, ...] = (),
    order: Callable[[], Array] | None = None,
) -> Epochs:
    """Train as the script does, with its mistakes."""
    layers = [Layer(w.W.copy(), None if w.b is None else w.b.copy()) for w in layers]
    if any(m.id == "broadcast-error" and m.variant == "grows" for m in mistakes):
        y = _grow(layers, y)
    result = Epochs(layers)
    optimizer = _Optimizer(network, layers)
    stale = next((m for m in mistakes if m.id == "stale-gradient"), None)
    one = next((m for m in mistakes if m.id == "one-sample-only"), None)
    unshuffled = any(m.id == "target-misaligned" and m.variant == "unshuffled" for m in mistakes)
    updates = 0
    kept: list[Layer] | None = None
    for epoch in range(epochs):
        rows = np.arange(len(X)) if order is None else order()
        size = network.batch or len(X)
        result.before.append(loss(network, layers, X, y))
        result.batches.append([])
        for start in range(0, len(rows), size):
            if start + size > len(rows) and not network.ragged:
                break
            batch = rows[start : start + size]
            target_rows = np.arange(len(X))[start : start + size] if unshuffled else batch
            if one is not None:
                same = (
                    np.arange(size)
                    if one.variant == "first-batch"
                    else np.array([int(one.variant or 0)] * len(batch))
                )
                batch = target_rows = same
            rate = network.rate(epoch, updates) if callable(network.rate) else network.rate
            result.batches[-1].append(loss(network, layers, X[batch], y[target_rows]))
            found = gradients(network, layers, X[batch], y[target_rows], mistakes, rate)
            if stale is not None:
                kept = (
                    found if kept is None or (stale.variant == "epoch" and start == 0) else _add(kept, found)
                )
                found = kept
            optimizer.update(found, rate)
            updates += 1
        result.after.append(loss(network, layers, X, y))
    return result


def _grow(layers: list[Layer], y: Array) -> Array:
    """Make one output of each sample's target, as a broadcast update of the weights does; return the targets."""
    last, n = layers[-1], len(y)
    last.W = np.repeat(last.W, n, axis=1)
    last.b = None if last.b is None else np.repeat(last.b, n)
    return np.repeat(y.T, n, axis=0)


def _add(one: list[Layer], other: list[Layer]) -> list[Layer]:
    return [Layer(a.W + b.W, None if a.b is None else a.b + b.b) for a, b in zip(one, other, strict=True)]


class _Optimizer:
    def __init__(self, network: Network, layers: list[Layer]) -> None:
        self.layers = layers
        self.kind, _, number = network.optimizer.partition(" ")
        self.beta = float(number or 0)
        self.clip = network.clip
        self.time = 0
        self.first: dict[tuple[int, str], Array] = {}
        self.second: dict[tuple[int, str], Array] = {}

    def update(self, found: list[Layer], rate: float) -> None:
        self.time += 1
        for index, (layer, gradient) in enumerate(zip(self.layers, found, strict=True)):
            for name in ("W", "b"):
                value, g = getattr(layer, name), getattr(gradient, name)
                if value is not None:
                    if self.clip:
                        g = np.clip(g, -self.clip, self.clip)
                    setattr(layer, name, value + self.change((index, name), np.asarray(g, dtype=float), rate))

    def change(self, key: tuple[int, str], g: Array, rate: float) -> Array:
        m, v = self.first.get(key, np.zeros_like(g)), self.second.get(key, np.zeros_like(g))
        match self.kind:
            case "sgd":
                return -rate * g
            case "momentum":
                m = self.first[key] = self.beta * m - rate * g
                return m
            case "averaged-momentum":
                m = self.first[key] = self.beta * m + (1 - self.beta) * g
                return -rate * m
            case "nesterov":
                new = self.first[key] = self.beta * m - rate * g
                return -self.beta * m + (1 + self.beta) * new
            case "rmsprop":
                v = self.second[key] = self.beta * v + (1 - self.beta) * g**2
                return -rate * g / (np.sqrt(v) + 1e-8)
            case "adagrad":
                v = self.second[key] = v + g**2
                return -rate * g / (np.sqrt(v) + 1e-8)
            case "adam":
                m = self.first[key] = 0.9 * m + 0.1 * g
                v = self.second[key] = 0.999 * v + 0.001 * g**2
                return -rate * (m / (1 - 0.9**self.time)) / (np.sqrt(v / (1 - 0.999**self.time)) + 1e-8)
        raise ValueError(self.kind)
