"""A flat script of three layers: samples are rows, tanh differentiated by a function of the pre-activation."""

from tests.review.corpus.reference import Network
from tests.review.corpus.template import Style, mistake, variant

TEXT = """
import numpy as np
rng = np.random.default_rng(7)

def tanh_prime(z):
    return 1.0 - np.tanh(z)**2

def sigma(z):
    return 1.0/(1.0 + np.exp(-z))

def sigma_prime(z):
    return sigma(z)*(1.0 - sigma(z))

# learn two smooth functions of four numbers
x_train = rng.normal(size=(20, 4))
t_train = sigma(np.column_stack([x_train[:, 0] - x_train[:, 1], x_train[:, 2]*x_train[:, 3]]))

w1 = rng.normal(0, 0.7, (4, 5)); b1 = np.zeros(5)
w2 = rng.normal(0, 0.7, (5, 5)); b2 = np.zeros(5)
w3 = rng.normal(0, 0.7, (5, 2)); b3 = np.zeros(2)
learning_rate = 0.4

for i in range(@epochs@):
    # --- forward ---
    h1 = x_train @ w1 + b1
    o1 = np.tanh(h1)
    h2 = o1 @ w2 + b2
    o2 = np.tanh(h2)
    h3 = o2 @ w3 + b3
    pred = sigma(h3)
    mse = np.mean((pred - t_train)**2)

    # --- backward ---
    d_pred = 2.0*(pred - t_train)/t_train.size
    d_h3 = d_pred*sigma_prime(h3)
    g_w3 = o2.T @ d_h3
    g_b3 = d_h3.sum(axis=0)
    d_h2 = (d_h3 @ w3.T)*tanh_prime(h2)
    g_w2 = o1.T @ d_h2
    g_b2 = d_h2.sum(axis=0)
    d_h1 = (d_h2 @ w2.T)*tanh_prime(h1)
    g_w1 = x_train.T @ d_h1
    g_b1 = d_h1.sum(axis=0)

    # --- update ---
    w3 = w3 - learning_rate*g_w3
    b3 = b3 - learning_rate*g_b3
    w2 = w2 - learning_rate*g_w2
    b2 = b2 - learning_rate*g_b2
    w1 = w1 - learning_rate*g_w1
    b1 = b1 - learning_rate*g_b1

    if i % 25 == 0:
        print(f'{i:5d}  mse = {mse:.6f}')
"""

NETWORK = Network(
    parameters=(("w1", "b1"), ("w2", "b2"), ("w3", "b3")),
    activations=("tanh", "tanh", "sigmoid"),
    loss="mse",
    rate=0.4,
    inputs="x_train",
    targets="t_train",
)

MISTAKES = (
    mistake("missing-output-derivative", 3, ("d_pred*sigma_prime(h3)", "d_pred")),
    mistake("missing-hidden-derivative", 2, ("(d_h3 @ w3.T)*tanh_prime(h2)", "d_h3 @ w3.T")),
    mistake("missing-hidden-derivative", 1, ("(d_h2 @ w2.T)*tanh_prime(h1)", "d_h2 @ w2.T")),
    mistake(
        "derivative-missing-in-gradient-only",
        3,
        ("g_w3 = o2.T @ d_h3", "g_w3 = o2.T @ d_pred"),
        ("g_b3 = d_h3.sum", "g_b3 = d_pred.sum"),
    ),
    mistake("raw-error-propagated", 2, ("d_h3 @ w3.T", "d_pred @ w3.T"), layers=(2, 3)),
    mistake(
        "sum-instead-of-mean",
        None,
        ("2.0*(pred - t_train)/t_train.size", "2.0*(pred - t_train)/2"),
        variant="20",
    ),
    mistake("divided-twice", None, ("/t_train.size", "/t_train.size/len(x_train)")),
    mistake("factor-of-two", None, ("d_pred = 2.0*(", "d_pred = ("), variant="0.5"),
    mistake("constant-factor", None, ("/t_train.size", "/len(x_train)/5"), variant="0.4"),
    mistake("sign-flipped", None, ("(pred - t_train)/t_train", "(t_train - pred)/t_train")),
    mistake(
        "sign-flipped",
        2,
        ("w2 - learning_rate*g_w2", "w2 + learning_rate*g_w2"),
        ("b2 - learning_rate*g_b2", "b2 + learning_rate*g_b2"),
    ),
    mistake("derivative-of-activation-not-preactivation", 3, ("sigma_prime(h3)", "sigma_prime(pred)")),
    mistake("derivative-of-activation-not-preactivation", 2, ("tanh_prime(h2)", "tanh_prime(o2)")),
    mistake("derivative-formula-on-preactivation", 3, ("sigma_prime(h3)", "h3*(1.0 - h3)")),
    mistake("derivative-formula-on-preactivation", 1, ("tanh_prime(h1)", "(1.0 - h1**2)")),
    mistake(
        "derivative-of-error",
        3,
        ("d_pred*sigma_prime(h3)", "d_pred*sigma_prime(pred - t_train)"),
        variant="function",
    ),
    mistake("weights-in-place-of-activation", 3, ("o2.T @ d_h3", "w3*d_h3.sum(axis=0)")),
    mistake("outputs-in-place-of-inputs", 2, ("g_w2 = o1.T @ d_h2", "g_w2 = o2.T @ d_h2")),
    mistake(
        "error-not-propagated",
        2,
        ("(d_h3 @ w3.T)*tanh_prime(h2)", "d_h3.sum(axis=1, keepdims=True)*tanh_prime(h2)"),
        variant="summed",
    ),
    mistake("weights-not-transposed", 1, ("d_h2 @ w2.T", "d_h2 @ w2"), layers=(1, 2)),
    mistake("gradient-transposed", 2, ("g_w2 = o1.T @ d_h2", "g_w2 = d_h2.T @ o1")),
    mistake(
        "updated-before-backpropagating",
        2,
        (
            "    g_b3 = d_h3.sum(axis=0)\n",
            "    g_b3 = d_h3.sum(axis=0)\n    w3 = w3 - learning_rate*g_w3\n    b3 = b3 - learning_rate*g_b3\n",
        ),
        (
            "    # --- update ---\n    w3 = w3 - learning_rate*g_w3\n    b3 = b3 - learning_rate*g_b3\n",
            "    # --- update ---\n",
        ),
        layers=(2, 3),
    ),
    mistake("bias-gradient-wrong-axis", 2, ("d_h2.sum(axis=0)", "d_h2.sum()"), variant="all"),
    mistake("bias-never-updated", 3, ("    b3 = b3 - learning_rate*g_b3\n", "")),
    mistake("bias-never-updated", 1, ("    b1 = b1 - learning_rate*g_b1\n", "")),
    mistake(
        "target-misaligned",
        None,
        ("2.0*(pred - t_train)", "2.0*(pred - t_train[::-1])"),
        variant="reversed",
        layers=(None, 3),
    ),
    mistake(
        "stale-gradient",
        None,
        ("learning_rate = 0.4\n", "learning_rate = 0.4\ng_w1 = g_w2 = g_w3 = 0\ng_b1 = g_b2 = g_b3 = 0\n"),
        *((f"    g_{p} = ", f"    g_{p} = g_{p} + ") for p in ("w1", "b1", "w2", "b2", "w3", "b3")),
    ),
    mistake(
        "softmax-diagonal-only",
        3,
        ("pred*(d_pred - (d_pred*pred).sum(axis=1, keepdims=True))", "d_pred*pred*(1 - pred)"),
        within="softmax",
    ),
    mistake(
        "extra-output-derivative",
        3,
        ("d_h3 = d_pred", "d_h3 = d_pred*pred*(1 - pred)"),
        within="cross-entropy",
    ),
    mistake(
        "wrong-slope",
        2,
        ("np.where(h2 > 0, 1, 0.2)", "np.where(h2 > 0, 1, 0.01)"),
        within="leaky",
        variant="0.01",
    ),
    mistake(
        "regularization-missing",
        None,
        (" + 2*decay*w1", ""),
        (" + 2*decay*w2", ""),
        (" + 2*decay*w3", ""),
        within="l2",
    ),
    mistake(
        "regularization-wrong-factor",
        None,
        (" + 2*decay*w1", " + decay*w1"),
        (" + 2*decay*w2", " + decay*w2"),
        (" + 2*decay*w3", " + decay*w3"),
        within="l2",
        variant="0.5",
    ),
)

VARIANTS = (
    variant(
        "renamed",
        renames={
            "w1": "W_a",
            "w2": "W_b",
            "w3": "W_c",
            "b1": "c_a",
            "b2": "c_b",
            "b3": "c_c",
            "h1": "u1",
            "h2": "u2",
            "h3": "u3",
            "o1": "y1",
            "o2": "y2",
            "pred": "y_hat",
            "t_train": "Y",
            "x_train": "data",
            "mse": "err",
            "learning_rate": "step_size",
            "d_h3": "s3",
            "d_h2": "s2",
            "d_h1": "s1",
            "d_pred": "dE",
        },
    ),
    variant(
        "dutch",
        renames={
            "w1": "gewicht1",
            "w2": "gewicht2",
            "w3": "gewicht3",
            "pred": "uitvoer",
            "t_train": "doel",
            "x_train": "invoer",
            "mse": "fout",
            "learning_rate": "tempo",
            "d_h3": "delta_uit",
            "o2": "verborgen2",
        },
        held=True,
    ),
    variant(
        "softmax",
        (
            "    pred = sigma(h3)\n",
            "    ex = np.exp(h3 - h3.max(axis=1, keepdims=True))\n    pred = ex/ex.sum(axis=1, keepdims=True)\n",
        ),
        ("d_pred*sigma_prime(h3)", "pred*(d_pred - (d_pred*pred).sum(axis=1, keepdims=True))"),
        activations=("tanh", "tanh", "softmax"),
    ),
    variant(
        "cross-entropy",
        (
            "mse = np.mean((pred - t_train)**2)",
            "mse = -np.sum(t_train*np.log(pred) + (1 - t_train)*np.log(1 - pred))/len(x_train)",
        ),
        ("2.0*(pred - t_train)/t_train.size", "(pred - t_train)/len(x_train)"),
        ("d_h3 = d_pred*sigma_prime(h3)", "d_h3 = d_pred"),
        loss="bce",
    ),
    variant(
        "cross-entropy-long",
        (
            "mse = np.mean((pred - t_train)**2)",
            "mse = -np.sum(t_train*np.log(pred) + (1 - t_train)*np.log(1 - pred))/len(x_train)",
        ),
        ("2.0*(pred - t_train)/t_train.size", "((1 - t_train)/(1 - pred) - t_train/pred)/len(x_train)"),
        loss="bce",
    ),
    variant(
        "leaky",
        ("o2 = np.tanh(h2)", "o2 = np.maximum(0.2*h2, h2)"),
        ("tanh_prime(h2)", "np.where(h2 > 0, 1, 0.2)"),
        activations=("tanh", "leaky", "sigmoid"),
        slope=0.2,
    ),
    variant(
        "softplus",
        ("o1 = np.tanh(h1)", "o1 = np.log(1 + np.exp(h1))"),
        ("tanh_prime(h1)", "sigma(h1)"),
        activations=("softplus", "tanh", "sigmoid"),
    ),
    variant(
        "linear-mae",
        ("pred = sigma(h3)", "pred = h3"),
        ("mse = np.mean((pred - t_train)**2)", "mse = np.mean(np.abs(pred - t_train))"),
        ("2.0*(pred - t_train)/t_train.size", "np.sign(pred - t_train)/t_train.size"),
        ("d_pred*sigma_prime(h3)", "d_pred"),
        ("learning_rate = 0.4", "learning_rate = 0.05"),
        activations=("tanh", "tanh", "linear"),
        loss="mae",
        rate=0.05,
    ),
    variant(
        "l2",
        ("learning_rate = 0.4", "learning_rate = 0.4\ndecay = 0.002"),
        (
            "mse = np.mean((pred - t_train)**2)",
            "mse = np.mean((pred - t_train)**2) + decay*((w1**2).sum() + (w2**2).sum() + (w3**2).sum())",
        ),
        ("g_w3 = o2.T @ d_h3", "g_w3 = o2.T @ d_h3 + 2*decay*w3"),
        ("g_w2 = o1.T @ d_h2", "g_w2 = o1.T @ d_h2 + 2*decay*w2"),
        ("g_w1 = x_train.T @ d_h1", "g_w1 = x_train.T @ d_h1 + 2*decay*w1"),
        penalty=0.002,
    ),
    variant(
        "summed",
        ("np.mean((pred - t_train)**2)", "((t_train - pred)**2).sum()"),
        ("2.0*(pred - t_train)/t_train.size", "-2*(t_train - pred)"),
        ("learning_rate = 0.4", "learning_rate = 0.01"),
        loss="sse",
        rate=0.01,
    ),
    variant(
        "decayed-every-50",
        (
            "    # --- forward ---\n",
            "    if i > 0 and i % 50 == 0:\n        learning_rate *= 0.5\n    # --- forward ---\n",
        ),
        rate=lambda epoch, _update: 0.4 * 0.5 ** (epoch // 50),
    ),
    variant(
        "adagrad",
        ("learning_rate = 0.4\n", "learning_rate = 0.05\ncache = [0, 0, 0, 0, 0, 0]\n"),
        (
            "    w3 = w3 - learning_rate*g_w3\n    b3 = b3 - learning_rate*g_b3\n    w2 = w2 - learning_rate*g_w2\n"
            "    b2 = b2 - learning_rate*g_b2\n    w1 = w1 - learning_rate*g_w1\n    b1 = b1 - learning_rate*g_b1\n",
            "    for k, (p, g) in enumerate([(w1, g_w1), (b1, g_b1), (w2, g_w2), (b2, g_b2), (w3, g_w3), (b3, g_b3)]):\n"
            "        cache[k] = cache[k] + g**2\n        p -= learning_rate*g/(np.sqrt(cache[k]) + 1e-8)\n",
        ),
        optimizer="adagrad",
        rate=0.05,
    ),
    variant(
        "zipped",
        (
            "    w3 = w3 - learning_rate*g_w3\n    b3 = b3 - learning_rate*g_b3\n    w2 = w2 - learning_rate*g_w2\n"
            "    b2 = b2 - learning_rate*g_b2\n    w1 = w1 - learning_rate*g_w1\n    b1 = b1 - learning_rate*g_b1\n",
            "    for p, g in zip((w1, b1, w2, b2, w3, b3), (g_w1, g_b1, g_w2, g_b2, g_w3, g_b3)):\n        p -= learning_rate*g\n",
        ),
        held=True,
    ),
    variant(
        "clipped",
        *(
            (f"learning_rate*g_{p}\n", f"learning_rate*np.clip(g_{p}, -1, 1)\n")
            for p in ("w1", "b1", "w2", "b2", "w3", "b3")
        ),
        clip=1.0,
    ),
)

STYLE = Style(
    "flat_deep", "flat script of three layers, row-major, full batch", TEXT, NETWORK, MISTAKES, VARIANTS
)
