"""Axes: they hold what they are made for, at round numbers, and stand still while they can."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backprop_tui.scales import (
    labelled,
    linear_axis,
    log_axis,
    round_up,
    short_number,
    steps_axis,
    still_good,
)

sizes = st.floats(1e-12, 1e12)


@given(sizes, sizes, st.integers(2, 12))
def test_a_linear_axis_holds_its_range_with_few_ticks_inside(one: float, other: float, most: int) -> None:
    axis = linear_axis(min(one, other), max(one, other), most)
    reach = (axis.high - axis.low) * 1e-6
    assert axis.low - reach <= min(one, other)
    assert axis.high + reach >= max(one, other)
    assert 1 <= len(axis.ticks) <= most + 1
    assert all(axis.low - reach <= tick <= axis.high + reach for tick in axis.ticks)


@given(sizes, sizes, st.integers(2, 12))
def test_a_log_axis_holds_its_range_with_few_ticks_inside(one: float, other: float, most: int) -> None:
    axis = log_axis(min(one, other), max(one, other), most)
    assert axis.low <= min(one, other) * 1.000001
    assert axis.high >= max(one, other) * 0.999999
    assert axis.low < axis.high
    assert 1 <= len(axis.ticks) <= most
    assert all(axis.low * 0.999 <= tick <= axis.high * 1.001 for tick in axis.ticks)


@given(sizes)
def test_a_round_number_is_at_least_three_quarters_used(value: float) -> None:
    assert value * 0.999999 <= round_up(value) <= value * 1.34


@given(st.integers(1, 10**9))
def test_the_steps_axis_starts_at_zero_and_moves_its_end_seldom(last: int) -> None:
    axis = steps_axis(1, last, 5)
    assert axis.low == 0
    assert axis.high >= last
    assert steps_axis(1, int(axis.high), 5).high == axis.high


@pytest.mark.parametrize("value", [0.0, 5.0, -3.0])
def test_one_value_alone_gets_an_axis_around_it(value: float) -> None:
    axis = linear_axis(value, value, 4)
    assert axis.low < value < axis.high


def test_what_lies_beyond_the_axis_is_put_on_its_edge() -> None:
    shares = log_axis(0.1, 10, 4).share(np.array([0.0, 0.1, 1.0, 10.0, 1e9]))
    assert shares.tolist() == pytest.approx([0, 0, 0.5, 1, 1])


def test_an_axis_stays_while_the_range_fits_and_fills_more_than_half_of_it() -> None:
    axis = linear_axis(0, 10, 5)
    assert still_good(axis, 0, 9, log=False)
    assert still_good(axis, 1, 7, log=False)
    assert not still_good(axis, 0, 11, log=False)
    assert not still_good(axis, 0, 4, log=False)
    assert not still_good(axis, 1, 9, log=True)
    assert not still_good(None, 0, 1, log=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (10, "10"), (250, "250"), (1000, "1k"), (12500, "12.5k"), (2e6, "2M"), (3e9, "3G"),
        (0.05, "0.05"), (1e-4, "1e-4"), (2.5e-7, "2.5e-7"), (-1500, "-1.5k"), (1e15, "1e15"),
        (float("nan"), "nan"), (float("inf"), "inf"),
    ],
)  # fmt: skip
def test_numbers_are_short(value: float, text: str) -> None:
    assert short_number(value) == text


def test_ticks_whose_numbers_are_too_wide_are_left_out():
    axis = labelled(linear_axis(0.0, 1e300, 5), 5)
    assert [short_number(tick) for tick in axis.ticks] == ["0", "5e299", "1e300"]
    assert (axis.low, axis.high) == (0.0, 1e300)
    tiny = log_axis(1e-300, 1e-290, 4)
    assert labelled(tiny, 5) == tiny
