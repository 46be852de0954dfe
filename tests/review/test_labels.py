"""The corpus is what it says: its gradients against central differences and PyTorch, its scripts against both."""

import dataclasses

import numpy as np
import pytest

from tests.review.corpus import catalogue
from tests.review.corpus.labels import verify
from tests.review.corpus.reference import Layer, Network, gradients, loss
from tests.review.corpus.styles import STYLES
from tests.review.corpus.template import Script

HEADS = [
    *(
        (loss, head)
        for loss in ("half-mse", "mse", "sample-mse", "sse", "half-sse", "mae")
        for head in ("tanh", "linear")
    ),
    ("half-mse", "softmax"),
    ("bce", "sigmoid"),
    ("sum-bce", "sigmoid"),
    ("ce", "softmax"),
    ("sum-ce", "softmax"),
]


def example(loss_name, head, hidden="tanh"):
    random = np.random.default_rng(5)
    network = Network((("", ""),) * 3, (hidden, "sigmoid", head), loss_name, 0.1, penalty=0.03, slope=0.2)
    layers = [Layer(random.normal(size=(a, b)), random.normal(size=b)) for a, b in ((3, 4), (4, 4), (4, 2))]
    X = random.normal(size=(6, 3))
    y = np.eye(2)[random.integers(0, 2, 6)]
    return network, layers, X, y


@pytest.mark.parametrize(("loss_name", "head"), HEADS)
def test_the_reference_gradient_is_the_central_difference_of_the_reference_loss(loss_name, head):
    network, layers, X, y = example(loss_name, head)
    found = gradients(network, layers, X, y, ())
    for layer, gradient in zip(layers, found, strict=True):
        for values, g in ((layer.W, gradient.W), (layer.b, gradient.b)):
            for at in np.ndindex(values.shape):
                kept = values[at]
                values[at] = kept + 1e-6
                above = loss(network, layers, X, y)
                values[at] = kept - 1e-6
                below = loss(network, layers, X, y)
                values[at] = kept
                assert g[at] == pytest.approx((above - below) / 2e-6, abs=1e-6)


@pytest.mark.parametrize("hidden", ["relu", "leaky", "elu", "softplus", "sigmoid"])
def test_the_reference_gradient_is_pytorchs(hidden):
    torch = pytest.importorskip("torch")
    network, layers, X, y = example("ce", "softmax", hidden)
    network = dataclasses.replace(network, penalty=0.0)
    parameters = [torch.tensor(v, requires_grad=True) for layer in layers for v in (layer.W, layer.b)]
    W1, b1, W2, b2, W3, b3 = parameters
    functions = torch.nn.functional
    act = {
        "relu": functions.relu,
        "leaky": lambda z: functions.leaky_relu(z, 0.2),
        "elu": functions.elu,
        "softplus": functions.softplus,
        "sigmoid": torch.sigmoid,
    }[hidden]
    out = torch.sigmoid(act(torch.tensor(X) @ W1 + b1) @ W2 + b2) @ W3 + b3
    functions.cross_entropy(out, torch.tensor(y.argmax(axis=1))).backward()
    found = [v for g in gradients(network, layers, X, y, ()) for v in (g.W, g.b)]
    for expected, g in zip(parameters, found, strict=True):
        np.testing.assert_allclose(g, expected.grad.numpy(), atol=1e-12)


@pytest.mark.parametrize("style", STYLES, ids=lambda s: s.name)
def test_correct_scripts_apply_the_true_gradient_and_print_its_loss(style):
    for script in catalogue.correct():
        if script.style is style:
            verify(script)


@pytest.mark.parametrize("style", STYLES, ids=lambda s: s.name)
def test_mistaken_scripts_apply_their_mistakes_formula_and_not_the_true_gradient(style):
    for script in catalogue.singles():
        if script.style is style and catalogue.is_plain(script):
            verify(script)


@pytest.mark.parametrize("style", STYLES, ids=lambda s: s.name)
def test_every_edit_of_a_style_has_its_place_in_it(style):
    variants = {v.name: (v,) for v in style.variants} | {"": ()}
    for edit in style.variants:
        Script(style, (edit,), ()).text(1)
    for edit in style.mistakes:
        Script(style, variants[edit.within], (edit,)).text(1)


def test_the_corpus_is_as_large_as_it_has_to_be():
    correct, singles = catalogue.correct(), catalogue.singles()
    styles = {}
    for script in singles:
        styles.setdefault(script.mistakes[0].name, set()).add(script.style.name)
    assert len(correct) >= 100
    assert len(styles) == 29
    # A transposed weight matrix fits square layers only, a diagonal softmax only softmax, a broadcast only one output.
    rare = {"softmax-diagonal-only", "broadcast-error", "weights-not-transposed"}
    assert all(len(found) >= 10 for name, found in styles.items() if name not in rare)
    assert len({s.name for s in (*correct, *singles)}) == len(correct) + len(singles)
