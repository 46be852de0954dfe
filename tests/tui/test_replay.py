"""The replay: its keys, its words, its pictures."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
from rich.color import ColorSystem

from backprop_core.events import snapshot_event, start_event
from backprop_core.presets import load_preset
from backprop_core.record import read_record
from backprop_core.replay import ReplayEngine
from backprop_core.trainer import Trainer
from backprop_tui.keys import REPLAY_KEYS
from backprop_tui.replay import ReplayApp, Unlogged
from backprop_tui.screens.help import HelpScreen
from backprop_tui.widgets.timeline import Timeline
from tests.core.test_records import Clock, record_of, session_of
from tests.tui.driving import FPS, Driver

pytestmark = pytest.mark.usefixtures("short_waits")

SIZES = [(80, 24), (120, 40), (200, 50)]


def make_replay(record, *, clock=None, ascii_only=False):
    engine = ReplayEngine(record, clock=clock or Clock())
    app = ReplayApp(engine, Unlogged(), fps=FPS, ascii_only=ascii_only)
    app.console._color_system = ColorSystem.TRUECOLOR
    return app


@pytest.fixture
def record(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    session_of(tmp_path / "record.jsonl")
    return read_record(tmp_path / "record.jsonl")


@asynccontextmanager
async def open_replay(record, size=(120, 40), **options):
    app = make_replay(record, **options)
    async with app.run_test(size=size) as pilot:
        lab = Driver(app, pilot)
        await lab.until(lambda: app.lab.frame is not None)
        await pilot.pause()
        await lab.frame()
        yield lab


async def test_space_pauses_and_plays_on(record):
    clock = Clock()
    async with open_replay(record, clock=clock) as lab:
        assert lab.status.startswith("▶ PLAYING  epoch 0  step 0  loss")
        assert "steps/s" not in lab.status
        clock.now = 1.1
        await lab.frame()
        assert "step 200" in lab.status
        await lab.press("space")
        assert "‖ PAUSED" in lab.status
        clock.now = 90
        await lab.frame()
        assert "step 200" in lab.status
        await lab.press("space")
        clock.now = 99
        await lab.frame()
        assert "■ END" in lab.status
        assert "step 250" in lab.status


async def test_keys_walk_through_time(record):
    async with open_replay(record) as lab:
        steps = {
            "right": 200,
            "m": 200,
            "end": 250,
            "left": 200,
            "M": 200,
            "home": 0,
            "pagedown": 250,
            "pageup": 0,
        }
        for key, step in steps.items():
            frame = await lab.press(key)
            assert frame.snapshot.step == step, key
        assert "no intervention before" in lab.message or (
            (await lab.press("M")) and "no intervention" in lab.message
        )


async def test_the_message_tells_the_story_of_the_moment_shown(record):
    async with open_replay(record) as lab:
        await lab.press("m")
        assert lab.message.startswith("reinit-dead: reinitialised 4 neurons")
        await lab.press("left")
        assert lab.message.startswith("step 200: 200 steps taken")
        await lab.press("end")
        assert "the run ends at step 250: quit" in lab.message


async def test_the_track_tells_where_one_is_and_takes_one_where_it_is_clicked(record):
    async with open_replay(record) as lab:
        assert lab.shown("#timeline").startswith("snapshot 1 of 6 ")
        await lab.press("end")
        assert lab.shown("#timeline").startswith("snapshot 6 of 6 ")
        assert "▼" in lab.shown("#timeline")
        track = lab.app.lab.query_one(Timeline)._track
        await lab.pilot.click("#timeline", offset=(1 + track.start + len(track) * 2 // 5, 0))
        frame = await lab.frame()
        assert frame.snapshot.step == 200


async def test_the_speed_is_shown_and_changed(record):
    async with open_replay(record) as lab:
        await lab.press("greater_than_sign")
        assert lab.shown("#timeline").endswith("· 5 a second")
        await lab.press("less_than_sign", "less_than_sign")
        assert lab.message == "speed: 1 snapshots a second"


async def test_layers_axis_and_zoom_are_the_labs(record):
    async with open_replay(record) as lab:
        await lab.press("m", "right", "right_square_bracket")
        assert "layer 2 of 2" in lab.shown("#heatmap")
        await lab.press("g")
        assert lab.app.lab.query_one("#loss").border_title == "loss, linear"
        frame = await lab.press("z")
        assert frame.curve.first_step[0] >= 190


async def test_keys_of_the_lab_that_change_a_run_do_nothing(record):
    async with open_replay(record) as lab:
        before = lab.app.lab.frame
        for key in ("s", "e", "r", "l", "plus", "u", "n", "p", "colon", "w", "t", "ctrl+p"):
            await lab.press(key)
        assert lab.app.lab.frame.snapshot == before.snapshot
        assert lab.app.screen is lab.app.lab


async def test_the_help_names_every_key(record):
    async with open_replay(record) as lab:
        await lab.pilot.press("question_mark")
        await lab.until(lambda: isinstance(lab.app.screen, HelpScreen))
        text = str(lab.app.screen.query_one("Static").content)
        for spec in REPLAY_KEYS:
            assert spec.help in text


async def test_every_key_has_its_own_action_and_the_bar_fits(record):
    async with open_replay(record, size=(80, 24)) as lab:
        bar = lab.shown("#keys")
        for words in ("space", "step", "marks", "? help", "q quit"):
            assert words in bar
        await lab.pilot.press("q")
    assert lab.app.return_code == 0


async def test_what_was_cut_off_is_said_first(tmp_path):
    path = tmp_path / "record.jsonl"
    session_of(path)
    path.write_bytes(path.read_bytes()[:-20])
    async with open_replay(read_record(path)) as lab:
        assert "line 13 is cut off, as by a kill, and left out" in lab.message
        await lab.press("right")
        assert "cut off" not in lab.message


async def test_a_record_without_activations_says_so(tmp_path):
    trainer = Trainer(load_preset("digits"))
    events = [start_event(trainer.experiment, 2410)]
    for _ in range(3):
        events.append(snapshot_event(trainer.snapshot()))
        trainer.step(10)
    async with open_replay(record_of(tmp_path / "r.jsonl", *events)) as lab:
        assert "the record holds no activations" in lab.shown("#heatmap")
        await lab.press("down", "down", "up", "right_square_bracket")


async def test_ascii_only_shows_no_character_above_0x7e(record):
    async with open_replay(record, ascii_only=True) as lab:
        for key in ("home", "m", "end", "question_mark"):
            await lab.pilot.press(key)
            await lab.pilot.pause()
            lines = lab.app.screen._compositor.render_strips()
            assert max(character for line in lines for character in line.text) <= "\x7e"


def at(*keys):
    async def go(pilot):
        lab = Driver(pilot.app, pilot)
        await lab.until(lambda: pilot.app.lab.frame is not None)
        await lab.frame()
        await lab.frame()
        await lab.press(*keys)

    return go


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_picture_of_a_replay(snap_compare, record, size):
    assert snap_compare(make_replay(record), terminal_size=size, run_before=at("m", "right"))
