"""A share of the random inputs that ``make fuzz`` sends in full."""

from __future__ import annotations

import pytest

from tests.tui.fuzz import fuzz, one_input

INPUTS = 800


@pytest.mark.parametrize("seed", [11, 12])
def test_random_inputs_neither_crash_nor_hang_the_program_nor_spoil_its_state(seed, tmp_path):
    fuzz(seed, INPUTS, tmp_path)


def test_a_seed_sends_the_same_again():
    import random

    first, second = random.Random(5), random.Random(5)
    assert [one_input(first) for _ in range(500)] == [one_input(second) for _ in range(500)]
