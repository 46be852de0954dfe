from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backprop_core import commands as c
from backprop_core.activations import ACTIVATIONS
from backprop_core.builtin_data import BUILTIN
from backprop_core.errors import UserError
from backprop_core.experiment import Choice
from backprop_core.features import FEATURES
from backprop_core.grammar import (
    COMMANDS,
    COMPARISONS,
    QUANTITIES,
    format_command,
    parse_command,
    parse_condition,
    parse_script,
    suggest,
)
from backprop_core.optimizers import OPTIMIZERS

CONTRACT = {
    "run 500 epochs": c.Run(epochs=500),
    "run 20 steps": c.Run(steps=20),
    "run": c.Run(),
    "run until loss < 0.05": c.Run(until=c.Condition("loss", "<", 0.05)),
    "run until loss < 0.05 or 10000 epochs": c.Run(epochs=10000, until=c.Condition("loss", "<", 0.05)),
    "step 3                          # three batches": c.Step(3),
    "step": c.Step(1),
    "expect loss < 0.4": c.Expect(c.Condition("loss", "<", 0.4)),
    "expect dead == 0": c.Expect(c.Condition("dead", "==", 0)),
    "expect validation_loss>=1e-3": c.Expect(c.Condition("validation_loss", ">=", 1e-3)),
    "reinit-dead": c.ReinitDead(),
    "reinit-dead 1.3": c.ReinitDead(1, 3),
    "activation hidden leaky-relu 0.01": c.SetActivation("hidden", Choice("leaky-relu", (("slope", 0.01),))),
    "activation 2 tanh": c.SetActivation("2", Choice("tanh")),
    "activation output linear": c.SetActivation("output", Choice("linear")),
    "set learning-rate 0.01": c.SetOption("learning-rate", 0.01),
    "set batch-size 16": c.SetOption("batch-size", 16),
    "set batch-size full": c.SetOption("batch-size", None),
    "set weight-decay 0.1": c.SetOption("weight-decay", 0.1),
    "set gradient-clip 1": c.SetOption("gradient-clip", 1.0),
    "set reduction sum": c.SetOption("reduction", "sum"),
    "set l1 0.001": c.SetOption("l1", 0.001),
    "set data moons": c.SetData("data", "moons"),
    "set noise 0.2": c.SetData("noise", 0.2),
    "set samples 400": c.SetData("samples", 400),
    "set validation 0": c.SetData("validation", 0.0),
    "set features x,y,x^2,sin(x)": c.SetFeatures(("x", "y", "x^2", "sin(x)")),
    "narrow 3": c.Narrow(3),
    "narrow 2 3": c.Narrow(3, 2),
    "add-layer": c.AddLayer(),
    "add-layer 2": c.AddLayer(2),
    "add-layer 2 8": c.AddLayer(2, 8),
    "remove-layer": c.RemoveLayer(),
    "remove-layer 1": c.RemoveLayer(1),
    "standardize": c.Standardize(),
    "add-bias": c.AddBias(),
    "restart": c.Restart(),
    "restart seed 7": c.Restart(7),
    "undo": c.Undo(),
    "snapshot": c.TakeSnapshot(),
    "save weights.npz": c.Save("weights.npz"),
    "save 'my weights #1.npz'": c.Save("my weights #1.npz"),
    "checkpoint state.npz": c.SaveCheckpoint("state.npz"),
    "export curve loss.csv": c.Export("curve", "loss.csv"),
    "export torch 'my net.npz'": c.Export("torch", "my net.npz"),
}


@pytest.mark.parametrize("line", CONTRACT)
def test_every_line_of_the_contract_is_its_command(line):
    assert parse_command(line) == CONTRACT[line]


WRONG = {
    "": "no command",
    "rnu 5 epochs": "did you mean 'run'",
    "run 5": "not understood",
    "run five epochs": "not understood",
    "run until loss < 0.05 or later": "not understood",
    "run until loss": "not a condition",
    "run 0 epochs": "from 1 on",
    "step 0": "from 1 on",
    "export": "usage: export",
    "export curv loss.csv": "did you mean 'curve'",
    "export torch a b": "usage: export",
    "step -1": "from 1 on",
    "step many": "from 1 on",
    "step 1 2": "too much",
    "expect": "usage",
    "expect loss": "not a condition",
    "expect lsos < 1": "did you mean 'loss'",
    "expect loss < much": "not a number",
    "expect loss =< 1": "not a condition",
    "reinit-dead 3": "1.3",
    "reinit-dead one": "1.3",
    "activation hidden": "usage",
    "activation hiden relu": "names no layer",
    "activation 0 relu": "names no layer",
    "activation hidden rellu": "did you mean 'relu'",
    "activation hidden relu 3": "takes no number",
    "activation hidden leaky-relu much": "not a number",
    "set": "usage",
    "set learning-rat 3": "did you mean 'learning-rate'",
    "set learning-rate fast": "not a number",
    "set batch-size 0": "full",
    "set reduction max": "mean, sum",
    "set optimizer adamm": "did you mean 'adam",
    "set optimizer adam beta3=1": "did you mean 'beta",
    "set optimizer sgd 0.9": "no setting",
    "set data mons": "did you mean 'moons'",
    "set noise much": "not a number",
    "set samples 0": "from 1 on",
    "set features x,z": "unknown feature 'z'",
    "set features x,x": "twice",
    "set features x, y": "usage",
    "narrow": "usage",
    "narrow 0": "from 1 on",
    "narrow 1 2 3": "usage",
    "add-layer 0": "from 1 on",
    "add-layer 1 2 3": "too much",
    "remove-layer last": "from 1 on",
    "standardize now": "too much",
    "restart 7": "usage",
    "restart seed seven": "usage",
    "save": "one file name",
    "save a b": "one file name",
    "save 'a": "quotation mark",
}


@pytest.mark.parametrize("line", WRONG)
def test_what_is_no_command_is_told_in_one_line(line):
    with pytest.raises(UserError) as caught:
        parse_command(line)
    assert WRONG[line] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_scripts_errors_name_script_and_line():
    with pytest.raises(UserError, match=r"heal\.txt, line 3: unknown command 'foo'"):
        parse_script("# comment\n\nfoo\n", "heal.txt")


def test_comments_and_blank_lines_are_passed_over():
    assert parse_script("\n# all\n  step 2  # two\n\n", "x") == ((3, c.Step(2)),)


numbers = st.floats(allow_nan=False, allow_infinity=False)
counts = st.integers(1, 10**9)
conditions = st.builds(c.Condition, st.sampled_from(QUANTITIES), st.sampled_from(COMPARISONS), numbers)


@st.composite
def choices(draw, catalogue):
    name = draw(st.sampled_from(sorted(catalogue)))
    return Choice(name, tuple((key, draw(numbers)) for key in catalogue[name].defaults))


ANY_COMMAND = st.one_of(
    st.builds(c.Run, epochs=counts),
    st.builds(c.Run, steps=counts),
    st.builds(c.Run, epochs=st.none() | counts, until=conditions),
    st.builds(c.Step, counts),
    st.builds(c.Expect, conditions),
    st.builds(c.ReinitDead, counts, counts),
    st.builds(c.SetActivation, st.sampled_from(["hidden", "output", "3", "1,2"]), choices(ACTIVATIONS)),
    st.builds(
        c.SetOption, st.sampled_from(["learning-rate", "weight-decay", "l1", "gradient-clip"]), numbers
    ),
    st.builds(c.SetData, st.just("data"), st.sampled_from(sorted(BUILTIN))),
    st.builds(c.SetData, st.sampled_from(["noise", "validation"]), numbers),
    st.builds(c.SetData, st.just("samples"), counts),
    st.builds(c.SetFeatures, st.lists(st.sampled_from(sorted(FEATURES)), min_size=1, unique=True).map(tuple)),
    st.builds(c.Narrow, counts, st.none() | counts),
    st.just(c.AddLayer()) | st.builds(c.AddLayer, counts, st.none() | counts),
    st.builds(c.RemoveLayer, st.none() | counts),
    st.builds(c.SetOption, st.just("batch-size"), st.none() | counts),
    st.builds(c.SetOption, st.just("optimizer"), choices(OPTIMIZERS)),
    st.builds(c.Restart, st.none() | st.integers(0, 10**9)),
    st.builds(
        c.Save,
        st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1).filter(str.strip),
    ),
    st.sampled_from([c.Run(), c.ReinitDead(), c.Standardize(), c.AddBias(), c.Undo(), c.TakeSnapshot()]),
)


@given(ANY_COMMAND)
def test_a_commands_line_reads_back_as_the_command(command):
    assert parse_command(format_command(command)) == command


@given(st.text(max_size=60))
def test_any_text_is_a_command_or_a_user_error(text):
    try:
        parse_command(text)
        parse_condition(text)
    except UserError as error:
        assert "\n" not in str(error).replace(text, "")


def test_suggestions_complete_what_was_typed():
    assert suggest("re") == ["reinit-dead", "remove-layer", "restart"]
    assert "activation hidden leaky-relu" in suggest("activation hidden le")
    assert suggest("set opt") == ["set optimizer"]
    assert suggest("set optimizer ad") == ["set optimizer adam", "set optimizer adamw"]
    assert "run until loss" in suggest("run until l")
    for command in COMMANDS:
        assert any(line.startswith(command.name) for line in [*suggest(command.name[:-1]), command.name])


def test_help_has_every_command_that_can_be_parsed():
    for command in COMMANDS:
        assert command.usage
        assert command.summary
        with pytest.raises(UserError, match="unknown command"):
            parse_command(command.name + "x")
