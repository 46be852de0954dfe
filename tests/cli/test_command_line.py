"""The command line of an experiment, read by the program's own parser, opens the same experiment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backprop_core.activations import ACTIVATIONS
from backprop_core.command_line import command_line
from backprop_core.experiment import Choice, Experiment
from backprop_core.experiment_file import (
    experiment_to_dict,
    format_experiment,
    override,
    read_experiment,
    relocated,
    resolve,
)
from backprop_core.features import FEATURES
from backprop_core.initializers import INITIALIZERS
from backprop_core.losses import LOSSES
from backprop_core.optimizers import OPTIMIZERS
from backprop_core.presets import load_preset, preset_names
from backprop_tui.command_line.parsing import Parser
from backprop_tui.options import add_experiment_options, experiment_of

PATHS = ("csv", "series", "npz")


def opened(arguments) -> Experiment:
    parser = Parser()
    add_experiment_options(parser)
    return experiment_of(parser.parse_args(list(arguments)))


def settings_of(experiment: Experiment):
    """Return all that decides a run: without the naming, with files by their absolute paths."""
    document = experiment_to_dict(experiment)
    document["experiment"] = {
        key: value for key, value in document["experiment"].items() if key in ("seed", "epochs", "until")
    }
    for name in PATHS:
        if name in document["data"]:
            document["data"][name] = str((experiment.folder / document["data"][name]).resolve())
    return document


def choices(catalogue, excluded=()):
    return st.sampled_from([Choice(name) for name in catalogue if name not in excluded])


numbers = st.floats(1e-6, 1e3)
changes = st.fixed_dictionaries(
    {},
    optional={
        "experiment.seed": st.integers(0, 10**6),
        "experiment.epochs": st.integers(0, 10**6),
        "data.builtin": st.sampled_from(("xor", "moons", "spiral", "sine")),
        "data.samples": st.integers(4, 500),
        "data.noise": st.floats(0, 3),
        "data.validation": st.floats(0, 0.9),
        "data.standardize": st.booleans(),
        "data.features": st.lists(st.sampled_from(list(FEATURES)), min_size=1, unique=True).map(tuple),
        "network.hidden": st.lists(st.integers(1, 64), max_size=4).map(tuple),
        "network.output": choices(ACTIVATIONS),
        "network.bias": st.booleans(),
        "network.initializer": choices(INITIALIZERS)
        | st.builds(lambda high: Choice("uniform", (("low", -0.5), ("high", high))), numbers),
        "training.loss": choices(LOSSES),
        "training.reduction": st.sampled_from(("mean", "sum")),
        "training.optimizer": choices(OPTIMIZERS)
        | st.builds(lambda momentum: Choice("sgd", (("momentum", momentum),)), st.floats(0, 0.99)),
        "training.learning_rate": numbers,
        "training.batch_size": st.none() | st.integers(1, 4096),
        "training.weight_decay": numbers,
        "training.l1": numbers,
        "training.gradient_clip": numbers,
    },
)


@given(st.sampled_from(preset_names()), changes, st.data())
def test_every_experiment_that_options_can_make_is_opened_again_by_its_line(name, values, data):
    experiment = override(load_preset(name), values)
    layers = len(experiment.network.hidden)
    activation = data.draw(st.lists(choices(ACTIVATIONS), min_size=layers, max_size=layers).map(tuple))
    experiment = resolve(replace(experiment, network=replace(experiment.network, activation=activation)))
    line = command_line(experiment)
    if not line.left_out:
        assert settings_of(opened(line.arguments)) == settings_of(experiment)
    # What a preset brings along and no option takes away is all that may be left to a file.
    assert set(line.left_out) <= {"experiment.until", "mistakes.missing_derivative", "network.weights"}


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_is_its_name(name):
    assert command_line(load_preset(name)).arguments == (name,)


def test_only_what_differs_is_said():
    experiment = load_preset("spiral")
    changed = resolve(
        override(experiment, {"network.hidden": (16, 16, 8), "training.l1": 0.001, "data.noise": 0.2})
    )
    assert command_line(changed).arguments == (
        "spiral", "--noise", "0.2", "--hidden", "16,16,8", "--l1", "0.001",
    )  # fmt: skip
    assert str(command_line(changed)).startswith("backprop-tui run spiral --noise 0.2")


def own_files(folder: Path) -> None:
    (folder / "my data.csv").write_text("a,b,price\n" + "\n".join(f"{i},{i % 3},{i * 2}" for i in range(30)))
    (folder / "series.txt").write_text(" ".join(map(str, range(20))))
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 2)), rng.normal(size=(20, 1))
    np.savez(folder / "arrays.npz", X=x, y=y, X_validation=x[:5], y_validation=y[:5])


@pytest.mark.parametrize(
    "words",
    [
        ("--csv", "my data.csv", "--target", "price"),
        ("--csv", "my data.csv", "--target", "a,price", "--hidden", "", "--learning-rate", "0.5"),
        ("--series", "series.txt", "--window", "3", "--optimizer", "sgd:momentum=0.9"),
        ("--npz", "arrays.npz", "--loss", "huber:delta=2"),
        ("xor", "--csv", "my data.csv", "--target", "price", "--no-bias"),
        ("--csv", "my data.csv", "--target", "b", "--activation", "leaky-relu:slope=0.3"),
    ],
    ids=" ".join,
)
def test_own_data_are_opened_again(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own_files(tmp_path)
    experiment = opened(words)
    line = command_line(experiment)
    assert not line.left_out
    assert settings_of(opened(line.arguments)) == settings_of(experiment)


def test_a_file_is_named_and_what_differs_from_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    own_files(tmp_path / "sub")
    path = Path("sub/mine.toml")
    path.write_text('[data]\ncsv = "my data.csv"\ntarget = "price"\n[network]\nfreeze = ["b1"]\n')
    experiment = read_experiment(path)
    assert command_line(experiment).arguments == ("sub/mine.toml",)
    changed = resolve(override(experiment, {"training.learning_rate": 0.5}))
    line = command_line(changed)
    assert line.arguments == ("sub/mine.toml", "--learning-rate", "0.5")
    assert settings_of(opened(line.arguments)) == settings_of(changed)


def test_what_no_option_says_is_left_to_a_file():
    experiment = load_preset("spiral")
    frozen = resolve(replace(experiment, network=replace(experiment.network, freeze=("b1",))))
    assert command_line(frozen).left_out == ("network.freeze",)


def test_an_experiment_saved_in_another_folder_reads_the_same_data(tmp_path, monkeypatch):
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    own_files(tmp_path / "here")
    path = tmp_path / "here" / "mine.toml"
    path.write_text('[data]\ncsv = "my data.csv"\ntarget = ["price"]\n[training]\nlearning_rate = 0.3\n')
    experiment = read_experiment(path)
    monkeypatch.chdir(tmp_path / "there")
    saved = tmp_path / "there" / "saved.toml"
    saved.write_text(format_experiment(relocated(experiment, Path())))
    again = read_experiment(saved)
    assert again.data.csv == "../here/my data.csv"
    assert settings_of(again) == settings_of(experiment)


@pytest.mark.parametrize("hidden", [(), (4,), (4, 4, 4)])
def test_other_layers_have_the_activation_that_all_had(hidden):
    changed = resolve(override(load_preset("spiral"), {"network.hidden": hidden}))
    assert [choice.name for choice in changed.network.activation] == ["tanh"] * len(hidden)
