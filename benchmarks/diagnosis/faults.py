"""The faults that are injected, a record each: the id, the grades, and how a clean setup gets it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.diagnosis.samples import Samples
from benchmarks.diagnosis.setups import Twins

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.diagnosis.setups import Edit, Setup, Weights

RECTIFIERS = ("relu",)
BOUNDED = ("tanh", "sigmoid")


@dataclass(frozen=True)
class Fault:
    """A fault that an experiment can have.

    Attributes
    ----------
    name : str
        Of this way to get the fault; ``id`` is the diagnosis's word for it.
    grades : tuple of float
        From hardly to badly; what they count, ``inject`` says.
    inject : callable(setup, grade) -> Twins or None
        None where the setup cannot have this fault.
    also : frozenset of str
        Ids that say the same of it in other words: the step or the weights that are too large may as well
        be named by what they do at once.
    curable : bool
        Whether any change of network or training can undo the harm; false where the data have to change.
    judged_by : str
        Whose loss shows the harm: ``"training"`` or ``"validation"``.
    """

    name: str
    id: str
    grades: tuple[float, ...]
    inject: Callable[[Setup, float], Twins | None]
    also: frozenset[str] = frozenset()
    curable: bool = True
    judged_by: str = "training"


def _changed(setup: Setup, **keys: Any) -> Twins:
    return Twins(setup.having(**keys), setup)


def _summed_gradient(setup: Setup, share: float) -> Twins | None:
    """``share`` of the batch is left of it, so that the sum is not always of hundreds."""
    if setup.batch * share < 4:
        return None
    samples = setup.samples
    kept = max(int(len(samples.x) * share), 12)
    chosen = np.random.default_rng(kept).permutation(len(samples.x))[:kept]
    fewer = setup.drawing_from(replace(samples, x=samples.x[chosen], y=samples.y[chosen]))
    return Twins(fewer.having(training__reduction="sum"), fewer)


def _missing_derivative(setup: Setup, _grade: float, whose: tuple[str, ...]) -> Twins | None:
    if "output" in whose and setup.keys["network.output"] == "linear":
        return None
    return _changed(setup, mistakes__missing_derivative=list(whose))


def _rate_times(setup: Setup, factor: float) -> Twins | None:
    return _changed(setup, training__learning_rate=setup.rate * factor)


def _output(setup: Setup, _grade: float, activation: str) -> Twins | None:
    if setup.samples.task != "regression":
        return None
    return _changed(setup, network__output=activation)


def _dead_output(setup: Setup, depth: float) -> Twins | None:
    """The output's bias lies ``depth`` times below all that its inputs, of order 1, can add to it."""
    if setup.keys["network.output"] != "relu":
        return None

    def edit(weights: Weights, _rng: np.random.Generator) -> None:
        last = max(name for name in weights if name.startswith("W"))
        weights[last.replace("W", "b")][:] = -depth * (1.0 + np.abs(weights[last]).sum(axis=0))

    return Twins(setup.edited(edit), setup)


def _biases(share: float, bias: float, *, alternating: bool, layers: str = "all") -> Edit:
    def edit(weights: Weights, rng: np.random.Generator) -> None:
        hidden = sorted(name for name in weights if name.startswith("b"))[:-1]
        for name in hidden[:1] if layers == "first" else hidden:
            units = len(weights[name])
            chosen = rng.permutation(units)[: max(round(share * units), 1)]
            signs = rng.choice([-1.0, 1.0], len(chosen)) if alternating else 1.0
            weights[name][chosen] = bias * signs

    return edit


def _dead_units(setup: Setup, share: float) -> Twins | None:
    """``share`` of the first hidden layer's rectifiers lie where no sample reaches them."""
    if setup.activation not in RECTIFIERS:
        return None
    return Twins(setup.edited(_biases(share, -30.0, alternating=False, layers="first")), setup)


def _initializer(setup: Setup, grade: float, name: str) -> Twins | None:
    options: dict[str, Any] = {
        "zeros": "zeros",
        "equal": {"name": "uniform", "low": grade, "high": grade},
        "positive": {"name": "uniform", "low": 0.0, "high": grade},
        "negative": {"name": "uniform", "low": -grade, "high": 0.0},
        "small": {"name": "normal", "std": grade},
    }
    if name == "small" and len(setup.hidden) < 3:
        return None
    return _changed(setup, network__initializer=options[name])


def _large_weights(setup: Setup, std: float, *, bounded: bool) -> Twins | None:
    if (setup.activation in BOUNDED) != bounded:
        return None
    return _changed(setup, network__initializer={"name": "normal", "std": std})


def _saturated_units(setup: Setup, bias: float) -> Twins | None:
    if setup.activation not in BOUNDED:
        return None
    return Twins(setup.edited(_biases(1.0, bias, alternating=True)), setup)


def _on_inputs(setup: Setup, change: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]) -> Twins:
    samples = setup.samples
    changed = replace(samples, x=change(samples.x), x_validation=change(samples.x_validation))
    return Twins(setup.drawing_from(changed), setup)


def _scaled_column(setup: Setup, factor: float) -> Twins | None:
    """The first column is counted in units that are ``factor`` times smaller."""
    if setup.samples.x.shape[1] < 2:
        return None
    scale = np.ones(setup.samples.x.shape[1])
    scale[0] = factor
    return _on_inputs(setup, lambda x: x * scale)


def _offset_inputs(setup: Setup, offset: float) -> Twins | None:
    return _on_inputs(setup, lambda x: x + offset)


def _wild_row(setup: Setup, factor: float) -> Twins | None:
    """One row's inputs are ``factor`` times too large, as a slipped decimal point or a marker makes them."""

    def change(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        wild = x.copy()
        wild[len(x) // 3 : len(x) // 3 + 1] *= factor
        return wild

    return _on_inputs(setup, change)


def _scaled_inputs(setup: Setup, factor: float) -> Twins | None:
    return _on_inputs(setup, lambda x: x * factor)


def _missing_bias(setup: Setup, offset: float) -> Twins | None:
    """Targets, or the only input, are shifted, so that a bias is needed; the twin has one."""
    samples = setup.samples
    if samples.task == "regression":
        shifted = replace(samples, y=samples.y + offset)
    else:
        shifted = replace(samples, x=samples.x + offset)
    clean = setup.drawing_from(shifted)
    return _changed(clean, network__bias=False)


def _deep_sigmoid(setup: Setup, layers: float) -> Twins | None:
    """The twin has as many layers, of tanh. An output that can die would, every other time, of itself."""
    if setup.activation not in BOUNDED or setup.keys["network.output"] == "relu":
        return None
    deep = setup.having(network__hidden=[setup.hidden[-1]] * int(layers), network__activation="tanh")
    return _changed(deep, network__activation="sigmoid")


def _deep_large(setup: Setup, gain: float) -> Twins | None:
    """Each layer multiplies its input by ``gain``."""
    if len(setup.hidden) < 3 or setup.activation in BOUNDED:
        return None
    return _changed(
        setup, network__initializer={"name": "normal", "std": gain * (2 / setup.hidden[0]) ** 0.5}
    )


def _tiny_batches(setup: Setup, factor: float) -> Twins | None:
    """One sample a step at ``factor`` times the rate, with which the twin's batches of 16 or more still learn."""
    samples = setup.samples
    if setup.batch < 16:
        return None
    epochs = min(int(setup.keys["experiment.epochs"]), 3000 // len(samples.x))
    size = min(setup.batch, 20)
    clean = setup.having(
        experiment__epochs=5 * epochs, training__batch_size=size, training__learning_rate=factor * setup.rate
    )
    return _changed(clean, training__batch_size=1)


def _contradictory(setup: Setup, share: float) -> Twins | None:
    """``share`` of the rows are copies of other rows' inputs with targets drawn from all."""
    samples = setup.samples
    rng = np.random.default_rng(len(samples.x))
    order = rng.permutation(len(samples.x))
    count = int(len(order) * share / 2)
    copies, originals = order[:count], order[count : 2 * count]
    x, y = samples.x.copy(), samples.y.copy()
    x[copies] = x[originals]
    # Far from the original's: the other half of the targets in order.
    rank = np.argsort(np.argsort(samples.y[:, 0], kind="stable"), kind="stable")
    by_rank = np.argsort(rank)
    y[copies] = samples.y[by_rank[(rank[originals] + len(rank) // 2) % len(rank)]]
    return Twins(setup.drawing_from(replace(samples, x=x, y=y)), setup)


def _narrow(setup: Setup, units: float) -> Twins | None:
    return _changed(setup, network__hidden=[int(units)] * len(setup.hidden))


def _linear(setup: Setup, _grade: float) -> Twins | None:
    return _changed(setup, network__activation="linear")


def _overfitting(setup: Setup, noise: float) -> Twins | None:
    """Few noisy samples and a wide network; the twin is narrow, decays its weights and stops early."""
    samples, rng = setup.samples, np.random.default_rng(7)
    if samples.task not in ("binary", "regression"):
        return None
    order = rng.permutation(len(samples.x))
    count = len(order) // 3
    training, held = order[:count], order[count:]
    y = samples.y.copy()
    if samples.task == "binary":
        flipped = training[: int(noise * count)]
        y[flipped] = 1 - y[flipped]
    else:
        y[training] += rng.normal(0, 2 * noise, (count, y.shape[1]))
    few = Samples(samples.task, samples.x[training], y[training], samples.x[held], y[held])
    wide = setup.drawing_from(few).having(
        network__hidden=[48, 48], training__batch_size="full", experiment__epochs=1000
    )
    clean = wide.having(network__hidden=[6], training__weight_decay=0.01, experiment__epochs=400)
    return Twins(wide, clean)


def _imbalanced(setup: Setup, haste: float) -> Twins | None:
    """One sample of the rarer class for thirty of the other, in ``haste`` times fewer epochs: the rarer one is
    left for later, which does not come; of as many samples of both classes the twin learns both."""
    samples = setup.samples
    if samples.task != "binary":
        return None
    rare = np.flatnonzero(samples.y[:, 0] == 1)
    common = np.flatnonzero(samples.y[:, 0] == 0)
    kept = np.concatenate([common, rare[: max(round(len(common) / 30), 2)]])
    hasty = setup.having(experiment__epochs=max(int(setup.keys["experiment.epochs"] / haste), 1))
    return Twins(hasty.drawing_from(replace(samples, x=samples.x[kept], y=samples.y[kept])), hasty)


_OVERSHOOT = frozenset({"diverging", "non-finite"})
_SCALES = frozenset({"saturated-units", "exploding-gradients", "vanishing-gradients"})
_ONCE = (1.0,)

FAULTS: tuple[Fault, ...] = (
    Fault("summed gradient", "wrong-gradient", (1.0, 0.3, 0.15), _summed_gradient),
    Fault(
        "hidden derivative missing",
        "wrong-gradient",
        _ONCE,
        partial(_missing_derivative, whose=("hidden",)),
    ),
    Fault(
        "output derivative missing",
        "wrong-gradient",
        _ONCE,
        partial(_missing_derivative, whose=("output",)),
    ),
    Fault(
        "both derivatives missing",
        "wrong-gradient",
        _ONCE,
        partial(_missing_derivative, whose=("hidden", "output")),
    ),
    Fault("rate too high", "learning-rate-too-high", (3.0, 10.0, 30.0, 100.0, 1e4), _rate_times, _OVERSHOOT),
    Fault("rate too low", "learning-rate-too-low", (0.1, 0.03, 0.01, 1e-3), _rate_times),
    Fault("sigmoid output", "output-cannot-reach-targets", _ONCE, partial(_output, activation="sigmoid")),
    Fault("tanh output", "output-cannot-reach-targets", _ONCE, partial(_output, activation="tanh")),
    Fault("relu output", "output-cannot-reach-targets", _ONCE, partial(_output, activation="relu")),
    Fault("softplus output", "output-cannot-reach-targets", _ONCE, partial(_output, activation="softplus")),
    Fault("dead output", "dead-output", (2.0, 6.0), _dead_output),
    Fault("dead units", "dead-units", (0.25, 0.75, 1.0), _dead_units),
    Fault("zero weights", "bad-initialization", _ONCE, partial(_initializer, name="zeros")),
    Fault("equal weights", "bad-initialization", (0.1, 0.5), partial(_initializer, name="equal")),
    Fault(
        "positive weights", "bad-initialization", (0.3, 1.0), partial(_initializer, name="positive"), _SCALES
    ),
    Fault(
        "negative weights",
        "bad-initialization",
        (0.5, 1.0),
        partial(_initializer, name="negative"),
        _SCALES | {"dead-units"},
    ),
    Fault("small weights", "bad-initialization", (0.1, 0.01), partial(_initializer, name="small"), _SCALES),
    Fault(
        "large weights",
        "bad-initialization",
        (2.0, 5.0),
        partial(_large_weights, bounded=False),
        _SCALES,
    ),
    Fault(
        "large weights of bounded units",
        "saturated-units",
        (5.0, 20.0),
        partial(_large_weights, bounded=True),
        frozenset({"bad-initialization"}),
    ),
    Fault("saturating biases", "saturated-units", (3.0, 8.0), _saturated_units),
    Fault("one column large", "unstandardized-inputs", (10.0, 100.0, 1000.0), _scaled_column),
    Fault("inputs offset", "unstandardized-inputs", (5.0, 50.0, 500.0), _offset_inputs),
    Fault("inputs scaled", "unstandardized-inputs", (0.01, 10.0, 100.0), _scaled_inputs),
    Fault(
        "one wild row",
        "non-finite",
        (1e4, 1e12),
        _wild_row,
        frozenset({"unstandardized-inputs", "diverging", "exploding-gradients"}),
    ),
    Fault("no bias", "missing-bias", (0.0, 1.0, 3.0), _missing_bias),
    Fault(
        "deep sigmoid",
        "vanishing-gradients",
        (3.0, 5.0, 6.0),
        _deep_sigmoid,
        frozenset({"saturated-units"}),
    ),
    Fault(
        "deep and growing",
        "exploding-gradients",
        (3.0, 10.0),
        _deep_large,
        frozenset({"bad-initialization"}),
    ),
    Fault("tiny batches", "noisy-batches", (1.0, 3.0), _tiny_batches, frozenset({"learning-rate-too-high"})),
    Fault("contradicting rows", "contradictory-targets", (0.3, 1.0), _contradictory, curable=False),
    Fault("narrow layers", "insufficient-capacity", (1.0, 2.0), _narrow),
    Fault("linear layers", "insufficient-capacity", _ONCE, _linear),
    Fault("few noisy samples", "overfitting", (0.15, 0.3), _overfitting, judged_by="validation"),
    Fault("rare class", "imbalanced-classes", (8.0, 16.0, 32.0), _imbalanced, curable=False),
)

PAIRS: tuple[tuple[str, str], ...] = (
    ("summed gradient", "relu output"),
    ("summed gradient", "positive weights"),
    ("both derivatives missing", "summed gradient"),
    ("rate too high", "dead units"),
    ("rate too high", "saturating biases"),
    ("rate too low", "sigmoid output"),
    ("rate too low", "small weights"),
    ("inputs offset", "no bias"),
    ("one column large", "rate too low"),
    ("inputs scaled", "large weights of bounded units"),
    ("zero weights", "rate too low"),
    ("narrow layers", "rate too high"),
    ("dead output", "rate too low"),
    ("tiny batches", "rate too high"),
    ("deep sigmoid", "rate too low"),
    ("no bias", "sigmoid output"),
)
"""Faults injected together: the second into what the first has made."""
