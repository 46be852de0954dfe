"""Faults of neurons: dead outputs, dead hidden units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_core.diagnosis import cures
from backprop_core.diagnosis.fault import Cure, Fault, Symptom
from backprop_core.diagnosis.report import CRITICAL, MINOR, SERIOUS

if TYPE_CHECKING:
    from backprop_core.diagnosis.evidence import Evidence


def _dead_output(evidence: Evidence) -> Symptom | None:
    output = evidence.output
    if not output.dead:
        return None
    count, units = len(output.dead), output.units
    which = "The output neuron is" if units == 1 else f"{count} of {units} output neurons are"
    return Symptom(
        f"{which} dead: the derivative of its {output.activation} is zero on all {evidence.data.samples} samples.",
        {"dead": count, "units": units},
        CRITICAL if count == units else SERIOUS,
        units=tuple((output.layer, neuron) for neuron in output.dead),
    )


def _dead_output_cures(evidence: Evidence) -> tuple[Cure, ...]:
    return cures.fitting_output(evidence), cures.REINIT_DEAD


DEAD_OUTPUT = Fault(
    "dead-output",
    "Dead output",
    "With a zero derivative at the output no error passes down: every gradient below is zero, whatever the error.",
    """\
δ = ∂L/∂a ⊙ f'(z) is where backpropagation begins. A ReLU output with z ≤ 0 on every sample has f'(z) = 0
there, so δ = 0, and with it every ∂L/∂W: nothing below can bring it back. An output that must take any
value should be linear; a dead one can be drawn anew.""",
    _dead_output,
    _dead_output_cures,
    causes=(
        "wrong-gradient",
        "diverging",
        "learning-rate-too-high",
        "unstandardized-inputs",
        "bad-initialization",
    ),
)


def _dead_units(evidence: Evidence) -> Symptom | None:
    dead = [(layer.layer, neuron) for layer in evidence.hidden for neuron in layer.dead]
    if not dead:
        return None
    units = sum(layer.units for layer in evidence.hidden if layer.can_die)
    whole = [layer.layer for layer in evidence.hidden if len(layer.dead) == layer.units]
    share = len(dead) / units
    where = f", all of layer {whole[0]}" if whole else ""
    return Symptom(
        f"{len(dead)} of {units} hidden neurons are dead{where}: their derivative is zero on every sample.",
        {"dead": len(dead), "units": units, "share": share},
        CRITICAL if whole else SERIOUS if share >= 0.5 else MINOR,
        units=tuple(dead),
    )


def _dead_units_cures(evidence: Evidence) -> tuple[Cure, ...]:
    return cures.REINIT_DEAD, cures.LEAKY_RELU


DEAD_UNITS = Fault(
    "dead-units",
    "Dead neurons",
    "A dead neuron gets no gradient, so it never comes back; the others have to fit the data alone.",
    """\
A ReLU neuron with z = wᵀa + b ≤ 0 on every sample has f'(z) = 0 on every sample: ∂L/∂w = Σ δ a = 0. One step
that is too long suffices. It stays dead while its inputs stay as they are. Reinitialising draws w anew, sets b so
that it fires on half of the samples, and its outgoing weights to zero, so that the loss does not change.""",
    _dead_units,
    _dead_units_cures,
    causes=(
        "wrong-gradient",
        "diverging",
        "learning-rate-too-high",
        "unstandardized-inputs",
        "bad-initialization",
    ),
)
