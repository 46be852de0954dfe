"""Faults of neurons: dead outputs, dead or saturated hidden units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_core.diagnosis import cures
from backprop_core.diagnosis.fault import Cure, Fault, Symptom
from backprop_core.diagnosis.report import CRITICAL, MINOR, SERIOUS

if TYPE_CHECKING:
    from backprop_core.diagnosis.evidence import Evidence
    from backprop_core.diagnosis.layers import LayerEvidence

KILLERS = (
    "wrong-gradient",
    "bad-initialization",
    "unstandardized-inputs",
    "non-finite",
    "diverging",
    "learning-rate-too-high",
)

SATURATED_SHARE = 0.5


def since_birth(evidence: Evidence, layer: int) -> int:
    """Return how many of a layer's dead neurons were dead at the start weights already."""
    born = set(evidence.origin[layer - 1].dead)
    return len(born & set(evidence.layers[layer - 1].dead))


def _birth(born: int, dead: int) -> str:
    if born == dead:
        return "dead from the start"
    return "killed in training" if not born else f"{born} from the start, {dead - born} killed in training"


def _cut_off(evidence: Evidence) -> bool:
    """Tell whether a whole layer below was dead from the start: the output gets a constant, and is no cause."""
    return any(since_birth(evidence, layer.layer) == layer.units for layer in evidence.hidden)


def _dead_output(evidence: Evidence) -> Symptom | None:
    output = evidence.output
    if not output.dead or _cut_off(evidence):
        return None
    count, units = len(output.dead), output.units
    born = since_birth(evidence, output.layer)
    which = "The output neuron is" if units == 1 else f"{count} of {units} output neurons are"
    return Symptom(
        f"{which} dead: the derivative of {output.activation} is zero on all {evidence.samples} samples; "
        f"{_birth(born, count)}.",
        {"dead": count, "units": units, "born_dead": born},
        CRITICAL if count == units else SERIOUS,
        units=tuple((output.layer, neuron) for neuron in output.dead),
    )


def _dead_output_cures(evidence: Evidence) -> tuple[Cure, ...]:
    return cures.fitting_output(evidence), cures.REINIT_DEAD


DEAD_OUTPUT = Fault(
    "dead-output",
    "Dead output",
    "With a zero derivative at the output no error passes down: every gradient is zero, whatever the error.",
    """\
δ = ∂L/∂a ⊙ f'(z) is where backpropagation begins. A ReLU output with z ≤ 0 on every sample has f'(z) = 0
there, so δ = 0, and with it every ∂L/∂W: nothing below can bring it back. An output that must take any
value should be linear; a dead one can be drawn anew.""",
    _dead_output,
    _dead_output_cures,
    causes=("output-cannot-reach-targets", *KILLERS),
)


def _dead_units(evidence: Evidence) -> Symptom | None:
    dead = [(layer.layer, neuron) for layer in evidence.hidden for neuron in layer.dead]
    if not dead:
        return None
    units = sum(layer.units for layer in evidence.hidden if layer.can_die)
    born = sum(since_birth(evidence, layer.layer) for layer in evidence.hidden)
    whole = [layer.layer for layer in evidence.hidden if len(layer.dead) == layer.units]
    where = f", all of layer {whole[0]}" if whole else ""
    return Symptom(
        f"{len(dead)} of {units} hidden neurons are dead{where}: zero on every sample; {_birth(born, len(dead))}.",
        {"dead": len(dead), "units": units, "share": len(dead) / units, "born_dead": born},
        CRITICAL if whole else SERIOUS if len(dead) >= units / 2 else MINOR,
        units=tuple(dead),
    )


def _dead_units_cures(evidence: Evidence) -> tuple[Cure, ...]:
    return cures.REINIT_DEAD, cures.LEAKY_RELU


DEAD_UNITS = Fault(
    "dead-units",
    "Dead neurons",
    "A dead neuron gets no gradient, so it never comes back; the others have to fit the data alone.",
    """\
A ReLU neuron with z = wᵀa + b ≤ 0 on every sample has f'(z) = 0 on every sample: ∂L/∂w = Σ δ a = 0. One
step that is too long suffices. It stays dead while its inputs stay as they are. Reinitialising draws w
anew, sets b so that it fires on half of the samples, and its outgoing weights to zero, so that the loss
does not change.""",
    _dead_units,
    _dead_units_cures,
    causes=KILLERS,
)


def _saturated(evidence: Evidence) -> Symptom | None:
    worst: LayerEvidence | None = None
    for layers in (evidence.origin, evidence.layers):
        for layer in layers[:-1]:
            share = len(layer.saturated) / layer.units
            if share > SATURATED_SHARE and (worst is None or share > len(worst.saturated) / worst.units):
                worst = layer
    if worst is None:
        return None
    share = len(worst.saturated) / worst.units
    return Symptom(
        f"{len(worst.saturated)} of {worst.units} {worst.activation} units of layer {worst.layer} are saturated: "
        "their derivative is under 5 % of its maximum on 95 % of the samples.",
        {"share": share, "layer": worst.layer, "offset": worst.offset, "spread": worst.spread},
        CRITICAL if share == 1.0 else SERIOUS,
        units=tuple((worst.layer, neuron) for neuron in worst.saturated),
    )


def _saturated_cures(evidence: Evidence) -> tuple[Cure, ...]:
    return cures.initialize(evidence), cures.other_activation(evidence, "relu")


SATURATED_UNITS = Fault(
    "saturated-units",
    "Saturated units",
    "Where tanh and sigmoid are flat their derivative is almost zero, so almost no error passes down.",
    """\
tanh' = 1 − a² and σ' = a(1 − a) fall like e^(−|z|): at |z| = 5 tanh passes on 0.02 % of the error. Pre-
activations grow that large where weights or inputs are, or biases lie far from zero. Weights of variance
2/(fan-in + fan-out) (Xavier) on standardised inputs keep |z| near 1.""",
    _saturated,
    _saturated_cures,
    causes=("wrong-gradient", "unstandardized-inputs", "diverging", "learning-rate-too-high"),
)
