"""Corrected lines: what is proposed, that only what mends is shown, and what is said of what is left."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace

import numpy as np

from backprop_core.review import review
from backprop_core.review.beyond.further import draws_anew
from backprop_core.review.comparing.finding import Finding
from backprop_core.review.mending.mending import mend
from backprop_core.review.mending.verification import Again, trials
from backprop_tui.reviewing import WIDTH, text_of

SOURCE = "one = a\ntwo = b\nthree = c\n"


def done(value):
    future: Future = Future()
    future.set_result(value)
    return future


def state(*ids, implied=False):
    findings = [Finding(name, None, []) for name in ids]
    return SimpleNamespace(findings=findings, network=SimpleNamespace(implied=implied))


class Trials:
    """Stands in for processes: what each version of a script is found to be, by a function of its source."""

    def __init__(self, judged):
        self.judged = judged
        self.versions = []

    def ending(self, source):
        return done(float(len(source)))

    def again(self, source):
        self.versions.append(source)
        return done(Again([], self.judged(source)))


def left_in(source):
    """Judge a version: «one» is mended by A, «two» by B; X in a line makes a further mistake."""
    ids = [name for name, cure in (("one", "A"), ("two", "B")) if cure not in source]
    return state(*ids, *(["other"] if "X" in source else []))


def test_the_likeliest_lines_are_enough_where_they_mend_all():
    trials = Trials(left_in)
    made = mend(trials, SOURCE, state("one", "two"), [[{1: "A"}], [{2: "B"}]])
    assert made is not None
    assert made.left == ()
    assert made.corrected().lines == ((1, "A"), (2, "B"))
    assert made.corrected().gradient_right
    assert len(trials.versions) == 1


def test_another_way_is_taken_where_the_likeliest_does_not_mend():
    made = mend(Trials(left_in), SOURCE, state("one", "two"), [[{1: "X"}, {3: "X"}, {1: "A"}], [{2: "B"}]])
    assert made is not None
    assert made.corrected().lines == ((1, "A"), (2, "B"))


def test_what_only_some_lines_mend_is_shown_with_what_is_left():
    made = mend(Trials(left_in), SOURCE, state("one", "two"), [[{1: "A"}], []])
    assert made is not None
    told = made.corrected()
    assert (told.lines, told.left, told.gradient_right) == (((1, "A"),), ("two",), False)
    assert told.loss_before == len(SOURCE)
    assert told.loss_after == len(SOURCE.replace("one = a", "A"))


def test_lines_that_mend_nothing_are_not_shown():
    assert mend(Trials(left_in), SOURCE, state("one"), [[{1: "X"}, {2: "no help"}]]) is None
    assert mend(Trials(left_in), SOURCE, state("one"), [[]]) is None


def test_an_update_is_not_right_because_another_loss_would_have_it():
    def judged(source):
        return state(implied="A" in source)

    assert mend(Trials(judged), SOURCE, state("one"), [[{1: "A"}]]) is None
    assert mend(Trials(judged), SOURCE, state("one", implied=True), [[{1: "A"}]]) is not None


SCRIPT = """
import numpy as np
rng = np.random.default_rng(1)
X = rng.normal(size=(16, 3))
y = (X[:, :1] * X[:, 1:2] > 0) * 1.0
W1 = rng.normal(size=(3, 5))
b1 = np.zeros(5)
W2 = rng.normal(size=(5, 1))
b2 = np.zeros(1)
lr = 1.0
for epoch in range(400):
    h = np.tanh(X @ W1 + b1)
    p = 1 / (1 + np.exp(-(h @ W2 + b2)))
    loss = np.mean((p - y) ** 2)
    dp = 2 * (p - y) / len(X)
    d2 = dp * p * (1 - p)
    dW2 = h.T @ d2
    db2 = d2.sum(axis=0)
    d1 = (d2 @ W2.T) * (1 - h ** 2)
    dW1 = X.T @ d1
    db1 = d1.sum(axis=0)
    W1 = W1 - lr * dW1
    b1 = b1 - lr * db1
    W2 = W2 - lr * dW2
    b2 = b2 - lr * db2
"""


def test_lines_are_mended_in_the_scripts_own_names(tmp_path):
    script = tmp_path / "net.py"
    script.write_text(SCRIPT.replace("(d2 @ W2.T) * (1", "(dp @ W2.T) * (1"))
    found = review(script)
    assert [one.id for one in found.mistakes] == ["raw-error-propagated"]
    assert found.corrected is not None
    assert found.corrected.gradient_right
    assert [text for _, text in found.corrected.lines] == ["    d1 = (d2 @ W2.T) * (1 - h ** 2)"]
    assert found.corrected.loss_after is not None
    assert max(map(len, text_of(found).split("\n"))) <= WIDTH


def test_runs_that_begin_with_other_weights_are_known():
    def run(weight):
        return [{"kind": "start", "captures": [{"layers": [{"W": np.full((2, 2), weight)}]}]}]

    assert draws_anew(run(1.0), run(2.0))
    assert not draws_anew(run(1.0), run(1.0))


def test_a_run_that_nobody_waits_for_is_ended(tmp_path):
    with trials(tmp_path / "net.py", "loss", 600) as tried:
        endless = tried.ending("while True:\n    loss = 1.0\n")
        while not tried.running:
            assert not endless.done()
    assert tried.running == set()
    assert endless.done()
