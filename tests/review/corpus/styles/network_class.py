"""A class with its weights as attributes, the error as target minus output and weights added to."""

from tests.review.corpus.reference import Network
from tests.review.corpus.template import Style, mistake, variant

TEXT = """
import numpy as np

def sigmoid(x):
    return 1.0/(1+ np.exp(-x))

def sigmoid_derivative(x):
    # x is already the sigmoid's output
    return x * (1.0 - x)

class NeuralNetwork:
    def __init__(self, x, y):
        self.input    = x
        self.weights1 = np.random.rand(self.input.shape[1],4) - 0.5
        self.weights2 = np.random.rand(4,4) - 0.5
        self.weights3 = np.random.rand(4,1) - 0.5
        self.y        = y
        self.output   = np.zeros(self.y.shape)

    def feedforward(self):
        self.layer1 = sigmoid(np.dot(self.input, self.weights1))
        self.layer2 = sigmoid(np.dot(self.layer1, self.weights2))
        self.output = sigmoid(np.dot(self.layer2, self.weights3))
        return self.output

    def loss(self):
        return np.sum((self.y - self.output)**2)

    def backprop(self):
        # chain rule, from the loss back to the first weights
        err = 2*(self.y - self.output)
        delta3 = err * sigmoid_derivative(self.output)
        d_weights3 = np.dot(self.layer2.T, delta3)
        delta2 = np.dot(delta3, self.weights3.T) * sigmoid_derivative(self.layer2)
        d_weights2 = np.dot(self.layer1.T, delta2)
        delta1 = np.dot(delta2, self.weights2.T) * sigmoid_derivative(self.layer1)
        d_weights1 = np.dot(self.input.T, delta1)

        self.weights1 += d_weights1
        self.weights2 += d_weights2
        self.weights3 += d_weights3


if __name__ == "__main__":
    np.random.seed(5)
    X = np.array([[0,0,1,0],
                  [0,1,1,1],
                  [1,0,1,0],
                  [1,1,1,1],
                  [1,0,0,1],
                  [0,1,0,0],
                  [0,0,0,1]])
    y = np.array([[0],[1],[1],[0],[1],[1],[0]])
    nn = NeuralNetwork(X,y)

    for i in range(@epochs@):
        nn.feedforward()
        if i % 100 == 0:
            print("Loss: " + str(nn.loss()))
        nn.backprop()

    print(nn.output)
"""

NETWORK = Network(
    parameters=(("nn.weights1", ""), ("nn.weights2", ""), ("nn.weights3", "")),
    activations=("sigmoid", "sigmoid", "sigmoid"),
    loss="sse",
    rate=1.0,
)

_UPDATE3 = "        self.weights1 += d_weights1\n        self.weights2 += d_weights2\n        self.weights3 += d_weights3\n"

MISTAKES = (
    mistake(
        "broadcast-error",
        None,
        ("np.sum((self.y - self.output)**2)", "np.sum((self.y.flatten() - self.output)**2)"),
        variant="in-loss",
        layers=(None, 3),
    ),
    mistake("missing-output-derivative", 3, ("err * sigmoid_derivative(self.output)", "err")),
    mistake(
        "missing-hidden-derivative",
        2,
        (
            "np.dot(delta3, self.weights3.T) * sigmoid_derivative(self.layer2)",
            "np.dot(delta3, self.weights3.T)",
        ),
    ),
    mistake(
        "missing-hidden-derivative",
        1,
        (
            "np.dot(delta2, self.weights2.T) * sigmoid_derivative(self.layer1)",
            "np.dot(delta2, self.weights2.T)",
        ),
    ),
    mistake(
        "derivative-missing-in-gradient-only",
        3,
        ("np.dot(self.layer2.T, delta3)", "np.dot(self.layer2.T, err)"),
    ),
    mistake(
        "raw-error-propagated",
        2,
        ("np.dot(delta3, self.weights3.T)", "np.dot(err, self.weights3.T)"),
        layers=(2, 3),
    ),
    mistake(
        "sum-instead-of-mean",
        None,
        ("2*(self.y - self.output)/len(self.y)", "2*(self.y - self.output)"),
        within="rate",
    ),
    mistake(
        "divided-twice",
        None,
        ("2*(self.y - self.output)/len(self.y)", "2*(self.y - self.output)/len(self.y)**2"),
        within="rate",
    ),
    mistake("factor-of-two", None, ("err = 2*(self.y", "err = (self.y"), variant="0.5"),
    mistake("constant-factor", None, ("err = 2*(self.y", "err = 6*(self.y"), variant="3"),
    mistake("sign-flipped", None, ("2*(self.y - self.output)", "2*(self.output - self.y)")),
    mistake("sign-flipped", 1, ("self.weights1 += d_weights1", "self.weights1 -= d_weights1")),
    mistake(
        "derivative-of-activation-not-preactivation",
        3,
        ("err * sigmoid_derivative(self.output)", "err * sigmoid_derivative(sigmoid(self.output))"),
    ),
    mistake(
        "derivative-of-activation-not-preactivation",
        2,
        ("sigmoid_derivative(self.layer2)", "sigmoid_derivative(sigmoid(self.layer2))"),
    ),
    mistake(
        "derivative-formula-on-preactivation",
        2,
        ("sigmoid_derivative(self.layer2)", "sigmoid_derivative(np.dot(self.layer1, self.weights2))"),
    ),
    mistake(
        "derivative-formula-on-preactivation",
        3,
        ("sigmoid_derivative(self.output)", "sigmoid_derivative(np.dot(self.layer2, self.weights3))"),
    ),
    mistake(
        "derivative-of-error",
        3,
        ("err * sigmoid_derivative(self.output)", "err * sigmoid_derivative(self.y - self.output)"),
        variant="y-a formula",
    ),
    mistake(
        "weights-in-place-of-activation", 3, ("np.dot(self.layer2.T, delta3)", "self.weights3 * delta3.sum()")
    ),
    mistake(
        "outputs-in-place-of-inputs", 2, ("np.dot(self.layer1.T, delta2)", "np.dot(self.layer2.T, delta2)")
    ),
    mistake(
        "outputs-in-place-of-inputs", 1, ("np.dot(self.input.T, delta1)", "np.dot(self.layer1.T, delta1)")
    ),
    mistake(
        "error-not-propagated",
        2,
        ("np.dot(delta3, self.weights3.T) *", "err *"),
        variant="error",
        layers=(2, 3),
    ),
    mistake(
        "weights-not-transposed",
        1,
        ("np.dot(delta2, self.weights2.T)", "np.dot(delta2, self.weights2)"),
        layers=(1, 2),
    ),
    mistake("gradient-transposed", 2, ("np.dot(self.layer1.T, delta2)", "np.dot(delta2.T, self.layer1)")),
    mistake("gradient-transposed", 1, ("self.weights1 += d_weights1", "self.weights1 += d_weights1.T")),
    mistake(
        "updated-before-backpropagating",
        1,
        (
            "        delta1 = np.dot(delta2",
            "        self.weights2 += d_weights2\n        delta1 = np.dot(delta2",
        ),
        ("        self.weights2 += d_weights2\n        self.weights3", "        self.weights3"),
        layers=(1, 2),
    ),
    mistake(
        "target-misaligned",
        None,
        ("err = 2*(self.y -", "err = 2*(np.roll(self.y, 1, axis=0) -"),
        variant="roll 1",
        layers=(None, 3),
    ),
    mistake(
        "stale-gradient",
        None,
        (
            "        self.output   = np.zeros",
            "        self.d1, self.d2, self.d3 = 0, 0, 0\n        self.output   = np.zeros",
        ),
        (
            _UPDATE3,
            "        self.d1 += d_weights1\n        self.d2 += d_weights2\n        self.d3 += d_weights3\n        self.weights1 = self.weights1 + self.d1\n        self.weights2 = self.weights2 + self.d2\n        self.weights3 = self.weights3 + self.d3\n",
        ),
    ),
    mistake(
        "broadcast-error",
        None,
        ("y = np.array([[0],[1],[1],[0],[1],[1],[0]])", "y = np.array([0,1,1,0,1,1,0])"),
        ("err = 2*(self.y - self.output)", "err = 2*np.mean(self.y - self.output, axis=1, keepdims=True)"),
        ("np.zeros(self.y.shape)", "np.zeros((len(y), 1))"),
        variant="mean",
        layers=(None, 3),
    ),
    mistake("bias-never-updated", 3, ("        self.b3 += delta3.sum(axis=0)\n", ""), within="biases"),
    mistake("bias-never-updated", 1, ("        self.b1 += delta1.sum(axis=0)\n", ""), within="biases"),
    mistake(
        "bias-gradient-wrong-axis", 2, ("delta2.sum(axis=0)", "delta2.sum()"), within="biases", variant="all"
    ),
    mistake(
        "bias-gradient-wrong-axis",
        2,
        ("delta2.sum(axis=0)", "delta3.sum(axis=0)"),
        within="biases",
        variant="next",
    ),
    mistake(
        "extra-output-derivative",
        3,
        (
            "delta3 = self.y - self.output",
            "delta3 = (self.y - self.output) * sigmoid_derivative(self.output)",
        ),
        within="cross-entropy",
    ),
    mistake(
        "wrong-slope",
        2,
        ("np.where(self.layer2 > 0, 1, 0.05)", "np.where(self.layer2 > 0, 1, 0)"),
        within="leaky",
        variant="0",
    ),
    mistake(
        "regularization-missing",
        None,
        (" - 2*self.lam*self.weights1", ""),
        (" - 2*self.lam*self.weights2", ""),
        (" - 2*self.lam*self.weights3", ""),
        within="l2",
    ),
    mistake(
        "regularization-wrong-factor",
        None,
        (" - 2*self.lam*self.weights1", " - self.lam*self.weights1"),
        (" - 2*self.lam*self.weights2", " - self.lam*self.weights2"),
        (" - 2*self.lam*self.weights3", " - self.lam*self.weights3"),
        within="l2",
        variant="0.5",
    ),
)

VARIANTS = (
    variant(
        "rate",
        ("def __init__(self, x, y):\n", "def __init__(self, x, y, lr=0.3):\n        self.lr = lr\n"),
        ("+= d_weights1", "+= self.lr * d_weights1"),
        ("+= d_weights2", "+= self.lr * d_weights2"),
        ("+= d_weights3", "+= self.lr * d_weights3"),
        ("2*(self.y - self.output)", "2*(self.y - self.output)/len(self.y)"),
        ("np.sum((self.y - self.output)**2)", "np.mean((self.y - self.output)**2)"),
        loss="mse",
        rate=0.3,
    ),
    variant(
        "renamed",
        renames={
            "weights1": "W0",
            "weights2": "W1",
            "weights3": "W2",
            "layer1": "h0",
            "layer2": "h1",
            "output": "yhat",
            "feedforward": "forward",
            "backprop": "backward",
            "nn": "net",
            "delta3": "grad2",
            "delta2": "grad1",
            "delta1": "grad0",
            "NeuralNetwork": "MLP",
        },
        parameters=(("nn.weights1", ""), ("nn.weights2", ""), ("nn.weights3", "")),
    ),
    variant(
        "biological",
        renames={
            "weights1": "synapse_ab",
            "weights2": "synapse_bc",
            "weights3": "synapse_cd",
            "layer1": "area_b",
            "layer2": "area_c",
            "output": "area_d",
            "nn": "brain",
            "NeuralNetwork": "Brain",
            "backprop": "learn",
            "feedforward": "think",
        },
        held=True,
    ),
    variant(
        "tanh",
        ("self.layer1 = sigmoid(", "self.layer1 = np.tanh("),
        ("sigmoid_derivative(self.layer1)", "(1 - self.layer1**2)"),
        ("self.layer2 = sigmoid(", "self.layer2 = np.tanh("),
        ("sigmoid_derivative(self.layer2)", "(1 - self.layer2**2)"),
        ("2*(self.y - self.output)\n", "0.1*2*(self.y - self.output)\n"),
        activations=("tanh", "tanh", "sigmoid"),
        rate=0.1,
    ),
    variant(
        "leaky",
        (
            "self.layer2 = sigmoid(np.dot(self.layer1, self.weights2))",
            "s = np.dot(self.layer1, self.weights2)\n        self.layer2 = np.where(s > 0, s, 0.05*s)",
        ),
        ("sigmoid_derivative(self.layer2)", "np.where(self.layer2 > 0, 1, 0.05)"),
        activations=("sigmoid", "leaky", "sigmoid"),
        slope=0.05,
    ),
    variant(
        "biases",
        (
            "        self.y        = y\n",
            "        self.b1, self.b2, self.b3 = np.zeros(4), np.zeros(4), np.zeros(1)\n        self.y        = y\n",
        ),
        ("np.dot(self.input, self.weights1)", "np.dot(self.input, self.weights1) + self.b1"),
        ("np.dot(self.layer1, self.weights2)", "np.dot(self.layer1, self.weights2) + self.b2"),
        ("np.dot(self.layer2, self.weights3)", "np.dot(self.layer2, self.weights3) + self.b3"),
        (
            "        self.weights3 += d_weights3\n",
            "        self.weights3 += d_weights3\n        self.b1 += delta1.sum(axis=0)\n        self.b2 += delta2.sum(axis=0)\n        self.b3 += delta3.sum(axis=0)\n",
        ),
        parameters=(("nn.weights1", "nn.b1"), ("nn.weights2", "nn.b2"), ("nn.weights3", "nn.b3")),
    ),
    variant(
        "cross-entropy",
        (
            "return np.sum((self.y - self.output)**2)",
            "return -np.sum(self.y*np.log(self.output) + (1-self.y)*np.log(1-self.output))",
        ),
        (
            "        err = 2*(self.y - self.output)\n        delta3 = err * sigmoid_derivative(self.output)\n",
            "        delta3 = self.y - self.output\n",
        ),
        loss="sum-bce",
    ),
    variant(
        "l2",
        ("        self.y        = y\n", "        self.y        = y\n        self.lam = 0.01\n"),
        (
            "return np.sum((self.y - self.output)**2)",
            "return np.sum((self.y - self.output)**2) + self.lam*sum(np.sum(w**2) for w in (self.weights1, self.weights2, self.weights3))",
        ),
        ("+= d_weights1", "+= d_weights1 - 2*self.lam*self.weights1"),
        ("+= d_weights2", "+= d_weights2 - 2*self.lam*self.weights2"),
        ("+= d_weights3", "+= d_weights3 - 2*self.lam*self.weights3"),
        penalty=0.01,
    ),
    variant(
        "train-method",
        (
            "\n\nif __name__",
            '\n    def train(self, epochs=@epochs@):\n        for i in range(epochs):\n            self.feedforward()\n            if i % 100 == 0:\n                print("Loss: " + str(self.loss()))\n            self.backprop()\n\n\nif __name__',
        ),
        (
            '    for i in range(@epochs@):\n        nn.feedforward()\n        if i % 100 == 0:\n            print("Loss: " + str(nn.loss()))\n        nn.backprop()\n',
            "    nn.train()\n",
        ),
    ),
    variant(
        "averaged-momentum",
        (
            "        self.y        = y\n",
            "        self.y        = y\n        self.v1 = self.v2 = self.v3 = 0\n",
        ),
        (
            _UPDATE3,
            "".join(
                f"        self.v{k} = 0.8*self.v{k} + 0.2*d_weights{k}\n        self.weights{k} += self.v{k}\n"
                for k in "123"
            ),
        ),
        optimizer="averaged-momentum 0.8",
    ),
    variant(
        "property",
        (
            "        self.layer1 = sigmoid(np.dot(self.input, self.weights1))\n",
            "        x = self.input\n        self.layer1 = sigmoid(x @ self.weights1)\n",
        ),
        (
            "self.layer2 = sigmoid(np.dot(self.layer1, self.weights2))",
            "self.layer2 = sigmoid(self.layer1 @ self.weights2)",
        ),
        (
            "    def loss(self):\n        return np.sum(",
            "    @property\n    def total_loss(self):\n        return np.sum(",
        ),
        ("str(nn.loss())", "str(nn.total_loss)"),
        held=True,
    ),
)

STYLE = Style(
    "network_class",
    "a class with attributes, row-major, full batch, target minus output",
    TEXT,
    NETWORK,
    MISTAKES,
    VARIANTS,
)
