"""Softmax classification in mini-batches: dictionaries of parameters and gradients, rows, ReLU."""

from tests.review.corpus.reference import Network
from tests.review.corpus.template import Style, mistake, variant

TEXT = """
import numpy as np

rng = np.random.default_rng(0)

# three blobs in the plane
centers = np.array([[0.0, 1.5], [1.5, -1.0], [-1.5, -1.0]])
labels = np.repeat(np.arange(3), 8)
X = centers[labels] + rng.normal(0, 0.6, size=(24, 2))
Y = np.eye(3)[labels]  # one-hot

D, H, C = 2, 6, 3
model = {
    'W1': rng.normal(0, np.sqrt(2 / D), (D, H)),
    'b1': np.zeros(H),
    'W2': rng.normal(0, np.sqrt(2 / H), (H, H)),
    'b2': np.zeros(H),
    'W3': rng.normal(0, np.sqrt(2 / H), (H, C)),
    'b3': np.zeros(C),
}
batch_size = 6
learning_rate = 0.1

def softmax(scores):
    e = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)

def forward(x):
    s1 = x.dot(model['W1']) + model['b1']
    h1 = np.maximum(0, s1)
    s2 = h1.dot(model['W2']) + model['b2']
    h2 = np.maximum(0, s2)
    s3 = h2.dot(model['W3']) + model['b3']
    probs = softmax(s3)
    return s1, h1, s2, h2, probs

for epoch in range(@epochs@):
    total = 0.0
    perm = rng.permutation(len(X))
    for start in range(0, len(X), batch_size):
        idx = perm[start:start + batch_size]
        xb, yb = X[idx], Y[idx]
        s1, h1, s2, h2, probs = forward(xb)
        loss = -np.sum(yb * np.log(probs)) / len(xb)
        total += loss

        grads = {}
        dscores = (probs - yb) / len(xb)
        grads['W3'] = h2.T.dot(dscores)
        grads['b3'] = np.sum(dscores, axis=0)
        dh2 = dscores.dot(model['W3'].T)
        dh2[s2 <= 0] = 0
        grads['W2'] = h1.T.dot(dh2)
        grads['b2'] = np.sum(dh2, axis=0)
        dh1 = dh2.dot(model['W2'].T)
        dh1[s1 <= 0] = 0
        grads['W1'] = xb.T.dot(dh1)
        grads['b1'] = np.sum(dh1, axis=0)

        for name in model:
            model[name] -= learning_rate * grads[name]
    if epoch % 10 == 0:
        print('epoch', epoch, 'loss', total / (len(X) // batch_size))

print('accuracy', np.mean(forward(X)[-1].argmax(axis=1) == labels))
"""

NETWORK = Network(
    parameters=tuple((f"model['W{i}']", f"model['b{i}']") for i in (1, 2, 3)),
    activations=("relu", "relu", "softmax"),
    loss="ce",
    rate=0.1,
    targets="Y",
    batch=6,
    order="rng.permutation(len(X))",
    report="mean",
)

MISTAKES = (
    mistake(
        "extra-output-derivative",
        3,
        ("(probs - yb) / len(xb)", "(probs - yb) * probs * (1 - probs) / len(xb)"),
    ),
    mistake(
        "softmax-diagonal-only", 3, ("(probs - yb) / len(xb)", "-yb / probs * probs * (1 - probs) / len(xb)")
    ),
    mistake("missing-hidden-derivative", 2, ("        dh2[s2 <= 0] = 0\n", "")),
    mistake("missing-hidden-derivative", 1, ("        dh1[s1 <= 0] = 0\n", "")),
    mistake("sum-instead-of-mean", None, ("(probs - yb) / len(xb)", "probs - yb")),
    mistake("divided-twice", None, ("(probs - yb) / len(xb)", "(probs - yb) / len(xb) ** 2")),
    mistake("factor-of-two", None, ("(probs - yb) / len(xb)", "2 * (probs - yb) / len(xb)"), variant="2"),
    mistake(
        "constant-factor", None, ("(probs - yb) / len(xb)", "0.2 * (probs - yb) / len(xb)"), variant="0.2"
    ),
    mistake("sign-flipped", None, ("(probs - yb) / len(xb)", "(yb - probs) / len(xb)")),
    mistake("sign-flipped", None, ("model[name] -= learning_rate", "model[name] += learning_rate")),
    mistake("weights-in-place-of-activation", 3, ("h2.T.dot(dscores)", "model['W3'] * dscores.sum(axis=0)")),
    mistake("weights-in-place-of-activation", 2, ("h1.T.dot(dh2)", "model['W2'] * dh2.sum(axis=0)")),
    mistake("outputs-in-place-of-inputs", 2, ("h1.T.dot(dh2)", "h2.T.dot(dh2)")),
    mistake(
        "error-not-propagated",
        2,
        (
            "dh2 = dscores.dot(model['W3'].T)",
            "dh2 = np.repeat(dscores.sum(axis=1, keepdims=True), H, axis=1)",
        ),
        variant="summed",
    ),
    mistake("error-not-propagated", 1, ("dh1 = dh2.dot(model['W2'].T)", "dh1 = dh2.copy()")),
    mistake("weights-not-transposed", 1, ("dh2.dot(model['W2'].T)", "dh2.dot(model['W2'])"), layers=(1, 2)),
    mistake("gradient-transposed", 2, ("h1.T.dot(dh2)", "h1.T.dot(dh2).T")),
    mistake("bias-gradient-wrong-axis", 2, ("np.sum(dh2, axis=0)", "np.sum(dh2, axis=1)"), variant="axis"),
    mistake(
        "bias-gradient-wrong-axis",
        3,
        ("np.sum(dscores, axis=0)", "np.sum(np.abs(dscores) * 0 + dscores.sum() / len(xb) / 3, axis=0) * 3"),
        variant="all",
        within="squared",
    ),
    mistake("bias-gradient-wrong-axis", 1, ("np.sum(dh1, axis=0)", "np.sum(dh1)"), variant="all"),
    mistake("bias-gradient-wrong-axis", 1, ("np.sum(dh1, axis=0)", "np.sum(dh2, axis=0)"), variant="next"),
    mistake("bias-never-updated", 1, ("grads['b1'] = np.sum(dh1, axis=0)", "grads['b1'] = 0")),
    mistake(
        "bias-never-updated",
        None,
        ("        for name in model:\n", "        for name in ('W1', 'W2', 'W3'):\n"),
    ),
    mistake(
        "target-misaligned",
        None,
        ("xb, yb = X[idx], Y[idx]", "xb, yb = X[idx], Y[start:start + batch_size]"),
        variant="unshuffled",
        layers=(None, 3),
    ),
    mistake(
        "one-sample-only",
        None,
        ("idx = perm[start:start + batch_size]", "idx = np.arange(batch_size)"),
        variant="first-batch",
    ),
    mistake(
        "stale-gradient",
        None,
        ("batch_size = 6\n", "batch_size = 6\ngrads = {k: np.zeros_like(v) for k, v in model.items()}\n"),
        ("        grads = {}\n", ""),
        *((f"grads['{p}{i}'] = ", f"grads['{p}{i}'] += ") for p in "Wb" for i in "123"),
    ),
    mistake(
        "stale-gradient",
        None,
        (
            "    total = 0.0\n",
            "    total = 0.0\n    grads = {k: np.zeros_like(v) for k, v in model.items()}\n",
        ),
        ("        grads = {}\n", ""),
        *((f"grads['{p}{i}'] = ", f"grads['{p}{i}'] += ") for p in "Wb" for i in "123"),
        variant="epoch",
    ),
    mistake(
        "missing-output-derivative",
        3,
        ("probs * (dprobs - np.sum(dprobs * probs, axis=1, keepdims=True))", "dprobs"),
        within="squared",
    ),
    mistake(
        "softmax-diagonal-only",
        3,
        ("probs * (dprobs - np.sum(dprobs * probs, axis=1, keepdims=True))", "dprobs * probs * (1 - probs)"),
        within="squared",
    ),
    mistake("regularization-missing", None, (" + reg * model[name] * (name[0] == 'W')", ""), within="l2"),
    mistake(
        "regularization-wrong-factor",
        None,
        (" + reg * model[name]", " + 0.1 * reg * model[name]"),
        within="l2",
        variant="0.1",
    ),
    mistake("wrong-slope", 2, ("dh2[s2 <= 0] *= 0.1", "dh2[s2 <= 0] = 0"), within="leaky", variant="0"),
    mistake(
        "wrong-slope", 1, ("dh1[s1 <= 0] *= 0.1", "dh1[s1 <= 0] *= 0.01"), within="leaky", variant="0.01"
    ),
)

VARIANTS = (
    variant(
        "renamed",
        renames={
            "model": "weights",
            "grads": "dweights",
            "s1": "z_one",
            "s2": "z_two",
            "h1": "a_one",
            "h2": "a_two",
            "probs": "p_hat",
            "xb": "batch_x",
            "yb": "batch_t",
            "dscores": "delta_out",
            "dh1": "delta_one",
            "dh2": "delta_two",
            "loss": "ce",
        },
        targets="Y",
    ),
    variant(
        "wine",
        renames={
            "model": "P",
            "grads": "G",
            "X": "samples",
            "Y": "onehot",
            "dh2": "back2",
            "dh1": "back1",
            "dscores": "err",
            "probs": "soft",
        },
        held=True,
    ),
    variant(
        "squared",
        ("loss = -np.sum(yb * np.log(probs)) / len(xb)", "loss = np.sum((probs - yb) ** 2) / (2 * len(xb))"),
        (
            "dscores = (probs - yb) / len(xb)",
            "dprobs = (probs - yb) / len(xb)\n        dscores = probs * (dprobs - np.sum(dprobs * probs, axis=1, keepdims=True))",
        ),
        loss="half-mse",
    ),
    variant(
        "leaky",
        ("h1 = np.maximum(0, s1)", "h1 = np.where(s1 > 0, s1, 0.1 * s1)"),
        ("h2 = np.maximum(0, s2)", "h2 = np.where(s2 > 0, s2, 0.1 * s2)"),
        ("dh1[s1 <= 0] = 0", "dh1[s1 <= 0] *= 0.1"),
        ("dh2[s2 <= 0] = 0", "dh2[s2 <= 0] *= 0.1"),
        activations=("leaky", "leaky", "softmax"),
        slope=0.1,
    ),
    variant(
        "integer-labels",
        (
            "        loss = -np.sum(yb * np.log(probs)) / len(xb)\n",
            "        loss = -np.mean(np.log(probs[np.arange(len(xb)), labels[idx]]))\n",
        ),
        (
            "        dscores = (probs - yb) / len(xb)\n",
            "        dscores = probs.copy()\n        dscores[np.arange(len(xb)), labels[idx]] -= 1\n        dscores /= len(xb)\n",
        ),
    ),
    variant(
        "where",
        ("        dh2[s2 <= 0] = 0\n", "        dh2 = np.where(s2 > 0, dh2, 0)\n"),
        ("        dh1[s1 <= 0] = 0\n", "        dh1 = dh1 * (h1 > 0)\n"),
    ),
    variant(
        "l2",
        ("batch_size = 6\n", "batch_size = 6\nreg = 0.01\n"),
        (
            "/ len(xb)\n        total",
            "/ len(xb) + 0.5 * reg * sum(np.sum(model[k] ** 2) for k in ('W1', 'W2', 'W3'))\n        total",
        ),
        (
            "learning_rate * grads[name]",
            "learning_rate * (grads[name] + reg * model[name] * (name[0] == 'W'))",
        ),
        penalty=0.005,
    ),
    variant(
        "adam",
        ("batch_size = 6\n", "batch_size = 6\nm = {k: 0 for k in model}\nv = {k: 0 for k in model}\nt = 0\n"),
        ("learning_rate = 0.1", "learning_rate = 0.01"),
        (
            "        for name in model:\n            model[name] -= learning_rate * grads[name]\n",
            "        t += 1\n        for name in model:\n            m[name] = 0.9 * m[name] + 0.1 * grads[name]\n            v[name] = 0.999 * v[name] + 0.001 * grads[name] ** 2\n"
            "            m_hat = m[name] / (1 - 0.9 ** t)\n            v_hat = v[name] / (1 - 0.999 ** t)\n            model[name] -= learning_rate * m_hat / (np.sqrt(v_hat) + 1e-8)\n",
        ),
        optimizer="adam",
        rate=0.01,
    ),
    variant(
        "rmsprop",
        ("batch_size = 6\n", "batch_size = 6\ncache = {k: np.zeros_like(p) for k, p in model.items()}\n"),
        ("learning_rate = 0.1", "learning_rate = 0.01"),
        (
            "            model[name] -= learning_rate * grads[name]\n",
            "            cache[name] = 0.9 * cache[name] + 0.1 * grads[name] ** 2\n            model[name] -= learning_rate * grads[name] / (np.sqrt(cache[name]) + 1e-8)\n",
        ),
        optimizer="rmsprop 0.9",
        rate=0.01,
    ),
    variant(
        "generator",
        (
            "for epoch in range",
            "def batches():\n    perm = rng.permutation(len(X))\n    for start in range(0, len(X), batch_size):\n        yield X[perm[start:start + batch_size]], Y[perm[start:start + batch_size]]\n\nfor epoch in range",
        ),
        (
            "    perm = rng.permutation(len(X))\n    for start in range(0, len(X), batch_size):\n        idx = perm[start:start + batch_size]\n        xb, yb = X[idx], Y[idx]\n",
            "    for xb, yb in batches():\n",
        ),
    ),
    variant("in-order", ("    perm = rng.permutation(len(X))\n", "    perm = np.arange(len(X))\n"), order=""),
    variant(
        "cosine",
        (
            "    total = 0.0\n",
            "    total = 0.0\n    rate = 0.5 * learning_rate * (1 + np.cos(np.pi * epoch / 100))\n",
        ),
        ("-= learning_rate *", "-= rate *"),
        rate=lambda epoch, _update: 0.05 * (1 + __import__("math").cos(__import__("math").pi * epoch / 100)),
    ),
)

STYLE = Style(
    "softmax_batches",
    "softmax with mini-batches, dictionaries, row-major",
    TEXT,
    NETWORK,
    MISTAKES,
    VARIANTS,
    epochs=40,
)
