"""A share of the random inputs that ``make fuzz`` sends in full."""

from __future__ import annotations

import random

import pytest

from tests.tui.fuzz import Lab, fuzz, one_input

INPUTS = 150


@pytest.mark.parametrize("seed", [11])
def test_random_inputs_neither_crash_nor_hang_the_program_nor_spoil_its_state(seed, tmp_path):
    fuzz(seed, INPUTS, tmp_path)


@pytest.mark.parametrize("character", ["中"])
def test_a_character_that_comes_byte_by_byte_does_not_deafen_the_keyboard(character, tmp_path):
    lab = Lab(tmp_path, "xor")
    try:
        lab.exchange(b"", lab.has_drawn)
        for byte in character.encode():
            lab.send_and_wait(bytes([byte]), 0.3)
        lab.check()
        assert lab.leave() == 0
    finally:
        lab.process.close(force=True)


def test_a_seed_sends_the_same_again():
    first, second = random.Random(5), random.Random(5)
    assert [one_input(first) for _ in range(500)] == [one_input(second) for _ in range(500)]
