"""Calling things as the script does: the names of its parameters, and the lines of its mistakes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from backprop_core.review.finding import Finding
    from backprop_core.review.findings import Judgement
    from backprop_core.review.points import Network

    Array = NDArray[Any]
    Data = dict[str, Any]


def parameter_names(parameters: Iterable[Data], source: str) -> dict[str, str]:
    """Return path → name as the script writes it."""
    named = {part["path"]: _name(part, source) for part in parameters}
    counts: dict[str, int] = {}
    for name in named.values():
        counts[name] = counts.get(name, 0) + 1
    return {path: _in_source(path, source) if counts[name] > 1 else name for path, name in named.items()}


def _name(part: Data, source: str) -> str:
    paths = part["paths"] or [part["path"]]
    written = [_in_source(path, source) for path in paths]
    for text in part["texts"][::-1]:
        if text in written:
            return str(text)
        attribute = re.fullmatch(r"(self)((?:\.\w+)+)(.*)", text)
        for path in written:
            steps = re.fullmatch(r"[\w.\[\]\"']*?((?:\.\w+)+)((?:\[[^\]]*\])*)", path)
            if attribute and steps and steps.group(1).endswith(attribute.group(2)):
                return f"self{attribute.group(2)}{steps.group(2)}"
        base = text.partition("[")[0]
        for path in written:
            if "[" in text and path.partition("[")[0] == base:
                return path
    plain = [path for path in written if re.search(rf"(?<![\w.]){re.escape(path)}(?!\w)", source)]
    return min(plain or written, key=lambda path: (path.count("[") + path.count("."), len(path)))


def _in_source(path: str, source: str) -> str:
    """Write keys with the quotes that the script uses, and the instance as ``self`` where it does."""
    if ('["' in path and path not in source and path.replace('"', "'") in source) or (
        '["' in path and '["' not in source and "['" in source
    ):
        path = path.replace('"', "'")
    match = re.fullmatch(r"\w+((?:\.\w+)+)(.*)", path)
    if match and path.partition("[")[0] not in source and f"self{match.group(1)}" in source:
        return f"self{match.group(1)}{match.group(2)}"
    return path


class Lines:
    """Finds the line at which a value of the backward pass was computed."""

    def __init__(self, network: Network, judgement: Judgement) -> None:
        self.network = network
        self.judgement = judgement
        self.state = judgement.state
        self.number = next(
            (n for n, point in enumerate(judgement.search.points) if point.data.get("detail")), None
        )
        self.detail: list[Data] = (
            [] if self.number is None else judgement.search.points[self.number].data["detail"]
        )

    def of(self, finding: Finding) -> int:
        """Return the line of a finding; that of the first parameter's update where no other is known."""
        update = self._update(finding.paths)
        if finding.id == "broadcast-error":
            return int(finding.note.partition("|")[0])
        if self.number is None:
            return update
        for value, alias in self._values(finding):
            entry = self._first(value)
            if entry is not None:
                if alias and entry["names"]:
                    return int(entry["names"][-1][1])
                return int(entry["line"])
        return update

    def _update(self, paths: list[str]) -> int:
        for path in paths:
            part = self.network.parameters.get(path)
            if part is not None and part["line"]:
                return int(part["line"])
        return next((int(part["line"]) for part in self.network.parameters.values() if part["line"]), 0)

    def _values(self, finding: Finding) -> Iterable[tuple[Array, bool]]:
        """Yield what the line of a mistake computes."""
        assert self.number is not None
        point = self.judgement.search.points[self.number]
        deltas = self.state.deltas
        if finding.id in ("sign-flipped", "stale-gradient", "bias-never-updated"):
            return
        by_weights = {"sum-instead-of-mean", "divided-twice", "derivative-missing-in-gradient-only"}
        if finding.layer is None or finding.place == "W" or finding.id in by_weights:
            applied = point.layers[(finding.layer or len(point.layers)) - 1].applied_w
            if applied is not None:
                yield applied, False
        elif finding.place == "b":
            applied = point.layers[finding.layer - 1].applied_b
            if applied is not None:
                yield applied, False
                if np.all(applied == applied.flat[0]):
                    yield applied.ravel()[:1], False
                yield applied[:, :1], False
        else:
            layer = finding.layer - 1 if finding.id == "raw-error-propagated" else finding.layer
            if layer in deltas:
                yield deltas[layer][self.number], finding.id.startswith("missing")

    def _first(self, value: Array) -> Data | None:
        flat = value.ravel()
        if not np.any(flat):
            return None
        for entry in self.detail:
            other = entry["value"]
            if other.size != flat.size:
                continue
            shapes = [other.ravel()] + ([other.T.ravel()] if other.ndim == 2 else [])
            if any(_proportional(flat, shape) for shape in shapes):
                return entry
        return None


def _proportional(one: Array, other: Array) -> bool:
    norm = float(np.vdot(other, other))
    if norm == 0 or not np.isfinite(norm):
        return False
    factor = float(np.vdot(one, other)) / norm
    return bool(np.linalg.norm(one - factor * other) <= 1e-7 * np.linalg.norm(one)) and factor != 0
