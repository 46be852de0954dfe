"""The initializers: how the weights of a layer are drawn. Biases start at zero.

Variances are those of Glorot and Bengio (2010) for Xavier, He et al. (2015) for He, LeCun et al. (1998).
"""

from __future__ import annotations

from dataclasses import field
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Initializer:
    """``draw(rng, fan_in, fan_out, shape, **options)`` returns float64 weights of ``shape``."""

    name: str
    summary: str
    draw: Callable[..., NDArray[np.float64]]
    defaults: Mapping[str, float] = field(default_factory=dict)


Shape = tuple[int, ...]


def _zeros(rng: np.random.Generator, fan_in: int, fan_out: int, shape: Shape) -> NDArray[np.float64]:
    return np.zeros(shape)


def _uniform(
    rng: np.random.Generator, fan_in: int, fan_out: int, shape: Shape, low: float, high: float
) -> NDArray[np.float64]:
    return rng.uniform(low, high, shape)


def _normal(
    rng: np.random.Generator, fan_in: int, fan_out: int, shape: Shape, mean: float, std: float
) -> NDArray[np.float64]:
    return rng.normal(mean, std, shape)


def _scaled_normal(variance: Callable[[int, int], float]) -> Callable[..., NDArray[np.float64]]:
    def draw(rng: np.random.Generator, fan_in: int, fan_out: int, shape: Shape) -> NDArray[np.float64]:
        return rng.normal(0.0, sqrt(variance(fan_in, fan_out)), shape)

    return draw


def _scaled_uniform(variance: Callable[[int, int], float]) -> Callable[..., NDArray[np.float64]]:
    def draw(rng: np.random.Generator, fan_in: int, fan_out: int, shape: Shape) -> NDArray[np.float64]:
        # A uniform distribution on (−b, b) has variance b²/3.
        bound = sqrt(3.0 * variance(fan_in, fan_out))
        return rng.uniform(-bound, bound, shape)

    return draw


def _xavier(fan_in: int, fan_out: int) -> float:
    return 2.0 / (fan_in + fan_out)


def _he(fan_in: int, fan_out: int) -> float:
    return 2.0 / fan_in


def _lecun(fan_in: int, fan_out: int) -> float:
    return 1.0 / fan_in


INITIALIZERS: dict[str, Initializer] = {
    record.name: record
    for record in (
        Initializer("zeros", "all weights zero", _zeros),
        Initializer("uniform", "uniform between low and high", _uniform, defaults={"low": 0.0, "high": 1.0}),
        Initializer("normal", "normal with mean and std", _normal, defaults={"mean": 0.0, "std": 1.0}),
        Initializer("xavier-uniform", "variance 2/(fan-in + fan-out)", _scaled_uniform(_xavier)),
        Initializer("xavier-normal", "variance 2/(fan-in + fan-out)", _scaled_normal(_xavier)),
        Initializer("he-uniform", "variance 2/fan-in, for ReLU", _scaled_uniform(_he)),
        Initializer("he-normal", "variance 2/fan-in, for ReLU", _scaled_normal(_he)),
        Initializer("lecun-normal", "variance 1/fan-in", _scaled_normal(_lecun)),
    )
}
