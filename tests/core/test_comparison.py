"""What tells experiments apart."""

from __future__ import annotations

from dataclasses import replace

from backprop_core.comparison import CurveRequest, differences
from backprop_core.experiment import Choice
from backprop_core.presets import load_preset
from backprop_core.trainer import Trainer


def test_only_keys_that_differ_are_named_with_every_value():
    one = Trainer(load_preset("sequence")).experiment
    two = replace(one, seed=9, training=replace(one.training, learning_rate=0.1, batch_size=5))
    three = replace(
        one,
        description="another",
        epochs=7,
        network=replace(one.network, activation=(Choice("leaky-relu", (("slope", 0.01),)),)),
    )
    assert differences([one, two, three]) == {
        "experiment.seed": ("4", "9", "4"),
        "network.activation": ("relu", "relu", "leaky-relu slope=0.01"),
        "training.learning_rate": ("0.03", "0.1", "0.03"),
        "training.batch_size": ("full", "5", "full"),
    }
    assert differences([one, one]) == {}
    assert differences([one]) == {}


def test_layers_are_told_by_their_sizes():
    one = Trainer(load_preset("spiral")).experiment
    two = replace(one, network=replace(one.network, hidden=(16,), activation=one.network.activation[:1]))
    assert differences([one, two])["network.hidden"] == ("16-16", "16")


def test_a_key_that_only_one_has_is_empty_in_the_other():
    one, two = (Trainer(load_preset(name)).experiment for name in ("sequence", "worked-example"))
    assert differences([one, two])["network.freeze"] == ("", "bias")


def test_the_curve_is_of_the_whole_run_in_as_many_columns_as_fit():
    trainer = Trainer(load_preset("sequence"))
    trainer.step(1000)
    curve = CurveRequest(50).build(trainer, trainer.snapshot(1), {})
    assert 25 <= len(curve.mean) <= 50
    assert (curve.first_step[0], curve.last_step[-1]) == (1, 1000)
