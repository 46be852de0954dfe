"""What to train, on what, and how: the experiment as frozen data."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


@dataclass(frozen=True)
class Choice:
    """A catalogue entry by name, with its options, e.g. ``leaky-relu`` with ``slope`` 0.01.

    In TOML ``"relu"`` or ``{ name = "leaky-relu", slope = 0.01 }``. Options left out take the catalogue
    entry's defaults; they are filled in when the experiment is resolved.
    """

    name: str
    options: tuple[tuple[str, float], ...] = ()

    @classmethod
    def of(cls, catalogue: Mapping[str, Any], name: str) -> Choice:
        """Return a catalogue's entry with its defaults."""
        return cls(name, tuple(catalogue[name].defaults.items()))

    def option(self, key: str) -> float:
        """Return the option's value; ``KeyError`` if there is none of that name."""
        return dict(self.options)[key]


@dataclass(frozen=True)
class DataSpec:
    """Where the samples come from: exactly one of ``builtin``, ``csv``, ``series`` and ``npz`` is set.

    ``features`` names what the network sees of two inputs x and y; empty: the inputs as they are.
    """

    builtin: str | None = None
    csv: str | None = None
    target: tuple[str, ...] = ()
    series: str | None = None
    window: int | None = None
    npz: str | None = None
    samples: int | None = None
    noise: float | None = None
    seed: int = 0
    validation: float = 0.0
    standardize: bool = False
    features: tuple[str, ...] = ()


@dataclass(frozen=True)
class NetworkSpec:
    """The network: hidden layers, activations, biases, start.

    ``activation`` has one entry a hidden layer. ``weights`` are given start weights: a path of an NPZ file
    or arrays by name (``W1`` of shape (fan_in, fan_out), ``b1``, …) as nested tuples. ``freeze`` names
    parameters that training leaves alone: ``"bias"``, ``"weights"``, ``"W1"``, ``"b2"``, ….
    """

    hidden: tuple[int, ...] = (8,)
    activation: tuple[Choice, ...] = (Choice("relu"),)
    output: Choice = Choice("linear")
    bias: bool = True
    initializer: Choice = Choice("he-normal")
    weights: str | tuple[tuple[str, tuple[float, ...] | tuple[tuple[float, ...], ...]], ...] | None = None
    freeze: tuple[str, ...] = ()
    precision: str = "float64"


@dataclass(frozen=True)
class TrainingSpec:
    """How the parameters are updated. ``batch_size`` None is the full batch; ``gradient_clip`` 0 is none.

    ``l1`` times the sum of all |weight|, biases left out, is added to what training makes small; the loss
    that is reported is without it, as it is without ``weight_decay``.
    """

    loss: Choice = Choice("quadratic")
    reduction: str = "mean"
    optimizer: Choice = Choice("sgd")
    learning_rate: float = 0.05
    batch_size: int | None = None
    weight_decay: float = 0.0
    l1: float = 0.0
    gradient_clip: float = 0.0


@dataclass(frozen=True)
class Mistakes:
    """Deliberate mistakes: whose activation's derivative is left out of the backward pass.

    ``missing_derivative`` holds ``"hidden"`` and/or ``"output"``.
    """

    missing_derivative: tuple[str, ...] = ()


@dataclass(frozen=True)
class Experiment:
    """Everything that, with nothing else, determines a training run bit for bit."""

    name: str = "untitled"
    description: str = ""
    watch: str = ""
    seed: int = 0
    epochs: int = 0
    until: str | None = None
    data: DataSpec = field(default_factory=DataSpec)
    network: NetworkSpec = field(default_factory=NetworkSpec)
    training: TrainingSpec = field(default_factory=TrainingSpec)
    mistakes: Mistakes = field(default_factory=Mistakes)
    folder: Path = field(default=Path(), compare=False)
    """Relative paths in ``data`` and ``network.weights`` are relative to this; not part of the file."""
    source: str = field(default="", compare=False)
    """The user's file that it was read from, for errors to name; not part of it either."""
