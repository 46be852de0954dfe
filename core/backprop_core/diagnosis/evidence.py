"""The evidence: everything that symptoms are judged by, measured at one step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.diagnosis.data_facts import DataFacts, data_facts
from backprop_core.diagnosis.layers import LayerEvidence, layer_evidence
from backprop_core.diagnosis.probe import GradientCheck, Probe
from backprop_core.diagnosis.trend import Trend, trend_of
from backprop_core.features import derive
from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    from backprop_core.evaluation import Census
    from backprop_core.experiment import Experiment
    from backprop_core.trainer import Trainer

HISTORY_COLUMNS = 512
BATCHES_A_COLUMN = 8


@dataclass(frozen=True)
class Evidence:
    """What is known of a run at one step.

    Attributes
    ----------
    experiment : Experiment
        As interventions have left it.
    samples, batch, steps_per_epoch : int
    step, epoch : int
    ended : bool
        Whether training ended on a non-finite loss.
    diverged : bool
        Whether the loss is not finite, or ten times what it has been and rising.
    loss : float
        Over all training samples, in the data's units.
    validation, best_validation : float or None
    accuracy : float or None
        Share of the training samples looked at whose class is named rightly.
    trend : Trend
    data : DataFacts
    output_floor, outside : float
        The loss of predictions cut to the output activation's range; the share of targets outside it.
    gradient : GradientCheck
    layers, origin : tuples of LayerEvidence
        Now, and at the start weights (or those after the last change of the network).
    fresh : bool
        Whether ``origin`` are start weights, and not those of a run changed midway.
    reach : float
        1/2(1 − q) with q = (L(θ) − L(θ − u))/⟨∇L, u⟩ for the step u that training takes: how many times u
        the minimum along u is away, if the loss is a parabola there. Under ½ the step leads uphill. NaN where
        u does not lead down.
    reach_origin : float
        The same for the first step from ``origin``.
    missing_bias : float
        Norm of the gradient that absent biases would have over that of the weights' gradient; 0 with biases.
    """

    experiment: Experiment
    samples: int
    batch: int
    steps_per_epoch: int
    step: int
    epoch: int
    ended: bool
    diverged: bool
    loss: float
    validation: float | None
    best_validation: float | None
    accuracy: float | None
    trend: Trend
    data: DataFacts
    output_floor: float
    outside: float
    gradient: GradientCheck
    layers: tuple[LayerEvidence, ...]
    origin: tuple[LayerEvidence, ...]
    fresh: bool
    reach: float
    reach_origin: float
    missing_bias: float

    @property
    def output(self) -> LayerEvidence:
        """The last layer."""
        return self.layers[-1]

    @property
    def hidden(self) -> tuple[LayerEvidence, ...]:
        """All layers but the last."""
        return self.layers[:-1]

    @property
    def relative_loss(self) -> float:
        """The loss over that of always predicting the mean."""
        return self.loss / self.data.baseline if self.data.baseline > 0 else self.loss


DIVERGED = 10.0
"""A loss so many times above its best, and above its start, that goes on rising has left the valley."""


class Witness:
    """Gathers the evidence of one trainer again and again; what does not change is measured once.

    Where a run has diverged, evidence is taken at the best parameters so far: those that there are now tell nothing.

    Parameters
    ----------
    trainer : Trainer
        Only ever read.
    """

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self._data: tuple[Any, DataFacts] | None = None
        self._probe: tuple[Any, Probe] | None = None
        self._floor: tuple[Any, tuple[float, float]] | None = None
        self._origin: tuple[Any, Any, tuple[tuple[LayerEvidence, ...], float]] | None = None

    @property
    def data(self) -> DataFacts:
        """The facts of the training set."""
        trainer = self.trainer
        seen = trainer.dataset, trainer.experiment.data.features
        if self._data is None or self._data[0] != seen:
            # What the network is given matters, not what it was made of.
            dataset = replace(trainer.dataset, x=derive(trainer.dataset.x, seen[1]))
            self._data = seen, data_facts(dataset, trainer.experiment.training.loss)
        return self._data[1]

    def gather(self) -> Evidence:
        """Measure everything at this step."""
        with np.errstate(all="ignore"):
            self.trainer.flush_history()
            return self._gather(self.trainer, self.trainer.census())

    def _gather(self, trainer: Trainer, census: Census) -> Evidence:
        changed = trainer.interventions[-1].step + 1 if trainer.interventions else 0
        trend = trend_of(trainer.history.columns(_columns(trainer), changed))
        parameters = trainer.network.parameters
        diverged = _has_diverged(trainer, census, trend)
        probe = self._shadow()
        origin, reach_origin = self._at_origin(probe)
        probe.look(trainer.keeper.best.parameters if diverged else parameters)
        floor, outside = self._output_floor(probe)
        best_validation = trainer.keeper.best_validation.loss
        return Evidence(
            experiment=trainer.experiment,
            samples=len(trainer.order),
            batch=trainer.batch_size,
            steps_per_epoch=trainer.steps_per_epoch,
            step=trainer.step_count,
            epoch=trainer.epoch,
            ended=trainer.ended is not None,
            diverged=diverged,
            loss=census.loss,
            validation=trainer.validation_loss(),
            best_validation=best_validation if np.isfinite(best_validation) else None,
            accuracy=_accuracy(trainer, probe),
            trend=trend,
            data=self.data,
            output_floor=floor,
            outside=outside,
            gradient=probe.check(),
            layers=layer_evidence(probe),
            origin=origin,
            fresh=_is_fresh(trainer),
            reach=_reach(probe, _coming_update(trainer, probe)),
            reach_origin=reach_origin,
            missing_bias=_missing_bias(probe),
        )

    def _shadow(self) -> Probe:
        steps = self.trainer.steps
        if self._probe is None or self._probe[0] is not steps:
            self._probe = steps, Probe(self.trainer)
        return self._probe[1]

    def _at_origin(self, probe: Probe) -> tuple[tuple[LayerEvidence, ...], float]:
        origin = self.trainer.keeper.origin.parameters
        if self._origin is None or self._origin[0] is not probe or self._origin[1] is not origin:
            probe.look(origin)
            self._origin = probe, origin, (layer_evidence(probe), _reach(probe, self._first_step(probe)))
        return self._origin[2]

    def _first_step(self, probe: Probe) -> Any:
        training = self.trainer.experiment.training
        # The first step of an optimizer that divides by the gradient's size has the rate's size everywhere.
        direction = probe.applied if training.optimizer.name == "sgd" else np.sign(probe.applied)
        return training.learning_rate * direction

    def _output_floor(self, probe: Probe) -> tuple[float, float]:
        if self._floor is None or self._floor[0] is not probe:
            trainer = self.trainer
            output = trainer.network.layers[-1].activation
            reached = np.clip(probe.targets, output.low, output.high)
            restore, loss = trainer.steps.units.restore, trainer.steps.loss
            options = trainer.steps.loss_options
            floor = loss.value(restore(reached), restore(probe.targets), **options)
            least = loss.value(restore(probe.targets), restore(probe.targets), **options)
            outside = (probe.targets < output.low) | (probe.targets > output.high)
            self._floor = probe, (max(floor - least, 0.0), float(outside.mean()))
        return self._floor[1]


def _columns(trainer: Trainer) -> int:
    """Return how many columns the history is to have; of batches each holds several, so that noise shows."""
    if trainer.batch_size == len(trainer.order):
        return HISTORY_COLUMNS
    return max(min(trainer.history.steps // BATCHES_A_COLUMN, HISTORY_COLUMNS), 1)


def _has_diverged(trainer: Trainer, census: Census, trend: Trend) -> bool:
    if trainer.ended is not None or not np.isfinite(census.loss):
        return True
    if not np.isfinite(trainer.network.parameters).all():
        return True
    reference = max(trend.start, trend.best)
    return trend.columns > 1 and census.loss > DIVERGED * reference and trend.now > DIVERGED * trend.best


def _is_fresh(trainer: Trainer) -> bool:
    begun, marks = trainer.keeper.origin.step, trainer.interventions
    drawn = any(mark.step == begun and mark.text.startswith("initialize") for mark in marks)
    return begun == 0 or drawn


def _accuracy(trainer: Trainer, probe: Probe) -> float | None:
    if trainer.dataset.kind != "classification":
        return None
    predicted, wanted = probe.forward.outputs, probe.targets
    if len(wanted) == 1:
        return float(((predicted > 0.5) == (wanted > 0.5)).mean())
    return float((predicted.argmax(axis=0) == wanted.argmax(axis=0)).mean())


def _coming_update(trainer: Trainer, probe: Probe) -> Any:
    """Return the step that training is about to take; for optimizers with a memory the one it took last."""
    training = trainer.experiment.training
    plain = training.optimizer.name == "sgd" and not dict(training.optimizer.options)["momentum"]
    if plain or not trainer.stepped:
        return training.learning_rate * probe.applied
    return trainer.optimizer.update


def _reach(probe: Probe, update: Any) -> float:
    expected = float(probe.true.astype(np.float64) @ update)
    if not expected > 0:
        return np.nan
    quotient = (probe.loss_after(np.zeros_like(update)) - probe.loss_after(-update)) / expected
    if not np.isfinite(quotient):
        return 0.0
    return 0.5 / (1.0 - quotient) if quotient < 1.0 else np.inf


def _missing_bias(probe: Probe) -> float:
    if probe.network.bias:
        return 0.0
    biases = np.concatenate([delta.sum(axis=1) for delta in probe.deltas]).astype(np.float64)
    weights, would_be = float(np.linalg.norm(probe.true)), float(np.linalg.norm(biases))
    return would_be / weights if weights else float(would_be > 0)
