"""Faults of the data: scales, contradictions, rare classes; and what is learnt by heart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_core.diagnosis import cures
from backprop_core.diagnosis.fault import Cure, Fault, Symptom
from backprop_core.diagnosis.report import SERIOUS, VALIDATION
from backprop_core.diagnosis.verdict import STRICT, Margin

if TYPE_CHECKING:
    from backprop_core.diagnosis.evidence import Evidence

OFFSET, SCALE_RATIO = 1.0, 10.0
SMALL_INPUTS, LARGE_INPUTS = 0.2, 4.0
MUCH_STEEPER = 10.0
FLOOR = 0.05
"""Share of the baseline's loss below which a floor matters to nobody."""

NEAR_FLOOR = 0.3
"""A floor of at least this share of the loss is what keeps it up."""

WORSE_THAN_BEST = 1.1
LOST = Margin(0.33, 0.2)
"""What a validation loss has to have lost for going back to be worth it: the lowest of many looks is low by luck
too, and a few samples named wrongly with confidence cost much of a cross-entropy."""

RARE = 10.0
NO_BETTER = 0.005
"""An accuracy above that of always naming the largest class by no more than this is no better."""


def _unstandardized(evidence: Evidence) -> Symptom | None:
    data = evidence.data
    if evidence.experiment.data.standardize:
        return None
    small = 0 < data.largest_input < SMALL_INPUTS
    large = data.largest_input > LARGE_INPUTS
    if not (data.offset > OFFSET or data.scale_ratio > SCALE_RATIO or small or large):
        return None
    if data.scale_ratio > SCALE_RATIO:
        what = f"one column varies {data.scale_ratio:.3g} times as much as another"
    elif data.offset > OFFSET:
        what = f"a column's mean is {data.offset:.3g} times its standard deviation"
    else:
        what = f"they are of the size of {data.largest_input:.3g}"
    return Symptom(
        f"The inputs are not on one scale: {what}.",
        {
            "offset": data.offset,
            "scale_ratio": data.scale_ratio,
            "largest_input": data.largest_input,
            "condition": data.condition,
        },
    )


def _standardize(evidence: Evidence) -> tuple[Cure, ...]:
    fresh = cures.initialize(evidence)
    both = Cure(
        "standardize-and-initialize",
        (*cures.STANDARDIZE.commands, *fresh.commands),
        "standardise the data, and draw all weights anew for inputs of that size",
        family=cures.START,
        beyond=fresh,
    )
    return cures.STANDARDIZE, both, *_at_a_fitting_rate(evidence, fresh, both)


def _at_a_fitting_rate(evidence: Evidence, fresh: Cure, both: Cure) -> tuple[Cure, ...]:
    """Return cures whose rates are as much higher as standardised inputs let them be, where that is much.

    Who has lowered the rate until large inputs no longer diverge trains too slowly once they are not large. A rate
    that could as well be higher as things are is a fault of its own.
    """
    steepness = evidence.data.steepness
    if not steepness > MUCH_STEEPER:
        return ()
    return tuple(
        Cure(
            f"standardize-initialize-{rate.id}",
            (*both.commands, *rate.commands),
            f"{both.summary}, at a learning rate as much higher as they allow",
            family=cures.START,
            unless=rate,
            beyond=Cure(f"initialize-{rate.id}", (*fresh.commands, *rate.commands), "", family=cures.START),
        )
        for rate in cures.learning_rates(evidence, steepness, 10 * steepness)
    )


UNSTANDARDIZED_INPUTS = Fault(
    "unstandardized-inputs",
    "Inputs not standardised",
    "The loss is a long narrow valley: a rate that suits one column is far too high or too low for the other.",
    """\
A linear layer's curvature is the inputs' second moment E[x xᵀ]. Gradient descent needs steps in proportion
to its condition number, the largest eigenvalue over the smallest; a mean far from zero, or columns on
different scales, make it huge. x' = (x − m)/s makes it small. W' = s·W and b' = b + mᵀW keep the function
as it is.""",
    _unstandardized,
    _standardize,
)


def _contradictory(evidence: Evidence) -> Symptom | None:
    data = evidence.data
    if data.baseline <= 0 or data.floor < FLOOR * data.baseline:
        return None
    return Symptom(
        f"{data.contradictory_count} rows have the same inputs as others and different targets: "
        f"no network gets below a loss of {data.floor:.4g}.",
        {"rows": data.contradictory_count, "floor": data.floor, "relative_floor": data.floor / data.baseline},
        SERIOUS,
        rows=data.contradictory,
        proven=lambda untreated: data.floor >= NEAR_FLOOR * untreated.final,
    )


def _none(evidence: Evidence) -> tuple[Cure, ...]:
    return ()


CONTRADICTORY_TARGETS = Fault(
    "contradictory-targets",
    "Contradictory targets",
    "A function gives one output for one input: where the data ask for two, the best is their mean.",
    """\
For equal inputs x with targets y₁ … y_k the squared loss is least at their mean, and what is left is their
variance; for classes it is the entropy of their shares. Summed over all such groups that is a floor under
the training loss. A network that goes on training cannot pass it; the rows are named, so that they can be
looked at.""",
    _contradictory,
    _none,
)


def _overfitting(evidence: Evidence) -> Symptom | None:
    now, best = evidence.validation, evidence.best_validation
    if now is None or best is None or evidence.diverged or not now > WORSE_THAN_BEST * best:
        return None
    if evidence.loss > evidence.trend.start or now < evidence.loss:
        return None
    risen = f"is {now / best:.2f} times its best ({best:.4g})" if best else f"had come to 0 and is {now:.4g}"
    return Symptom(
        f"The validation loss {risen}, while the training loss has fallen to {evidence.loss:.4g}.",
        {"validation": now, "best_validation": best, "training": evidence.loss},
        # Where no decay holds it there, going back and stopping does.
        proven=lambda untreated: LOST.lower(best, untreated.last_validation[0], evidence.data.baseline),
    )


def _decay(evidence: Evidence) -> tuple[Cure, ...]:
    return tuple(cures.stop_overfitting(decay) for decay in (0.003, 0.01, 0.03, 0.1, 0.3))


OVERFITTING = Fault(
    "overfitting",
    "Overfitting",
    "The network learns the noise of its training samples by heart, and gets worse on all others.",
    """\
With as many parameters as samples the training loss can go to zero on noise. The validation loss, of
samples that take no part in training, first falls, then rises: the best network was there. Going back to
it, and weight decay, θ ← θ − ηλθ, which keeps weights small and the function smooth, are the first
remedies; more samples are the best.""",
    _overfitting,
    _decay,
    measured=VALIDATION,
    margin=STRICT,
)


def _imbalanced(evidence: Evidence) -> Symptom | None:
    counts, accuracy = evidence.data.class_counts, evidence.accuracy
    if accuracy is None or not counts or min(counts) == 0 or max(counts) <= RARE * min(counts):
        return None
    majority = evidence.data.majority
    if accuracy > majority + NO_BETTER:
        return None
    return Symptom(
        f"The largest class has {max(counts)} samples, the smallest {min(counts)}; "
        f"{accuracy:.1%} are named rightly, {majority:.1%} would be by always naming the largest.",
        {"largest": max(counts), "smallest": min(counts), "accuracy": accuracy, "majority": majority},
        proven=lambda untreated: (
            untreated.accuracy is not None and untreated.accuracy <= majority + NO_BETTER
        ),
    )


IMBALANCED_CLASSES = Fault(
    "imbalanced-classes",
    "Imbalanced classes",
    "Always naming the largest class is right so often that the few others hardly move the loss.",
    """\
The mean loss weighs classes by their samples: with 40 to 1 the rare one is 2.5 % of the gradient. Accuracy
is no measure then; look at each class by itself. More samples of the rare class, or a larger weight for
them, are what helps.""",
    _imbalanced,
    _none,
)
