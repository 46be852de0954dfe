"""The commands: what keys, the prompt, scripts and records send, as dataclasses with a one-line grammar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    from backprop_core.experiment import Choice


@dataclass(frozen=True)
class Condition:
    """``loss < 0.4``: a measured quantity, a comparison, a number."""

    quantity: str
    comparison: str
    value: float


@dataclass(frozen=True)
class Run:
    """``run 500 epochs``, ``run 20 steps``, ``run until loss < 0.05 or 10000 epochs``; alone, to the end."""

    epochs: int | None = None
    steps: int | None = None
    until: Condition | None = None


@dataclass(frozen=True)
class Step:
    """``step 3``: so many batches."""

    batches: int = 1


@dataclass(frozen=True)
class Expect:
    """``expect loss < 0.4``."""

    condition: Condition


@dataclass(frozen=True)
class ReinitDead:
    """``reinit-dead``, or one neuron: ``reinit-dead 1.3``. Both count from 1."""

    layer: int | None = None
    neuron: int | None = None


@dataclass(frozen=True)
class SetActivation:
    """``activation hidden leaky-relu 0.01``, ``activation 2 tanh``, ``activation output linear``."""

    where: str
    activation: Choice


@dataclass(frozen=True)
class SetOption:
    """``set learning-rate 0.01``; also batch-size, weight-decay, l1, gradient-clip, reduction, optimizer."""

    option: str
    value: float | int | str | Choice | None


@dataclass(frozen=True)
class SetData:
    """``set data moons``: another built-in data set; ``set noise 0.2``, ``set samples 400``, ``set validation 0.2``."""

    option: str
    value: float | int | str


@dataclass(frozen=True)
class SetFeatures:
    """``set features x,y,x^2``: what the network sees of two inputs; the function stays where none is left out."""

    features: tuple[str, ...]


@dataclass(frozen=True)
class Standardize:
    """``standardize``: zero mean and unit variance, folded into the first layer where the function can stay."""


@dataclass(frozen=True)
class AddBias:
    """``add-bias``: zero biases for a network without; the function is unchanged."""


@dataclass(frozen=True)
class TrueGradient:
    """``true-gradient``: what deliberate mistakes leave out of the gradient is put back."""


@dataclass(frozen=True)
class Initialize:
    """``initialize``, ``initialize he-normal``: all weights drawn anew, biases zero; training goes on."""

    initializer: Choice | None = None


@dataclass(frozen=True)
class Widen:
    """``widen 8``, or ``widen 2 8`` for layer 2 alone: so many more units; the function is unchanged."""

    units: int
    layer: int | None = None


@dataclass(frozen=True)
class Narrow:
    """``narrow 3``, or ``narrow 2 3`` for layer 2 alone: so many units fewer, dead ones first."""

    units: int
    layer: int | None = None


@dataclass(frozen=True)
class AddLayer:
    """``add-layer``, ``add-layer 2``, ``add-layer 2 8``: a hidden layer of that number, the function about the same."""

    layer: int | None = None
    units: int | None = None


@dataclass(frozen=True)
class RemoveLayer:
    """``remove-layer``, the last hidden one, or ``remove-layer 1``: the layer after it is fitted to do without."""

    layer: int | None = None


@dataclass(frozen=True)
class Rollback:
    """``rollback``: the parameters of the lowest training loss; ``rollback validation``: of validation loss."""

    measured: str = "training"


@dataclass(frozen=True)
class Diagnose:
    """``diagnose``: why the network does or does not learn."""


@dataclass(frozen=True)
class Treat:
    """``treat``: the cure that the diagnosis recommends; ``treat reinit-dead``: the cure of that name."""

    cure: str | None = None


@dataclass(frozen=True)
class Restart:
    """``restart`` with the same seed, or ``restart seed 7``: from the beginning, settings as they are now."""

    seed: int | None = None


@dataclass(frozen=True)
class Undo:
    """``undo``: the state before the last intervention, or ``undo divergence``: before the divergence began.

    Where there was no intervention, the one is the other.
    """

    divergence: bool = False


@dataclass(frozen=True)
class TakeSnapshot:
    """``snapshot``: write a snapshot event."""


@dataclass(frozen=True)
class Save:
    """``save weights.npz``: W1 (fan_in, fan_out), b1, W2, … as float64."""

    path: str


@dataclass(frozen=True)
class SaveCheckpoint:
    """``checkpoint state.npz``: everything that is needed to go on."""

    path: str


@dataclass(frozen=True)
class Export:
    """``export curve loss.csv``, ``export torch net.npz``: what other programs read."""

    what: str
    path: str


Command = (
    Run
    | Step
    | Expect
    | ReinitDead
    | SetActivation
    | SetOption
    | SetData
    | SetFeatures
    | Standardize
    | AddBias
    | TrueGradient
    | Initialize
    | Widen
    | Narrow
    | AddLayer
    | RemoveLayer
    | Rollback
    | Diagnose
    | Treat
    | Restart
    | Undo
    | TakeSnapshot
    | Save
    | SaveCheckpoint
    | Export
)


@dataclass(frozen=True)
class Outcome:
    """What a command did. ``result`` is one line for a person; ``warning`` is set where harm was done."""

    step: int
    command: str
    result: str
    loss_before: float | None = None
    loss_after: float | None = None
    dead_before: int | None = None
    dead_after: int | None = None
    intervention: bool = False
    warning: str | None = None
    passed: bool | None = None
    """For ``expect``: whether the condition held. ``value`` is what was measured."""
    value: float | None = None
