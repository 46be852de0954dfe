"""Check a script's label: run it, and compare what it applied with the reference."""

from __future__ import annotations

import contextlib
import io
import random
import re
import sys
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

import numpy as np

from tests.review.corpus.reference import Layer, Network
from tests.review.corpus.simulation import Epochs, simulate

if TYPE_CHECKING:
    from types import FrameType

    from tests.review.corpus.template import Script

EPOCHS = (3, 1)
"""How many epochs are compared; the second where more of them are no longer finite."""


class WrongLabelError(AssertionError):
    """A script that does not do what its label says."""


def execute(text: str, scope: str) -> tuple[dict[str, Any], str]:
    """Run a script; its namespace (with the local variables of ``scope`` when that last returned) and its output."""
    namespace: dict[str, Any] = {"__name__": "__main__", "__file__": "script.py"}
    seen: dict[str, Any] = {}

    def watch(frame: FrameType, event: str, _argument: object) -> None:
        if event == "return" and frame.f_code.co_name == scope and frame.f_code.co_filename == "script.py":
            seen.update(frame.f_locals)

    output = io.StringIO()
    random.seed(0)
    arguments = sys.argv
    absent = {name: MagicMock() for name in ("matplotlib", "matplotlib.pyplot") if name not in sys.modules}
    sys.modules.update(absent)
    sys.argv = ["script.py"]
    try:
        with contextlib.redirect_stdout(output), np.errstate(all="ignore"):
            if scope:
                sys.setprofile(watch)
            exec(compile(text, "script.py", "exec"), namespace)
    finally:
        sys.setprofile(None)
        sys.argv = arguments
        for name in absent:
            del sys.modules[name]
    return namespace | seen, output.getvalue()


def layers_of(network: Network, namespace: dict[str, Any]) -> list[Layer]:
    """Read the parameters as rows-by-samples layers."""
    found = []
    for weights, bias in network.parameters:
        W = np.array(eval(weights, namespace), dtype=float)
        b = np.array(eval(bias, namespace), dtype=float).reshape(-1) if bias else None
        found.append(Layer(W.T if network.columns else W, b))
    return found


def data_of(network: Network, namespace: dict[str, Any], outputs: int) -> tuple[Any, Any]:
    """Read the data, samples as rows."""
    X = np.array(eval(network.inputs, namespace), dtype=float)
    y = np.array(eval(network.targets, namespace), dtype=float)
    if network.columns:
        X, y = X.T, y.T
    return X, y.reshape(len(X), outputs)


def verify(script: Script) -> None:
    """Raise :class:`WrongLabelError` unless the script applies just what the reference with its mistakes gives.

    A correct script has to equal the true gradient's update; a mistaken one has to differ from it, and from
    the update with any of its mistakes left out.
    """
    try:
        _verify(script, EPOCHS[0])
    except FloatingPointError:
        _verify(script, EPOCHS[1])


def _verify(script: Script, epochs: int) -> None:
    network = script.network
    start, _ = execute(script.text(epochs=0), network.scope)
    state = np.random.get_state()  # noqa: NPY002
    ended, printed = execute(script.text(epochs=epochs), network.scope)
    layers = layers_of(network, start)
    X, y = data_of(network, start, layers[-1].W.shape[1])
    generators = [v for v in start.values() if isinstance(v, np.random.Generator | np.random.RandomState)]
    bits = [v.bit_generator if isinstance(v, np.random.Generator) else v._bit_generator for v in generators]
    states = [bit.state for bit in bits]

    def reference(without: int | None = None, everything: bool = True) -> Epochs:
        np.random.set_state(state)  # noqa: NPY002
        for bit, drawn in zip(bits, states, strict=True):
            bit.state = drawn
        mistakes = tuple(
            m.mistake
            for position, m in enumerate(script.mistakes)
            if m.mistake and everything and position != without
        )
        random.seed(0)
        names = start | {"rows": list(range(len(X))), "random": random}
        order = (lambda: np.asarray(eval(network.order, names))) if network.order else None
        with np.errstate(all="ignore"):
            return simulate(network, layers, X, y, epochs, mistakes, order)

    applied = _change(layers, layers_of(network, ended))
    expected = _change(layers, reference().layers)
    if not np.all(np.isfinite(applied)):
        raise FloatingPointError(f"{script.name}: not finite")
    size = np.linalg.norm(expected)
    if np.linalg.norm(applied - expected) > 1e-7 * size + 1e-12:
        raise WrongLabelError(
            f"{script.name}: applied and expected differ by {np.linalg.norm(applied - expected) / size:.3g}"
        )
    for position, edit in enumerate(script.mistakes):
        if edit.mistake and edit.mistake.variant == "in-loss":
            continue
        other = _change(layers, reference(without=position).layers)
        # A broadcast update may even have changed a parameter's shape.
        if other.shape == applied.shape and np.linalg.norm(applied - other) < 1e-5 * np.linalg.norm(other):
            raise WrongLabelError(f"{script.name}: {script.mistakes[position].name} changes nothing")
    in_loss = any(m.mistake and m.mistake.variant == "in-loss" for m in script.mistakes)
    if network.report and (in_loss or not script.mistakes):
        agrees = _report_agrees(script, reference(), printed)
        if agrees == in_loss:
            raise WrongLabelError(f"{script.name}: the loss printed is {'right' if agrees else 'wrong'}")


def _report_agrees(script: Script, told: Epochs, printed: str) -> bool:
    line = next((line for line in printed.split("\n") if re.search(r"\d\.\d|\de-\d", line)), "")
    number = re.findall(r"-?\d+\.?\d*(?:e[-+]?\d+)?", line)
    if not number:
        raise WrongLabelError(f"{script.name}: prints no loss")
    value = {
        "before": told.before[0],
        "after": told.after[0],
        "mean": float(np.mean(told.batches[0])),
        "sum": float(np.sum(told.batches[0])),
    }[script.network.report]
    digits = len(number[-1].partition(".")[2]) if "e" not in number[-1] else 6
    return abs(float(number[-1]) - value) < 0.6 * 10.0 ** -min(digits, 9)


def _change(before: list[Layer], after: list[Layer]) -> Any:
    return np.concatenate(
        [(a.W - b.W).ravel() for a, b in zip(after, before, strict=True)]
        + [a.b - b.b for a, b in zip(after, before, strict=True) if a.b is not None]
    )
