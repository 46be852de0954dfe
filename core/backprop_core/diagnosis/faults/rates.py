"""Faults of the step: too long, too short, too noisy, and what becomes of it: divergence, numbers that are none."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from backprop_core.diagnosis import cures
from backprop_core.diagnosis.fault import Cure, Fault, Symptom
from backprop_core.diagnosis.faults.units import since_birth
from backprop_core.diagnosis.report import CRITICAL, SERIOUS
from backprop_core.diagnosis.verdict import STRICT

if TYPE_CHECKING:
    from backprop_core.diagnosis.evidence import Evidence

UPHILL = 0.5
"""A minimum nearer than half of the step lies so far behind that the step leads uphill."""

PEAK, NOISY_PEAK = 1.5, 3.0
"""A loss so many times that of the start; of batches, which scatter, more of it."""

MOSTLY_FALLING = 0.3
"""Share of rises beyond which a loss no longer just falls."""

GETTING_NOWHERE = 0.1
"""Batch losses rise and fall anyway; it is no good sign where they fall by less than this share altogether."""

FAR = 10.0
"""A minimum so many steps away along the step: twenty times the rate would still lead down."""

SOLVED = 0.02

BAND = 0.5
"""Batch losses that lie so far apart, relative to their mean, are noise above all."""

SMALL_BATCH = 0.5
"""Of the samples: larger batches have little noise left to lose."""


def _full_batch(evidence: Evidence) -> bool:
    return evidence.batch >= evidence.samples


def _killed(evidence: Evidence) -> int:
    """Return how many neurons have died since the start weights."""
    return sum(len(layer.dead) - since_birth(evidence, layer.layer) for layer in evidence.layers)


def _too_high(evidence: Evidence) -> Symptom | None:
    trend, rate = evidence.trend, evidence.experiment.training.learning_rate
    killed = _killed(evidence)
    peak = PEAK if _full_batch(evidence) else NOISY_PEAK
    signs = {
        "uphill": evidence.reach < UPHILL,
        "uphill_at_start": evidence.reach_origin < UPHILL,
        "peak": trend.peak > peak,
        "killed": killed > 0,
        "swinging": trend.known
        and trend.rises > MOSTLY_FALLING
        and (_full_batch(evidence) or trend.progress < GETTING_NOWHERE),
        "diverged": evidence.diverged,
    }
    if not any(signs.values()):
        return None
    if signs["uphill"]:
        what = f"a step along the gradient raises the loss: its minimum lies {evidence.reach:.2g} of the step away"
    elif signs["uphill_at_start"]:
        what = (
            "the first step already overshot: the minimum along it lay "
            f"{evidence.reach_origin:.2g} of the step away"
        )
    elif signs["peak"]:
        what = f"the loss has been {trend.peak:.3g} times that of the start"
    elif killed:
        what = f"{killed} neuron{'s' * (killed > 1)} died of its steps"
    elif signs["diverged"]:
        what = "the loss ran away"
    else:
        what = f"the loss rises in {trend.rises:.0%} of its last stretches"
    return Symptom(
        f"Steps at a learning rate of {rate:g} overshoot: {what}.",
        {
            "learning_rate": rate,
            "reach": evidence.reach,
            "reach_at_start": evidence.reach_origin,
            "peak": trend.peak,
            "killed": killed,
            "rises": trend.rises,
        },
        CRITICAL if evidence.diverged or killed else SERIOUS,
    )


def _lower(evidence: Evidence) -> tuple[Cure, ...]:
    """Return half of the step to the minimum where that is known, and the usual fractions."""
    reaches = [reach for reach in (evidence.reach, evidence.reach_origin) if 0 < reach < UPHILL]
    nearest = min(reaches, default=math.nan)
    return cures.learning_rates(evidence, 0.3, 0.1, 0.03, nearest / 2, nearest / 6)


LEARNING_RATE_TOO_HIGH = Fault(
    "learning-rate-too-high",
    "Learning rate too high",
    "Each step leaps across the valley and lands higher up; the loss swings or runs away, and neurons can die.",
    """\
Along the gradient g the loss is about L − η‖g‖² + ½η²gᵀHg: least at η* = ‖g‖²/gᵀHg, back at L at 2η*, above
it beyond. With q = (L_t − L_{t+1})/(η‖g‖²), η* = η/2(1 − q): q < 0 means that the step is more than twice
too long. Half of η* is safe where the curvature stays as it is.""",
    _too_high,
    _lower,
    causes=("wrong-gradient", "unstandardized-inputs", "bad-initialization", "exploding-gradients"),
)


def _too_low(evidence: Evidence) -> Symptom | None:
    trend = evidence.trend
    far = evidence.reach >= FAR or math.isnan(evidence.reach)
    if evidence.diverged or evidence.relative_loss < SOLVED or not far or not evidence.gradient.norm:
        return None
    if not trend.known or (_full_batch(evidence) and (trend.progress < 0 or trend.rises > MOSTLY_FALLING)):
        return None
    rate = evidence.experiment.training.learning_rate
    reach = "hundreds of" if not evidence.reach < 1000 else f"{evidence.reach:.0f}"
    return Symptom(
        f"Steps at a learning rate of {rate:g} are short: the minimum along them is {reach} steps away.",
        {"learning_rate": rate, "reach": evidence.reach, "progress": trend.progress},
    )


def _raise(evidence: Evidence) -> tuple[Cure, ...]:
    """Return half of the step to the minimum where that is known, and powers of ten."""
    far = evidence.reach if math.isfinite(evidence.reach) else 2e3
    return cures.learning_rates(evidence, *(factor for factor in (5.0, 20.0, 100.0, 1e3) if factor <= far))


LEARNING_RATE_TOO_LOW = Fault(
    "learning-rate-too-low",
    "Learning rate too low",
    "Every step goes the right way and hardly moves: the epochs run out long before the loss is down.",
    """\
With q = (L_t − L_{t+1})/(η‖g‖²) near 1 the loss falls as if it were straight: the curvature has not been
felt, and the best step along g, η* = η/2(1 − q), is many times η. Raise η towards η*/2; some power of ten
at a time does no harm as long as the loss keeps falling.""",
    _too_low,
    _raise,
    causes=("unstandardized-inputs",),
    margin=STRICT,
    generalises=True,
)


def _noisy(evidence: Evidence) -> Symptom | None:
    trend = evidence.trend
    if evidence.batch > SMALL_BATCH * evidence.samples or not trend.known or evidence.diverged:
        return None
    if trend.band < BAND or evidence.reach < UPHILL:
        return None
    return Symptom(
        f"Batches of {evidence.batch} disagree: their losses scatter by {trend.band:.0%} of the mean, "
        "while a step over all samples goes down.",
        {"batch": evidence.batch, "band": trend.band, "rises": trend.rises, "reach": evidence.reach},
    )


def _larger_batches(evidence: Evidence) -> tuple[Cure, ...]:
    sizes = sorted(
        {min(evidence.batch * factor, evidence.samples) for factor in (4, 16, 64)} - {evidence.batch}
    )
    return tuple(cures.batch_size(None if size == evidence.samples else size) for size in sizes)


NOISY_BATCHES = Fault(
    "noisy-batches",
    "Noisy batches",
    "Each batch pulls its own way; at this rate the noise keeps the parameters dancing around the minimum.",
    """\
A batch's gradient is the true one plus noise of variance σ²/B, σ² being the variance of a single sample's. Around
the minimum the loss hovers at about ½ησ²/B above it: a batch four times as large, or a rate four times lower,
leaves a quarter of that. Far from the minimum the noise is small beside the gradient, and does no harm.""",
    _noisy,
    _larger_batches,
)


def _diverging(evidence: Evidence) -> Symptom | None:
    if not evidence.diverged or evidence.ended or not math.isfinite(evidence.loss):
        return None
    loss, best = evidence.loss, evidence.trend.best
    numbers = {"loss": loss, "best": best}
    if not best:
        # In finite precision a loss comes to 0 where every sample is right enough.
        return Symptom(f"The loss had come to 0; it is {loss:.4g} and rising.", numbers, CRITICAL)
    times = loss / best
    return Symptom(
        f"The loss is {times:.3g} times its best and rising.", {**numbers, "times": times}, CRITICAL
    )


def _rollback(evidence: Evidence) -> tuple[Cure, ...]:
    return (cures.gradient_clip(1.0),)


DIVERGING = Fault(
    "diverging",
    "Diverging",
    "Each step overshoots by more than the one before: the loss grows without bound.",
    """\
On a parabola of curvature h a step multiplies the distance from the minimum by 1 − ηh: beyond ηh = 2 it
grows at every step. Going back to the best parameters and lowering η, or cutting long gradients to a norm
c, g ← g·c/‖g‖, ends that.""",
    _diverging,
    _rollback,
    causes=(
        "wrong-gradient",
        "unstandardized-inputs",
        "bad-initialization",
        "exploding-gradients",
        "learning-rate-too-high",
    ),
)


def _non_finite(evidence: Evidence) -> Symptom | None:
    if not evidence.ended and math.isfinite(evidence.loss):
        return None
    return Symptom(
        f"A number is no longer finite after step {evidence.step}: from there on nothing can be learnt.",
        {"step": evidence.step, "best": evidence.trend.best},
        CRITICAL,
    )


NON_FINITE = Fault(
    "non-finite",
    "Numbers that are not finite",
    "NaN and infinity spread: one of them in the loss, and with the next step every weight is NaN.",
    """\
Doubles end at 1.8·10³⁰⁸, singles at 3.4·10³⁸: a run that diverges gets there, and ∞ − ∞, 0·∞ and ln 0 are
NaN or infinite. One NaN in δ makes every weight below NaN in a single step. Going back to the last good
parameters and removing what made the steps so long is the only way on.""",
    _non_finite,
    _rollback,
    causes=(
        "wrong-gradient",
        "unstandardized-inputs",
        "bad-initialization",
        "exploding-gradients",
        "learning-rate-too-high",
        "diverging",
    ),
)
