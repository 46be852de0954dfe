from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_core.history import CAPACITY, LossHistory


def filled(losses, chunk):
    history = LossHistory()
    for start in range(0, len(losses), chunk):
        history.extend(losses[start : start + chunk])
    return history


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 3 * CAPACITY),
    st.integers(1, 900),
    st.integers(1, 300),
    st.integers(0, 10_000),
)
def test_columns_keep_the_exact_minimum_maximum_and_mean_of_their_steps(count, chunk, most, from_step):
    losses = np.random.default_rng(count).exponential(size=count)
    columns = filled(losses, chunk).columns(most, from_step)
    assert len(columns.low) <= most
    assert columns.last_step[-1] == count
    assert columns.first_step[0] <= max(min(from_step, count), 1)
    for first, last, low, high, mean in zip(
        columns.first_step, columns.last_step, columns.low, columns.high, columns.mean, strict=True
    ):
        part = losses[first - 1 : last]
        assert low == part.min()
        assert high == part.max()
        assert mean == pytest.approx(part.mean())


def test_consecutive_columns_leave_no_step_out():
    columns = filled(np.ones(10_000), 777).columns(100)
    assert columns.first_step[0] == 1
    assert np.array_equal(columns.first_step[1:], columns.last_step[:-1] + 1)


def test_a_single_spike_survives_a_million_steps():
    losses = np.ones(1_000_000)
    losses[123_456] = 99.0
    columns = filled(losses, 1024).columns(50)
    assert columns.high.max() == 99.0
    assert np.count_nonzero(columns.high == 99.0) == 1


def test_memory_is_bounded():
    history = filled(np.ones(CAPACITY * 5), 1024)
    sizes = {name: array.nbytes for name, array in history.to_arrays().items()}
    assert sizes["columns"] <= 5 * 8 * CAPACITY


def test_non_finite_losses_are_events_and_stay_out_of_the_bounds():
    history = filled([1.0, np.inf, 2.0, np.nan], 3)
    columns = history.columns(1)
    assert history.non_finite == [2, 4]
    assert (columns.low[0], columns.high[0], columns.mean[0]) == (1.0, 2.0, 1.5)


def test_a_column_of_non_finite_losses_only_is_a_gap():
    columns = filled([1.0, np.nan], 2).columns(2)
    assert np.isnan(columns.low[1])
    assert np.isnan(columns.mean[1])


def test_validation_is_kept_by_column_and_through_merging():
    history = LossHistory()
    for step in range(CAPACITY + 10):
        history.extend([1.0])
        if history.wants_validation():
            history.add_validation(float(step))
    columns = history.columns(CAPACITY)
    assert not np.isnan(columns.validation).any()
    assert columns.validation[0] == 1.0
    assert list(columns.validation) == sorted(columns.validation)


def test_an_empty_history_has_no_columns():
    assert len(LossHistory().columns(10).low) == 0


def test_arrays_restore_the_history_exactly():
    history = filled(np.random.default_rng(0).exponential(size=5000), 64)
    history.extend([np.nan])
    history.add_validation(0.5)
    copy = LossHistory.from_arrays(history.to_arrays())
    copy.extend([7.0] * 3000)
    history.extend([7.0] * 3000)
    for name, array in history.to_arrays().items():
        assert np.array_equal(array, copy.to_arrays()[name], equal_nan=True)
