"""Ways in which a line may be mended: the right one is among those that are tried."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from backprop_core.review.comparing.finding import Finding
from backprop_core.review.following.activation_forms import form_of
from backprop_core.review.mending.candidates import MOST, candidates
from backprop_core.review.mending.correction import apply
from tests.review.test_mending import SCRIPT

LINES = {text.strip(): number for number, text in enumerate(SCRIPT.split("\n"), 1)}
UPDATES = {name: LINES[f"{name} = {name} - lr * d{name}"] for name in ("W1", "b1", "W2", "b2")}


class Names:
    """What the script calls its values, as its recorded backward pass would tell."""

    def delta(self, layer):
        return {1: ["d1"], 2: ["d2"]}.get(layer, [])

    right_delta = delta

    def error(self, layer):
        return {2: ["dp"]}.get(layer, [])

    def bias_gradient(self, layer):
        return {1: ["db1"]}.get(layer, [])


def network(memory_line=0):
    def part(name):
        value = SimpleNamespace(ndim=2 if name.startswith("W") else 1)
        scales = [{"rate": True, "text": "lr", "value": 1.0}]
        return {"line": UPDATES[name], "value": value, "scales": scales, "memory_line": memory_line}

    return SimpleNamespace(
        weights=["W1", "W2"],
        biases=["b1", "b2"],
        parameters={name: part(name) for name in UPDATES},
        names=[{"z": "", "a": "h", "x": "X", "w": "W1"}, {"z": "", "a": "p", "x": "h", "w": "W2"}],
        forms=[form_of("tanh", 0.0), form_of("sigmoid", 0.0)],
        column_major=False,
        points=[SimpleNamespace(rows=16)],
    )


@pytest.mark.parametrize(
    ("mistake", "layer", "right", "wrong"),
    [
        ("missing-hidden-derivative", 1, "d1 = (d2 @ W2.T) * (1 - h ** 2)", "d1 = d2 @ W2.T"),
        ("missing-output-derivative", 2, "d2 = dp * (p * (1 - p))", "d2 = dp"),
        ("derivative-of-error", 2, "d2 = dp * (p * (1 - p))", "d2 = dp * dp * (1 - dp)"),
        ("raw-error-propagated", 2, "d1 = (d2 @ W2.T) * (1 - h ** 2)", "d1 = (dp @ W2.T) * (1 - h ** 2)"),
        ("error-not-propagated", 1, "d1 = np.dot(d2, W2.T) * (1 - h ** 2)", "d1 = d2 * (1 - h ** 2)"),
        ("weights-not-transposed", 1, "d1 = (d2 @ W2.T) * (1 - h ** 2)", "d1 = (d2 @ W2) * (1 - h ** 2)"),
        ("outputs-in-place-of-inputs", 2, "dW2 = h.T @ d2", "dW2 = p.T @ d2"),
        ("weights-in-place-of-activation", 2, "dW2 = np.dot(h.T, d2)", "dW2 = W2 * d2.sum(axis=0)"),
        ("derivative-missing-in-gradient-only", 2, "dW2 = h.T @ d2", "dW2 = h.T @ dp"),
        ("gradient-transposed", 2, "dW2 = h.T @ d2", "dW2 = d2.T @ h"),
        ("gradient-transposed", 2, "dW2 = h.T @ d2", "dW2 = (h.T @ d2).T"),
        ("bias-gradient-wrong-axis", 1, "db1 = np.sum(d1, axis=0)", "db1 = d1.sum(axis=1)"),
        ("bias-gradient-wrong-axis", 1, "db1 = np.sum(d1, axis=0)", "db1 = d2.sum(axis=0)"),
        ("sign-flipped", None, "dp = 2 * (p - y) / len(X)", "dp = 2 * (y - p) / len(X)"),
        ("extra-output-derivative", 2, "d2 = dp * p", "d2 = dp * p * (1 - p)"),
        ("target-misaligned", None, "dp = 2 * (p - y) / len(X)", "dp = 2 * (p - np.roll(y, 1)) / len(X)"),
        ("broadcast-error", None, "loss = np.mean((p - y) ** 2)", "loss = np.mean((p - y.ravel()) ** 2)"),
        ("divided-twice", None, "dW2 = h.T @ d2", "dW2 = h.T @ d2 / 16"),
        ("sum-instead-of-mean", None, "dp = (2 * (p - y)) / len(X)", "dp = 2 * (p - y)"),
    ],
)
def test_the_line_that_is_meant_is_among_the_candidates(mistake, layer, right, wrong):
    original = {"d2": "d2 = dp * p * (1 - p)", "d1": "d1 = (d2 @ W2.T) * (1 - h ** 2)", "dW2": "dW2 = h.T @ d2",
                "db1": "db1 = d1.sum(axis=0)", "dp": "dp = 2 * (p - y) / len(X)",
                "loss": "loss = np.mean((p - y) ** 2)"}[wrong.partition(" ")[0]]  # fmt: skip
    source = SCRIPT.replace(original, wrong)
    finding = Finding(mistake, layer, ["W1", "b1", "W2", "b2"])
    made = candidates(finding, network(), LINES[original], source, Names(), {})
    assert 0 < len(made) <= MOST
    changed = [apply(source, lines).split("\n")[LINES[original] - 1].strip() for lines in made]
    assert right in changed


def test_an_update_that_is_missing_is_written_after_that_of_the_weights():
    source = SCRIPT.replace("    b1 = b1 - lr * db1\n", "")
    finding = Finding("bias-never-updated", 1, ["b1"], place="b")
    (lines,) = candidates(finding, network(), UPDATES["W1"], source, Names(), {"b1": "b1"})
    assert apply(source, lines) == SCRIPT


def test_gradients_that_are_added_up_are_assigned():
    source = SCRIPT.replace("dW2 = h.T @ d2", "dW2 += h.T @ d2")
    line = LINES["dW2 = h.T @ d2"]
    finding = Finding("stale-gradient", 2, ["W2"])
    made = candidates(finding, network(memory_line=line), line, source, Names(), {})
    assert [apply(source, lines) for lines in made] == [SCRIPT]


def test_an_update_that_comes_too_early_is_put_behind_what_needs_the_weights():
    update, delta = "    W2 = W2 - lr * dW2\n", "    d1 = (d2 @ W2.T) * (1 - h ** 2)\n"
    source = SCRIPT.replace(update, "").replace(delta, update + delta)
    number = source.split("\n").index(delta.rstrip("\n")) + 1
    held = network()
    held.parameters["W2"]["line"] = number - 1
    finding = Finding("updated-before-backpropagating", 1, ["W1"])
    (lines,) = candidates(finding, held, number, source, Names(), {})
    assert delta + update in apply(source, lines)


def test_what_is_no_python_is_not_tried():
    source = "x = [\n    1,\n]\n"
    finding = Finding("sign-flipped", None, [])
    assert candidates(finding, network(), 2, source, Names(), {}) == []
