"""Logistic regression by gradient descent: one layer, a weight vector and a scalar bias."""

from tests.review.corpus.reference import Network
from tests.review.corpus.template import Style, mistake, variant

TEXT = """
import numpy as np

np.random.seed(0)
X = np.random.randn(20, 3)
true_w = np.array([1.5, -2.0, 0.5])
y = (X @ true_w + 0.3 * np.random.randn(20) > 0).astype(float).reshape(-1, 1)

def sigmoid(t):
    return 1 / (1 + np.exp(-t))

def loss(w, b):
    p = sigmoid(X @ w + b)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))

w = np.random.randn(3, 1) * 0.1
b = 0.0
lr = 0.5
n = len(X)

for step in range(@epochs@):
    if step % 50 == 0:
        print('step', step, 'loss', loss(w, b))
    p = sigmoid(X @ w + b)
    error = p - y
    grad_w = X.T @ error / n
    grad_b = np.mean(error)
    w = w - lr * grad_w
    b = b - lr * grad_b

print('weights', w.ravel(), 'bias', b)
"""

NETWORK = Network(parameters=(("w", "b"),), activations=("sigmoid",), loss="bce", rate=0.5)

MISTAKES = (
    mistake("extra-output-derivative", 1, ("error = p - y", "error = (p - y) * p * (1 - p)")),
    mistake(
        "sum-instead-of-mean",
        None,
        ("X.T @ error / n", "X.T @ error"),
        ("np.mean(error)", "np.sum(error)"),
        layers=(None, 1),
    ),
    mistake("divided-twice", None, ("error = p - y", "error = (p - y) / n"), layers=(None, 1)),
    mistake("factor-of-two", None, ("error = p - y", "error = 2 * (p - y)"), variant="2"),
    mistake("sign-flipped", None, ("error = p - y", "error = y - p"), layers=(None, 1)),
    mistake("sign-flipped", None, ("w - lr", "w + lr"), ("b - lr", "b + lr"), layers=(None, 1)),
    mistake("bias-never-updated", 1, ("    b = b - lr * grad_b\n", ""), layers=(None, 1)),
    mistake(
        "target-misaligned",
        None,
        ("error = p - y", "error = p - y[::-1]"),
        variant="reversed",
        layers=(None, 1),
    ),
    mistake(
        "missing-output-derivative", 1, ("error = (p - y) * p * (1 - p)", "error = p - y"), within="squared"
    ),
    mistake(
        "derivative-of-error",
        1,
        ("(p - y) * p * (1 - p)", "(p - y) * sigmoid(p - y) * (1 - sigmoid(p - y))"),
        within="squared",
        variant="function",
    ),
    mistake(
        "broadcast-error",
        None,
        (".astype(float).reshape(-1, 1)", ".astype(float)"),
        ("b = 0.0", "b = np.zeros((1, 1))"),
        ("np.mean(error)", "np.mean(error, axis=0, keepdims=True)"),
        variant="grows",
        layers=(None, 1),
    ),
    mistake(
        "broadcast-error",
        None,
        ("np.mean((p - y) ** 2) / 2", "np.mean((p - y.ravel()) ** 2) / 2"),
        within="squared",
        variant="in-loss",
        layers=(None, 1),
    ),
    mistake("regularization-missing", None, (" + C * w", ""), within="l2", layers=(None, 1)),
    mistake(
        "regularization-wrong-factor",
        None,
        (" + C * w", " + C * w / n"),
        within="l2",
        variant="0.05",
        layers=(None, 1),
    ),
)

VARIANTS = (
    variant(
        "renamed",
        renames={
            "w": "beta",
            "b": "intercept",
            "p": "mu",
            "lr": "learning_rate",
            "grad_w": "dbeta",
            "grad_b": "d0",
            "loss": "nll",
        },
    ),
    variant(
        "squared",
        ("-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))", "np.mean((p - y) ** 2) / 2"),
        ("error = p - y", "error = (p - y) * p * (1 - p)"),
        loss="half-mse",
    ),
    variant(
        "linear",
        (
            "p = sigmoid(X @ w + b)\n    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))",
            "return np.sum((X @ w + b - y) ** 2) / (2 * n)",
        ),
        ("p = sigmoid(X @ w + b)\n    error", "p = X @ w + b\n    error"),
        activations=("linear",),
        loss="half-mse",
    ),
    variant(
        "l2",
        ("lr = 0.5\n", "lr = 0.5\nC = 0.1\n"),
        ("np.log(1 - p))\n", "np.log(1 - p)) + C / 2 * np.sum(w ** 2)\n"),
        ("X.T @ error / n", "X.T @ error / n + C * w"),
        penalty=0.05,
    ),
    variant(
        "vectors",
        (".astype(float).reshape(-1, 1)", ".astype(float)"),
        ("np.random.randn(3, 1)", "np.random.randn(3)"),
        parameters=(("w.reshape(3, 1)", "b"),),
    ),
)

STYLE = Style(
    "one_layer",
    "logistic regression, one layer, a scalar bias",
    TEXT,
    NETWORK,
    MISTAKES,
    VARIANTS,
    epochs=200,
)
