"""Functions that pass dictionaries: samples are columns, binary cross-entropy in its short form."""

from tests.review.corpus.reference import Network
from tests.review.corpus.template import Style, mistake, variant

TEXT = '''
import numpy as np


def load_data(m=16):
    """Two noisy half moons would do as well; this is a slanted line."""
    np.random.seed(3)
    X = np.random.randn(4, m)
    Y = (X[0:1, :] * 0.5 + X[1:2, :] - X[2:3, :] > 0).astype(int)
    return X, Y


def initialize(n_x, n_h, n_y):
    np.random.seed(1)
    return {
        "W1": np.random.randn(n_h, n_x) * 0.6,
        "b1": np.zeros((n_h, 1)),
        "W2": np.random.randn(n_y, n_h) * 0.6,
        "b2": np.zeros((n_y, 1)),
    }


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def forward_propagation(X, params):
    Z1 = np.dot(params["W1"], X) + params["b1"]
    A1 = np.tanh(Z1)
    Z2 = np.dot(params["W2"], A1) + params["b2"]
    A2 = sigmoid(Z2)
    cache = {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}
    return A2, cache


def compute_cost(A2, Y):
    m = Y.shape[1]
    logprobs = Y * np.log(A2) + (1 - Y) * np.log(1 - A2)
    return float(-np.sum(logprobs) / m)


def backward_propagation(params, cache, X, Y):
    m = X.shape[1]
    W2 = params["W2"]
    A1, A2 = cache["A1"], cache["A2"]
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.dot(W2.T, dZ2) * (1 - np.power(A1, 2))
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def update_parameters(params, grads, learning_rate=0.7):
    params["W1"] = params["W1"] - learning_rate * grads["dW1"]
    params["b1"] = params["b1"] - learning_rate * grads["db1"]
    params["W2"] = params["W2"] - learning_rate * grads["dW2"]
    params["b2"] = params["b2"] - learning_rate * grads["db2"]
    return params


def model(X, Y, n_h=4, num_iterations=@epochs@, print_cost=True):
    params = initialize(X.shape[0], n_h, Y.shape[0])
    for i in range(num_iterations):
        A2, cache = forward_propagation(X, params)
        cost = compute_cost(A2, Y)
        grads = backward_propagation(params, cache, X, Y)
        params = update_parameters(params, grads)
        if print_cost and i % 100 == 0:
            print("Cost after iteration %i: %f" % (i, cost))
    return params


X, Y = load_data()
params = model(X, Y)
predictions, _ = forward_propagation(X, params)
print("accuracy:", np.mean((predictions > 0.5) == Y))
'''

NETWORK = Network(
    parameters=(('params["W1"]', 'params["b1"]'), ('params["W2"]', 'params["b2"]')),
    activations=("tanh", "sigmoid"),
    loss="bce",
    rate=0.7,
    targets="Y",
    columns=True,
)

MISTAKES = (
    mistake(
        "broadcast-error",
        None,
        ("float(np.sum(np.square(A2 - Y)) / (2 * m))", "float(np.mean(np.square(A2 - Y.T)) / 2)"),
        within="squared",
        variant="in-loss",
        layers=(None, 2),
    ),
    mistake("extra-output-derivative", 2, ("dZ2 = A2 - Y", "dZ2 = (A2 - Y) * A2 * (1 - A2)")),
    mistake(
        "missing-hidden-derivative", 1, ("np.dot(W2.T, dZ2) * (1 - np.power(A1, 2))", "np.dot(W2.T, dZ2)")
    ),
    mistake(
        "sum-instead-of-mean",
        None,
        ("dW2 = np.dot(dZ2, A1.T) / m", "dW2 = np.dot(dZ2, A1.T)"),
        ("db2 = np.sum(dZ2, axis=1, keepdims=True) / m", "db2 = np.sum(dZ2, axis=1, keepdims=True)"),
        ("dW1 = np.dot(dZ1, X.T) / m", "dW1 = np.dot(dZ1, X.T)"),
        ("db1 = np.sum(dZ1, axis=1, keepdims=True) / m", "db1 = np.sum(dZ1, axis=1, keepdims=True)"),
    ),
    mistake(
        "sum-instead-of-mean",
        1,
        ("dW1 = np.dot(dZ1, X.T) / m", "dW1 = np.dot(dZ1, X.T)"),
        ("db1 = np.sum(dZ1, axis=1, keepdims=True) / m", "db1 = np.sum(dZ1, axis=1, keepdims=True)"),
    ),
    mistake("divided-twice", None, ("dZ2 = A2 - Y", "dZ2 = (A2 - Y) / m")),
    mistake("factor-of-two", None, ("dZ2 = A2 - Y", "dZ2 = 2 * (A2 - Y)"), variant="2"),
    mistake("constant-factor", None, ("dZ2 = A2 - Y", "dZ2 = 5 * (A2 - Y)"), variant="5"),
    mistake("sign-flipped", None, ("dZ2 = A2 - Y", "dZ2 = Y - A2")),
    mistake(
        "sign-flipped",
        2,
        ('params["W2"] - learning_rate', 'params["W2"] + learning_rate'),
        ('params["b2"] - learning_rate', 'params["b2"] + learning_rate'),
    ),
    mistake(
        "derivative-of-activation-not-preactivation", 1, ("(1 - np.power(A1, 2))", "(1 - np.tanh(A1) ** 2)")
    ),
    mistake(
        "derivative-formula-on-preactivation", 1, ("(1 - np.power(A1, 2))", '(1 - np.power(cache["Z1"], 2))')
    ),
    mistake(
        "weights-in-place-of-activation", 2, ("dW2 = np.dot(dZ2, A1.T) / m", "dW2 = np.sum(dZ2) * W2 / m")
    ),
    mistake("outputs-in-place-of-inputs", 1, ("np.dot(dZ1, X.T)", "np.dot(dZ1, A1.T)")),
    mistake("error-not-propagated", 1, ("np.dot(W2.T, dZ2) * (1", "dZ2 * (1")),
    mistake("gradient-transposed", 1, ("np.dot(dZ1, X.T)", "np.dot(X, dZ1.T)")),
    mistake(
        "bias-gradient-wrong-axis", 1, ("np.sum(dZ1, axis=1, keepdims=True)", "np.sum(dZ1)"), variant="all"
    ),
    mistake(
        "bias-gradient-wrong-axis",
        1,
        ("np.sum(dZ1, axis=1, keepdims=True)", "np.sum(dZ2, axis=1, keepdims=True)"),
        variant="next",
    ),
    mistake(
        "bias-never-updated", 1, ('    params["b1"] = params["b1"] - learning_rate * grads["db1"]\n', "")
    ),
    mistake(
        "bias-never-updated", 2, ('    params["b2"] = params["b2"] - learning_rate * grads["db2"]\n', "")
    ),
    mistake(
        "target-misaligned",
        None,
        ("dZ2 = A2 - Y", "dZ2 = A2 - np.roll(Y, 1)"),
        variant="roll 1",
        layers=(None, 2),
    ),
    mistake(
        "updated-before-backpropagating",
        1,
        (
            "    dZ1 = np.dot(W2.T",
            '    params["W2"] = W2 = W2 - 0.7 * dW2\n    params["b2"] = params["b2"] - 0.7 * db2\n    dZ1 = np.dot(W2.T',
        ),
        (
            '    params["W2"] = params["W2"] - learning_rate * grads["dW2"]\n    params["b2"] = params["b2"] - learning_rate * grads["db2"]\n',
            "",
        ),
        layers=(1, 2),
    ),
    mistake(
        "broadcast-error",
        None,
        ("X[2:3, :] > 0).astype(int)\n    return X, Y", "X[2:3, :] > 0).astype(int)\n    return X, Y.T"),
        ("m = Y.shape[1]", "m = len(Y)"),
        ("dZ2 = A2 - Y", "dZ2 = np.mean(A2 - Y, axis=0, keepdims=True)"),
        ("X.shape[0], n_h, Y.shape[0]", "X.shape[0], n_h, Y.shape[1]"),
        variant="mean",
        layers=(None, 2),
    ),
    mistake(
        "regularization-missing", None, (" + lambd * W2", ""), (' + lambd * params["W1"]', ""), within="l2"
    ),
    mistake(
        "regularization-wrong-factor",
        None,
        (" + lambd * W2", " + 2 * lambd * W2"),
        (' + lambd * params["W1"]', ' + 2 * lambd * params["W1"]'),
        within="l2",
        variant="2",
    ),
    mistake("missing-output-derivative", 2, ("(A2 - Y) * A2 * (1 - A2)", "A2 - Y"), within="squared"),
    mistake(
        "derivative-of-error",
        2,
        ("(A2 - Y) * A2 * (1 - A2)", "(A2 - Y) * (A2 - Y) * (1 - (A2 - Y))"),
        within="squared",
        variant="formula",
    ),
    mistake(
        "raw-error-propagated",
        1,
        ("dZ1 = np.dot(W2.T, dZ2)", "dZ1 = np.dot(W2.T, A2 - Y)"),
        within="squared",
        layers=(1, 2),
    ),
    mistake(
        "derivative-missing-in-gradient-only",
        2,
        ("dW2 = np.dot(dZ2, A1.T)", "dW2 = np.dot(A2 - Y, A1.T)"),
        ("db2 = np.sum(dZ2,", "db2 = np.sum(A2 - Y,"),
        within="squared",
    ),
    mistake(
        "wrong-slope",
        1,
        ("np.where(A1 > 0, 1, 0.01)", "np.where(A1 > 0, 1, 0.1)"),
        within="leaky",
        variant="0.1",
    ),
)

VARIANTS = (
    variant(
        "renamed",
        renames={
            "params": "p",
            "W1": "Wh",
            "W2": "Wo",
            "b1": "bh",
            "b2": "bo",
            "dW1": "gWh",
            "dW2": "gWo",
            "db1": "gbh",
            "db2": "gbo",
            "Z1": "H_in",
            "A1": "H",
            "Z2": "O_in",
            "A2": "O",
            "cache": "state",
            "compute_cost": "loss_fn",
        },
    ),
    variant(
        "theta",
        renames={
            "params": "theta",
            "W1": "hidden",
            "W2": "out",
            "X": "features",
            "Y": "labels",
            "model": "fit",
            "A2": "p_hat",
            "backward_propagation": "grad",
            "update_parameters": "descend",
            "forward_propagation": "net",
        },
        held=True,
    ),
    variant(
        "squared",
        (
            "    logprobs = Y * np.log(A2) + (1 - Y) * np.log(1 - A2)\n    return float(-np.sum(logprobs) / m)",
            "    return float(np.sum(np.square(A2 - Y)) / (2 * m))",
        ),
        ("dZ2 = A2 - Y", "dZ2 = (A2 - Y) * A2 * (1 - A2)"),
        loss="half-mse",
    ),
    variant(
        "relu",
        ("A1 = np.tanh(Z1)", "A1 = np.maximum(Z1, 0)"),
        ("np.dot(W2.T, dZ2) * (1 - np.power(A1, 2))", "np.dot(W2.T, dZ2) * (A1 > 0)"),
        ("learning_rate=0.7", "learning_rate=0.2"),
        activations=("relu", "sigmoid"),
        rate=0.2,
    ),
    variant(
        "leaky",
        ("A1 = np.tanh(Z1)", "A1 = np.where(Z1 > 0, Z1, 0.01 * Z1)"),
        ("np.dot(W2.T, dZ2) * (1 - np.power(A1, 2))", "np.dot(W2.T, dZ2) * np.where(A1 > 0, 1, 0.01)"),
        activations=("leaky", "sigmoid"),
    ),
    variant(
        "l2",
        ("def compute_cost(A2, Y):", "lambd = 0.03\n\n\ndef compute_cost(A2, Y, params):"),
        ("cost = compute_cost(A2, Y)", "cost = compute_cost(A2, Y, params)"),
        (
            "return float(-np.sum(logprobs) / m)",
            'return float(-np.sum(logprobs) / m + lambd / 2 * (np.sum(params["W1"] ** 2) + np.sum(params["W2"] ** 2)))',
        ),
        ("dW2 = np.dot(dZ2, A1.T) / m", "dW2 = np.dot(dZ2, A1.T) / m + lambd * W2"),
        ("dW1 = np.dot(dZ1, X.T) / m", 'dW1 = np.dot(dZ1, X.T) / m + lambd * params["W1"]'),
        penalty=0.015,
    ),
    variant(
        "loop-over-keys",
        (
            '    params["W1"] = params["W1"] - learning_rate * grads["dW1"]\n    params["b1"] = params["b1"] - learning_rate * grads["db1"]\n'
            '    params["W2"] = params["W2"] - learning_rate * grads["dW2"]\n    params["b2"] = params["b2"] - learning_rate * grads["db2"]\n',
            '    for key in params:\n        params[key] = params[key] - learning_rate * grads["d" + key]\n',
        ),
    ),
    variant(
        "unpacked",
        (
            '    params["W1"] = params["W1"] - learning_rate * grads["dW1"]\n    params["b1"] = params["b1"] - learning_rate * grads["db1"]\n'
            '    params["W2"] = params["W2"] - learning_rate * grads["dW2"]\n    params["b2"] = params["b2"] - learning_rate * grads["db2"]\n    return params\n',
            '    W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]\n'
            '    W1 = W1 - learning_rate * grads["dW1"]\n    b1 = b1 - learning_rate * grads["db1"]\n'
            '    W2 = W2 - learning_rate * grads["dW2"]\n    b2 = b2 - learning_rate * grads["db2"]\n'
            '    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}\n',
        ),
    ),
    variant("silent", ("print_cost=True", "print_cost=False"), report=""),
    variant(
        "guarded",
        (
            "X, Y = load_data()\nparams = model(X, Y)\npredictions, _ = forward_propagation(X, params)\n",
            'if __name__ == "__main__":\n    X, Y = load_data()\n    params = model(X, Y)\n    predictions, _ = forward_propagation(X, params)\n',
        ),
        (
            'print("accuracy:", np.mean((predictions > 0.5) == Y))',
            '    print("accuracy:", np.mean((predictions > 0.5) == Y))',
        ),
    ),
    variant(
        "momentum",
        (
            "    for i in range(num_iterations):\n",
            "    velocity = {k: np.zeros_like(v) for k, v in params.items()}\n    for i in range(num_iterations):\n",
        ),
        ("params = update_parameters(params, grads)", "params = update_parameters(params, grads, velocity)"),
        (
            "def update_parameters(params, grads, learning_rate=0.7):\n",
            'def update_parameters(params, grads, velocity, learning_rate=0.7, beta=0.9):\n    for k in velocity:\n        velocity[k] = beta * velocity[k] + (1 - beta) * grads["d" + k]\n',
        ),
        *(
            (f'learning_rate * grads["d{k}"]', f'learning_rate * velocity["{k}"]')
            for k in ("W1", "b1", "W2", "b2")
        ),
        optimizer="averaged-momentum 0.9",
    ),
)

STYLE = Style(
    "functions_columns",
    "functions and dictionaries, column-major, full batch",
    TEXT,
    NETWORK,
    MISTAKES,
    VARIANTS,
)
