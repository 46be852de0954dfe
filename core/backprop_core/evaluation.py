"""Full-pass truths: the loss, the predictions and the dead neurons over all samples of a set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.backpropagation import ForwardPass, augment
from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from backprop_core.losses import Loss
    from backprop_core.network import Network

    Array = NDArray[np.floating[Any]]

CHUNK = 4096
"""Samples of one pass, so that the memory of a full pass does not grow with the data."""


@dataclass(frozen=True)
class Units:
    """The targets' units: network outputs · scale + mean are the data's own; None where they already are."""

    mean: NDArray[np.float64] | None = None
    scale: NDArray[np.float64] | None = None

    def restore(self, outputs: Array, out: Array | None = None) -> Array:
        """Return outputs of shape (outputs, samples) in the data's own units, in ``out`` if it is given."""
        if self.scale is None or self.mean is None:
            return outputs
        restored: Array = np.multiply(outputs, self.scale[:, None], out=out)
        restored += self.mean[:, None]
        return restored


@dataclass(frozen=True)
class Census:
    """The loss over a set of samples, and for each layer which neurons are dead on it."""

    loss: float
    dead: tuple[NDArray[np.bool_], ...]

    @property
    def dead_count(self) -> int:
        """How many neurons are dead, output neurons included."""
        return sum(int(layer.sum()) for layer in self.dead)


class Evaluator:
    """Passes over all samples of a set, in the data's own units.

    Parameters
    ----------
    network : Network
    inputs : array, shape (samples, features)
        Scaled as the network expects them.
    targets : array, shape (samples, outputs)
        In the data's own units.
    """

    def __init__(
        self,
        network: Network,
        inputs: NDArray[Any],
        targets: NDArray[Any],
        loss: Loss,
        loss_options: Mapping[str, float],
        units: Units,
    ) -> None:
        self.network = network
        self.samples = len(inputs)
        self.units = units
        self._inputs = augment(inputs, network.bias, network.dtype)
        self._targets = np.ascontiguousarray(targets.T, network.dtype)
        self._loss = loss
        self._options = loss_options
        self._passes: dict[int, tuple[ForwardPass, Array]] = {}
        self._sample: ForwardPass | None = None

    def forward_passes(self) -> Iterator[tuple[slice, ForwardPass]]:
        """Run the network over all samples, a chunk at a time; a pass is valid until the next."""
        for start in range(0, self.samples, CHUNK):
            span = slice(start, min(start + CHUNK, self.samples))
            size = span.stop - span.start
            if size not in self._passes:
                # One chunk reads the data where they are; several share a buffer.
                rows = self._inputs if self.samples <= CHUNK else np.empty_like(self._inputs[span])
                self._passes[size] = ForwardPass(self.network, rows), rows
            forward, rows = self._passes[size]
            if rows is not self._inputs:
                rows[:] = self._inputs[span]
            forward.run()
            yield span, forward

    def sampled_rows(self) -> slice:
        """Return the rows of :meth:`sampled_pass`: all, or every k-th so that a chunk holds them."""
        return slice(0, self.samples, max(-(-self.samples // CHUNK), 1))

    def sampled_pass(self) -> ForwardPass:
        """Run the network over :meth:`sampled_rows`."""
        if self._sample is None:
            self._sample = ForwardPass(self.network, np.ascontiguousarray(self._inputs[self.sampled_rows()]))
        self._sample.run()
        return self._sample

    def loss(self) -> float:
        """Return the mean loss over the samples; NaN where there are none."""
        return self.census(count_dead=False).loss

    def census(self, *, count_dead: bool = True) -> Census:
        """Return loss and dead neurons of one full pass."""
        total = 0.0 if self.samples else np.nan
        dead = [np.full(layer.units, layer.activation.can_die) for layer in self.network.layers]
        for span, forward in self.forward_passes():
            predicted = self.units.restore(forward.outputs)
            value = self._loss.value(predicted, self._targets[:, span], **self._options)
            total += value * (forward.samples / self.samples)
            if count_dead:
                self._exclude_living(dead, forward)
        return Census(float(total), tuple(dead))

    def _exclude_living(self, dead: list[NDArray[np.bool_]], forward: ForwardPass) -> None:
        # Where the pass keeps no pre-activations this reads activations instead: an activation that
        # works in place is zero exactly where its derivative is.
        for index, layer in enumerate(self.network.layers):
            zero = layer.activation.zero_derivative
            if zero is not None:
                dead[index] &= zero(forward.pre_activations[index]).all(axis=1)

    def predictions(self) -> NDArray[np.float64]:
        """Return all predictions, shape (samples, outputs), in the data's own units."""
        rows = np.empty((self.samples, self.network.sizes[-1]))
        for span, forward in self.forward_passes():
            rows[span] = self.units.restore(forward.outputs).T
        return rows
