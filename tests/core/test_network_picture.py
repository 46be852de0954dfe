"""The network's picture against the network itself, and no larger than what can be shown."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from backprop_core.network_picture import QUANTITIES, NetworkRequest
from backprop_core.presets import load_preset
from backprop_core.trainer import Trainer


def picture(trainer, kept=None, **options):
    return NetworkRequest(**options).build(trainer, trainer.snapshot(1), {} if kept is None else kept)


def trained(name, steps=30):
    trainer = Trainer(load_preset(name))
    trainer.step(steps)
    return trainer


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_the_matrices_are_the_trainers_numbers(quantity):
    trainer = trained("spiral")
    flat = {
        "weights": trainer.network.parameters,
        "gradients": trainer.gradient(),
        "updates": trainer.optimizer.update,
    }[quantity]
    it = picture(trainer, quantity=quantity, rows=20, columns=500)
    assert [layer.layer for layer in it.layers] == [1, 2, 3]
    for layer, shown in zip(trainer.network.layers, it.layers, strict=True):
        assert np.array_equal(shown.matrix, layer.of(flat)[:-1].T.astype(np.float32))
    assert it.bound == max(np.abs(layer.of(flat)[:-1]).max() for layer in trainer.network.layers)


@pytest.mark.parametrize("sample", [None, 3])
def test_activations_are_the_mean_or_a_samples(sample):
    trainer = trained("sequence", 1)
    x = trainer.training_set
    activations = x.sampled_pass().activations[0].copy()
    it = picture(trainer, sample=sample, neuron=2)
    expected = activations.mean(axis=1) if sample is None else activations[:, sample - 1]
    assert it.layers[0].activations == pytest.approx(tuple(expected))
    assert it.selected.activation == pytest.approx(expected[1])
    assert it.layers[0].dead == tuple(n in trainer.snapshot(1).layers[0].dead for n in (1, 2, 3, 4))


def test_the_selected_neuron_tells_its_largest_weights_in_and_out():
    trainer = trained("digits", 5)
    it = picture(trainer, layer=1, neuron=4, strongest=3).selected
    weights = trainer.network.layers[0].weights[:, 3]
    assert [c.neuron for c in it.incoming] == [int(k) + 1 for k in np.argsort(-np.abs(weights))[:3]]
    assert it.incoming[0].weight == weights[it.incoming[0].neuron - 1]
    gradient = trainer.network.layers[0].of(trainer.gradient())
    assert it.incoming[0].gradient == gradient[it.incoming[0].neuron - 1, 3]
    out = trainer.network.layers[1].weights[3]
    assert it.outgoing[0].weight == out[np.abs(out).argmax()]
    z = trainer.network.layers[0].augmented[:, 3] @ trainer.steps.inputs.T
    assert (it.fires_on, it.samples) == (np.count_nonzero(z > 0), len(trainer.steps.inputs))


def test_a_dead_neuron_tells_its_death_and_it_is_looked_for_once(monkeypatch):
    trainer, kept = trained("sequence", 100), {}
    death = picture(trainer, kept, neuron=1).selected.death
    assert death.step == 2
    monkeypatch.setattr("backprop_core.network_picture.find_death", lambda *_: pytest.fail("looked again"))
    assert picture(trainer, kept, neuron=1).selected.death is death


def test_it_is_no_larger_than_what_can_be_shown():
    trainer = trained("digits", 3)
    it = picture(trainer, layer=1, neuron=29, rows=6, columns=40)
    (layer,) = it.layers
    assert layer.matrix.shape == (6, 22)
    assert layer.group == 3
    assert layer.first <= 29 < layer.first + 6
    expected = trainer.network.layers[0].weights[:3, layer.first - 1].mean()
    assert layer.matrix[0, 0] == pytest.approx(expected, rel=1e-5)
    assert len(pickle.dumps(it)) < 4000


def test_layers_around_the_chosen_one_are_shown_as_they_fit():
    trainer = trained("vanishing-sigmoid", 1)
    layers = len(trainer.network.layers)
    it = picture(trainer, layer=layers, columns=60)
    assert it.layers[-1].layer == layers
    assert len(it.layers) < layers
    assert [layer.layer for layer in picture(trainer, layer=99, columns=1).layers] == [layers]
