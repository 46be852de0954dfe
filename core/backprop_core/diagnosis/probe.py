"""A shadow of the network on which anything may be tried: gradients with and without mistakes, steps along them.

The shadow has parameters of its own, so that what is trained is only ever read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.backpropagation import BackwardPass, ForwardPass, gradient_factor
from backprop_core.frozen import dataclass
from backprop_core.losses import LOSSES
from backprop_core.network import build_network

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from backprop_core.trainer import Trainer

    Array = NDArray[np.floating[Any]]

SAMPLES = 1024
"""A probe looks at no more samples than this, every k-th of all."""

DIFFERENCE = 1e-4
"""Step of central differences, relative to the length of the parameter vector: near the cube root of the
precision, where rounding and curvature err alike."""


@dataclass(frozen=True)
class GradientCheck:
    """The gradient that training applies, against the true one of the mean loss.

    Attributes
    ----------
    cosine : float
        Of the angle between the two; 1 where both are zero, NaN where only one is.
    scale : float
        The applied one is so many times as long as its part along the true one.
    norm, applied_norm : float
    difference : float
        Relative difference between ⟨∇L, û⟩ and the central difference of the loss along û = ∇L/‖∇L‖: whether
        what is taken for true is.
    layers : tuple of float
        The cosine layer by layer.
    """

    cosine: float
    scale: float
    norm: float
    applied_norm: float
    difference: float
    layers: tuple[float, ...]


class Probe:
    """A shadow of a trainer's network over at most :data:`SAMPLES` training samples.

    Parameters
    ----------
    trainer : Trainer
        Read when the probe is made; never written to.

    Attributes
    ----------
    rows : slice
        The training samples looked at.
    true, applied : arrays
        The gradient of the mean loss in the units in which the network predicts, and the gradient as the
        trainer computes it, mistakes and reduction included; as long as the parameters.
    forward : ForwardPass
        With the pre-activations of all layers.
    deltas : list of arrays, shape (units, samples)
        ∂L/∂z of each layer, times the number of samples.
    """

    def __init__(self, trainer: Trainer) -> None:
        steps, spec = trainer.steps, trainer.experiment.network
        count = len(steps.inputs)
        self.rows = slice(0, count, max(-(-count // SAMPLES), 1))
        self.network = build_network(spec, trainer.network.sizes[0], trainer.network.sizes[-1])
        self.inputs = np.ascontiguousarray(steps.inputs[self.rows])
        self.targets = np.ascontiguousarray(steps.targets[:, self.rows])
        self.forward = ForwardPass(self.network, self.inputs, keep=True)
        self._trial = ForwardPass(self.network, self.inputs)
        self._loss = LOSSES[trainer.experiment.training.loss.name]
        self._options = dict(trainer.experiment.training.loss.options)
        self._measure = self._loss.measure(self.forward.outputs, self.targets, **self._options)
        self._trial_measure = self._loss.measure(self._trial.outputs, self.targets, **self._options)
        self._mask = self.network.frozen_mask(spec.freeze)
        self.true = np.zeros_like(self.network.parameters)
        self.applied = np.zeros_like(self.network.parameters)
        samples = len(self.inputs)
        self._true_pass = self._backward(spec.output.name, self.true, (), 1.0 / samples)
        self.deltas = list(self._true_pass.deltas)
        missing = trainer.experiment.mistakes.missing_derivative
        each = trainer.batch_size if trainer.experiment.training.reduction == "sum" else 1
        self._applied_pass = self._backward(spec.output.name, self.applied, missing, each / samples)
        self._at = np.empty_like(self.network.parameters)

    def _backward(
        self, output: str, gradient: Array, missing: Collection[str], factor: float
    ) -> BackwardPass:
        scale = factor * gradient_factor(self._loss, output, self.network.sizes[-1], "output" in missing)
        return BackwardPass(
            self.forward,
            self.targets,
            self._loss,
            self._options,
            gradient,
            np.array(scale, self.network.dtype),
            missing,
        )

    def look(self, parameters: Array) -> float:
        """Take over parameters, compute activations and both gradients, and return the loss."""
        self.network.parameters[:] = parameters
        self._at[:] = parameters
        self.forward.run()
        for backward in (self._true_pass, self._applied_pass):
            backward.run()
        if self._mask is not None:
            self.true *= self._mask
            self.applied *= self._mask
        return self._measure()

    def loss_after(self, change: Array) -> float:
        """Return the loss with ``change`` added to the parameters that :meth:`look` took over."""
        np.add(self._at, change, out=self.network.parameters)
        self._trial.run()
        self.network.parameters[:] = self._at
        return self._trial_measure()

    def check(self) -> GradientCheck:
        """Compare the two gradients, and the true one with central differences."""
        true, applied = self.true.astype(np.float64), self.applied.astype(np.float64)
        norm, applied_norm = _norm(true), _norm(applied)
        along = float(true @ applied)
        scale = along / norm**2 if norm else np.nan
        return GradientCheck(
            _cosine(true, applied),
            scale,
            norm,
            applied_norm,
            self._difference(true, norm),
            tuple(_cosine(true[layer.span], applied[layer.span]) for layer in self.network.layers),
        )

    def _difference(self, true: NDArray[np.float64], norm: float) -> float:
        if not norm or not np.isfinite(norm):
            return 0.0
        length = DIFFERENCE * max(_norm(self._at), 1e-3)
        change = (true * (length / norm)).astype(self.network.dtype)
        measured = (self.loss_after(change) - self.loss_after(-change)) / (2 * length)
        return abs(measured - norm) / norm


def _norm(vector: NDArray[Any]) -> float:
    return float(np.sqrt(vector @ vector))


def _cosine(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    lengths = _norm(one) * _norm(other)
    if not lengths:
        return 1.0 if _norm(one) == _norm(other) else np.nan
    return float(one @ other) / lengths
