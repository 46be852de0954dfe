"""The backward pass with mistakes in it: every edit that hand-written scripts are known to make, layer by layer.

The search goes from the output down. At each layer it asks which edits of the propagated error, of the activation's
derivative and of the gradient's product explain what was applied to the weights and to the bias, and goes on below with
what these edits would propagate. Since an edit only touches its own layer and those below, combinations of mistakes
in several layers cost no more than the single ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.activation_forms import form_of, wrong_arguments
from backprop_core.review.fitting import Fit, fit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from backprop_core.review.activation_forms import Form
    from backprop_core.review.points import Network, Point, PointLayer

    Array = NDArray[Any]

MOST_WORK = 3e9
"""For one search: what no combination explains is said to be wrong, without trying for ever.

Counted in operations, about a nanosecond each, so that a busy machine finds the same."""
TRY = 25_000
"""What it costs to try an edit at a point, beside its numbers."""
NUMBER = 15
VARYING = 1.2
"""More than one mistake that explains it with one factor: a factor of its own at each point explains too much."""
KNOWN_VARYING = 0.1
"""Once the rate is known to change from point to point, all layers follow it."""
WRONG_WEIGHTS = 4.0
WRONG_BIAS = 3.0
MOST_STATES = 10
MOST_POINTS = 7
FEWEST_POINTS = 2
NEAR_ZERO = 1e-3


@dataclass(frozen=True)
class Edit:
    """One mistake in one place. ``layer`` counts from 1; ``place`` is W, b or both."""

    id: str
    layer: int | None
    place: str = ""
    note: str = ""


@dataclass(frozen=True)
class State:
    """A partial explanation: the layers from the output down to here."""

    cost: float
    edits: tuple[Edit, ...]
    signal: tuple[Array, ...]
    """What arrives at the layer's activation, for each point."""
    fits: dict[tuple[int, str], Fit | None] = field(default_factory=dict)
    deltas: dict[int, tuple[Array, ...]] = field(default_factory=dict)
    signals: dict[int, tuple[Array, ...]] = field(default_factory=dict)
    """What arrived at each layer's activation, before its derivative."""
    raw: tuple[Array, ...] = ()


@dataclass(frozen=True)
class Choice:
    """One way to come from a signal to the δ of a layer."""

    cost: float
    edits: tuple[Edit, ...]
    used: tuple[Array, ...]
    """For the layer's own gradients."""
    passed: tuple[Array, ...]
    """For the layers below."""
    signal: tuple[Array, ...] = ()
    """What it was made from."""


class Search:
    """Looks for the fewest edits that explain the updates of a network."""

    def __init__(self, network: Network, errors: list[Array] | None = None) -> None:
        self.network = network
        self.points = choose_points(network)
        self.depth = len(network.weights)
        self.errors = tuple(errors if errors is not None else [point.e for point in self.points])
        self.rates = [point.rate for point in self.points]
        self.rows = [point.rows for point in self.points]
        self._may_decay = True
        self.work = 0

    def run(self) -> list[State]:
        """Return the cheapest explanations."""
        states = [State(0.0, (), self.errors, raw=self.errors)]
        for index in range(self.depth - 1, -1, -1):
            found = [after for state in states for after in self._layer(state, index)]
            best = min(state.cost for state in found)
            found = [state for state in found if state.cost <= best + 1.15]
            states = _distinct(sorted(found, key=lambda state: state.cost))[:MOST_STATES]
        best = states[0].cost
        return [state for state in states if state.cost <= best + 0.3]

    def could_explain(self) -> bool:
        """Whether the output layer's weights fit: a quick look before the whole search."""
        index = self.depth - 1
        state = State(0.0, (), self.errors, raw=self.errors)
        return any(
            self._weights(index, choice.used)[0][0] < WRONG_BIAS for choice in self._choices(state, index)
        )

    def _of(self, index: int) -> list[PointLayer]:
        return [point.layers[index] for point in self.points]

    # -- one layer ---------------------------------------------------------------------------------------------

    def _layer(self, state: State, index: int) -> list[State]:
        found: list[State] = []
        for choice in sorted(self._choices(state, index), key=lambda choice: choice.cost):
            if found and self.work > MOST_WORK:
                break
            # What is passed on below shows there only.
            shows = choice.cost > 2.2 or not any(edit.id == "raw-error-propagated" for edit in choice.edits)
            if found and shows and choice.cost > min(one.cost for one in found) - state.cost + 0.3:
                continue
            found += self._tested(state, index, choice)
        return found

    def _tested(self, state: State, index: int, choice: Choice) -> list[State]:
        """Return the explanations of a layer's weights and bias, given its δ."""
        number = index + 1
        before = [fit for fit in state.fits.values() if fit is not None and fit.varying]
        weight_options = [
            (_judged(cost, fit, before), edit, fit) for cost, edit, fit in self._weights(index, choice.used)
        ]
        best_w = min(cost for cost, _, _ in weight_options)
        before += [
            fit for cost, _, fit in weight_options if fit is not None and fit.varying and cost == best_w
        ]
        bias_options = [
            (_judged(cost, fit, before), edit, fit) for cost, edit, fit in self._bias(index, choice, state)
        ]
        best_b = min(cost for cost, _, _ in bias_options)
        result = []
        for w_cost, w_edit, w_fit in weight_options:
            for b_cost, b_edit, b_fit in bias_options:
                if w_cost > best_w + 0.3 or b_cost > best_b + 0.3:
                    continue
                edits = choice.edits + tuple(edit for edit in (w_edit, b_edit) if edit is not None)
                result.append(
                    State(
                        state.cost + choice.cost + w_cost + b_cost,
                        state.edits + edits,
                        choice.passed,
                        {**state.fits, (index, "W"): w_fit, (index, "b"): b_fit},
                        {**state.deltas, number: choice.used},
                        {**state.signals, number: choice.signal},
                        state.raw,
                    )
                )
        return result

    def _choices(self, state: State, index: int) -> Iterator[Choice]:
        top = index == self.depth - 1
        above = None if top else state.fits.get((index + 1, "W"))
        # The script's error may be that of the mean, or of the sum.
        scales = {1.0, float(min(self.rows)) if self.network.averaged else 1.0}
        scales |= set() if above is None or above.varying else {above.factor}
        for cost, edits, signal in self._propagated(state, index) if not top else [(0.0, (), state.signal)]:
            for choice in self._derivatives(signal, index, sorted(scales)):
                yield replace(choice, cost=cost + choice.cost, edits=edits + choice.edits, signal=signal)

    # -- from the layer above ------------------------------------------------------------------------------------

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

    # -- the activation's derivative -----------------------------------------------------------------------------

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

    # -- the gradients -------------------------------------------------------------------------------------------

    def _fit(
        self, observed: list[Array], predicted: list[Array], weights: list[Array], decaying: bool = False
    ) -> Fit | None:
        self.work += sum(TRY + NUMBER * one.size for one in observed)
        return fit(observed, predicted, weights, self.rates, self.rows, decaying, self.network.coarse)

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

    def _asks_decay(self, index: int) -> bool:
        """Whether the loss holds a term of these weights themselves."""
        for point in self.network.points:
            for part in point.data["parameters"]:
                for place in part["canonical"]:
                    if place["layer"] == index and place["kind"] == "W" and np.any(place.get("own", 0)):
                        return True
        return False

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


def _at_signal(form: Form, signal: Array, scales: list[float]) -> list[Array]:
    """Return the derivative, in terms of z or of a, at the error that arrives at a layer."""
    taken = [sign * scale * signal for scale in scales for sign in (1.0, -1.0)]
    found = [form.derivative(one) for one in taken]
    return found + ([] if form.by_output is None else [form.by_output(one) for one in taken])


def _judged(cost: float, fit: Fit | None, before: list[Fit]) -> float:
    """Return what an explanation costs beside others: factors that vary as theirs are known already."""
    if fit is None or not fit.varying:
        return cost
    if any(fit.varies_as(other) for other in before):
        return cost - VARYING + KNOWN_VARYING
    return cost + WRONG_WEIGHTS if fit.loose else cost


def _distinct(states: list[State]) -> list[State]:
    """Leave out explanations that say the same and pass the same on."""
    seen = set()
    kept = []
    for state in states:
        key = (state.edits, tuple(float(np.sum(np.abs(signal))) for signal in state.signal))
        if key not in seen:
            seen.add(key)
            kept.append(state)
    return kept


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


def _saturated(network: Network, point: Point) -> bool:
    """Whether what keeps a logarithm from zero, a bound or a small number added, shows in the gradient."""
    a = point.layers[-1].A
    if network.loss == "binary-cross-entropy":
        return bool(np.any(np.minimum(a, 1 - a) < NEAR_ZERO))
    if network.loss == "cross-entropy":
        inside = point.e != 0
        return bool(np.any(a[inside] < NEAR_ZERO) or not np.all(inside.any(axis=1)))
    return False


def choose_points(network: Network) -> list[Point]:
    """Return the points that tell most: random weights first, then the start, then later ones."""

    def rank(point: Point) -> int:
        return 0 if point.label.startswith("random") else 1 if point.label == "start" else 2

    live = [point for point in network.points if np.any(point.e) and np.all(np.isfinite(point.e))]
    clear = [point for point in live if not _saturated(network, point)]
    seen: dict[str, int] = {}
    ordered = []
    for point in clear if len(clear) >= FEWEST_POINTS else live:
        seen[point.label] = seen.get(point.label, 0) + 1
        ordered.append((seen[point.label], rank(point), point))
    ordered.sort(key=lambda entry: (entry[0], entry[1]))
    return [point for _, _, point in ordered][:MOST_POINTS]
