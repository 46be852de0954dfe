"""The built-in data sets, a record each; made by a generator of their own, so that they stay the same
whatever the experiment's seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from backprop_core.errors import UserError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from backprop_core.experiment import DataSpec

    Array = NDArray[np.float64]

DATA = Path(__file__).parent / "data"

SEQUENCE = (2.16, 3.19, 1.85, 4.84, 0.55, 4.20, 1.68, 4.74, 0.14, 5.68, 0.48, 5.03, 0.18, 5.99, 0.09)
"""The series of the posted network."""

LARGEST_SAMPLES = 1_000_000


@dataclass(frozen=True)
class Builtin:
    """A built-in data set. ``make(rng, samples, noise)`` returns x and y, both (samples, columns)."""

    name: str
    summary: str
    kind: str
    make: Callable[[np.random.Generator, int, float], tuple[Array, Array]]
    features: tuple[str, ...] = ("x", "y")
    targets: tuple[str, ...] = ("class",)
    samples: int | None = None
    noise: float | None = None


def _worked_example(rng: np.random.Generator, samples: int, noise: float) -> tuple[Array, Array]:
    return np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])


def _digits(rng: np.random.Generator, samples: int, noise: float) -> tuple[Array, Array]:
    with np.load(DATA / "digits.npz", allow_pickle=False) as archive:
        images, labels = archive["images"], archive["labels"]
    return images.reshape(len(images), 64) / 16.0, np.eye(10)[labels]


def _jitter(rng: np.random.Generator, points: Array, noise: float) -> Array:
    return points + rng.normal(0.0, noise, points.shape) if noise else points


def _xor(rng: np.random.Generator, samples: int, noise: float) -> tuple[Array, Array]:
    corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    points = corners[np.arange(samples) % 4]
    classes = np.not_equal(points[:, 0], points[:, 1]).astype(np.float64)
    return _jitter(rng, points, noise), classes[:, None]


def _halves(samples: int) -> tuple[int, int]:
    return samples - samples // 2, samples // 2


def _moons(rng: np.random.Generator, samples: int, noise: float) -> tuple[Array, Array]:
    upper, lower = (np.linspace(0.0, np.pi, count) for count in _halves(samples))
    points = np.concatenate(
        [
            np.column_stack([np.cos(upper), np.sin(upper)]),
            np.column_stack([1.0 - np.cos(lower), 0.5 - np.sin(lower)]),
        ]
    )
    return _jitter(rng, points, noise), _two_classes(samples)


def _circles(rng: np.random.Generator, samples: int, noise: float) -> tuple[Array, Array]:
    outer, inner = (np.linspace(0.0, 2.0 * np.pi, count, endpoint=False) for count in _halves(samples))
    points = np.concatenate(
        [
            np.column_stack([np.cos(outer), np.sin(outer)]),
            0.5 * np.column_stack([np.cos(inner), np.sin(inner)]),
        ]
    )
    return _jitter(rng, points, noise), _two_classes(samples)


def _spiral(rng: np.random.Generator, samples: int, noise: float) -> tuple[Array, Array]:
    arms = []
    for count, turn in zip(_halves(samples), (0.0, np.pi), strict=True):
        along = np.arange(count) / max(count, 1)
        angle = 1.75 * along * 2.0 * np.pi + turn
        arms.append(5.0 * along[:, None] * np.column_stack([np.sin(angle), np.cos(angle)]))
    return _jitter(rng, np.concatenate(arms), noise), _two_classes(samples)


def _two_classes(samples: int) -> Array:
    first, second = _halves(samples)
    return np.repeat([0.0, 1.0], [first, second])[:, None]


def _sine(rng: np.random.Generator, samples: int, noise: float) -> tuple[Array, Array]:
    x = np.linspace(-np.pi, np.pi, samples)[:, None]
    return x, _jitter(rng, np.sin(x), noise)


BUILTIN: dict[str, Builtin] = {
    record.name: record
    for record in (
        Builtin(
            "worked-example",
            "the one sample of a step worked by hand",
            "regression",
            _worked_example,
            ("i1", "i2"),
            ("o1", "o2"),
        ),
        Builtin(
            "digits",
            "1,797 handwritten digits of 8×8 pixels",
            "classification",
            _digits,
            tuple(f"pixel{row}{column}" for row in range(8) for column in range(8)),
            tuple(f"is{digit}" for digit in range(10)),
        ),
        Builtin("xor", "four corners, opposite ones alike", "classification", _xor, samples=4, noise=0.0),
        Builtin("moons", "two interlocking half-moons", "classification", _moons, samples=200, noise=0.1),
        Builtin("circles", "a circle within a circle", "classification", _circles, samples=200, noise=0.05),
        Builtin("spiral", "two interwoven spirals", "classification", _spiral, samples=200, noise=0.0),
        Builtin("sine", "one period of a sine", "regression", _sine, ("x",), ("sin",), samples=100, noise=0.0),
    )
}
"""``sequence`` is not among them: it is a series, and read as one."""


def builtin_names() -> tuple[str, ...]:
    """Return the names of all built-in sources."""
    return ("sequence", *BUILTIN)


def make_builtin(data: DataSpec) -> tuple[Builtin, Array, Array]:
    """Return a built-in source's record and its x and y; unknown names and options are UserErrors."""
    name = data.builtin or ""
    if name not in BUILTIN:
        raise UserError(f"[data] builtin unknown '{name}'{nearest(name, builtin_names())}")
    record = BUILTIN[name]
    for option in ("samples", "noise"):
        if getattr(data, option) is not None and getattr(record, option) is None:
            raise UserError(f"[data] {option} cannot be given for '{name}'; it is as it is")
    samples = data.samples or record.samples or 0
    if samples > LARGEST_SAMPLES:
        raise UserError(f"[data] samples must be at most {LARGEST_SAMPLES}, not {samples}")
    noise = record.noise if data.noise is None else data.noise
    x, y = record.make(np.random.default_rng(data.seed), samples, noise or 0.0)
    return record, x, y
