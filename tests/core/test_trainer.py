from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from backprop_core.activations import ACTIVATIONS
from backprop_core.commands import Condition, Run, Step
from backprop_core.errors import UserError
from backprop_core.experiment import Choice, DataSpec, Experiment, NetworkSpec, TrainingSpec
from backprop_core.trainer import NON_FINITE, Goal, Trainer

MOONS = Experiment(
    name="moons",
    data=DataSpec(builtin="moons", samples=50, noise=0.1, validation=0.2),
    network=NetworkSpec(hidden=(6,), output=Choice("sigmoid")),
    training=TrainingSpec(
        loss=Choice("binary-cross-entropy"), optimizer=Choice("adam"), learning_rate=0.02, batch_size=16
    ),
)
SERIES = Experiment(
    name="series",
    data=DataSpec(builtin="sequence", window=3, validation=0.17, standardize=True),
    network=NetworkSpec(hidden=(4,)),
    training=TrainingSpec(learning_rate=0.05),
)


@pytest.mark.parametrize("experiment", [MOONS, SERIES], ids=["mini-batch", "full-batch"])
def test_equal_seeds_give_equal_bits_and_other_seeds_others(experiment):
    hashes = []
    for seed in (5, 5, 6):
        trainer = Trainer(replace(experiment, seed=seed))
        trainer.run(Run(epochs=20))
        hashes.append(trainer.parameters_sha256())
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize("experiment", [MOONS, SERIES], ids=["mini-batch", "full-batch"])
def test_how_a_run_is_cut_and_watched_does_not_change_its_bits(experiment):
    whole, cut = Trainer(experiment), Trainer(experiment)
    whole.run(Run(epochs=30))
    goal = cut.goal(Run(epochs=30))
    for most in (1, 2, 3, 5, 7, 11, 400):
        cut.advance(goal, most)
        cut.snapshot()
        cut.gradient()
    assert cut.place == whole.place
    assert cut.parameters_sha256() == whole.parameters_sha256()
    assert cut.history.to_arrays()["columns"].tobytes() == whole.history.to_arrays()["columns"].tobytes()


def test_an_epoch_is_every_training_sample_once():
    trainer = Trainer(MOONS)
    seen = []
    for _ in range(trainer.steps_per_epoch):
        size = min(trainer.batch_size, len(trainer.order) - trainer.position)
        seen += list(trainer.order[trainer.position : trainer.position + size])
        trainer.step()
    assert sorted(seen) == list(range(40))
    assert (trainer.epoch, trainer.position) == (1, 0)


def test_a_run_in_epochs_ends_where_an_epoch_ends_also_from_within_one():
    trainer = Trainer(MOONS)
    trainer.step(4)
    assert trainer.run(Run(epochs=2)) == "epochs"
    assert (trainer.epoch, trainer.position, trainer.step_count) == (3, 0, 9)


def test_until_is_checked_at_every_epoch_and_stops_at_the_first_that_meets_it():
    trainer = Trainer(SERIES)
    reason = trainer.run(Run(epochs=5000, until=Condition("loss", "<", 1.0)))
    assert reason == "until"
    reached = trainer.epoch
    other = Trainer(SERIES)
    other.run(Run(epochs=reached - 1))
    assert other.census().loss >= 1.0
    other.run(Run(epochs=1))
    assert other.census().loss < 1.0


def test_until_that_holds_already_takes_no_step():
    trainer = Trainer(SERIES)
    assert trainer.run(Run(until=Condition("epoch", ">=", 0))) == "until"
    assert trainer.step_count == 0


def test_the_experiments_own_end():
    trainer = Trainer(replace(SERIES, epochs=7))
    assert trainer.run(Run()) == "epochs"
    assert trainer.epoch == 7
    early = Trainer(replace(SERIES, epochs=7, until="epoch >= 3"))
    assert early.run(Run()) == "until"
    assert early.epoch == 3


def test_a_non_finite_loss_ends_training_at_the_step_that_shows_it():
    wild = replace(SERIES, training=replace(SERIES.training, learning_rate=1e4), seed=1)
    trainer = Trainer(wild)
    with np.errstate(all="ignore"):
        assert trainer.run(Run(epochs=1000)) == NON_FINITE
    assert trainer.step(5) == 0
    assert trainer.history.non_finite == [trainer.step_count + 1]
    cut = Trainer(wild)
    with np.errstate(all="ignore"):
        while cut.advance(Goal(epoch=1000), 1) is None:
            pass
    assert cut.step_count == trainer.step_count


def test_losses_are_in_the_datas_own_units():
    trainer = Trainer(SERIES)
    trainer.run(Run(epochs=50))
    rows = [row for row in trainer.snapshot().predictions if not row.validation]
    error = np.array([row.prediction[0] - row.target[0] for row in rows])
    assert trainer.census().loss == pytest.approx((error**2).sum() / (2 * len(error)), rel=1e-12)
    step_loss = trainer.steps.step(10)
    for operation in step_loss.forward:
        operation()
    assert step_loss.loss() == pytest.approx(trainer.census().loss, rel=1e-12)


@pytest.mark.parametrize("loss", ["mae", "huber"])
def test_the_batch_loss_is_in_the_datas_own_units_for_other_losses_too(loss):
    trainer = Trainer(replace(SERIES, training=replace(SERIES.training, loss=Choice(loss))))
    expected = trainer.census().loss
    trainer.step()
    trainer.flush_history()
    assert trainer.history.columns(1).mean[0] == pytest.approx(expected, rel=1e-12)


def test_predictions_come_in_the_datas_order_and_say_which_are_held_out():
    trainer = Trainer(MOONS)
    rows = trainer.snapshot().predictions
    assert [row.row for row in rows] == list(range(1, 51))
    held_out = [row.row for row in rows if row.validation]
    assert held_out == list(trainer.dataset.rows_validation)
    assert len(trainer.snapshot(rows=7).predictions) == 7


def test_dead_counts_outputs_and_only_units_that_can_die():
    experiment = replace(SERIES, network=NetworkSpec(hidden=(4,), output=Choice("relu")))
    trainer = Trainer(experiment)
    for layer in trainer.network.layers:
        layer.augmented[:] = -1.0
    trainer.rebuild()
    snapshot = trainer.snapshot()
    assert snapshot.dead == sum(len(layer.dead) for layer in snapshot.layers)
    assert snapshot.layers[1].dead == (1,)
    assert snapshot.mortal == 5
    leaky = Trainer(replace(SERIES, network=NetworkSpec(hidden=(4,), activation=(Choice("leaky-relu"),))))
    assert leaky.snapshot().mortal == 0


@pytest.mark.parametrize("name", ["relu", "leaky-relu", "tanh", "gelu", "elu", "silu", "softplus", "sigmoid"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
def test_steps_allocate_nothing_after_the_first(name, optimizer):
    network = NetworkSpec(hidden=(64, 64), activation=(Choice(name),) * 2, output=Choice("sigmoid"))
    experiment = replace(
        MOONS, network=network, training=replace(MOONS.training, optimizer=Choice(optimizer))
    )
    experiment = replace(experiment, data=replace(experiment.data, validation=0.0, samples=48))
    trainer = Trainer(experiment)
    trainer.step(30)
    tracemalloc.start()
    trainer.step(3)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    one_buffer = 64 * 16 * 8
    assert peak < one_buffer, f"{peak} bytes, and a layer's buffer has {one_buffer}"


def test_frozen_parameters_stay_and_the_others_move():
    network = replace(MOONS.network, freeze=("bias", "W2"))
    for optimizer in ("sgd", "adamw"):
        training = replace(MOONS.training, optimizer=Choice(optimizer), weight_decay=0.1, l1=0.01)
        trainer = Trainer(replace(MOONS, network=network, training=training))
        before = {name: array.copy() for name, array in trainer.network.named().items()}
        trainer.run(Run(epochs=3))
        moved = {
            name for name, array in trainer.network.named().items() if not np.array_equal(array, before[name])
        }
        assert moved == {"W1"}


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_an_l1_penalty_adds_its_subgradient_to_weights_alone_and_nothing_at_zero(reduction):
    training = replace(MOONS.training, optimizer=Choice("sgd"), batch_size=None, reduction=reduction)
    plain = Trainer(replace(MOONS, training=training))
    penalised = Trainer(replace(MOONS, training=replace(training, l1=0.25)))
    for trainer in (plain, penalised):
        trainer.network.layers[0].weights[0, :2] = 0.0
        trainer.rebuild()
    before = [layer.augmented.copy() for layer in plain.network.layers]
    for trainer in (plain, penalised):
        trainer.step()
    rate = training.learning_rate
    for layer, other, start in zip(plain.network.layers, penalised.network.layers, before, strict=True):
        expected = layer.augmented - rate * 0.25 * np.sign(start)
        expected[-1] = layer.bias
        assert other.augmented == pytest.approx(expected, rel=1e-12, abs=1e-15)
    assert penalised.census().loss == pytest.approx(plain.census().loss, rel=0.1)


def test_an_l1_penalty_makes_weights_small_that_nothing_else_needs():
    training = replace(MOONS.training, l1=0.02, learning_rate=0.01)
    small, plain = Trainer(replace(MOONS, training=training)), Trainer(MOONS)
    for trainer in (small, plain):
        trainer.run(Run(epochs=300))
    sizes = [sum(np.abs(layer.weights).sum() for layer in one.network.layers) for one in (small, plain)]
    assert sizes[0] < sizes[1] / 2


def test_given_weights_are_where_training_starts_and_wrong_ones_are_refused():
    weights = (("W1", ((1.0,), (2.0,))),)
    network = NetworkSpec(hidden=(), activation=(), output=Choice("sigmoid"), weights=weights)
    trainer = Trainer(replace(MOONS, network=network))
    assert trainer.network.named()["W1"].tolist() == [[1.0], [2.0]]
    wrong = replace(network, weights=(("W1", ((1.0, 2.0),)),))
    with pytest.raises(UserError, match=r"'W1' has shape \(1, 2\)"):
        Trainer(replace(MOONS, network=wrong))


def test_float32_trains_in_float32():
    trainer = Trainer(replace(MOONS, network=replace(MOONS.network, precision="float32")))
    trainer.run(Run(epochs=5))
    assert trainer.network.parameters.dtype == np.float32
    double = Trainer(MOONS)
    double.run(Run(epochs=5))
    assert trainer.census().loss == pytest.approx(double.census().loss, rel=1e-4)


def test_the_journal_tells_training_in_epochs_where_they_are_whole():
    trainer = Trainer(MOONS)
    trainer.run(Run(epochs=2))
    trainer.run(Run(epochs=3))
    trainer.step(2)
    trainer.step(2)
    assert trainer.journal == (Run(epochs=5), Step(4)) or trainer.journal == (Step(19),)
    replay = Trainer(MOONS)
    for command in trainer.journal:
        replay.apply(command)
    assert replay.parameters_sha256() == trainer.parameters_sha256()


def test_the_gradient_before_any_step_is_that_of_the_coming_one_and_changes_nothing():
    trainer = Trainer(MOONS)
    coming = trainer.gradient().copy()
    trainer.step()
    assert np.allclose(trainer.gradient(), coming, rtol=1e-12)
    untouched = Trainer(MOONS)
    untouched.step()
    assert untouched.parameters_sha256() == trainer.parameters_sha256()


def test_validation_loss_is_measured_at_epoch_ends():
    trainer = Trainer(MOONS)
    trainer.run(Run(epochs=4))
    columns = trainer.history.columns(2048)
    measured = columns.last_step[~np.isnan(columns.validation)]
    assert measured.tolist() == [3, 6, 9, 12]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_trains_in_every_layer(name):
    network = NetworkSpec(hidden=(5, 5), activation=(Choice(name),) * 2, output=Choice("sigmoid"))
    trainer = Trainer(replace(MOONS, network=network))
    before = trainer.census().loss
    trainer.run(Run(epochs=60))
    assert trainer.census().loss < before
