"""Factors between an update and the gradient: those that harm, and those that only rescale the learning rate."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.comparing.finding import Finding, paths_of
from backprop_core.review.comparing.points import has_rate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.review.comparing.edits import State
    from backprop_core.review.comparing.fitting import Fit
    from backprop_core.review.comparing.hypotheses import Search
    from backprop_core.review.comparing.points import Network

    Array = NDArray[Any]
    Data = dict[str, Any]


HARMFUL = {"sum": "sum-instead-of-mean", "divided": "divided-twice"}


def factors(network: Network, search: Search, state: State) -> tuple[list[Finding], list[tuple[str, str]]]:
    """Tell factors that harm, such as the number of samples, from those that only rescale the rate."""
    classes: dict[tuple[int, str], tuple[str, float]] = {}
    signs: dict[tuple[int, str], bool] = {}
    for key, fit in state.fits.items():
        if fit is None or fit.factor == 0:
            continue
        path = network.weights[key[0]] if key[1] == "W" else network.biases[key[0]]
        part = network.parameters.get(path or "")
        if _replaced(state, key):
            continue
        signs[key] = fit.factor < 0
        if part is not None and part["adaptive"]:
            # Its own gradient may have the wrong sign, or the step may go up it: both is right again.
            signs[key] = (fit.factor < 0) != (_agreement(network, path or "") < 0)
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


def _replaced(state: State, key: tuple[int, str]) -> bool:
    """Whether something else stands for a gradient: its sign says nothing then."""
    ids = ("bias-gradient-wrong-axis", "weights-in-place-of-activation")
    return any(edit.id in ids and edit.layer == key[0] + 1 and edit.place == key[1] for edit in state.edits)


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
        values = [abs(scale["value"]) ** scale["power"] for scale in part["scales"] if scale["value"]]
        plain = {1.0, 2.0, 0.5} | {
            value**power for value in (rows, network.samples, outputs) for power in (1, -1)
        }
        rates = [
            value for value, scale in zip(values, (one for one in part["scales"] if one["value"]), strict=True)
            if not any(abs(value - known) < 1e-9 * known for known in plain)
            or (value < 0.5 and re.fullmatch(r"[\d.e-]+", scale["text"]))
        ]  # fmt: skip
        # A number that can only be the rate leaves no doubt about what is gradient and what is rate.
        kappas = [] if rates else kappas
        counts = {value**power for value in (rows, network.samples) if value > 1 for power in (1.0, -1.0)}
        likely = rates or [
            value for value in values if not any(abs(value - count) < 1e-9 * count for count in counts)
        ]
        kappas += [abs(fit.factor / value) for value in likely if value]
    single = rows == 1 and (network.samples == 1 or not network.averaged)
    counts = _counts(network, part) if single else set()
    if network.accumulated and network.batches > 1 and not fit.power:
        # Of a loss that is added up over several updates, each makes a part.
        kappas = [*(kappa / network.batches for kappa in kappas), *kappas]
    options = [_class_of(kappa, fit.power, network, rows, outputs, counts) for kappa in kappas]
    order = {"ok": 0, "constant": 1, "sum": 1, "divided": 1, "odd": 3}
    kind, rest = min(options, key=lambda option: (order[option[0]], abs(np.log(option[1]))))
    return ("constant" if kind == "odd" else kind), rest


NUMBER_OF_SAMPLES = re.compile(
    r"len\(|shape\[|\.size|(^|[._])(n|m|num|count|samples|(n|num)_\w*(samples|train|rows|patterns))$",
    re.IGNORECASE,
)


def _counts(network: Network, part: Data) -> set[float]:
    """Return how many samples there may be where each update sees one: an array's rows, or what is divided by."""
    found = {float(max(point.data["source"]["rows"] for point in network.points))}
    found |= {
        float(scale["value"])
        for scale in part["scales"]
        if scale["power"] < 0 and NUMBER_OF_SAMPLES.search(scale["text"])
    }
    return {count for count in found if count > 2}


def _class_of(
    kappa: float, power: int, network: Network, rows: int, outputs: int, counts: set[float]
) -> tuple[str, float]:
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
    if rows == 1 and samples > 1 and (near(samples) or near(1 / samples)):
        return "ok", 1.0
    if any(near(1 / count) for count in counts):
        return "divided", 1.0
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
        return [path for index, kind in chosen for path in paths_of(network, index + 1, kind)]

    if keys == known and len(known) > 1:
        return [Finding(name, None, paths(sorted(keys)))]
    layers = sorted({index for index, _ in keys})
    return [
        Finding(name, index + 1, paths([key for key in sorted(keys) if key[0] == index])) for index in layers
    ]
