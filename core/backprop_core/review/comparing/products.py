"""From the δ of a layer to what is applied to its weights and its bias, right and with every known mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.comparing.deltas import Deltas
from backprop_core.review.comparing.edits import VARYING, WRONG_BIAS, WRONG_WEIGHTS, Choice, Edit, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from backprop_core.review.comparing.fitting import Fit
    from backprop_core.review.comparing.points import PointLayer

    Array = NDArray[Any]


class Products(Deltas):
    """The ways in which scripts come from δ to updates."""

    def _weights(self, index: int, delta: tuple[Array, ...]) -> list[tuple[float, Edit | None, Fit | None]]:
        layers = self._of(index)
        if any(layer.applied_w is None for layer in layers):
            return [(0.0, None, None)]
        observed = [-layer.applied_w for layer in layers]  # type: ignore[operator]
        held = [layer.W for layer in layers]
        found: list[tuple[float, Edit | None, Fit | None]] = []
        for cost, edit, predicted in self._products(index, delta):
            if found and cost > found[0][0] + 0.3:
                break
            made = self._fit(observed, predicted, held)
            if made is None and (edit is None or self._asks_decay(index)):
                made = self._with_decay(index, observed, predicted)
            if made is not None:
                found.append((cost + (VARYING if made.varying else 0.0), edit, made))
        if any(made is None or not made.loose for _, _, made in found):
            return found
        return [*found, (WRONG_WEIGHTS, Edit("wrong-gradient", index + 1, "W"), None)]

    def _with_decay(self, index: int, observed: list[Array], predicted: list[Array]) -> Fit | None:
        """Allow for a part in proportion to the weights; those of the bias may be left out of it."""
        layers = self._of(index)
        if not self._may_decay:
            return None
        masks: list[Array] = [np.ones(len(layers[0].W)) for _ in range(3)]
        masks[1][0] = masks[2][-1] = 0
        if not layers[0].kept.all():
            masks.insert(0, layers[0].kept * 1.0)
        for mask in masks[: 4 if index == 0 else 2]:
            held = [layer.W * mask[:, None] for layer in layers]
            made = self._fit(observed, predicted, held, decaying=True)
            if made is not None:
                return made
        return None

    def _products(
        self, index: int, delta: tuple[Array, ...]
    ) -> Iterator[tuple[float, Edit | None, list[Array]]]:
        layers, number = self._of(index), index + 1
        pairs = list(zip(layers, delta, strict=True))
        right = [layer.X.T @ d for layer, d in pairs]
        yield 0.0, None, right
        fan_in, fan_out = layers[0].W.shape
        for row in self._bias_rows(index):
            mask = np.ones((fan_in, 1))
            mask[row] = 0
            yield 1.0, Edit("bias-never-updated", number, "W"), [g * mask for g in right]
        if fan_in == fan_out and fan_in > 1:
            yield 1.0, Edit("gradient-transposed", number, "W"), [g.T for g in right]
        edit = Edit("outputs-in-place-of-inputs", number, "W")
        if fan_in == fan_out:
            yield 1.0, edit, [layer.A.T @ d for layer, d in pairs]
        yield (
            1.0,
            edit,
            [np.repeat((layer.A * d).sum(axis=0, keepdims=True), fan_in, axis=0) for layer, d in pairs],
        )
        edit = Edit("weights-in-place-of-activation", number, "W")
        for kind in range(6):
            made = [_weights_for_activation(kind, layer, d) for layer, d in pairs]
            if all(one is not None for one in made):
                yield 1.0, edit, made

    def _bias_rows(self, index: int) -> list[int]:
        """Return the rows of the weights that stand for a bias: those of an input that is always one."""
        layers = self._of(index)
        if self.network.biases[index] is not None or any(len(layer.X) < 2 for layer in layers):
            return []
        return [
            row
            for row in (0, layers[0].X.shape[1] - 1)
            if all(np.all(layer.X[:, row] == 1.0) for layer in layers)
        ]

    def _bias(self, index: int, choice: Choice, state: State) -> list[tuple[float, Edit | None, Fit | None]]:
        layers, number = self._of(index), index + 1
        if self.network.biases[index] is None or any(layer.applied_b is None for layer in layers):
            return [(0.0, None, None)]
        observed = [-np.asarray(layer.applied_b) for layer in layers]
        # Where errors cancel in a sum, what is left of them is rounding.
        held = [np.full_like(o, np.abs(e).sum()) for o, e in zip(observed, state.raw, strict=True)]
        right = [d.sum(axis=0, keepdims=True) for d in choice.used]
        if self.network.shares_bias(index):
            right = [np.full(o.shape, g.sum()) for o, g in zip(observed, right, strict=True)]
        if all(not np.any(o) for o in observed):
            if all(not np.any(g) for g in right):
                return [(0.0, None, None)]
            if self.network.activations[index] == "softmax" and self._is_touched(index):
                # Summed over everything, the δ of a softmax cancels.
                return [(1.0, Edit("bias-gradient-wrong-axis", number, "b"), None)]
            return [(1.0, Edit("bias-never-updated", number, "b"), None)]
        made = self._fit(observed, right, held) if observed[0].shape == right[0].shape else None
        varying: list[tuple[float, Edit | None, Fit | None]] = [] if made is None else [(VARYING, None, made)]
        if made is not None and not made.varying:
            return [(0.0, None, made)]
        if _by_itself(observed):
            return [(1.0, Edit("bias-never-updated", number, "b", "moves by itself"), None), *varying]
        edit = Edit("bias-gradient-wrong-axis", number, "b")
        sizes = zip(observed, right, self.rates, strict=True)
        if all(np.linalg.norm(o) <= 1e-9 * abs(rate) * np.linalg.norm(g) for o, g, rate in sizes):
            # Summed over everything, the δ of a softmax cancels.
            return [(1.0, edit, None), *varying]
        for predicted in self._bias_variants(index, choice, state, observed[0].shape):
            made = self._fit(observed, predicted, held)
            if made is not None and not made.varying:
                return [(1.0, edit, made), *varying]
            if made is not None and not made.loose:
                varying.append((1.0 + VARYING, edit, made))
        return [(WRONG_BIAS, Edit("wrong-gradient", number, "b"), None), *varying]

    def _is_touched(self, index: int) -> bool:
        part = self.network.parameters.get(self.network.biases[index] or "")
        return part is not None and bool(part["touched"])

    def _bias_variants(
        self, index: int, choice: Choice, state: State, shape: tuple[int, ...]
    ) -> Iterator[list[Array]]:
        sources: list[tuple[Array, ...]] = [choice.used, choice.passed, *state.deltas.values(), state.raw]
        if index == self.depth - 1:
            sources.append(state.signal)
        layers = self._of(index)
        for source in sources:
            for reduce in _REDUCTIONS:
                made = [_broadcast_to(reduce(d), shape) for d in source]
                if all(one is not None for one in made):
                    yield made  # type: ignore[misc]
        if layers[0].A.shape[1] == shape[-1]:
            yield [layer.A.sum(axis=0, keepdims=True) * np.ones(shape) for layer in layers]


_REDUCTIONS: list[Any] = [
    lambda d: d.sum(axis=0, keepdims=True),
    lambda d: d.sum(keepdims=True),
    lambda d: d.sum(axis=1, keepdims=True),
    lambda d: d.sum(axis=1, keepdims=True).T,
    lambda d: d[:1],
    lambda d: d[-1:],
    lambda d: d,
]


def _broadcast_to(value: Array, shape: tuple[int, ...]) -> Array | None:
    try:
        return np.broadcast_to(value, shape)
    except ValueError:
        return None


def _by_itself(observed: list[Array]) -> bool:
    """Whether a bias moves by the same amount wherever the weights are."""
    if len(observed) < 3:
        return False
    return all(np.allclose(o, observed[0], rtol=1e-7, atol=0) for o in observed)


def _weights_for_activation(kind: int, layer: PointLayer, delta: Array) -> Any:
    """Return ∂L/∂W with weights standing where the layer's input belongs, as far as the shapes allow."""
    w: Array = layer.W
    if kind == 0:
        return w * delta.sum(axis=0, keepdims=True)
    if kind == 1:
        return w @ delta if w.shape[1] == delta.shape[0] else None
    if kind == 2:
        return w.T @ delta if w.shape[0] == delta.shape[0] and w.shape[1] == w.shape[0] else None
    if kind == 3:
        return np.repeat(
            (w.sum(axis=0, keepdims=True) * delta.sum(axis=0, keepdims=True)), w.shape[0], axis=0
        )
    if kind == 5:
        return np.outer(w.mean(axis=1), delta.sum(axis=0)) if w.shape[1] > 1 else None
    return None
