"""Every gradient against central differences: activation × loss × depth × bias."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from backprop_core.activations import ACTIVATIONS
from backprop_core.backpropagation import BackwardPass, ForwardPass, augment, gradient_factor
from backprop_core.experiment import Choice
from backprop_core.losses import LOSSES
from backprop_core.network import Network

FLOAT64 = np.dtype(np.float64)
SAMPLES, FEATURES, OUTPUTS = 6, 3, 2


def choice(name: str, catalogue: dict) -> Choice:
    return Choice(name, tuple(catalogue[name].defaults.items()))


def problem(hidden: str, output: str, loss_name: str, depth: int, bias: bool, seed: int):
    """A network with ``depth`` layers, its passes, and targets that suit the loss."""
    rng = np.random.default_rng(seed)
    sizes = [FEATURES, *[4] * (depth - 1), OUTPUTS]
    choices = [choice(hidden, ACTIVATIONS)] * (depth - 1) + [choice(output, ACTIVATIONS)]
    network = Network(sizes, choices, bias, FLOAT64)
    network.parameters[:] = rng.normal(0, 0.7, network.parameters.size)
    x = rng.normal(size=(SAMPLES, FEATURES))
    if LOSSES[loss_name].classification and output not in ("sigmoid", "softmax"):
        # Small and positive all the way, so that outputs can be probabilities at all.
        network.parameters[:] = rng.uniform(0.02, 0.3, network.parameters.size)
        x = rng.uniform(0.3, 1.0, (SAMPLES, FEATURES))
    target = rng.uniform(0.1, 0.9, (OUTPUTS, SAMPLES))
    if loss_name == "cross-entropy":
        target /= target.sum(axis=0)
    loss = LOSSES[loss_name]
    forward = ForwardPass(network, augment(x, bias, FLOAT64))
    gradient = np.zeros_like(network.parameters)
    factor = gradient_factor(loss, output, OUTPUTS, missing=False) / SAMPLES
    backward = BackwardPass(forward, target, loss, dict(loss.defaults), gradient, np.array(factor))
    return network, forward, backward, target, loss, gradient


def central_differences(network, forward, target, loss, step=1e-6):
    numeric = np.zeros_like(network.parameters)
    for index in range(network.parameters.size):
        saved = network.parameters[index]
        values = []
        for shift in (2 * step, step, -step, -2 * step):
            network.parameters[index] = saved + shift
            values.append(loss.value(forward.run(), target, **loss.defaults))
        network.parameters[index] = saved
        # The five-point formula: its error is of the fourth order in the step.
        numeric[index] = (-values[0] + 8 * values[1] - 8 * values[2] + values[3]) / (12 * step)
    return numeric


def nearest_kink(network, forward, target, loss_name):
    """How far the nearest pre-activation or error is from a kink of a piecewise function."""
    distances = [np.inf]
    forward.run()
    for layer, inputs in zip(network.layers, forward.layer_inputs, strict=False):
        if layer.activation.name in ("relu", "leaky-relu", "elu"):
            distances.append(np.abs(layer.augmented.T @ inputs).min())
    error = np.abs(forward.outputs - target)
    if loss_name == "mae":
        distances.append(error.min())
    if loss_name == "huber":
        distances.append(np.abs(error - 1.0).min())
    return min(distances)


def within_domain(forward, loss_name):
    """The cross-entropies are defined for outputs that are probabilities."""
    outputs = forward.run()
    if loss_name == "binary-cross-entropy":
        return outputs.min() > 0.02 and outputs.max() < 0.98
    return loss_name != "cross-entropy" or outputs.min() > 0.02


def smooth_problem(*settings):
    for seed in range(5000):
        made = problem(*settings, seed)
        network, forward, _, target, _, _ = made
        if nearest_kink(network, forward, target, settings[2]) > 1e-3 and within_domain(forward, settings[2]):
            return made
    pytest.fail("no start away from kinks found")


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("loss_name", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_equals_central_differences(activation, loss_name, depth, bias):
    # The activation is tried in the hidden layers, and as the output layer's where depth leaves no other.
    output = activation if depth == 1 else "sigmoid"
    network, forward, backward, target, loss, gradient = smooth_problem(
        activation, output, loss_name, depth, bias
    )
    forward.run()
    backward.run()
    numeric = central_differences(network, forward, target, loss)
    scale = np.linalg.norm(numeric)
    assert np.linalg.norm(gradient - numeric) <= 1e-7 * scale


@pytest.mark.parametrize(
    ("output", "loss_name"), itertools.product(ACTIVATIONS, LOSSES), ids=lambda value: str(value)
)
def test_gradient_of_every_output_activation_below_every_loss(output, loss_name):
    network, forward, backward, target, loss, gradient = smooth_problem("tanh", output, loss_name, 2, True)
    forward.run()
    backward.run()
    numeric = central_differences(network, forward, target, loss)
    assert np.linalg.norm(gradient - numeric) <= 1e-7 * np.linalg.norm(numeric)


@pytest.mark.parametrize("place", ["hidden", "output"])
def test_a_missing_derivative_is_really_missing(place):
    network, forward, backward, target, loss, gradient = smooth_problem(
        "tanh", "sigmoid", "quadratic", 3, True
    )
    forward.run()
    backward.run()
    honest = gradient.copy()
    mistaken = BackwardPass(forward, target, loss, {}, gradient, np.array(1 / SAMPLES), (place,))
    mistaken.run()
    last = network.layers[-1].span
    assert np.allclose(gradient[last], honest[last]) == (place == "hidden")
    assert not np.allclose(gradient[: last.start], honest[: last.start])


def test_float32_gradient_is_near_that_of_float64():
    network, forward, backward, target, loss, gradient = smooth_problem("gelu", "linear", "mse", 3, True)
    forward.run()
    backward.run()
    single = Network(
        network.sizes, [choice("gelu", ACTIVATIONS)] * 2 + [Choice("linear")], True, np.dtype(np.float32)
    )
    single.parameters[:] = network.parameters
    inputs = forward.layer_inputs[0].T.astype(np.float32)
    small = np.zeros_like(single.parameters)
    factor = np.array(gradient_factor(loss, "linear", OUTPUTS, missing=False) / SAMPLES, np.float32)
    forward32 = ForwardPass(single, inputs)
    backward32 = BackwardPass(forward32, target.astype(np.float32), loss, {}, small, factor)
    forward32.run()
    backward32.run()
    assert small.dtype == np.float32
    assert np.linalg.norm(small - gradient) <= 1e-5 * np.linalg.norm(gradient)
