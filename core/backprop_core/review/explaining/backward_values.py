"""Values looked for in a recorded backward pass: as a whole, sample by sample, unit by unit, up to a factor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.review.comparing.points import Point

    Array = NDArray[Any]
    Data = dict[str, Any]


class BackwardValues:
    """Knows the values of one update's backward pass."""

    point: Point | None
    detail: list[Data]

    def _whole(self, entry: Data) -> Data:
        """Return the last value of the same line that is the entry's, up to a factor: that which gets a name."""
        start = next(number for number, one in enumerate(self.detail) if one is entry)
        for other in self.detail[start + 1 :]:
            if other["line"] == entry["line"] and self._holds(other["value"], entry["value"]):
                entry = other
        return entry

    def _along(self, value: Array, one: Array) -> bool:
        """Whether a value is a positive multiple of another; of a single number one that scripts are known to have."""
        if float(np.vdot(value, one)) <= 0:
            return False
        return self._plausible(float(one[0]), float(value[0])) if one.size == 1 else proportional(value, one)

    def _first(self, value: Array) -> Data | None:
        """Return the first entry that holds a value, up to a factor, as a whole or in parts at the same place."""
        if not np.any(value):
            return None
        whole = next(
            (
                number for number, entry in enumerate(self.detail)
                if entry["op"] not in TURNED and self._holds(entry["value"], value)
            ),
            None,
        )  # fmt: skip
        parts = self._in_parts(value)
        found = [number for number in (whole, parts) if number is not None]
        if not found and value.size > 1:
            found = [number for number in [self._in_numbers(value)] if number is not None]
        return self.detail[min(found)] if found else None

    def _in_numbers(self, value: Array) -> int | None:
        """Look for a value each number of which has a line of its own."""
        single = [
            (n, float(entry["value"].flat[0]))
            for n, entry in enumerate(self.detail)
            if entry["value"].size == 1
        ]
        first, *others = value.ravel()
        for number, held in single:
            if first and self._plausible(float(first), held):
                ratio = held / first
                if all(
                    any(np.isclose(one, ratio * other, rtol=1e-7, atol=0) for _, one in single)
                    for other in others
                ):
                    return number
        return None

    def _holds(self, other: Array, value: Array) -> bool:
        if other.size != value.size:
            return False
        if value.size == 1:
            return self._plausible(float(value.flat[0]), float(other.flat[0]))
        shapes = [other.ravel()] + ([other.T.ravel()] if other.ndim == 2 else [])
        return any(proportional(value.ravel(), shape) for shape in shapes)

    def _plausible(self, value: float, other: float) -> bool:
        """Whether two single numbers differ by a factor that scripts are known to have."""
        point = self.point
        if point is None or other == 0:
            return False
        ratio = abs(value / other)
        scales = {abs(scale["value"]) for part in point.data["parameters"] for scale in part["scales"]}
        rates = {1.0, point.rate} | {scale for scale in scales if scale}
        known = (a * b * c for a in rates for b in (1, point.rows, 1 / point.rows) for c in (1, 2, 0.5))
        return any(abs(ratio - factor) <= 1e-7 * factor for factor in known)

    def _in_parts(self, value: Array) -> int | None:
        """Look for a value that a loop computes sample by sample or unit by unit."""
        places: dict[tuple[int, int], list[int]] = {}
        for number, entry in enumerate(self.detail):
            if entry["value"].size < value.size:
                places.setdefault((entry["site"], entry["value"].size), []).append(number)
        best: int | None = None
        orders = (
            [value.ravel(), value.T.ravel(), value[::-1].ravel(), value[:, ::-1].ravel()]
            if value.ndim == 2
            else [value]
        )
        for (_, size), numbers in places.items():
            count = value.size // size
            if value.size % size or len(numbers) < count:
                continue
            for stride in STRIDES:
                for start in range(min(len(numbers) - (count - 1) * stride, 40)):
                    chosen = numbers[start : start + (count - 1) * stride + 1 : stride]
                    if best is not None and chosen[0] >= best:
                        break
                    made = np.concatenate([self.detail[n]["value"].ravel() for n in chosen])
                    if any(proportional(order, made) for order in orders):
                        best = chosen[0]
        return best


TURNED = {"T", "transpose", "swapaxes"}
"""What computes nothing: weights that are turned to propagate an error are no gradient."""


STRIDES = (1, 2, 3, 4)


def proportional(one: Array, other: Array) -> bool:
    """Whether a value is a multiple of another, to rounding."""
    norm = float(np.vdot(other, other))
    if norm == 0 or not np.isfinite(norm):
        return False
    factor = float(np.vdot(one, other)) / norm
    return bool(np.linalg.norm(one - factor * other) <= 1e-7 * np.linalg.norm(one)) and factor != 0
