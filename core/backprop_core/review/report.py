"""What a review says, as data: the object that ``review --json`` prints."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from backprop_core.frozen import dataclass


@dataclass(frozen=True)
class ParameterReport:
    """How one parameter is moved, compared with the true gradient of the script's loss."""

    name: str
    line: int
    shape: tuple[int, ...]
    relative_error: float
    cosine: float
    verdict: str


@dataclass(frozen=True)
class Mistake:
    """A mistake, its place, and the line that would be right."""

    id: str
    layer: int | None
    line: int
    parameters: tuple[str, ...]
    explanation: str
    correction: str
    confidence: float
    alternatives: tuple[str, ...]


@dataclass(frozen=True)
class Warned:
    """Something that does no harm."""

    id: str
    explanation: str


@dataclass(frozen=True)
class Corrected:
    """What became of the script with its lines corrected.

    Attributes
    ----------
    lines : tuple of (line, text)
    loss_before, loss_after : float or None
        Where the loss ends without and with them, infinite if it is not finite; None if it was not seen.
    gradient_right : bool
    left : tuple of str
        Ids of the mistakes for which there are no lines.
    """

    lines: tuple[tuple[int, str], ...]
    loss_before: float | None
    loss_after: float | None
    gradient_right: bool
    left: tuple[str, ...] = ()


@dataclass(frozen=True)
class Treatment:
    """What would make the network learn once its gradient is right.

    Attributes
    ----------
    text : str
        What it changes, in the script's words.
    commands : tuple of str
        The same for the lab, at the start weights.
    epochs : int
    loss_before, loss_after : float
        Where the script's loss ends with the right gradient, without and with it, measured in the lab.
    """

    text: str
    commands: tuple[str, ...]
    epochs: int
    loss_before: float
    loss_after: float


@dataclass(frozen=True)
class Review:
    """The outcome for one script."""

    script: str
    reviewed: bool
    reason: str = ""
    loss_name: str | None = None
    loss_line: int | None = None
    parameters: tuple[ParameterReport, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    warnings: tuple[Warned, ...] = ()
    notes: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()
    corrected: Corrected | None = None
    treatment: Treatment | None = None
    further: Corrected | None = None
    """Lines beyond the gradient, with the corrected ones among them; its loss before is that of these alone."""
    source: tuple[str, ...] = field(default=(), repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Return the object of the contract."""
        loss = None if self.loss_name is None else {"name": self.loss_name, "line": self.loss_line}
        found: dict[str, Any] = {"script": self.script, "reviewed": self.reviewed}
        if not self.reviewed:
            found["reason"] = self.reason
        found["loss"] = loss
        found["parameters"] = [
            {"name": part.name, "line": part.line, "shape": list(part.shape),
             "relative_error": _finite(part.relative_error), "cosine": _finite(part.cosine), "verdict": part.verdict}
            for part in self.parameters
        ]  # fmt: skip
        found["mistakes"] = [
            {"id": one.id, "layer": one.layer, "line": one.line, "parameters": list(one.parameters),
             "explanation": one.explanation, "correction": one.correction, "confidence": one.confidence,
             "alternatives": list(one.alternatives)}
            for one in self.mistakes
        ]  # fmt: skip
        found["warnings"] = [{"id": one.id, "explanation": one.explanation} for one in self.warnings]
        found["notes"] = list(self.notes)
        found["beyond_the_gradient"] = list(self.beyond)
        if self.corrected is not None:
            found["corrected"] = _of_corrected(self.corrected)
        if self.treatment is not None:
            found["treatment"] = {
                "commands": list(self.treatment.commands),
                "epochs": self.treatment.epochs,
                "loss_before": _finite(self.treatment.loss_before),
                "loss_after": _finite(self.treatment.loss_after),
            }
        if self.further is not None:
            found["further"] = _of_corrected(self.further)
        return found


def _of_corrected(made: Corrected) -> dict[str, Any]:
    return {
        "lines": [{"line": line, "text": text} for line, text in made.lines],
        "gradient_right": made.gradient_right,
        "left": list(made.left),
        "loss_before": _finite(made.loss_before),
        "loss_after": _finite(made.loss_after),
    }


def _finite(value: float | None) -> float | None:
    return None if value is None or not abs(value) < float("inf") else float(f"{value:.6g}")
