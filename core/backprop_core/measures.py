"""What is measured of a trainer: the quantities of conditions, and snapshots."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.evaluation import Evaluator
from backprop_core.snapshot import LayerSummary, Prediction, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from backprop_core.evaluation import Census
    from backprop_core.trainer import Trainer


def norm(vector: NDArray[Any]) -> float:
    """Return the Euclidean norm, in double precision whatever the vector's."""
    return float(np.linalg.norm(vector.astype(np.float64, copy=False)))


def _validation_loss(trainer: Trainer) -> float:
    loss = trainer.validation_loss()
    return float("nan") if loss is None else loss


QUANTITIES: dict[str, Callable[[Trainer], float]] = {
    "loss": lambda trainer: trainer.census().loss,
    "validation_loss": _validation_loss,
    "dead": lambda trainer: trainer.census().dead_count,
    "epoch": lambda trainer: trainer.epoch,
    "step": lambda trainer: trainer.step_count,
    "gradient_norm": lambda trainer: norm(trainer.gradient()),
    "learning_rate": lambda trainer: trainer.experiment.training.learning_rate,
}

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def take_snapshot(trainer: Trainer, rows: int = 100) -> Snapshot:
    """Return the state for a record: full-pass losses and dead neurons, the first ``rows`` predictions."""
    census = trainer.census()
    with np.errstate(all="ignore"):
        gradient = trainer.gradient()
        return Snapshot(
            step=trainer.step_count,
            epoch=trainer.epoch,
            training_loss=census.loss,
            validation_loss=trainer.validation_loss(),
            learning_rate=trainer.experiment.training.learning_rate,
            gradient_norm=norm(gradient),
            layers=tuple(_layer_summaries(trainer, census, gradient)),
            predictions=first_predictions(trainer, rows),
        )


def _layer_summaries(trainer: Trainer, census: Census, gradient: NDArray[Any]) -> list[LayerSummary]:
    summaries = []
    for layer, dead in zip(trainer.network.layers, census.dead, strict=True):
        size = norm(layer.augmented)
        change = norm(trainer.optimizer.update[layer.span]) if trainer.stepped else 0.0
        summaries.append(
            LayerSummary(
                layer=layer.number,
                activation=layer.activation.name,
                units=layer.units,
                can_die=layer.activation.can_die,
                dead=tuple(int(neuron) + 1 for neuron in np.flatnonzero(dead)),
                gradient_norm=norm(gradient[layer.span]),
                update_ratio=change / size if size else 0.0,
            )
        )
    return summaries


def first_predictions(trainer: Trainer, rows: int) -> tuple[Prediction, ...]:
    """Return the first ``rows`` predictions in the data's order, training and validation together."""
    dataset = trainer.dataset
    parts: list[Prediction] = []
    for numbers, x, y, validation in (
        (dataset.rows, dataset.x, dataset.y, False),
        (dataset.rows_validation, dataset.x_validation, dataset.y_validation, True),
    ):
        chosen = np.argsort(numbers, kind="stable")[:rows]
        parts += [
            Prediction(int(number), validation, tuple(map(float, predicted)), tuple(map(float, target)))
            for number, predicted, target in zip(
                numbers[chosen], predict(trainer, x[chosen]), y[chosen], strict=True
            )
        ]
    return tuple(sorted(parts, key=lambda part: part.row)[:rows])


def predict(trainer: Trainer, x: NDArray[Any]) -> NDArray[np.float64]:
    """Return the network's predictions for samples (n, features), both in the data's own units."""
    steps = trainer.steps
    unused = np.zeros((len(x), trainer.network.sizes[-1]))
    evaluator = Evaluator(
        trainer.network, trainer.scaled(x), unused, steps.loss, steps.loss_options, steps.units
    )
    return evaluator.predictions()
