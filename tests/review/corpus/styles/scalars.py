"""Every weight a variable of its own, as worked examples have it; sample by sample, no matrices."""

from tests.review.corpus.reference import Network
from tests.review.corpus.template import Style, mistake, variant

TEXT = '''
import numpy as np

def sigmoid(x):
    # f(x) = 1 / (1 + e^(-x))
    return 1 / (1 + np.exp(-x))

def deriv_sigmoid(x):
    fx = sigmoid(x)
    return fx * (1 - fx)

class OurNetwork:
    """Two inputs, two hidden neurons, one output."""

    def __init__(self):
        self.w1 = np.random.normal()
        self.w2 = np.random.normal()
        self.w3 = np.random.normal()
        self.w4 = np.random.normal()
        self.w5 = np.random.normal()
        self.w6 = np.random.normal()
        self.b1 = np.random.normal()
        self.b2 = np.random.normal()
        self.b3 = np.random.normal()

    def feedforward(self, x):
        h1 = sigmoid(self.w1 * x[0] + self.w2 * x[1] + self.b1)
        h2 = sigmoid(self.w3 * x[0] + self.w4 * x[1] + self.b2)
        return sigmoid(self.w5 * h1 + self.w6 * h2 + self.b3)

    def train(self, data, all_y):
        learn_rate = 0.3
        for epoch in range(@epochs@):
            for x, y_true in zip(data, all_y):
                sum_h1 = self.w1 * x[0] + self.w2 * x[1] + self.b1
                h1 = sigmoid(sum_h1)
                sum_h2 = self.w3 * x[0] + self.w4 * x[1] + self.b2
                h2 = sigmoid(sum_h2)
                sum_o1 = self.w5 * h1 + self.w6 * h2 + self.b3
                o1 = sigmoid(sum_o1)

                d_o1 = -2 * (y_true - o1) * deriv_sigmoid(sum_o1)
                d_h1 = d_o1 * self.w5 * deriv_sigmoid(sum_h1)
                d_h2 = d_o1 * self.w6 * deriv_sigmoid(sum_h2)

                self.w1 -= learn_rate * d_h1 * x[0]
                self.w2 -= learn_rate * d_h1 * x[1]
                self.b1 -= learn_rate * d_h1
                self.w3 -= learn_rate * d_h2 * x[0]
                self.w4 -= learn_rate * d_h2 * x[1]
                self.b2 -= learn_rate * d_h2
                self.w5 -= learn_rate * d_o1 * h1
                self.w6 -= learn_rate * d_o1 * h2
                self.b3 -= learn_rate * d_o1
            if epoch % 10 == 0:
                preds = np.apply_along_axis(self.feedforward, 1, data)
                loss = ((all_y - preds) ** 2).mean()
                print("Epoch %d loss: %.3f" % (epoch, loss))

np.random.seed(17)
data = np.array([[-2.0, -1.0], [2.5, 0.6], [1.7, 0.4], [-1.5, -0.6], [0.5, -2.0]])
all_y = np.array([1, 0, 0, 1, 1])
network = OurNetwork()
network.train(data, all_y)
'''

_H = "[[network.w1, network.w3], [network.w2, network.w4]]"

NETWORK = Network(
    parameters=((_H, "[network.b1, network.b2]"), ("[[network.w5], [network.w6]]", "[network.b3]")),
    activations=("sigmoid", "sigmoid"),
    loss="mse",
    rate=0.3,
    inputs="data",
    targets="all_y",
    batch=1,
    report="after",
)

MISTAKES = (
    mistake("missing-output-derivative", 2, (" * deriv_sigmoid(sum_o1)", "")),
    mistake(
        "missing-hidden-derivative", 1, (" * deriv_sigmoid(sum_h1)", ""), (" * deriv_sigmoid(sum_h2)", "")
    ),
    mistake("factor-of-two", None, ("-2 * (y_true - o1)", "-(y_true - o1)"), variant="0.5"),
    mistake("sign-flipped", None, ("-2 * (y_true - o1)", "2 * (y_true - o1)")),
    mistake("derivative-of-activation-not-preactivation", 2, ("deriv_sigmoid(sum_o1)", "deriv_sigmoid(o1)")),
    mistake(
        "derivative-of-activation-not-preactivation",
        1,
        ("deriv_sigmoid(sum_h1)", "deriv_sigmoid(h1)"),
        ("deriv_sigmoid(sum_h2)", "deriv_sigmoid(h2)"),
    ),
    mistake("bias-never-updated", 2, ("                self.b3 -= learn_rate * d_o1\n", "")),
    mistake(
        "weights-in-place-of-activation",
        2,
        ("d_o1 * h1\n", "d_o1 * self.w5\n"),
        ("d_o1 * h2\n", "d_o1 * self.w6\n"),
    ),
    mistake("error-not-propagated", 1, ("d_o1 * self.w5 *", "d_o1 *"), ("d_o1 * self.w6 *", "d_o1 *")),
)

VARIANTS = (
    variant(
        "renamed",
        renames={
            "w1": "w_i1_h1",
            "w2": "w_i2_h1",
            "w3": "w_i1_h2",
            "w4": "w_i2_h2",
            "w5": "w_h1_o",
            "w6": "w_h2_o",
            "network": "net",
            "d_o1": "grad_o",
        },
    ),
)

STYLE = Style(
    "scalars",
    "every weight a scalar of its own, sample by sample",
    TEXT,
    NETWORK,
    MISTAKES,
    VARIANTS,
    epochs=60,
)
