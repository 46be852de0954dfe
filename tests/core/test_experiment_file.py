from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backprop_core.activations import ACTIVATIONS
from backprop_core.errors import UserError
from backprop_core.experiment import Choice, DataSpec, Experiment, NetworkSpec, TrainingSpec
from backprop_core.experiment_file import (
    experiment_from_dict,
    experiment_to_dict,
    format_experiment,
    override,
    parse_experiment,
    read_experiment,
    resolve,
)
from backprop_core.initializers import INITIALIZERS
from backprop_core.losses import LOSSES
from backprop_core.optimizers import OPTIMIZERS

CONTRACT = """
[experiment]
name = "my-series"
description = "one line"
seed = 0
epochs = 10000                 # 0: until stopped
until = "loss < 0.05"

[data]
series = "readings.txt"
window = 3
validation = 0.2
standardize = true

[network]
hidden = [4]
activation = "relu"
output = "linear"
bias = true
initializer = { name = "uniform", low = 0.0, high = 1.0 }

[training]
loss = "quadratic"
reduction = "mean"
optimizer = { name = "adam", beta1 = 0.9, beta2 = 0.999 }
learning_rate = 0.05
batch_size = "full"
weight_decay = 0.0
gradient_clip = 0.0

[mistakes]
missing_derivative = ["hidden", "output"]
"""


def parse(text: str) -> Experiment:
    return parse_experiment(text, "file.toml", Path())


def test_the_file_of_the_contract_is_read():
    experiment = parse(CONTRACT)
    assert experiment.name == "my-series"
    assert experiment.until == "loss < 0.05"
    assert experiment.data == DataSpec(series="readings.txt", window=3, validation=0.2, standardize=True)
    assert experiment.network.hidden == (4,)
    assert experiment.network.initializer.option("high") == 1.0
    assert experiment.training.optimizer.option("epsilon") == 1e-8
    assert experiment.training.batch_size is None
    assert experiment.mistakes.missing_derivative == ("hidden", "output")


DATA = '[data]\nbuiltin = "xor"\n'

WRONG = {
    "": "[data] is missing",
    "[experiment": "not TOML",
    'x = 1\n[data]\nbuiltin="xor"': "unknown section [x]",
    "experiment = 3\n" + DATA: "[experiment] must be a table",
    "[expriment]\n" + DATA: "did you mean 'experiment'",
    "[data]": "exactly one of",
    '[data]\nbuiltin = "xor"\nseries = "a"\nwindow = 2': "exactly one of",
    '[data]\ncsv = "a"': "target",
    '[data]\nseries = "a"': "window",
    '[data]\nseries = "a"\nwindow = 0': "1 or more",
    "[data]\nseries = 3\nwindow = 2": "must be text",
    '[data]\nseris = "a"': "did you mean 'series'",
    '[data]\ncsv = "a"\ntarget = 3': "text or a list",
    DATA + "validation = 1.0": "under 1",
    DATA + "validation = -0.1": "validation",
    DATA + 'validation = "some"': "must be a number",
    DATA + "validation = nan": "finite",
    DATA + "standardize = 1": "true or false",
    DATA + "samples = 1": "2 or more",
    DATA + "samples = 2.5": "whole number",
    DATA + "noise = -1": "noise",
    DATA + "[experiment]\nseed = -1": "0 or more",
    DATA + "[experiment]\nseed = true": "whole number",
    DATA + "[experiment]\nseed = 99999999999999999999": "0 or more",
    DATA + "[experiment]\nepochs = 1.5": "whole number",
    DATA + "[experiment]\nname = 3": "must be text",
    DATA + '[experiment]\nname = """a\nb"""': "one line",
    DATA + '[experiment]\nuntil = "soon"': "not a condition",
    DATA + '[experiment]\nuntil = "lsos < 1"': "did you mean 'loss'",
    DATA + "[experiment]\nsed = 1": "did you mean 'seed'",
    DATA + "[network]\nhidden = [0]": "1 or more",
    DATA + "[network]\nhidden = [-4]": "1 or more",
    DATA + '[network]\nhidden = "four"': "whole number",
    DATA + "[network]\nhiden = [4]": "did you mean 'hidden'",
    DATA + '[network]\nactivation = "rellu"': "did you mean 'relu'",
    DATA + '[network]\nhidden = [4, 4]\nactivation = ["relu", "tanh", "relu"]': "3 entries",
    DATA + "[network]\nactivation = 3": "must be a name",
    DATA + "[network]\nactivation = { slope = 0.1 }": "must be a name",
    DATA + '[network]\nactivation = { name = "relu", slope = 0.1 }': "no option 'slope'",
    DATA + '[network]\nactivation = { name = "leaky-relu", slop = 0.1 }': "did you mean 'slope'",
    DATA + '[network]\nactivation = { name = "leaky-relu", slope = 0 }': "above 0",
    DATA + '[network]\nactivation = { name = "leaky-relu", slope = inf }': "finite",
    DATA + '[network]\noutput = "sofmax"': "did you mean 'softmax'",
    DATA + '[network]\nbias = "yes"': "true or false",
    DATA + '[network]\ninitializer = "he"': "unknown 'he'",
    DATA + '[network]\nprecision = "float16"': "float",
    DATA + "[network]\nweights = 3": "file's path",
    DATA + "[network.weights]\nW1 = 3": "list of numbers",
    DATA + "[network.weights]\nW1 = [[1, 2], [3]]": "equal length",
    DATA + '[network.weights]\nW1 = [["a"]]': "must be a number",
    DATA + "[network]\nfreeze = 3": "text or a list",
    DATA + '[training]\nloss = "l2"': "unknown 'l2'",
    DATA + '[training]\nloss = { name = "huber", delta = 0 }': "above 0",
    DATA + '[training]\nreduction = "max"': "mean",
    DATA + '[training]\noptimizer = "adamm"': "did you mean 'adam",
    DATA + '[training]\noptimizer = { name = "sgd", momentum = 1.5 }': "momentum",
    DATA + '[training]\noptimizer = { name = "sgd", nesterov = true }': "momentum above 0",
    DATA + '[training]\noptimizer = { name = "adam", beta1 = -1 }': "beta1",
    DATA + "[training]\nlearning_rate = -1": "0 or more",
    DATA + "[training]\nlearning_rate = inf": "finite",
    DATA + '[training]\nlearning_rate = "fast"': "must be a number",
    DATA + "[training]\nlearningrate = 1": "did you mean 'learning_rate'",
    DATA + "[training]\nbatch_size = 0": "1 or more",
    DATA + '[training]\nbatch_size = "some"': '"full"',
    DATA + "[training]\nweight_decay = -1": "0 or more",
    DATA + "[training]\ngradient_clip = -1": "0 or more",
    DATA + '[mistakes]\nmissing_derivative = ["hiden"]': "did you mean 'hidden'",
    DATA + "[mistakes]\nforgotten = 1": "unknown key [mistakes] forgotten",
    "a = " + "[" * 2000: "not TOML",
}


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text[-60:].replace("\n", " "))
def test_what_is_wrong_is_told_in_one_line_with_its_place(text):
    with pytest.raises(UserError) as caught:
        parse(text)
    message = str(caught.value)
    assert message.startswith("file.toml: ")
    assert WRONG[text] in message
    assert "\n" not in message


def test_only_regular_text_files_of_a_sane_size_are_read(tmp_path):
    fifo = tmp_path / "fifo.toml"
    os.mkfifo(fifo)
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    huge = tmp_path / "huge.toml"
    huge.write_bytes(b"#" * (1024 * 1024 + 1))
    for path, says in (
        (tmp_path, "directory"),
        (fifo, "regular"),
        (binary, "UTF-8"),
        (huge, "bytes"),
        (tmp_path / "none.toml", "No such file"),
    ):
        with pytest.raises(UserError, match=says):
            read_experiment(path)


def test_a_byte_order_mark_and_crlf_do_no_harm(tmp_path):
    path = tmp_path / "windows.toml"
    path.write_bytes(b"\xef\xbb\xbf" + DATA.replace("\n", "\r\n").encode())
    assert read_experiment(path).data.builtin == "xor"


def choices(catalogue):
    return st.sampled_from([Choice(name) for name in catalogue])


@st.composite
def experiments(draw):
    hidden = tuple(draw(st.lists(st.integers(1, 50), max_size=4)))
    activation = tuple(draw(choices(ACTIVATIONS)) for _ in hidden)
    text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"), max_size=40)
    return resolve(
        Experiment(
            name=draw(text),
            description=draw(text),
            seed=draw(st.integers(0, 2**40)),
            epochs=draw(st.integers(0, 10**6)),
            until=draw(st.sampled_from([None, "loss < 0.05"])),
            data=DataSpec(
                builtin="moons",
                noise=draw(st.none() | st.floats(0, 5)),
                samples=draw(st.none() | st.integers(2, 500)),
                validation=draw(st.floats(0, 0.9)),
                standardize=draw(st.booleans()),
            ),
            network=NetworkSpec(
                hidden,
                activation,
                draw(choices(ACTIVATIONS)),
                draw(st.booleans()),
                draw(choices(INITIALIZERS)),
                freeze=tuple(draw(st.lists(st.sampled_from(["bias", "W1"]), max_size=2))),
                precision=draw(st.sampled_from(["float32", "float64"])),
            ),
            training=TrainingSpec(
                draw(choices(LOSSES)),
                draw(st.sampled_from(["mean", "sum"])),
                draw(choices(OPTIMIZERS)),
                draw(st.floats(0, 100)),
                draw(st.none() | st.integers(1, 500)),
                draw(st.floats(0, 1)),
                draw(st.floats(0, 10)),
            ),
        )
    )


@given(experiments())
def test_an_experiment_written_reads_back_equal(experiment):
    assert parse(format_experiment(experiment)) == experiment
    assert experiment_from_dict(experiment_to_dict(experiment), "x", Path()) == experiment


def test_given_weights_survive_the_round_trip():
    weights = (("W1", ((0.1, 0.2), (0.3, 0.4))), ("b1", (1.0, -2.0)))
    network = NetworkSpec(hidden=(), activation=(), weights=weights)
    experiment = resolve(Experiment(data=DataSpec(builtin="worked-example"), network=network))
    assert parse(format_experiment(experiment)) == experiment


def test_another_source_takes_the_place_of_the_one_before():
    experiment = parse(CONTRACT)
    changed = resolve(override(experiment, {"data.builtin": "xor", "training.learning_rate": 0.5}))
    assert changed.data == replace(DataSpec(builtin="xor"), validation=0.2, standardize=True)
    assert changed.training.learning_rate == 0.5


@given(st.text(max_size=200))
def test_any_text_is_an_experiment_or_a_user_error(text):
    try:
        parse(text)
    except UserError as error:
        assert str(error).startswith("file.toml: ")
