"""Element by element: loops over neurons and weights, one sample at a time."""

from tests.review.corpus.reference import Network
from tests.review.corpus.template import Style, mistake, variant

TEXT = """
import numpy as np
import math

np.random.seed(21)

NI, NH, NO = 3, 3, 2
patterns = [
    ([0, 0, 1], [0, 1]),
    ([0, 1, 1], [1, 1]),
    ([1, 0, 1], [1, 0]),
    ([1, 1, 0], [0, 0]),
    ([0, 1, 0], [1, 0]),
]
wi = np.random.uniform(-1.0, 1.0, (NI, NH))
wo = np.random.uniform(-1.0, 1.0, (NH, NO))
bh = np.zeros(NH)
bo = np.zeros(NO)
N = 0.5

def dtanh(y):
    return 1.0 - y ** 2

def run(inputs):
    # hidden activations
    ah = np.zeros(NH)
    for j in range(NH):
        total = bh[j]
        for i in range(NI):
            total += inputs[i] * wi[i, j]
        ah[j] = math.tanh(total)
    # output activations
    ao = np.zeros(NO)
    for k in range(NO):
        total = bo[k]
        for j in range(NH):
            total += ah[j] * wo[j, k]
        ao[k] = math.tanh(total)
    return ah, ao

for iteration in range(@epochs@):
    error = 0.0
    for inputs, targets in patterns:
        ah, ao = run(inputs)
        for k in range(NO):
            error += 0.5 * (targets[k] - ao[k]) ** 2

        # deltas of the output
        output_deltas = np.zeros(NO)
        for k in range(NO):
            e = targets[k] - ao[k]
            output_deltas[k] = dtanh(ao[k]) * e
        # deltas of the hidden layer
        hidden_deltas = np.zeros(NH)
        for j in range(NH):
            s = 0.0
            for k in range(NO):
                s += output_deltas[k] * wo[j, k]
            hidden_deltas[j] = dtanh(ah[j]) * s

        for j in range(NH):
            for k in range(NO):
                wo[j, k] += N * output_deltas[k] * ah[j]
        for k in range(NO):
            bo[k] += N * output_deltas[k]
        for i in range(NI):
            for j in range(NH):
                wi[i, j] += N * hidden_deltas[j] * inputs[i]
        for j in range(NH):
            bh[j] += N * hidden_deltas[j]
    if iteration % 20 == 0:
        print('error %-.5f' % error)
"""

NETWORK = Network(
    parameters=(("wi", "bh"), ("wo", "bo")),
    activations=("tanh", "tanh"),
    loss="half-sse",
    rate=0.5,
    inputs="[p[0] for p in patterns]",
    targets="[p[1] for p in patterns]",
    batch=1,
    report="sum",
)

MISTAKES = (
    mistake("missing-output-derivative", 2, ("dtanh(ao[k]) * e", "e")),
    mistake("missing-hidden-derivative", 1, ("dtanh(ah[j]) * s", "s")),
    mistake(
        "derivative-missing-in-gradient-only",
        2,
        ("N * output_deltas[k] * ah[j]", "N * (targets[k] - ao[k]) * ah[j]"),
        ("bo[k] += N * output_deltas[k]", "bo[k] += N * (targets[k] - ao[k])"),
    ),
    mistake(
        "raw-error-propagated",
        1,
        ("s += output_deltas[k] * wo[j, k]", "s += (targets[k] - ao[k]) * wo[j, k]"),
        layers=(1, 2),
    ),
    mistake("factor-of-two", None, ("e = targets[k] - ao[k]", "e = 2 * (targets[k] - ao[k])"), variant="2"),
    mistake(
        "constant-factor", None, ("e = targets[k] - ao[k]", "e = (targets[k] - ao[k]) / 5"), variant="0.2"
    ),
    mistake("sign-flipped", None, ("e = targets[k] - ao[k]", "e = ao[k] - targets[k]")),
    mistake("sign-flipped", 2, ("wo[j, k] += N", "wo[j, k] -= N"), ("bo[k] += N", "bo[k] -= N")),
    mistake(
        "derivative-of-activation-not-preactivation", 2, ("dtanh(ao[k]) * e", "dtanh(math.tanh(ao[k])) * e")
    ),
    mistake(
        "derivative-of-activation-not-preactivation", 1, ("dtanh(ah[j]) * s", "dtanh(math.tanh(ah[j])) * s")
    ),
    mistake("derivative-of-error", 2, ("dtanh(ao[k]) * e", "dtanh(e) * e"), variant="y-a formula"),
    mistake("weights-in-place-of-activation", 2, ("output_deltas[k] * ah[j]", "output_deltas[k] * wo[j, k]")),
    mistake("outputs-in-place-of-inputs", 1, ("hidden_deltas[j] * inputs[i]", "hidden_deltas[j] * ah[i]")),
    mistake(
        "error-not-propagated",
        1,
        ("s += output_deltas[k] * wo[j, k]", "s += output_deltas[k]"),
        variant="summed",
    ),
    mistake(
        "gradient-transposed",
        1,
        ("wi[i, j] += N * hidden_deltas[j] * inputs[i]", "wi[i, j] += N * hidden_deltas[i] * inputs[j]"),
    ),
    mistake(
        "bias-never-updated",
        1,
        ("        for j in range(NH):\n            bh[j] += N * hidden_deltas[j]\n", ""),
    ),
    mistake(
        "bias-never-updated",
        2,
        ("        for k in range(NO):\n            bo[k] += N * output_deltas[k]\n", ""),
    ),
    mistake(
        "bias-gradient-wrong-axis",
        1,
        ("bh[j] += N * hidden_deltas[j]", "bh[j] += N * sum(hidden_deltas)"),
        variant="all",
    ),
    mistake(
        "one-sample-only",
        None,
        (
            "    for inputs, targets in patterns:\n",
            "    for _ in range(5):\n        inputs, targets = patterns[1]\n",
        ),
        variant="1",
    ),
    mistake(
        "target-misaligned",
        None,
        ("e = targets[k] - ao[k]", "e = 0.5 * targets[k] - ao[k]"),
        variant="scaled 0.5",
        layers=(None, 2),
    ),
    mistake(
        "updated-before-backpropagating",
        1,
        (
            "        for j in range(NH):\n            for k in range(NO):\n                wo[j, k] += N * output_deltas[k] * ah[j]\n        for k",
            "        for k",
        ),
        (
            "        # deltas of the hidden layer\n",
            "        for j in range(NH):\n            for k in range(NO):\n                wo[j, k] += N * output_deltas[k] * ah[j]\n        # deltas of the hidden layer\n",
        ),
        layers=(1, 2),
    ),
    mistake(
        "regularization-missing",
        None,
        (" - N * lam * wo[j, k]", ""),
        (" - N * lam * wi[i, j]", ""),
        within="l2",
    ),
    mistake(
        "regularization-wrong-factor",
        None,
        (" - N * lam * wo[j, k]", " - N * lam / 2 * wo[j, k]"),
        (" - N * lam * wi[i, j]", " - N * lam / 2 * wi[i, j]"),
        within="l2",
        variant="0.5",
    ),
    mistake(
        "wrong-slope",
        1,
        ("(1 if ah[j] > 0 else 0.25)", "(1 if ah[j] > 0 else 0.1)"),
        within="leaky",
        variant="0.1",
    ),
    mistake(
        "extra-output-derivative",
        2,
        ("output_deltas[k] = e\n", "output_deltas[k] = e * ao[k] * (1 - ao[k])\n"),
        within="cross-entropy",
    ),
)

VARIANTS = (
    variant(
        "renamed",
        renames={
            "wi": "v",
            "wo": "w",
            "bh": "v0",
            "bo": "w0",
            "ah": "hidden",
            "ao": "outputs",
            "N": "rate",
            "NI": "n_in",
            "NH": "n_hid",
            "NO": "n_out",
            "output_deltas": "d_out",
            "hidden_deltas": "d_hid",
        },
    ),
    variant(
        "vectorised-update",
        (
            "        for i in range(NI):\n            for j in range(NH):\n                wi[i, j] += N * hidden_deltas[j] * inputs[i]\n",
            "        for i in range(NI):\n            wi[i] += N * hidden_deltas * inputs[i]\n",
        ),
        (
            "        for j in range(NH):\n            bh[j] += N * hidden_deltas[j]\n",
            "        bh += N * hidden_deltas\n",
        ),
    ),
    variant("brackets", ("wi[i, j] += N", "wi[i][j] += N"), ("wo[j, k] += N", "wo[j][k] += N"), held=True),
    variant(
        "change",
        (
            "                wo[j, k] += N * output_deltas[k] * ah[j]\n",
            "                change = output_deltas[k] * ah[j]\n                wo[j, k] = wo[j, k] + N * change\n",
        ),
    ),
    variant(
        "l2",
        ("N = 0.5\n", "N = 0.5\nlam = 0.02\n"),
        (
            "            error += 0.5 * (targets[k] - ao[k]) ** 2\n",
            "            error += 0.5 * (targets[k] - ao[k]) ** 2\n        error += 0.5 * lam * (np.sum(wi ** 2) + np.sum(wo ** 2))\n",
        ),
        ("N * output_deltas[k] * ah[j]", "N * output_deltas[k] * ah[j] - N * lam * wo[j, k]"),
        ("N * hidden_deltas[j] * inputs[i]", "N * hidden_deltas[j] * inputs[i] - N * lam * wi[i, j]"),
        penalty=0.01,
    ),
    variant(
        "leaky",
        ("ah[j] = math.tanh(total)", "ah[j] = total if total > 0 else 0.25 * total"),
        ("dtanh(ah[j]) * s", "(1 if ah[j] > 0 else 0.25) * s"),
        ("N = 0.5\n", "N = 0.2\n"),
        activations=("leaky", "tanh"),
        slope=0.25,
        rate=0.2,
    ),
    variant(
        "cross-entropy",
        ("ao[k] = math.tanh(total)", "ao[k] = 1 / (1 + math.exp(-total))"),
        (
            "0.5 * (targets[k] - ao[k]) ** 2",
            "-(targets[k] * math.log(ao[k]) + (1 - targets[k]) * math.log(1 - ao[k]))",
        ),
        ("output_deltas[k] = dtanh(ao[k]) * e", "output_deltas[k] = e"),
        activations=("tanh", "sigmoid"),
        loss="sum-bce",
    ),
)

STYLE = Style(
    "neuron_loops",
    "loops over neurons and weights, element by element, sample by sample",
    TEXT,
    NETWORK,
    MISTAKES,
    VARIANTS,
    epochs=50,
)
