"""The forward and the backward pass, as lists of calls with their buffers bound.

Samples are columns: z_l = W_lᵀ a_{l−1} + b_l, a_l = f(z_l), and the four equations of backpropagation

    δ_L     = ∂L/∂a_L ⊙ f'(z_L)
    δ_{l−1} = (W_l δ_l) ⊙ f'(z_{l−1})
    ∂L/∂b_l = Σ over the samples of δ_l
    ∂L/∂W_l = a_{l−1} δ_lᵀ

With a row of ones below every a_l, and b_l as the last row of W_l, bias and weights share one matrix
product each way. Each pass is built once for a number of samples; running it allocates nothing.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from backprop_core.activations import Operation
    from backprop_core.losses import Loss
    from backprop_core.network import Network

    Array = NDArray[np.floating[Any]]


def augment(x: NDArray[Any], bias: bool, dtype: np.dtype[Any]) -> Array:
    """Return samples as rows (n, features), with a column of ones appended if there are biases."""
    rows = np.ones((len(x), x.shape[1] + bias), dtype)
    with np.errstate(over="ignore"):
        rows[:, : x.shape[1]] = x
    return rows


class ForwardPass:
    """All layers' activations for ``inputs``.

    Parameters
    ----------
    network : Network
    inputs : array, shape (samples, features [+ 1])
        As :func:`augment` returns them; read at every run.
    keep : bool
        Keep every layer's pre-activations; else only those that the backward pass needs.

    Attributes
    ----------
    pre_activations, activations : lists of arrays, shape (units, samples)
        Entry l − 1 is layer l's. Without ``keep`` both may be one array, which then holds activations.
    """

    def __init__(self, network: Network, inputs: Array, *, keep: bool = False) -> None:
        self.network = network
        self.samples = len(inputs)
        self.pre_activations: list[Array] = []
        self.activations: list[Array] = []
        self.layer_inputs: list[Array] = [inputs.T]
        self.operations: list[Operation] = []
        for layer in network.layers:
            bias = network.bias and layer is not network.layers[-1]
            augmented = np.ones((layer.units + bias, self.samples), network.dtype)
            a = augmented[: layer.units]
            in_place = layer.activation.in_place and not keep
            z = a if in_place else np.empty_like(a)
            self.operations.append(partial(np.dot, layer.augmented.T, self.layer_inputs[-1], out=z))
            self.operations += layer.activation.apply(z, a, **layer.options)
            self.pre_activations.append(z)
            self.activations.append(a)
            self.layer_inputs.append(augmented)

    @property
    def outputs(self) -> Array:
        """The last layer's activations, shape (outputs, samples)."""
        return self.activations[-1]

    def run(self) -> Array:
        """Compute all activations and return the outputs."""
        for operation in self.operations:
            operation()
        return self.outputs


class BackwardPass:
    """The gradient of a loss at a forward pass, times ``scale``.

    Parameters
    ----------
    forward : ForwardPass
    targets : array, shape (outputs, samples)
        Read at every run.
    gradient : array
        As long as the parameters; every run writes ``scale`` · ∂(sum over the samples)/∂θ into it.
    scale : array, shape ()
        Read at every run: the reduction's factor, and the learning rate where it can be folded in.
    missing_derivative : collection of {"hidden", "output"}
        Whose f' is, by mistake, left out.

    Attributes
    ----------
    error_operations : list
        To be run first; for square losses ``delta`` then holds prediction − target.
    operations : list
        To be run next.
    delta : array, shape (outputs, samples)
    """

    def __init__(
        self,
        forward: ForwardPass,
        targets: Array,
        loss: Loss,
        loss_options: Mapping[str, float],
        gradient: Array,
        scale: Array,
        missing_derivative: Collection[str] = (),
    ) -> None:
        layers = forward.network.layers
        self.scale = scale
        self.deltas: list[Array] = [np.empty_like(a) for a in forward.activations]
        self.delta = self.deltas[-1]
        self.error_operations, self.operations = self._output_delta(
            forward, targets, loss, loss_options, "output" in missing_derivative
        )
        for index in reversed(range(len(layers))):
            layer, delta = layers[index], self.deltas[index]
            self.operations.append(
                partial(np.dot, forward.layer_inputs[index], delta.T, out=layer.of(gradient))
            )
            if index == 0:
                break
            below, below_delta = layers[index - 1], self.deltas[index - 1]
            self.operations.append(partial(np.dot, layer.weights, delta, out=below_delta))
            if "hidden" not in missing_derivative:
                z, a = forward.pre_activations[index - 1], forward.activations[index - 1]
                self.operations += below.activation.chain(below_delta, z, a, **below.options)

    def _output_delta(
        self,
        forward: ForwardPass,
        targets: Array,
        loss: Loss,
        loss_options: Mapping[str, float],
        missing: bool,
    ) -> tuple[list[Operation], list[Operation]]:
        output = forward.network.layers[-1]
        a, z, delta = forward.outputs, forward.pre_activations[-1], self.delta
        scaling = [partial(np.multiply, delta, self.scale, out=delta)]
        subtraction = partial(np.subtract, a, targets, out=delta)
        chain = [] if missing else output.activation.chain(delta, z, a, **output.options)
        if loss.square is not None:
            return [subtraction], scaling + chain
        if loss.canonical == output.activation.name and not missing:
            return [], [subtraction, *scaling]
        return [], [*loss.gradient(a, targets, delta, **loss_options), *scaling, *chain]

    def run(self) -> None:
        """Compute the gradient; the forward pass must have run."""
        for operation in self.error_operations:
            operation()
        for operation in self.operations:
            operation()


def gradient_factor(loss: Loss, output: str, outputs: int, missing: bool) -> float:
    """Return the constant that :class:`BackwardPass` leaves to ``scale``: 2w of a square loss, and the like."""
    if loss.square is not None:
        return 2.0 * loss.square(outputs)
    if loss.canonical == output and not missing:
        return loss.canonical_weight(outputs)
    return 1.0
