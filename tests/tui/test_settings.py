"""The settings: every control by key and by mouse, what they lead to, and how that is passed on."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from backprop_core.commands import AddLayer, SetData, SetFeatures
from backprop_core.engine import LocalEngine
from backprop_core.experiment_file import override, read_experiment, resolve
from backprop_core.grammar import format_command, parse_command
from backprop_core.presets import load_preset, preset_names
from backprop_core.settings import SettingsRequest
from backprop_core.snapshot import View
from backprop_tui.keys import WATCH_KEYS
from backprop_tui.settings import GROUPS, controls
from tests.tui.driving import make_app, open_lab, paused_engine
from tests.tui.test_snapshots import SIZES, after, characters_shown

pytestmark = pytest.mark.usefixtures("short_waits")


def controls_of(session):
    """Return the controls of a session's experiment by their names."""
    frame = session.frame(View(panel=SettingsRequest()))
    return {control.name: control for control in controls(frame.experiment, frame.panel)}


@pytest.mark.parametrize("preset", preset_names())
def test_every_change_on_offer_is_one_command_that_is_done_and_undone(preset):
    session = LocalEngine(load_preset(preset)).session
    session.pause()
    before = session.trainer.experiment
    offered = controls_of(session)
    assert {control.group for control in offered.values()} == set(GROUPS)
    for control in offered.values():
        for direction in (-1, 1):
            command = control.change(direction)
            if command is None:
                continue
            assert parse_command(format_command(command)) == command
            if command == SetData("data", "digits"):
                continue  # A large set: what it does is tested where the command is.
            assert session.command(command).intervention
            assert session.trainer.experiment != before
            session.command(parse_command("undo"))
            assert session.trainer.experiment == before
        assert control.change(1) or control.change(-1) or control.reason


def test_a_change_up_is_taken_back_by_one_down():
    session = LocalEngine(load_preset("moons")).session
    session.pause()
    for name in (
        "learning-rate",
        "l1",
        "weight-decay",
        "gradient-clip",
        "noise",
        "units 1",
        "optimizer",
        "data",
    ):
        before = controls_of(session)[name]
        session.command(before.change(1))
        changed = controls_of(session)[name]
        assert changed.value != before.value
        session.command(changed.change(-1))
        assert controls_of(session)[name].value == before.value


def test_batches_grow_to_the_full_one_and_back():
    session = LocalEngine(resolve(override(load_preset("xor"), {"training.batch_size": 1}))).session
    session.pause()
    values = []
    while (command := controls_of(session)["batch-size"].change(1)) is not None:
        session.command(command)
        values.append(controls_of(session)["batch-size"].value)
    assert values == ["2", "full"]
    session.command(controls_of(session)["batch-size"].change(-1))
    assert controls_of(session)["batch-size"].value == "2"


def test_the_last_feature_cannot_be_taken_away():
    session = LocalEngine(resolve(override(load_preset("xor"), {"data.features": ("xy",)}))).session
    offered = controls_of(session)
    assert offered["feature xy"].change(-1) is None
    assert offered["feature xy"].reason
    assert offered["feature x"].change(1) == SetFeatures(("x", "xy"))


def test_what_does_not_apply_has_a_reason():
    offered = controls_of(LocalEngine(load_preset("digits")).session)
    assert offered["features"].reason == "features are made of two inputs, and there are 64"
    assert offered["noise"].reason == "digits has none to choose"
    assert offered["noise"].change(1) is None
    assert "feature x" not in offered


async def choose(lab, name):
    """Choose a control; that keys lead to all of them has a test of its own."""
    lab.app.lab.panel._choose(name)


async def test_keys_walk_through_all_controls_and_back():
    async with open_lab(paused_engine("spiral"), size=(80, 24)) as lab:
        await lab.press("o")
        panel = lab.app.lab.panel
        names = [control.name for control in panel.controls]
        walked = [panel.chosen]
        for _ in names[1:]:
            await lab.pilot.press("down")
            walked.append(panel.chosen)
        assert walked == names
        await lab.pilot.press("down")
        assert panel.chosen == names[-1]
        await lab.pilot.press("right_square_bracket")
        assert panel.chosen == "data"
        await lab.pilot.press("right_square_bracket", "right_square_bracket")
        assert panel.chosen == "layers"
        await lab.press("o")
        assert lab.app.lab.panel is None


@contextmanager
def wanted_of(panel):
    """Collect the commands that a panel wants carried out, which then are not: that has tests of its own."""
    wanted, post = [], panel.post_message

    def collect(message):
        if isinstance(message, panel.Wanted):
            wanted.append(message.choose(panel.frame))
            return True
        return post(message)

    panel.post_message = collect
    yield wanted
    panel.post_message = post


async def test_every_control_is_changed_by_keys():
    async with open_lab(paused_engine("moons", steps=5), size=(80, 24)) as lab:
        await lab.press("o")
        panel = lab.app.lab.panel
        with wanted_of(panel) as wanted:
            for control in panel.controls:
                await choose(lab, control.name)
                for key, direction in (("left", -1), ("right", 1)):
                    await lab.pilot.press(key)
                    assert wanted.pop() == control.change(direction), control.name
        assert not wanted


def place_of(panel, name, does):
    """Return where on the panel something is done to a control; its border is a cell wide."""
    line, start, _, _, _ = next(span for span in panel._spans if span[3:] == (name, does))
    return start + 1, line + 1


async def click(lab, name, does):
    panel = lab.app.lab.panel
    await lab.pilot.click(panel, offset=place_of(panel, name, does))
    await lab.frame()


async def test_every_control_is_changed_by_the_mouse():
    async with open_lab(paused_engine("moons", steps=5), size=(80, 24)) as lab:
        await lab.press("o")
        panel = lab.app.lab.panel
        with wanted_of(panel) as wanted:
            for control in panel.controls:
                on_offer = [(d, control.change(d)) for d in (-1, 1) if control.change(d) is not None]
                if control.toggle is not None:
                    on_offer = [(0, command) for _, command in on_offer]
                for does, command in on_offer:
                    await lab.pilot.click(panel, offset=place_of(panel, control.name, does))
                    assert wanted.pop() == command, control.name
                    assert panel.chosen == control.name
        assert not wanted
        await click(lab, "learning-rate", 1)
        assert lab.trainer.experiment.training.learning_rate == 0.05
        await click(lab, "units 1", 2)
        assert lab.trainer.experiment.network.hidden == load_preset("moons").network.hidden[1:]


async def test_a_click_on_a_value_chooses_it_and_another_types_it():
    async with open_lab(paused_engine("spiral"), size=(120, 40)) as lab:
        await lab.press("o")
        await click(lab, "learning-rate", 0)
        assert lab.app.lab.panel.chosen == "learning-rate"
        assert not lab.app.lab.query("Prompt")
        await click(lab, "learning-rate", 0)
        assert lab.app.lab.query_one("Prompt").value == "set learning-rate "
        await lab.write("0.07")
        await lab.press("enter")
        assert lab.trainer.experiment.training.learning_rate == 0.07


async def test_quick_keys_each_have_their_effect():
    async with open_lab(paused_engine("spiral")) as lab:
        await lab.press("o")
        await choose(lab, "units 1")
        await lab.pilot.press("plus", "plus", "right", "minus")
        await lab.frame()
        assert lab.trainer.experiment.network.hidden == (18, 16)


async def test_layers_come_and_go_while_it_runs():
    engine = LocalEngine(load_preset("spiral"))
    async with open_lab(engine, size=(80, 24)) as lab:
        await lab.press("o")
        await choose(lab, "layers")
        step = lab.trainer.step_count
        await lab.press("right", "right")
        assert lab.trainer.experiment.network.hidden == (16, 16, 16, 16)
        await choose(lab, "activation 4")
        await lab.press("delete")
        assert lab.trainer.experiment.network.hidden == (16, 16, 16)
        assert lab.app.lab.panel.chosen == "layers"
        assert lab.trainer.step_count > step
        assert lab.app.lab.frame.state == "RUNNING"


async def test_what_cannot_be_changed_says_why():
    async with open_lab(paused_engine("sequence"), size=(80, 24)) as lab:
        await lab.press("o")
        await choose(lab, "noise")
        assert "noise: sequence has none to choose" in lab.shown("#panel")
        await lab.press("right")
        assert "none to choose" in lab.message
        await choose(lab, "l1")
        await lab.press("left")
        assert lab.message == "L1 is at its end: nothing comes before 0"
        assert not lab.trainer.journal


async def test_the_command_line_is_always_that_of_the_experiment():
    async with open_lab(paused_engine("spiral"), size=(80, 24)) as lab:
        await lab.press("o")
        assert "backprop-tui run spiral" in lab.shown("#panel")
        await choose(lab, "learning-rate")
        await lab.press("right")
        assert "backprop-tui run spiral --learning-rate 0.05" in lab.shown("#panel")
        await lab.press("u")
        assert "--learning-rate" not in lab.shown("#panel")
        assert "passes on the weights too" in lab.shown("#panel")


async def test_what_only_a_file_passes_on_is_said():
    experiment = load_preset("spiral")
    frozen = replace(experiment, network=replace(experiment.network, freeze=("b1",)))
    engine = LocalEngine(frozen)
    engine.session.pause()
    async with open_lab(engine, size=(80, 24)) as lab:
        await lab.press("o")
        assert "only a file (f) passes on: freeze" in lab.shown("#panel")


async def test_the_line_is_copied_and_written_and_the_experiment_saved(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with open_lab(paused_engine("spiral"), size=(120, 40)) as lab:
        await lab.press("o")
        await choose(lab, "layers")
        await lab.press("right", "c")
        line = "backprop-tui run spiral --hidden 16,16,16"
        assert lab.app.clipboard == line
        await lab.press("C", "f", "f")
        wanted = lab.trainer.experiment
    assert Path("spiral.sh").read_text() == f"#!/bin/sh\n{line}\n"
    for name in ("spiral.toml", "spiral-2.toml"):
        assert read_experiment(Path(name)) == wanted


async def test_a_session_of_settings_gives_the_same_bits_headless(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with open_lab(LocalEngine(load_preset("moons")), size=(120, 40)) as lab:
        await lab.press("o")
        for name in ("noise", "feature xy", "l1", "layers", "units 1", "activation 1"):
            await choose(lab, name)
            await lab.press("right", "s")
        await lab.press("w")
        sha = hashlib.sha256(lab.trainer.network.parameters.astype("<f8").tobytes()).hexdigest()
        script = lab.app.lab.scripts[0]
    words = [sys.executable, "-m", "backprop_tui", "run", "moons", "--headless", "--quiet", "--script"]
    told = subprocess.run([*words, str(script)], capture_output=True, text=True, check=True)
    end = json.loads(told.stdout.splitlines()[-1])
    assert end["parameters_sha256"] == sha


def started(*words):
    """Return what a headless run of these words says it starts with."""
    command = [sys.executable, "-m", "backprop_tui", *words, "--headless", "--script", "-"]
    told = subprocess.run(command, input="", capture_output=True, text=True, check=True)
    start = json.loads(told.stdout.splitlines()[0])
    naming = ("name", "description", "watch")
    settings = start["experiment"]["experiment"]
    start["experiment"]["experiment"] = {key: settings[key] for key in settings.keys() - naming}
    return start["experiment"], start["parameters"], start["seed"]


async def test_the_line_and_the_file_open_the_same_network_and_settings_headless(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    changed = ("samples", "noise", "feature sin(x)", "batch-size", "learning-rate", "l1", "weight-decay")
    async with open_lab(paused_engine("circles"), size=(80, 24)) as lab:
        await lab.press("o")
        for name in (*changed, "layers", "units 1", "activation 2"):
            await choose(lab, name)
            await lab.press("right")
        await lab.press("c", "f")
        line, parameters = lab.app.clipboard, lab.trainer.network.parameters.size
    by_line = started(*shlex.split(line)[1:])
    assert by_line[1] == parameters
    assert by_line == started("run", "circles.toml")


async def test_a_panel_that_has_no_use_for_plus_leaves_it_to_the_rate():
    async with open_lab(paused_engine("spiral")) as lab:
        await lab.press("v", "plus")
        assert lab.trainer.experiment.training.learning_rate == 0.05


def test_a_watched_script_has_no_settings():
    actions = {spec.action for spec in WATCH_KEYS}
    assert not actions & {"panel('settings')", "copy_command_line", "save_experiment", "take_out"}


@pytest.mark.parametrize("size", [(60, 20), *SIZES], ids=str)
async def test_ascii_only_shows_no_character_above_0x7e(size):
    async with open_lab(paused_engine("spiral", steps=50), size=size, ascii_only=True) as lab:
        await lab.press("o", "down", "right")
        assert max(characters_shown(lab)) <= "\x7e"


async def test_the_picture_gives_way_where_it_does_not_fit():
    async with open_lab(paused_engine("digits", steps=20), size=(80, 24)) as lab:
        await lab.press("o")
        assert "predicted as" not in lab.shown("#panel")
    async with open_lab(paused_engine("digits", steps=20), size=(120, 40)) as lab:
        await lab.press("o")
        assert "predicted as" in lab.shown("#panel")


async def test_no_number_is_cut_in_the_middle_where_the_picture_is_narrow():
    async with open_lab(paused_engine("spiral", steps=500), size=(80, 24)) as lab:
        await lab.press("o")
        assert re.search(r" \d+ wrong│?$", lab.shown("#panel"), re.MULTILINE)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_picture_of_it(snap_compare, size):
    engine = paused_engine("spiral", steps=500)
    engine.session.trainer.apply(AddLayer())
    engine.session.trainer.apply(SetFeatures(("x", "y", "x^2", "sin(x)")))
    keys = ("o", *["down"] * 14, "right")
    assert snap_compare(make_app(engine), terminal_size=size, run_before=after(*keys))


def test_a_picture_in_the_smallest_terminal(snap_compare):
    app = make_app(paused_engine("sequence", steps=200))
    assert snap_compare(app, terminal_size=(60, 20), run_before=after("o", "down", "down"))
