"""The commands that cures are made of: true-gradient, initialize, widen, rollback; and several on one line."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_core.commands import (
    AddBias,
    Initialize,
    Rollback,
    Run,
    Save,
    SetOption,
    TrueGradient,
    Undo,
    Widen,
)
from backprop_core.errors import UserError
from backprop_core.experiment import Choice, DataSpec, Experiment, NetworkSpec, TrainingSpec
from backprop_core.grammar import format_command, parse_commands
from backprop_core.presets import load_preset
from backprop_core.trainer import Trainer
from backprop_core.training_state import capture

SINE = Experiment(
    data=DataSpec(builtin="sine", validation=0.25),
    network=NetworkSpec(hidden=(5, 4)),
    training=TrainingSpec(optimizer=Choice("adam"), learning_rate=0.01, batch_size=16),
)


def trained(experiment=SINE, epochs=8):
    trainer = Trainer(experiment)
    trainer.run(Run(epochs=epochs))
    return trainer


@settings(max_examples=12, deadline=None)
@given(
    hidden=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    activation=st.sampled_from(["relu", "tanh", "sigmoid", "gelu"]),
    bias=st.booleans(),
    units=st.integers(1, 9),
    layer=st.one_of(st.none(), st.integers(1, 3)),
)
def test_widening_leaves_the_loss_as_it_is(hidden, activation, bias, units, layer):
    spec = NetworkSpec(hidden=tuple(hidden), activation=(Choice(activation),), bias=bias)
    trainer = trained(replace(SINE, network=spec), epochs=1)
    if layer is not None and layer > len(hidden):
        with pytest.raises(UserError):
            trainer.apply(Widen(units, layer))
        return
    before = trainer.census().loss
    trainer.apply(Widen(units, layer))
    assert trainer.census().loss == pytest.approx(before, rel=1e-12)
    grown = [size + units * (layer in (None, number)) for number, size in enumerate(hidden, 1)]
    assert list(trainer.network.sizes[1:-1]) == grown


def test_units_added_learn_and_keep_the_moments_of_the_others():
    trainer = trained()
    moment = trainer.network.layers[1].of(trainer.optimizer.moments[0]).copy()
    trainer.apply(Widen(3))
    new = trainer.network.layers[1].of(trainer.optimizer.moments[0])
    assert np.array_equal(new[:5, :4], moment[:5])
    assert not new[5:8].any()
    assert not new[:, 4:].any()
    outgoing = trainer.network.layers[2].weights[4:].copy()
    trainer.run(Run(epochs=2))
    assert not outgoing.any()
    assert trainer.network.layers[2].weights[4:].all()


def test_initialising_anew_gives_the_weights_of_the_rule_and_lets_a_diverged_run_go_on():
    with np.errstate(all="ignore"):
        trainer = trained(replace(SINE, training=TrainingSpec(learning_rate=1e6, batch_size=16)))
    assert trainer.ended
    trainer.apply(SetOption("learning-rate", 0.01))
    trainer.apply(Initialize())
    assert trainer.experiment.network.initializer.name == "he-normal"
    assert np.isfinite(trainer.network.parameters).all()
    assert not trainer.network.layers[0].bias.any()
    assert trainer.step(3) == 3


def test_initialising_anew_leaves_frozen_parameters():
    trainer = trained(replace(SINE, network=replace(SINE.network, freeze=("W2",))))
    frozen = trainer.network.layers[1].weights.copy()
    trainer.apply(Initialize(Choice("xavier-normal")))
    assert np.array_equal(trainer.network.layers[1].weights, frozen)


def test_the_true_gradient_takes_mistakes_back_and_is_refused_where_there_are_none():
    trainer = Trainer(load_preset("as-posted"))
    trainer.apply(TrueGradient())
    assert trainer.experiment.mistakes.missing_derivative == ()
    with pytest.raises(UserError, match="no mistake"):
        trainer.apply(TrueGradient())


class TestRollback:
    STEEP = replace(SINE, training=TrainingSpec(learning_rate=0.05, batch_size=16))

    def test_goes_back_to_where_the_loss_was_lowest(self):
        trainer = trained(self.STEEP, epochs=200)
        best = trainer.keeper.best
        assert 0 < best.step < trainer.step_count
        trainer.apply(SetOption("learning-rate", 1e4))
        trainer.run(Run(epochs=2))
        outcome = trainer.apply(Rollback())
        assert np.array_equal(trainer.network.parameters, best.parameters)
        assert outcome.loss_after < 2 * best.loss

    @pytest.mark.parametrize("pieces", [(1, 299), (100, 200), (7, 130, 163)])
    def test_what_is_kept_does_not_depend_on_how_training_is_cut(self, pieces):
        whole, cut = Trainer(self.STEEP), Trainer(self.STEEP)
        whole.step(1024)
        for piece in pieces:
            cut.step(piece)
            cut.flush_history()
        cut.step(1024 - 300)
        for name in ("best", "best_validation", "origin"):
            one, other = getattr(whole.keeper, name), getattr(cut.keeper, name)
            assert (one.step, one.loss) == (other.step, other.loss)
            assert np.array_equal(one.parameters, other.parameters)
        assert whole.keeper.best.step > 0

    def test_to_the_best_validation_loss(self):
        trainer = trained(load_preset("overfitting"), epochs=1500)
        assert trainer.validation_loss() > 1.5 * trainer.keeper.best_validation.loss
        trainer.apply(Rollback("validation"))
        assert trainer.validation_loss() == pytest.approx(trainer.keeper.best_validation.loss)

    def test_needs_a_validation_set_to_go_by_it(self):
        trainer = trained(replace(SINE, data=DataSpec(builtin="sine")))
        with pytest.raises(UserError, match="no validation set"):
            trainer.apply(Rollback("validation"))

    def test_never_to_parameters_of_another_function(self):
        trainer = trained(self.STEEP, epochs=100)
        trainer.apply(Widen(2))
        trainer.apply(Rollback())
        assert trainer.network.sizes[1:-1] == (7, 6)


@pytest.mark.parametrize(
    "command", [Widen(3), Initialize(), Rollback(), Rollback("validation")], ids=format_command
)
def test_each_is_undone_exactly_and_replayed_exactly(command):
    trainer = trained(epochs=60)
    before = capture(trainer)
    trainer.apply(command)
    trainer.apply(Undo())
    after = capture(trainer)
    assert before.parameters.tobytes() == after.parameters.tobytes()
    assert before.random_state == after.random_state
    trainer.apply(command)
    trainer.run(Run(epochs=3))
    replay = Trainer(SINE)
    for done in trainer.journal:
        replay.apply(done)
    assert replay.parameters_sha256() == trainer.parameters_sha256()


def test_a_checkpoint_holds_what_rollback_needs():
    from backprop_core.checkpoint import from_bytes, to_bytes

    trainer = trained(TestRollback.STEEP, epochs=100)
    resumed = from_bytes(to_bytes(trainer), "test")
    for one in (trainer, resumed):
        one.step(700)
        one.apply(Rollback())
    assert trainer.parameters_sha256() == resumed.parameters_sha256()


def test_several_commands_on_one_line():
    commands = parse_commands("set reduction mean; add-bias;widen 2 8  # all at once; really")
    assert commands == (SetOption("reduction", "mean"), AddBias(), Widen(8, 2))
    assert parse_commands("; ".join(map(format_command, commands))) == commands
    assert parse_commands("add-bias;") == (AddBias(),)
    assert parse_commands("save 'a;b'; save \\;") == (Save("a;b"), Save(";"))
    with pytest.raises(UserError, match="no command"):
        parse_commands("add-bias;; add-bias")
