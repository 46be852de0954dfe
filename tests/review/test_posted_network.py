"""The posted network, from its script to a corrected one that learns."""

from __future__ import annotations

from pathlib import Path

import pytest

from backprop_core.review import Review, review

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


def test_what_is_beyond_the_gradient_is_told_too(found):
    told = " ".join(found.beyond)
    assert "cannot come back" in told
    assert "No layer has a bias" in told
    assert "not scaled" in told


def test_the_corrected_script_has_the_right_gradient_and_learns(found):
    assert found.corrected is not None
    assert found.corrected.gradient_right
    assert found.corrected.loss_before == pytest.approx(6.22519, abs=1e-5)  # Σy²/20: all predictions are zero
    assert found.corrected.loss_after is not None
    assert found.corrected.loss_after < 1


def test_the_exact_gradient_was_compared_with_differences_of_the_script_itself(found):
    assert any("central difference" in note for note in found.notes)
