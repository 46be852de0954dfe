"""Faults of how the network is made: its output's range, its start weights, its biases, its size."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from backprop_core.diagnosis import cures
from backprop_core.diagnosis.fault import Cure, Fault, Symptom
from backprop_core.diagnosis.report import CRITICAL, SERIOUS
from backprop_core.diagnosis.verdict import STRICT
from backprop_core.losses import LOSSES

if TYPE_CHECKING:
    from backprop_core.diagnosis.evidence import Evidence
    from backprop_core.diagnosis.layers import LayerEvidence

UNREACHED = 0.01
"""Share of the baseline's loss that targets outside the output's range cost at least."""

LEAST_SCALE, LARGEST_SCALE = 0.25, 4.0
"""Of one layer's weights, relative to 1/√(fan-in): He draws 1.4, Xavier about 1."""

LEAST_GAIN, LARGEST_GAIN = 0.1, 10.0
"""Of all layers together."""

SIGN_WEIGHTS = 8
"""So many weights of one sign are no coincidence (1 in 128)."""

LEAST_BIAS_GRADIENT = 0.05

NARROW = 3
"""Layers of fewer units than this are narrow for anything."""

SOLVED = 0.02
"""A loss of less than this share of the baseline's leaves nothing to want."""

LINEAR_LIMIT = 0.95
"""A network that does not get below this share of ridge regression's loss makes nothing of its hidden layers."""


def _cannot_reach(evidence: Evidence) -> Symptom | None:
    loss = LOSSES[evidence.experiment.training.loss.name]
    output = evidence.output.activation
    if loss.canonical is not None and output not in (loss.canonical, "sigmoid", "softmax"):
        return Symptom(
            f"The output is {output}, but {loss.name} needs probabilities, as {loss.canonical} gives them.",
            {"outside": evidence.outside},
            CRITICAL,
        )
    floor = evidence.output_floor / evidence.data.baseline if evidence.data.baseline > 0 else 0.0
    if floor < UNREACHED:
        return None
    return Symptom(
        f"{evidence.outside:.0%} of the targets lie outside what a {output} output can give: "
        f"the loss cannot fall below {evidence.output_floor:.3g}.",
        {"outside": evidence.outside, "floor": evidence.output_floor, "relative_floor": floor},
        CRITICAL if floor > 0.5 else SERIOUS,
    )


def _output_cures(evidence: Evidence) -> tuple[Cure, ...]:
    return (cures.fitting_output(evidence),)


OUTPUT_CANNOT_REACH_TARGETS = Fault(
    "output-cannot-reach-targets",
    "Output cannot reach the targets",
    "Whatever the weights, predictions stay within the output activation's range; training drives it into its limits.",
    """\
σ gives values in (0, 1), tanh in (−1, 1), ReLU and softplus none below 0. With targets y outside, the best
that can be predicted is y cut to that range, and the loss of that is a floor. Pushed to its limit the
output saturates, f'(z) → 0, and the error no longer passes down. Quantities want a linear output;
probabilities sigmoid or softmax.""",
    _cannot_reach,
    _output_cures,
)


def _bad_initialization(evidence: Evidence) -> Symptom | None:
    if not evidence.fresh:
        return None
    layers = evidence.origin
    for describe in (_identical, _one_sign, _out_of_scale):
        symptom = describe(layers)
        if symptom is not None:
            return symptom
    return None


def _identical(layers: tuple[LayerEvidence, ...]) -> Symptom | None:
    worst = max(layers[:-1], key=lambda layer: layer.identical / layer.units, default=None)
    if worst is None or not worst.identical:
        return None
    return Symptom(
        f"{worst.identical + 1} units of layer {worst.layer} began with the same weights: "
        "they get the same gradients and stay the same unit.",
        {"identical": worst.identical, "layer": worst.layer},
        CRITICAL,
        certain=True,
    )


def _one_sign(layers: tuple[LayerEvidence, ...]) -> Symptom | None:
    one_sign = [layer for layer in layers if layer.one_sign and layer.fan_in * layer.units >= SIGN_WEIGHTS]
    if not one_sign:
        return None
    names = ", ".join(str(layer.layer) for layer in one_sign)
    return Symptom(
        f"All weights of layer{'s' * (len(one_sign) > 1)} {names} began with the same sign: "
        "the units hardly differ, and large common values pass through.",
        {"layers": len(one_sign), "offset": max(layer.offset for layer in one_sign)},
    )


def _out_of_scale(layers: tuple[LayerEvidence, ...]) -> Symptom | None:
    scales = [layer.weight_scale for layer in layers]
    gain = prod(scales[:-1]) if len(scales) > 1 else scales[0]
    worst = max(scales, key=lambda scale: max(scale, 1 / scale) if scale else 0.0)
    inside = LEAST_SCALE <= worst <= LARGEST_SCALE and LEAST_GAIN <= gain <= LARGEST_GAIN
    if inside or not worst:
        return None
    number = scales.index(worst) + 1
    much = "large" if max(worst, gain) > 1 and (worst > LARGEST_SCALE or gain > LARGEST_GAIN) else "small"
    return Symptom(
        f"The start weights are too {much}: those of layer {number} are {worst:.2g}/√(fan-in) "
        "where about 1 to 1.4 keeps signals at their size.",
        {"scale": worst, "gain": gain, "layer": number},
    )


def _fresh_weights(evidence: Evidence) -> tuple[Cure, ...]:
    return (cures.initialize(evidence),)


BAD_INITIALIZATION = Fault(
    "bad-initialization",
    "Bad initialisation",
    "Training starts where units do all the same, or where signals and gradients are far too large or too small.",
    """\
Units with equal weights get equal gradients: symmetry is never broken, ten units are one. With weights of
variance v a layer multiplies the variance of its input by fan-in·v (half of it for ReLU): away from 1,
signals and errors grow or shrink exponentially with depth. He: v = 2/fan-in for ReLU. Xavier: v = 2/(fan-in
+ fan-out) for tanh and sigmoid.""",
    _bad_initialization,
    _fresh_weights,
)


def _missing_bias(evidence: Evidence) -> Symptom | None:
    if evidence.missing_bias < LEAST_BIAS_GRADIENT:
        return None
    return Symptom(
        "The network has no biases, and would use them: their gradient would be "
        f"{evidence.missing_bias:.2g} times as long as that of all weights.",
        {"gradient_ratio": evidence.missing_bias},
    )


def _add_bias(evidence: Evidence) -> tuple[Cure, ...]:
    return (cures.ADD_BIAS,) if not evidence.experiment.network.bias else ()


MISSING_BIAS = Fault(
    "missing-bias",
    "Missing biases",
    "Without biases every unit's boundary passes through the origin, and zero input gives a fixed output.",
    """\
z = wᵀa + b. Without b all hyperplanes wᵀa = 0 pass through the origin, and a ReLU network is homogeneous:
f(cx) = c·f(x). A constant in the targets, or inputs far from zero, cannot be fitted. The gradient that a
zero bias would have, ∂L/∂b = Σ δ, says whether it is missed. Adding b = 0 leaves the function as it is.""",
    _missing_bias,
    _add_bias,
)


def _insufficient(evidence: Evidence) -> Symptom | None:
    hidden, data = evidence.hidden, evidence.data
    if evidence.relative_loss < SOLVED or evidence.diverged:
        return None
    linear = all(layer.activation == "linear" for layer in hidden)
    narrow = bool(hidden) and min(layer.units for layer in hidden) < NARROW
    no_better = data.ridge > 0 and evidence.loss >= LINEAR_LIMIT * data.ridge
    flat = evidence.trend.known and evidence.trend.progress < 0.1
    if not (linear or narrow or (no_better and flat)):
        return None
    if linear:
        made = "all layers are linear, so the network is no more than linear regression"
    elif narrow:
        made = f"its narrowest layer has {min(layer.units for layer in hidden)}"
    else:
        made = f"ridge regression reaches {data.ridge:.3g} without any"
    limit = 0.0 if linear or narrow else LINEAR_LIMIT * data.ridge
    return Symptom(
        f"The hidden units are too few or too simple for these data (loss {evidence.loss:.3g}): {made}.",
        {
            "loss": evidence.loss,
            "ridge": data.ridge,
            "narrowest": min((one.units for one in hidden), default=0),
        },
        persists=lambda untreated: untreated.final >= limit,
    )


def _larger(evidence: Evidence) -> tuple[Cure, ...]:
    hidden = evidence.hidden
    if not hidden:
        return ()
    if all(layer.activation == "linear" for layer in hidden):
        return cures.other_activation(evidence, "relu"), cures.other_activation(evidence, "tanh")
    return cures.widen(8), cures.widen(16)


INSUFFICIENT_CAPACITY = Fault(
    "insufficient-capacity",
    "Insufficient capacity",
    "The network cannot form the function that the data ask for; training has nothing left to improve.",
    """\
A layer of n ReLU units is piecewise linear with at most n kinks along any line; layers without a non-
linearity multiply into one matrix. If the gradient is near zero and the loss no better than that of linear
regression, more training does not help. New units with zero outgoing weights leave the function as it is,
and give the gradient somewhere to go.""",
    _insufficient,
    _larger,
    margin=STRICT,
    last_resort=True,
    generalises=True,
)
