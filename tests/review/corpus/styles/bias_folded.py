"""Biases folded into the weights by a column of ones; samples are rows, weights (fan-out, fan-in + 1)."""

from tests.review.corpus.reference import Network
from tests.review.corpus.template import Style, mistake, variant

TEXT = """
import numpy as np

np.random.seed(8)
m = 14
X = np.random.randn(m, 3)
y = np.vstack([X[:, 0] > 0, X[:, 1] > X[:, 2]]).T.astype(float)

def g(z):
    return 1 / (1 + np.exp(-z))

def add_ones(A):
    return np.hstack([np.ones((A.shape[0], 1)), A])

epsilon = 0.8
Theta1 = np.random.rand(4, 4) * 2 * epsilon - epsilon
Theta2 = np.random.rand(2, 5) * 2 * epsilon - epsilon

iterations = @epochs@
alpha = 0.9
J_history = []
for it in range(iterations):
    # Forward propagation
    a1 = add_ones(X)
    z2 = a1.dot(Theta1.T)
    a2 = add_ones(g(z2))
    z3 = a2.dot(Theta2.T)
    h = g(z3)

    J = 1 / (2 * m) * np.sum((h - y) ** 2)
    J_history.append(J)

    # Backpropagation
    d3 = (h - y) * h * (1 - h)
    d2 = d3.dot(Theta2)[:, 1:] * a2[:, 1:] * (1 - a2[:, 1:])
    Theta1_grad = d2.T.dot(a1) / m
    Theta2_grad = d3.T.dot(a2) / m

    Theta1 = Theta1 - alpha * Theta1_grad
    Theta2 = Theta2 - alpha * Theta2_grad

if J_history:
    print("first cost", J_history[0])
    print("last cost", J_history[-1])
"""

NETWORK = Network(
    parameters=(("Theta1[:, 1:]", "Theta1[:, 0]"), ("Theta2[:, 1:]", "Theta2[:, 0]")),
    activations=("sigmoid", "sigmoid"),
    loss="half-mse",
    rate=0.9,
    inputs="X.T",
    targets="y.T",
    columns=True,
)

MISTAKES = (
    mistake("missing-output-derivative", 2, ("d3 = (h - y) * h * (1 - h)", "d3 = h - y")),
    mistake(
        "missing-hidden-derivative",
        1,
        ("d3.dot(Theta2)[:, 1:] * a2[:, 1:] * (1 - a2[:, 1:])", "d3.dot(Theta2)[:, 1:]"),
    ),
    mistake("derivative-missing-in-gradient-only", 2, ("d3.T.dot(a2) / m", "(h - y).T.dot(a2) / m")),
    mistake("raw-error-propagated", 1, ("d3.dot(Theta2)", "(h - y).dot(Theta2)"), layers=(1, 2)),
    mistake(
        "sum-instead-of-mean",
        None,
        ("d2.T.dot(a1) / m", "d2.T.dot(a1)"),
        ("d3.T.dot(a2) / m", "d3.T.dot(a2)"),
    ),
    mistake("sum-instead-of-mean", 2, ("d3.T.dot(a2) / m", "d3.T.dot(a2)")),
    mistake("divided-twice", None, ("d3 = (h - y) * h", "d3 = (h - y) / m * h")),
    mistake("factor-of-two", None, ("d3 = (h - y) * h", "d3 = 2 * (h - y) * h"), variant="2"),
    mistake("constant-factor", None, ("d3 = (h - y) * h", "d3 = 4 * (h - y) * h"), variant="4"),
    mistake("sign-flipped", None, ("d3 = (h - y)", "d3 = (y - h)")),
    mistake("sign-flipped", 2, ("Theta2 - alpha", "Theta2 + alpha")),
    mistake("derivative-of-activation-not-preactivation", 2, ("h * (1 - h)", "g(h) * (1 - g(h))")),
    mistake(
        "derivative-of-activation-not-preactivation",
        1,
        ("a2[:, 1:] * (1 - a2[:, 1:])", "g(a2[:, 1:]) * (1 - g(a2[:, 1:]))"),
    ),
    mistake("derivative-formula-on-preactivation", 2, ("h * (1 - h)", "z3 * (1 - z3)")),
    mistake("derivative-formula-on-preactivation", 1, ("a2[:, 1:] * (1 - a2[:, 1:])", "z2 * (1 - z2)")),
    mistake(
        "derivative-of-error",
        2,
        ("(h - y) * h * (1 - h)", "(h - y) * g(h - y) * (1 - g(h - y))"),
        variant="function",
    ),
    mistake(
        "target-misaligned",
        None,
        ("d3 = (h - y)", "d3 = (h - y[::-1])"),
        variant="reversed",
        layers=(None, 2),
    ),
    mistake(
        "updated-before-backpropagating",
        1,
        ("    d2 = d3", "    Theta2 = Theta2 - alpha * d3.T.dot(a2) / m\n    d2 = d3"),
        ("    Theta2_grad = d3.T.dot(a2) / m\n", ""),
        ("    Theta2 = Theta2 - alpha * Theta2_grad\n", ""),
        layers=(1, 2),
    ),
    mistake(
        "bias-never-updated",
        None,
        (
            "    Theta1 = Theta1 - alpha * Theta1_grad\n    Theta2 = Theta2 - alpha * Theta2_grad\n",
            "    Theta1[:, 1:] -= alpha * Theta1_grad[:, 1:]\n    Theta2[:, 1:] -= alpha * Theta2_grad[:, 1:]\n",
        ),
    ),
    mistake(
        "stale-gradient",
        None,
        (
            "J_history = []\n",
            "J_history = []\nTheta1_grad = np.zeros(Theta1.shape)\nTheta2_grad = np.zeros(Theta2.shape)\n",
        ),
        ("Theta1_grad = d2", "Theta1_grad += d2"),
        ("Theta2_grad = d3", "Theta2_grad += d3"),
    ),
    mistake(
        "extra-output-derivative", 2, ("d3 = h - y\n", "d3 = (h - y) * h * (1 - h)\n"), within="cross-entropy"
    ),
    mistake(
        "regularization-missing",
        None,
        (
            "    Theta1_grad[:, 1:] += lam / m * Theta1[:, 1:]\n    Theta2_grad[:, 1:] += lam / m * Theta2[:, 1:]\n",
            "",
        ),
        within="l2",
    ),
    mistake(
        "regularization-wrong-factor",
        None,
        ("Theta1_grad[:, 1:] += lam / m *", "Theta1_grad[:, 1:] += lam *"),
        ("Theta2_grad[:, 1:] += lam / m *", "Theta2_grad[:, 1:] += lam *"),
        within="l2",
        variant="14",
    ),
    mistake(
        "wrong-slope",
        1,
        ("np.where(z2 > 0, 1, 0.02)", "np.where(z2 > 0, 1, 0.2)"),
        within="leaky",
        variant="0.2",
    ),
    mistake("gradient-transposed", 1, ("d2.T.dot(a1) / m", "a1.T.dot(d2) / m"), within="no-ones"),
    mistake("outputs-in-place-of-inputs", 1, ("d2.T.dot(a1) / m", "d2.T.dot(a2) / m"), within="no-ones"),
)

VARIANTS = (
    variant(
        "renamed",
        renames={
            "Theta1": "W_hidden",
            "Theta2": "W_output",
            "h": "prediction",
            "d3": "err_out",
            "d2": "err_hid",
            "J": "cost",
            "J_history": "costs",
            "alpha": "lr",
            "a1": "inp",
            "a2": "hid",
        },
    ),
    variant(
        "greek",
        renames={
            "Theta1": "Θ1",
            "Theta2": "Θ2",
            "d3": "δ3",
            "d2": "δ2",
            "alpha": "α",
            "Theta1_grad": "ΔΘ1",
            "Theta2_grad": "ΔΘ2",
            "h": "ŷ",
        },
        held=True,
    ),
    variant(
        "cross-entropy",
        (
            "J = 1 / (2 * m) * np.sum((h - y) ** 2)",
            "J = -1 / m * np.sum(y * np.log(h) + (1 - y) * np.log(1 - h))",
        ),
        ("d3 = (h - y) * h * (1 - h)", "d3 = h - y"),
        loss="bce",
    ),
    variant(
        "l2",
        ("alpha = 0.9\n", "alpha = 0.9\nlam = 0.2\n"),
        (
            "    J_history.append",
            "    J += lam / (2 * m) * (np.sum(Theta1[:, 1:] ** 2) + np.sum(Theta2[:, 1:] ** 2))\n    J_history.append",
        ),
        (
            "    Theta2_grad = d3.T.dot(a2) / m\n",
            "    Theta2_grad = d3.T.dot(a2) / m\n    Theta1_grad[:, 1:] += lam / m * Theta1[:, 1:]\n    Theta2_grad[:, 1:] += lam / m * Theta2[:, 1:]\n",
        ),
        penalty=0.2 / 28,
    ),
    variant(
        "leaky",
        ("a2 = add_ones(g(z2))", "a2 = add_ones(np.where(z2 > 0, z2, 0.02 * z2))"),
        ("a2[:, 1:] * (1 - a2[:, 1:])", "np.where(z2 > 0, 1, 0.02)"),
        activations=("leaky", "sigmoid"),
        slope=0.02,
    ),
    variant(
        "no-ones",
        (
            "def add_ones(A):\n    return np.hstack([np.ones((A.shape[0], 1)), A])\n",
            "def add_ones(A):\n    return A\n",
        ),
        ("np.random.rand(4, 4)", "np.random.rand(3, 3)"),
        ("np.random.rand(2, 5)", "np.random.rand(2, 3)"),
        ("d3.dot(Theta2)[:, 1:] * a2[:, 1:] * (1 - a2[:, 1:])", "d3.dot(Theta2) * a2 * (1 - a2)"),
        parameters=(("Theta1", ""), ("Theta2", "")),
    ),
    variant(
        "ones-last",
        ("np.hstack([np.ones((A.shape[0], 1)), A])", "np.c_[A, np.ones(len(A))]"),
        (
            "d3.dot(Theta2)[:, 1:] * a2[:, 1:] * (1 - a2[:, 1:])",
            "d3.dot(Theta2)[:, :-1] * a2[:, :-1] * (1 - a2[:, :-1])",
        ),
        parameters=(("Theta1[:, :-1]", "Theta1[:, -1]"), ("Theta2[:, :-1]", "Theta2[:, -1]")),
        held=True,
    ),
    variant(
        "print-all",
        ("    J_history.append(J)\n", "    J_history.append(J)\n    print('iteration', it, '| cost', J)\n"),
    ),
)

STYLE = Style(
    "bias_folded",
    "biases folded into the weights, rows of samples, weights (out, in), full batch",
    TEXT,
    NETWORK,
    MISTAKES,
    VARIANTS,
)
