"""A list of layer objects with forward and backward methods, updated after every sample."""

from tests.review.corpus.reference import Network
from tests.review.corpus.template import Style, mistake, variant

TEXT = """
import numpy as np


class Layer:
    def forward(self, x):
        raise NotImplementedError

    def backward(self, grad_out, learning_rate):
        raise NotImplementedError


class Dense(Layer):
    def __init__(self, n_in, n_out):
        self.weights = np.random.randn(n_in, n_out) / np.sqrt(n_in)
        self.bias = np.zeros((1, n_out))

    def forward(self, x):
        self.x = x
        self.out = np.dot(x, self.weights) + self.bias
        return self.out

    def backward(self, grad_out, learning_rate):
        grad_in = np.dot(grad_out, self.weights.T)
        grad_w = np.dot(self.x.T, grad_out)
        # plain stochastic gradient descent
        self.weights -= learning_rate * grad_w
        self.bias -= learning_rate * grad_out
        return grad_in


class Activation(Layer):
    def __init__(self, f, f_prime):
        self.f = f
        self.f_prime = f_prime

    def forward(self, x):
        self.x = x
        return self.f(x)

    def backward(self, grad_out, learning_rate):
        return self.f_prime(self.x) * grad_out


def tanh(x):
    return np.tanh(x)


def tanh_prime(x):
    return 1 - np.tanh(x) ** 2


def mse(y_true, y_pred):
    return np.mean((y_true - y_pred) ** 2)


def mse_prime(y_true, y_pred):
    return 2 * (y_pred - y_true) / y_true.size


class Network:
    def __init__(self):
        self.layers = []

    def add(self, layer):
        self.layers.append(layer)

    def fit(self, xs, ys, epochs, learning_rate):
        for epoch in range(epochs):
            err = 0
            for x, y in zip(xs, ys):
                out = x
                for layer in self.layers:
                    out = layer.forward(out)
                err += mse(y, out)
                grad = mse_prime(y, out)
                for layer in reversed(self.layers):
                    grad = layer.backward(grad, learning_rate)
            err /= len(xs)
            if epoch % 20 == 0:
                print("epoch %d/%d   error=%f" % (epoch + 1, epochs, err))


np.random.seed(11)
X = np.random.uniform(-1, 1, (10, 1, 3))
Y = np.stack([np.sin(X[:, 0, 0] * X[:, 0, 1]), X[:, 0, 2] ** 2 - 0.5], axis=1).reshape(10, 1, 2)

net = Network()
net.add(Dense(3, 4))
net.add(Activation(tanh, tanh_prime))
net.add(Dense(4, 4))
net.add(Activation(tanh, tanh_prime))
net.add(Dense(4, 2))
net.add(Activation(tanh, tanh_prime))
net.fit(X, Y, epochs=@epochs@, learning_rate=0.1)
"""

NETWORK = Network(
    parameters=tuple((f"net.layers[{i}].weights", f"net.layers[{i}].bias") for i in (0, 2, 4)),
    activations=("tanh", "tanh", "tanh"),
    loss="mse",
    rate=0.1,
    inputs="X[:, 0, :]",
    targets="Y[:, 0, :]",
    batch=1,
    report="mean",
)

MISTAKES = (
    mistake(
        "missing-output-derivative",
        3,
        (
            "net.add(Dense(4, 2))\nnet.add(Activation(tanh, tanh_prime))",
            "net.add(Dense(4, 2))\nnet.add(Activation(tanh, lambda x: 1))",
        ),
    ),
    mistake(
        "missing-hidden-derivative",
        2,
        (
            "net.add(Dense(4, 4))\nnet.add(Activation(tanh, tanh_prime))",
            "net.add(Dense(4, 4))\nnet.add(Activation(tanh, lambda x: np.ones_like(x)))",
        ),
    ),
    mistake(
        "missing-hidden-derivative",
        1,
        (
            "net.add(Dense(3, 4))\nnet.add(Activation(tanh, tanh_prime))",
            "net.add(Dense(3, 4))\nnet.add(Activation(tanh, lambda x: 1.0))",
        ),
    ),
    mistake(
        "divided-twice",
        None,
        ("grad = mse_prime(y, out)", "grad = mse_prime(y, out) / len(xs)"),
        variant="10",
    ),
    mistake(
        "factor-of-two",
        None,
        ("return 2 * (y_pred - y_true) / y_true.size", "return (y_pred - y_true) / y_true.size"),
        variant="0.5",
    ),
    mistake(
        "constant-factor",
        None,
        ("return 2 * (y_pred - y_true) / y_true.size", "return 0.6 * (y_pred - y_true)"),
        variant="0.6",
    ),
    mistake("sign-flipped", None, ("return 2 * (y_pred - y_true)", "return 2 * (y_true - y_pred)")),
    mistake(
        "derivative-of-activation-not-preactivation",
        3,
        (
            "net.add(Dense(4, 2))\nnet.add(Activation(tanh, tanh_prime))",
            "net.add(Dense(4, 2))\nnet.add(Activation(tanh, lambda x: tanh_prime(tanh(x))))",
        ),
    ),
    mistake(
        "derivative-of-activation-not-preactivation",
        2,
        (
            "net.add(Dense(4, 4))\nnet.add(Activation(tanh, tanh_prime))",
            "net.add(Dense(4, 4))\nnet.add(Activation(tanh, lambda x: tanh_prime(np.tanh(x))))",
        ),
    ),
    mistake(
        "derivative-of-activation-not-preactivation",
        None,
        ("        self.x = x\n        return self.f(x)", "        self.x = self.f(x)\n        return self.x"),
        layers=(None, 1, 2, 3),
    ),
    mistake(
        "derivative-formula-on-preactivation",
        None,
        ("return 1 - np.tanh(x) ** 2", "return 1 - x ** 2"),
        layers=(None, 1, 2, 3),
    ),
    mistake(
        "gradient-transposed",
        2,
        ("net.add(Dense(4, 4))\n", "mid = Dense(4, 4)\nnet.add(mid)\n"),
        (
            "grad_w = np.dot(self.x.T, grad_out)",
            "grad_w = np.dot(self.x.T, grad_out)\n        if grad_w.shape[0] == grad_w.shape[1]:\n            grad_w = grad_w.T",
        ),
    ),
    mistake(
        "updated-before-backpropagating",
        None,
        ("        grad_in = np.dot(grad_out, self.weights.T)\n", ""),
        ("        return grad_in\n", "        return np.dot(grad_out, self.weights.T)\n"),
        layers=(None, 1, 2, 3),
    ),
    mistake(
        "bias-never-updated",
        None,
        ("        self.bias -= learning_rate * grad_out\n", ""),
        layers=(None, 1, 2, 3),
    ),
    mistake(
        "bias-gradient-wrong-axis",
        None,
        ("self.bias -= learning_rate * grad_out", "self.bias -= learning_rate * np.sum(grad_out)"),
        variant="all",
        layers=(None, 1, 2, 3),
    ),
    mistake(
        "bias-gradient-wrong-axis",
        None,
        (
            "self.bias -= learning_rate * grad_out",
            "self.bias -= learning_rate * np.sum(grad_out, axis=1, keepdims=True)",
        ),
        variant="all",
        layers=(None, 1, 2, 3),
    ),
    mistake(
        "one-sample-only",
        None,
        ("for x, y in zip(xs, ys):\n", "for x, y in zip([xs[0]] * len(xs), [ys[0]] * len(ys)):\n"),
    ),
    mistake(
        "target-misaligned",
        None,
        ("grad = mse_prime(y, out)", "grad = mse_prime(2 * y, out)"),
        variant="scaled 2",
        layers=(None, 3),
    ),
    mistake(
        "stale-gradient",
        None,
        (
            "        self.bias = np.zeros((1, n_out))\n",
            "        self.bias = np.zeros((1, n_out))\n        self.grad_w, self.grad_b = 0, 0\n",
        ),
        (
            "        grad_w = np.dot(self.x.T, grad_out)\n",
            "        self.grad_w = self.grad_w + np.dot(self.x.T, grad_out)\n        self.grad_b = self.grad_b + grad_out\n",
        ),
        ("learning_rate * grad_w", "learning_rate * self.grad_w"),
        ("learning_rate * grad_out\n", "learning_rate * self.grad_b\n"),
    ),
    mistake(
        "outputs-in-place-of-inputs",
        2,
        (
            "        self.out = np.dot(x",
            "        self.square = self.weights.shape[0] == self.weights.shape[1]\n        self.out = np.dot(x",
        ),
        (
            "grad_w = np.dot(self.x.T, grad_out)",
            "grad_w = np.dot((np.tanh(self.out) if self.square else self.x).T, grad_out)",
        ),
    ),
    mistake(
        "weights-not-transposed",
        1,
        (
            "grad_in = np.dot(grad_out, self.weights.T)",
            "w = self.weights if self.weights.shape[0] == self.weights.shape[1] else self.weights.T\n        grad_in = np.dot(grad_out, w)",
        ),
        layers=(1, 2),
    ),
    mistake(
        "weights-in-place-of-activation",
        None,
        ("grad_w = np.dot(self.x.T, grad_out)", "grad_w = self.weights * grad_out"),
        layers=(None, 1, 2, 3),
    ),
    mistake(
        "extra-output-derivative",
        3,
        (
            "    def backward(self, grad_out, learning_rate):\n        return grad_out\n",
            "    def backward(self, grad_out, learning_rate):\n        return grad_out * self.p * (1 - self.p)\n",
        ),
        within="softmax",
    ),
    mistake(
        "wrong-slope",
        None,
        ("np.where(x > 0, 1, 0.1)", "np.where(x > 0, 1, 0.01)"),
        variant="0.01",
        within="leaky",
        layers=(None, 1, 2),
    ),
    mistake("regularization-missing", None, (" + LAM * self.weights", ""), within="l2"),
    mistake(
        "regularization-wrong-factor",
        None,
        (" + LAM * self.weights", " + 2 * LAM * self.weights"),
        within="l2",
        variant="2",
    ),
)

VARIANTS = (
    variant(
        "renamed",
        renames={
            "weights": "W",
            "bias": "b",
            "Dense": "Linear",
            "Activation": "NonLinear",
            "net": "model",
            "fit": "train",
            "grad_out": "dout",
            "grad_in": "dx",
            "grad_w": "dW",
            "mse": "loss_function",
            "mse_prime": "loss_gradient",
            "err": "total",
        },
    ),
    variant(
        "fc",
        renames={
            "Dense": "FCLayer",
            "Activation": "ActivationLayer",
            "forward": "forward_propagation",
            "backward": "backward_propagation",
            "grad_out": "output_error",
            "grad_in": "input_error",
            "grad_w": "weights_error",
            "net": "nn",
        },
        held=True,
    ),
    variant(
        "sigmoid",
        ("def tanh(x):\n    return np.tanh(x)", "def tanh(x):\n    return 1 / (1 + np.exp(-x))"),
        ("return 1 - np.tanh(x) ** 2", "return tanh(x) * (1 - tanh(x))"),
        renames={"tanh": "logistic", "tanh_prime": "logistic_prime", "np.tanh": "np.tanh"},
        activations=("sigmoid", "sigmoid", "sigmoid"),
        held=True,
    ),
    variant(
        "leaky",
        ("def tanh(x):\n    return np.tanh(x)", "def leaky(x):\n    return np.where(x > 0, x, 0.1 * x)"),
        (
            "def tanh_prime(x):\n    return 1 - np.tanh(x) ** 2",
            "def leaky_prime(x):\n    return np.where(x > 0, 1, 0.1)",
        ),
        (
            "net.add(Dense(3, 4))\nnet.add(Activation(tanh, tanh_prime))",
            "net.add(Dense(3, 4))\nnet.add(Activation(leaky, leaky_prime))",
        ),
        (
            "net.add(Dense(4, 4))\nnet.add(Activation(tanh, tanh_prime))",
            "net.add(Dense(4, 4))\nnet.add(Activation(leaky, leaky_prime))",
        ),
        ("net.add(Dense(4, 2))\nnet.add(Activation(tanh, tanh_prime))", "net.add(Dense(4, 2))"),
        activations=("leaky", "leaky", "linear"),
        slope=0.1,
    ),
    variant(
        "softmax",
        (
            "np.random.seed(11)\n",
            'class Softmax(Layer):\n    """Together with the cross-entropy below."""\n\n    def forward(self, x):\n        e = np.exp(x - np.max(x))\n        self.p = e / e.sum()\n        return self.p\n\n    def backward(self, grad_out, learning_rate):\n        return grad_out\n\n\nnp.random.seed(11)\n',
        ),
        ("return np.mean((y_true - y_pred) ** 2)", "return -np.sum(y_true * np.log(y_pred))"),
        ("return 2 * (y_pred - y_true) / y_true.size", "return y_pred - y_true"),
        (
            "Y = np.stack([np.sin(X[:, 0, 0] * X[:, 0, 1]), X[:, 0, 2] ** 2 - 0.5], axis=1).reshape(10, 1, 2)",
            "Y = np.eye(2)[(X[:, 0, 0] > X[:, 0, 1]).astype(int)].reshape(10, 1, 2)",
        ),
        (
            "net.add(Dense(4, 2))\nnet.add(Activation(tanh, tanh_prime))",
            "net.add(Dense(4, 2))\nnet.add(Softmax())",
        ),
        activations=("tanh", "tanh", "softmax"),
        loss="ce",
        renames={"mse": "cross_entropy", "mse_prime": "cross_entropy_prime"},
    ),
    variant(
        "l2",
        ("class Layer:\n", "LAM = 0.01\n\n\nclass Layer:\n"),
        (
            "err += mse(y, out)",
            "err += mse(y, out) + LAM / 2 * sum(np.sum(la.weights ** 2) for la in self.layers if isinstance(la, Dense))",
        ),
        ("learning_rate * grad_w", "learning_rate * (grad_w + LAM * self.weights)"),
        penalty=0.005,
    ),
    variant(
        "list-of-layers",
        (
            "net = Network()\nnet.add(Dense(3, 4))\nnet.add(Activation(tanh, tanh_prime))\nnet.add(Dense(4, 4))\nnet.add(Activation(tanh, tanh_prime))\nnet.add(Dense(4, 2))\nnet.add(Activation(tanh, tanh_prime))\n",
            "net = Network()\nnet.layers = [Dense(3, 4), Activation(tanh, tanh_prime), Dense(4, 4), Activation(tanh, tanh_prime), Dense(4, 2), Activation(tanh, tanh_prime)]\n",
        ),
    ),
    variant(
        "shuffled",
        (
            "            for x, y in zip(xs, ys):\n",
            "            for j in np.random.permutation(len(xs)):\n                x, y = xs[j], ys[j]\n",
        ),
        order="np.random.permutation(10)",
    ),
    variant(
        "no-loss",
        ("                err += mse(y, out)\n", ""),
        (
            '            err /= len(xs)\n            if epoch % 20 == 0:\n                print("epoch %d/%d   error=%f" % (epoch + 1, epochs, err))\n',
            "",
        ),
        report="",
    ),
)

STYLE = Style(
    "layer_objects",
    "list of layer objects, row-major, sample by sample",
    TEXT,
    NETWORK,
    MISTAKES,
    VARIANTS,
    epochs=60,
)
