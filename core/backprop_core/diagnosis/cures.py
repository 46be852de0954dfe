"""The cures, as commands of the one grammar that keys, prompt and scripts use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_core.activations import ACTIVATIONS
from backprop_core.commands import ReinitDead, SetActivation, SetOption, TrueGradient
from backprop_core.diagnosis.fault import Cure
from backprop_core.experiment import Choice

if TYPE_CHECKING:
    from backprop_core.diagnosis.evidence import Evidence


def _choice(name: str) -> Choice:
    return Choice(name, tuple(ACTIVATIONS[name].defaults.items()))


def true_gradient(evidence: Evidence) -> Cure:
    """Put back what the mistakes leave out, and divide by the batch."""
    commands: list[TrueGradient | SetOption] = []
    if evidence.experiment.mistakes.missing_derivative:
        commands.append(TrueGradient())
    if evidence.experiment.training.reduction == "sum":
        commands.append(SetOption("reduction", "mean"))
    return Cure("true-gradient", tuple(commands), "apply the true gradient of the mean loss", exact=True)


def fitting_output(evidence: Evidence) -> Cure:
    """Give the output layer an activation that reaches the targets: what the loss asks for, or none."""
    loss = evidence.experiment.training.loss.name
    name = {"binary-cross-entropy": "sigmoid", "cross-entropy": "softmax"}.get(loss, "linear")
    return Cure(
        f"{name}-output",
        (SetActivation("output", _choice(name)),),
        f"give the output layer {name} activation",
    )


REINIT_DEAD = Cure(
    "reinit-dead",
    (ReinitDead(),),
    "reinitialise the dead neurons: new incoming weights, outgoing weights zero",
    exact=True,
)

LEAKY_RELU = Cure(
    "leaky-relu",
    (SetActivation("hidden", _choice("leaky-relu")),),
    "switch the hidden neurons to LeakyReLU, whose derivative is nowhere zero",
)


def learning_rate(evidence: Evidence, factor: float) -> Cure:
    """Multiply the learning rate by a factor."""
    rate = float(f"{evidence.experiment.training.learning_rate * factor:.3g}")
    word = "raise" if factor > 1 else "lower"
    return Cure(
        f"learning-rate-{rate:g}",
        (SetOption("learning-rate", rate),),
        f"{word} the learning rate to {rate:g}",
        exact=True,
        family="learning-rate",
    )
