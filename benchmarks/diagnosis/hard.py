"""Healthy setups that look ill to a rule of thumb; a record each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.diagnosis.faults import RECTIFIERS
from benchmarks.diagnosis.setups import ADAPTIVE, Twins

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.diagnosis.setups import Setup, Weights


@dataclass(frozen=True)
class Hard:
    """``make(setup)`` returns a setup with an oddity and its twin without, or None where it cannot have it.

    ``noisy`` says that no network learns most of the targets.
    """

    name: str
    make: Callable[[Setup], Twins | None]
    noisy: bool = False


def _sparse(setup: Setup) -> Twins | None:
    """Two to three times as many rectifiers, each silent on most samples and on none of them all."""
    if setup.activation not in RECTIFIERS or len(setup.hidden) > 2:
        return None

    def edit(weights: Weights, _rng: np.random.Generator) -> None:
        spread = np.sqrt((weights["W1"] ** 2).sum(axis=0))
        weights["b1"][:] = -0.8 * spread

    wide = setup.having(network__hidden=[3 * setup.hidden[0], *setup.hidden[1:]])
    return Twins(wide.edited(edit), wide)


def _few_dead(setup: Setup) -> Twins | None:
    """A fifth of the first layer never fires; the others do the work."""
    if setup.activation not in RECTIFIERS or setup.hidden[0] < 10:
        return None

    def edit(weights: Weights, rng: np.random.Generator) -> None:
        units = len(weights["b1"])
        weights["b1"][rng.permutation(units)[: units // 5]] = -30.0

    return Twins(setup.edited(edit), setup)


def _small_batches(setup: Setup) -> Twins | None:
    """Batches of four at a rate that suits them."""
    epochs = max(int(3000 * 4 / len(setup.samples.x)), 1)
    small = setup.having(
        training__batch_size=4, training__learning_rate=setup.rate / 4, experiment__epochs=epochs
    )
    return Twins(small, setup)


def _raw_inputs(setup: Setup) -> Twins | None:
    """Inputs in units of their own, and a rate with which they are learnt all the same."""
    samples = setup.samples
    scale = np.resize([2.0, 0.7, 4.0], samples.x.shape[1])
    raw = setup.drawing_from(replace(samples, x=(samples.x + 0.5) * scale))
    adaptive = setup.keys["training.optimizer"] in ADAPTIVE
    longer = {"experiment__epochs": 3 * int(setup.keys["experiment.epochs"])}
    odd = raw.having(training__learning_rate=setup.rate / (1 if adaptive else 5), **longer)
    return Twins(odd, setup.having(**longer))


def _slow(setup: Setup) -> Twins | None:
    """A rate six times lower, and three times as many epochs."""
    longer = setup.having(experiment__epochs=3 * int(setup.keys["experiment.epochs"]))
    return Twins(longer.having(training__learning_rate=setup.rate / 6), longer)


def _noisy_targets(setup: Setup) -> Twins | None:
    """Much of what the targets do is noise; the twin is trained twice as long and gains nothing by it."""
    samples, rng = setup.samples, np.random.default_rng(11)
    if samples.task == "regression":
        y = samples.y + rng.normal(0, 0.8, samples.y.shape) * samples.y.std(axis=0)
    elif samples.task == "binary":
        flipped = rng.uniform(size=samples.y.shape) < 0.15
        y = np.where(flipped, 1 - samples.y, samples.y)
    else:
        return None
    narrow = [min(units, 6) for units in setup.hidden]
    noisy = setup.drawing_from(replace(samples, y=y)).having(network__hidden=narrow)
    return Twins(noisy, noisy.having(experiment__epochs=2 * int(setup.keys["experiment.epochs"])))


def _summed(setup: Setup) -> Twins | None:
    """Sums over the batch with a rate that allows for them: the same steps as the mean's."""
    adaptive = setup.keys["training.optimizer"] in ADAPTIVE
    rate = setup.rate if adaptive else setup.rate / setup.batch
    return Twins(setup.having(training__reduction="sum", training__learning_rate=rate), setup)


def _positive_weights(setup: Setup) -> Twins | None:
    initializer = {"name": "uniform", "low": 0.0, "high": 0.4}
    return Twins(setup.having(network__initializer=initializer), setup)


def _some_rare(setup: Setup) -> Twins | None:
    """One class has an eighth of the other's samples, and is told apart."""
    samples = setup.samples
    if samples.task != "binary":
        return None
    rare, common = np.flatnonzero(samples.y[:, 0] == 1), np.flatnonzero(samples.y[:, 0] == 0)
    kept = np.concatenate([common, rare[: max(len(common) // 8, 4)]])
    odd = setup.drawing_from(replace(samples, x=samples.x[kept], y=samples.y[kept]))
    return Twins(odd, setup)


def _held_out(setup: Setup) -> Twins | None:
    """A quarter held out: its loss is above the training set's, and stays there."""
    return Twins(setup.having(data__validation=0.25), setup)


def _fast(setup: Setup) -> Twins | None:
    """A rate twice as high: the loss jumps now and then, and gets there."""
    return Twins(setup.having(training__learning_rate=2 * setup.rate), setup)


def _short(setup: Setup) -> Twins | None:
    """Half of the epochs: it is still learning at its end."""
    half = max(int(setup.keys["experiment.epochs"]) // 2, 1)
    return Twins(setup.having(experiment__epochs=half), setup)


def _standardized(setup: Setup) -> Twins | None:
    samples = setup.samples
    raw = setup.drawing_from(replace(samples, x=samples.x * 40 + 200))
    return Twins(raw.having(data__standardize=True), setup)


def _repeated(setup: Setup) -> Twins | None:
    """Every sample was measured twice, with slightly different results."""
    samples, rng = setup.samples, np.random.default_rng(5)
    if samples.task != "regression":
        return None
    half = len(samples.x) // 2
    x, y = samples.x.copy(), samples.y.copy()
    x[half : 2 * half] = x[:half]
    y[half : 2 * half] = y[:half] + rng.normal(0, 0.05, y[:half].shape)
    return Twins(setup.drawing_from(replace(samples, x=x, y=y)), setup)


HARD: tuple[Hard, ...] = (
    Hard("sparse", _sparse),
    Hard("a few dead", _few_dead),
    Hard("small batches", _small_batches),
    Hard("raw inputs", _raw_inputs),
    Hard("slow and steady", _slow),
    Hard("high noise floor", _noisy_targets, noisy=True),
    Hard("summed, low rate", _summed),
    Hard("positive weights", _positive_weights),
    Hard("a rarer class", _some_rare),
    Hard("validated", _held_out),
    Hard("twice the rate", _fast),
    Hard("half the epochs", _short),
    Hard("standardised", _standardized),
    Hard("measured twice", _repeated),
)
