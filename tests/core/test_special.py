from __future__ import annotations

import math

import numpy as np
import pytest

from backprop_core.activations import ACTIVATIONS
from backprop_core.special import NormalDistribution


def test_normal_distribution_is_that_of_the_standard_library_to_rounding():
    z = np.concatenate([np.linspace(-8, 8, 20_001), [-40.0, 40.0, -1e308, 1e308, 0.0]])
    out = np.empty_like(z)
    NormalDistribution(z)(z, out)
    exact = np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in z])
    assert np.abs(out - exact).max() < 5e-16
    tail = (z < 0) & (exact > 0)
    assert np.abs(out[tail] / exact[tail] - 1).max() < 3e-14


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_stand_the_extremes(name):
    record = ACTIVATIONS[name]
    z = np.array([[-1e300, -745.0, -1.0, 0.0, 1.0, 745.0, 1e300]])
    a = np.empty_like(z)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        for operation in record.apply(z, a, **record.defaults):
            operation()
    assert np.isfinite(a).all()


@pytest.mark.parametrize("name", [record.name for record in ACTIVATIONS.values() if record.in_place])
def test_in_place_activations_give_the_same_as_others(name):
    record = ACTIVATIONS[name]
    z = np.random.default_rng(0).normal(size=(5, 7))
    a, same = np.empty_like(z), z.copy()
    for operation in record.apply(z, a, **record.defaults):
        operation()
    for operation in record.apply(same, same, **record.defaults):
        operation()
    assert np.array_equal(a, same)


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "softmax"])
def test_the_chain_multiplies_by_the_derivative(name):
    record = ACTIVATIONS[name]
    z = np.random.default_rng(1).normal(size=(40, 150))
    a = z.copy() if record.in_place else np.empty_like(z)
    source = a if record.in_place else z
    for operation in record.apply(source, a, **record.defaults):
        operation()
    delta = np.random.default_rng(2).normal(size=z.shape)
    expected = delta * record.derivative(z, a, **record.defaults)
    for operation in record.chain(delta, source, a, **record.defaults):
        operation()
    assert np.allclose(delta, expected, rtol=1e-12, atol=1e-15)
