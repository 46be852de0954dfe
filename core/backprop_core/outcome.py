"""What the network makes of its problem: output over the plane, a series going on, confusion of classes, fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.backpropagation import ForwardPass, augment
from backprop_core.frozen import dataclass
from backprop_core.measures import predict

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from backprop_core.datasets import Dataset
    from backprop_core.snapshot import Snapshot
    from backprop_core.trainer import Trainer

    Array = NDArray[np.float64]

MARGIN = 0.08
"""The plane reaches so far beyond the data, as a share of their range."""

POINTS_SHOWN = 400
SAMPLES_COMPARED = 4096
LEAST_PIXELS = 49


@dataclass(frozen=True)
class NeuronPlane:
    """A hidden neuron's activation over the plane, shape (rows, columns), the highest row on top."""

    neuron: int
    dead: bool
    values: NDArray[np.float32]


@dataclass(frozen=True)
class Plane:
    """One output over two features, in the data's own units, with samples on it.

    Attributes
    ----------
    values : array, shape (rows, columns)
        The output at the middle of each cell, the highest row on top.
    middle : float
        ½ for classes, else the mean of the targets.
    reach : float
        How far from the middle the scale goes.
    points : arrays x, y, target, wrong
        Samples; for classes, wrong is whether the prediction is on the other side of ½.
    layer, units, neurons
        The hidden layer of which neurons are shown, how many it has, and the pictures of some.
    """

    features: tuple[str, str]
    target: str
    output: int
    outputs: int
    low: tuple[float, float]
    high: tuple[float, float]
    values: NDArray[np.float32]
    middle: float
    reach: float
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    targets: NDArray[np.float32]
    wrong: NDArray[np.bool_]
    classes: tuple[str, ...] | None
    layer: int
    layers: int
    units: int
    neurons: tuple[NeuronPlane, ...]


@dataclass(frozen=True)
class Continuation:
    """A series: predictions against targets by row, and what the network says comes after the last row.

    ``ahead`` is made of single predictions, each of which is taken for true in the windows after it.
    """

    row: NDArray[np.int64]
    prediction: Array
    target: Array
    first_validation_row: int | None
    ahead: Array


@dataclass(frozen=True)
class Confused:
    """A sample whose class is missed, or nearly. ``pixels`` is its picture from 0 to 1, if it is one."""

    row: int
    truth: int
    predicted: int
    share: float
    pixels: NDArray[np.float32] | None


@dataclass(frozen=True)
class Confusion:
    """How many samples of each class (rows) are taken for which (columns), and the most confused ones."""

    classes: tuple[str, ...]
    counts: NDArray[np.int64]
    validation: bool
    samples: tuple[Confused, ...]


@dataclass(frozen=True)
class Fit:
    """Predictions against targets of one output, in the data's own units."""

    name: str
    output: int
    outputs: int
    target: Array
    prediction: Array
    target_validation: Array
    prediction_validation: Array
    error: float
    """Root of the mean squared error over the training samples shown."""


Outcome = Plane | Continuation | Confusion | Fit


def fitting_kinds(dataset: Dataset) -> tuple[str, ...]:
    """Return what can be shown of a problem, the most telling first."""
    kinds = []
    if dataset.x.shape[1] == 2 and dataset.kind != "series":
        kinds.append("plane")
    if dataset.kind == "series" and dataset.y.shape[1] == 1:
        kinds.append("series")
    if dataset.classes is not None:
        kinds.append("confusion")
    if dataset.kind != "classification":
        kinds.append("fit")
    return tuple(kinds or ["fit"])


@dataclass(frozen=True)
class OutcomeRequest:
    """How the problem is to be shown: ``turn`` counts through what fits, ``output`` from 1.

    ``columns`` and ``rows`` are the cells of the plane or plot, ``small`` those of a neuron's picture and
    ``pictures`` how many fit; ``layer`` and ``first`` say of which neurons.
    """

    turn: int = 0
    output: int = 1
    columns: int = 40
    rows: int = 12
    small: tuple[int, int] = (14, 5)
    pictures: int = 4
    layer: int = 1
    first: int = 1

    def build(self, trainer: Trainer, snapshot: Snapshot, kept: dict[str, Any]) -> Outcome:  # noqa: ARG002
        """Return the outcome of the kind that fits."""
        kinds = fitting_kinds(trainer.dataset)
        builders: dict[str, Callable[[Trainer, Snapshot, OutcomeRequest], Outcome]] = {
            "plane": _plane,
            "series": _series,
            "confusion": _confusion,
            "fit": _fit,
        }
        with np.errstate(all="ignore"):
            return builders[kinds[self.turn % len(kinds)]](trainer, snapshot, self)


def _plane(trainer: Trainer, snapshot: Snapshot, request: OutcomeRequest) -> Plane:
    dataset = trainer.dataset
    outputs = dataset.y.shape[1]
    output = min(max(request.output, 1), outputs) - 1
    lowest, highest = dataset.x.min(axis=0), dataset.x.max(axis=0)
    reach = np.where(highest > lowest, (highest - lowest) * MARGIN, 0.5)
    low, high = lowest - reach, highest + reach
    columns, rows = max(request.columns, 2), max(request.rows, 2)
    values = predict(trainer, _grid(low, high, columns, rows))[:, output].reshape(rows, columns)
    classes = dataset.classes is not None
    middle = 0.5 if classes else float(dataset.y[:, output].mean())
    most = 0.5 if classes else float(np.abs(dataset.y[:, output] - middle).max())
    every = max(-(-len(dataset.x) // POINTS_SHOWN), 1)
    x, y = dataset.x[::every], dataset.y[::every]
    predicted = predict(trainer, x)
    wrong = (predicted[:, output] > 0.5) != (y[:, output] > 0.5) if classes else np.zeros(len(x), np.bool_)
    hidden = len(trainer.network.layers) - 1
    layer = min(max(request.layer, 1), max(hidden, 1))
    return Plane(
        features=(dataset.feature_names[0], dataset.feature_names[1]),
        target=dataset.target_names[output],
        output=output + 1,
        outputs=outputs,
        low=(float(low[0]), float(low[1])),
        high=(float(high[0]), float(high[1])),
        values=values.astype(np.float32),
        middle=middle,
        reach=most or 1.0,
        x=x[:, 0].astype(np.float32),
        y=x[:, 1].astype(np.float32),
        targets=y[:, output].astype(np.float32),
        wrong=wrong,
        classes=dataset.classes,
        layer=layer,
        layers=hidden,
        units=trainer.network.sizes[layer] if hidden else 0,
        neurons=_neurons(trainer, snapshot, request, layer, low, high) if hidden else (),
    )


def _grid(low: Array, high: Array, columns: int, rows: int) -> Array:
    """Return the middles of cells as samples, line by line from the top."""
    across = low[0] + (np.arange(columns) + 0.5) / columns * (high[0] - low[0])
    down = high[1] - (np.arange(rows) + 0.5) / rows * (high[1] - low[1])
    return np.column_stack([np.tile(across, rows), np.repeat(down, columns)])


def _neurons(
    trainer: Trainer, snapshot: Snapshot, request: OutcomeRequest, layer: int, low: Array, high: Array
) -> tuple[NeuronPlane, ...]:
    columns, rows = request.small
    network = trainer.network
    samples = trainer.scaled(_grid(low, high, columns, rows))
    forward = ForwardPass(network, augment(samples, network.bias, network.dtype))
    forward.run()
    units = network.sizes[layer]
    first = min(max(request.first, 1), max(units - request.pictures + 1, 1))
    dead = snapshot.layers[layer - 1].dead
    return tuple(
        NeuronPlane(
            neuron,
            neuron in dead,
            forward.activations[layer - 1][neuron - 1].reshape(rows, columns).astype(np.float32),
        )
        for neuron in range(first, min(first + request.pictures, units + 1))
    )


def _series(trainer: Trainer, snapshot: Snapshot, request: OutcomeRequest) -> Continuation:  # noqa: ARG001
    dataset = trainer.dataset
    rows = np.concatenate([dataset.rows, dataset.rows_validation])
    order = np.argsort(rows, kind="stable")
    x = np.concatenate([dataset.x, dataset.x_validation])[order]
    y = np.concatenate([dataset.y, dataset.y_validation])[order]
    every = max(-(-len(rows) // (2 * max(request.columns, 1))), 1)
    first = int(dataset.rows_validation.min()) if len(dataset.rows_validation) else None
    window = np.append(x[-1, 1:], y[-1, 0])
    ahead = []
    for _ in range(max(min(len(rows) // (3 * every), request.columns // 4), 3) * every):
        following = float(predict(trainer, window[None, :])[0, 0])
        ahead.append(following)
        window = np.append(window[1:], following)
        if len(ahead) >= POINTS_SHOWN or not np.isfinite(following):
            break
    return Continuation(
        rows[order][::every],
        predict(trainer, x[::every])[:, 0],
        y[::every, 0].copy(),
        first,
        np.array(ahead),
    )


def _confusion(trainer: Trainer, snapshot: Snapshot, request: OutcomeRequest) -> Confusion:  # noqa: ARG001
    dataset = trainer.dataset
    validation = len(dataset.x_validation) > 0
    x, y, numbers = (
        (dataset.x_validation, dataset.y_validation, dataset.rows_validation)
        if validation
        else (dataset.x, dataset.y, dataset.rows)
    )
    every = max(-(-len(x) // SAMPLES_COMPARED), 1)
    x, y, numbers = x[::every], y[::every], numbers[::every]
    outputs = predict(trainer, x)
    shares = np.column_stack([1 - outputs[:, 0], outputs[:, 0]]) if outputs.shape[1] == 1 else outputs
    truth = (y[:, 0] > 0.5).astype(np.int64) if y.shape[1] == 1 else y.argmax(axis=1)
    predicted = (outputs[:, 0] > 0.5).astype(np.int64) if y.shape[1] == 1 else shares.argmax(axis=1)
    classes = dataset.classes or ()
    counts = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(counts, (truth, predicted), 1)
    rows = np.arange(len(x))
    others = shares.copy()
    others[rows, truth] = -np.inf
    # How far the best other class is ahead of the right one: above zero where it is missed.
    lead = np.nan_to_num(others.max(axis=1) - shares[rows, truth], nan=-np.inf)
    chosen = np.argsort(-lead, kind="stable")[: max(request.pictures, 0)]
    samples = tuple(
        Confused(
            int(numbers[row]),
            int(truth[row]),
            int(others[row].argmax()) if lead[row] <= 0 else int(predicted[row]),
            float(shares[row, truth[row]]),
            _pixels(x, row),
        )
        for row in chosen
    )
    return Confusion(classes, counts, validation, samples)


def _pixels(x: Array, row: int) -> NDArray[np.float32] | None:
    """Return a sample as a square picture, None where its features are none."""
    side = round(np.sqrt(x.shape[1]))
    if side * side != x.shape[1] or x.shape[1] < LEAST_PIXELS or x.min() < 0:
        return None
    pixels: NDArray[np.float32] = (x[row] / (x.max() or 1.0)).reshape(side, side).astype(np.float32)
    return pixels


def _fit(trainer: Trainer, snapshot: Snapshot, request: OutcomeRequest) -> Fit:  # noqa: ARG001
    dataset = trainer.dataset
    outputs = dataset.y.shape[1]
    output = min(max(request.output, 1), outputs) - 1
    parts = []
    for x, y in ((dataset.x, dataset.y), (dataset.x_validation, dataset.y_validation)):
        every = max(-(-len(x) // POINTS_SHOWN), 1)
        chosen = x[::every]
        predicted = predict(trainer, chosen)[:, output] if len(chosen) else np.empty(0)
        parts += [y[::every, output].copy(), predicted]
    return Fit(
        dataset.target_names[output],
        output + 1,
        outputs,
        parts[0],
        parts[1],
        parts[2],
        parts[3],
        float(np.sqrt(np.mean((parts[1] - parts[0]) ** 2))),
    )
