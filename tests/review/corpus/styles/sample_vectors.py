"""A flat script, one sample at a time as one-dimensional vectors, np.outer, target minus output."""

from tests.review.corpus.reference import Network
from tests.review.corpus.template import Style, mistake, variant

TEXT = """
import numpy as np
from math import sqrt

np.random.seed(12)
dataset = np.random.rand(10, 3)
target = np.column_stack([dataset[:, 0] * dataset[:, 1], np.abs(dataset[:, 1] - dataset[:, 2])])

def sigmoid(x): return 1 / (1 + np.exp(-x))
def dsigmoid(x): return sigmoid(x) * (1 - sigmoid(x))

n_input, n_hidden, n_output = 3, 3, 2
w_input_hidden  = np.random.normal(0, 1 / sqrt(n_input), (n_input, n_hidden))
w_hidden_output = np.random.normal(0, 1 / sqrt(n_hidden), (n_hidden, n_output))
bias_hidden = np.zeros(n_hidden)
bias_output = np.zeros(n_output)
alpha = 0.6

for epoch in range(1, @epochs@ + 1):
    sum_error = 0
    for x, t in zip(dataset, target):
        # feed forward
        hidden_in  = np.dot(x, w_input_hidden) + bias_hidden
        hidden_out = sigmoid(hidden_in)
        final_in   = np.dot(hidden_out, w_hidden_output) + bias_output
        final_out  = sigmoid(final_in)
        sum_error += 0.5 * sum((t - final_out) ** 2)

        # errors and their gradients
        output_error = t - final_out
        output_term  = output_error * dsigmoid(final_in)
        hidden_error = np.dot(w_hidden_output, output_term)
        hidden_term  = hidden_error * dsigmoid(hidden_in)

        # change the weights
        w_hidden_output += alpha * np.outer(hidden_out, output_term)
        bias_output     += alpha * output_term
        w_input_hidden  += alpha * np.outer(x, hidden_term)
        bias_hidden     += alpha * hidden_term
    if epoch % 40 == 1:
        print('epoch=%d, error=%.5f' % (epoch, sum_error))
"""

NETWORK = Network(
    parameters=(("w_input_hidden", "bias_hidden"), ("w_hidden_output", "bias_output")),
    activations=("sigmoid", "sigmoid"),
    loss="half-sse",
    rate=0.6,
    inputs="dataset",
    targets="target",
    batch=1,
    report="sum",
)

MISTAKES = (
    mistake("missing-output-derivative", 2, ("output_error * dsigmoid(final_in)", "output_error")),
    mistake("missing-hidden-derivative", 1, ("hidden_error * dsigmoid(hidden_in)", "hidden_error")),
    mistake(
        "derivative-missing-in-gradient-only",
        2,
        ("np.outer(hidden_out, output_term)", "np.outer(hidden_out, output_error)"),
        ("bias_output     += alpha * output_term", "bias_output     += alpha * output_error"),
    ),
    mistake(
        "raw-error-propagated",
        1,
        ("np.dot(w_hidden_output, output_term)", "np.dot(w_hidden_output, output_error)"),
        layers=(1, 2),
    ),
    mistake(
        "divided-twice",
        None,
        ("output_error = t - final_out", "output_error = (t - final_out) / len(dataset)"),
        variant="10",
    ),
    mistake(
        "factor-of-two",
        None,
        ("output_error = t - final_out", "output_error = 2 * (t - final_out)"),
        variant="2",
    ),
    mistake(
        "constant-factor",
        None,
        ("output_error = t - final_out", "output_error = 1.5 * (t - final_out)"),
        variant="1.5",
    ),
    mistake("sign-flipped", None, ("output_error = t - final_out", "output_error = final_out - t")),
    mistake(
        "sign-flipped",
        1,
        ("w_input_hidden  +=", "w_input_hidden  -="),
        ("bias_hidden     +=", "bias_hidden     -="),
    ),
    mistake("derivative-of-activation-not-preactivation", 2, ("dsigmoid(final_in)", "dsigmoid(final_out)")),
    mistake("derivative-of-activation-not-preactivation", 1, ("dsigmoid(hidden_in)", "dsigmoid(hidden_out)")),
    mistake("derivative-formula-on-preactivation", 2, ("dsigmoid(final_in)", "final_in * (1 - final_in)")),
    mistake("derivative-formula-on-preactivation", 1, ("dsigmoid(hidden_in)", "hidden_in * (1 - hidden_in)")),
    mistake("derivative-of-error", 2, ("dsigmoid(final_in)", "dsigmoid(output_error)"), variant="function"),
    mistake(
        "weights-in-place-of-activation",
        2,
        ("np.outer(hidden_out, output_term)", "w_hidden_output * output_term"),
    ),
    mistake(
        "weights-in-place-of-activation", 1, ("np.outer(x, hidden_term)", "w_input_hidden * hidden_term")
    ),
    mistake(
        "outputs-in-place-of-inputs", 1, ("np.outer(x, hidden_term)", "np.outer(hidden_out, hidden_term)")
    ),
    mistake(
        "error-not-propagated",
        1,
        ("np.dot(w_hidden_output, output_term)", "sum(output_term)"),
        variant="summed",
    ),
    mistake("gradient-transposed", 1, ("np.outer(x, hidden_term)", "np.outer(hidden_term, x)")),
    mistake(
        "updated-before-backpropagating",
        1,
        (
            "        hidden_error = np.dot",
            "        w_hidden_output += alpha * np.outer(hidden_out, output_term)\n        hidden_error = np.dot",
        ),
        (
            "        # change the weights\n        w_hidden_output += alpha * np.outer(hidden_out, output_term)\n",
            "        # change the weights\n",
        ),
        layers=(1, 2),
    ),
    mistake(
        "bias-gradient-wrong-axis",
        1,
        ("bias_hidden     += alpha * hidden_term", "bias_hidden     += alpha * sum(hidden_term)"),
        variant="all",
    ),
    mistake("bias-never-updated", 1, ("        bias_hidden     += alpha * hidden_term\n", "")),
    mistake("bias-never-updated", 2, ("        bias_output     += alpha * output_term\n", "")),
    mistake(
        "bias-never-updated",
        2,
        ("bias_output     += alpha * output_term", "bias_output     += -alpha"),
        variant="by-itself",
    ),
    mistake(
        "one-sample-only",
        None,
        (
            "    for x, t in zip(dataset, target):\n",
            "    for _ in range(len(dataset)):\n        x, t = dataset[3], target[3]\n",
        ),
        variant="3",
    ),
    mistake(
        "target-misaligned",
        None,
        ("output_error = t - final_out", "output_error = 10 * t - final_out"),
        variant="scaled 10",
        layers=(None, 2),
    ),
    mistake(
        "extra-output-derivative",
        2,
        ("output_term  = output_error\n", "output_term  = output_error * dsigmoid(final_in)\n"),
        within="cross-entropy",
    ),
    mistake(
        "stale-gradient",
        None,
        ("alpha = 0.6\n", "alpha = 0.6\ng_ho, g_ih, g_o, g_h = 0, 0, 0, 0\n"),
        ("alpha * np.outer(hidden_out, output_term)", "alpha * g_ho"),
        ("alpha * output_term", "alpha * g_o"),
        ("alpha * np.outer(x, hidden_term)", "alpha * g_ih"),
        ("alpha * hidden_term", "alpha * g_h"),
        (
            "        # change the weights\n",
            "        g_ho += np.outer(hidden_out, output_term)\n        g_o = g_o + output_term\n        g_ih += np.outer(x, hidden_term)\n        g_h = g_h + hidden_term\n        # change the weights\n",
        ),
    ),
    mistake(
        "wrong-slope",
        1,
        ("np.where(hidden_in > 0, 1, 0.3)", "np.where(hidden_in > 0, 1, 0.03)"),
        within="leaky",
        variant="0.03",
    ),
    mistake(
        "regularization-missing",
        None,
        (" - alpha * decay * w_hidden_output", ""),
        (" - alpha * decay * w_input_hidden", ""),
        within="l2",
    ),
    mistake(
        "regularization-wrong-factor",
        None,
        (" - alpha * decay * w_hidden_output", " - alpha * decay / 10 * w_hidden_output"),
        (" - alpha * decay * w_input_hidden", " - alpha * decay / 10 * w_input_hidden"),
        within="l2",
        variant="0.1",
    ),
)

VARIANTS = (
    variant(
        "renamed",
        renames={
            "w_input_hidden": "V",
            "w_hidden_output": "W",
            "bias_hidden": "v0",
            "bias_output": "w0",
            "alpha": "eta",
            "hidden_in": "net_j",
            "hidden_out": "o_j",
            "final_in": "net_k",
            "final_out": "o_k",
            "output_term": "delta_k",
            "hidden_term": "delta_j",
            "sum_error": "E",
        },
    ),
    variant(
        "matrices",
        renames={
            "w_input_hidden": "wih",
            "w_hidden_output": "who",
            "bias_hidden": "bh",
            "bias_output": "bo",
            "dataset": "training",
            "target": "desired",
        },
        held=True,
    ),
    variant(
        "tanh",
        ("hidden_out = sigmoid(hidden_in)", "hidden_out = np.tanh(hidden_in)"),
        ("hidden_error * dsigmoid(hidden_in)", "hidden_error * (1 - hidden_out ** 2)"),
        activations=("tanh", "sigmoid"),
    ),
    variant(
        "leaky",
        (
            "hidden_out = sigmoid(hidden_in)",
            "hidden_out = np.where(hidden_in > 0, hidden_in, 0.3 * hidden_in)",
        ),
        ("hidden_error * dsigmoid(hidden_in)", "hidden_error * np.where(hidden_in > 0, 1, 0.3)"),
        ("alpha = 0.6", "alpha = 0.2"),
        activations=("leaky", "sigmoid"),
        slope=0.3,
        rate=0.2,
    ),
    variant(
        "cross-entropy",
        ("0.5 * sum((t - final_out) ** 2)", "-sum(t * np.log(final_out) + (1 - t) * np.log(1 - final_out))"),
        ("output_error * dsigmoid(final_in)", "output_error"),
        loss="sum-bce",
    ),
    variant(
        "l2",
        ("alpha = 0.6\n", "alpha = 0.6\ndecay = 0.01\n"),
        (
            "0.5 * sum((t - final_out) ** 2)",
            "0.5 * sum((t - final_out) ** 2) + 0.5 * decay * (np.sum(w_input_hidden ** 2) + np.sum(w_hidden_output ** 2))",
        ),
        (
            "np.outer(hidden_out, output_term)",
            "np.outer(hidden_out, output_term) - alpha * decay * w_hidden_output",
        ),
        ("np.outer(x, hidden_term)", "np.outer(x, hidden_term) - alpha * decay * w_input_hidden"),
        penalty=0.005,
    ),
    variant(
        "averaged",
        (
            "'epoch=%d, error=%.5f' % (epoch, sum_error)",
            "'epoch=%d, error=%.5f' % (epoch, sum_error / len(dataset))",
        ),
        report="mean",
    ),
    variant(
        "index-loop",
        (
            "    for x, t in zip(dataset, target):\n",
            "    for i in range(len(dataset)):\n        x = dataset[i, :]\n        t = target[i]\n",
        ),
    ),
    variant(
        "random-sample",
        (
            "    for x, t in zip(dataset, target):\n",
            "    for _ in range(len(dataset)):\n        i = np.random.randint(len(dataset))\n        x, t = dataset[i], target[i]\n",
        ),
        order="[np.random.randint(10) for _ in range(10)]",
    ),
    variant(
        "no-loss",
        ("        sum_error += 0.5 * sum((t - final_out) ** 2)\n", ""),
        ("    sum_error = 0\n", ""),
        ("    if epoch % 40 == 1:\n        print('epoch=%d, error=%.5f' % (epoch, sum_error))\n", ""),
        report="",
    ),
    variant(
        "decay",
        ("    sum_error = 0\n", "    sum_error = 0\n    alpha *= 0.99\n"),
        rate=lambda epoch, _update: 0.6 * 0.99 ** (epoch + 1),
    ),
    variant(
        "talkative",
        (
            "        # errors and",
            "        print('in', x, 'out', final_out, 'error', sum_error)\n        # errors and",
        ),
        report="",
    ),
)

STYLE = Style(
    "sample_vectors",
    "flat script, one-dimensional vectors, sample by sample, target minus output",
    TEXT,
    NETWORK,
    MISTAKES,
    VARIANTS,
    epochs=80,
)
