"""The table of `make bench`: what counts as met, and what is said of what was not measured."""

from __future__ import annotations

import pytest

from benchmarks.report import HEADINGS, Row, row_of, table


@pytest.mark.parametrize(
    ("at_least", "value", "verdict"),
    [
        (True, 20.0, "met"),
        (True, 19.99, "MISSED"),
        (False, 20.0, "met"),
        (False, 20.01, "MISSED"),
        (True, None, "left out"),
    ],
)
def test_a_row_says_whether_its_target_is_met(at_least: bool, value: float | None, verdict: str) -> None:
    assert Row("x", "{:.2f} ×", 20.0, at_least, value).cells()[-1] == verdict


def test_a_rounded_figure_never_hides_a_miss() -> None:
    _what, measured, _, target, verdict = Row("x", "{:.2f} ×", 1.1, False, 1.1004).cells()
    assert (measured, target, verdict) == ("1.10 ×", "≤ 1.10 ×", "MISSED")


def test_rounds_become_their_median_and_middle_half() -> None:
    row = row_of("x", [9.0, 1.0, 2.0, 3.0, 100.0], "{:.1f}", at_most=5)
    assert row.value == 3.0
    assert row.cells()[2] == "1.5 … 54.5"


def test_a_library_that_is_missing_is_named_in_place_of_the_figure() -> None:
    row = Row("x", "{:.2f} ×", 20.0, True, note="PyTorch is not installed")
    assert row.cells()[1] == "PyTorch is not installed"


def test_the_columns_of_the_table_are_aligned() -> None:
    lines = table(
        [Row("short", "{:.0f}", 1, True, 1), Row("much longer", "{:.0f}", 1, True, 1000)]
    ).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert {line.count("|") for line in lines} == {len(HEADINGS) + 1}
