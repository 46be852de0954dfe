"""From the cheapest explanations of the updates to named mistakes, warnings and verdicts."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.fitting import Fit
from backprop_core.review.hypotheses import WRONG_BIAS, Edit, Search, State
from backprop_core.review.points import has_rate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.review.points import Network, Point

    Array = NDArray[Any]
    Data = dict[str, Any]

HARMFUL = {"sum": "sum-instead-of-mean", "divided": "divided-twice"}


@dataclass
class Finding:
    """A mistake as found: before it is put into words."""

    id: str
    layer: int | None
    paths: list[str]
    alternatives: list[str] = field(default_factory=list)
    note: str = ""
    residual: float = 0.0
    place: str = ""


@dataclass
class Judgement:
    """All that was found about one script's updates."""

    network: Network
    findings: list[Finding]
    warnings: list[tuple[str, str]]
    verdicts: dict[str, tuple[float, float, str]]
    state: State
    search: Search
    closeness: float


def judge(network: Network) -> Judgement:
    """Compare the updates of a script with the gradient of its loss, and name what differs."""
    search, states, target_edit = _explain(network)
    state = states[0]
    findings = _joined(network, _from_edits(network, states))
    broadcast = _broadcast(network)
    if broadcast is not None:
        findings = [broadcast, *(finding for finding in findings if finding.id != "wrong-gradient")]
    if target_edit is None:
        target_edit = _data_mistakes(network)
    if target_edit is not None:
        findings.insert(0, target_edit)
    scaled, warnings = _factors(network, search, state)
    if broadcast is not None or (target_edit is not None and target_edit.id == "one-sample-only"):
        scaled = [finding for finding in scaled if finding.id == "sign-flipped"]
        warnings = []
    findings += scaled + _regularisation(network, search, state) + _memory(network)
    residuals = [fit.residual for fit in state.fits.values() if fit is not None]
    verdicts = _verdicts(network, search, findings)
    return Judgement(network, findings, warnings, verdicts, state, search, max(residuals, default=0.0))


def _data_mistakes(network: Network) -> Finding | None:
    """Tell samples that are always the same, and targets that belong to other samples."""
    paths = [path for layer in (*network.weight_paths, *network.bias_paths) for path in layer]
    points = network.points
    first = points[0].layers[0].X
    same = len(points) >= 4 and all(np.array_equal(point.layers[0].X, first) for point in points)
    available = max(point.data["source"]["rows"] for point in points)
    if same and (
        network.batches > 1
        or (len(first) == 1 and available > 1)
        or (not network.implied and network.samples > len(first))
    ):
        return Finding("one-sample-only", None, paths)
    wrong = [_misaligned(point) for point in points]
    if sum(one is True for one in wrong) > 0.5 * len(wrong):
        return Finding("target-misaligned", None, paths)
    return None


def _misaligned(point: Point) -> bool | None:
    """Whether most samples of an update stand in other rows of their array than their targets do in theirs."""
    source, target = point.data["source"], point.target
    x, y = source["X"], source["Y"]
    if x is None or target is None or y.shape[1] != target.shape[1]:
        return None
    rows = {np.ascontiguousarray(row).tobytes(): number for number, row in enumerate(x)}
    if len(rows) < len(x):
        return None
    numbers = [rows.get(np.ascontiguousarray(row).tobytes()) for row in point.layers[0].X]
    if any(number is None for number in numbers):
        return None
    meant = y[np.array(numbers, int)]
    values = {np.ascontiguousarray(row).tobytes() for row in y}
    if any(np.ascontiguousarray(row).tobytes() not in values for row in target):
        return None
    return bool(np.any(meant != target))


def _broadcast(network: Network) -> Finding | None:
    """Tell outputs and targets that were broadcast against each other to a square."""
    for point in network.points:
        for entry in point.data["broadcast"]:
            paths = [path for layer in (*network.weight_paths, *network.bias_paths) for path in layer]
            shapes = " and ".join(
                str(tuple(int(size) for size in entry[name])) for name in ("output", "target")
            )
            return Finding("broadcast-error", None, paths, note=f"{entry['line']}|{shapes}")
    return None


def _joined(network: Network, findings: list[Finding]) -> list[Finding]:
    """Say once what holds for the biases of all layers."""
    never = [finding for finding in findings if finding.id == "bias-never-updated"]
    biased = [layer for layer in network.bias_paths if layer]
    if len(never) < 2 or len(never) != len(biased):
        return findings
    paths = [path for finding in never for path in finding.paths]
    rest = [finding for finding in findings if finding.id != "bias-never-updated"]
    return [*rest, Finding("bias-never-updated", None, paths, place="b")]


def _explain(network: Network) -> tuple[Search, list[State], Finding | None]:
    search = Search(network)
    states = search.run()
    best: tuple[Search, list[State], Finding | None] = (search, states, None)
    if states[0].cost < WRONG_BIAS:
        return best
    cost = states[0].cost
    until = time.process_time() + 4.0
    for finding, errors, price in _other_errors(network, search):
        if time.process_time() > until:
            break
        other = Search(network, errors)
        if not other.could_explain():
            continue
        found = other.run()
        if found[0].cost + price < cost - 0.5:
            best, cost = (other, found, finding), found[0].cost + price
    return best


def _other_errors(network: Network, search: Search) -> Any:
    """Yield errors that the update may have used in place of the right one."""
    paths = [path for layer in (*network.weight_paths, *network.bias_paths) for path in layer]
    points = search.points
    rows = min(point.rows for point in points)
    if rows > 1 and rows == max(point.rows for point in points):
        for row in range(min(rows, 64)):
            mask = np.zeros((rows, 1))
            mask[row] = 1
            yield (
                Finding("one-sample-only", None, paths, note=str(row)),
                [point.e * mask for point in points],
                1.0,
            )
    wrong = [_with_update_target(network, point) for point in points]
    if all(one is not None for one in wrong):
        yield Finding("target-misaligned", None, paths), wrong, 1.0
    for shift in (1, -1):
        shifted = [_shifted(network, point, shift) for point in points]
        if all(one is not None for one in shifted):
            yield Finding("target-misaligned", None, paths), shifted, 1.0


def _with_update_target(network: Network, point: Point) -> Array | None:
    """Return ∂L/∂a with the targets that the update itself used."""
    y = point.target
    if y is None or network.loss not in ("quadratic", "cross-entropy", "binary-cross-entropy"):
        return None
    from backprop_core.review.points import LOSS_BASES

    a = point.layers[-1].A
    return np.asarray(LOSS_BASES[network.loss](a, y), float) / (len(a) if network.averaged else 1)


def _shifted(network: Network, point: Point, shift: int) -> Array | None:
    y = point.data["target"]["loss"]
    if y is None or network.loss != "quadratic":
        return None
    from backprop_core.review.points import LOSS_BASES

    return np.asarray(LOSS_BASES["quadratic"](point.layers[-1].A, np.roll(y, shift, axis=0)), float)


def _paths_of(network: Network, layer: int, place: str) -> list[str]:
    weights, biases = network.weight_paths[layer - 1], network.bias_paths[layer - 1]
    if place == "W":
        return list(weights)
    return list(biases) if place == "b" else [*weights, *biases]


def _from_edits(network: Network, states: list[State]) -> list[Finding]:
    """Turn the edits of the cheapest explanation into findings, those of its equals into alternatives."""
    best = states[0]
    findings = []
    for edit in best.edits:
        if edit.layer is None:
            continue
        others: list[str] = []
        for state in states[1:]:
            if state.cost > best.cost + 0.05 or edit in state.edits:
                continue
            others += [
                other.id for other in state.edits
                if other.layer == edit.layer and other not in best.edits and other.id not in others
            ]  # fmt: skip
        paths = _paths_of(network, edit.layer, edit.place)
        findings.append(Finding(edit.id, edit.layer, paths, others, edit.note, place=edit.place))
    return findings


# -- factors ------------------------------------------------------------------------------------------------


def _factors(network: Network, search: Search, state: State) -> tuple[list[Finding], list[tuple[str, str]]]:
    """Tell factors that harm, such as the number of samples, from those that only rescale the rate."""
    classes: dict[tuple[int, str], tuple[str, float]] = {}
    signs: dict[tuple[int, str], bool] = {}
    for key, fit in state.fits.items():
        if fit is None or fit.factor == 0:
            continue
        path = network.weights[key[0]] if key[1] == "W" else network.biases[key[0]]
        part = network.parameters.get(path or "")
        signs[key] = fit.factor < 0
        if part is not None and part["adaptive"]:
            signs[key] = _agreement(network, path or "") < 0
        if part is None or part["adaptive"] or fit.varying or _edited(state, key):
            continue
        classes[key] = _classified(network, search, fit, part)
    findings: list[Finding] = []
    for kind, name in HARMFUL.items():
        findings += _grouped(
            network, name, {key for key, (one, _) in classes.items() if one == kind}, set(classes)
        )
    findings += _grouped(
        network, "sign-flipped", {key for key, flipped in signs.items() if flipped}, set(signs)
    )
    constants = {round(factor, 9) for kind, factor in classes.values() if kind == "constant"}
    constants |= {
        round(rest, 9) for kind, rest in classes.values() if kind in HARMFUL and abs(rest - 1) > 1e-6
    }
    warnings = []
    for factor in sorted(constants):
        two = any(abs(factor - value) < 1e-6 for value in (2.0, 0.5))
        name = "factor-of-two" if two else "constant-factor"
        warnings.append((name, f"{factor:.6g}"))
    return findings, warnings


def _agreement(network: Network, path: str) -> float:
    """Return whether an optimizer that rescales gradients goes down them, at most points."""
    return sum(
        float(part["agreement"])
        for point in network.points
        for part in point.data["parameters"]
        if part["path"] == path
    )


def _edited(state: State, key: tuple[int, str]) -> bool:
    """Whether an edit put something of another size in place: its factor says nothing then."""
    sized = {"error-not-propagated", "weights-in-place-of-activation", "outputs-in-place-of-inputs",
             "bias-gradient-wrong-axis", "derivative-of-error"}  # fmt: skip
    for edit in state.edits:
        if edit.id == "error-not-propagated" and edit.layer is not None and key[0] < edit.layer:
            return True
        if edit.id in sized and edit.layer == key[0] + 1 and edit.place in ("", key[1]):
            return True
    return False


def _classified(network: Network, search: Search, fit: Fit, part: Data) -> tuple[str, float]:
    """Return what a factor is: ok, constant, sum or divided; and what is left of it."""
    rows = search.points[0].rows
    outputs = search.points[0].layers[-1].A.shape[1]
    made = search.points[0].data
    kappas = [abs(fit.factor)]
    if not has_rate(made):
        values = [scale["value"] ** scale["power"] for scale in part["scales"] if scale["value"]]
        kappas += [abs(fit.factor / value) for value in values if value]
    options = [_class_of(kappa, fit.power, network, rows, outputs) for kappa in kappas]
    order = {"ok": 0, "constant": 2, "sum": 1, "divided": 1, "odd": 3}
    kind, rest = min(options, key=lambda option: (order[option[0]], abs(np.log(option[1]))))
    return ("constant" if kind == "odd" else kind), rest


def _class_of(kappa: float, power: int, network: Network, rows: int, outputs: int) -> tuple[str, float]:
    def near(value: float) -> bool:
        return abs(kappa - value) <= 1e-4 * value

    if network.implied:
        return (
            ("constant", kappa)
            if any(near(v) or abs(kappa * rows - v) < 1e-4 for v in (2.0, 0.5))
            else ("ok", 1.0)
        )
    if power:
        return ("sum" if power > 0 else "divided"), kappa
    if near(1.0):
        return "ok", 1.0
    samples = network.samples
    if network.accumulated and network.batches > 1 and not power:
        kappa /= network.batches
        if near(1.0):
            return "ok", 1.0
    if rows == 1 and samples > 1 and (near(samples) or near(1 / samples)):
        return "ok", 1.0
    small = sorted(
        {2.0, 0.5, float(outputs), 1 / outputs, 2.0 * outputs, 0.5 / outputs, 0.5 * outputs, 2 / outputs}
    )
    if any(near(value) for value in small if value != rows and value != 1 / rows):
        return "constant", kappa
    if rows > 1 and network.averaged and not network.implied:
        for value in (1.0, *small):
            if near(rows * value):
                return "sum", value
            if near(value / rows):
                return "divided", value
    return "odd", kappa


def _grouped(
    network: Network, name: str, keys: set[tuple[int, str]], known: set[tuple[int, str]]
) -> list[Finding]:
    """Join what holds for all parameters into one finding, else one a layer."""
    if not keys:
        return []

    def paths(chosen: list[tuple[int, str]]) -> list[str]:
        return [path for index, kind in chosen for path in _paths_of(network, index + 1, kind)]

    if keys == known and len(known) > 1:
        return [Finding(name, None, paths(sorted(keys)))]
    layers = sorted({index for index, _ in keys})
    return [
        Finding(name, index + 1, paths([key for key in sorted(keys) if key[0] == index])) for index in layers
    ]


# -- regularisation and memory --------------------------------------------------------------------------------


def _regularisation(network: Network, search: Search, state: State) -> list[Finding]:
    """Compare the part of the update in proportion to W with that of the loss."""
    missing, wrong, held = [], [], []
    for index, path in enumerate(network.weights):
        asked = _asked_decay(search, index, path)
        fit = state.fits.get((index, "W"))
        if asked is None or fit is None or abs(asked) < 1e-12:
            continue
        held.append(index)
        if abs(fit.decay) < 1e-3 * abs(asked):
            missing.append(index)
        elif not any(
            abs(value - asked) < 1e-3 * abs(asked) for value in (fit.decay, fit.decay * abs(fit.factor))
        ):
            wrong.append(index)
    findings = []
    for name, layers in (("regularization-missing", missing), ("regularization-wrong-factor", wrong)):
        if layers and layers == held and len(held) > 1:
            findings.append(Finding(name, None, [network.weights[index] for index in layers]))
        else:
            findings += [Finding(name, index + 1, [network.weights[index]]) for index in layers]
    return findings


def _asked_decay(search: Search, index: int, path: str) -> float | None:
    """Return λ in ∂L/∂W = (gradient through the data) + λW, from what the loss adds past the network."""
    for point in search.points:
        own = point.data["layers"][index].get("own")
        if own is not None:
            w = point.layers[index].W
            return float(np.vdot(own, w)) / (float(np.vdot(w, w)) or 1.0)
        part = next((one for one in point.data["parameters"] if one["path"] == path), None)
        if part is None:
            continue
        for place in part["canonical"]:
            if place["kind"] == "W" and place["layer"] == index and "own" in place:
                own, w = place["own"], point.layers[index].W
                held = w * (own != 0)
                norm = float(np.vdot(held, held))
                return float(np.vdot(own, held)) / norm if norm else None
    return None


def _memory(network: Network) -> list[Finding]:
    stale = [path for path, part in network.parameters.items() if part["stale"]]
    if not stale:
        return []
    layers = {index + 1 for index in range(len(network.weights)) for path in stale
              if path in (network.weights[index], network.biases[index])}  # fmt: skip
    every = {path for path in (*network.weights, *network.biases) if path}
    layer = (
        next(iter(layers)) if len(layers) == 1 and len(network.weights) > 1 and set(stale) != every else None
    )
    return [Finding("stale-gradient", layer, stale)]


# -- the true gradient and the verdicts -------------------------------------------------------------------------


def true_gradients(search: Search, point: Point) -> list[tuple[Array, Array]]:
    """Return ∂L/∂W and ∂L/∂b of each layer at a point, without what the loss adds for the weights themselves."""
    number = search.points.index(point)
    signal = search.points[number].e
    found: list[tuple[Array, Array]] = []
    for index in range(search.depth - 1, -1, -1):
        layer = point.layers[index]
        if search.network.activations[index] == "softmax":
            delta = layer.A * (signal - np.sum(signal * layer.A, axis=1, keepdims=True))
        else:
            delta = signal * layer.D
        found.insert(0, (layer.X.T @ delta, delta.sum(axis=0, keepdims=True)))
        if index:
            signal = delta @ layer.W[layer.kept].T
    return found


def _verdicts(
    network: Network, search: Search, findings: list[Finding]
) -> dict[str, tuple[float, float, str]]:
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


__all__ = ["Edit", "Finding", "Judgement", "judge", "replace"]
