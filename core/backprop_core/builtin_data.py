"""The built-in data sets, a record each.

What is random in them comes from a generator of their own, so that they stay the same whatever the
experiment's seed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.errors import UserError, nearest
from backprop_core.files import shown
from backprop_core.windows import windows

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from backprop_core.experiment import DataSpec

    Array = NDArray[np.float64]

DATA = Path(__file__).parent / "data"

SEQUENCE = (2.16, 3.19, 1.85, 4.84, 0.55, 4.20, 1.68, 4.74, 0.14, 5.68, 0.48, 5.03, 0.18, 5.99, 0.09)
"""The fifteen posted numbers: they swing wider and wider."""

OPTIONS = ("samples", "noise", "window")
LARGEST_SAMPLES = 1_000_000
LARGEST_NOISE = 1e6
TWO_CLASSES = ("0", "1")


@dataclass(frozen=True)
class Builtin:
    """A built-in data set.

    Attributes
    ----------
    name, summary : str
    kind : str
        ``"series"``, ``"regression"`` or ``"classification"``.
    make : callable(rng, **options) -> (x, y)
        Both of shape (samples, columns).
    options : dict
        The options that ``make`` takes, with their defaults.
    features, targets : tuple of str
        Names of the columns; a series has as many features as its window is wide.
    classes : tuple of str, or None
    """

    name: str
    summary: str
    kind: str
    make: Callable[..., tuple[Array, Array]]
    options: dict[str, Any] = field(default_factory=dict)
    features: tuple[str, ...] = ("x", "y")
    targets: tuple[str, ...] = ("class",)
    classes: tuple[str, ...] | None = None


def _sequence(rng: np.random.Generator, window: int) -> tuple[Array, Array]:
    return windows(np.array(SEQUENCE), window, "[data] builtin 'sequence'")


def _worked_example(rng: np.random.Generator) -> tuple[Array, Array]:
    return np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])


def _digits(rng: np.random.Generator) -> tuple[Array, Array]:
    with np.load(DATA / "digits.npz", allow_pickle=False) as archive:
        images, labels = archive["images"], archive["labels"]
    return images.reshape(len(images), 64) / 16.0, np.eye(10)[labels]


def _xor(rng: np.random.Generator, samples: int, noise: float) -> tuple[Array, Array]:
    corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    points = corners[np.arange(samples) % 4]
    classes = np.not_equal(points[:, 0], points[:, 1]).astype(np.float64)
    return _scattered(rng, points, noise), classes[:, None]


def _moons(rng: np.random.Generator, samples: int, noise: float) -> tuple[Array, Array]:
    upper, lower = (np.linspace(0.0, np.pi, count) for count in _halves(samples))
    points = np.concatenate(
        [
            np.column_stack([np.cos(upper), np.sin(upper)]),
            np.column_stack([1.0 - np.cos(lower), 0.5 - np.sin(lower)]),
        ]
    )
    return _scattered(rng, points, noise), _two_classes(samples)


def _circles(rng: np.random.Generator, samples: int, noise: float) -> tuple[Array, Array]:
    outer, inner = (np.linspace(0.0, 2.0 * np.pi, count, endpoint=False) for count in _halves(samples))
    points = np.concatenate(
        [
            np.column_stack([np.cos(outer), np.sin(outer)]),
            0.5 * np.column_stack([np.cos(inner), np.sin(inner)]),
        ]
    )
    return _scattered(rng, points, noise), _two_classes(samples)


def _spiral(rng: np.random.Generator, samples: int, noise: float) -> tuple[Array, Array]:
    arms = []
    for count, turn in zip(_halves(samples), (0.0, np.pi), strict=True):
        along = np.arange(count) / count
        angle = 1.75 * along * 2.0 * np.pi + turn
        arms.append(5.0 * along[:, None] * np.column_stack([np.sin(angle), np.cos(angle)]))
    return _scattered(rng, np.concatenate(arms), noise), _two_classes(samples)


def _sine(rng: np.random.Generator, samples: int, noise: float) -> tuple[Array, Array]:
    x = np.linspace(-np.pi, np.pi, samples)[:, None]
    return x, _scattered(rng, np.sin(x), noise)


def _scattered(rng: np.random.Generator, points: Array, noise: float) -> Array:
    return points + rng.normal(0.0, noise, points.shape) if noise else points


def _halves(samples: int) -> tuple[int, int]:
    return samples - samples // 2, samples // 2


def _two_classes(samples: int) -> Array:
    return np.repeat([0.0, 1.0], _halves(samples))[:, None]


BUILTIN: dict[str, Builtin] = {
    record.name: record
    for record in (
        Builtin(
            "sequence",
            "fifteen numbers that swing wider and wider: predict the next",
            "series",
            _sequence,
            {"window": 3},
            features=(),
            targets=("t",),
        ),
        Builtin(
            "worked-example",
            "one sample, two inputs and two outputs: a step worked by hand",
            "regression",
            _worked_example,
            features=("i1", "i2"),
            targets=("o1", "o2"),
        ),
        Builtin(
            "digits",
            "1,797 handwritten digits of 8 by 8 pixels, from 0 (blank) to 1 (ink)",
            "classification",
            _digits,
            features=tuple(f"pixel{row}{column}" for row in range(8) for column in range(8)),
            targets=tuple("0123456789"),
            classes=tuple("0123456789"),
        ),
        Builtin(
            "xor",
            "the corners of a square, opposite ones of one class; noise is their spread",
            "classification",
            _xor,
            {"samples": 4, "noise": 0.0},
            classes=TWO_CLASSES,
        ),
        Builtin(
            "moons",
            "two half-moons, each reaching into the other",
            "classification",
            _moons,
            {"samples": 200, "noise": 0.1},
            classes=TWO_CLASSES,
        ),
        Builtin(
            "circles",
            "a circle of radius 1, and one of radius 0.5 within it",
            "classification",
            _circles,
            {"samples": 200, "noise": 0.05},
            classes=TWO_CLASSES,
        ),
        Builtin(
            "spiral",
            "two arms of a spiral, out to a radius of 5",
            "classification",
            _spiral,
            {"samples": 200, "noise": 0.0},
            classes=TWO_CLASSES,
        ),
        Builtin(
            "sine",
            "one period of a sine, x from -pi to pi; noise is added to its values",
            "regression",
            _sine,
            {"samples": 100, "noise": 0.0},
            features=("x",),
            targets=("sine",),
        ),
    )
}


def make_builtin(data: DataSpec) -> tuple[Builtin, Array, Array]:
    """Return a built-in data set's record and its x and y.

    Raises
    ------
    UserError
        If there is none of that name, or it does not take an option that is given.
    """
    name = data.builtin or ""
    if name not in BUILTIN:
        raise UserError(f"[data] builtin: unknown '{shown(name)}'{nearest(name, BUILTIN)}")
    record = BUILTIN[name]
    options = dict(record.options)
    for option in OPTIONS:
        value = getattr(data, option)
        if value is None:
            continue
        if option not in options:
            takes = " and ".join(options) or "no options"
            raise UserError(f"[data] {option}: the built-in '{name}' does not take it; it takes {takes}")
        options[option] = value
    _check_options(options)
    x, y = record.make(np.random.default_rng(data.seed), **options)
    return record, x, y


def _check_options(options: dict[str, Any]) -> None:
    samples, noise = options.get("samples", 2), options.get("noise", 0.0)
    if not 2 <= samples <= LARGEST_SAMPLES:
        raise UserError(f"[data] samples: must be from 2 to {LARGEST_SAMPLES}, not {samples}")
    if not (math.isfinite(noise) and 0.0 <= noise <= LARGEST_NOISE):
        raise UserError(f"[data] noise: must be from 0 to {LARGEST_NOISE:.0f}, not {noise}")
