"""From the cheapest explanations of the updates to named mistakes, warnings and verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.comparing.data_mistakes import broadcast_error, data_mistakes
from backprop_core.review.comparing.edits import WRONG_BIAS
from backprop_core.review.comparing.factors import factors
from backprop_core.review.comparing.finding import Finding, paths_of
from backprop_core.review.comparing.hypotheses import MOST_WORK, Search
from backprop_core.review.comparing.verdicts import verdicts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.review.comparing.edits import State
    from backprop_core.review.comparing.points import Network, Point

    Array = NDArray[Any]
    Data = dict[str, Any]


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
    if network.implied and network.activations[-1] in ("sigmoid", "softmax"):
        # Without a loss to go by, this is the right gradient of cross-entropy.
        short = [finding for finding in findings if finding.id == "missing-output-derivative"]
        network.short_form = bool(short)
        findings = [finding for finding in findings if finding not in short]
    broadcast = broadcast_error(network)
    if broadcast is not None:
        findings = [broadcast, *(finding for finding in findings if finding.id != "wrong-gradient")]
    if target_edit is None:
        target_edit = data_mistakes(network)
    if target_edit is not None:
        findings.insert(0, target_edit)
    scaled, warnings = factors(network, search, state)
    if broadcast is not None or (target_edit is not None and target_edit.id == "one-sample-only"):
        scaled = [finding for finding in scaled if finding.id == "sign-flipped"]
        warnings = []
    findings += scaled + _regularisation(network, search, state) + _memory(network)
    residuals = [fit.residual for fit in state.fits.values() if fit is not None]
    moved = verdicts(network, search, findings)
    return Judgement(network, findings, warnings, moved, state, search, max(residuals, default=0.0))


def _joined(network: Network, findings: list[Finding]) -> list[Finding]:
    """Say once what holds for the biases of all layers."""
    never = [finding for finding in findings if finding.id == "bias-never-updated"]
    biased = [layer for layer in network.bias_paths if layer] or network.weight_paths
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
    work = 0
    for finding, errors, price in _other_errors(network, search):
        if work > MOST_WORK:
            break
        other = Search(network, errors)
        likely = other.could_explain()
        found = other.run() if likely else []
        work += other.work
        if not likely:
            continue
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
    return _error_with(network, point, y)


def _shifted(network: Network, point: Point, shift: int) -> Array | None:
    y = point.data["target"]["loss"]
    if y is None or network.loss != "quadratic":
        return None
    return _error_with(network, point, np.roll(y, shift, axis=0))


def _error_with(network: Network, point: Point, targets: Array) -> Array:
    """Return ∂L/∂a with other targets than the loss's."""
    from backprop_core.review.comparing.points import LOSS_BASES

    base, a, own = LOSS_BASES[network.loss], point.layers[-1].A, point.data["target"]["loss"]
    scale = 1 / len(a) if network.averaged else 1.0
    if own is not None and own.shape == a.shape and np.any(right := np.asarray(base(a, own), float)):
        scale = float(np.vdot(point.e, right) / np.vdot(right, right))
    return np.asarray(scale * base(a, targets), float)


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
        paths = paths_of(network, edit.layer, edit.place)
        findings.append(Finding(edit.id, edit.layer, paths, others, edit.note, place=edit.place))
    return findings


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
    for point in search.network.points:
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
