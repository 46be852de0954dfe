"""What the script calls the values of its backward pass: δ of each layer, and the error that reaches it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.explaining.lines import BIAS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.review.comparing.findings import Judgement

    Array = NDArray[Any]
    Data = dict[str, Any]


class ValueNames:
    """Looks values up among those that the script has given a name to."""

    def __init__(self, judgement: Judgement) -> None:
        points = judgement.search.points
        self._number = next((n for n, point in enumerate(points) if point.data.get("detail")), None)
        self._state = judgement.state
        self._layers = [] if self._number is None else points[self._number].layers
        self._detail: list[Data] = [] if self._number is None else points[self._number].data["detail"]

    def delta(self, layer: int) -> list[str]:
        """Return the names of ∂L/∂z of a layer, up to a factor."""
        return self._called(self._state.deltas.get(layer))

    def error(self, layer: int) -> list[str]:
        """Return the names of ∂L/∂a of a layer, up to a factor."""
        return self._called(self._state.signals.get(layer))

    def right_delta(self, layer: int) -> list[str]:
        """Return the names of ∂L/∂a ⊙ f'(z) of a layer, whether its update uses that or not."""
        errors = self._state.signals.get(layer)
        if errors is None or self._number is None:
            return []
        return self._names(np.asarray(errors[self._number], float) * self._layers[layer - 1].D)

    def bias_gradient(self, layer: int) -> list[str]:
        """Return the names of Σδ of a layer, up to a factor."""
        deltas = self._state.deltas.get(layer)
        if deltas is None or self._number is None:
            return []
        total = np.asarray(deltas[self._number], float).sum(axis=0)
        return self._names(total[None], biases=True)

    def _called(self, values: Any) -> list[str]:
        if values is None or self._number is None:
            return []
        return self._names(np.asarray(values[self._number], float))

    def _names(self, value: Array, biases: bool = False) -> list[str]:
        found: dict[str, None] = {}
        for entry in self._detail:
            if _is(entry["value"], value):
                for name, _ in entry["names"]:
                    if name and bool(BIAS.search(name)) == biases:
                        found.setdefault(str(name))
        return list(found)


def _is(other: Array, value: Array) -> bool:
    """Whether two arrays are the same up to a factor, or one is a single sample's part of the other."""
    if value.ndim == 2 and other.size == value.shape[1] < value.size:
        value = value[:1]
    if other.size != value.size or not np.any(value):
        return False
    shapes = [other.ravel()] + ([other.T.ravel()] if other.ndim == 2 else [])
    return any(_proportional(value.ravel(), shape) for shape in shapes)


def _proportional(one: Array, other: Array) -> bool:
    norm = float(other @ other)
    factor = float(one @ other) / norm if norm else 0.0
    return factor != 0 and bool(np.linalg.norm(one - factor * other) <= 1e-7 * np.linalg.norm(one))
