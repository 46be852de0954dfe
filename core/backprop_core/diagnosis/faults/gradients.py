"""Faults of the gradient itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_core.diagnosis import cures
from backprop_core.diagnosis.fault import Cure, Fault, Symptom
from backprop_core.diagnosis.report import CRITICAL, SERIOUS

if TYPE_CHECKING:
    from backprop_core.diagnosis.evidence import Evidence

LEAST_COSINE = 0.999
SCALE_TOLERANCE = 0.01


def _wrong_gradient(evidence: Evidence) -> Symptom | None:
    check = evidence.gradient
    if check is None:
        return None
    missing = evidence.experiment.mistakes.missing_derivative
    scale = evidence.experiment.training.reduction == "sum" and check.scale > 1 + SCALE_TOLERANCE
    turned = not check.cosine >= LEAST_COSINE and bool(missing)
    if not (turned or scale or missing):
        return None
    parts = []
    if missing:
        which = " and ".join(missing)
        parts.append(f"it leaves out the derivative of the {which} activation")
    if scale:
        batch = evidence.experiment.training.batch_size or evidence.data.samples
        parts.append(f"it is a sum over {min(batch, evidence.data.samples)} samples where the loss is a mean")
    return Symptom(
        f"The applied gradient is not that of the loss: {', and '.join(parts)}.",
        {"cosine": check.cosine, "scale": check.scale, "central_difference": check.difference},
        CRITICAL if turned else SERIOUS,
    )


def _cures(evidence: Evidence) -> tuple[Cure, ...]:
    return (cures.true_gradient(evidence),)


WRONG_GRADIENT = Fault(
    "wrong-gradient",
    "Wrong gradient",
    "Steps do not go down the loss, or are many times too long: they overshoot, and can kill neurons for good.",
    """\
Gradient descent takes θ ← θ − η·g with g = ∇L. By the chain rule the output's delta is
δ = ∂L/∂a ⊙ f'(z) and a hidden one's δ = (W δ) ⊙ f'(z); with L a mean over N samples, g is a mean too.
Without f' the step points elsewhere; with a sum for the mean it is N times too long.
How it is found: g is compared with the true gradient, and that with the central difference
(L(θ + εû) − L(θ − εû))/2ε along û = ∇L/‖∇L‖.""",
    _wrong_gradient,
    _cures,
)
