"""The lab loses nothing, and shows text from files harmlessly."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest

from backprop_core.checkpoint import open_checkpoint, read_checkpoint, to_bytes
from backprop_core.commands import ReinitDead, SaveCheckpoint, SetOption, Step
from backprop_core.engine import LocalEngine
from backprop_core.experiment_file import parse_experiment
from backprop_core.presets import load_preset
from backprop_core.session import Session
from backprop_core.trainer import Trainer
from backprop_tui.session_log import SessionLog
from tests.core.test_kills import file_size_limit
from tests.tui.driving import open_lab, paused_engine

pytestmark = pytest.mark.usefixtures("short_waits")

EVIL = "\x1b[2J\x1b]0;gone\x07[red]markup[/]\u202egnal\u200b\u2066\ufeff\u009b31m\r"
HARMLESS = (
    "Lu",
    "Ll",
    "Lo",
    "Lm",
    "Nd",
    "Nl",
    "No",
    "Pc",
    "Pd",
    "Ps",
    "Pe",
    "Pi",
    "Pf",
    "Po",
    "Sm",
    "Sc",
    "Sk",
    "So",
    "Zs",
    "Lt",
)


def assert_harmless(app):
    lines = app.screen._compositor.render_strips()
    shown = {character for line in lines for character in line.text}
    assert [character for character in shown if unicodedata.category(character) not in HARMLESS] == []


def evil_experiment(folder):
    (folder / "data.csv").write_text(
        f"{EVIL.strip()},b,c\n" + "".join(f"{i},{i % 3},{i % 2}\n" for i in range(12))
    )
    quoted = EVIL.encode("unicode_escape").decode().replace("\\x1b", "\\u001b").replace("\\x07", "\\u0007")
    quoted = quoted.replace("\\x9b", "\\u009b")
    text = (
        f'[experiment]\nname = "{quoted}"\ndescription = "{quoted}"\nwatch = "{quoted}"\n'
        '[data]\ncsv = "data.csv"\ntarget = "c"\n[training]\nlearning_rate = 0.01\n'
    )
    return parse_experiment(text, "evil.toml", folder)


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_names_from_files_are_shown_harmlessly(tmp_path, monkeypatch, size):
    monkeypatch.chdir(tmp_path)
    async with open_lab(LocalEngine(evil_experiment(tmp_path)), size=size) as lab:
        assert_harmless(lab.app)
        assert "[red]markup[/]" in lab.shown("#message")
        for key in ("s", "down", "right", "plus", "u", "w", "question_mark"):
            await lab.pilot.press(key)
            await lab.pilot.pause()
            assert_harmless(lab.app)
        await lab.pilot.press("escape")
        await lab.type("save \x1b[2J")
        assert_harmless(lab.app)
    assert all(name.isprintable() for name in (path.name for path in tmp_path.iterdir()))


async def test_a_checkpoint_that_cannot_be_written_is_told_and_the_last_one_stays(tmp_path):
    state = tmp_path / "state.npz"
    log = SessionLog(None, state, 1e-9)
    async with open_lab(LocalEngine(load_preset("sequence"), steps_per_frame=5), log=log) as lab:
        await lab.until(lambda: state.exists() or lab.app.lab.wake())
        await lab.frame()
        kept = read_checkpoint(state).step_count
        with file_size_limit(100):
            while "cannot be written" not in lab.message:
                await lab.frame()
            step = lab.trainer.step_count
            await lab.frame()
            assert lab.trainer.step_count > step
        assert "state.npz: cannot be written: File too large" in lab.message
        assert read_checkpoint(state).step_count >= kept
        assert [path.name for path in tmp_path.iterdir()] == ["state.npz"]


def left(*commands, paused=False):
    trainer = Trainer(load_preset("sequence"))
    with np.errstate(all="ignore"):
        for command in commands:
            trainer.apply(command)
    return to_bytes(trainer, paused=paused)


async def test_a_resumed_lab_shows_where_it_was():
    content = left(Step(200), ReinitDead(), Step(500), paused=True)
    async with open_lab(LocalEngine(content)) as lab:
        assert "PAUSED" in lab.status
        assert "step 700" in lab.status
        assert "▼ reinit-dead" in lab.shown("#loss")
        frame = lab.app.lab.frame
        assert (frame.curve.first_step[0], frame.curve.last_step[-1]) == (1, 700)
        frame = await lab.press("u")
        assert frame.snapshot.step == 200
        assert frame.snapshot.dead == 4


async def test_a_resumed_lab_that_was_running_runs():
    async with open_lab(LocalEngine(left(Step(200)), steps_per_frame=5)) as lab:
        assert "RUNNING" in lab.status
        assert lab.trainer.step_count > 200


async def test_a_resumed_divergence_is_shown_and_taken_back():
    content = left(SetOption("learning-rate", 1e200), Step(50))
    async with open_lab(LocalEngine(content)) as lab:
        assert "DIVERGED" in lab.status
        assert "the first number that was not finite" in lab.message
        frame = await lab.press("u")
        assert "PAUSED" in lab.status
        assert frame.snapshot.learning_rate == 0.03


async def test_u_goes_back_to_before_a_divergence_without_an_intervention():
    experiment = parse_experiment(
        '[data]\nbuiltin = "sequence"\nwindow = 3\n[network]\nactivation = "linear"\n'
        "[training]\nlearning_rate = 50.0\n",
        "wild.toml",
        Path(),
    )
    async with open_lab(LocalEngine(experiment)) as lab:
        await lab.until(lambda: lab.session.state == "DIVERGED" or lab.app.lab.wake())
        frame = await lab.frame()
        assert frame.undoable == "the divergence"
        assert f"in step {lab.trainer.divergence.step}, " in lab.message
        frame = await lab.press("u")
        assert "PAUSED" in lab.status
        assert np.isfinite(frame.snapshot.training_loss)


@pytest.mark.parametrize(("left_as", "opened_as"), [("RUNNING", False), ("PAUSED", True)])
async def test_what_is_saved_on_leaving_remembers_whether_it_ran(tmp_path, left_as, opened_as):
    state = tmp_path / "state.npz"
    engine = paused_engine(steps=5)
    async with open_lab(engine, log=SessionLog(checkpoint=state)) as lab:
        if left_as == "RUNNING":
            await lab.press("space")
        await lab.pilot.press("q")
    assert open_checkpoint(state.read_bytes(), "state").paused is opened_as


def test_a_session_saves_whether_it_is_paused(tmp_path):
    session = Session.begin(load_preset("xor"))
    path = str(tmp_path / "state.npz")
    for paused in (False, True):
        if paused:
            session.pause()
        session.command(SaveCheckpoint(path))
        assert open_checkpoint(Path(path).read_bytes(), path).paused is paused
        assert Session.begin(Path(path).read_bytes()).state == ("PAUSED" if paused else "RUNNING")
