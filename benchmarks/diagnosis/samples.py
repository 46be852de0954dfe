"""The data sets of the benchmark: those that thresholds are tuned on, and others that are held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from backprop_core.builtin_data import make_builtin
from backprop_core.experiment import DataSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

Task = Literal["regression", "counts", "binary", "classes"]
"""``counts`` are targets that are nowhere negative; ``binary`` are 0 and 1; ``classes`` number the classes."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Training samples x (n, features) and y (n, outputs), and samples for validation, possibly none."""

    task: Task
    x: Array
    y: Array
    x_validation: Array
    y_validation: Array

    @classmethod
    def without_validation(cls, task: Task, x: Array, y: Array) -> Samples:
        """Return samples that are all trained on."""
        y = y.reshape(len(x), -1)
        return cls(task, x, y, x[:0], y[:0])


@dataclass(frozen=True)
class Source:
    """A data set: ``make(rng)`` returns its samples, inputs and real targets of order 1."""

    name: str
    make: Callable[[np.random.Generator], Samples]


def _regression(x: Array, y: Array) -> Samples:
    return Samples.without_validation("regression", x, y)


def _binary(x: Array, y: Array) -> Samples:
    return Samples.without_validation("binary", x, y)


def _sine(rng: np.random.Generator) -> Samples:
    x = rng.uniform(-1.5, 1.5, (80, 1))
    return _regression(x, np.sin(2.5 * x) + 0.5 + rng.normal(0, 0.05, x.shape))


def _waves(rng: np.random.Generator) -> Samples:
    t = np.arange(124.0)
    series = np.sin(0.37 * t) + 0.5 * np.sin(0.91 * t + rng.uniform(0, 6)) + rng.normal(0, 0.05, t.shape)
    windows = np.lib.stride_tricks.sliding_window_view(series, 5)
    return _regression(windows[:, :4], windows[:, 4])


def _friedman(rng: np.random.Generator) -> Samples:
    u = rng.uniform(size=(120, 5))
    y = 10 * np.sin(np.pi * u[:, 0] * u[:, 1]) + 20 * (u[:, 2] - 0.5) ** 2 + 10 * u[:, 3] + 5 * u[:, 4]
    return _regression((u - 0.5) / 0.29, (y - 14.4) / 4.9 + rng.normal(0, 0.1, 120))


def _hill(rng: np.random.Generator) -> Samples:
    x = rng.normal(size=(100, 2))
    y = 3.0 * np.exp(-0.5 * (x * x).sum(axis=1)) + rng.uniform(0, 0.1, 100)
    return Samples.without_validation("counts", x, y)


def _moons(rng: np.random.Generator) -> Samples:
    half = np.pi * rng.uniform(size=60)
    upper = np.column_stack([np.cos(half), np.sin(half)])
    lower = np.column_stack([1 - np.cos(half), 0.5 - np.sin(half)])
    x = np.concatenate([upper, lower]) + rng.normal(0, 0.12, (120, 2))
    return _binary((x - [0.5, 0.25]) / [0.87, 0.5], np.repeat([0.0, 1.0], 60))


def _ring(rng: np.random.Generator) -> Samples:
    angle, radius = rng.uniform(0, 2 * np.pi, 120), np.repeat([0.6, 1.7], 60) + rng.normal(0, 0.15, 120)
    return _binary(
        radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]), np.repeat([0.0, 1.0], 60)
    )


def _quadrants(rng: np.random.Generator) -> Samples:
    x = rng.uniform(-1.7, 1.7, (100, 2))
    return _binary(x, (x[:, 0] * x[:, 1] > 0).astype(np.float64))


def _blobs(rng: np.random.Generator) -> Samples:
    centres = np.array([[0, 1.3], [1.2, -0.7], [-1.2, -0.7], [0, 0]])
    members = np.arange(120) % 4
    x = centres[members] + rng.normal(0, 0.25, (120, 2))
    return Samples.without_validation("classes", x, members.astype(np.float64))


def _spiral(rng: np.random.Generator) -> Samples:
    along = np.sqrt(rng.uniform(0.02, 1, 140))
    turn = np.repeat([0.0, np.pi], 70)
    angle = 1.1 * along * 2 * np.pi + turn
    x = 1.8 * along[:, None] * np.column_stack([np.sin(angle), np.cos(angle)])
    return _binary(x + rng.normal(0, 0.05, x.shape), np.repeat([0.0, 1.0], 70))


def _digits(rng: np.random.Generator) -> Samples:
    _, x, y = make_builtin(DataSpec(builtin="digits"))
    chosen = rng.permutation(len(x))[:160]
    members = y.argmax(axis=1) if y.shape[1] > 1 else y[:, 0]
    return Samples.without_validation("classes", x[chosen], members[chosen].astype(np.float64))


def _shells(rng: np.random.Generator) -> Samples:
    members = np.arange(150) % 3
    direction = rng.normal(size=(150, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    x = direction * (0.5 + 0.9 * members + rng.normal(0, 0.12, 150))[:, None]
    return Samples.without_validation("classes", x, members.astype(np.float64))


def _stripes(rng: np.random.Generator) -> Samples:
    x = rng.uniform(-1.7, 1.7, (130, 3))
    return _binary(x, (np.sin(2.2 * (x[:, 0] + 0.6 * x[:, 1])) > 0).astype(np.float64))


def _teacher(rng: np.random.Generator) -> Samples:
    mixed = rng.normal(size=(130, 4)) @ rng.normal(size=(4, 8))
    x = mixed / mixed.std(axis=0)
    hidden = np.tanh(x @ rng.normal(0, 0.5, (8, 5)))
    y = hidden @ rng.normal(0, 0.7, (5, 2)) + [0.5, -0.5]
    return _regression(x, y + rng.normal(0, 0.05, y.shape))


def _saddle(rng: np.random.Generator) -> Samples:
    x = rng.uniform(-1.6, 1.6, (110, 2))
    y = 0.6 * (x[:, 0] ** 2 - x[:, 1] ** 2) + 0.5 * x[:, 0] - 0.4
    return _regression(x, y + rng.normal(0, 0.05, 110))


def _logistic_map(rng: np.random.Generator) -> Samples:
    series = np.empty(112)
    series[0] = rng.uniform(0.2, 0.8)
    for step in range(1, len(series)):
        series[step] = 3.72 * series[step - 1] * (1 - series[step - 1])
    windows = np.lib.stride_tricks.sliding_window_view((series - 0.65) / 0.22, 3)
    return _regression(windows[:, :2], windows[:, 2])


def _visits(rng: np.random.Generator) -> Samples:
    x = rng.normal(size=(120, 3))
    rate = np.exp(0.5 * x[:, 0] - 0.4 * x[:, 1] + 0.3 * np.abs(x[:, 2]))
    return Samples.without_validation("counts", x, rate + rng.uniform(0, 0.1, 120))


TUNING = (
    Source("sine", _sine),
    Source("waves", _waves),
    Source("friedman", _friedman),
    Source("hill", _hill),
    Source("moons", _moons),
    Source("ring", _ring),
    Source("quadrants", _quadrants),
    Source("blobs", _blobs),
)

HELD_OUT = (
    Source("saddle", _saddle),
    Source("logistic-map", _logistic_map),
    Source("teacher", _teacher),
    Source("visits", _visits),
    Source("spiral", _spiral),
    Source("stripes", _stripes),
    Source("shells", _shells),
    Source("digits", _digits),
)
