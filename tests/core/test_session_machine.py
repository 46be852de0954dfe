"""Any sequence of requests leaves a session whose parts agree (hypothesis' stateful testing)."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from backprop_core.errors import UserError
from backprop_core.experiment import Choice, DataSpec, Experiment, NetworkSpec, TrainingSpec
from backprop_core.grammar import format_command, parse_command
from backprop_core.interventions import UNDO_STATES
from backprop_core.session import Session
from backprop_core.snapshot import HEATMAP_MODES, View
from backprop_core.trainer import Trainer

EXPERIMENT = Experiment(
    name="machine",
    epochs=40,
    data=DataSpec(builtin="sequence", window=3, validation=0.2),
    network=NetworkSpec(hidden=(4, 3), activation=(Choice("relu"),)),
    training=TrainingSpec(learning_rate=0.02, batch_size=4),
)

LINES = (
    "run 3 epochs",
    "run 5 steps",
    "run until loss < 2 or 4 epochs",
    "run",
    "step",
    "step 4",
    "expect dead == 0",
    "reinit-dead",
    "reinit-dead 1.2",
    "activation hidden leaky-relu 0.1",
    "activation 2 tanh",
    "activation output linear",
    "activation 9 relu",
    "set learning-rate 0.5",
    "set learning-rate 1e200",
    "set learning-rate -1",
    "set batch-size full",
    "set batch-size 2",
    "set optimizer adam",
    "set reduction sum",
    "set gradient-clip 1",
    "set l1 0.01",
    "set data moons",
    "set data sequence",
    "set data circles",
    "set noise 0.3",
    "set samples 30",
    "set samples 200000000",
    "set validation 0.4",
    "set features x,y,x^2",
    "set features sin(y),x^2",
    "widen 1 2",
    "narrow 1 2",
    "narrow 1",
    "add-layer",
    "add-layer 1 3",
    "remove-layer",
    "remove-layer 1",
    "standardize",
    "add-bias",
    "restart",
    "restart seed 3",
    "undo",
    "undo divergence",
    "snapshot",
)

views = st.builds(
    View,
    layer=st.integers(-5, 9),
    mode=st.sampled_from(HEATMAP_MODES),
    first_neuron=st.integers(-5, 99),
    rows=st.integers(0, 20),
    columns=st.integers(0, 20),
    neuron=st.none() | st.integers(-5, 99),
    sample=st.none() | st.integers(-5, 99),
    curve_columns=st.integers(0, 50),
    curve_from=st.integers(-5, 500),
    prediction_rows=st.integers(0, 20),
)


class SessionMachine(RuleBasedStateMachine):
    """A session, and a clock that moves with every look at it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.session = Session.begin(EXPERIMENT, clock=self.tick)

    def tick(self) -> float:
        self.now += 0.001
        return self.now

    @rule(steps=st.integers(0, 60))
    def train(self, steps):
        self.session.take_due(steps)

    @rule(line=st.sampled_from(LINES))
    def command(self, line):
        before = self.session.trainer.parameters_sha256()
        try:
            self.session.command(parse_command(line))
        except UserError:
            assert self.session.trainer.parameters_sha256() == before

    @rule()
    def pause(self):
        self.session.pause()
        assert self.session.state != "RUNNING"

    @rule()
    def resume(self):
        try:
            self.session.resume()
        except UserError:
            assert self.session.trainer.ended

    @rule(pace=st.none() | st.sampled_from([0.5, 10.0, 1e6]))
    def pace(self, pace):
        self.session.set_pace(pace)

    @rule(view=views)
    def look(self, view):
        frame = self.session.frame(view)
        assert frame.state == self.session.state
        assert frame.snapshot.step <= self.session.trainer.step_count

    @rule(from_step=st.integers(0, 300))
    def record(self, from_step):
        assert self.session.recording(from_step)["step"] == self.session.trainer.step_count

    @rule()
    def save_and_go_on(self):
        trainer, state = self.session.trainer, self.session.state
        self.session = Session.begin(self.session.save_state(), clock=self.tick)
        other = self.session.trainer
        assert other.parameters_sha256() == trainer.parameters_sha256()
        assert other.rng.bit_generator.state == trainer.rng.bit_generator.state
        assert other.order.tobytes() == trainer.order.tobytes()
        assert other.place == trainer.place
        assert other.undoable == trainer.undoable
        assert state == self.session.state or state in ("RUNNING", "DONE")

    @invariant()
    def parts_agree(self):
        session, trainer = self.session, self.session.trainer
        assert session.state in ("RUNNING", "PAUSED", "DONE", "DIVERGED")
        assert (session.state == "DIVERGED") == (trainer.ended is not None) or session.state == "RUNNING"
        assert 0 <= trainer.position < len(trainer.order)
        assert sorted(trainer.order) == list(range(len(trainer.order)))
        assert len(trainer.undo_stack) <= UNDO_STATES
        if not trainer.ended:
            trainer.flush_history()
            assert trainer.history.steps == trainer.step_count

    def teardown(self):
        trainer = self.session.trainer
        again = Trainer(EXPERIMENT)
        with np.errstate(all="ignore"):
            for command in trainer.journal:
                again.apply(parse_command(format_command(command)))
        assert again.parameters_sha256() == trainer.parameters_sha256(), "the journal leads elsewhere"


TestSessions = SessionMachine.TestCase
TestSessions.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
