"""Whether a hypothesis gives what was applied, up to one factor, at all points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[Any]

CLOSE = 1e-6
"""Relative residual that counts as rounding: updates are differences of weights, and lose digits by that."""
SAME_FACTOR = 1e-5
SINGLE = 1e-3
"""The same for both, where the script computes with single precision."""
SINGLE_NOISE = 1e-6


@dataclass(frozen=True)
class Fit:
    """How an observed update follows from a predicted gradient: observed = factor · predicted + decay · W.

    Attributes
    ----------
    factor : float
        With the learning rate in it.
    power : int
        The factor also holds (number of samples)**power.
    decay : float
        The part in proportion to W, relative to ``factor``.
    varying : bool
        Whether each point has a factor of its own.
    """

    factor: float
    residual: float
    power: int = 0
    decay: float = 0.0
    varying: bool = False
    each: tuple[tuple[int, float], ...] = ()
    """The points with their factors, where these vary."""
    loose: bool = False
    """Whether so few numbers were fitted that factors of their own would explain nearly all of them."""

    def varies_as(self, other: Fit) -> bool:
        """Whether the factors of both change alike from point to point, as a changing learning rate's do."""
        mine, theirs = dict(self.each), dict(other.each)
        shared = mine.keys() & theirs.keys()
        ratios = [mine[number] / theirs[number] for number in shared if theirs[number]]
        return len(ratios) >= 2 and bool(np.allclose(ratios, ratios[0], rtol=1e-4, atol=0))


def fit(
    observed: Sequence[Array],
    predicted: Sequence[Array],
    weights: Sequence[Array],
    rates: Sequence[float],
    rows: Sequence[int],
    decaying: bool = False,
    coarse: bool = False,
) -> Fit | None:
    """Fit one factor over all points; None if the residual is more than rounding.

    Parameters
    ----------
    decaying : bool
        Also try a part in proportion to the weights.
    coarse : bool
        The script computes with single precision.
    """
    close, unit = (SINGLE, SINGLE_NOISE) if coarse else (CLOSE, 4e-15)
    factors, used, worst = [], [], 0.0
    ok = True
    for number, (o, h, w) in enumerate(zip(observed, predicted, weights, strict=True)):
        if not (np.all(np.isfinite(o)) and np.all(np.isfinite(h))):
            continue
        if o.shape != h.shape:
            return None
        size_o, size_h = float(np.linalg.norm(o)), float(np.linalg.norm(h))
        noise = unit * float(np.linalg.norm(w)) + 1e-300
        if size_o <= noise and size_h * rates[number] <= noise:
            continue
        if size_o <= noise or size_h <= 1e-12 * size_o:
            if size_o > 1e3 * noise or size_h * abs(rates[number]) > 1e3 * noise:
                ok = False
                break
            continue
        c = float(np.vdot(o, h)) / size_h**2
        residual = float(np.linalg.norm(o - c * h)) / size_o
        if residual > close + noise / size_o:
            ok = False
            break
        if noise / size_o > close:
            continue
        worst = max(worst, residual)
        factors.append(c / rates[number])
        used.append(number)
    if not ok:
        return _with_decay(observed, predicted, weights, rates, close) if decaying else None
    if not factors:
        return Fit(0.0, 0.0)
    sizes = min(o.size for o in observed)
    same = SINGLE if coarse else SAME_FACTOR
    return _consistent(factors, used, [rows[number] for number in used], worst, sizes, same)


def _consistent(
    factors: list[float], used: list[int], rows: list[int], worst: float, size: int, same: float
) -> Fit | None:
    values = np.array(factors)
    for power in (0, 1, -1):
        scaled = values / np.array(rows, float) ** power
        middle = float(np.median(scaled))
        if np.all(np.abs(scaled - middle) <= same * abs(middle)):
            return Fit(middle, worst, power)
    if np.all(values > 0) or np.all(values < 0):
        each = tuple(zip(used, factors, strict=True))
        return Fit(float(np.median(values)), worst, 0, 0.0, True, each, size < 3)
    return None


def _with_decay(
    observed: Sequence[Array],
    predicted: Sequence[Array],
    weights: Sequence[Array],
    rates: Sequence[float],
    close: float,
) -> Fit | None:
    """Fit a second part, in proportion to the weights, as L2 regularisation adds."""
    left, right = [], []
    for o, h, w, rate in zip(observed, predicted, weights, rates, strict=True):
        if o.shape != h.shape or o.shape != w.shape:
            return None
        scale = float(np.linalg.norm(o))
        if scale == 0 or not np.isfinite(scale) or not np.all(np.isfinite(h)):
            continue
        left.append(np.column_stack([h.ravel(), w.ravel()]) * (rate / scale))
        right.append(o.ravel() / scale)
    if not left:
        return None
    a, b = np.concatenate(left), np.concatenate(right)
    if len(b) < 5 or np.linalg.matrix_rank(a) < 2:
        return None
    solution = np.linalg.lstsq(a, b, rcond=None)[0]
    start = 0
    for part in right:
        inside = slice(start, start + len(part))
        start += len(part)
        if np.linalg.norm(a[inside] @ solution - b[inside]) > 10 * close:
            return None
    if solution[0] == 0 or abs(solution[0]) < 1e-12:
        return None
    residual = float(np.linalg.norm(a @ solution - b)) / np.sqrt(len(right))
    return Fit(float(solution[0]), residual, 0, float(solution[1] / solution[0]))
