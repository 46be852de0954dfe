"""The network: one flat parameter vector, and layers that are views into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.activations import ACTIVATIONS, Activation
from backprop_core.errors import UserError
from backprop_core.frozen import dataclass
from backprop_core.initializers import INITIALIZERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from backprop_core.experiment import Choice, NetworkSpec

    Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Layer:
    """One dense layer, z = Wᵀa + b, f(z).

    Attributes
    ----------
    number : int
        1 for the first hidden layer.
    weights : array, shape (fan_in, fan_out)
    bias : array, shape (fan_out,), or None
    augmented : array, shape (fan_in + 1, fan_out), or (fan_in, fan_out) without bias
        The weights with the bias as their last row: with a 1 appended to every sample, one matrix product
        gives Wᵀa + b. ``weights`` and ``bias`` are views of it, as it is of the network's vector.
    """

    number: int
    augmented: Array
    weights: Array
    bias: Array | None
    activation: Activation
    options: Mapping[str, float]
    start: int

    @property
    def fan_in(self) -> int:
        """How many inputs the layer has, the constant 1 for the bias not counted."""
        return len(self.weights)

    @property
    def units(self) -> int:
        """How many neurons the layer has."""
        return int(self.weights.shape[1])

    @property
    def span(self) -> slice:
        """The layer's place in the flat vectors."""
        return slice(self.start, self.start + self.augmented.size)

    def of(self, flat: Array) -> Array:
        """Return the layer's part of a vector as long as the parameters, shaped like ``augmented``."""
        return flat[self.span].reshape(self.augmented.shape)


class Network:
    """A dense network of any depth.

    Parameters
    ----------
    sizes : sequence of int
        Inputs, hidden units layer by layer, outputs.
    activations : sequence of Choice
        One a layer, the output's last; options filled in.
    bias : bool
    dtype : numpy dtype
        float64 or float32.

    Attributes
    ----------
    parameters : array
        All parameters in the order W1, b1, W2, …, each in C order.
    """

    def __init__(
        self, sizes: Sequence[int], activations: Sequence[Choice], bias: bool, dtype: np.dtype[Any]
    ) -> None:
        self.sizes = tuple(sizes)
        self.bias = bias
        self.dtype = dtype
        rows = [fan_in + bias for fan_in in sizes[:-1]]
        count = sum(row * fan_out for row, fan_out in zip(rows, sizes[1:], strict=True))
        self.parameters: Array = np.zeros(count, dtype)
        self.layers = tuple(self._views(rows, activations))

    def _views(self, rows: Sequence[int], activations: Sequence[Choice]) -> Iterator[Layer]:
        start = 0
        for number, (row, fan_out, choice) in enumerate(
            zip(rows, self.sizes[1:], activations, strict=True), start=1
        ):
            augmented = self.parameters[start : start + row * fan_out].reshape(row, fan_out)
            yield Layer(
                number,
                augmented,
                augmented[: row - self.bias],
                augmented[-1] if self.bias else None,
                ACTIVATIONS[choice.name],
                dict(choice.options),
                start,
            )
            start += row * fan_out

    def initialize(self, initializer: Choice, rng: np.random.Generator) -> None:
        """Draw the weights of every layer, the first layer first; biases become zero."""
        for layer in self.layers:
            layer.augmented[:] = 0
            layer.weights[:] = draw_weights(initializer, rng, layer.fan_in, layer.units, layer.weights.shape)

    def named(self) -> dict[str, Array]:
        """Return the parameters by name, W1, b1, W2, …, as views."""
        arrays = {}
        for layer in self.layers:
            arrays[f"W{layer.number}"] = layer.weights
            if layer.bias is not None:
                arrays[f"b{layer.number}"] = layer.bias
        return arrays

    def assign(self, arrays: Mapping[str, NDArray[Any]], source: str) -> None:
        """Copy given parameters in; names and shapes must be those of :meth:`named`, biases may be missing."""
        known = self.named()
        for name, value in arrays.items():
            if name not in known:
                raise UserError(f"{source}: the network has no '{name}'; it has {', '.join(known)}")
            if value.shape != known[name].shape:
                raise UserError(
                    f"{source}: '{name}' has shape {value.shape}; the network needs {known[name].shape}"
                )
            known[name][...] = value
        missing = [name for name in known if name not in arrays and name.startswith("W")]
        if missing:
            raise UserError(f"{source}: '{missing[0]}' is missing; give every layer's weights")

    def frozen_mask(self, names: Sequence[str]) -> Array | None:
        """Return a vector of 0 where ``names`` forbid training and 1 elsewhere; None if all may train."""
        if not names:
            return None
        mask = np.ones_like(self.parameters)
        for layer in self.layers:
            part = layer.of(mask)
            if "weights" in names or f"W{layer.number}" in names:
                part[: layer.fan_in] = 0
            if self.bias and ("bias" in names or f"b{layer.number}" in names):
                part[-1] = 0
        return mask


def draw_weights(
    initializer: Choice, rng: np.random.Generator, fan_in: int, fan_out: int, shape: tuple[int, ...]
) -> NDArray[np.float64]:
    """Draw weights of ``shape`` for a layer of that fan-in and fan-out."""
    record = INITIALIZERS[initializer.name]
    return record.draw(rng, fan_in, fan_out, shape, **dict(initializer.options))


def build_network(spec: NetworkSpec, features: int, outputs: int) -> Network:
    """Return the network that ``spec`` describes, all parameters zero."""
    return Network(
        (features, *spec.hidden, outputs),
        (*spec.activation, spec.output),
        spec.bias,
        np.dtype(spec.precision),
    )
