"""One training step as lists of bound calls: gather the batch, forward, loss, backward, update."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.backpropagation import BackwardPass, ForwardPass, gradient_factor
from backprop_core.calls import lean
from backprop_core.frozen import dataclass
from backprop_core.losses import LOSSES, Loss
from backprop_core.optimizers import OPTIMIZERS, OptimizerState, is_plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from backprop_core.activations import Operation
    from backprop_core.evaluation import Units
    from backprop_core.experiment import Experiment
    from backprop_core.network import Network

    Array = NDArray[np.floating[Any]]
    Calls = tuple[Callable[[], object], ...]

CLIP_EPSILON = 1e-6
"""Added to the norm before dividing by it, as PyTorch's ``clip_grad_norm_`` does."""


@dataclass(frozen=True)
class TrainingStep:
    """The calls of one step on batches of one size.

    ``rows`` and ``targets`` are the batch's buffers, None where the batch is the whole set. ``forward``
    leads to the outputs; ``loss()`` then is the batch's mean loss in the data's own units; ``backward``
    ends with the gradient, ``update`` with the new parameters.
    """

    size: int
    rows: Array | None
    targets: Array | None
    forward: Calls
    loss: Callable[[], float]
    backward: Calls
    update: Calls


class StepFactory:
    """Builds the steps of a network under an experiment's training, one for each batch size, once.

    Parameters
    ----------
    inputs : array, shape (samples, features [+ 1])
        All training samples, augmented.
    targets : array, shape (outputs, samples)
        In the units in which the network predicts them.
    """

    def __init__(
        self,
        experiment: Experiment,
        network: Network,
        optimizer: OptimizerState,
        inputs: Array,
        targets: Array,
        units: Units,
    ) -> None:
        training = experiment.training
        self.experiment = experiment
        self.network = network
        self.optimizer = optimizer
        self.inputs = inputs
        self.targets = targets
        self.units = units
        self.loss: Loss = LOSSES[training.loss.name]
        self.loss_options = dict(training.loss.options)
        self.missing = experiment.mistakes.missing_derivative
        self.folded = training.learning_rate != 0 and is_plain(training)
        self._steps: dict[int, TrainingStep] = {}

    def step(self, size: int) -> TrainingStep:
        """Return the step for batches of ``size`` samples."""
        if size not in self._steps:
            self._steps[size] = self._build(size)
        return self._steps[size]

    def _build(self, size: int) -> TrainingStep:
        whole = size == len(self.inputs)
        rows = None if whole else np.empty((size, self.inputs.shape[1]), self.network.dtype)
        batch_targets = None if whole else np.empty((len(self.targets), size), self.network.dtype)
        targets = self.targets if batch_targets is None else batch_targets
        written = self.optimizer.update if self.folded else self.optimizer.gradient
        forward, backward = self.passes(
            self.inputs if rows is None else rows, targets, written, rated=self.folded
        )
        return TrainingStep(
            size,
            rows,
            batch_targets,
            lean([*forward.operations, *backward.error_operations]),
            self._loss_measure(forward, backward, targets),
            lean(backward.operations),
            lean(self._update_operations()),
        )

    def passes(
        self, rows: Array, targets: Array, gradient: Array, *, rated: bool = False, keep: bool = False
    ) -> tuple[ForwardPass, BackwardPass]:
        """Return the two passes of a step over a batch.

        The backward one writes into ``gradient``, if ``rated`` already times the learning rate. ``keep``
        has the forward one keep every layer's pre-activations.
        """
        forward = ForwardPass(self.network, rows, keep=keep)
        scale = np.array(self._scale(len(rows), rated), self.network.dtype)
        return forward, BackwardPass(
            forward, targets, self.loss, self.loss_options, gradient, scale, self.missing
        )

    def loss_of(self, outputs: Array, targets: Array) -> float:
        """Return the mean loss, in the data's own units, of outputs (outputs, samples)."""
        restore = self.units.restore
        return float(self.loss.value(restore(outputs), restore(targets), **self.loss_options))

    def _scale(self, size: int, rated: bool) -> float:
        training = self.experiment.training
        factor = gradient_factor(
            self.loss, self.experiment.network.output.name, self.network.sizes[-1], "output" in self.missing
        )
        if training.reduction == "mean":
            factor /= size
        return factor * training.learning_rate if rated else factor

    def _loss_measure(
        self, forward: ForwardPass, backward: BackwardPass, targets: Array
    ) -> Callable[[], float]:
        scale = self.units.scale
        if self.loss.square is not None and (scale is None or np.all(scale == scale[0])):
            unit = 1.0 if scale is None else float(scale[0]) ** 2
            factor = self.loss.square(self.network.sizes[-1]) * unit / forward.samples
            error = backward.delta.reshape(-1)
            dot = error.dot
            return lambda: dot(error) * factor
        outputs = forward.outputs
        if scale is None:
            return self.loss.measure(outputs, targets, **self.loss_options)
        predicted, wanted = np.empty(outputs.shape), np.empty(outputs.shape)
        value = self.loss.measure(predicted, wanted, **self.loss_options)

        def measure() -> float:
            self.units.restore(outputs, predicted)
            self.units.restore(targets, wanted)
            return value()

        return measure

    def _update_operations(self) -> list[Operation]:
        training, optimizer = self.experiment.training, self.optimizer
        operations: list[Operation] = []
        mask = self.network.frozen_mask(self.experiment.network.freeze)
        written = optimizer.update if self.folded else optimizer.gradient
        if training.l1:
            operations += _penalty_operations(self.network, optimizer, training.l1)
        if mask is not None:
            operations.append(partial(np.multiply, written, mask, out=written))
        if not self.folded:
            if training.gradient_clip:
                operations.append(partial(_clip, optimizer.gradient, training.gradient_clip))
            record = OPTIMIZERS[training.optimizer.name]
            operations += record.operations(optimizer, **dict(training.optimizer.options))
            if mask is not None:
                operations.append(partial(np.multiply, optimizer.update, mask, out=optimizer.update))
        parameters = optimizer.parameters
        operations.append(partial(np.subtract, parameters, optimizer.update, out=parameters))
        return operations


def _penalty_operations(network: Network, optimizer: OptimizerState, l1: float) -> list[Operation]:
    """Return the gradient plus that of the penalty l1·Σ|w|: l1·sign(w) for weights, nothing for biases.

    This is a subgradient, 0 where w is 0, so that a weight of zero stays there as long as nothing else moves
    it; one beside zero is driven to and fro across it and gets no nearer than a step is long. Browser
    playgrounds set a weight that crosses zero to zero and never train it again: that is not done here, nor
    in PyTorch, whose ``weight.abs().sum()`` has this gradient. As part of what is made small it goes through
    clipping and moments whatever the optimizer; only AdamW's weight decay is decoupled.
    """
    rates = l1_rates(network, l1)
    gradient, scratch = optimizer.gradient, optimizer.scratch
    return [
        partial(np.sign, optimizer.parameters, out=scratch),
        partial(np.multiply, scratch, rates, out=scratch),
        partial(np.add, gradient, scratch, out=gradient),
    ]


def l1_rates(network: Network, l1: float) -> Array:
    """Return a vector of ``l1`` for every weight and 0 for every bias."""
    rates = np.zeros_like(network.parameters)
    for layer in network.layers:
        layer.of(rates)[: layer.fan_in] = l1
    return rates


def clip_factor(norm: float, most: float) -> float:
    """Return by what a gradient of this norm is multiplied where it is clipped to ``most``; 1 where it is not."""
    return most / (norm + CLIP_EPSILON) if norm + CLIP_EPSILON > most else 1.0


def gradient_norm(gradient: Array) -> float:
    """Return the Euclidean norm."""
    return float(np.sqrt(np.dot(gradient, gradient)))


def _clip(gradient: Array, most: float) -> None:
    factor = clip_factor(gradient_norm(gradient), most)
    if factor != 1.0:
        np.multiply(gradient, factor, out=gradient)


def new_optimizer_state(experiment: Experiment, network: Network) -> OptimizerState:
    """Return the optimizer's vectors, all zero, for the network's parameters."""
    training = experiment.training
    like = network.parameters
    record = OPTIMIZERS[training.optimizer.name]
    return OptimizerState(
        like,
        np.zeros_like(like),
        np.zeros_like(like),
        np.empty_like(like),
        tuple(np.zeros_like(like) for _ in record.moments),
        training.learning_rate,
        training.weight_decay,
    )
