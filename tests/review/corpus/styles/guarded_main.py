"""argparse and a main function: lists of arrays, loops over layers, LeakyReLU, rows, mini-batches in slices."""

from tests.review.corpus.reference import Network
from tests.review.corpus.template import Style, mistake, variant

TEXT = '''
#!/usr/bin/env python3
"""Train a small regression network on synthetic data."""
import argparse

import numpy as np

SLOPE = 0.1


def leaky_relu(z):
    return np.where(z > 0, z, SLOPE * z)


def leaky_relu_grad(z):
    return np.where(z > 0, 1.0, SLOPE)


def make_data(n, rng):
    x = rng.uniform(-1, 1, (n, 3))
    t = np.stack([x[:, 0] * x[:, 1], np.cos(2 * x[:, 2])], axis=-1)
    return x, t


def forward(x, weights, biases):
    zs, acts = [], [x]
    for layer, (w, b) in enumerate(zip(weights, biases)):
        z = acts[-1] @ w + b
        zs.append(z)
        last = layer == len(weights) - 1
        acts.append(np.tanh(z) if last else leaky_relu(z))
    return zs, acts


def backward(t, zs, acts, weights):
    """Return the gradients of the loss, first layer first."""
    n = len(t)
    grads_w, grads_b = [], []
    error = (acts[-1] - t) / n
    delta = error * (1 - np.tanh(zs[-1]) ** 2)
    for layer in reversed(range(len(weights))):
        grads_w.insert(0, acts[layer].T @ delta)
        grads_b.insert(0, delta.sum(axis=0))
        if layer > 0:
            delta = (delta @ weights[layer].T) * leaky_relu_grad(zs[layer - 1])
    return grads_w, grads_b


def evaluate(x, t, weights, biases):
    _, acts = forward(x, weights, biases)
    return 0.5 * np.mean(np.sum((acts[-1] - t) ** 2, axis=1))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=@epochs@)
    parser.add_argument("--lr", type=float, default=0.2)
    parser.add_argument("--batch", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()

    rng = np.random.default_rng(args.seed)
    x, t = make_data(20, rng)
    sizes = [3, 5, 5, 2]
    weights = [rng.standard_normal((a, b)) * np.sqrt(2 / a) for a, b in zip(sizes, sizes[1:])]
    biases = [np.zeros(b) for b in sizes[1:]]

    for epoch in range(args.epochs):
        for i in range(0, len(x), args.batch):
            xb, tb = x[i:i + args.batch], t[i:i + args.batch]
            zs, acts = forward(xb, weights, biases)
            grads_w, grads_b = backward(tb, zs, acts, weights)
            for k in range(len(weights)):
                weights[k] -= args.lr * grads_w[k]
                biases[k] -= args.lr * grads_b[k]
        if epoch % 10 == 0:
            print(f"{epoch:4d}  {evaluate(x, t, weights, biases):.6f}")


if __name__ == "__main__":
    main()
'''

NETWORK = Network(
    parameters=tuple((f"weights[{k}]", f"biases[{k}]") for k in range(3)),
    activations=("leaky", "leaky", "tanh"),
    loss="half-mse",
    rate=0.2,
    inputs="x",
    targets="t",
    slope=0.1,
    batch=5,
    scope="main",
    report="after",
)

_DELTA = "delta = (delta @ weights[layer].T) * leaky_relu_grad(zs[layer - 1])"
_BATCH = "xb, tb = x[i:i + args.batch], t[i:i + args.batch]"

MISTAKES = (
    mistake("missing-output-derivative", 3, ("error * (1 - np.tanh(zs[-1]) ** 2)", "error")),
    mistake(
        "missing-hidden-derivative", None, (" * leaky_relu_grad(zs[layer - 1])", ""), layers=(None, 1, 2)
    ),
    mistake(
        "derivative-missing-in-gradient-only",
        3,
        (
            "        grads_w.insert(0, acts[layer].T @ delta)\n        grads_b.insert(0, delta.sum(axis=0))\n",
            "        d = delta if grads_w else error\n        grads_w.insert(0, acts[layer].T @ d)\n        grads_b.insert(0, d.sum(axis=0))\n",
        ),
    ),
    mistake(
        "raw-error-propagated",
        2,
        (
            _DELTA,
            "delta = ((error if layer == len(weights) - 1 else delta) @ weights[layer].T) * leaky_relu_grad(zs[layer - 1])",
        ),
        layers=(2, 3),
    ),
    mistake("sum-instead-of-mean", None, ("error = (acts[-1] - t) / n", "error = acts[-1] - t")),
    mistake(
        "divided-twice",
        None,
        ("args.lr * grads_w[k]", "args.lr * grads_w[k] / args.batch"),
        ("args.lr * grads_b[k]", "args.lr * grads_b[k] / args.batch"),
    ),
    mistake(
        "factor-of-two", None, ("error = (acts[-1] - t) / n", "error = 2 * (acts[-1] - t) / n"), variant="2"
    ),
    mistake(
        "constant-factor",
        None,
        ("error = (acts[-1] - t) / n", "error = (acts[-1] - t) / (3 * n)"),
        variant="0.333333333333333333",
    ),
    mistake("sign-flipped", None, ("(acts[-1] - t) / n", "(t - acts[-1]) / n")),
    mistake(
        "sign-flipped",
        None,
        ("weights[k] -= args.lr", "weights[k] += args.lr"),
        ("biases[k] -= args.lr", "biases[k] += args.lr"),
    ),
    mistake("sign-flipped", None, ('"--lr", type=float, default=0.2', '"--lr", type=float, default=-0.2')),
    mistake(
        "derivative-of-activation-not-preactivation", 3, ("np.tanh(zs[-1]) ** 2", "np.tanh(acts[-1]) ** 2")
    ),
    mistake("derivative-formula-on-preactivation", 3, ("np.tanh(zs[-1]) ** 2", "zs[-1] ** 2")),
    mistake("derivative-of-error", 3, ("np.tanh(zs[-1]) ** 2", "(acts[-1] - t) ** 2"), variant="formula"),
    mistake(
        "weights-in-place-of-activation",
        None,
        ("acts[layer].T @ delta", "weights[layer] * delta.sum(axis=0)"),
        layers=(None, 1, 2, 3),
    ),
    mistake(
        "outputs-in-place-of-inputs",
        2,
        ("acts[layer].T @ delta", "acts[2 if layer == 1 else layer].T @ delta"),
    ),
    mistake(
        "error-not-propagated",
        None,
        ("(delta @ weights[layer].T)", "delta.sum(axis=1, keepdims=True)"),
        variant="summed",
        layers=(None, 1, 2),
    ),
    mistake(
        "weights-not-transposed",
        1,
        ("delta @ weights[layer].T", "delta @ (weights[layer] if layer == 1 else weights[layer].T)"),
        layers=(1, 2),
    ),
    mistake(
        "gradient-transposed",
        2,
        (
            "grads_w.insert(0, acts[layer].T @ delta)",
            "grads_w.insert(0, delta.T @ acts[layer] if layer == 1 else acts[layer].T @ delta)",
        ),
    ),
    mistake(
        "bias-gradient-wrong-axis",
        None,
        ("grads_b.insert(0, delta.sum(axis=0))", "grads_b.insert(0, delta.sum())"),
        variant="all",
        layers=(None, 1, 2, 3),
    ),
    mistake(
        "bias-gradient-wrong-axis",
        2,
        ("grads_b.insert(0, delta.sum(axis=0))", "grads_b.insert(0, delta.sum(axis=1 if layer == 1 else 0))"),
        variant="axis",
    ),
    mistake("bias-never-updated", None, ("                biases[k] -= args.lr * grads_b[k]\n", "")),
    mistake(
        "wrong-slope",
        None,
        ("np.where(z > 0, 1.0, SLOPE)", "np.where(z > 0, 1.0, 0.01)"),
        variant="0.01",
        layers=(None, 1, 2),
    ),
    mistake(
        "wrong-slope",
        None,
        ("np.where(z > 0, 1.0, SLOPE)", "(z > 0).astype(float)"),
        variant="0",
        layers=(None, 1, 2),
    ),
    mistake(
        "target-misaligned",
        None,
        (_BATCH, "xb, tb = x[i:i + args.batch], t[i:i + args.batch][::-1]"),
        variant="reversed",
        layers=(None, 3),
    ),
    mistake("one-sample-only", None, (_BATCH, "xb, tb = x[:1], t[:1]"), variant="0"),
    mistake(
        "one-sample-only", None, (_BATCH, "xb, tb = x[:args.batch], t[:args.batch]"), variant="first-batch"
    ),
    mistake(
        "stale-gradient",
        None,
        (
            "    biases = [np.zeros(b) for b in sizes[1:]]\n",
            "    biases = [np.zeros(b) for b in sizes[1:]]\n    total_w = [0 for _ in weights]\n    total_b = [0 for _ in biases]\n",
        ),
        (
            "                weights[k] -= args.lr * grads_w[k]\n                biases[k] -= args.lr * grads_b[k]\n",
            "                total_w[k] = total_w[k] + grads_w[k]\n                total_b[k] = total_b[k] + grads_b[k]\n                weights[k] -= args.lr * total_w[k]\n                biases[k] -= args.lr * total_b[k]\n",
        ),
        ("default=0.2", "default=0.2"),
    ),
    mistake(
        "extra-output-derivative",
        3,
        ("delta = error\n", "delta = error * acts[-1] * (1 - acts[-1])\n"),
        within="cross-entropy",
    ),
    mistake("regularization-missing", None, (" + args.l2 * weights[k]", ""), within="l2"),
    mistake(
        "regularization-wrong-factor",
        None,
        (" + args.l2 * weights[k]", " + 2 * args.l2 * weights[k]"),
        within="l2",
        variant="2",
    ),
)

VARIANTS = (
    variant(
        "renamed",
        renames={
            "weights": "W",
            "biases": "B",
            "grads_w": "dW",
            "grads_b": "dB",
            "delta": "g",
            "acts": "hs",
            "zs": "pre",
            "backward": "compute_gradients",
            "forward": "predict",
            "evaluate": "loss",
        },
    ),
    variant(
        "plain-names",
        renames={
            "weights": "ws",
            "biases": "bs",
            "delta": "upstream",
            "acts": "outs",
            "leaky_relu": "act",
            "leaky_relu_grad": "act_grad",
            "evaluate": "validation_error",
        },
        held=True,
    ),
    variant(
        "momentum",
        (
            "    biases = [np.zeros(b) for b in sizes[1:]]\n",
            "    biases = [np.zeros(b) for b in sizes[1:]]\n    vel_w = [np.zeros_like(w) for w in weights]\n    vel_b = [np.zeros_like(b) for b in biases]\n",
        ),
        (
            "                weights[k] -= args.lr * grads_w[k]\n                biases[k] -= args.lr * grads_b[k]\n",
            "                vel_w[k] = 0.9 * vel_w[k] - args.lr * grads_w[k]\n                vel_b[k] = 0.9 * vel_b[k] - args.lr * grads_b[k]\n                weights[k] += vel_w[k]\n                biases[k] += vel_b[k]\n",
        ),
        ("default=0.2", "default=0.05"),
        optimizer="momentum 0.9",
        rate=0.05,
    ),
    variant(
        "cross-entropy",
        (
            "np.stack([x[:, 0] * x[:, 1], np.cos(2 * x[:, 2])], axis=-1)",
            "np.stack([x[:, 0] > x[:, 1], x[:, 2] > 0], axis=-1).astype(float)",
        ),
        ("np.tanh(z) if last", "1 / (1 + np.exp(-z)) if last"),
        ("delta = error * (1 - np.tanh(zs[-1]) ** 2)", "delta = error"),
        (
            "    return 0.5 * np.mean(np.sum((acts[-1] - t) ** 2, axis=1))",
            "    p = acts[-1]\n    return -np.mean(np.sum(t * np.log(p) + (1 - t) * np.log(1 - p), axis=1))",
        ),
        activations=("leaky", "leaky", "sigmoid"),
        loss="bce",
    ),
    variant(
        "softmax",
        (
            "np.stack([x[:, 0] * x[:, 1], np.cos(2 * x[:, 2])], axis=-1)",
            "np.eye(2)[(x[:, 0] > x[:, 1]).astype(int)]",
        ),
        ("sizes = [3, 5, 5, 2]", "sizes = [3, 5, 5, 2]"),
        ("np.tanh(z) if last", "np.exp(z) / np.exp(z).sum(axis=1, keepdims=True) if last"),
        (
            "delta = error * (1 - np.tanh(zs[-1]) ** 2)\n",
            "delta = acts[-1] * (error - (error * acts[-1]).sum(axis=1, keepdims=True))\n",
        ),
        activations=("leaky", "leaky", "softmax"),
    ),
    variant(
        "l2",
        (
            '    parser.add_argument("--seed"',
            '    parser.add_argument("--l2", type=float, default=0.01)\n    parser.add_argument("--seed"',
        ),
        ("args.lr * grads_w[k]", "args.lr * (grads_w[k] + args.l2 * weights[k])"),
        (
            "{evaluate(x, t, weights, biases):.6f}",
            "{evaluate(x, t, weights, biases) + args.l2 / 2 * sum((w ** 2).sum() for w in weights):.6f}",
        ),
        penalty=0.005,
    ),
    variant(
        "shuffled",
        (
            "        for i in range(0, len(x), args.batch):\n",
            "        order = rng.permutation(len(x))\n        x, t = x[order], t[order]\n        for i in range(0, len(x), args.batch):\n",
        ),
        order="rows.__setitem__(slice(None), [rows[k] for k in rng.permutation(len(x))]) or rows",
    ),
    variant("full", ('"--batch", type=int, default=5', '"--batch", type=int, default=1000'), batch=None),
    variant(
        "warm-up",
        (
            "        for i in range(0, len(x), args.batch):\n",
            "        rate = args.lr * min(1.0, (epoch + 1) / 5)\n        for i in range(0, len(x), args.batch):\n",
        ),
        ("weights[k] -= args.lr", "weights[k] -= rate"),
        ("biases[k] -= args.lr", "biases[k] -= rate"),
        rate=lambda epoch, _update: 0.2 * min(1.0, (epoch + 1) / 5),
    ),
    variant(
        "patience",
        (
            "    for epoch in range(args.epochs):\n",
            "    best, waited = np.inf, 0\n    for epoch in range(args.epochs):\n",
        ),
        (
            '            print(f"{epoch:4d}',
            '            now = evaluate(x, t, weights, biases)\n            if now < best:\n                best, waited = now, 0\n            else:\n                waited += 1\n            if waited > 2:\n                break\n            print(f"{epoch:4d}',
        ),
    ),
    variant(
        "step-function",
        (
            "def main():\n",
            "def step(params, grads, lr):\n    for p, g in zip(params, grads):\n        p -= lr * g\n\n\ndef main():\n",
        ),
        (
            "            for k in range(len(weights)):\n                weights[k] -= args.lr * grads_w[k]\n                biases[k] -= args.lr * grads_b[k]\n",
            "            step(weights, grads_w, args.lr)\n            step(biases, grads_b, args.lr)\n",
        ),
        held=True,
    ),
)

STYLE = Style(
    "guarded_main",
    "argparse and main, lists of arrays, loops over layers, row-major, mini-batches",
    TEXT,
    NETWORK,
    MISTAKES,
    VARIANTS,
    epochs=40,
)
