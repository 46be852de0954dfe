"""Ways of writing that once were not followed, or gave a finding where nothing is wrong: one script for each."""

from __future__ import annotations

from pathlib import Path

import pytest

from backprop_core.review import review

FOLDER = Path(__file__).with_name("people")


@pytest.mark.parametrize("script", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_nothing_is_found_in_a_correct_script(script):
    found = review(script)
    assert found.reviewed, found.reason
    assert [(one.id, one.layer) for one in found.mistakes] == []
    assert {part.verdict for part in found.parameters} == {"correct"}


MISTAKES = [
    ("plain_perceptron", "error * out * (1 - out)", "error", "missing-output-derivative", 1),
    (
        "plain_loops",
        "d_hid.append(e * (1 - hidden[j] ** 2))",
        "d_hid.append(e)",
        "missing-hidden-derivative",
        1,
    ),
    ("plain_loops", "e = sum(d_out[k] *", "e = sum((out[k] - y[k]) *", "raw-error-propagated", 2),
    ("labels_taken_off", "below.sum(axis=0)\n", "below.sum()\n", "bias-gradient-wrong-axis", 1),
    ("clipped_by_norm", "np.where(pre > 0, gh, 0.01 * gh)", "gh", "missing-hidden-derivative", 1),
    (
        "penalised_momentum",
        "self.h.T @ d2 + self.weight_decay * self.w2",
        "self.h.T @ d2",
        "regularization-missing",
        2,
    ),
    (
        "penalised_momentum",
        "np.where(self.z >= 0, 1, SLOPE)",
        "np.where(self.z >= 0, 1, 0.4)",
        "wrong-slope",
        1,
    ),
    ("sums_of_products", "slope = 2 * difference", "slope = 2 * difference / len(X)", "divided-twice", None),
    (
        "bias_from_nought",
        "self.bias -= lr * np.sum(dz) / count",
        "self.bias -= 0 * lr",
        "bias-never-updated",
        1,
    ),
    ("filled_arrays", "e = targets[k] - ao[k]", "e = 0.5 * targets[k] - ao[k]", "target-misaligned", None),
    ("bias_from_nought", "dz = p - y", "dz = y - p", "sign-flipped", None),
    (
        "absolute_error_shown",
        "logistic(hidden, derivative=True)",
        "logistic(hidden_missed, derivative=True)",
        "derivative-of-error",
        1,
    ),
]


@pytest.mark.parametrize(
    ("name", "right", "wrong", "expected", "layer"), MISTAKES, ids=lambda value: str(value)[:20]
)
def test_a_mistake_is_named_with_its_layer_and_line(tmp_path, name, right, wrong, expected, layer):
    source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    assert source.count(right) == 1
    line = source[: source.index(right)].count("\n") + 1
    script = tmp_path / "net.py"
    script.write_text(source.replace(right, wrong), encoding="utf-8")
    found = review(script)
    assert [(one.id, one.layer, one.line) for one in found.mistakes] == [(expected, layer, line)]


def test_the_share_with_which_a_gradient_enters_a_running_mean_is_no_factor(tmp_path):
    source = (FOLDER / "penalised_momentum.py").read_text(encoding="utf-8")
    script = tmp_path / "net.py"
    script.write_text(source.replace("- current_learning_rate * g", "- 0.2 * (current_learning_rate * g)"))
    found = review(script)
    assert found.reviewed, found.reason
    assert (found.mistakes, found.warnings) == ((), ())


def test_weights_crosswise_in_a_network_of_single_numbers_are_not_transposed(tmp_path):
    source = (FOLDER / "shared_biases.py").read_text(encoding="utf-8")
    crosswise = source.replace("d2 * w7) * h1", "d2 * w6) * h1").replace("(d1 * w6", "(d1 * w7")
    script = tmp_path / "net.py"
    script.write_text(crosswise, encoding="utf-8")
    line = source[: source.index("e1 = ")].count("\n") + 1
    found = review(script)
    assert [(one.id, one.layer, one.line) for one in found.mistakes] == [("weights-not-transposed", 1, line)]


def test_a_line_that_does_not_mend_the_gradient_is_not_shown_as_a_correction(tmp_path):
    source = (FOLDER / "single_precision.py").read_text(encoding="utf-8")
    right, wrong = "dW2 = h.T @ do", "dW2 = np.repeat((o * do).sum(0, keepdims=True), 8, axis=0)"
    script = tmp_path / "net.py"
    script.write_text(source.replace(right, wrong), encoding="utf-8")
    found = review(script)
    assert [one.id for one in found.mistakes] == ["outputs-in-place-of-inputs"]
    assert "np.repeat" not in found.mistakes[0].correction
    assert found.corrected is None


def test_a_corrected_line_is_written_in_the_names_of_the_script_and_verified(tmp_path):
    source = (FOLDER / "plain_perceptron.py").read_text(encoding="utf-8")
    script = tmp_path / "net.py"
    script.write_text(source.replace("error * out * (1 - out)", "error * z * (1 - z)"), encoding="utf-8")
    found = review(script)
    assert found.mistakes[0].id == "derivative-formula-on-preactivation"
    assert found.mistakes[0].correction == "delta = error * out * (1 - out)"
    assert found.corrected is not None
    assert found.corrected.gradient_right


LOG_SUM_EXP = """\
import numpy as np

gen = np.random.default_rng(4)
kinds = gen.integers(0, 3, size=36)
points = np.array([[0.0, 1.5], [1.5, -1.0], [-1.5, -1.0]])[kinds] + gen.normal(scale=0.7, size=(36, 2))
wanted = np.eye(3)[kinds]
W1, c1 = gen.normal(scale=0.7, size=(2, 6)), np.zeros(6)
W2, c2 = gen.normal(scale=0.7, size=(6, 3)), np.zeros(3)
for turn in range(120):
    h = np.tanh(points @ W1 + c1)
    scores = h @ W2 + c2
    top = scores.max(axis=1, keepdims=True)
    logp = scores - top - np.log(np.exp(scores - top).sum(axis=1, keepdims=True))
    cost = -(wanted * logp).sum() / 36
    d = np.exp(logp)
    d[range(36), kinds] -= 1
    d /= 36
    dh = (d @ W2.T) * (1 - h**2)
    W2 -= 0.3 * h.T @ d
    c2 -= 0.3 * d.sum(axis=0)
    W1 -= 0.3 * points.T @ dh
    c1 -= 0.3 * dh.sum(axis=0)
    if turn % 30 == 0:
        print(turn, cost)
"""
"""Right, but its loss is of logarithms of probabilities, which no output of its own leads to."""


def test_what_does_not_fit_a_loss_that_is_only_assumed_is_no_mistake(tmp_path):
    script = tmp_path / "log_sum_exp.py"
    script.write_text(LOG_SUM_EXP)
    found = review(script)
    assert found.mistakes == ()
    assert found.reviewed or "no loss was found" in found.reason
