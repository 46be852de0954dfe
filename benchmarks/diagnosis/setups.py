"""A setup is an experiment before it has a seed; the clean ones of both parts are drawn here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.experiment_file import experiment_from_dict, format_experiment
from backprop_core.network import build_network
from benchmarks.diagnosis.samples import HELD_OUT, TUNING, Samples

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from backprop_core.experiment import Experiment
    from benchmarks.diagnosis.samples import Source

Weights = dict[str, "NDArray[np.float64]"]
Edit = Callable[[Weights, np.random.Generator], None]
"""Changes start weights W1, b1, W2, … in place."""


@dataclass(frozen=True, eq=False)
class Setup:
    """An experiment without its seed: samples, keys such as ``"training.learning_rate"``, changed weights."""

    name: str
    samples: Samples
    keys: Mapping[str, Any]
    edits: tuple[Edit, ...] = ()

    def having(self, **keys: Any) -> Setup:
        """Return the setup with keys changed, ``training__learning_rate=0.1`` for the key of that name."""
        changed = {name.replace("__", "."): value for name, value in keys.items()}
        return replace(self, keys={**self.keys, **changed})

    def drawing_from(self, samples: Samples) -> Setup:
        """Return the setup with other samples."""
        return replace(self, samples=samples)

    def edited(self, edit: Edit) -> Setup:
        """Return the setup whose start weights are changed besides."""
        return replace(self, edits=(*self.edits, edit))

    @property
    def hidden(self) -> tuple[int, ...]:
        """The hidden layers' sizes."""
        return tuple(self.keys["network.hidden"])

    @property
    def activation(self) -> str:
        """The hidden layers' activation."""
        return str(self.keys["network.activation"])

    @property
    def rate(self) -> float:
        """The learning rate."""
        return float(self.keys["training.learning_rate"])

    @property
    def batch(self) -> int:
        """Samples a step."""
        given = self.keys["training.batch_size"]
        return len(self.samples.x) if given == "full" else int(given)

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return int(self.keys["experiment.epochs"]) * -(-len(self.samples.x) // self.batch)

    def experiment(self, seed: int, folder: Path) -> Experiment:
        """Write the data, and the weights where they are changed, and return the experiment."""
        document: dict[str, Any] = {"experiment": {"name": self.name, "seed": seed}, "data": {}}
        for key, value in self.keys.items():
            section, name = key.split(".")
            document.setdefault(section, {})[name] = value
        document["data"]["npz"] = "data.npz"
        samples = self.samples
        arrays: dict[str, Any] = {"X": samples.x, "y": samples.y}
        if len(samples.x_validation):
            arrays |= {"X_validation": samples.x_validation, "y_validation": samples.y_validation}
        np.savez(folder / "data.npz", **arrays)
        if self.edits:
            weights = f"weights-{seed}.npz"
            start: dict[str, Any] = self._start_weights(document, seed, folder)
            np.savez(folder / weights, **start)
            document["network"]["weights"] = weights
        return experiment_from_dict(document, self.name, folder)

    def _start_weights(self, document: Mapping[str, Any], seed: int, folder: Path) -> Weights:
        spec = experiment_from_dict(document, self.name, folder).network
        outputs = self.samples.y.shape[1]
        if self.samples.task == "classes":
            outputs = len(np.unique(self.samples.y))
        network = build_network(spec, self.samples.x.shape[1], outputs)
        network.initialize(spec.initializer, np.random.default_rng(seed))
        weights: Weights = {}
        for layer in network.layers:
            weights[f"W{layer.number}"] = layer.weights.astype(np.float64)
            if layer.bias is not None:
                weights[f"b{layer.number}"] = layer.bias.astype(np.float64)
        for number, edit in enumerate(self.edits):
            edit(weights, np.random.default_rng([seed, number]))
        return weights

    def write(self, seed: int, folder: Path) -> Path:
        """Write the experiment file and what it needs, and return its path."""
        path = folder / "experiment.toml"
        path.write_text(format_experiment(self.experiment(seed, folder)))
        return path


@dataclass(frozen=True, eq=False)
class Twins:
    """A setup with an oddity, and its clean twin, which has all but that."""

    odd: Setup
    clean: Setup


@dataclass(frozen=True)
class Style:
    """How a network is built and trained."""

    hidden: tuple[int, ...]
    activation: str
    optimizer: str
    batch: int | str = "full"


TUNING_STYLES = (
    Style((16,), "relu", "sgd"),
    Style((8, 8), "tanh", "adam", 16),
    Style((12, 12), "relu", "momentum"),
    Style((12,), "tanh", "sgd"),
    Style((16,), "sigmoid", "adam"),
    Style((16, 16, 16), "relu", "adam", 24),
    Style((12, 8), "leaky-relu", "sgd", 16),
    Style((8, 8, 8, 8, 8), "tanh", "momentum", 24),
)

HELD_OUT_STYLES = (
    Style((24,), "relu", "nesterov"),
    Style((14, 10), "elu", "adamw", 20),
    Style((12,), "gelu", "adam"),
    Style((32, 16), "relu", "sgd", 32),
    Style((10, 10, 10, 10), "relu", "rmsprop"),
    Style((20, 10), "silu", "momentum", 20),
    Style((18,), "softplus", "adam"),
    Style((10, 10, 10, 10, 10, 10), "tanh", "adamw"),
    Style((28,), "tanh", "rmsprop", 20),
)

PARTS = {"tuning": (TUNING, TUNING_STYLES), "held-out": (HELD_OUT, HELD_OUT_STYLES)}

ADAPTIVE = ("adam", "adamw", "rmsprop")

_RATES = {"sgd": 0.15, "momentum": 0.02, "nesterov": 0.03, "adam": 0.01, "adamw": 0.01, "rmsprop": 0.004}
_OPTIMIZERS: dict[str, Any] = {
    "momentum": {"name": "sgd", "momentum": 0.9},
    "nesterov": {"name": "sgd", "momentum": 0.9, "nesterov": 1},
}
_LOSSES = {"binary": "binary-cross-entropy", "classes": "cross-entropy"}
_OUTPUTS = {"binary": "sigmoid", "classes": "softmax", "regression": "linear", "counts": "relu"}
_UNSATURATED = {"tanh", "sigmoid"}


def clean_setups(part: str) -> list[Setup]:
    """Return the part's experiments without a fault: every style on every second data set."""
    sources, styles = PARTS[part]
    return [
        clean_setup(source, style, number)
        for number, (source, style) in enumerate(
            (source, style)
            for row, source in enumerate(sources)
            for column, style in enumerate(styles)
            if (row + column) % 2 == 0
        )
    ]


def clean_setup(source: Source, style: Style, number: int) -> Setup:
    """Return an experiment that can be expected to learn; ``number`` seeds its data."""
    samples = source.make(np.random.default_rng([number, len(source.name)]))
    adaptive = style.optimizer in ADAPTIVE
    rate = _RATES[style.optimizer]
    if not adaptive:
        rate *= 3 if samples.task in _LOSSES else 1
        rate /= len(style.hidden) ** 0.5
    batches = 1 if style.batch == "full" else len(samples.x) / int(style.batch)
    steps = 800 if adaptive else 1400
    keys: dict[str, Any] = {
        "experiment.epochs": round(steps / batches),
        "network.hidden": list(style.hidden),
        "network.activation": style.activation,
        "network.output": _OUTPUTS[samples.task],
        "network.bias": True,
        "network.initializer": "xavier-normal" if style.activation in _UNSATURATED else "he-normal",
        "training.loss": _LOSSES.get(samples.task, "quadratic" if number % 3 else "mse"),
        "training.reduction": "mean",
        "training.optimizer": _OPTIMIZERS.get(style.optimizer, style.optimizer),
        "training.learning_rate": float(f"{rate:.2g}"),
        "training.batch_size": style.batch,
    }
    layers = "-".join(map(str, style.hidden))
    return Setup(f"{source.name} {layers} {style.activation} {style.optimizer}", samples, keys)
