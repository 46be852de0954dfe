"""The options of the command line that set a key of the experiment: an entry each, read and written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from backprop_core.activations import ACTIVATIONS
from backprop_core.errors import UserError
from backprop_core.experiment import Choice, Experiment, NetworkSpec, TrainingSpec
from backprop_core.experiment_file import override
from backprop_core.experiment_keys import KEYS
from backprop_core.frozen import dataclass
from backprop_core.initializers import INITIALIZERS
from backprop_core.losses import LOSSES
from backprop_core.optimizers import OPTIMIZERS
from backprop_core.wording import plain_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from backprop_core.experiment_keys import Key

OWN_DATA = ("csv", "series", "npz")

_KEYS = {(key.section, key.name): key for key in KEYS}


def key_of(section: str, name: str) -> Key:
    """Return the key of an experiment by its section and name."""
    return _KEYS[section, name]


@dataclass(frozen=True)
class Option:
    """An option that sets a key of the experiment; ``convert`` makes TOML's value of its text."""

    flag: str
    section: str
    key: str
    metavar: str
    convert: Callable[[str], Any]

    def read(self, text: str) -> Any:
        """Return the experiment's value of an option's text; UserError if it has none."""
        return key_of(self.section, self.key).read(self.convert(text))

    @property
    def help(self) -> str:
        """What the key means."""
        return key_of(self.section, self.key).help


def _number(text: str) -> float | int:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise UserError(f"must be a number, not '{text}'") from None


def _numbers(text: str) -> list[float | int]:
    return [_number(part) for part in text.split(",")] if text else []


def _text(text: str) -> str:
    return text


def _choice(text: str) -> str | dict[str, Any]:
    """Read ``adam`` or ``sgd:momentum=0.9``."""
    name, *settings = text.split(":")
    if not settings:
        return name
    table: dict[str, Any] = {"name": name}
    for setting in settings:
        key, _, value = setting.partition("=")
        table[key] = _number(value)
    return table


def _choices(text: str) -> list[Any] | Any:
    parts = [_choice(part) for part in text.split(",")]
    return parts if len(parts) > 1 else parts[0]


def _texts(text: str) -> list[str]:
    return text.split(",")


def _batch_size(text: str) -> Any:
    return text if text == "full" else _number(text)


OPTIONS = (
    Option("--builtin", "data", "builtin", "NAME", _text),
    Option("--csv", "data", "csv", "FILE", _text),
    Option("--target", "data", "target", "NAME[,NAME]", _texts),
    Option("--series", "data", "series", "FILE", _text),
    Option("--window", "data", "window", "N", _number),
    Option("--npz", "data", "npz", "FILE", _text),
    Option("--samples", "data", "samples", "N", _number),
    Option("--noise", "data", "noise", "X", _number),
    Option("--validation", "data", "validation", "FRACTION", _number),
    Option("--features", "data", "features", "NAME[,NAME]", _texts),
    Option("--hidden", "network", "hidden", "N[,N]", _numbers),
    Option("--activation", "network", "activation", "NAME", _choices),
    Option("--output", "network", "output", "NAME", _choice),
    Option("--initializer", "network", "initializer", "NAME", _choice),
    Option("--precision", "network", "precision", "NAME", _text),
    Option("--loss", "training", "loss", "NAME", _choice),
    Option("--reduction", "training", "reduction", "mean|sum", _text),
    Option("--optimizer", "training", "optimizer", "NAME", _choice),
    Option("--learning-rate", "training", "learning_rate", "X", _number),
    Option("--batch-size", "training", "batch_size", "N|full", _batch_size),
    Option("--weight-decay", "training", "weight_decay", "X", _number),
    Option("--l1", "training", "l1", "X", _number),
    Option("--gradient-clip", "training", "gradient_clip", "X", _number),
    Option("--epochs", "experiment", "epochs", "N", _number),
    Option("--until", "experiment", "until", "CONDITION", _text),
    Option("--seed", "experiment", "seed", "N", _number),
)
SWITCHES = (("--bias", "network", "bias"), ("--standardize", "data", "standardize"))


_CATALOGUES: Mapping[str, Mapping[str, Any]] = {
    "activation": ACTIVATIONS,
    "output": ACTIVATIONS,
    "initializer": INITIALIZERS,
    "loss": LOSSES,
    "optimizer": OPTIMIZERS,
}


def option_text(key: str, value: Any) -> str:
    """Return the text that an option has for a key's value, as short as it can be."""
    if value is None:
        return "full"
    if isinstance(value, Choice):
        defaults = _CATALOGUES[key][value.name].defaults
        settings = [
            f"{name}={plain_number(given)}" for name, given in value.options if given != defaults[name]
        ]
        return ":".join([value.name, *settings])
    if isinstance(value, tuple):
        texts = [option_text(key, item) for item in value]
        alike = key == "activation" and len(set(texts)) == 1
        return texts[0] if alike else ",".join(texts)
    return value if isinstance(value, str) else plain_number(value)


def own_data_base(values: Mapping[str, Any]) -> Experiment:
    """Return the experiment that own data are given where nothing else is said, not yet resolved.

    Parameters
    ----------
    values : mapping
        What the command line sets, as ``{"training.loss": …}``; one of them is a source of :data:`OWN_DATA`.
    """
    loss = values.get("training.loss", TrainingSpec().loss).name
    source = next(name for name in OWN_DATA if f"data.{name}" in values)
    base = Experiment(
        name=Path(values[f"data.{source}"]).stem or "own-data",
        description=f"{source} {values[f'data.{source}']}",
        network=NetworkSpec(hidden=(8,), output=Choice(LOSSES[loss].output)),
        training=TrainingSpec(learning_rate=0.05),
    )
    return override(base, {"data.validation": 0.2, "data.standardize": True, **values})
