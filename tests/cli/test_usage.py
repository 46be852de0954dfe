"""The command line itself: help, version, presets, and every wrong use in one line."""

from __future__ import annotations

import json

import pytest

from backprop_core import __version__
from backprop_core.presets import preset_names
from backprop_tui.cli import main

WRONG = [
    (["nosuchpreset"], "nosuchpreset"),
    (["sequnce", "--headless"], "did you mean 'sequence'"),
    (["run", "sequence", "--wat"], "--wat"),
    (["run", "sequence", "--headless", "--epochs"], "--epochs"),
    (["run", "sequence", "--headless", "--epochs", "many"], "--epochs"),
    (["run", "sequence", "--headless", "--epochs", "-3"], "--epochs"),
    (["run", "sequence", "--headless", "--epochs", "1.5"], "--epochs"),
    (["run", "sequence", "--headless", "--learning-rate", "nan"], "--learning-rate"),
    (["run", "sequence", "--headless", "--learning-rate", "fast"], "--learning-rate"),
    (["run", "sequence", "--headless", "--hidden", "4,x"], "--hidden"),
    (["run", "sequence", "--headless", "--hidden", "0"], "--hidden"),
    (["run", "sequence", "--headless", "--activation", "rellu"], "did you mean 'relu'"),
    (["run", "sequence", "--headless", "--activation", "relu,tanh"], "activation"),
    (["run", "sequence", "--headless", "--output", "sofmax"], "did you mean 'softmax'"),
    (["run", "sequence", "--headless", "--optimizer", "adamm"], "did you mean 'adam"),
    (["run", "sequence", "--headless", "--optimizer", "adam:beta3=1"], "beta"),
    (["run", "sequence", "--headless", "--optimizer", "sgd:momentum=2"], "momentum"),
    (["run", "sequence", "--headless", "--loss", "l2"], "--loss"),
    (["run", "sequence", "--headless", "--initializer", "he"], "--initializer"),
    (["run", "sequence", "--headless", "--batch-size", "0"], "--batch-size"),
    (["run", "sequence", "--headless", "--batch-size", "some"], "--batch-size"),
    (["run", "sequence", "--headless", "--reduction", "max"], "--reduction"),
    (["run", "sequence", "--headless", "--validation", "1"], "--validation"),
    (["run", "sequence", "--headless", "--window", "99"], "window"),
    (["run", "sequence", "--headless", "--seed", "-1"], "--seed"),
    (["run", "sequence", "--headless", "--until", "loss is low"], "condition"),
    (["run", "sequence", "--headless", "--script", "/nonexistent"], "/nonexistent"),
    (["run", "sequence", "--headless", "--record", "/nonexistent/record"], "/nonexistent"),
    (["run", "--resume", "/nonexistent", "--headless"], "/nonexistent"),
    (["run", "--csv", "/nonexistent", "--headless"], "--target"),
    (["run", "--csv", "/nonexistent", "--target", "x", "--headless"], "/nonexistent"),
    (["run", "--series", "/nonexistent", "--headless"], "--window"),
    (["run", "--series", "/nonexistent", "--window", "3", "--headless"], "/nonexistent"),
    (["run", "--npz", "/nonexistent", "--headless"], "/nonexistent"),
    (["run", "sequence", "--quiet"], "--headless"),
    (["run", "sequence", "--fps", "0"], "--fps"),
    (["run", "sequence", "--fps", "many"], "--fps"),
    (["run", "sequence", "--headless", "--checkpoint-every", "5"], "--checkpoint"),
    (["presets", "--csv"], "--csv"),
    (["tour", "xor"], "xor"),
    (["tour", "--fps", "0"], "--fps"),
    (["tour"], "terminal"),
    (["run", "/", "--headless"], "directory"),
]


@pytest.mark.parametrize(("words", "named"), WRONG, ids=lambda value: " ".join(value) if value else "")
def test_wrong_use_is_told_in_one_line_with_exit_code_2(capsys, words, named):
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("backprop-tui: ")
    assert err.count("\n") == 1
    assert named in err


def test_text_from_outside_reaches_the_terminal_harmlessly(capsys):
    assert main(["run", "evil\x1b[2Jname", "--headless"]) == 2
    assert "\x1b" not in capsys.readouterr().err


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["presets", "--help"]])
def test_help_has_examples(capsys, words):
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 0
    assert "examples:" in capsys.readouterr().out


def test_presets_are_listed_for_people_and_for_programs(capsys):
    assert main(["presets"]) == 0
    listed = capsys.readouterr().out
    assert main(["presets", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == list(preset_names())
    for row in rows:
        assert row["name"] in listed
        assert row["description"]
        assert row["watch"]


def test_without_a_terminal_the_lab_points_to_headless(capsys):
    assert main(["sequence"]) == 2
    assert "--headless" in capsys.readouterr().err
