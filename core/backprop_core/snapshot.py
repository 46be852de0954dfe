"""What a record or a screen knows of the training: frozen, and no larger than what can be shown."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any, Protocol

from backprop_core.experiment import Experiment
from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from backprop_core.diagnosis.report import Health
    from backprop_core.trainer import Trainer
    from backprop_core.treatments import Treatment


@dataclass(frozen=True)
class LayerSummary:
    """One layer in numbers. ``layer`` counts from 1, the last is the output layer.

    ``dead`` holds the dead neurons, counted from 1. ``can_die`` says whether the activation's derivative
    can be zero. ``gradient_norm`` and ``update_ratio`` (norm of the update over norm of the parameters)
    are of the last step.
    """

    layer: int
    activation: str
    units: int
    can_die: bool
    dead: tuple[int, ...]
    gradient_norm: float
    update_ratio: float


@dataclass(frozen=True)
class Prediction:
    """One row, in the data's own units. ``row`` counts from 1 in the data's order."""

    row: int
    validation: bool
    prediction: tuple[float, ...]
    target: tuple[float, ...]


@dataclass(frozen=True)
class Snapshot:
    """The state after ``step``, as events tell it. Losses are full-pass, in the data's own units."""

    step: int
    epoch: int
    training_loss: float
    validation_loss: float | None
    learning_rate: float
    gradient_norm: float
    layers: tuple[LayerSummary, ...]
    predictions: tuple[Prediction, ...]

    @property
    def dead(self) -> int:
        """How many neurons are dead, output neurons included."""
        return sum(len(layer.dead) for layer in self.layers)

    @property
    def mortal(self) -> int:
        """How many neurons have a derivative that can be zero."""
        return sum(layer.units for layer in self.layers if layer.can_die)


HEATMAP_MODES = ("activations", "pre-activations", "weights", "gradients")


class PanelRequest(Protocol):
    """What an open panel wants to know of a trainer: frozen, compared, and sent to where the trainer is."""

    def build(self, trainer: Trainer, snapshot: Snapshot, kept: dict[str, Any]) -> Any:
        """Return what the panel shows, no larger than it can show; ``kept`` lasts from frame to frame."""


@dataclass(frozen=True)
class View:
    """What the screen can show of the next frame, in cells. Layers, neurons and samples count from 1.

    The heatmap shows ``rows`` neurons from ``first_neuron`` on and reduces what lies along the other axis
    (samples, or a weight matrix's inputs) to at most ``columns`` columns. With a ``panel`` open in place of
    the overview, only what the panel asks for is measured.
    """

    layer: int = 1
    mode: str = "activations"
    first_neuron: int = 1
    rows: int = 8
    columns: int = 32
    neuron: int | None = None
    sample: int | None = None
    curve_columns: int = 64
    curve_from: int = 0
    prediction_rows: int = 100
    panel: PanelRequest | None = None


@dataclass(frozen=True)
class Heatmap:
    """A part of one layer: ``values`` is (rows, columns), NaN where a value is not finite.

    Column j is the mean of the ``group`` samples (or inputs) from ``j * group + 1`` on; ``total`` says how
    many there are. ``low`` and ``high`` are the extremes over the whole layer, not only of the part shown.
    ``dead`` says for each row shown whether the neuron is dead. ``labels`` name the columns' kind:
    ``"sample"``, ``"input"`` (the last input of a layer with biases is the bias).
    """

    layer: int
    mode: str
    activation: str
    units: int
    first_neuron: int
    total: int
    group: int
    axis: str
    values: NDArray[np.float32]
    low: float
    high: float
    dead: tuple[bool, ...]
    dead_in_layer: int


@dataclass(frozen=True)
class Inspection:
    """The selected neuron on the selected sample; None where nothing of that kind is selected."""

    layer: int
    neuron: int
    dead: bool
    fires_on: int
    samples: int
    bias: float | None
    weight_norm: float
    sample: int | None
    pre_activation: float | None
    activation: float | None
    derivative: float | None
    inputs: tuple[float, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True)
class Mark:
    """An intervention on the loss plot."""

    step: int
    text: str


@dataclass(frozen=True)
class Curve:
    """The loss so far in at most ``View.curve_columns`` columns; arrays of equal length.

    Column j covers the steps from ``first_step[j]`` to ``last_step[j]``. ``low``, ``high`` and ``mean``
    are of the finite losses of the steps' batches, NaN where there are none; ``validation`` is NaN where
    it was not measured. ``non_finite`` holds the steps whose loss was not finite.
    """

    first_step: NDArray[np.int64]
    last_step: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    mean: NDArray[np.float64]
    validation: NDArray[np.float64]
    marks: tuple[Mark, ...]
    non_finite: tuple[int, ...]
    baseline: float
    """The loss of always predicting the mean of the training targets."""


@dataclass(frozen=True)
class Series:
    """Predictions against targets over all rows, reduced to at most as many columns as can be shown."""

    row: NDArray[np.int64]
    prediction: NDArray[np.float64]
    target: NDArray[np.float64]
    first_validation_row: int | None


@dataclass(frozen=True)
class Accuracy:
    """Share of the samples whose largest output is their class, 0 to 1."""

    training: float
    validation: float | None
    classes: int


@dataclass(frozen=True)
class Frame:
    """All that the screen draws. ``state`` is RUNNING, PAUSED, DONE or DIVERGED."""

    snapshot: Snapshot
    state: str
    reason: str
    steps_per_second: float
    heatmap: Heatmap
    inspection: Inspection | None
    curve: Curve
    series: Series | None
    accuracy: Accuracy | None
    undoable: str | None
    """The command that undo would take back, or None."""
    experiment: Experiment = field(default_factory=Experiment)
    """As interventions have left it."""
    inputs: int = 0
    """How many features a sample has."""
    health: Health | None = None
    """What the watch says; None before it has looked."""
    divergence: str = ""
    """Of a run whose loss is not finite, where that began, in a line."""
    version: int = 0
    """Of the run as interventions have left it: a diagnosis of another version holds no more."""
    treatments: tuple[Treatment, ...] = ()
    """The cures applied, those taken back left out."""
    facts: tuple[str, ...] = ()
    """What the title line says beside the name; empty where the experiment says it all."""
    panel: Any = None
    """What the view's panel asked for; then heatmap and curve are empty, inspection and the rest None."""
