"""A class that keeps parameters and gradients by name and clears them; batches out of a generator, a while loop."""

from tests.review.corpus.reference import Network
from tests.review.corpus.template import Style, mistake, variant

TEXT = '''
import numpy as np
from dataclasses import dataclass


@dataclass
class Config:
    hidden: int = 5
    lr: float = 0.15
    batch_size: int = 5
    max_epochs: int = @epochs@


class MLP:
    """Two tanh layers and a sigmoid on top."""

    def __init__(self, n_in, cfg, n_out, seed=0):
        r = np.random.RandomState(seed)
        h = cfg.hidden
        self.params = dict(
            W1=r.normal(scale=n_in ** -0.5, size=(n_in, h)), b1=np.zeros((1, h)),
            W2=r.normal(scale=h ** -0.5, size=(h, h)), b2=np.zeros((1, h)),
            W3=r.normal(scale=h ** -0.5, size=(h, n_out)), b3=np.zeros((1, n_out)),
        )
        self.grads = {}
        self.zero_grad()

    def zero_grad(self):
        for k, p in self.params.items():
            self.grads[k] = np.zeros_like(p)

    def __call__(self, x):
        p = self.params
        self.x = x
        self.z1 = x @ p["W1"] + p["b1"]
        self.a1 = np.tanh(self.z1)
        self.z2 = self.a1 @ p["W2"] + p["b2"]
        self.a2 = np.tanh(self.z2)
        self.z3 = self.a2 @ p["W3"] + p["b3"]
        self.out = 1 / (1 + np.exp(-self.z3))
        return self.out

    def backward(self, target):
        n = target.shape[0]
        g = self.grads
        d_out = 2 * (self.out - target) / n
        d3 = d_out * self.out * (1 - self.out)
        g["W3"] += self.a2.T @ d3
        g["b3"] += d3.sum(0, keepdims=True)
        d2 = d3 @ self.params["W3"].T * (1 - self.a2 ** 2)
        g["W2"] += self.a1.T @ d2
        g["b2"] += d2.sum(0, keepdims=True)
        d1 = d2 @ self.params["W2"].T * (1 - self.a1 ** 2)
        g["W1"] += self.x.T @ d1
        g["b1"] += d1.sum(0, keepdims=True)

    def step(self, lr):
        for k in self.params:
            self.params[k] = self.params[k] - lr * self.grads[k]


def loss_fn(pred, target):
    return ((pred - target) ** 2).sum(axis=1).mean()


def minibatches(x, y, size, rng):
    order = rng.permutation(len(x))
    for s in range(0, len(order), size):
        pick = order[s:s + size]
        yield x[pick], y[pick]


cfg = Config()
rng = np.random.RandomState(99)
x = rng.rand(15, 5)
y = np.c_[x.sum(1) > 2.5, x[:, 0] > x[:, 1]].astype(float)
net = MLP(5, cfg, 2)

epoch = 0
while epoch < cfg.max_epochs:
    running, batches = 0.0, 0
    for xb, yb in minibatches(x, y, cfg.batch_size, rng):
        net.zero_grad()
        running += loss_fn(net(xb), yb)
        batches += 1
        net.backward(yb)
        net.step(cfg.lr)
    if epoch % 10 == 0:
        print("epoch %3d: training loss %.6f" % (epoch, running / batches))
    epoch += 1
'''

NETWORK = Network(
    parameters=tuple((f'net.params["W{k}"]', f'net.params["b{k}"]') for k in (1, 2, 3)),
    activations=("tanh", "tanh", "sigmoid"),
    loss="sample-mse",
    rate=0.15,
    inputs="x",
    batch=5,
    order="rng.permutation(len(x))",
    report="mean",
)

MISTAKES = (
    mistake("missing-output-derivative", 3, ("d_out * self.out * (1 - self.out)", "d_out")),
    mistake(
        "missing-hidden-derivative", 2, ('self.params["W3"].T * (1 - self.a2 ** 2)', 'self.params["W3"].T')
    ),
    mistake(
        "missing-hidden-derivative", 1, ('self.params["W2"].T * (1 - self.a1 ** 2)', 'self.params["W2"].T')
    ),
    mistake(
        "derivative-missing-in-gradient-only",
        3,
        ("self.a2.T @ d3", "self.a2.T @ d_out"),
        ("d3.sum(0, keepdims=True)", "d_out.sum(0, keepdims=True)"),
    ),
    mistake(
        "raw-error-propagated", 2, ('d3 @ self.params["W3"].T', 'd_out @ self.params["W3"].T'), layers=(2, 3)
    ),
    mistake("sum-instead-of-mean", None, ("2 * (self.out - target) / n", "2 * (self.out - target)")),
    mistake(
        "divided-twice",
        None,
        ("self.params[k] - lr * self.grads[k]", "self.params[k] - lr * self.grads[k] / len(self.x)"),
    ),
    mistake("factor-of-two", None, ("2 * (self.out - target) / n", "(self.out - target) / n"), variant="0.5"),
    mistake(
        "constant-factor",
        None,
        ("2 * (self.out - target) / n", "(self.out - target) / (4 * n)"),
        variant="0.125",
    ),
    mistake("sign-flipped", None, ("2 * (self.out - target) / n", "-2 * (self.out - target) / n")),
    mistake("sign-flipped", None, ("lr: float = 0.15", "lr: float = -0.15")),
    mistake(
        "derivative-formula-on-preactivation", 3, ("self.out * (1 - self.out)", "self.z3 * (1 - self.z3)")
    ),
    mistake("derivative-formula-on-preactivation", 2, ("(1 - self.a2 ** 2)", "(1 - self.z2 ** 2)")),
    mistake(
        "derivative-of-activation-not-preactivation", 2, ("(1 - self.a2 ** 2)", "(1 - np.tanh(self.a2) ** 2)")
    ),
    mistake(
        "derivative-of-activation-not-preactivation", 1, ("(1 - self.a1 ** 2)", "(1 / np.cosh(self.a1) ** 2)")
    ),
    mistake(
        "derivative-of-error",
        3,
        ("d_out * self.out * (1 - self.out)", "d_out * (self.out - target) * (1 - (self.out - target))"),
        variant="formula",
    ),
    mistake("weights-in-place-of-activation", 3, ("self.a2.T @ d3", 'self.params["W3"] * d3.sum(0)')),
    mistake("outputs-in-place-of-inputs", 2, ("self.a1.T @ d2", "self.a2.T @ d2")),
    mistake("outputs-in-place-of-inputs", 1, ("self.x.T @ d1", "self.a1.T @ d1")),
    mistake("error-not-propagated", 1, ('d2 @ self.params["W2"].T *', "d2 *")),
    mistake(
        "weights-not-transposed", 1, ('d2 @ self.params["W2"].T', 'd2 @ self.params["W2"]'), layers=(1, 2)
    ),
    mistake("gradient-transposed", 1, ("self.x.T @ d1", "d1.T @ self.x")),
    mistake("gradient-transposed", 2, ("self.a1.T @ d2", "(self.a1.T @ d2).T")),
    mistake("bias-gradient-wrong-axis", 1, ("d1.sum(0, keepdims=True)", "d1.sum(1)"), variant="axis"),
    mistake("bias-gradient-wrong-axis", 3, ("d3.sum(0, keepdims=True)", "d3.sum()"), variant="all"),
    mistake(
        "bias-gradient-wrong-axis",
        1,
        ("d1.sum(0, keepdims=True)", "d2.sum(0, keepdims=True)"),
        variant="next",
    ),
    mistake("bias-never-updated", 2, ('        g["b2"] += d2.sum(0, keepdims=True)\n', "")),
    mistake(
        "bias-never-updated",
        None,
        (
            "        for k in self.params:\n            self.params[k] = ",
            "        for k in ('W1', 'W2', 'W3'):\n            self.params[k] = ",
        ),
    ),
    mistake("stale-gradient", None, ("        net.zero_grad()\n", "")),
    mistake(
        "stale-gradient",
        None,
        ("        net.zero_grad()\n", ""),
        ("    running, batches = 0.0, 0\n", "    running, batches = 0.0, 0\n    net.zero_grad()\n"),
        variant="epoch",
    ),
    mistake("one-sample-only", None, ("pick = order[s:s + size]", "pick = [0]"), variant="0"),
    mistake(
        "target-misaligned",
        None,
        ("yield x[pick], y[pick]", "yield x[pick], y[s:s + size]"),
        variant="unshuffled",
        layers=(None, 3),
    ),
    mistake(
        "extra-output-derivative",
        3,
        ("d3 = (self.out - target) / n\n", "d3 = (self.out - target) / n * self.out * (1 - self.out)\n"),
        within="cross-entropy",
    ),
    mistake(
        "softmax-diagonal-only",
        3,
        (
            "d3 = self.out * (d_out - (d_out * self.out).sum(1, keepdims=True))",
            "d3 = d_out * self.out * (1 - self.out)",
        ),
        within="softmax",
    ),
    mistake(
        "wrong-slope",
        2,
        ("np.where(self.z2 > 0, 1, 0.01)", "np.where(self.z2 > 0, 1, 0.1)"),
        within="leaky",
        variant="0.1",
    ),
    mistake(
        "regularization-missing",
        None,
        (' + (2 * 1e-2 * self.params[k] if k.startswith("W") else 0)', ""),
        within="l2",
    ),
    mistake(
        "regularization-wrong-factor",
        None,
        ("(2 * 1e-2 * self.params[k]", "(1e-2 * self.params[k]"),
        within="l2",
        variant="0.5",
    ),
)

VARIANTS = (
    variant(
        "renamed",
        renames={
            "params": "theta",
            "grads": "dtheta",
            "net": "model",
            "MLP": "Regressor",
            "d1": "e1",
            "d2": "e2",
            "d3": "e3",
            "a1": "h1",
            "a2": "h2",
            "out": "prob",
            "loss_fn": "criterion",
            "zero_grad": "reset",
        },
        parameters=tuple((f'net.params["W{k}"]', f'net.params["b{k}"]') for k in (1, 2, 3)),
    ),
    variant(
        "keys",
        renames={
            "W1": "w_in",
            "W2": "w_mid",
            "W3": "w_out",
            "b1": "c_in",
            "b2": "c_mid",
            "b3": "c_out",
            "net": "brain",
        },
        held=True,
    ),
    variant(
        "cross-entropy",
        (
            "        d_out = 2 * (self.out - target) / n\n        d3 = d_out * self.out * (1 - self.out)\n",
            "        d3 = (self.out - target) / n\n",
        ),
        (
            "return ((pred - target) ** 2).sum(axis=1).mean()",
            "return -(target * np.log(pred) + (1 - target) * np.log(1 - pred)).sum(axis=1).mean()",
        ),
        loss="bce",
    ),
    variant(
        "softmax",
        (
            "self.out = 1 / (1 + np.exp(-self.z3))",
            "e = np.exp(self.z3 - self.z3.max(1, keepdims=True))\n        self.out = e / e.sum(1, keepdims=True)",
        ),
        (
            "d3 = d_out * self.out * (1 - self.out)",
            "d3 = self.out * (d_out - (d_out * self.out).sum(1, keepdims=True))",
        ),
        activations=("tanh", "tanh", "softmax"),
    ),
    variant(
        "leaky",
        ("self.a2 = np.tanh(self.z2)", "self.a2 = np.where(self.z2 > 0, self.z2, 0.01 * self.z2)"),
        ("(1 - self.a2 ** 2)", "np.where(self.z2 > 0, 1, 0.01)"),
        activations=("tanh", "leaky", "sigmoid"),
    ),
    variant(
        "elu",
        (
            "self.a1 = np.tanh(self.z1)",
            "self.a1 = np.where(self.z1 > 0, self.z1, np.exp(np.minimum(self.z1, 0)) - 1)",
        ),
        ("(1 - self.a1 ** 2)", "np.where(self.z1 > 0, 1, self.a1 + 1)"),
        activations=("elu", "tanh", "sigmoid"),
    ),
    variant(
        "l2",
        (
            "lr * self.grads[k]",
            'lr * (self.grads[k] + (2 * 1e-2 * self.params[k] if k.startswith("W") else 0))',
        ),
        (
            "running += loss_fn(net(xb), yb)",
            'running += loss_fn(net(xb), yb) + 1e-2 * sum((w ** 2).sum() for k, w in net.params.items() if k.startswith("W"))',
        ),
        penalty=0.01,
    ),
    variant(
        "adam",
        (
            "    def step(self, lr):\n        for k in self.params:\n            self.params[k] = self.params[k] - lr * self.grads[k]\n",
            '    def step(self, lr, b1=0.9, b2=0.999, eps=1e-8):\n        self.t = getattr(self, "t", 0) + 1\n        if self.t == 1:\n            self.m = {k: np.zeros_like(p) for k, p in self.params.items()}\n            self.v = {k: np.zeros_like(p) for k, p in self.params.items()}\n'
            "        for k in self.params:\n            self.m[k] = b1 * self.m[k] + (1 - b1) * self.grads[k]\n            self.v[k] = b2 * self.v[k] + (1 - b2) * self.grads[k] ** 2\n"
            "            mh = self.m[k] / (1 - b1 ** self.t)\n            vh = self.v[k] / (1 - b2 ** self.t)\n            self.params[k] = self.params[k] - lr * mh / (np.sqrt(vh) + eps)\n",
        ),
        ("lr: float = 0.15", "lr: float = 0.01"),
        optimizer="adam",
        rate=0.01,
    ),
    variant(
        "nesterov",
        (
            "    def step(self, lr):\n        for k in self.params:\n            self.params[k] = self.params[k] - lr * self.grads[k]\n",
            '    def step(self, lr, mu=0.8):\n        if not hasattr(self, "v"):\n            self.v = {k: np.zeros_like(p) for k, p in self.params.items()}\n        for k in self.params:\n            before = self.v[k]\n            self.v[k] = mu * before - lr * self.grads[k]\n            self.params[k] = self.params[k] - mu * before + (1 + mu) * self.v[k]\n',
        ),
        ("lr: float = 0.15", "lr: float = 0.05"),
        optimizer="nesterov 0.8",
        rate=0.05,
    ),
    variant("no-shuffle", ("order = rng.permutation(len(x))", "order = np.arange(len(x))"), order=""),
)

STYLE = Style(
    "generator_class",
    "parameters and gradients by name in a class, generator of batches, while loop",
    TEXT,
    NETWORK,
    MISTAKES,
    VARIANTS,
    epochs=40,
)
