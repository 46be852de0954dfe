"""From a signal to the δ of a layer, right and with every known mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.comparing.choosing import choose_points
from backprop_core.review.comparing.edits import Choice, Edit, State
from backprop_core.review.comparing.fitting import Fit, fit
from backprop_core.review.following.activation_forms import form_of, wrong_arguments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from backprop_core.review.comparing.points import Network, PointLayer
    from backprop_core.review.following.activation_forms import Form

    Array = NDArray[Any]


class Deltas:
    """The ways in which scripts come to the δ of a layer."""

    def __init__(self, network: Network, errors: list[Array] | None = None) -> None:
        self.network = network
        self.points = choose_points(network)
        self.depth = len(network.weights)
        self.errors = tuple(errors if errors is not None else [point.e for point in self.points])
        self.rates = [point.rate for point in self.points]
        self.rows = [point.rows for point in self.points]
        self._may_decay = True
        self.work = 0

    def _of(self, index: int) -> list[PointLayer]:
        return [point.layers[index] for point in self.points]

    def _propagated(
        self, state: State, index: int
    ) -> Iterator[tuple[float, tuple[Edit, ...], tuple[Array, ...]]]:
        above = self._of(index + 1)
        number = index + 1
        deltas = state.signal
        right = tuple(d @ layer.W[layer.kept].T for d, layer in zip(deltas, above, strict=True))
        yield 0.0, (), right
        moved = tuple(d @ layer.moved[layer.kept].T for d, layer in zip(deltas, above, strict=True))
        yield 1.0, (Edit("updated-before-backpropagating", number),), moved
        shape = above[0].W[above[0].kept].shape
        if shape[0] == shape[1] and shape[0] > 1:
            plain = tuple(d @ layer.W[layer.kept] for d, layer in zip(deltas, above, strict=True))
            yield 1.0, (Edit("weights-not-transposed", number),), plain
        edit = (Edit("error-not-propagated", number),)
        for source in (deltas, state.raw):
            spread = self._spread(source, shape[0])
            if spread is not None:
                yield 1.0, edit, spread
            if source[0].shape[1] > 1:
                yield (
                    1.1,
                    edit,
                    tuple(np.repeat(d.sum(axis=1, keepdims=True), shape[0], axis=1) for d in source),
                )
                yield (
                    1.1,
                    edit,
                    tuple(np.repeat(d.mean(axis=1, keepdims=True), shape[0], axis=1) for d in source),
                )

    def _spread(self, source: tuple[Array, ...], units: int) -> tuple[Array, ...] | None:
        width = source[0].shape[1]
        if width == units:
            return source
        return tuple(np.repeat(d, units, axis=1) for d in source) if width == 1 else None

    def _derivatives(self, signal: tuple[Array, ...], index: int, scales: list[float]) -> Iterator[Choice]:
        layers, top = self._of(index), index == self.depth - 1
        number = index + 1
        true = self._true(signal, index)
        yield Choice(0.0, (), true, true)
        if self._same(signal, true):
            yield from self._error_for_output(signal, index)
            return
        missing = "missing-output-derivative" if top else "missing-hidden-derivative"
        yield Choice(1.0, (Edit(missing, number),), signal, signal)
        yield Choice(1.1, (Edit("derivative-missing-in-gradient-only", number),), signal, true)
        if index > 0:
            yield Choice(1.1, (Edit("raw-error-propagated", number),), true, signal)
        name = self.network.activations[index]
        if name == "softmax" and top:
            diagonal = tuple(s * layer.A * (1 - layer.A) for s, layer in zip(signal, layers, strict=True))
            yield Choice(1.0, (Edit("softmax-diagonal-only", number),), diagonal, diagonal)
        if top:
            extra = tuple(d * self._again(layer, name) for d, layer in zip(true, layers, strict=True))
            yield Choice(1.0, (Edit("extra-output-derivative", number),), extra, extra)
        yield from self._wrong_arguments(signal, index, scales)
        yield from self._wrong_slope(signal, index)

    def _error_for_output(self, signal: tuple[Array, ...], index: int) -> Iterator[Choice]:
        """Take a ReLU's derivative at the error, where the output was positive at all points."""
        errors = [
            None if point.target is None else point.layers[-1].A - point.target for point in self.points
        ]
        if index < self.depth - 1 or any(
            error is None or error.shape != s.shape for error, s in zip(errors, signal, strict=True)
        ):
            return
        for sign in (1.0, -1.0):
            delta = tuple(s * (sign * error > 0) for s, error in zip(signal, errors, strict=True))  # type: ignore[operator]
            yield Choice(1.0, (Edit("derivative-of-error", index + 1),), delta, delta)

    def _again(self, layer: PointLayer, name: str) -> Array:
        return layer.A * (1 - layer.A) if name == "softmax" else layer.D

    def _true(self, signal: tuple[Array, ...], index: int) -> tuple[Array, ...]:
        layers = self._of(index)
        if self.network.activations[index] == "softmax":
            return tuple(
                layer.A * (s - np.sum(s * layer.A, axis=1, keepdims=True))
                for s, layer in zip(signal, layers, strict=True)
            )
        return tuple(s * layer.D for s, layer in zip(signal, layers, strict=True))

    def _same(self, one: tuple[Array, ...], other: tuple[Array, ...]) -> bool:
        return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))

    def _wrong_arguments(
        self, signal: tuple[Array, ...], index: int, scales: list[float]
    ) -> Iterator[Choice]:
        form = self.network.forms[index]
        if form is None:
            return
        made: dict[str, list[list[Any]]] = {}
        for point, s in zip(self.points, signal, strict=True):
            layer = point.layers[index]
            error = None if point.target is None else point.layers[-1].A - point.target
            if error is not None and error.shape != layer.Z.shape:
                error = np.repeat(error, layer.Z.shape[1], axis=1) if error.shape[1] == 1 else None
            taken = wrong_arguments(form, layer.Z, layer.A, error)
            if form.name != "linear":
                taken.setdefault("derivative-of-error", []).extend(_at_signal(form, s, scales))
            for name, arrays in taken.items():
                made.setdefault(name, []).append([s * array for array in arrays])
        for name, per_point in made.items():
            if len(per_point) < len(self.points):
                continue
            for number in range(min(len(arrays) for arrays in per_point)):
                delta = tuple(arrays[number] for arrays in per_point)
                if all(np.all(np.isfinite(d)) for d in delta):
                    yield Choice(1.0, (Edit(name, index + 1),), delta, delta)

    def _wrong_slope(self, signal: tuple[Array, ...], index: int) -> Iterator[Choice]:
        """Estimate with which slope below zero the update was made."""
        name = self.network.activations[index]
        if name not in ("relu", "leaky-relu", "elu"):
            return
        columns, values = [], []
        decays = self._asks_decay(index)
        for point, s in zip(self.points, signal, strict=True):
            layer = point.layers[index]
            if layer.applied_w is None:
                return
            parts = [layer.X.T @ (s * (layer.Z > 0)), layer.X.T @ (s * (layer.Z <= 0))]
            parts += [layer.W * layer.kept[:, None]] if decays else []
            scale = np.linalg.norm(layer.applied_w) or 1.0
            columns.append(np.column_stack([part.ravel() for part in parts]) * (point.rate / scale))
            values.append(-layer.applied_w.ravel() / scale)
        a, b = np.concatenate(columns), np.concatenate(values)
        if not np.all(np.isfinite(a)) or np.linalg.matrix_rank(a) < a.shape[1]:
            return
        solution = np.linalg.lstsq(a, b, rcond=None)[0]
        slope = float(solution[1] / solution[0]) if solution[0] else 1.0
        if abs(slope - 1) < 1e-6 or not 1e-9 < abs(slope) < 3:
            slope = 0.0 if abs(slope) <= 1e-9 and name == "leaky-relu" else 1.0
        if slope == 1.0:
            return
        form = form_of("leaky-relu", slope)
        assert form is not None
        delta = tuple(s * form.derivative(layer.Z) for s, layer in zip(signal, self._of(index), strict=True))
        yield Choice(1.0, (Edit("wrong-slope", index + 1, note=f"{slope:.6g}"),), delta, delta)

    def _fit(
        self, observed: list[Array], predicted: list[Array], weights: list[Array], decaying: bool = False
    ) -> Fit | None:
        self.work += sum(TRY + NUMBER * one.size for one in observed)
        return fit(observed, predicted, weights, self.rates, self.rows, decaying, self.network.coarse)

    def _asks_decay(self, index: int) -> bool:
        """Whether the loss holds a term of these weights themselves."""
        for point in self.network.points:
            for part in point.data["parameters"]:
                for place in part["canonical"]:
                    if place["layer"] == index and place["kind"] == "W" and np.any(place.get("own", 0)):
                        return True
        return False


TRY = 25_000
"""What it costs to try an edit at a point, beside its numbers."""


NUMBER = 15


def _at_signal(form: Form, signal: Array, scales: list[float]) -> list[Array]:
    """Return the derivative, in terms of z or of a, at the error that arrives at a layer."""
    taken = [sign * scale * signal for scale in scales for sign in (1.0, -1.0)]
    found = [form.derivative(one) for one in taken]
    return found + ([] if form.by_output is None else [form.by_output(one) for one in taken])
