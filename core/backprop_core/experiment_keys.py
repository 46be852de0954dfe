"""The keys of an experiment, one entry each: section, field, how a value is checked, help."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from backprop_core.activations import ACTIVATIONS
from backprop_core.errors import UserError, nearest
from backprop_core.experiment import Choice
from backprop_core.features import checked
from backprop_core.frozen import dataclass
from backprop_core.grammar import parse_condition
from backprop_core.initializers import INITIALIZERS
from backprop_core.losses import LOSSES
from backprop_core.optimizers import OPTIMIZERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LONGEST_TEXT = 400
LARGEST_COUNT = 2**53
MOST_LAYERS = 1000


@dataclass(frozen=True)
class Key:
    """A key of an experiment file: ``read`` turns a TOML value into the field's, or raises UserError."""

    section: str
    name: str
    read: Callable[[Any], Any]
    help: str


def _kind(value: object) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list"}
    return names.get(type(value), "a table" if isinstance(value, dict) else type(value).__name__)


def text(value: Any) -> str:
    """One line of text."""
    if not isinstance(value, str):
        raise UserError(f"must be text, not {_kind(value)}")
    if "\n" in value or len(value) > LONGEST_TEXT:
        raise UserError(f"must be one line of at most {LONGEST_TEXT} characters")
    return value


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise UserError(f"must be true or false, not {_kind(value)}")
    return value


def _short(value: int) -> str:
    return str(value) if abs(value) < 10**20 else "a number of more than 20 digits"


def count(least: int) -> Callable[[Any], int]:
    """Return a reader of whole numbers from ``least`` on."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise UserError(f"must be a whole number, not {_kind(value)}")
        if not least <= value <= LARGEST_COUNT:
            most = f", and at most {LARGEST_COUNT}" if value > least else ""
            raise UserError(f"must be {least} or more{most}, not {_short(value)}")
        return value

    return read


def number(low: float = -math.inf, high: float = math.inf, *, below: bool = False) -> Callable[[Any], float]:
    """Return a reader of finite numbers from ``low`` to ``high``, or with ``below`` to under ``high``."""

    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise UserError(f"must be a number, not {_kind(value)}")
        try:
            converted = float(value)
        except OverflowError:
            converted = math.inf
        inside = low <= converted and (converted < high if below else converted <= high)
        if not math.isfinite(converted) or not inside:
            bounds = (
                f"{low:g} or more"
                if high == math.inf
                else f"from {low:g} to {'under ' if below else ''}{high:g}"
            )
            given = f"{converted:g}" if isinstance(value, int) else value
            raise UserError(f"must be a finite number{'' if low == -math.inf else ' ' + bounds}, not {given}")
        return converted

    return read


def one_of(*known: str) -> Callable[[Any], str]:
    """Return a reader of one of these words."""

    def read(value: Any) -> str:
        word = text(value)
        if word not in known:
            raise UserError(f"unknown '{word}'{nearest(word, known)}")
        return word

    return read


def choice(catalogue: Mapping[str, Any]) -> Callable[[Any], Choice]:
    """Return a reader of a catalogue entry: its name, or a table of name and options."""

    def read(value: Any) -> Choice:
        if isinstance(value, str):
            return Choice(one_of(*catalogue)(value))
        if not isinstance(value, dict) or "name" not in value:
            raise UserError('must be a name, or a table such as { name = "…" }')
        name = one_of(*catalogue)(value["name"])
        options = {}
        for key, given in value.items():
            if key == "name":
                continue
            if key not in catalogue[name].defaults:
                raise UserError(f"'{name}' has no option '{key}'{nearest(key, catalogue[name].defaults)}")
            options[key] = float(given) if isinstance(given, bool) else number()(given)
        return Choice(name, tuple(options.items()))

    return read


def names(value: Any) -> tuple[str, ...]:
    """A text, or a list of texts."""
    if isinstance(value, str):
        return (text(value),)
    if not isinstance(value, list):
        raise UserError(f"must be text or a list of texts, not {_kind(value)}")
    return tuple(text(item) for item in value)


def features(value: Any) -> tuple[str, ...]:
    """Features made of two inputs; an empty list for the inputs as they are."""
    given = names(value)
    return checked(given) if given else ()


def units(value: Any) -> tuple[int, ...]:
    """The hidden layers' numbers of neurons."""
    sizes = value if isinstance(value, list) else [value]
    if len(sizes) > MOST_LAYERS:
        raise UserError(f"must have at most {MOST_LAYERS} layers, not {len(sizes)}")
    return tuple(count(1)(size) for size in sizes)


def activations(value: Any) -> tuple[Choice, ...]:
    """One activation, or one a hidden layer."""
    read = choice(ACTIVATIONS)
    return tuple(read(item) for item in value) if isinstance(value, list) else (read(value),)


def batch_size(value: Any) -> int | None:
    """A number of samples, or None for "full"."""
    if value == "full":
        return None
    if isinstance(value, str):
        raise UserError(f"must be a whole number or \"full\", not '{value}'")
    return count(1)(value)


def weights(value: Any) -> Any:
    """A path, or a table of arrays."""
    if isinstance(value, str):
        return text(value)
    if not isinstance(value, dict):
        raise UserError("must be a file's path or a table of arrays W1, b1, W2, …")
    return tuple((text(name), _array(name, array)) for name, array in value.items())


def _array(name: str, value: Any) -> tuple[Any, ...]:
    read = number()
    if not isinstance(value, list) or not value:
        raise UserError(f"'{name}' must be a list of numbers, or of rows of numbers")
    if not isinstance(value[0], list):
        return tuple(read(item) for item in value)
    rows = []
    for row in value:
        if not isinstance(row, list) or len(row) != len(value[0]) or not row:
            raise UserError(f"'{name}' must have rows of equal length")
        rows.append(tuple(read(item) for item in row))
    return tuple(rows)


def condition(value: Any) -> str:
    """A condition, as text."""
    try:
        parse_condition(text(value))
    except UserError as error:
        raise UserError(f"is no condition: {error}") from None
    return str(value)


def missing_derivative(value: Any) -> tuple[str, ...]:
    """Whose derivative is left out."""
    return tuple(one_of("hidden", "output")(name) for name in names(value))


KEYS: tuple[Key, ...] = (
    Key("experiment", "name", text, "the experiment's name"),
    Key("experiment", "description", text, "one line: what it shows"),
    Key("experiment", "watch", text, "one line: what to watch, what to try"),
    Key("experiment", "seed", count(0), "seed of all randomness"),
    Key("experiment", "epochs", count(0), "epochs to train; 0: until stopped"),
    Key("experiment", "until", condition, "a condition that ends an unscripted run, e.g. loss < 0.05"),
    Key("data", "builtin", text, "a built-in data set"),
    Key("data", "csv", text, "a CSV file with a header"),
    Key("data", "target", names, "the CSV columns to predict"),
    Key("data", "series", text, "a file of numbers"),
    Key("data", "window", count(1), "predict the next number of a series from so many before it"),
    Key("data", "npz", text, "a NumPy archive with the arrays X and y"),
    Key("data", "samples", count(2), "how many samples a built-in data set makes"),
    Key("data", "noise", number(0), "noise of a built-in data set"),
    Key("data", "seed", count(0), "seed of a built-in data set's own randomness"),
    Key("data", "validation", number(0, 1, below=True), "fraction held out of training"),
    Key("data", "standardize", flag, "zero mean and unit variance, fitted on the training set"),
    Key("data", "features", features, "what the network sees of two inputs, e.g. x, y, x^2, xy, sin(x)"),
    Key("network", "hidden", units, "neurons of each hidden layer"),
    Key("network", "activation", activations, "activation of the hidden layers"),
    Key("network", "output", choice(ACTIVATIONS), "activation of the output layer"),
    Key("network", "bias", flag, "whether the neurons have biases"),
    Key("network", "initializer", choice(INITIALIZERS), "how weights are drawn"),
    Key("network", "weights", weights, "given start weights"),
    Key("network", "freeze", names, "parameters that training leaves alone"),
    Key("network", "precision", one_of("float64", "float32"), "precision of all numbers"),
    Key("training", "loss", choice(LOSSES), "what training makes small"),
    Key("training", "reduction", one_of("mean", "sum"), "of the gradient over the batch"),
    Key("training", "optimizer", choice(OPTIMIZERS), "how the gradient becomes an update"),
    Key("training", "learning_rate", number(0), "the step's size"),
    Key("training", "batch_size", batch_size, "samples a step, or full"),
    Key("training", "weight_decay", number(0), "decay of the parameters"),
    Key("training", "l1", number(0), "L1 penalty: times the sum of all |weight|, biases left out"),
    Key("training", "gradient_clip", number(0), "largest global norm of the gradient; 0: none"),
    Key("mistakes", "missing_derivative", missing_derivative, "whose derivative is left out: hidden, output"),
)
