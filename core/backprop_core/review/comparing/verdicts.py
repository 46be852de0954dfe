"""The true gradient at each point, and how each parameter's updates compare with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.review.comparing.finding import Finding
    from backprop_core.review.comparing.hypotheses import Search
    from backprop_core.review.comparing.points import Network, Point

    Array = NDArray[Any]
    Data = dict[str, Any]


def true_gradients(search: Search, point: Point) -> list[tuple[Array, Array]]:
    """Return ∂L/∂W and ∂L/∂b of each layer at a point, without what the loss adds for the weights themselves."""
    number = search.points.index(point)
    signal = search.points[number].e
    found: list[tuple[Array, Array]] = []
    for index in range(search.depth - 1, -1, -1):
        layer = point.layers[index]
        if index == search.depth - 1 and search.network.short_form:
            delta = signal
        elif search.network.activations[index] == "softmax":
            delta = layer.A * (signal - np.sum(signal * layer.A, axis=1, keepdims=True))
        else:
            delta = signal * layer.D
        bias = delta.sum(axis=0, keepdims=True)
        if search.network.shares_bias(index):
            bias = np.full_like(bias, bias.sum())
        found.insert(0, (layer.X.T @ delta, bias))
        if index:
            signal = delta @ layer.W[layer.kept].T
    return found


def verdicts(
    network: Network, search: Search, findings: list[Finding]
) -> dict[str, tuple[float, float, str]]:
    """Return relative error, cosine and verdict of each parameter, by its path."""
    sums: dict[str, list[float]] = {}
    for point in search.points:
        true = true_gradients(search, point)
        for index, layer in enumerate(point.layers):
            for kind, applied, gradient in (
                ("W", layer.applied_w, true[index][0]),
                ("b", layer.applied_b, true[index][1]),
            ):
                path = network.weights[index] if kind == "W" else network.biases[index]
                if path is None or applied is None:
                    continue
                observed = -np.asarray(applied) / point.rate
                if observed.shape != gradient.shape:
                    gradient = np.broadcast_to(gradient, observed.shape)
                norm = float(np.linalg.norm(gradient)) or float(np.linalg.norm(observed)) or 1.0
                size = float(np.linalg.norm(observed)) or 1.0
                totals = sums.setdefault(path, [0.0, 0.0, 0.0])
                totals[0] += float(np.linalg.norm(observed - gradient)) / norm
                totals[1] += float(np.vdot(observed, gradient)) / (norm * size)
                totals[2] += 1
    wrong = {path for finding in findings for path in finding.paths}
    affected = _affected(network, search, wrong)
    found = {
        path: (total / count, cosine / count, "wrong" if path in affected else "correct")
        for path, (total, cosine, count) in sums.items()
    }
    for every in (*network.weight_paths, *network.bias_paths):
        for path in every:
            if path not in found and every[0] in found:
                error, cosine, verdict = found[every[0]]
                found[path] = (error, cosine, "wrong" if path in wrong else verdict)
    return found


def _affected(network: Network, search: Search, wrong: set[str]) -> set[str]:
    """Return the parameters that are moved wrongly: those named, and those below that inherit a wrong δ."""
    found = set(wrong)
    for index in range(search.depth):
        for kind, path in (("W", network.weights[index]), ("b", network.biases[index])):
            if path is None or path in found:
                continue
            observed, predicted = [], []
            for point in search.points:
                applied = point.layers[index].applied_w if kind == "W" else point.layers[index].applied_b
                if applied is None:
                    continue
                observed.append(-np.asarray(applied))
                predicted.append(true_gradients(search, point)[index][0 if kind == "W" else 1])
            held = [point.layers[index].W if kind == "W" else np.zeros((1, 1)) for point in search.points]
            if len(observed) != len(held):
                continue
            if any(o.shape != p.shape for o, p in zip(observed, predicted, strict=True)) or (
                search._fit(observed, predicted, held) is None
                and (kind == "b" or search._with_decay(index, observed, predicted) is None)
            ):
                found.add(path)
    return found
