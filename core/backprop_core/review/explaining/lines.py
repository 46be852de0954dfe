"""The lines of a script's mistakes: where the value that is wrong was computed."""

from __future__ import annotations

import ast
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.explaining.backward_values import BackwardValues, proportional

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from backprop_core.review.comparing.finding import Finding
    from backprop_core.review.comparing.findings import Judgement
    from backprop_core.review.comparing.points import Network

    Array = NDArray[Any]
    Data = dict[str, Any]

PROPAGATED = {"updated-before-backpropagating", "weights-not-transposed", "error-not-propagated"}
OF_WEIGHTS = {"sum-instead-of-mean", "divided-twice", "derivative-missing-in-gradient-only"}
HARMFUL = {"sum-instead-of-mean", "divided-twice"}
WRONG_DERIVATIVES = {
    "derivative-of-activation-not-preactivation", "derivative-formula-on-preactivation", "derivative-of-error",
    "wrong-slope",
}  # fmt: skip
WHOLE = re.compile(
    r"^(self\.)?(d_?(out(put)?|logits?|scores?|y\w*|pred\w*|loss\w*|o|p)|grad_?\w*|g_?out|dL\w*)\d*$",
    re.IGNORECASE,
)
"""Names for the derivative of the whole loss after the output: the mean belongs there, not in the products."""
REDUCTIONS = {"sum", "mean", "average", "einsum"}
COPIES = {"array", "copy", "asarray", "astype"}
BIAS = re.compile(
    r"(^|[._\[\"'])(d|g|dl_?|grads?_?|nabla_?|delta_?)(_?d)?_?b(ias)?(?![a-z])|bias", re.IGNORECASE
)
"""Names for the gradient of a bias: with one sample it is δ itself, and no alias of it."""
SUBTRACTS = re.compile(r"-=|=.*[\w)\]]\s*-\s*\w")
OF_ERRORS = re.compile(r"err|miss|resid|diff", re.IGNORECASE)
"""Names that by custom are for targets minus outputs."""
OF_GRADIENTS = re.compile(
    r"(?<![A-Za-z0-9])(d_?[A-Zwb]\w*|\w*grad\w*|\w*nabla\w*|\w*update\w*|vel\w*|v[wb]?\d*|m\d?|\w*hat\d?)\b"
)
"""What an update adds by mistake if it adds it."""


class Lines(BackwardValues):
    """Finds the line at which a value of the backward pass was computed."""

    def __init__(self, network: Network, judgement: Judgement, source: list[str]) -> None:
        self.network = network
        self.state = judgement.state
        self.source = source
        points = judgement.search.points
        detailed = [n for n, point in enumerate(points) if point.data.get("detail")]
        own = [n for n in detailed if not points[n].label.startswith("random")]
        self.number = next(iter(own or detailed), None)
        self.point = None if self.number is None else points[self.number]
        self.detail: list[Data] = [] if self.point is None else self.point.data["detail"]

    def of(self, finding: Finding) -> int:
        """Return the line of a finding; that of the first parameter's update where no other is known."""
        update = self._update(finding.paths)
        special = self._special(finding)
        if special:
            return special
        if finding.place == "b" and (entry := self._summed(finding)) is not None:
            return int(entry["called"])
        for value, alias in self._values(finding):
            entry = self._first(value)
            if entry is not None:
                return self._alias(entry) if alias else int(entry["called"])
        return update

    def _summed(self, finding: Finding) -> Data | None:
        """Return the sum that a bias gets: as it was applied, else one over all of some layer's δ."""
        values = [value for value, _ in self._values(finding)]
        if self.number is not None and values and np.all(values[-1] == values[-1].flat[0]):
            values += [deltas[self.number].sum(keepdims=True) for deltas in self.state.deltas.values()]
        found = (self._reduced(value) for value in values)
        return next((entry for entry in found if entry is not None), None)

    def _reduced(self, value: Array) -> Data | None:
        """Return the last sum that gives a value: that of a layer above may be the same, and comes before."""
        sums = [
            entry for entry in self.detail if entry["op"] in REDUCTIONS and self._holds(entry["value"], value)
        ]
        return sums[-1] if sums else None

    def _update(self, paths: list[str]) -> int:
        for path in paths:
            part = self.network.parameters.get(path)
            if part is not None and part["line"]:
                return int(part["line"])
        return next((int(part["line"]) for part in self.network.parameters.values() if part["line"]), 0)

    def _special(self, finding: Finding) -> int:
        """Return the line of a mistake that is no value of the backward pass."""
        if finding.id == "broadcast-error":
            return int(finding.note.partition("|")[0])
        if finding.id == "one-sample-only":
            return int(self.network.points[0].data["source"].get("line", 0))
        if finding.id == "stale-gradient":
            return next(
                (
                    line
                    for path in finding.paths
                    if (line := int(self.network.parameters[path]["memory_line"]))
                ),
                0,
            )
        if finding.id == "bias-never-updated":
            return self._of_the_still(finding)
        if finding.id == "target-misaligned":
            return int(self.network.points[0].data["source"].get("target_line", 0))
        if finding.id == "gradient-transposed":
            return self._of_the_transposed(finding)
        if finding.id == "regularization-wrong-factor":
            return self._of_the_weights(finding)
        if finding.id == "divided-twice" and (line := self._of_the_division(finding)):
            return line
        if finding.id == "sign-flipped":
            return self._of_the_rate(finding) or self._of_the_error(finding) or self._update(finding.paths)
        if finding.id in HARMFUL and finding.layer is None:
            return self._of_the_output()
        if finding.id == "error-not-propagated" and finding.layer is not None:
            return self._renamed(self.state.deltas.get(finding.layer + 1, ()))
        if finding.id in WRONG_DERIVATIVES and finding.layer is not None:
            return self._of_the_derivative(finding)
        return 0

    def _of_the_still(self, finding: Finding) -> int:
        """Return where a bias gets what it had, or a gradient of zeros; else where its layer's weights are updated."""
        for path in finding.paths:
            part = self.network.parameters.get(path)
            if part is not None and part["still_line"]:
                return int(part["still_line"])
        layer = len(self.network.weights) if finding.layer is None else finding.layer
        paths = self.network.weight_paths[layer - 1]
        line = self._update(paths)
        return self._list_around(line, paths[0]) or line

    def _list_around(self, line: int, path: str) -> int:
        """Return where a loop around a line writes the parameters down that it goes over, if it does."""
        last = re.findall(r"\w+", path)[-1:]
        with suppress(SyntaxError, ValueError):
            for node in ast.walk(ast.parse("\n".join(self.source))):
                if not isinstance(node, ast.For) or not node.lineno < line <= (node.end_lineno or 0):
                    continue
                listed = isinstance(node.iter, (ast.Tuple, ast.List))
                if listed and last and re.search(rf"\b{last[0]}\b", ast.unparse(node.iter)):
                    return node.lineno
        return 0

    def _of_the_output(self) -> int:
        """Return where the output's δ is made, if the script calls it the gradient of the whole loss."""
        top = self.state.deltas.get(len(self.network.weights))
        if top is None or self.number is None:
            return self._of_a_sum()
        for value in (top[self.number], self.state.raw[self.number]):
            for entry in self.detail:
                if any(WHOLE.match(name) for name, _ in entry["names"]) and self._holds(
                    entry["value"], value
                ):
                    return int(entry["called"])
        return self._of_a_sum()

    def _of_a_sum(self) -> int:
        """Return the update that takes a sum over the samples, made before one by one, as it is."""
        index = len(self.network.weights) - 1
        applied = None if self.point is None else self.point.layers[index].applied_w
        entry = None if applied is None else self._first(applied)
        if entry is None or self.point is None or entry["op"] != "add":
            return 0
        times = sum(other["site"] == entry["site"] for other in self.detail)
        return self._update([self.network.weights[index]]) if times >= self.point.rows > 1 else 0

    def _renamed(self, deltas: tuple[Array, ...]) -> int:
        """Return where a δ gets a further name, under which it stands for an error of the layer below."""
        entry = self._first(deltas[self.number]) if deltas and self.number is not None else None
        named = [] if entry is None else self._whole(entry)["names"]
        names = [line for name, line in named if not BIAS.search(name)]
        return int(names[-1]) if len(names) > 1 else 0

    def _of_the_weights(self, finding: Finding) -> int:
        """Return where a multiple of the weights is taken."""
        layers = [] if self.point is None else self.point.layers
        for index in range(len(layers)) if finding.layer is None else [finding.layer - 1]:
            for entry in self.detail:
                if entry["op"] in ("multiply", "divide") and self._holds(entry["value"], layers[index].W):
                    return int(entry["called"])
        return 0

    def _of_the_division(self, finding: Finding) -> int:
        """Return the last division by the number of samples, if there are two that all layers share."""
        if self.point is None:
            return 0
        shared: list[int] | None = None
        rows = self.point.rows
        for path in [path for path in finding.paths if path in self.network.weights]:
            scales = self.network.parameters[path]["scales"]
            found = [
                int(scale["line"]) for scale in scales
                if scale["value"] and not scale["rate"] and (
                    round(scale["value"] ** -scale["power"], 6) == rows > 2
                    or (rows == 1 and scale["power"] < 0 and scale["value"] > 2)
                )
            ]  # fmt: skip
            shared = found if shared is None else [line for line in shared if line in found]
            if len(found) < (1 if rows == 1 else 2):
                return 0
        return shared[0] if shared else 0

    def _of_the_derivative(self, finding: Finding) -> int:
        """Return the statement that computes a wrong derivative, if it is one by itself."""
        layer, number = finding.layer, self.number
        if number is None or layer not in self.state.deltas or layer not in self.state.signals:
            return 0
        delta, signal = self.state.deltas[layer][number], self.state.signals[layer][number]
        with np.errstate(all="ignore"):
            derivative = delta / signal
        if derivative.size < 2 or not np.all(np.isfinite(derivative)):
            return 0
        entry = self._first(derivative)
        if entry is None:
            return 0
        if finding.id == "wrong-slope":
            return int(entry["line"])
        names = self._whole(entry)["names"]
        return int(names[-1][1]) if names else 0

    def _of_the_transposed(self, finding: Finding) -> int:
        """Return where a gradient first stands the way it is applied."""
        if self.point is None:
            return 0
        for part in self.point.data["parameters"]:
            if part["path"] in finding.paths:
                for entry in self.detail:
                    same = entry["value"].shape == part["applied"].shape
                    if same and proportional(part["applied"].ravel(), entry["value"].ravel()):
                        return int(entry["line"])
        return 0

    def _of_the_rate(self, finding: Finding) -> int:
        """Return where a negative learning rate gets its value."""
        for path in finding.paths:
            for scale in self.network.parameters.get(path, {}).get("scales", ()):
                name = scale["text"].rpartition(".")[2]
                if scale["value"] < 0 and name.isidentifier():
                    given = re.compile(rf"(^|[\s,(.]){name}\s*(:[^=,]+)?=\s*-")
                    return next((n for n, text in enumerate(self.source, 1) if given.search(text)), 0)
        return 0

    def _of_the_error(self, finding: Finding) -> int:
        """Return where the error is taken the other way than the updates use it.

        That is targets minus outputs where they subtract; outputs minus targets, under the name of an error, where they
        add something that is not called a gradient.
        """
        point = self.point
        if finding.layer is not None and len(self.network.weights) > 1:
            return 0
        line = self._update(finding.paths)
        text = self.source[line - 1].partition("#")[0] if 0 < line <= len(self.source) else ""
        subtracts = bool(SUBTRACTS.search(text))
        if point is None or point.target is None or (not subtracts and OF_GRADIENTS.search(text)):
            return 0
        output = point.layers[-1].A
        if point.target.shape != output.shape:
            return 0
        turned = point.target - output if subtracts else output - point.target
        for entry in self.detail:
            value = entry["value"].reshape(-1)
            if entry["op"] not in ("subtract", "multiply", "divide", "negative"):
                continue
            shapes = [turned.ravel(), turned.T.ravel()] if value.size == turned.size else []
            if value.size <= turned.shape[1]:
                shapes.append(turned.ravel()[: value.size])
            if any(self._along(value, one) for one in shapes):
                called = any(OF_ERRORS.search(name) for name, _ in self._whole(entry)["names"])
                return int(entry["called"]) if subtracts or called else 0
        return 0

    def _values(self, finding: Finding) -> Iterator[tuple[Array, bool]]:
        """Yield what the line of a mistake computes; and whether a further name that it gets there counts."""
        if self.point is None or self.number is None:
            return
        point, number = self.point, self.number
        layers, deltas, signals = point.layers, self.state.deltas, self.state.signals
        if finding.id == "regularization-missing":
            for index in reversed(range(len(layers))) if finding.layer is None else [finding.layer - 1]:
                yield layers[index].X.T @ deltas[index + 1][number], False
        if (
            finding.layer is None
            or finding.place == "W"
            or finding.id in OF_WEIGHTS
            or finding.layer > len(layers)
        ):
            for index in [len(layers) - 1] if finding.layer is None else [finding.layer - 1]:
                applied = layers[index].applied_w
                if applied is not None:
                    yield from (
                        (part, False) for part in (applied[:1], applied[:, :1]) if _spread_of(part, applied)
                    )
                    yield applied, False
        elif finding.place == "b":
            applied = layers[finding.layer - 1].applied_b
            if applied is not None:
                if np.all(applied == applied.flat[0]):
                    yield applied.ravel()[:1], False
                yield applied, False
        elif finding.id == "raw-error-propagated":
            for known in (signals, deltas):
                if finding.layer - 1 in known:
                    yield known[finding.layer - 1][number], False
        else:
            if finding.id in PROPAGATED and finding.layer in signals:
                yield signals[finding.layer][number], finding.id == "error-not-propagated"
            if finding.layer in deltas:
                yield deltas[finding.layer][number], finding.id.startswith("missing")

    def _alias(self, entry: Data) -> int:
        """Return where a value is taken for what it is not: given another name, copied, or passed on as it is."""
        entry = self._whole(entry)
        for other in self.detail:
            if other["op"] in COPIES and np.array_equal(other["value"], entry["value"]):
                entry = other
        if entry["returned"]:
            return int(entry["returned"][-1])
        names = [line for name, line in entry["names"] if not BIAS.search(name)]
        return int(names[-1] if names else entry["called"])


def _spread_of(part: Array, whole: Array) -> bool:
    return part.size < whole.size and bool(np.all(whole == part))
