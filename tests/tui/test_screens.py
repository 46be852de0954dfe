"""The mouse, small terminals, a training process that dies, ends of training, scripts on opening."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from textual.events import MouseScrollDown
from textual.geometry import Offset

from backprop_core.commands import ReinitDead, Run, SetOption, Step
from backprop_core.engine import LocalEngine
from backprop_core.engine_process import ProcessEngine
from backprop_core.experiment_file import parse_experiment
from backprop_core.presets import load_preset
from backprop_tui.screens.died import DiedScreen
from backprop_tui.screens.help import HelpScreen
from backprop_tui.session_log import SessionLog
from backprop_tui.widgets.heatmap import HeatmapView
from tests.tui.driving import open_lab, paused_engine

if TYPE_CHECKING:
    from backprop_tui.screens.lab_screen import LabScreen

pytestmark = pytest.mark.usefixtures("short_waits")

DEAD_AT = 200


def cell_of(view: HeatmapView, neuron: int, sample: int) -> Offset:
    """Return where a neuron's cell is, counted from the widget's corner, border included."""
    heatmap = view.frame.heatmap
    layout = view._layout(heatmap)
    x = layout.left + (sample - 1) // heatmap.group * layout.cell_width
    y = layout.top + (neuron - heatmap.first_neuron) * layout.row_height
    return Offset(x + 1, y + 1)


def word_in_key_bar(lab, word: str) -> tuple[int, int]:
    bar = lab.app.lab.query_one("#keys")
    x = lab.shown("#keys").index(word)
    return (bar.content_region.x - bar.region.x + x, 0)


async def test_a_click_selects_the_neuron_and_the_sample():
    async with open_lab(paused_engine(steps=5)) as lab:
        view = lab.app.lab.query_one(HeatmapView)
        await lab.pilot.click(HeatmapView, cell_of(view, neuron=3, sample=7))
        frame = await lab.frame()
        assert (frame.inspection.neuron, frame.inspection.sample) == (3, 7)
        assert "layer 1 neuron 3" in lab.shown("#inspector")


async def test_a_click_on_a_weight_selects_its_neuron_and_leaves_the_sample():
    async with open_lab(paused_engine(steps=5)) as lab:
        await lab.press("down", "right", "right", "h", "h")
        view = lab.app.lab.query_one(HeatmapView)
        await lab.pilot.click(HeatmapView, cell_of(view, neuron=4, sample=1))
        frame = await lab.frame()
        assert (frame.inspection.neuron, frame.inspection.sample) == (4, 2)


async def test_the_wheel_shows_other_neurons():
    async with open_lab(paused_engine("digits"), size=(80, 24)) as lab:
        heatmap = lab.app.lab.frame.heatmap
        assert len(heatmap.values) < heatmap.units
        await lab.pilot._post_mouse_events([MouseScrollDown], HeatmapView, button=0)
        assert (await lab.frame()).heatmap.first_neuron == 2


@pytest.mark.parametrize(
    ("word", "happened"),
    [
        ("run", lambda lab: lab.session.state == "RUNNING"),
        ("step", lambda lab: lab.trainer.step_count == DEAD_AT + 1),
        ("revive", lambda lab: lab.app.lab.frame.snapshot.dead == 0),
        ("leaky", lambda lab: lab.app.lab.frame.snapshot.layers[0].activation == "leaky-relu"),
        ("help", lambda lab: isinstance(lab.app.screen, HelpScreen)),
    ],
)
async def test_a_click_on_a_word_of_the_key_bar_acts(word, happened):
    async with open_lab(paused_engine(steps=DEAD_AT)) as lab:
        await lab.pilot.click("#keys", word_in_key_bar(lab, word))
        await lab.frame()
        assert happened(lab)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
async def test_of_several_keys_before_a_word_each_is_clicked_by_itself(size):
    async with open_lab(paused_engine("worked-example"), size=size) as lab:
        await lab.pilot.click("#keys", word_in_key_bar(lab, "x math"))
        await lab.frame()
        walked = []
        for key in ("→", "→", "←", "↓", "↑"):
            await lab.pilot.click("#keys", word_in_key_bar(lab, key))
            station = (await lab.frame()).panel.station
            walked.append((station.phase, station.layer, station.neuron))
        first, second = ("forward", 1, 1), ("forward", 1, 2)
        assert walked == [second, ("forward", 2, 1), second, ("forward", 2, 1), first]


async def test_a_click_on_the_title_opens_the_settings_and_closes_them():
    async with open_lab(paused_engine(), size=(60, 20)) as lab:
        for name in ("settings", None):
            await lab.pilot.click("#title")
            await lab.frame()
            assert lab.app.lab.panel_name == name


async def test_a_click_on_quit_quits():
    async with open_lab(paused_engine()) as lab:
        await lab.pilot.click("#keys", word_in_key_bar(lab, "quit"))
    assert lab.app.return_code == 0


@pytest.mark.parametrize("size", [(59, 24), (80, 19), (20, 5), (1, 1)])
async def test_a_terminal_too_small_is_told_so_and_a_larger_one_shows_the_lab_again(size):
    async with open_lab(paused_engine(steps=DEAD_AT), size=(80, 24)) as lab:
        await lab.pilot.resize_terminal(*size)
        sentence = lab.app.lab.query_one("#too-small")
        await lab.until(lambda: sentence.display)
        assert "needs 60 columns and 20 lines" in str(sentence.render())
        assert not lab.app.lab.query_one("#status").display
        await lab.press("s")
        await lab.pilot.resize_terminal(100, 30)
        await lab.until(lambda: not sentence.display)
        await lab.frame()
        assert f"step {DEAD_AT + 1}" in lab.status


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (100, 32), (160, 44), (250, 70)])
async def test_the_status_line_has_state_and_numbers_at_every_size(size):
    async with open_lab(paused_engine(steps=DEAD_AT), size=size) as lab:
        for part in ("PAUSED", f"epoch {DEAD_AT}", f"step {DEAD_AT}", "loss 2.43", "lr 0.03", "dead 4/4"):
            assert part in lab.status
        assert lab.app.lab.query_one("#keys").region.bottom == size[1]


async def test_the_views_lie_within_the_terminal_and_do_not_overlap():
    async with open_lab(paused_engine(steps=5), size=(80, 24)) as lab:
        for size, message in product(((80, 24), (200, 50), (120, 40), (60, 20)), ("short", "long " * 30)):
            await lab.pilot.resize_terminal(*size)
            lab.app.lab.say(message)
            await lab.frame()
            names = ["#title", "#status", "#loss", "#heatmap", "#predictions", "#layers", "#message", "#keys"]
            if lab.app.lab.query_one("#inspector").display:
                names.append("#inspector")
            regions = [lab.app.lab.query_one(name).region for name in names]
            for number, region in enumerate(regions):
                assert region.area
                assert lab.app.lab.region.contains_region(region)
                assert not any(region.overlaps(other) for other in regions[number + 1 :])


async def test_a_killed_training_process_is_reported_and_g_goes_on_from_the_last_state():
    engine = ProcessEngine(load_preset("sequence"), running=False)
    try:
        engine.ready()
        async with open_lab(engine) as lab:
            await lab.type("set learning-rate 0.001")
            await lab.press("s")
            await lab.until(lambda: lab.app.lab.log_of_session.kept_step == 1)
            os.kill(engine.process_id, signal.SIGKILL)
            lab.app.lab.wake()
            await lab.until(lambda: isinstance(lab.app.screen, DiedScreen))
            said = str(lab.app.screen.query_one("Static").render())
            assert "killed by SIGKILL" in said
            assert "go on from step 1" in said

            await lab.pilot.press("g")
            await lab.until(lambda: lab.app.screen is lab.app.lab)
            frame = await lab.frame()
            revived = lab.app.lab.engine
            assert revived.process_id != engine.process_id
            assert frame.snapshot.step >= 1
            assert frame.experiment.training.learning_rate == 0.001
            assert "going on from step 1" in lab.message
            assert "set learning-rate 0.001\nrun 1 epoch" in (await revived.script()) + "\n"
    finally:
        engine.close()
        lab.app.lab.engine.close()


@pytest.mark.parametrize("key", ["q", "escape", "ctrl+c"])
async def test_after_the_training_process_died_the_lab_can_be_left(key):
    engine = ProcessEngine(load_preset("sequence"))
    try:
        engine.ready()
        async with open_lab(engine) as lab:
            os.kill(engine.process_id, signal.SIGKILL)
            await lab.until(lambda: isinstance(lab.app.screen, DiedScreen))
            await lab.pilot.press(key)
    finally:
        engine.close()
    assert lab.app.return_code == (0 if key == "ctrl+c" else 1)


async def test_a_loss_that_is_not_finite_stops_the_training_and_undo_brings_it_back():
    async with open_lab(paused_engine()) as lab:
        await lab.type("set learning-rate 1000")
        await lab.press("space")
        for _ in range(60):
            if (await lab.frame()).state == "DIVERGED":
                break
        assert lab.status.startswith("✗ DIVERGED")
        await lab.press("space")
        assert "undo or restart" in lab.message
        frame = await lab.press("u")
        assert frame.state == "PAUSED"
        assert frame.experiment.training.learning_rate == 0.03


async def test_the_experiments_own_end_is_told_and_space_goes_beyond_it():
    text = '[experiment]\nname = "short"\nepochs = 30\n[data]\nbuiltin = "xor"\n'
    async with open_lab(LocalEngine(parse_experiment(text, "short.toml", Path()))) as lab:
        await lab.until(lambda: lab.session.state == "DONE" or lab.app.lab.wake())
        await lab.frame()
        assert "DONE" in lab.status
        assert "30 epochs" in lab.message
        frame = await lab.press("space")
        assert frame.state == "RUNNING"
        assert frame.snapshot.epoch > 30


async def test_text_from_a_file_is_shown_as_it_is_and_controls_nothing():
    text = (
        '[experiment]\nname = "[red]n[/red]\\u001b[31m"\nwatch = "see [bold]this[/] \\u0007\\u202e"\n'
        '[data]\nbuiltin = "xor"\n'
    )
    engine = LocalEngine(parse_experiment(text, "odd.toml", Path()))
    engine.session.pause()
    async with open_lab(engine) as lab:
        assert "[red]n[/red]" in lab.shown("#title")
        assert "see [bold]this[/]" in lab.message
        for selector in ("#title", "#message"):
            assert lab.shown(selector).isprintable()
        await lab.pilot.press("question_mark")
        await lab.until(lambda: isinstance(lab.app.screen, HelpScreen))
        assert "\x1b" not in lab.app.screen.query_one("Static").render().plain


async def test_a_script_given_on_opening_is_carried_out_command_by_command():
    commands = (Step(DEAD_AT), ReinitDead(), Run(epochs=2000), SetOption("learning-rate", 0.01))
    async with open_lab(paused_engine(steps_per_frame=500), commands=commands) as lab:
        await lab.until(lambda: lab.trainer.experiment.training.learning_rate == 0.01 or lab.app.lab.wake())
        assert lab.trainer.step_count == DEAD_AT + 2000
        assert "set learning-rate 0.01" in lab.session.script()


async def test_record_and_checkpoint_are_written_on_leaving(tmp_path):
    log = SessionLog(tmp_path / "events.jsonl", tmp_path / "state.npz")
    async with open_lab(paused_engine(steps=DEAD_AT), log=log) as lab:
        await lab.press("r")
        sha = lab.trainer.parameters_sha256()
        await lab.pilot.press("q")

    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "start"
    assert kinds[-2:] == ["snapshot", "end"]
    assert next(event["command"] for event in events if event["event"] == "command") == "reinit-dead"
    assert events[-1]["parameters_sha256"] == sha
    again = LocalEngine((tmp_path / "state.npz").read_bytes())
    assert again.session.trainer.parameters_sha256() == sha


class LeisurelyEngine(LocalEngine):
    """Gives the screen every opportunity to ask for a frame while it is being left."""

    def __init__(self, lab: list[LabScreen]) -> None:
        super().__init__(load_preset("sequence"))
        self.lab = lab
        self.requests: list[str] = []

    async def frame(self, view):
        self.requests.append("frame")
        return await super().frame(view)

    async def end_event(self, reason):
        self.requests.append("end")
        for screen in self.lab:
            screen.wake()
        for _ in range(20):
            await asyncio.sleep(0)
        return await super().end_event(reason)


async def test_no_frame_is_drawn_or_recorded_after_the_end(tmp_path):
    screens: list[LabScreen] = []
    engine = LeisurelyEngine(screens)
    async with open_lab(engine, log=SessionLog(tmp_path / "events.jsonl")) as lab:
        screens.append(lab.app.lab)
        await lab.pilot.press("q")
        await lab.until(lambda: lab.app.return_code is not None)
    assert engine.requests[-1] == "end"
