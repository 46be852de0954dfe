"""Faults of the gradient: not the loss's own, or shrinking or growing from layer to layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_core.diagnosis import cures
from backprop_core.diagnosis.fault import Cure, Fault, Symptom
from backprop_core.diagnosis.report import CRITICAL, SERIOUS

if TYPE_CHECKING:
    from backprop_core.diagnosis.evidence import Evidence

LEAST_COSINE = 0.999
VANISHING, EXPLODING = 3e-2, 30.0
"""Ratio of ∂L/∂z at the first layer to that at the last; what an experiment then has to confirm."""

LEAST_LAYERS = 3


def _wrong_gradient(evidence: Evidence) -> Symptom | None:
    check, training = evidence.gradient, evidence.experiment.training
    missing = evidence.experiment.mistakes.missing_derivative
    turned = bool(missing) and not check.cosine >= LEAST_COSINE
    # Optimizers that divide by the gradient's size take the same step for a sum as for a mean.
    summed = training.reduction == "sum" and evidence.batch > 1 and training.optimizer.name == "sgd"
    if not (turned or summed):
        return None
    parts = []
    if turned:
        parts.append(f"it leaves out the derivative of the {' and '.join(missing)} activation")
    if summed:
        parts.append(f"it is a sum over {evidence.batch} samples where the loss is a mean")
    return Symptom(
        f"The applied gradient is not that of the loss: {', and '.join(parts)}.",
        {
            "cosine": check.cosine,
            "scale": float(evidence.batch) if summed else check.scale,
            "central_difference": check.difference,
        },
        CRITICAL if turned else SERIOUS,
        certain=True,
    )


def _true_gradient(evidence: Evidence) -> tuple[Cure, ...]:
    return (cures.true_gradient(evidence),)


WRONG_GRADIENT = Fault(
    "wrong-gradient",
    "Wrong gradient",
    "Steps do not go down the loss, or are many times too long: they overshoot, and can kill neurons for good.",
    """\
Gradient descent takes θ ← θ − η·g with g = ∇L. By the chain rule the output's delta is δ = ∂L/∂a ⊙ f'(z), a
hidden layer's δ = (W δ) ⊙ f'(z); with L a mean over N samples, g is a mean too. Without f' the step points
elsewhere; with a sum for the mean it is N times too long. How it is found: the applied gradient is compared
with the true one, and that with the central difference (L(θ + εû) − L(θ − εû))/2ε along û = ∇L/‖∇L‖.""",
    _wrong_gradient,
    _true_gradient,
)


def _ratio(evidence: Evidence) -> float | None:
    """Return how many times larger ∂L/∂z is at the first layer than at the last, at its worst so far."""
    ratios = []
    for layers in (evidence.origin, evidence.layers):
        if len(layers) >= LEAST_LAYERS and layers[-1].delta > 0:
            ratios.append(layers[0].delta / layers[-1].delta)
    return ratios[0] if ratios else None


def _vanishing(evidence: Evidence) -> Symptom | None:
    ratio = _ratio(evidence)
    if ratio is None or not 0 < ratio < VANISHING:
        return None
    return Symptom(
        f"The error reaches layer 1 at {ratio:.1g} of its size at layer {len(evidence.layers)}: "
        "the lower layers hardly move.",
        {"ratio": ratio, "layers": len(evidence.layers)},
        CRITICAL if ratio < 1e-3 else SERIOUS,
    )


def _vanishing_cures(evidence: Evidence) -> tuple[Cure, ...]:
    names = {choice.name for choice in evidence.experiment.network.activation}
    others = tuple(cures.other_activation(evidence, name) for name in ("relu", "tanh") if names != {name})
    return (cures.initialize(evidence), *others)


VANISHING_GRADIENTS = Fault(
    "vanishing-gradients",
    "Vanishing gradients",
    "The lower layers get almost no gradient and stay as they were drawn; the upper ones have to work with that.",
    """\
δ_1 is a product over all layers above: each multiplies the error by W and by f'(z). A sigmoid's derivative
is at most ¼, so that six layers leave (¼)⁶ ≈ 0.0002 of it, whatever the rate. Activations whose derivative
is near 1 (ReLU, tanh around 0) with weights of variance 2/fan-in or 2/(fan-in + fan-out) keep its size.""",
    _vanishing,
    _vanishing_cures,
    causes=("bad-initialization", "saturated-units", "unstandardized-inputs"),
)


def _exploding(evidence: Evidence) -> Symptom | None:
    ratio = _ratio(evidence)
    if ratio is None or not ratio > EXPLODING:
        return None
    return Symptom(
        f"The error at layer 1 is {ratio:.3g} times that at layer {len(evidence.layers)}: it grows on its way down.",
        {"ratio": ratio, "layers": len(evidence.layers)},
        CRITICAL if ratio > 1e3 else SERIOUS,
    )


def _exploding_cures(evidence: Evidence) -> tuple[Cure, ...]:
    return cures.initialize(evidence), cures.gradient_clip(1.0)


EXPLODING_GRADIENTS = Fault(
    "exploding-gradients",
    "Exploding gradients",
    "A rate that suits the upper layers throws the lower ones about; one that suits those leaves the upper idle.",
    """\
Each layer multiplies the error by its weights on the way down. Weights of standard deviation s make that a
factor of about s·√(fan-out) a layer; above 1 it grows exponentially with depth. Weights of variance 2/fan-
in (He) keep it near 1; clipping, g ← g·c/‖g‖ where ‖g‖ > c, bounds the step whatever the layers do.""",
    _exploding,
    _exploding_cures,
    causes=("bad-initialization", "unstandardized-inputs"),
)
