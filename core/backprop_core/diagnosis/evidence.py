"""The evidence: everything that symptoms are judged by, measured at one step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.diagnosis.data_facts import DataFacts, data_facts
from backprop_core.diagnosis.probe import GradientCheck, Probe
from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.experiment import Experiment
    from backprop_core.history import HistoryColumns
    from backprop_core.network import Layer
    from backprop_core.trainer import Trainer

SATURATED_DERIVATIVE = 0.05
"""A derivative under this share of its maximum is as good as none."""

LIMITED = ("tanh", "sigmoid")
"""Activations that saturate at both ends."""

HISTORY_COLUMNS = 512


@dataclass(frozen=True)
class LayerEvidence:
    """One layer over the training samples.

    Attributes
    ----------
    layer, units, fan_in : int
    activation : str
    can_die : bool
    dead : tuple of int
        Neurons whose derivative is zero on every training sample, counted from 1.
    saturated : float
        Share of the units whose derivative is under :data:`SATURATED_DERIVATIVE` of its maximum on 95 % of
        the samples; 0 for activations that do not saturate.
    identical : int
        How many units do the same as an earlier one: incoming weights at a cosine above 0.999, outgoing too.
    spread, offset : float
        Root mean square over the units of the pre-activations' standard deviation, and of their mean.
    weight_scale, weight_bias : float
        Root mean square of the weights; |mean| over root mean square: 1 where all have one sign and size.
    one_sign : bool
        Whether all weights of the layer have the same sign.
    delta : float
        Root mean square of ∂L/∂z.
    gradient, update_ratio : float
        Norm of the true gradient; norm of the last update over that of the parameters.
    """

    layer: int
    units: int
    fan_in: int
    activation: str
    can_die: bool
    dead: tuple[int, ...]
    saturated: float
    identical: int
    spread: float
    offset: float
    weight_scale: float
    weight_bias: float
    one_sign: bool
    delta: float
    gradient: float
    update_ratio: float


@dataclass(frozen=True)
class Evidence:
    """What is known of a run at one step.

    Attributes
    ----------
    experiment : Experiment
        As interventions have left it.
    step, epoch : int
    loss : float
        Over all training samples, in the data's units.
    validation : float or None
    accuracy : float or None
        Share of the training samples looked at whose class is named rightly.
    start, best : float
        The mean loss of the first column of the history, and the lowest of any.
    history : HistoryColumns
    finite : bool
        Whether all parameters and the loss are finite.
    data : DataFacts
    gradient : GradientCheck or None
        None where parameters are not finite, and so for what follows.
    layers : tuple of LayerEvidence
    overshoot : float
        q = (L(θ) − L(θ − u))/⟨∇L, u⟩ of the step u that training would take along the gradient it applies:
        near 1 for a small step, ½ at the minimum along u, below 0 where the step leads uphill.
    missing_bias : float
        Norm of the gradient that absent biases would have over that of the weights' gradient; 0 with biases.
    """

    experiment: Experiment
    step: int
    epoch: int
    steps_per_epoch: int
    ended: str | None
    loss: float
    validation: float | None
    accuracy: float | None
    start: float
    best: float
    history: HistoryColumns
    finite: bool
    data: DataFacts
    gradient: GradientCheck | None
    layers: tuple[LayerEvidence, ...]
    overshoot: float
    missing_bias: float
    output_low: float
    output_high: float

    @property
    def output(self) -> LayerEvidence:
        """The last layer."""
        return self.layers[-1]

    @property
    def hidden(self) -> tuple[LayerEvidence, ...]:
        """All layers but the last."""
        return self.layers[:-1]


class Witness:
    """Gathers the evidence of one trainer again and again; what does not change is measured once.

    Parameters
    ----------
    trainer : Trainer
        Only ever read.
    """

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self._data: tuple[Any, DataFacts] | None = None
        self._probe: tuple[Any, Probe] | None = None

    @property
    def data(self) -> DataFacts:
        """The facts of the training set."""
        trainer = self.trainer
        if self._data is None or self._data[0] is not trainer.dataset:
            self._data = trainer.dataset, data_facts(trainer.dataset, trainer.experiment.training.loss)
        return self._data[1]

    def probe(self) -> Probe:
        """Return the shadow of the trainer's network."""
        steps = self.trainer.steps
        if self._probe is None or self._probe[0] is not steps:
            self._probe = steps, Probe(self.trainer)
        return self._probe[1]

    def gather(self) -> Evidence:
        """Measure everything at this step."""
        trainer = self.trainer
        with np.errstate(all="ignore"):
            trainer.flush_history()
            census = trainer.census()
            history = trainer.history.columns(HISTORY_COLUMNS)
            finite = bool(np.isfinite(trainer.network.parameters).all() and np.isfinite(census.loss))
            probe = self.probe()
            probe.look(trainer)
            layers = tuple(
                _layer_evidence(trainer, probe, layer, dead)
                for layer, dead in zip(trainer.network.layers, census.dead, strict=True)
            )
            means = history.mean[np.isfinite(history.mean)]
            return Evidence(
                experiment=trainer.experiment,
                step=trainer.step_count,
                epoch=trainer.epoch,
                steps_per_epoch=trainer.steps_per_epoch,
                ended=trainer.ended,
                loss=census.loss,
                validation=trainer.validation_loss(),
                accuracy=_accuracy(trainer, probe),
                start=float(means[0]) if len(means) else census.loss,
                best=float(min(means.min(initial=np.inf), census.loss)),
                history=history,
                finite=finite,
                data=self.data,
                gradient=probe.check() if finite else None,
                layers=layers,
                overshoot=_overshoot(trainer, probe) if finite else np.nan,
                missing_bias=_missing_bias(trainer, probe) if finite else 0.0,
                output_low=float(trainer.network.layers[-1].activation.low),
                output_high=float(trainer.network.layers[-1].activation.high),
            )


def _layer_evidence(trainer: Trainer, probe: Probe, layer: Layer, dead: NDArray[np.bool_]) -> LayerEvidence:
    index = layer.number - 1
    z, a = probe.forward.pre_activations[index], probe.forward.activations[index]
    weights = layer.weights.astype(np.float64)
    rms = _rms(weights)
    update = trainer.optimizer.update[layer.span].astype(np.float64) if trainer.stepped else np.zeros(1)
    size = float(np.linalg.norm(layer.augmented))
    return LayerEvidence(
        layer=layer.number,
        units=layer.units,
        fan_in=layer.fan_in,
        activation=layer.activation.name,
        can_die=layer.activation.can_die,
        dead=tuple(int(neuron) + 1 for neuron in np.flatnonzero(dead)),
        saturated=_saturated(layer, z, a),
        identical=_identical(trainer, layer),
        spread=_rms(z.std(axis=1)),
        offset=_rms(z.mean(axis=1)),
        weight_scale=rms,
        weight_bias=abs(float(weights.mean())) / rms if rms else 0.0,
        one_sign=weights.size > 2 and bool((weights > 0).all() or (weights < 0).all()),
        delta=_rms(probe.deltas[index]),
        gradient=float(np.linalg.norm(probe.true[layer.span])),
        update_ratio=float(np.linalg.norm(update)) / size if size else 0.0,
    )


def _rms(values: NDArray[Any]) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64)))) if values.size else 0.0


def _saturated(layer: Layer, z: NDArray[Any], a: NDArray[Any]) -> float:
    if layer.activation.name not in LIMITED:
        return 0.0
    most = 0.25 if layer.activation.name == "sigmoid" else 1.0
    derivative = layer.activation.derivative(z, a, **layer.options)
    flat = (derivative < SATURATED_DERIVATIVE * most).mean(axis=1) >= 0.95
    return float(flat.mean())


def _identical(trainer: Trainer, layer: Layer) -> int:
    """Return how many hidden units have an earlier one for a twin: the same in, the same out."""
    layers = trainer.network.layers
    if layer.number == len(layers) or layer.units < 2:
        return 0
    both = np.concatenate([layer.augmented, layers[layer.number].weights.T]).astype(np.float64)
    twins = _alike(layer.augmented) & _alike(layers[layer.number].weights.T) & _alike(both)
    return int(np.tril(twins, -1).any(axis=1).sum())


def _alike(columns: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which columns point the same way and are equally long; zero ones are alike."""
    vectors = columns.astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=0)
    unit = vectors / np.where(lengths > 0, lengths, 1.0)
    zero = lengths == 0
    same: NDArray[np.bool_] = (unit.T @ unit > 0.999) | (zero[:, None] & zero[None, :])
    longer = np.maximum(lengths[:, None], lengths[None, :])
    same &= np.abs(lengths[:, None] - lengths[None, :]) <= 0.02 * longer
    return same


def _accuracy(trainer: Trainer, probe: Probe) -> float | None:
    if trainer.dataset.kind != "classification":
        return None
    predicted, wanted = probe.forward.outputs, probe.targets
    if len(wanted) == 1:
        return float(((predicted > 0.5) == (wanted > 0.5)).mean())
    return float((predicted.argmax(axis=0) == wanted.argmax(axis=0)).mean())


def _overshoot(trainer: Trainer, probe: Probe) -> float:
    training = trainer.experiment.training
    update = trainer.optimizer.update if trainer.stepped else training.learning_rate * probe.applied
    if training.optimizer.name == "sgd" and not dict(training.optimizer.options)["momentum"]:
        update = training.learning_rate * probe.applied
    expected = float(probe.true.astype(np.float64) @ update)
    if not expected > 0:
        return np.nan
    return (probe.loss_after(np.zeros_like(update)) - probe.loss_after(-update)) / expected


def _missing_bias(trainer: Trainer, probe: Probe) -> float:
    if trainer.network.bias:
        return 0.0
    biases = np.concatenate([delta.sum(axis=1) for delta in probe.deltas]).astype(np.float64)
    weights = float(np.linalg.norm(probe.true))
    would_be = float(np.linalg.norm(biases))
    return would_be / weights if weights else float(would_be > 0)
