"""One epoch of the digits against scikit-learn's MLPClassifier: equal network, batch and solver."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

from backprop_core.presets import load_preset
from backprop_core.trainer import Trainer
from benchmarks.report import Row, row_of
from benchmarks.rounds import ratios, take_turns

if TYPE_CHECKING:
    from collections.abc import Callable

WHAT = "epoch of digits: faster than scikit-learn's MLPClassifier"
TARGET = 1.5
ROUNDS = 11


def measure() -> list[Row]:
    """Return the one row."""
    preset = load_preset("digits")
    trainer = Trainer(replace(preset, data=replace(preset.data, validation=0.0)))
    classifier = classifier_epochs(trainer)
    if classifier is None:
        return [Row(WHAT, "{:.2f} ×", TARGET, True, note="scikit-learn is not installed")]
    times = take_turns({"trainer": trainer.run_epochs, "scikit-learn": classifier}, ROUNDS, seconds=0.3)
    return [row_of(WHAT, ratios(times["scikit-learn"], times["trainer"]), "{:.2f} ×", at_least=TARGET)]


def classifier_epochs(trainer: Trainer) -> Callable[[int], None] | None:
    """Return the same training by scikit-learn, None where it is not installed."""
    try:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier
    except ImportError:
        return None
    x, labels = trainer.dataset.x, trainer.dataset.y.argmax(axis=1)
    spec = trainer.experiment

    def epochs(count: int) -> None:
        classifier = MLPClassifier(
            spec.network.hidden,
            solver="sgd",
            momentum=0.0,
            alpha=0.0,
            batch_size=trainer.batch_size,
            learning_rate_init=spec.training.learning_rate,
            max_iter=count,
            n_iter_no_change=count + 1,
            random_state=0,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            classifier.fit(x, labels)

    return epochs
