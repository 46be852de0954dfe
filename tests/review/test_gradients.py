"""The recorded graph's gradient, against central differences of the same expression."""

from __future__ import annotations

import builtins

import numpy as np
import pytest

from backprop_core.review.following.gradients import gradients
from backprop_core.review.running.instrument import RECORDER, instrument
from backprop_core.review.running.recorder import Recorder

EXPRESSIONS = [
    "np.sum(np.tanh(x @ w) ** 2)",
    "np.mean(np.exp(-x) * 3.0 / (1 + x ** 2))",
    "np.sum(np.maximum(0, x) * np.where(x > 0.2, x, 0.1 * x))",
    "-np.sum(np.log(np.exp(x - x.max(axis=1, keepdims=True)).sum(axis=1)))",
    "np.linalg.norm(x - 1.5) ** 2",
    "np.einsum('ij,jk->ik', x, w).clip(-1.0, 1.0).sum()",
    "sum(row.dot(row) for row in x)",
    "np.array([x[0, 0] * x[1, 1], np.sqrt(x[1, 0] ** 2 + 1.0)]).sum()",
    "np.vectorize(lambda v: v * v if v > 0 else 0.3 * v)(x).mean()",
    "np.outer(x[0], x[1]).T[1:, :2].sum() + np.hstack([x, 2 * x]).var()",
]


def recorded(monkeypatch, expression, x, w):
    tree, sites = instrument(f"out = {expression}\n", "expression.py")
    names = {"np": np, "x": x, "w": w}
    recorder = Recorder(sites, "expression.py", names)
    recorder.recording = True
    monkeypatch.setattr(builtins, RECORDER, recorder, raising=False)
    exec(compile(tree, "expression.py", "exec"), names)
    recorder.recording = False
    return recorder, names["out"]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_reverse_mode_agrees_with_central_differences(monkeypatch, expression):
    generator = np.random.default_rng(3)
    x, w = generator.normal(size=(2, 3)), generator.normal(size=(3, 3))
    recorder, out = recorded(monkeypatch, expression, x, w)
    found = gradients(recorder.node_of(out), {recorder.node_of(x)})[recorder.node_of(x)]

    def at(changed):
        return eval(expression, {"np": np, "x": changed, "w": w})

    for position in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[position] = 1e-6
        assert found[position] == pytest.approx((at(x + step) - at(x - step)) / 2e-6, rel=1e-5, abs=1e-7)


def test_what_is_overwritten_in_place_keeps_its_old_value_in_the_graph(monkeypatch):
    x = np.array([[1.0, -2.0, 3.0], [0.5, 0.1, -1.0]])
    source = "z = x * 2.0\na = z * z\nz[z < 0] = 0.0\nout = (a + z).sum()\n"
    tree, sites = instrument(source, "overwriting.py")
    names = {"np": np, "x": x}
    recorder = Recorder(sites, "overwriting.py", names)
    recorder.recording = True
    monkeypatch.setattr(builtins, RECORDER, recorder, raising=False)
    exec(compile(tree, "overwriting.py", "exec"), names)
    found = gradients(recorder.node_of(names["out"]), {recorder.node_of(x)})[recorder.node_of(x)]
    np.testing.assert_allclose(found, 8 * x + 2 * (x > 0))
