"""The one special function that NumPy lacks: the standard normal distribution function."""

from __future__ import annotations

from math import pi, sqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CENTRE = 3.0
# Chebyshev interpolation of exp(x²)·erfc(x) on x ≥ 0, mapped by t = (x − 3)/(x + 3) to −1 ≤ t < 1 and
# written in powers of t, highest first; relative error of erfc below 5e-15, absolute below 4e-16.
_SCALED_ERFC = (
    8.091276670262475e-10,
    4.759352654387175e-11,
    -7.853837803843665e-09,
    -2.3745863059537005e-09,
    4.593835509005443e-08,
    3.37615392036056e-08,
    -2.342318664729387e-07,
    -2.9889260813570117e-07,
    1.2524875191409937e-06,
    2.123005296119278e-06,
    -7.978211059507921e-06,
    -1.2861678190177823e-05,
    6.405659283321084e-05,
    4.525559656602477e-05,
    -0.0005970619563671483,
    0.0007077463931394077,
    0.004269136333630407,
    -0.024392499314785543,
    0.07166583719794438,
    -0.1501159365009285,
    0.2456038017123313,
    -0.3262335600430355,
    0.17900115118138996,
)


def normal_density(z: NDArray[np.floating]) -> NDArray[np.floating]:
    """Density φ(z) of the standard normal distribution, elementwise."""
    density: NDArray[np.floating] = np.exp(z * z * -0.5) * (1.0 / sqrt(2.0 * pi))
    return density


def normal_distribution(z: NDArray[np.floating]) -> NDArray[np.floating]:
    """Distribution function Φ(z) = erfc(−z/√2)/2 of the standard normal distribution, elementwise."""
    x = np.abs(z) * sqrt(0.5)
    # The map is 0/0-free but inf/inf at x = inf, where the tail is zero anyway.
    x = np.minimum(x, 1e6)
    t = (x - _CENTRE) / (x + _CENTRE)
    tail = np.zeros_like(x)
    for coefficient in _SCALED_ERFC:
        tail *= t
        tail += coefficient
    tail *= np.exp(x * -x)
    tail *= 0.5
    distribution: NDArray[np.floating] = np.where(z > 0, 1.0 - tail, tail)
    return distribution
