"""One neuron's part in the coming step, in numbers: its sum, activation, error, gradient, new weights."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.coming_step import ComingStep
from backprop_core.frozen import dataclass
from backprop_core.update_dissection import UpdateDissector

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.network import Layer
    from backprop_core.snapshot import Snapshot
    from backprop_core.trainer import Trainer
    from backprop_core.update_dissection import Shares
    from backprop_core.working import Working

    Array = NDArray[np.floating[Any]]

PHASES = ("forward", "loss", "backward", "update")


@dataclass(frozen=True)
class Station:
    """Where in a step one is: a phase of :data:`PHASES`, a layer and a neuron, counted from 1."""

    phase: str = PHASES[0]
    layer: int = 1
    neuron: int = 1


@dataclass(frozen=True)
class Summand:
    """One product of a sum: a weight, and the activation or error that it multiplies.

    ``source`` is the neuron it comes from, counted from 1.
    """

    source: int
    weight: float
    value: float
    product: float


@dataclass(frozen=True)
class WeightedSum:
    """A sum's largest products in the order of their sources; the ``others`` make up ``rest`` together."""

    terms: tuple[Summand, ...]
    others: int
    rest: float


@dataclass(frozen=True)
class Change:
    """One parameter in this step; ``source`` 0 is the bias.

    ``own`` is ∂C/∂w of the chosen sample alone, ``gradient`` that of the batch.
    """

    source: int
    before: float
    value: float
    own: float
    gradient: float
    update: float
    after: float
    frozen: bool


@dataclass(frozen=True)
class OutputError:
    """One output: activation a, target y, its part of the sample's loss C, and ∂C/∂a."""

    output: int
    activation: float
    target: float
    part: float
    derivative: float


@dataclass(frozen=True)
class NeuronNumbers:
    """The chosen neuron on the chosen sample.

    Attributes
    ----------
    arriving : float
        ∂C/∂a: of an output the loss's derivative, else Σ w·δ over the next layer.
    rule : str
        How δ follows: "chain" (∂C/∂a · f'(z)), "canonical" (activation and loss cancel f'), "jacobian"
        (softmax: every output's derivative is in it), "missing" (f' left out, by mistake).
    silent : int
        On how many of the batch's samples f'(z) is 0.
    chosen : Change
        That of the chosen weight, or bias.
    shares : Shares or None
        What each sample adds to its gradient, where the phase is the update.
    workings : tuple of Working
        How its gradient becomes its update, where that is more than the rate times it.
    """

    pre_activation: float
    activation: float
    derivative: float
    arriving: float
    delta: float
    rule: str
    bias: float | None
    incoming: WeightedSum
    outgoing: WeightedSum
    changes: tuple[Change, ...]
    more_changes: int
    chosen: Change
    shares: Shares | None
    workings: tuple[Working, ...]
    silent: int
    dead: bool


@dataclass(frozen=True)
class LayerColumn:
    """A part of a layer on the chosen sample, from neuron ``first`` on; layer 0 is the inputs, without δ."""

    layer: int
    units: int
    first: int
    activations: tuple[float, ...]
    deltas: tuple[float, ...]
    dead: tuple[bool, ...]


@dataclass(frozen=True)
class Dissection:
    """The coming step at a station. ``sample`` counts from 1 within the batch, ``row`` in the data.

    ``sample_loss`` is the chosen sample's loss in the network's units, ``loss`` and ``loss_after`` the
    batch's in the data's own, before the step and after it.
    """

    step: int
    station: Station
    sample: int
    batch: int
    row: int
    sizes: tuple[int, ...]
    columns: tuple[LayerColumn, ...]
    neuron: NeuronNumbers
    outputs: tuple[OutputError, ...]
    more_outputs: int
    sample_loss: float
    loss: float
    loss_after: float
    activation: str
    taken: bool
    scaled: bool


@dataclass(frozen=True)
class DissectionRequest:
    """What of the coming step is wanted: a station, a sample of the batch, and how much can be shown.

    ``weight`` is the input of the neuron's weight whose update is taken apart, 0 for its bias. ``terms``
    bounds the products of a sum and the rows of a table, ``rows`` the neurons of a layer's column, ``columns``
    the layers.
    """

    station: Station = Station()
    sample: int = 1
    weight: int = 1
    terms: int = 8
    rows: int = 8
    columns: int = 4

    def build(self, trainer: Trainer, snapshot: Snapshot, kept: dict[str, Any]) -> Dissection:
        """Return the dissection; the step is carried out once for all stations."""
        at, coming = kept.get("coming-step", (None, None))
        if at != trainer.step_count:
            coming = ComingStep(trainer)
            kept["coming-step"] = trainer.step_count, coming
        with np.errstate(all="ignore"):
            return _Dissector(coming, snapshot, self).dissect()


class _Dissector:
    def __init__(self, coming: ComingStep, snapshot: Snapshot, request: DissectionRequest) -> None:
        layers = coming.network.layers
        phase = request.station.phase if request.station.phase in PHASES else PHASES[0]
        number = len(layers) if phase == "loss" else min(max(request.station.layer, 1), len(layers))
        self.coming, self.snapshot, self.request = coming, snapshot, request
        self.layer: Layer = layers[number - 1]
        self.station = Station(phase, number, min(max(request.station.neuron, 1), self.layer.units))
        self.index = self.station.neuron - 1
        self.column = min(max(request.sample, 1), len(coming.samples)) - 1
        bias = request.weight == 0 and self.layer.bias is not None
        self.source = self.layer.fan_in if bias else min(max(request.weight, 1), self.layer.fan_in) - 1

    def dissect(self) -> Dissection:
        coming = self.coming
        outputs, more_outputs, sample_loss = self._loss()
        return Dissection(
            step=coming.trainer.step_count + 1,
            station=self.station,
            sample=self.column + 1,
            batch=len(coming.samples),
            row=int(coming.trainer.dataset.rows[coming.samples[self.column]]),
            sizes=coming.network.sizes,
            columns=tuple(self._columns()),
            neuron=self._neuron(),
            outputs=outputs,
            more_outputs=more_outputs,
            sample_loss=sample_loss,
            loss=coming.loss,
            loss_after=coming.loss_after,
            activation=self.layer.activation.name,
            taken=coming.taken,
            scaled=coming.trainer.x_standardizer is not None,
        )

    def _columns(self) -> list[LayerColumn]:
        layers = self.coming.network.layers
        wanted = min(max(self.request.columns, 1), len(layers) + 1)
        here = self.layer.number
        first = min(max(here - wanted // 2, 0), len(layers) + 1 - wanted)
        return [self._column(number) for number in range(first, first + wanted)]

    def _column(self, number: int) -> LayerColumn:
        coming, rows = self.coming, max(self.request.rows, 1)
        units = coming.network.sizes[number]
        focus = self.index if number == self.layer.number else 0
        start = min(max(focus - rows // 2, 0), max(units - rows, 0))
        shown = slice(start, start + rows)
        if number == 0:
            values, deltas, dead = coming.inputs[:units], None, set[int]()
        else:
            values, deltas = coming.activations[number - 1], coming.deltas[number - 1]
            dead = set(self.snapshot.layers[number - 1].dead)
        stop = min(start + rows, units)
        return LayerColumn(
            number,
            units,
            start + 1,
            _floats(values[shown, self.column]),
            () if deltas is None else _floats(deltas[shown, self.column]),
            tuple(neuron in dead for neuron in range(start + 1, stop + 1)),
        )

    @cached_property
    def _output_derivatives(self) -> Array:
        """∂C/∂a of every output for the chosen sample's own loss."""
        coming, steps = self.coming, self.coming.trainer.steps
        at = slice(self.column, self.column + 1)
        out = np.empty((coming.network.sizes[-1], 1), coming.network.dtype)
        prediction = np.ascontiguousarray(coming.activations[-1][:, at])
        target = np.ascontiguousarray(coming.targets[:, at])
        for operation in steps.loss.gradient(prediction, target, out, **steps.loss_options):
            operation()
        return out[:, 0]

    def _loss(self) -> tuple[tuple[OutputError, ...], int, float]:
        coming, steps = self.coming, self.coming.trainer.steps
        at = slice(self.column, self.column + 1)
        a = np.ascontiguousarray(coming.activations[-1][:, at])
        y = np.ascontiguousarray(coming.targets[:, at])
        total = steps.loss.value(a, y, **steps.loss_options)
        parts = np.array(
            [steps.loss.value(a[k : k + 1], y[k : k + 1], **steps.loss_options) for k in range(len(a))]
        )
        # A loss that is a mean over the outputs gives each its share, one that is a sum all of it.
        if steps.loss.mean_over_outputs:
            parts /= len(a)
        chosen = _largest(parts, self.request.terms, self.index if self.station.phase == "loss" else None)
        errors = tuple(
            OutputError(
                k + 1, float(a[k, 0]), float(y[k, 0]), float(parts[k]), float(self._output_derivatives[k])
            )
            for k in chosen
        )
        return errors, len(a) - len(chosen), float(total)

    def _neuron(self) -> NeuronNumbers:
        coming, layer, j, s = self.coming, self.layer, self.index, self.column
        z, a = coming.pre_activations[layer.number - 1], coming.activations[layer.number - 1]
        slope = layer.activation.derivative(z, a, **layer.options)
        changes = self._changes()
        chosen = self._change(self.source)
        update = UpdateDissector(coming, layer, j, self.source)
        asked = self.station.phase == "update"
        return NeuronNumbers(
            pre_activation=float(z[j, s]),
            activation=float(a[j, s]),
            derivative=float(slope[j, s]),
            arriving=self._arriving(),
            delta=float(coming.deltas[layer.number - 1][j, s]),
            rule=self._rule(),
            bias=None if layer.bias is None else float(layer.bias[j]),
            incoming=self._sum(layer.weights[:, j], self._inputs()),
            outgoing=self._outgoing(),
            changes=changes,
            more_changes=len(layer.augmented) - len(changes),
            chosen=chosen,
            shares=update.shares(s, self.request.terms) if asked else None,
            workings=update.workings() if asked and not chosen.frozen else (),
            silent=int(np.count_nonzero(slope[j] == 0)),
            dead=self.station.neuron in self.snapshot.layers[layer.number - 1].dead,
        )

    def _inputs(self) -> Array:
        inputs: Array = self.coming.layer_inputs[self.layer.number - 1][: self.layer.fan_in, self.column]
        return inputs

    @property
    def _is_output(self) -> bool:
        return self.layer is self.coming.network.layers[-1]

    def _arriving(self) -> float:
        if self._is_output:
            return float(self._output_derivatives[self.index])
        above = self.coming.network.layers[self.layer.number]
        errors = np.dot(above.weights, self.coming.deltas[self.layer.number])
        return float(errors[self.index, self.column])

    def _outgoing(self) -> WeightedSum:
        if self._is_output:
            return WeightedSum((), 0, 0.0)
        above = self.coming.network.layers[self.layer.number]
        return self._sum(above.weights[self.index], self.coming.deltas[self.layer.number][:, self.column])

    def _rule(self) -> str:
        coming, steps = self.coming, self.coming.trainer.steps
        if ("output" if self._is_output else "hidden") in coming.missing:
            return "missing"
        if self._is_output and steps.loss.square is None and steps.loss.canonical == self._activation:
            return "canonical"
        return "jacobian" if self._activation == "softmax" else "chain"

    @property
    def _activation(self) -> str:
        return self.layer.activation.name

    def _sum(self, weights: Array, values: Array) -> WeightedSum:
        products = weights * values
        chosen = _largest(products, self.request.terms)
        terms = tuple(Summand(k + 1, float(weights[k]), float(values[k]), float(products[k])) for k in chosen)
        left_out = np.ones(len(products), np.bool_)
        left_out[chosen] = False
        return WeightedSum(terms, int(left_out.sum()), float(products[left_out].sum()))

    def _changes(self) -> tuple[Change, ...]:
        layer = self.layer
        update = layer.of(self.coming.update)[: layer.fan_in, self.index]
        chosen = list(
            _largest(update, self.request.terms, self.source if self.source < len(update) else None)
        )
        if layer.bias is not None:
            chosen.append(layer.fan_in)
        return tuple(map(self._change, chosen))

    @cached_property
    def _trained(self) -> Array | None:
        """Of the layer's parameters, 0 where they are frozen; None if none is."""
        mask = self.coming.network.frozen_mask(self.coming.experiment.network.freeze)
        return None if mask is None else self.layer.of(mask)

    def _change(self, source: int) -> Change:
        coming, layer, at = self.coming, self.layer, (source, self.index)
        value = 1.0 if source == layer.fan_in else float(self._inputs()[source])
        delta = coming.deltas[layer.number - 1][self.index, self.column]
        return Change(
            source=0 if source == layer.fan_in else source + 1,
            before=float(layer.of(coming.before)[at]),
            value=value,
            own=float(value * delta),
            gradient=float(layer.of(coming.gradient)[at]),
            update=float(layer.of(coming.update)[at]),
            after=float(layer.of(coming.after)[at]),
            frozen=self._trained is not None and not self._trained[at],
        )


def _largest(values: Array, most: int, always: int | None = None) -> list[int]:
    """Return the places of the ``most`` values of largest size, in their order."""
    most = max(most, 1)
    if len(values) <= most:
        return list(range(len(values)))
    sizes = np.abs(np.nan_to_num(values, nan=np.inf))
    if always is not None:
        sizes[always] = np.inf
    return sorted(map(int, np.argsort(-sizes, kind="stable")[:most]))


def _floats(values: Array) -> tuple[float, ...]:
    return tuple(map(float, values))
