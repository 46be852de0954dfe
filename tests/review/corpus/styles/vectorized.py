"""Activations through np.vectorize, column vectors, no biases, all in one function."""

from tests.review.corpus.reference import Network
from tests.review.corpus.template import Style, mistake, variant

TEXT = """
import numpy as np

# predict the next value of a series from the previous three
series = [1.2, 0.7, 2.1, 1.4, 0.9, 1.7, 2.3, 0.4, 1.1, 1.9, 0.6, 1.5, 2.2]
X = np.array([series[i:i + 3] for i in range(len(series) - 3)]).T
Y = np.array([series[i + 3] for i in range(len(series) - 3)]).reshape(1, -1)
N = X.shape[1]


def relu(v):
    if v > 0:
        return v
    return 0.0


def relu_derivative(v):
    if v > 0:
        return 1.0
    return 0.0


f = np.vectorize(relu)
df = np.vectorize(relu_derivative)


def train(epochs, rate):
    np.random.seed(4)
    w1 = np.random.uniform(-0.8, 1, (3, 3))
    w2 = np.random.uniform(0, 1, (1, 3))
    for t in range(epochs):
        z1 = w1.dot(X)
        a1 = f(z1)
        z2 = w2.dot(a1)
        a2 = f(z2)

        e = a2 - Y
        E = (e ** 2).sum() / (2 * N)
        if E < 0.001:
            break
        if t % 200 == 0:
            print(t, E)

        delta2 = e * df(z2)
        delta1 = w2.T.dot(delta2) * df(z1)
        w2 = w2 - rate * delta2.dot(a1.T) / N
        w1 = w1 - rate * delta1.dot(X.T) / N
    return w1, w2


w1, w2 = train(@epochs@, 0.01)
print("prediction", f(w2.dot(f(w1.dot(np.array([0.6, 1.5, 2.2]))))))
"""

NETWORK = Network(
    parameters=(("w1", ""), ("w2", "")),
    activations=("relu", "relu"),
    loss="half-mse",
    rate=0.01,
    targets="Y",
    columns=True,
)

MISTAKES = (
    mistake(
        "broadcast-error",
        None,
        (".reshape(1, -1)", ".reshape(-1, 1)"),
        ("e = a2 - Y", "e = (a2 - Y).mean(axis=0, keepdims=True)"),
        variant="mean",
        layers=(None, 2),
    ),
    mistake("missing-output-derivative", 2, ("delta2 = e * df(z2)", "delta2 = e"), within="sigmoid"),
    mistake("missing-hidden-derivative", 1, ("w2.T.dot(delta2) * df(z1)", "w2.T.dot(delta2)")),
    mistake("derivative-missing-in-gradient-only", 2, ("delta2.dot(a1.T)", "e.dot(a1.T)"), within="sigmoid"),
    mistake("raw-error-propagated", 1, ("w2.T.dot(delta2)", "w2.T.dot(e)"), within="sigmoid", layers=(1, 2)),
    mistake(
        "sum-instead-of-mean",
        None,
        ("delta2.dot(a1.T) / N", "delta2.dot(a1.T)"),
        ("delta1.dot(X.T) / N", "delta1.dot(X.T)"),
    ),
    mistake("sum-instead-of-mean", 2, ("delta2.dot(a1.T) / N", "delta2.dot(a1.T)")),
    mistake(
        "divided-twice",
        None,
        ("e = a2 - Y", "e = (a2 - Y) / N"),
        ("(e ** 2).sum() / (2 * N)", "(e ** 2).sum() * N / 2"),
    ),
    mistake("factor-of-two", None, ("delta2 = e * df(z2)", "delta2 = 2 * e * df(z2)"), variant="2"),
    mistake("constant-factor", None, ("delta2 = e * df(z2)", "delta2 = 0.7 * e * df(z2)"), variant="0.7"),
    mistake("sign-flipped", None, ("w2 - rate", "w2 + rate"), ("w1 - rate", "w1 + rate")),
    mistake("sign-flipped", 1, ("w1 - rate", "w1 + rate")),
    mistake("derivative-of-activation-not-preactivation", 2, ("df(z2)", "df(a2)"), within="sigmoid"),
    mistake("derivative-of-activation-not-preactivation", 1, ("df(z1)", "df(a1)"), within="sigmoid"),
    mistake("derivative-of-error", 2, ("e * df(z2)", "e * df(e)"), variant="function"),
    mistake("weights-in-place-of-activation", 2, ("delta2.dot(a1.T) / N", "delta2.sum() * w2 / N")),
    mistake("outputs-in-place-of-inputs", 1, ("delta1.dot(X.T)", "delta1.dot(a1.T)")),
    mistake("outputs-in-place-of-inputs", 2, ("delta2.dot(a1.T)", "delta2.dot(a2.T)")),
    mistake("error-not-propagated", 1, ("w2.T.dot(delta2) * df(z1)", "e * df(z1)"), variant="error"),
    mistake("gradient-transposed", 1, ("delta1.dot(X.T)", "X.dot(delta1.T)")),
    mistake(
        "updated-before-backpropagating",
        1,
        (
            "        delta1 = w2.T.dot(delta2) * df(z1)\n        w2 = w2 - rate * delta2.dot(a1.T) / N\n",
            "        w2 = w2 - rate * delta2.dot(a1.T) / N\n        delta1 = w2.T.dot(delta2) * df(z1)\n",
        ),
        layers=(1, 2),
    ),
    mistake(
        "target-misaligned",
        None,
        ("delta2 = e * df(z2)", "delta2 = (a2 - np.roll(Y, 1)) * df(z2)"),
        variant="roll 1",
        layers=(None, 2),
    ),
    mistake(
        "one-sample-only",
        None,
        ("    np.random.seed(4)\n", "    np.random.seed(4)\n    x, y = X[:, [2]], Y[:, [2]]\n"),
        (
            "        delta2 = e * df(z2)\n",
            "        h = f(w1.dot(x))\n        delta2 = (f(w2.dot(h)) - y) * df(w2.dot(h))\n",
        ),
        ("w2.T.dot(delta2) * df(z1)", "w2.T.dot(delta2) * df(w1.dot(x))"),
        ("delta2.dot(a1.T) / N", "delta2.dot(h.T)"),
        ("delta1.dot(X.T) / N", "delta1.dot(x.T)"),
        variant="2",
    ),
    mistake(
        "wrong-slope",
        1,
        ("        return 1.0\n    return 0.2\n", "        return 1.0\n    return 0.01\n"),
        within="leaky",
        layers=(1,),
        variant="0.01",
    ),
    mistake("regularization-missing", None, (" - rate * C * w2", ""), (" - rate * C * w1", ""), within="l2"),
    mistake(
        "regularization-wrong-factor",
        None,
        (" - rate * C * w2", " - 2 * rate * C * w2"),
        (" - rate * C * w1", " - 2 * rate * C * w1"),
        within="l2",
        variant="2",
    ),
    mistake(
        "bias-never-updated",
        2,
        ("        b2 = b2 - rate * delta2.sum(axis=1, keepdims=True) / N\n", ""),
        within="biases",
    ),
    mistake(
        "bias-never-updated",
        1,
        ("        b1 = b1 - rate * delta1.sum(axis=1, keepdims=True) / N\n", ""),
        within="biases",
    ),
    mistake(
        "bias-gradient-wrong-axis",
        1,
        ("delta1.sum(axis=1, keepdims=True)", "delta1.sum()"),
        within="biases",
        variant="all",
    ),
)

VARIANTS = (
    variant(
        "sigmoid",
        ("    if v > 0:\n        return v\n    return 0.0\n", "    return 1 / (1 + np.exp(-v))\n"),
        ("    if v > 0:\n        return 1.0\n    return 0.0\n", "    return relu(v) * (1 - relu(v))\n"),
        renames={"relu": "logistic", "relu_derivative": "logistic_derivative", "w1": "W_in", "w2": "W_out"},
        activations=("sigmoid", "sigmoid"),
    ),
    variant(
        "leaky",
        (
            "    if v > 0:\n        return v\n    return 0.0\n",
            "    if v > 0:\n        return v\n    return 0.2 * v\n",
        ),
        (
            "    if v > 0:\n        return 1.0\n    return 0.0\n",
            "    if v > 0:\n        return 1.0\n    return 0.2\n",
        ),
        ("a2 = f(z2)", "a2 = z2"),
        ("delta2 = e * df(z2)", "delta2 = e"),
        activations=("leaky", "linear"),
        slope=0.2,
    ),
    variant(
        "lambdas",
        (
            "f = np.vectorize(relu)\ndf = np.vectorize(relu_derivative)\n",
            "f = np.vectorize(lambda v: v if v > 0 else 0.0)\ndf = np.vectorize(lambda v: 1.0 if v > 0 else 0.0)\n",
        ),
    ),
    variant(
        "decorated",
        ("def relu(v):", "@np.vectorize\ndef f(v):"),
        ("def relu_derivative(v):", "@np.vectorize\ndef df(v):"),
        ("f = np.vectorize(relu)\ndf = np.vectorize(relu_derivative)\n", ""),
        held=True,
    ),
    variant(
        "renamed",
        renames={
            "w1": "theta1",
            "w2": "theta2",
            "z1": "S1",
            "z2": "S2",
            "a1": "hidden",
            "a2": "out",
            "e": "residual",
            "E": "J",
            "rate": "alpha",
            "f": "act",
            "df": "act_d",
        },
    ),
    variant(
        "linear",
        ("a2 = f(z2)", "a2 = z2"),
        ("delta2 = e * df(z2)", "delta2 = e"),
        ('print("prediction", f(w2.dot(', 'print("prediction", (w2.dot('),
        activations=("relu", "linear"),
    ),
    variant(
        "summed",
        ("(e ** 2).sum() / (2 * N)", "0.5 * sum(v ** 2 for v in e[0])"),
        ("delta2.dot(a1.T) / N", "delta2.dot(a1.T)"),
        ("delta1.dot(X.T) / N", "delta1.dot(X.T)"),
        loss="half-sse",
    ),
    variant(
        "biases",
        (
            "    for t in range(epochs):\n",
            "    b1 = np.zeros((3, 1))\n    b2 = np.zeros((1, 1))\n    for t in range(epochs):\n",
        ),
        ("        z1 = w1.dot(X)\n", "        z1 = w1.dot(X) + b1\n"),
        ("z2 = w2.dot(a1)\n", "z2 = w2.dot(a1) + b2\n"),
        (
            "delta1.dot(X.T) / N\n",
            "delta1.dot(X.T) / N\n        b1 = b1 - rate * delta1.sum(axis=1, keepdims=True) / N\n        b2 = b2 - rate * delta2.sum(axis=1, keepdims=True) / N\n",
        ),
        parameters=(("w1", "b1"), ("w2", "b2")),
        scope="train",
    ),
    variant(
        "l2",
        ("def train(epochs, rate):\n", "C = 0.02\n\n\ndef train(epochs, rate):\n"),
        (
            "(e ** 2).sum() / (2 * N)",
            "(e ** 2).sum() / (2 * N) + C / 2 * ((w1 ** 2).sum() + (w2 ** 2).sum())",
        ),
        ("delta2.dot(a1.T) / N", "delta2.dot(a1.T) / N - rate * C * w2"),
        ("delta1.dot(X.T) / N", "delta1.dot(X.T) / N - rate * C * w1"),
        penalty=0.01,
    ),
)

STYLE = Style(
    "vectorized",
    "activations through np.vectorize, column-major, inside a function, no biases",
    TEXT,
    NETWORK,
    MISTAKES,
    VARIANTS,
    epochs=120,
)
