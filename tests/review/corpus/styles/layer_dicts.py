"""A list of dictionaries, one a layer, with the activation by name; columns, mini-batches, free functions."""

from tests.review.corpus.reference import Network
from tests.review.corpus.template import Style, mistake, variant

TEXT = '''
import numpy as np

ARCHITECTURE = [
    {"in": 3, "out": 4, "act": "tanh"},
    {"in": 4, "out": 4, "act": "sigmoid"},
    {"in": 4, "out": 2, "act": "sigmoid"},
]
LEARNING_RATE = 0.7
BATCH = 6


def activation(name, Z):
    if name == "tanh":
        return np.tanh(Z)
    if name == "sigmoid":
        return 1 / (1 + np.exp(-Z))
    raise ValueError(name)


def activation_backward(name, dA, Z):
    """dA times the activation's derivative at Z."""
    A = activation(name, Z)
    if name == "tanh":
        return dA * (1 - A * A)
    return dA * A * (1 - A)


def init_layers(seed=6):
    np.random.seed(seed)
    layers = []
    for spec in ARCHITECTURE:
        layers.append({
            "W": np.random.randn(spec["out"], spec["in"]) * 0.9,
            "b": np.random.randn(spec["out"], 1) * 0.1,
            "act": spec["act"],
        })
    return layers


def full_forward(X, layers):
    A = X
    for layer in layers:
        layer["A_prev"] = A
        layer["Z"] = np.dot(layer["W"], A) + layer["b"]
        A = activation(layer["act"], layer["Z"])
    return A


def full_backward(Y_hat, Y, layers):
    m = Y.shape[1]
    dA = Y_hat - Y
    for layer in reversed(layers):
        dZ = activation_backward(layer["act"], dA, layer["Z"])
        layer["dW"] = np.dot(dZ, layer["A_prev"].T) / m
        layer["db"] = np.sum(dZ, axis=1, keepdims=True) / m
        dA = np.dot(layer["W"].T, dZ)


def update(layers, lr):
    for layer in layers:
        layer["W"] -= lr * layer["dW"]
        layer["b"] -= lr * layer["db"]


def cost(Y_hat, Y):
    return np.sum((Y_hat - Y) ** 2) / (2 * Y.shape[1])


layers = init_layers()
X = np.random.randn(3, 18)
Y = np.array([X[0] * X[1] > 0, X[2] > 0]).astype(float)

for epoch in range(@epochs@):
    costs = []
    for j in range(0, X.shape[1], BATCH):
        X_batch, Y_batch = X[:, j:j + BATCH], Y[:, j:j + BATCH]
        Y_hat = full_forward(X_batch, layers)
        costs.append(cost(Y_hat, Y_batch))
        full_backward(Y_hat, Y_batch, layers)
        update(layers, LEARNING_RATE)
    if epoch % 15 == 0:
        print("Epoch: {:03d} - cost: {:.5f}".format(epoch, np.mean(costs)))
'''

NETWORK = Network(
    parameters=tuple((f'layers[{k}]["W"]', f'layers[{k}]["b"]') for k in range(3)),
    activations=("tanh", "sigmoid", "sigmoid"),
    loss="half-mse",
    rate=0.7,
    targets="Y",
    columns=True,
    batch=6,
    report="mean",
)

_DZ = 'dZ = activation_backward(layer["act"], dA, layer["Z"])'
_LAST = "layer is layers[-1]"

MISTAKES = (
    mistake("missing-output-derivative", 3, (_DZ, f"{_DZ} if layer is not layers[-1] else dA")),
    mistake("missing-hidden-derivative", None, (_DZ, f"{_DZ} if {_LAST} else dA"), layers=(None, 1, 2)),
    mistake("missing-hidden-derivative", 1, ("return dA * (1 - A * A)", "return dA")),
    mistake(
        "sum-instead-of-mean",
        None,
        ('layer["A_prev"].T) / m', 'layer["A_prev"].T)'),
        ("keepdims=True) / m", "keepdims=True)"),
    ),
    mistake("divided-twice", None, ("dA = Y_hat - Y\n", "dA = (Y_hat - Y) / m\n")),
    mistake("factor-of-two", None, ("dA = Y_hat - Y\n", "dA = 2 * (Y_hat - Y)\n"), variant="2"),
    mistake("constant-factor", None, ("dA = Y_hat - Y\n", "dA = 0.4 * (Y_hat - Y)\n"), variant="0.4"),
    mistake("sign-flipped", None, ("dA = Y_hat - Y\n", "dA = Y - Y_hat\n")),
    mistake("sign-flipped", None, ("LEARNING_RATE = 0.7", "LEARNING_RATE = -0.7")),
    mistake(
        "derivative-of-activation-not-preactivation",
        None,
        (
            "    A = activation(name, Z)\n    if name",
            "    A = activation(name, activation(name, Z))\n    if name",
        ),
        layers=(None, 1, 2, 3),
    ),
    mistake(
        "derivative-formula-on-preactivation",
        None,
        ("    A = activation(name, Z)\n    if name", "    A = Z\n    if name"),
        layers=(None, 1, 2, 3),
    ),
    mistake(
        "derivative-of-error",
        3,
        (_DZ, f"{_DZ} if layer is not layers[-1] else dA * dA * (1 - dA)"),
        variant="formula",
    ),
    mistake(
        "weights-in-place-of-activation",
        None,
        ('np.dot(dZ, layer["A_prev"].T)', 'np.sum(dZ, axis=1, keepdims=True) * layer["W"]'),
        layers=(None, 1, 2, 3),
    ),
    mistake(
        "outputs-in-place-of-inputs",
        2,
        (
            'np.dot(dZ, layer["A_prev"].T)',
            'np.dot(dZ, (activation("sigmoid", layer["Z"]) if layer is layers[1] else layer["A_prev"]).T)',
        ),
    ),
    mistake(
        "weights-not-transposed",
        1,
        (
            'np.dot(layer["W"].T, dZ)',
            'np.dot(layer["W"] if layer["W"].shape[0] == layer["W"].shape[1] else layer["W"].T, dZ)',
        ),
        layers=(1, 2),
    ),
    mistake(
        "gradient-transposed",
        2,
        (
            'layer["A_prev"].T) / m',
            'layer["A_prev"].T) / m\n        if layer["dW"].shape == (4, 4):\n            layer["dW"] = layer["dW"].T',
        ),
    ),
    mistake(
        "updated-before-backpropagating",
        None,
        (
            "        dA = np.dot(layer",
            '        layer["W"] -= LEARNING_RATE * layer["dW"]\n        dA = np.dot(layer',
        ),
        ('        layer["W"] -= lr * layer["dW"]\n', ""),
        layers=(None, 1, 2, 3),
    ),
    mistake(
        "bias-gradient-wrong-axis",
        None,
        ("np.sum(dZ, axis=1, keepdims=True)", "np.sum(dZ)"),
        variant="all",
        layers=(None, 1, 2, 3),
    ),
    mistake("bias-never-updated", None, ('        layer["b"] -= lr * layer["db"]\n', "")),
    mistake(
        "target-misaligned",
        None,
        ("dA = Y_hat - Y\n", "dA = Y_hat - np.roll(Y, 1, axis=1)\n"),
        variant="roll 1",
        layers=(None, 3),
    ),
    mistake(
        "one-sample-only",
        None,
        ("X[:, j:j + BATCH], Y[:, j:j + BATCH]", "X[:, :BATCH], Y[:, :BATCH]"),
        variant="first-batch",
    ),
    mistake(
        "stale-gradient",
        None,
        (
            '            "act": spec["act"],\n',
            '            "act": spec["act"],\n            "dW": 0,\n            "db": 0,\n',
        ),
        ('layer["dW"] = ', 'layer["dW"] = layer["dW"] + '),
        ('layer["db"] = ', 'layer["db"] = layer["db"] + '),
    ),
    mistake(
        "extra-output-derivative",
        3,
        ('dZ = dA if layer is layers[-1] else activation_backward(layer["act"], dA, layer["Z"])', _DZ),
        within="cross-entropy",
    ),
    mistake("regularization-missing", None, (' + REG * layer["W"]', ""), within="l2"),
    mistake(
        "regularization-wrong-factor",
        None,
        (' + REG * layer["W"]', ' + 3 * REG * layer["W"]'),
        within="l2",
        variant="3",
    ),
    mistake(
        "wrong-slope",
        None,
        ("dA * np.where(Z > 0, 1, 0.2)", "dA * np.where(Z > 0, 1, 0.05)"),
        variant="0.05",
        within="leaky",
        layers=(None, 1),
    ),
    mistake(
        "bias-never-updated",
        3,
        (
            '        layer["b"] -= lr * layer["db"]\n',
            '        if layer is not layers[-1]:\n            layer["b"] -= lr * layer["db"]\n',
        ),
    ),
)

VARIANTS = (
    variant(
        "renamed",
        renames={
            "layers": "net",
            "layer": "l",
            "dA": "upstream",
            "dZ": "delta",
            "Y_hat": "P",
            "LEARNING_RATE": "ETA",
            "full_forward": "forward",
            "full_backward": "backward",
            "update": "gradient_step",
            "cost": "objective",
        },
    ),
    variant(
        "stack",
        renames={
            "layers": "stack",
            "layer": "block",
            "ARCHITECTURE": "BLOCKS",
            "activation": "squash",
            "activation_backward": "unsquash",
        },
        held=True,
    ),
    variant(
        "cross-entropy",
        (_DZ, 'dZ = dA if layer is layers[-1] else activation_backward(layer["act"], dA, layer["Z"])'),
        (
            "return np.sum((Y_hat - Y) ** 2) / (2 * Y.shape[1])",
            "return -np.sum(Y * np.log(Y_hat) + (1 - Y) * np.log(1 - Y_hat)) / Y.shape[1]",
        ),
        loss="bce",
    ),
    variant(
        "leaky",
        ("        return np.tanh(Z)\n", "        return np.where(Z > 0, Z, 0.2 * Z)\n"),
        ("return dA * (1 - A * A)", "return dA * np.where(Z > 0, 1, 0.2)"),
        activations=("leaky", "sigmoid", "sigmoid"),
        slope=0.2,
    ),
    variant(
        "l2",
        ("BATCH = 6\n", "BATCH = 6\nREG = 0.02\n"),
        (
            "costs.append(cost(Y_hat, Y_batch))",
            'costs.append(cost(Y_hat, Y_batch) + REG / 2 * sum(np.sum(l["W"] ** 2) for l in layers))',
        ),
        ('layer["A_prev"].T) / m', 'layer["A_prev"].T) / m + REG * layer["W"]'),
        penalty=0.01,
    ),
    variant(
        "decoupled",
        ("BATCH = 6\n", "BATCH = 6\nbeta = 0.9\n"),
        (
            '        layer["W"] -= lr * layer["dW"]\n        layer["b"] -= lr * layer["db"]\n',
            '        for k in ("W", "b"):\n            layer["v" + k] = beta * layer.get("v" + k, 0) + (1 - beta) * layer["d" + k]\n            layer[k] = layer[k] - lr * layer["v" + k]\n',
        ),
        optimizer="averaged-momentum 0.9",
    ),
    variant("whole", ("BATCH = 6", "BATCH = 18"), batch=None),
    variant("leftover", ("BATCH = 6", "BATCH = 7"), batch=7),
)

STYLE = Style(
    "layer_dicts",
    "list of dictionaries, activations by name, column-major, mini-batches",
    TEXT,
    NETWORK,
    MISTAKES,
    VARIANTS,
    epochs=45,
)
