"""Changes of a script beyond its gradient, written in its own names."""

from __future__ import annotations

import re

import pytest

from backprop_core.review.mending.correction import apply
from backprop_core.review.mending.rewriting import KINDS, Names, changed_lines, rewritten, writable
from tests.review.test_posted_network import SCRIPT

FLAT = SCRIPT.read_text(encoding="utf-8")
NAMES = Names("X", "rate", ("w1", "w2"), "", "output", False, FLAT[: FLAT.index("for epoch")].count("\n") + 1)

COLUMNS = """\
import numpy as np
rng = np.random.default_rng(0)
class Net:
    def __init__(self, n):
        self.W1 = rng.random((n, 2))
        self.W2 = 0.1 * rng.normal(size=(1, n))

    def forward(self, X):
        self.z1 = np.dot(self.W1, X)
        self.a1 = np.tanh(self.z1)
        self.z2 = self.W2 @ self.a1
        return relu(self.z2)

    def train(self, X, Y, lr):
        for epoch in range(9):
            a2 = self.forward(X)
            d2 = (a2 - Y) * (self.z2 > 0)
            dW2 = d2 @ self.a1.T / 5
            d1 = self.W2.T @ d2 * (1 - self.a1 ** 2)
            self.W2 = self.W2 - lr * dW2
            self.W1 -= lr * np.dot(d1, X.T) / 5
"""
OF_COLUMNS = Names("X", "lr", ("self.W1", "self.W2"), "self.z2", "", True, 15)


def lines_of(source, kinds, names, rate=0.0):
    changed = rewritten(source, kinds, names, rate)
    assert changed is not None
    lines = changed_lines(source, changed)
    assert apply(source, lines) == changed
    return [
        line.strip() for text in lines.values() for line in text.split("\n") if line not in source.split("\n")
    ]


def test_inputs_are_scaled_before_the_loop_and_those_of_tests_alike():
    assert lines_of(FLAT, ["scale"], NAMES) == [
        "X_mean, X_std = X.mean(axis=0), X.std(axis=0)",
        "X = (X - X_mean) / X_std",
        "X_test = (X_test - X_mean) / X_std",
    ]


def test_an_output_is_made_linear_wherever_it_is_computed():
    assert lines_of(FLAT, ["linear"], NAMES) == [
        "output = hidden.dot(w2)",
        "print(relu(X_test.dot(w1)).dot(w2))",
    ]
    assert lines_of(COLUMNS, ["linear"], OF_COLUMNS) == ["return self.z2", "d2 = (a2 - Y)"]


def test_start_weights_keep_generator_and_shape():
    assert lines_of(FLAT, ["start"], NAMES) == [
        "w1 = np.random.randn(3, 4) * np.sqrt(2 / 3)",
        "w2 = np.random.randn(4, 1) * np.sqrt(2 / 4)",
    ]
    assert lines_of(COLUMNS, ["start"], OF_COLUMNS) == [
        "self.W1 = rng.standard_normal((n, 2)) * np.sqrt(2 / 2)",
        "self.W2 = rng.standard_normal((1, n)) * np.sqrt(2 / n)",
    ]


def test_biases_are_made_added_and_updated_as_the_weights_are():
    assert lines_of(FLAT, ["bias"], NAMES) == [
        "b1 = np.zeros((1, w1.shape[1]))",
        "b2 = np.zeros((1, w2.shape[1]))",
        "hidden = relu(X.dot(w1) + b1)",
        "output = relu(hidden.dot(w2) + b2)",
        "b2 -= rate * delta_output.sum(axis=0, keepdims=True)",
        "b1 -= rate * delta_hidden.sum(axis=0, keepdims=True)",
        "print(relu(relu(X_test.dot(w1) + b1).dot(w2) + b2))",
    ]
    assert lines_of(COLUMNS, ["bias"], OF_COLUMNS) == [
        "self.b1 = np.zeros((self.W1.shape[0], 1))",
        "self.b2 = np.zeros((self.W2.shape[0], 1))",
        "self.z1 = np.dot(self.W1, X) + self.b1",
        "self.z2 = self.W2 @ self.a1 + self.b2",
        "self.b2 = self.b2 - lr * (d2.sum(axis=1, keepdims=True) / 5)",
        "self.b1 -= lr * d1.sum(axis=1, keepdims=True) / 5",
    ]


def test_a_rate_is_changed_where_it_gets_its_value():
    assert lines_of(FLAT, ["rate"], NAMES, 0.05) == ["rate = 0.05"]


def test_all_changes_together_make_a_script_that_runs_and_learns(capsys):
    source = FLAT.replace("dot(delta_output)\n", "dot(delta_output) / N\n").replace(
        "dot(delta_hidden)\n", "dot(delta_hidden) / N\n"
    )
    source = source.replace("dot(w2.T)\n", "dot(w2.T) * (hidden > 0)\n")
    changed = rewritten(source, KINDS, NAMES, 0.05)
    exec(compile(changed, "changed", "exec"), {"__name__": "__main__"})
    assert float(re.search(r"E = (\S+)", capsys.readouterr().out)[1]) < 0.05


@pytest.mark.parametrize("kind", ["scale", "rate"])
def test_what_is_written_in_another_way_is_left_alone(kind):
    assert rewritten(COLUMNS, [kind], OF_COLUMNS, 1.0) is None
    assert kind not in writable(COLUMNS, OF_COLUMNS)


def test_text_that_is_no_ascii_keeps_its_place():
    source = 'np.random.seed(0)\nw = np.random.rand(2, 2); é = "ü"  # gewicht é\nrate = 0.1\n'
    names = Names("", "rate", ("w",), "", "", False, 3)
    changed = rewritten(source, ["start", "rate"], names, 0.5)
    assert changed == (
        'np.random.seed(0)\nw = np.random.randn(2, 2) * np.sqrt(2 / 2); é = "ü"  # gewicht é\nrate = 0.5\n'
    )
