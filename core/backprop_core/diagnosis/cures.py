"""The cures, as commands of the one grammar that keys, prompt and scripts use."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from backprop_core.activations import ACTIVATIONS
from backprop_core.commands import (
    AddBias,
    Initialize,
    ReinitDead,
    Rollback,
    SetActivation,
    SetOption,
    Standardize,
    TrueGradient,
    Widen,
)
from backprop_core.diagnosis.fault import Cure
from backprop_core.experiment import Choice
from backprop_core.initializers import INITIALIZERS
from backprop_core.losses import LOSSES
from backprop_core.reinitialization import ONE_SIDED

if TYPE_CHECKING:
    from backprop_core.diagnosis.evidence import Evidence

BACK, GRADIENT, OUTPUT, DATA, BIAS, UNITS, START, SIZE, BATCH, CLIP, RATE = FAMILIES = (
    "back",
    "gradient",
    "output",
    "data",
    "bias",
    "units",
    "start",
    "size",
    "batch",
    "clip",
    "learning-rate",
)
"""Of one family a plan has at most one cure; this is the order in which a plan's cures are applied.

What is gone back to is of the network as it is, so that comes first. Targets are standardised only under a linear
output, and fresh weights are drawn for the data as they will be.
"""

LEAST_RATE, LARGEST_RATE = 1e-7, 1e4


def true_gradient(evidence: Evidence) -> Cure:
    """Put back what the mistakes leave out, and divide by the batch."""
    commands: list[TrueGradient | SetOption] = []
    if evidence.experiment.mistakes.missing_derivative:
        commands.append(TrueGradient())
    if evidence.experiment.training.reduction == "sum":
        commands.append(SetOption("reduction", "mean"))
    return Cure("true-gradient", tuple(commands), "apply the true gradient of the mean loss", True, GRADIENT)


def fitting_output(evidence: Evidence) -> Cure:
    """Give the output layer the activation that the loss asks for, or none."""
    canonical = LOSSES[evidence.experiment.training.loss.name].canonical
    name = canonical or "linear"
    return Cure(
        f"{name}-output",
        (SetActivation("output", Choice.of(ACTIVATIONS, name)),),
        f"make the output layer {name}, so that it reaches every target",
        family=OUTPUT,
    )


REINIT_DEAD = Cure(
    "reinit-dead",
    (ReinitDead(),),
    "reinitialise the dead neurons: new incoming weights, outgoing weights zero",
    exact=True,
    family=UNITS,
    overwritten=True,
)

LEAKY_RELU = Cure(
    "leaky-relu",
    (SetActivation("hidden", Choice.of(ACTIVATIONS, "leaky-relu")),),
    "switch the hidden neurons to LeakyReLU, whose derivative is nowhere zero",
    family=UNITS,
    prevents=False,
)

STANDARDIZE = Cure(
    "standardize",
    (Standardize(),),
    "standardise the data, folded into the weights so that the function stays",
    exact=True,
    family=DATA,
)

ADD_BIAS = Cure("add-bias", (AddBias(),), "add biases, zero at first, so that the function stays", True, BIAS)

ROLLBACK = Cure(
    "rollback",
    (Rollback(),),
    "go back to the parameters of the lowest training loss",
    family=BACK,
    overwritten=True,
)


def initialize(evidence: Evidence, activation: str | None = None) -> Cure:
    """Draw all weights anew as suits the hidden activation, He's or Xavier's."""
    hidden = evidence.experiment.network.activation
    names = (activation,) if activation else tuple(choice.name for choice in hidden)
    name = "he-normal" if set(names) & set(ONE_SIDED) else "xavier-normal"
    return Cure(
        f"initialize-{name}",
        (Initialize(Choice.of(INITIALIZERS, name)),),
        f"draw all weights anew by {name.removesuffix('-normal').title()}'s rule, biases zero",
        family=START,
    )


def other_activation(evidence: Evidence, name: str) -> Cure:
    """Give the hidden layers another activation, and weights that suit it."""
    fresh = initialize(evidence, name)
    return Cure(
        f"hidden-{name}",
        (SetActivation("hidden", Choice.of(ACTIVATIONS, name)), *fresh.commands),
        f"give the hidden layers {name} activation, and weights that suit it",
        family=START,
        beyond=initialize(evidence),
    )


def learning_rate(evidence: Evidence, factor: float) -> Cure:
    """Multiply the learning rate by a factor, rounded to two digits."""
    rate = float(f"{evidence.experiment.training.learning_rate * factor:.2g}")
    word = "raise" if factor > 1 else "lower"
    return Cure(
        f"learning-rate-{rate:g}",
        (SetOption("learning-rate", rate),),
        f"{word} the learning rate to {rate:g}",
        exact=True,
        family=RATE,
    )


def learning_rates(evidence: Evidence, *factors: float) -> tuple[Cure, ...]:
    """Return :func:`learning_rate` for each factor that leads to a sensible rate, each rate once."""
    rate = evidence.experiment.training.learning_rate
    made = [
        learning_rate(evidence, factor)
        for factor in factors
        if math.isfinite(factor) and LEAST_RATE <= rate * factor <= LARGEST_RATE
    ]
    return tuple({cure.id: cure for cure in made}.values())


def gradient_clip(most: float) -> Cure:
    """Limit the gradient's global norm."""
    return Cure(
        f"gradient-clip-{most:g}",
        (SetOption("gradient-clip", most),),
        f"cut the gradient to a norm of {most:g}",
        exact=True,
        family=CLIP,
        prevents=False,
    )


def batch_size(size: int | None) -> Cure:
    """Train on batches of that size, None for the full batch."""
    text = "full" if size is None else str(size)
    return Cure(
        f"batch-size-{text}",
        (SetOption("batch-size", size),),
        "train on the full batch" if size is None else f"train on batches of {size}",
        exact=True,
        family=BATCH,
    )


def widen(units: int) -> Cure:
    """Add hidden units."""
    return Cure(
        f"widen-{units}",
        (Widen(units),),
        f"add {units} units to each hidden layer, their outgoing weights zero",
        exact=True,
        family=SIZE,
    )


def stop_overfitting(decay: float) -> Cure:
    """Go back to the best validation loss, and let the weights decay from there."""
    return Cure(
        f"weight-decay-{decay:g}",
        (Rollback("validation"), SetOption("weight-decay", decay)),
        f"go back to the parameters of the lowest validation loss, and train on with a weight decay of {decay:g}",
        family=BACK,
    )
