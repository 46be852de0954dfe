from __future__ import annotations

import pytest

from backprop_core.commands import SetActivation
from backprop_core.experiment import Choice
from backprop_tui.choices import LEAKY, PACES, leaky_switch, next_pace, next_rate


@pytest.mark.parametrize(
    ("rate", "up", "down"),
    [
        (0.01, 0.02, 0.005),
        (0.02, 0.05, 0.01),
        (0.05, 0.1, 0.02),
        (0.03, 0.05, 0.02),
        (1.0, 2.0, 0.5),
        (9.0, 10.0, 5.0),
        (1e-5, 2e-5, 5e-6),
    ],
)
def test_the_rate_moves_along_one_two_five(rate, up, down):
    assert next_rate(rate, 1) == up
    assert next_rate(rate, -1) == down


def test_a_rate_up_and_down_again_is_the_same_number():
    rate = 1e-6
    for _ in range(20):
        higher = next_rate(rate, 1)
        assert higher > rate
        assert next_rate(higher, -1) == rate
        rate = higher


def test_from_a_rate_of_zero_there_is_a_way_up_and_none_down():
    assert next_rate(0.0, 1) > 0
    assert next_rate(0.0, -1) == 0.0


def test_all_hidden_relus_are_switched_together():
    assert leaky_switch(["relu", "relu"]) == SetActivation("hidden", LEAKY)
    assert leaky_switch(["leaky-relu", "leaky-relu"]) == SetActivation("hidden", Choice("relu"))


def test_only_the_relus_among_other_layers_are_switched():
    assert leaky_switch(["tanh", "relu", "sigmoid", "relu"]) == SetActivation("2,4", LEAKY)
    assert leaky_switch(["tanh", "leaky-relu"]) == SetActivation("2", Choice("relu"))


def test_without_relus_there_is_nothing_to_switch():
    assert leaky_switch(["tanh", "sigmoid"]) is None
    assert leaky_switch([]) is None


def test_the_pace_stops_at_both_ends():
    assert next_pace(None, 1) is None
    assert next_pace(None, -1) == max(pace for pace in PACES if pace is not None)
    assert next_pace(1, -1) == 1
    assert next_pace(1, 1) == 10
