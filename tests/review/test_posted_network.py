"""The posted network, from its script to a corrected one that learns."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backprop_core.review import Review, review
from backprop_core.review.mending.correction import apply
from backprop_tui.reviewing import text_of

SCRIPT = Path(__file__).with_name("posted_network.py")


@pytest.fixture(scope="module")
def found() -> Review:
    return review(SCRIPT)


def test_exactly_its_three_mistakes_are_named_with_layer_and_line(found):
    source = SCRIPT.read_text(encoding="utf-8").split("\n")
    told = [(one.id, one.layer, source[one.line - 1].strip()) for one in found.mistakes]
    assert told == [
        ("missing-output-derivative", 2, "delta_output = error"),
        ("missing-hidden-derivative", 1, "delta_hidden = delta_output.dot(w2.T)"),
        ("sum-instead-of-mean", None, "w2 -= rate * hidden.T.dot(delta_output)"),
    ]
    assert found.warnings == ()
    assert {part.name: part.verdict for part in found.parameters} == {"w1": "wrong", "w2": "wrong"}
    assert found.loss_name == "E"


def test_what_is_beyond_the_gradient_is_told_with_what_it_costs(found):
    dead, inputs, bias = (
        next(sentence for sentence in found.beyond if words in sentence)
        for words in ("cannot come back", "not scaled", "No layer has a bias")
    )
    assert "E stays at 6.225" in dead
    assert found.beyond[0] == dead
    for sentence in (inputs, bias):
        ends, without = (
            float(number) for number in re.search(r"ends at (\S+) instead of (\S+) ", sentence).groups()
        )
        assert ends < 0.1
        assert without == pytest.approx(0.4119, abs=1e-4)
        assert "after the same 10,000 epochs" in sentence
    assert not any("Not confirmed" in sentence for sentence in found.beyond)
    assert any("same network in the lab" in note for note in found.notes)


def test_the_corrected_script_has_the_right_gradient(found):
    assert found.corrected is not None
    assert found.corrected.gradient_right
    assert found.corrected.left == ()
    assert found.corrected.loss_before == pytest.approx(6.22519, abs=1e-5)  # Σy²/20: all predictions are zero
    assert found.corrected.loss_after == pytest.approx(0.411926, abs=1e-5)


def test_the_script_learns_with_further_lines_of_its_own(found, capsys):
    further = found.further
    assert further is not None
    assert further.loss_before == found.corrected.loss_after
    changed = apply(SCRIPT.read_text(encoding="utf-8"), dict(further.lines))
    exec(compile(changed, "changed", "exec"), {"__name__": "__main__"})
    ended = float(re.search(r"E = (\S+)", capsys.readouterr().out)[1])
    assert ended == pytest.approx(further.loss_after, rel=1e-5)
    assert ended < 0.05


def test_the_object_holds_what_the_report_says(found):
    told = found.as_dict()
    assert told["beyond_the_gradient"] == list(found.beyond)
    assert told["further"]["loss_after"] < 0.05
    assert told["treatment"]["commands"] == ["standardize"]
    assert told["treatment"]["loss_before"] == pytest.approx(0.411926, abs=1e-5)


def test_the_report_fits_80_columns(found):
    assert max(map(len, text_of(found).split("\n"))) <= 80


def test_the_exact_gradient_was_compared_with_differences_of_the_script_itself(found):
    assert any("central difference" in note for note in found.notes)
