"""Diagnosing a run: its symptoms, the experiments that confirm them, and the cure with the best outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_core.diagnosis.evidence import Witness
from backprop_core.diagnosis.faults import FAULTS
from backprop_core.diagnosis.investigation import Investigation
from backprop_core.diagnosis.report import HEALTHY, Diagnosis

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from backprop_core.diagnosis.evidence import Evidence
    from backprop_core.diagnosis.fault import Symptom
    from backprop_core.trainer import Trainer

LEAST_EPOCHS, DEFAULT_EPOCHS = 2_000, 10_000
"""How long forks are, at least and at most, where nothing says how long training lasts."""


LEAST_LEFT = 0.05
"""With less than this share of its epochs left, an experiment is judged by what another run of it would bring."""

FORK_SECONDS = 5.0
STEP_SECONDS = 2e-5
PRODUCTS_A_SECOND = 1e9
"""How long a fork may take, and what a step is reckoned to: not measured, so that the length is always the same."""


def symptoms_of(evidence: Evidence) -> dict[str, Symptom]:
    """Return the symptoms that show in the evidence, by the id of their fault."""
    seen = {name: fault.symptom(evidence) for name, fault in FAULTS.items()}
    return {name: symptom for name, symptom in seen.items() if symptom is not None}


def diagnose(
    trainer: Trainer,
    *,
    epochs: int | None = None,
    since: Mapping[str, int] | None = None,
    witness: Witness | None = None,
    on_fork: Callable[[], None] = lambda: None,
) -> Diagnosis:
    """Say why a run does or does not learn; the trainer is only read.

    Parameters
    ----------
    trainer : Trainer
    epochs : int, optional
        How long the forks are; what is left of the experiment's epochs if left out.
    since : mapping of id to step, optional
        Since when a symptom has been there, where that is known.
    witness : Witness, optional
        Of this trainer, where there is one already.
    on_fork : callable, optional
        Is called after each fork.
    """
    evidence = (witness or Witness(trainer)).gather()
    symptoms = symptoms_of(evidence)
    if not symptoms:
        return Diagnosis(HEALTHY, evidence.step, evidence.epoch, evidence.loss)
    investigation = Investigation(trainer, evidence, symptoms, epochs or epochs_left(trainer), on_fork)
    return investigation.diagnosis(since or {})


def epochs_left(trainer: Trainer) -> int:
    """Return how long forks should be: for what the experiment has left, or where that is little, once more.

    Where an experiment has no end they are as long as it has been trained. Where steps are costly they are
    shorter: so much that an investigation takes some minutes at most.
    """
    total = trainer.experiment.epochs
    left = total - trainer.epoch
    endless = min(max(trainer.epoch, LEAST_EPOCHS), DEFAULT_EPOCHS)
    wanted = endless if not total else left if left >= LEAST_LEFT * total else total
    return max(min(wanted, int(FORK_SECONDS / epoch_seconds(trainer))), 1)


def epoch_seconds(trainer: Trainer) -> float:
    """Return what an epoch is reckoned to take: not measured, so that it is the same everywhere."""
    products = 3 * trainer.network.parameters.size * trainer.batch_size / PRODUCTS_A_SECOND
    return (STEP_SECONDS + products) * trainer.steps_per_epoch
