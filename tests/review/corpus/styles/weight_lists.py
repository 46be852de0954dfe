"""Lists of weights and biases in a class, mini-batches whose gradients are added up sample by sample; columns."""

from tests.review.corpus.reference import Network
from tests.review.corpus.template import Style, mistake, variant

TEXT = """
import random
import numpy as np


class Network(object):

    def __init__(self, sizes):
        self.num_layers = len(sizes)
        self.sizes = sizes
        self.biases = [np.random.randn(y, 1) for y in sizes[1:]]
        self.weights = [np.random.randn(y, x) for x, y in zip(sizes[:-1], sizes[1:])]

    def feedforward(self, a):
        for b, w in zip(self.biases, self.weights):
            a = sigmoid(np.dot(w, a) + b)
        return a

    def sgd(self, training_data, epochs, mini_batch_size, eta):
        n = len(training_data)
        for j in range(epochs):
            print("Epoch {0}: cost {1:.6f}".format(j, self.total_cost(training_data)))
            mini_batches = [training_data[k:k + mini_batch_size] for k in range(0, n, mini_batch_size)]
            for mini_batch in mini_batches:
                self.update_mini_batch(mini_batch, eta)

    def total_cost(self, data):
        cost = 0.0
        for x, y in data:
            cost += 0.5 * np.linalg.norm(self.feedforward(x) - y) ** 2
        return cost / len(data)

    def update_mini_batch(self, mini_batch, eta):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        for x, y in mini_batch:
            delta_nabla_b, delta_nabla_w = self.backprop(x, y)
            nabla_b = [nb + dnb for nb, dnb in zip(nabla_b, delta_nabla_b)]
            nabla_w = [nw + dnw for nw, dnw in zip(nabla_w, delta_nabla_w)]
        self.weights = [w - (eta / len(mini_batch)) * nw for w, nw in zip(self.weights, nabla_w)]
        self.biases = [b - (eta / len(mini_batch)) * nb for b, nb in zip(self.biases, nabla_b)]

    def backprop(self, x, y):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        # forward, remembering everything
        activation = x
        activations = [x]
        zs = []
        for b, w in zip(self.biases, self.weights):
            z = np.dot(w, activation) + b
            zs.append(z)
            activation = sigmoid(z)
            activations.append(activation)
        # backward
        delta = self.cost_derivative(activations[-1], y) * sigmoid_prime(zs[-1])
        nabla_b[-1] = delta
        nabla_w[-1] = np.dot(delta, activations[-2].transpose())
        for l in range(2, self.num_layers):
            sp = sigmoid_prime(zs[-l])
            delta = np.dot(self.weights[-l + 1].transpose(), delta) * sp
            nabla_b[-l] = delta
            nabla_w[-l] = np.dot(delta, activations[-l - 1].transpose())
        return nabla_b, nabla_w

    def cost_derivative(self, output_activations, y):
        return output_activations - y


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


np.random.seed(2)
inputs = np.random.rand(12, 4)
targets = np.array([[float(r[0] > r[1]), float(r[2] + r[3] > 1)] for r in inputs])
training_data = [(x.reshape(4, 1), t.reshape(2, 1)) for x, t in zip(inputs, targets)]

net = Network([4, 4, 4, 2])
net.sgd(training_data, @epochs@, 4, 1.5)
"""

NETWORK = Network(
    parameters=tuple((f"net.weights[{i}]", f"net.biases[{i}]") for i in range(3)),
    activations=("sigmoid",) * 3,
    loss="half-mse",
    rate=1.5,
    inputs="inputs.T",
    targets="targets.T",
    columns=True,
    batch=4,
)

_STEP_W = "[w - (eta / len(mini_batch)) * nw"
_STEP_B = "[b - (eta / len(mini_batch)) * nb"

MISTAKES = (
    mistake("missing-output-derivative", 3, (" * sigmoid_prime(zs[-1])", "")),
    mistake(
        "missing-hidden-derivative",
        None,
        (
            "np.dot(self.weights[-l + 1].transpose(), delta) * sp",
            "np.dot(self.weights[-l + 1].transpose(), delta)",
        ),
        layers=(None, 1, 2),
    ),
    mistake(
        "derivative-missing-in-gradient-only",
        3,
        ("nabla_b[-1] = delta\n", "nabla_b[-1] = self.cost_derivative(activations[-1], y)\n"),
        ("nabla_w[-1] = np.dot(delta, ", "nabla_w[-1] = np.dot(nabla_b[-1], "),
    ),
    mistake(
        "raw-error-propagated",
        2,
        (
            "        for l in range(2, self.num_layers):\n",
            "        delta = self.cost_derivative(activations[-1], y)\n        for l in range(2, self.num_layers):\n",
        ),
        layers=(2, 3),
    ),
    mistake("sum-instead-of-mean", None, (_STEP_W, "[w - eta * nw"), (_STEP_B, "[b - eta * nb")),
    mistake("sum-instead-of-mean", None, (_STEP_B, "[b - eta * nb"), (_STEP_W, "[w - (eta / 1) * nw")),
    mistake(
        "divided-twice",
        None,
        (_STEP_W, "[w - (eta / len(mini_batch)**2) * nw"),
        (_STEP_B, "[b - (eta / len(mini_batch)**2) * nb"),
    ),
    mistake(
        "factor-of-two",
        None,
        ("return output_activations - y", "return 2 * (output_activations - y)"),
        variant="2",
    ),
    mistake(
        "constant-factor",
        None,
        ("return output_activations - y", "return 0.1 * (output_activations - y)"),
        variant="0.1",
    ),
    mistake("sign-flipped", None, ("return output_activations - y", "return y - output_activations")),
    mistake(
        "sign-flipped",
        None,
        (_STEP_W, "[w + (eta / len(mini_batch)) * nw"),
        (_STEP_B, "[b + (eta / len(mini_batch)) * nb"),
    ),
    mistake(
        "derivative-of-activation-not-preactivation",
        3,
        ("sigmoid_prime(zs[-1])", "sigmoid_prime(activations[-1])"),
    ),
    mistake(
        "derivative-of-activation-not-preactivation",
        None,
        ("sp = sigmoid_prime(zs[-l])", "sp = sigmoid_prime(activations[-l])"),
        layers=(None, 1, 2),
        variant="hidden",
    ),
    mistake("derivative-formula-on-preactivation", 3, ("sigmoid_prime(zs[-1])", "zs[-1] * (1 - zs[-1])")),
    mistake(
        "derivative-formula-on-preactivation",
        None,
        ("return sigmoid(z) * (1 - sigmoid(z))", "return z * (1 - z)"),
        layers=(None, 1, 2, 3),
    ),
    mistake(
        "derivative-of-error",
        3,
        ("sigmoid_prime(zs[-1])", "sigmoid_prime(activations[-1] - y)"),
        variant="function",
    ),
    mistake(
        "weights-in-place-of-activation",
        3,
        ("np.dot(delta, activations[-2].transpose())", "delta * self.weights[-1]"),
    ),
    mistake(
        "outputs-in-place-of-inputs",
        None,
        ("np.dot(delta, activations[-l - 1].transpose())", "np.dot(delta, activations[-l].transpose())"),
        layers=(None, 1, 2),
        variant="hidden",
    ),
    mistake(
        "weights-not-transposed",
        1,
        ("self.weights[-l + 1].transpose()", "(self.weights[-l + 1] if l > 2 else self.weights[-1].T)"),
        layers=(1, 2),
    ),
    mistake(
        "gradient-transposed",
        None,
        ("np.dot(delta, activations[-l - 1].transpose())", "np.dot(activations[-l - 1], delta.transpose())"),
        layers=(None, 1, 2),
        variant="hidden",
    ),
    mistake(
        "bias-never-updated",
        None,
        (
            "        self.biases = [b - (eta / len(mini_batch)) * nb for b, nb in zip(self.biases, nabla_b)]\n",
            "",
        ),
    ),
    mistake("bias-never-updated", 3, ("        nabla_b[-1] = delta\n", "")),
    mistake(
        "bias-gradient-wrong-axis", 3, ("nabla_b[-1] = delta\n", "nabla_b[-1] = delta.sum()\n"), variant="all"
    ),
    mistake(
        "target-misaligned",
        None,
        (
            "delta_nabla_b, delta_nabla_w = self.backprop(x, y)",
            "delta_nabla_b, delta_nabla_w = self.backprop(x, y / 2)",
        ),
        variant="scaled 0.5",
        layers=(None, 3),
    ),
    mistake("one-sample-only", None, ("self.backprop(x, y)", "self.backprop(*training_data[0])")),
    mistake(
        "stale-gradient",
        None,
        (
            "        nabla_b = [np.zeros(b.shape) for b in self.biases]\n        nabla_w = [np.zeros(w.shape) for w in self.weights]\n        for x, y in mini_batch:\n            delta_nabla_b, delta_nabla_w = self.backprop(x, y)\n",
            "        nabla_b, nabla_w = self.total_b, self.total_w\n        for x, y in mini_batch:\n            delta_nabla_b, delta_nabla_w = self.backprop(x, y)\n",
        ),
        (
            "        self.weights = [w -",
            "        self.total_b, self.total_w = nabla_b, nabla_w\n        self.weights = [w -",
        ),
        (
            "\n    def feedforward",
            "        self.total_b = [np.zeros(b.shape) for b in self.biases]\n        self.total_w = [np.zeros(w.shape) for w in self.weights]\n\n    def feedforward",
        ),
    ),
    mistake(
        "extra-output-derivative",
        3,
        (
            "delta = self.cost_derivative(activations[-1], y)",
            "delta = self.cost_derivative(activations[-1], y) * sigmoid_prime(zs[-1])",
        ),
        within="cross-entropy",
    ),
    mistake("regularization-missing", None, ("[(1 - eta * self.lmbda) * w", "[w"), within="l2"),
    mistake(
        "regularization-wrong-factor",
        None,
        ("[(1 - eta * self.lmbda) * w", "[(1 - eta * self.lmbda / len(mini_batch)) * w"),
        within="l2",
        variant="0.25",
    ),
    mistake(
        "wrong-slope",
        None,
        ("np.where(z > 0, 1.0, 0.1)", "np.where(z > 0, 1.0, 0.3)"),
        within="leaky",
        layers=(None, 1, 2),
        variant="0.3",
    ),
)

VARIANTS = (
    variant(
        "renamed",
        renames={
            "weights": "Ws",
            "biases": "bs",
            "net": "nn",
            "nabla_w": "grad_w",
            "nabla_b": "grad_b",
            "delta_nabla_w": "gw",
            "delta_nabla_b": "gb",
            "Network": "Net",
            "sgd": "train",
            "eta": "lr",
            "zs": "pre",
            "activations": "acts",
        },
    ),
    variant(
        "synapses",
        renames={
            "weights": "synapses",
            "biases": "offsets",
            "net": "perceptron",
            "Network": "MultilayerPerceptron",
            "backprop": "gradients_for",
            "delta": "signal",
            "cost_derivative": "d_cost",
            "mini_batch": "chunk",
            "mini_batches": "chunks",
        },
        held=True,
    ),
    variant(
        "shuffled",
        (
            "            mini_batches = [",
            "            random.shuffle(training_data)\n            mini_batches = [",
        ),
        order="(random.shuffle(rows), rows)[1]",
    ),
    variant(
        "cross-entropy",
        (
            "cost += 0.5 * np.linalg.norm(self.feedforward(x) - y) ** 2",
            "a = self.feedforward(x)\n            cost += np.sum(-y * np.log(a) - (1 - y) * np.log(1 - a))",
        ),
        (" * sigmoid_prime(zs[-1])", ""),
        ("4, 1.5)", "4, 0.5)"),
        loss="bce",
        rate=0.5,
    ),
    variant(
        "l2",
        (
            "        return cost / len(data)",
            "        return cost / len(data) + 0.5 * self.lmbda * sum(np.linalg.norm(w) ** 2 for w in self.weights)",
        ),
        ("    def __init__(self, sizes):\n", "    lmbda = 0.01\n\n    def __init__(self, sizes):\n"),
        (_STEP_W, "[(1 - eta * self.lmbda) * w - (eta / len(mini_batch)) * nw"),
        penalty=0.005,
    ),
    variant(
        "leaky",
        (
            "            activation = sigmoid(z)\n",
            "            activation = leaky_relu(z) if len(zs) < self.num_layers - 1 else sigmoid(z)\n",
        ),
        (
            "            a = sigmoid(np.dot(w, a) + b)\n        return a",
            "            z = np.dot(w, a) + b\n            a = leaky_relu(z)\n        return sigmoid(z)",
        ),
        ("sp = sigmoid_prime(zs[-l])", "sp = leaky_relu_prime(zs[-l])"),
        (
            "\n\nnp.random.seed(2)\n",
            "\n\ndef leaky_relu(z):\n    return np.where(z > 0, z, 0.1 * z)\n\n\ndef leaky_relu_prime(z):\n    return np.where(z > 0, 1.0, 0.1)\n\n\nnp.random.seed(2)\n",
        ),
        ("4, 1.5)", "4, 0.3)"),
        activations=("leaky", "leaky", "sigmoid"),
        slope=0.1,
        rate=0.3,
    ),
    variant(
        "in-place",
        (
            "        self.weights = [w - (eta / len(mini_batch)) * nw for w, nw in zip(self.weights, nabla_w)]\n        self.biases = [b - (eta / len(mini_batch)) * nb for b, nb in zip(self.biases, nabla_b)]\n",
            "        for i in range(len(self.weights)):\n            self.weights[i] -= eta * nabla_w[i] / len(mini_batch)\n            self.biases[i] -= eta * nabla_b[i] / len(mini_batch)\n",
        ),
    ),
    variant("online", ("@epochs@, 4, 1.5)", "@epochs@, 1, 1.5)"), batch=1),
    variant("uneven", ("@epochs@, 4, 1.5)", "@epochs@, 5, 1.5)"), batch=5),
)

STYLE = Style(
    "weight_lists",
    "lists of weights in a class, column vectors, mini-batches added up sample by sample",
    TEXT,
    NETWORK,
    MISTAKES,
    VARIANTS,
    epochs=30,
)
