"""What the network makes of its problem, against its own predictions one by one."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from backprop_core.experiment_file import parse_experiment
from backprop_core.measures import predict
from backprop_core.outcome import Confusion, Continuation, Fit, OutcomeRequest, Plane, fitting_kinds
from backprop_core.presets import load_preset
from backprop_core.trainer import Trainer


def trained(name, steps=30):
    trainer = Trainer(load_preset(name))
    trainer.step(steps)
    return trainer


def outcome(trainer, **options):
    return OutcomeRequest(**options).build(trainer, trainer.snapshot(1), {})


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("spiral", ("plane", "confusion")),
        ("sequence", ("series", "fit")),
        ("digits", ("confusion",)),
        ("unstandardized", ("plane", "fit")),
        ("rate-too-high", ("fit",)),
    ],
)
def test_the_kind_fits_the_problem(name, kinds):
    trainer = trained(name, 1)
    assert fitting_kinds(trainer.dataset) == kinds
    types = {"plane": Plane, "series": Continuation, "confusion": Confusion, "fit": Fit}
    for turn in range(3):
        assert isinstance(outcome(trainer, turn=turn), types[kinds[turn % len(kinds)]])


@pytest.mark.parametrize("name", ["spiral", "unstandardized"])
def test_a_cell_of_the_plane_is_the_prediction_at_its_middle(name):
    trainer = trained(name)
    plane = outcome(trainer, columns=10, rows=6)
    for row, column in ((0, 0), (2, 7), (5, 9)):
        x = plane.low[0] + (column + 0.5) / 10 * (plane.high[0] - plane.low[0])
        y = plane.high[1] - (row + 0.5) / 6 * (plane.high[1] - plane.low[1])
        expected = predict(trainer, np.array([[x, y]]))[0, 0]
        assert plane.values[row, column] == pytest.approx(expected, rel=1e-5)


def test_the_samples_on_the_plane_are_marked_where_they_are_missed():
    trainer = trained("moons", 5)
    plane = outcome(trainer)
    predicted = predict(trainer, trainer.dataset.x)[:, 0] > 0.5
    assert plane.wrong.tolist() == (predicted != (trainer.dataset.y[:, 0] > 0.5)).tolist()
    assert plane.wrong.any()
    assert plane.x == pytest.approx(trainer.dataset.x[:, 0], rel=1e-6)


def test_a_neurons_picture_is_its_activation_over_the_plane():
    trainer = trained("spiral")
    plane = outcome(trainer, small=(4, 3), pictures=5, layer=2, first=99)
    assert [neuron.neuron for neuron in plane.neurons] == [12, 13, 14, 15, 16]
    assert (plane.layer, plane.layers, plane.units) == (2, 2, 16)
    x = plane.low[0] + 2.5 / 4 * (plane.high[0] - plane.low[0])
    y = plane.high[1] - 1.5 / 3 * (plane.high[1] - plane.low[1])
    a = trainer.scaled(np.array([[x, y]]))[0]
    for layer in trainer.network.layers[:2]:
        a = np.tanh(a @ layer.weights + layer.bias)
    assert plane.neurons[1].values[1, 2] == pytest.approx(a[12], rel=1e-5)


def test_what_comes_next_is_predicted_from_what_was_predicted():
    trainer = trained("sequence", 3)
    series = outcome(trainer)
    x = np.concatenate([trainer.dataset.x, trainer.dataset.x_validation])
    y = np.concatenate([trainer.dataset.y, trainer.dataset.y_validation])
    window = [*x[-1, 1:], y[-1, 0]]
    for value in series.ahead:
        assert value == pytest.approx(predict(trainer, np.array([window]))[0, 0])
        window = [*window[1:], value]
    assert series.target == pytest.approx(y[:, 0])
    assert series.prediction == pytest.approx(predict(trainer, x)[:, 0])
    assert series.first_validation_row == trainer.dataset.rows_validation[0]


def test_the_confusion_counts_every_validation_sample_once():
    trainer = trained("digits", 100)
    confusion = outcome(trainer, pictures=6)
    outputs = predict(trainer, trainer.dataset.x_validation)
    truth, predicted = trainer.dataset.y_validation.argmax(axis=1), outputs.argmax(axis=1)
    assert confusion.validation
    assert confusion.counts.sum() == len(truth)
    for one in range(10):
        for other in range(10):
            assert confusion.counts[one, other] == np.count_nonzero((truth == one) & (predicted == other))


def test_the_most_confused_samples_come_first_with_their_pictures():
    trainer = trained("digits", 100)
    dataset = trainer.dataset
    samples = outcome(trainer, pictures=6).samples
    leads = []
    for sample in samples:
        at = int(np.flatnonzero(dataset.rows_validation == sample.row)[0])
        outputs = predict(trainer, dataset.x_validation[at : at + 1])[0]
        assert sample.truth == dataset.y_validation[at].argmax()
        assert sample.predicted == outputs.argmax()
        assert sample.pixels.reshape(-1) == pytest.approx(dataset.x_validation[at], abs=1e-6)
        leads.append(outputs[sample.predicted] - outputs[sample.truth])
    assert leads == sorted(leads, reverse=True)
    assert leads[-1] > 0


def test_two_classes_of_one_output_are_a_confusion_too():
    trainer = trained("xor", 2000)
    confusion = outcome(trainer, turn=1)
    assert confusion.counts.tolist() == [[2, 0], [0, 2]]
    assert not confusion.validation
    assert all(sample.pixels is None for sample in confusion.samples)


def test_a_fit_holds_targets_and_predictions_in_their_own_units():
    trainer = trained("unstandardized")
    fit = outcome(trainer, turn=1)
    assert fit.target == pytest.approx(trainer.dataset.y[:, 0])
    assert fit.prediction == pytest.approx(predict(trainer, trainer.dataset.x)[:, 0])
    assert fit.error == pytest.approx(np.sqrt(np.mean((fit.prediction - fit.target) ** 2)))


def test_large_data_are_thinned_out():
    text = (
        "[experiment]\nname = 'x'\n[data]\nbuiltin = 'moons'\nsamples = 20000\n"
        "[training]\nbatch_size = 100\nloss = 'binary-cross-entropy'\n[network]\noutput = 'sigmoid'\n"
    )
    trainer = Trainer(parse_experiment(text, "x.toml", Path()))
    assert len(pickle.dumps(outcome(trainer))) < 16000
    assert outcome(trainer, turn=1).counts.sum() <= 4096


def test_an_output_or_layer_that_there_is_not_becomes_the_nearest():
    trainer = trained("worked-example", 1)
    plane = outcome(trainer, output=9, layer=9)
    assert (plane.output, plane.layer) == (2, 1)
