"""A flat script: samples are rows, the whole batch at once, sigmoids differentiated from their outputs."""

from tests.review.corpus.reference import Network
from tests.review.corpus.template import Style, mistake, variant

TEXT = """
import numpy as np

np.random.seed(42)

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

# four readings, is their sum large?
X = np.random.uniform(-1, 1, (12, 4))
y = (X.sum(axis=1, keepdims=True) > 0.3).astype(float)
n = X.shape[0]

# weights and biases
W1 = np.random.randn(4, 4)
b1 = np.zeros((1, 4))
W2 = np.random.randn(4, 1)
b2 = np.zeros((1, 1))

lr = 0.8

for epoch in range(@epochs@):
    # forward pass
    z1 = np.dot(X, W1) + b1
    a1 = sigmoid(z1)
    z2 = np.dot(a1, W2) + b2
    a2 = sigmoid(z2)

    loss = np.sum((a2 - y) ** 2) / (2 * n)
    if epoch % 50 == 0:
        print("epoch", epoch, "loss", loss)

    # backward pass
    error = a2 - y
    delta2 = error * a2 * (1 - a2)
    dW2 = np.dot(a1.T, delta2) / n
    db2 = np.sum(delta2, axis=0, keepdims=True) / n
    delta1 = np.dot(delta2, W2.T) * a1 * (1 - a1)
    dW1 = np.dot(X.T, delta1) / n
    db1 = np.sum(delta1, axis=0, keepdims=True) / n

    # gradient descent
    W1 -= lr * dW1
    b1 -= lr * db1
    W2 -= lr * dW2
    b2 -= lr * db2

print(np.round(a2, 3) if "a2" in globals() else "")
"""

NETWORK = Network(
    parameters=(("W1", "b1"), ("W2", "b2")),
    activations=("sigmoid", "sigmoid"),
    loss="half-mse",
    rate=0.8,
)

MISTAKES = (
    mistake("missing-output-derivative", 2, ("delta2 = error * a2 * (1 - a2)", "delta2 = error")),
    mistake("missing-hidden-derivative", 1, ("np.dot(delta2, W2.T) * a1 * (1 - a1)", "np.dot(delta2, W2.T)")),
    mistake(
        "derivative-missing-in-gradient-only",
        2,
        ("dW2 = np.dot(a1.T, delta2) / n", "dW2 = np.dot(a1.T, error) / n"),
        ("db2 = np.sum(delta2,", "db2 = np.sum(error,"),
    ),
    mistake(
        "raw-error-propagated",
        1,
        ("delta1 = np.dot(delta2, W2.T)", "delta1 = np.dot(error, W2.T)"),
        layers=(1, 2),
    ),
    mistake(
        "sum-instead-of-mean",
        None,
        ("dW2 = np.dot(a1.T, delta2) / n", "dW2 = np.dot(a1.T, delta2)"),
        ("db2 = np.sum(delta2, axis=0, keepdims=True) / n", "db2 = np.sum(delta2, axis=0, keepdims=True)"),
        ("dW1 = np.dot(X.T, delta1) / n", "dW1 = np.dot(X.T, delta1)"),
        ("db1 = np.sum(delta1, axis=0, keepdims=True) / n", "db1 = np.sum(delta1, axis=0, keepdims=True)"),
    ),
    mistake("divided-twice", None, ("error = a2 - y", "error = (a2 - y) / n")),
    mistake("factor-of-two", None, ("error = a2 - y", "error = 2 * (a2 - y)"), variant="2"),
    mistake("constant-factor", None, ("error = a2 - y", "error = 0.3 * (a2 - y)"), variant="0.3"),
    mistake("sign-flipped", None, ("error = a2 - y", "error = y - a2")),
    mistake("sign-flipped", 1, ("W1 -= lr * dW1\n    b1 -= lr * db1", "W1 += lr * dW1\n    b1 += lr * db1")),
    mistake(
        "derivative-of-activation-not-preactivation",
        2,
        ("error * a2 * (1 - a2)", "error * sigmoid(a2) * (1 - sigmoid(a2))"),
    ),
    mistake(
        "derivative-of-activation-not-preactivation",
        1,
        ("np.dot(delta2, W2.T) * a1 * (1 - a1)", "np.dot(delta2, W2.T) * sigmoid(a1) * (1 - sigmoid(a1))"),
    ),
    mistake("derivative-formula-on-preactivation", 2, ("error * a2 * (1 - a2)", "error * z2 * (1 - z2)")),
    mistake(
        "derivative-formula-on-preactivation",
        1,
        ("np.dot(delta2, W2.T) * a1 * (1 - a1)", "np.dot(delta2, W2.T) * z1 * (1 - z1)"),
    ),
    mistake(
        "derivative-of-error", 2, ("error * a2 * (1 - a2)", "error * error * (1 - error)"), variant="formula"
    ),
    mistake(
        "weights-in-place-of-activation",
        2,
        ("dW2 = np.dot(a1.T, delta2) / n", "dW2 = np.sum(delta2) * W2 / n"),
    ),
    mistake("outputs-in-place-of-inputs", 1, ("dW1 = np.dot(X.T, delta1)", "dW1 = np.dot(a1.T, delta1)")),
    mistake(
        "error-not-propagated",
        1,
        ("delta1 = np.dot(delta2, W2.T) * a1 * (1 - a1)", "delta1 = error * a1 * (1 - a1)"),
        variant="error",
    ),
    mistake("gradient-transposed", 1, ("dW1 = np.dot(X.T, delta1) / n", "dW1 = np.dot(delta1.T, X) / n")),
    mistake(
        "updated-before-backpropagating",
        1,
        (
            "    delta1 = np.dot(delta2, W2.T)",
            "    W2 -= lr * dW2\n    b2 -= lr * db2\n    delta1 = np.dot(delta2, W2.T)",
        ),
        ("    b1 -= lr * db1\n    W2 -= lr * dW2\n    b2 -= lr * db2\n", "    b1 -= lr * db1\n"),
    ),
    mistake(
        "bias-gradient-wrong-axis",
        1,
        ("db1 = np.sum(delta1, axis=0, keepdims=True) / n", "db1 = np.sum(delta1) / n"),
        variant="all",
    ),
    mistake("bias-never-updated", 2, ("    W2 -= lr * dW2\n    b2 -= lr * db2\n", "    W2 -= lr * dW2\n")),
    mistake("bias-never-updated", 1, ("    b1 -= lr * db1\n", "")),
    mistake(
        "target-misaligned",
        None,
        ("error = a2 - y", "error = a2 - np.roll(y, 1)"),
        variant="roll 1",
        layers=(None, 2),
    ),
    mistake(
        "one-sample-only",
        None,
        ("    error = a2 - y\n", "    x0, h0 = X[:1], a1[:1]\n    error = a2[:1] - y[:1]\n"),
        ("error * a2 * (1 - a2)", "error * a2[:1] * (1 - a2[:1])"),
        ("dW2 = np.dot(a1.T, delta2) / n", "dW2 = np.dot(h0.T, delta2)"),
        ("db2 = np.sum(delta2, axis=0, keepdims=True) / n", "db2 = delta2"),
        ("np.dot(delta2, W2.T) * a1 * (1 - a1)", "np.dot(delta2, W2.T) * h0 * (1 - h0)"),
        ("dW1 = np.dot(X.T, delta1) / n", "dW1 = np.dot(x0.T, delta1)"),
        ("db1 = np.sum(delta1, axis=0, keepdims=True) / n", "db1 = delta1"),
        layers=(None,),
    ),
    mistake(
        "stale-gradient",
        None,
        (
            "lr = 0.8\n",
            "lr = 0.8\ndW1 = np.zeros_like(W1); db1 = np.zeros_like(b1)\ndW2 = np.zeros_like(W2); db2 = np.zeros_like(b2)\n",
        ),
        ("dW2 = np.dot", "dW2 += np.dot"),
        ("db2 = np.sum", "db2 += np.sum"),
        ("dW1 = np.dot", "dW1 += np.dot"),
        ("db1 = np.sum", "db1 += np.sum"),
    ),
    mistake(
        "broadcast-error",
        None,
        ("y = (X.sum(axis=1, keepdims=True) > 0.3)", "y = (X.sum(axis=1) > 0.3)"),
        ("error = a2 - y", "error = np.mean(a2 - y, axis=1, keepdims=True)"),
        variant="mean",
        layers=(None, 2),
    ),
    mistake(
        "broadcast-error",
        None,
        ("np.sum((a2 - y) ** 2) / (2 * n)", "np.sum((a2 - y.ravel()) ** 2) / (2 * n)"),
        variant="in-loss",
        layers=(None, 2),
    ),
    mistake(
        "extra-output-derivative",
        2,
        ("delta2 = a2 - y", "delta2 = (a2 - y) * a2 * (1 - a2)"),
        within="cross-entropy",
    ),
    mistake(
        "regularization-missing", None, (" + lam * W1", ""), (" + lam * W2", ""), within="l2", layers=(None,)
    ),
    mistake(
        "regularization-wrong-factor",
        None,
        (" + lam * W1", " + 2 * lam * W1"),
        (" + lam * W2", " + 2 * lam * W2"),
        within="l2",
        variant="2",
        layers=(None,),
    ),
    mistake(
        "wrong-slope",
        1,
        ("np.where(z1 > 0, 1, 0.1)", "np.where(z1 > 0, 1, 0.01)"),
        within="leaky",
        variant="0.01",
    ),
)

VARIANTS = (
    variant(
        "renamed",
        renames={
            "W1": "w_ih",
            "b1": "b_h",
            "W2": "w_ho",
            "b2": "b_o",
            "z1": "net_h",
            "a1": "out_h",
            "z2": "net_o",
            "a2": "out_o",
            "delta2": "grad_o",
            "delta1": "grad_h",
            "dW1": "g_ih",
            "dW2": "g_ho",
            "db1": "g_bh",
            "db2": "g_bo",
            "X": "inputs",
            "y": "targets",
            "lr": "alpha",
            "loss": "E",
            "epoch": "it",
        },
    ),
    variant(
        "syllables",
        renames={
            "W1": "syn0",
            "b1": "bias0",
            "W2": "syn1",
            "b2": "bias1",
            "a1": "l1",
            "a2": "l2",
            "z1": "s1",
            "z2": "s2",
            "error": "l2_error",
            "delta2": "l2_delta",
            "delta1": "l1_delta",
            "lr": "eta",
            "loss": "cost",
        },
        held=True,
    ),
    variant(
        "tanh",
        ("a1 = sigmoid(z1)", "a1 = np.tanh(z1)"),
        ("W2.T) * a1 * (1 - a1)", "W2.T) * (1 - a1 ** 2)"),
        activations=("tanh", "sigmoid"),
    ),
    variant(
        "leaky",
        ("a1 = sigmoid(z1)", "a1 = np.where(z1 > 0, z1, 0.1 * z1)"),
        ("W2.T) * a1 * (1 - a1)", "W2.T) * np.where(z1 > 0, 1, 0.1)"),
        activations=("leaky", "sigmoid"),
        slope=0.1,
    ),
    variant(
        "relu-linear",
        ("a1 = sigmoid(z1)", "a1 = np.maximum(0, z1)"),
        ("W2.T) * a1 * (1 - a1)", "W2.T) * (z1 > 0)"),
        ("a2 = sigmoid(z2)", "a2 = z2"),
        ("delta2 = error * a2 * (1 - a2)", "delta2 = error"),
        ("lr = 0.8", "lr = 0.1"),
        activations=("relu", "linear"),
        rate=0.1,
    ),
    variant(
        "summed",
        ("loss = np.sum((a2 - y) ** 2) / (2 * n)", "loss = 0.5 * np.sum((a2 - y) ** 2)"),
        ("dW2 = np.dot(a1.T, delta2) / n", "dW2 = np.dot(a1.T, delta2)"),
        ("db2 = np.sum(delta2, axis=0, keepdims=True) / n", "db2 = np.sum(delta2, axis=0, keepdims=True)"),
        ("dW1 = np.dot(X.T, delta1) / n", "dW1 = np.dot(X.T, delta1)"),
        ("db1 = np.sum(delta1, axis=0, keepdims=True) / n", "db1 = np.sum(delta1, axis=0, keepdims=True)"),
        ("lr = 0.8", "lr = 0.1"),
        loss="half-sse",
        rate=0.1,
    ),
    variant(
        "cross-entropy",
        (
            "loss = np.sum((a2 - y) ** 2) / (2 * n)",
            "loss = -np.mean(y * np.log(a2) + (1 - y) * np.log(1 - a2))",
        ),
        ("    error = a2 - y\n    delta2 = error * a2 * (1 - a2)\n", "    delta2 = a2 - y\n"),
        loss="bce",
    ),
    variant(
        "l2",
        ("lr = 0.8\n", "lr = 0.8\nlam = 0.05\n"),
        ("/ (2 * n)\n", "/ (2 * n) + 0.5 * lam * (np.sum(W1 ** 2) + np.sum(W2 ** 2))\n"),
        ("dW2 = np.dot(a1.T, delta2) / n", "dW2 = np.dot(a1.T, delta2) / n + lam * W2"),
        ("dW1 = np.dot(X.T, delta1) / n", "dW1 = np.dot(X.T, delta1) / n + lam * W1"),
        penalty=0.025,
    ),
    variant(
        "momentum",
        ("lr = 0.8\n", "lr = 0.2\nmu = 0.9\nvW1 = vb1 = vW2 = vb2 = 0\n"),
        ("    W1 -= lr * dW1\n", "    vW1 = mu * vW1 - lr * dW1\n    W1 += vW1\n"),
        ("    b1 -= lr * db1\n", "    vb1 = mu * vb1 - lr * db1\n    b1 += vb1\n"),
        ("    W2 -= lr * dW2\n", "    vW2 = mu * vW2 - lr * dW2\n    W2 += vW2\n"),
        ("    b2 -= lr * db2\n", "    vb2 = mu * vb2 - lr * db2\n    b2 += vb2\n"),
        optimizer="momentum 0.9",
        rate=0.2,
    ),
    variant(
        "schedule",
        ("    # forward pass\n", "    rate = lr / (1 + 0.01 * epoch)\n    # forward pass\n"),
        ("W1 -= lr * dW1", "W1 -= rate * dW1"),
        ("b1 -= lr * db1", "b1 -= rate * db1"),
        ("W2 -= lr * dW2", "W2 -= rate * dW2"),
        ("b2 -= lr * db2", "b2 -= rate * db2"),
        rate=lambda epoch, _update: 0.8 / (1 + 0.01 * epoch),
    ),
    variant(
        "early-stopping",
        (
            "    # backward pass\n",
            "    if loss < 0.01:\n        print('done at', epoch)\n        break\n    # backward pass\n",
        ),
    ),
    variant(
        "while",
        ("for epoch in range(@epochs@):\n", "epoch = 0\nwhile epoch < @epochs@:\n"),
        ("    b2 -= lr * db2\n", "    b2 -= lr * db2\n    epoch += 1\n"),
    ),
    variant(
        "y-minus-a",
        ("error = a2 - y", "error = y - a2"),
        ("W1 -= lr", "W1 += lr"),
        ("b1 -= lr", "b1 += lr"),
        ("W2 -= lr", "W2 += lr"),
        ("b2 -= lr", "b2 += lr"),
    ),
    variant(
        "reassigned",
        ("W1 -= lr * dW1", "W1 = W1 - lr * dW1"),
        ("b1 -= lr * db1", "b1 = b1 - lr * db1"),
        ("W2 -= lr * dW2", "W2 = W2 - lr * dW2"),
        ("b2 -= lr * db2", "b2 = b2 - lr * db2"),
    ),
    variant(
        "no-loss",
        (
            '    loss = np.sum((a2 - y) ** 2) / (2 * n)\n    if epoch % 50 == 0:\n        print("epoch", epoch, "loss", loss)\n',
            "",
        ),
        report="",
    ),
    variant(
        "talkative",
        ("if epoch % 50 == 0:", "for row in a2:"),
        (
            'print("epoch", epoch, "loss", loss)',
            'print("prediction", row, "epoch", epoch, "loss", f"{loss:.8f}")',
        ),
    ),
    variant(
        "plotting",
        ("import numpy as np\n", "import numpy as np\nimport matplotlib.pyplot as plt\n"),
        ("lr = 0.8\n", "lr = 0.8\nlosses = []\n"),
        (
            '    if epoch % 50 == 0:\n        print("epoch", epoch, "loss", loss)\n',
            "    losses.append(loss)\n",
        ),
        (
            'print(np.round(a2, 3) if "a2" in globals() else "")\n',
            "plt.plot(losses)\nplt.xlabel('epoch')\nplt.show()\n",
        ),
        report="",
    ),
    variant(
        "squeezed",
        (
            "    # forward pass\n    z1 = np.dot(X, W1) + b1\n    a1 = sigmoid(z1)\n",
            "    z1=np.dot( X,W1 )+b1; a1=sigmoid( z1 )\n",
        ),
        (
            "    # gradient descent\n    W1 -= lr * dW1\n    b1 -= lr * db1\n",
            "    W1 -= lr*dW1; b1 -= lr*db1\n",
        ),
        held=True,
    ),
    variant(
        "matmul",
        ("z1 = np.dot(X, W1) + b1", "z1 = X @ W1 + b1"),
        ("z2 = np.dot(a1, W2) + b2", "z2 = a1 @ W2 + b2"),
        ("a1 = sigmoid(z1)", "a1 = 1. / (1. + np.exp(-z1))"),
    ),
)

STYLE = Style("flat_rows", "flat script, row-major, full batch", TEXT, NETWORK, MISTAKES, VARIANTS)
