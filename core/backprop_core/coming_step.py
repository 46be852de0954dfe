"""The step that a trainer takes next, carried out on copies, with every number of it kept."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.backpropagation import BackwardPass, ForwardPass, gradient_factor
from backprop_core.network import build_network
from backprop_core.training_step import StepFactory, l1_rates, new_optimizer_state

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.network import Network
    from backprop_core.optimizers import OptimizerState
    from backprop_core.trainer import Trainer

    Array = NDArray[np.floating[Any]]


class ComingStep:
    """One step, taken by the trainer's own calls on copies of its network and optimizer.

    The same calls on arrays of the same shapes give the same bits: ``after`` is what the trainer's
    parameters will be. The trainer is left as it is.

    Attributes
    ----------
    samples : array of int, shape (N,)
        The batch: which training samples, counted from 0.
    network : Network
        With the parameters before the step.
    pre_activations, activations : lists of arrays, shape (units, N)
        Entry l − 1 is layer l's.
    deltas : list of arrays, shape (units, N)
        ∂C/∂z of each sample's own loss C, in the network's units.
    inputs : array, shape (features [+ 1], N)
        The last row is the ones that carry the bias.
    targets : array, shape (outputs, N)
        In the network's units.
    gradient, update, before, after : flat arrays
        The gradient as the backward pass leaves it, reduced over the batch; what is subtracted; parameters.
    optimizer : OptimizerState
        As it is after the step: its gradient is what the update was made of.
    moments : tuple of flat arrays
        The optimizer's before the step.
    loss, loss_after : float
        Of this batch, in the data's own units, before and after the step.
    plain : bool
        Whether the update is the gradient times the learning rate.
    taken : bool
        False where the loss is not finite, so that no update is made.
    """

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.experiment = trainer.experiment
        self.samples = _coming_batch(trainer)
        self.before: Array = trainer.network.parameters.copy()
        self.network = _copy_of_network(trainer)
        with np.errstate(all="ignore"):
            self._take(trainer)
            self._keep_all(trainer)

    def _take(self, trainer: Trainer) -> None:
        self.optimizer = optimizer = _copy_of_optimizer(trainer, self.network)
        self.moments = tuple(moment.copy() for moment in trainer.optimizer.moments)
        steps = trainer.steps
        factory = StepFactory(
            trainer.experiment, self.network, optimizer, steps.inputs, steps.targets, steps.units
        )
        step = factory.step(len(self.samples))
        if step.rows is not None and step.targets is not None:
            np.take(steps.inputs, self.samples, axis=0, out=step.rows)
            np.take(steps.targets, self.samples, axis=1, out=step.targets)
        _run(step.forward)
        self.loss = self.loss_after = float(step.loss())
        self.taken = trainer.ended is None and self.loss < np.inf
        _run(step.backward)
        self.plain = factory.folded
        rate = trainer.experiment.training.learning_rate
        self.gradient = optimizer.update / rate if factory.folded else optimizer.gradient.copy()
        if self.taken:
            _run(step.update)
            _run(step.forward)
            self.loss_after = float(step.loss())
        else:
            optimizer.update[:] = 0
        self.update = optimizer.update
        self.after: Array = self.network.parameters.copy()

    @cached_property
    def penalised(self) -> Array:
        """The gradient with the L1 penalty's, zero where parameters are frozen: what is clipped."""
        l1, gradient = self.experiment.training.l1, self.gradient
        if l1:
            gradient = gradient + l1_rates(self.network, l1) * np.sign(self.before)
        mask = self.network.frozen_mask(self.experiment.network.freeze)
        return gradient if mask is None else gradient * mask

    def _keep_all(self, trainer: Trainer) -> None:
        """Go forward and backward once more, now with all that the step itself overwrites."""
        self.network.parameters[:] = self.before
        steps = trainer.steps
        rows = steps.inputs[self.samples] if len(self.samples) < len(steps.inputs) else steps.inputs
        self.targets: Array = np.ascontiguousarray(steps.targets[:, self.samples])
        self.inputs: Array = rows.T
        forward = ForwardPass(self.network, rows, keep=True)
        forward.run()
        output = self.experiment.network.output.name
        self.missing = steps.missing
        factor = gradient_factor(steps.loss, output, self.network.sizes[-1], "output" in self.missing)
        backward = BackwardPass(
            forward,
            self.targets,
            steps.loss,
            steps.loss_options,
            np.empty_like(self.before),
            np.array(factor, self.network.dtype),
            self.missing,
        )
        backward.run()
        self.pre_activations = forward.pre_activations
        self.activations = forward.activations
        self.layer_inputs = forward.layer_inputs
        self.deltas = backward.deltas


def _coming_batch(trainer: Trainer) -> NDArray[np.int64]:
    """Return the samples of the coming batch; a full one is taken in the data's own order."""
    size = min(trainer.batch_size, len(trainer.order) - trainer.position)
    if size == len(trainer.order):
        return np.arange(size)
    return trainer.order[trainer.position : trainer.position + size].copy()


def _copy_of_network(trainer: Trainer) -> Network:
    sizes = trainer.network.sizes
    network = build_network(trainer.experiment.network, sizes[0], sizes[-1])
    network.parameters[:] = trainer.network.parameters
    return network


def _copy_of_optimizer(trainer: Trainer, network: Network) -> OptimizerState:
    copy, original = new_optimizer_state(trainer.experiment, network), trainer.optimizer
    copy.steps = original.steps
    for mine, its in zip(copy.moments, original.moments, strict=True):
        mine[:] = its
    return copy


def _run(operations: Any) -> None:
    for operation in operations:
        operation()
