"""The network as a picture: neurons with their activations, and weights, gradients or updates between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.deaths import find_death
from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.deaths import Death
    from backprop_core.network import Layer
    from backprop_core.snapshot import Snapshot
    from backprop_core.trainer import Trainer

    Array = NDArray[np.floating[Any]]

LARGEST = 3e38
"""What is larger is drawn as this: it would not be finite in single precision."""

QUANTITIES = ("weights", "gradients", "updates")
"""What can be drawn between neurons: parameters, ∂C/∂w of the last step, what the last step subtracted."""


@dataclass(frozen=True)
class LayerPicture:
    """A part of a layer.

    Attributes
    ----------
    units, first : int
        How many neurons it has, and which is the first one shown.
    activations : tuple
        Of the neurons shown: on the chosen sample, or the mean over the training samples.
    dead : tuple
        For each neuron shown, whether it is dead.
    matrix : array, shape (neurons shown, inputs shown)
        The quantity that leads to each; the mean of ``group`` inputs a column where they are too many.
    """

    layer: int
    activation: str
    units: int
    first: int
    activations: tuple[float, ...]
    dead: tuple[bool, ...]
    inputs: int
    group: int
    matrix: NDArray[np.float32]


@dataclass(frozen=True)
class Connection:
    """One weight of the selected neuron, with its gradient and update; ``neuron`` is at its other end."""

    neuron: int
    weight: float
    gradient: float
    update: float


@dataclass(frozen=True)
class NeuronPicture:
    """The selected neuron: its strongest connections, how often it fires, when it died."""

    layer: int
    neuron: int
    activation: float
    bias: float | None
    fires_on: int
    samples: int
    incoming: tuple[Connection, ...]
    outgoing: tuple[Connection, ...]
    dead: bool
    death: Death | None


@dataclass(frozen=True)
class NetworkPicture:
    """The layers from ``layers[0]`` on, and below the first of them what goes into it.

    ``bound`` is the largest size of the quantity in the layers shown. ``sample`` is None for means.
    """

    quantity: str
    sample: int | None
    samples: int
    sizes: tuple[int, ...]
    bound: float
    below: tuple[float, ...]
    layers: tuple[LayerPicture, ...]
    selected: NeuronPicture | None


@dataclass(frozen=True)
class NetworkRequest:
    """What of the network is wanted: around a layer and neuron, in so many rows and columns of cells.

    A layer takes ``label`` columns and one for each of its inputs.
    """

    layer: int = 1
    neuron: int | None = None
    sample: int | None = None
    quantity: str = QUANTITIES[0]
    rows: int = 8
    columns: int = 64
    label: int = 12
    strongest: int = 4

    def build(self, trainer: Trainer, snapshot: Snapshot, kept: dict[str, Any]) -> NetworkPicture:
        """Return the picture."""
        with np.errstate(all="ignore"):
            return _Painter(trainer, snapshot, kept, self).paint()


class _Painter:
    def __init__(
        self, trainer: Trainer, snapshot: Snapshot, kept: dict[str, Any], request: NetworkRequest
    ) -> None:
        self.trainer, self.snapshot, self.kept, self.request = trainer, snapshot, kept, request
        self.layers = trainer.network.layers
        self.here = min(max(request.layer, 1), len(self.layers))
        self.forward = trainer.training_set.sampled_pass()
        self.values = _quantity(trainer, request.quantity)
        samples = self.forward.samples
        self.sample = None if request.sample is None else min(max(request.sample, 1), samples) - 1

    def paint(self) -> NetworkPicture:
        """Return the picture."""
        network = self.trainer.network
        shown = self._shown()
        drawn = np.concatenate([layer.of(self.values)[: layer.fan_in].reshape(-1) for layer in shown])
        finite = drawn[np.isfinite(drawn)]
        below = self.forward.layer_inputs[shown[0].number - 1][: shown[0].fan_in]
        return NetworkPicture(
            quantity=self.request.quantity,
            sample=None if self.sample is None else self.sample + 1,
            samples=self.forward.samples,
            sizes=network.sizes,
            bound=float(np.abs(finite).max()) if finite.size else 0.0,
            below=self._means(below[: max(self.request.rows, 1)]),
            layers=tuple(self._layer(layer) for layer in shown),
            selected=self._selected(),
        )

    def _shown(self) -> list[Layer]:
        """Return the layers around the chosen one that fit side by side."""
        first = last = self.here - 1
        room = self.request.columns - self._width(self.layers[first])
        while True:
            if last + 1 < len(self.layers) and self._width(self.layers[last + 1]) <= room:
                last += 1
                room -= self._width(self.layers[last])
            elif first > 0 and self._width(self.layers[first - 1]) <= room:
                first -= 1
                room -= self._width(self.layers[first])
            else:
                return list(self.layers[first : last + 1])

    def _width(self, layer: Layer) -> int:
        return self.request.label + layer.fan_in

    def _layer(self, layer: Layer) -> LayerPicture:
        rows = max(self.request.rows, 1)
        focus = (self.request.neuron or 1) - 1 if layer.number == self.here else 0
        start = min(max(focus - rows // 2, 0), max(layer.units - rows, 0))
        stop = min(start + rows, layer.units)
        matrix = layer.of(self.values)[: layer.fan_in, start:stop].T
        group = max(-(-layer.fan_in // max(self.request.columns - self.request.label, 1)), 1)
        dead = set(self.snapshot.layers[layer.number - 1].dead)
        return LayerPicture(
            layer=layer.number,
            activation=layer.activation.name,
            units=layer.units,
            first=start + 1,
            activations=self._means(self.forward.activations[layer.number - 1][start:stop]),
            dead=tuple(neuron in dead for neuron in range(start + 1, stop + 1)),
            inputs=layer.fan_in,
            group=group,
            matrix=_grouped(np.clip(matrix, -LARGEST, LARGEST), group),
        )

    def _means(self, values: Array) -> tuple[float, ...]:
        """Return each row's value on the chosen sample, or its mean."""
        of_each = values.mean(axis=1) if self.sample is None else values[:, self.sample]
        return tuple(map(float, of_each))

    def _selected(self) -> NeuronPicture | None:
        if self.request.neuron is None:
            return None
        layer = self.layers[self.here - 1]
        index = min(max(self.request.neuron, 1), layer.units) - 1
        outgoing: tuple[Connection, ...] = ()
        if self.here < len(self.layers):
            above = self.layers[self.here]
            outgoing = self._strongest(above, lambda part: part[index])
        z = layer.augmented[:, index] @ self.forward.layer_inputs[layer.number - 1]
        dead = index + 1 in self.snapshot.layers[layer.number - 1].dead
        return NeuronPicture(
            layer=layer.number,
            neuron=index + 1,
            activation=self._means(self.forward.activations[layer.number - 1][index : index + 1])[0],
            bias=None if layer.bias is None else float(layer.bias[index]),
            fires_on=int(np.count_nonzero(z > 0)),
            samples=self.forward.samples,
            incoming=self._strongest(layer, lambda part: part[: layer.fan_in, index]),
            outgoing=outgoing,
            dead=dead,
            death=self._death(layer.number, index + 1) if dead else None,
        )

    def _strongest(self, layer: Layer, part: Any) -> tuple[Connection, ...]:
        parameters, gradients, updates = (
            part(layer.of(_quantity(self.trainer, name))) for name in QUANTITIES
        )
        order = np.argsort(-np.abs(np.nan_to_num(parameters)), kind="stable")
        return tuple(
            Connection(int(k) + 1, float(parameters[k]), float(gradients[k]), float(updates[k]))
            for k in order[: self.request.strongest]
        )

    def _death(self, layer: int, neuron: int) -> Death | None:
        """Search once for each neuron, as long as no command is carried out."""
        found: dict[tuple[int, int], Death | None] = self.kept.setdefault("deaths", {})
        if (layer, neuron) not in found:
            found[layer, neuron] = find_death(self.trainer, layer, neuron)
        return found[layer, neuron]


def _quantity(trainer: Trainer, name: str) -> Array:
    if name == "gradients":
        return trainer.gradient()
    return trainer.optimizer.update if name == "updates" else trainer.network.parameters


def _grouped(matrix: Array, group: int) -> NDArray[np.float32]:
    if group == 1:
        return matrix.astype(np.float32)
    starts = np.arange(0, matrix.shape[1], group)
    sizes = np.minimum(starts + group, matrix.shape[1]) - starts
    sums = np.add.reduceat(matrix.astype(np.float64), starts, axis=1)
    grouped: NDArray[np.float32] = (sums / sizes).astype(np.float32)
    return grouped
