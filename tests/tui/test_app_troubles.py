"""Keys quicker than frames, an engine that does not answer, errors, disks that are full: the lab goes on."""

from __future__ import annotations

import asyncio
import errno
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from textual.command import CommandPalette
from textual.events import Key
from textual.widgets import Static

from backprop_core.commands import Run, SetOption
from backprop_core.engine import LocalEngine
from backprop_core.experiment_file import parse_experiment
from backprop_core.presets import load_preset, preset_names
from backprop_tui.lab import summary
from backprop_tui.prompt import Prompt, help_for
from backprop_tui.screens.presets import PresetsScreen
from backprop_tui.session_log import SessionLog
from backprop_tui.widgets.loss_plot import LossPlot
from backprop_tui.widgets.message_line import MessageLine, wrapped
from tests.tui.driving import open_lab, paused_engine

if TYPE_CHECKING:
    from io import RawIOBase

pytestmark = pytest.mark.usefixtures("short_waits")

DEAD_AT = 200


def hit(lab, *keys):
    """Press keys so that they come in one piece, quicker than any frame."""
    for key in keys:
        lab.app._driver.send_message(Key(key, {"plus": "+", "space": " "}.get(key, key)))


async def test_rates_raised_in_quick_succession_each_count():
    async with open_lab(paused_engine()) as lab:
        hit(lab, "plus", "plus", "plus")
        await lab.until(lambda: lab.trainer.experiment.training.learning_rate == 0.2)
        assert [line for line in lab.session.script().splitlines() if line.startswith("set")] == [
            "set learning-rate 0.05",
            "set learning-rate 0.1",
            "set learning-rate 0.2",
        ]


async def test_space_twice_in_quick_succession_is_where_it_was():
    async with open_lab(paused_engine()) as lab:
        hit(lab, "space", "space", "space")
        await lab.frame()
        assert lab.session.state == "RUNNING"
        hit(lab, "space", "space")
        await lab.frame()
        assert lab.session.state == "RUNNING"


async def test_seeds_taken_in_quick_succession_each_count():
    async with open_lab(paused_engine()) as lab:
        seed = lab.trainer.experiment.seed
        hit(lab, "N", "N", "N")
        await lab.until(lambda: lab.trainer.experiment.seed == seed + 3)


class UnansweringEngine(LocalEngine):
    """Does not answer commands until it is closed."""

    def __init__(self) -> None:
        super().__init__(load_preset("sequence"))
        self.session.pause()
        self.closed = False

    async def command(self, command):
        await asyncio.Event().wait()

    async def pause(self):
        await asyncio.Event().wait()

    def close(self) -> None:
        self.closed = True


async def test_while_the_engine_takes_its_time_one_can_look_around_and_leave():
    engine = UnansweringEngine()
    async with open_lab(engine) as lab:
        await lab.pilot.press("r", "h", "down")
        await lab.until(lambda: lab.app.lab.frame.heatmap.mode == "pre-activations")
        assert lab.app.lab.selection.neuron == 1
        await lab.pilot.press("q")
    assert lab.app.return_code == 0
    assert engine.closed


async def test_quitting_twice_leaves_without_saving_what_the_engine_does_not_give(tmp_path):
    engine = UnansweringEngine()
    async with open_lab(engine, log=SessionLog(checkpoint=tmp_path / "state.npz")) as lab:
        await lab.pilot.press("q")
        assert lab.app.return_code is None
        await lab.pilot.press("q")
    assert lab.app.return_code == 0
    assert engine.closed


async def test_the_reason_why_training_ended_is_shown_in_place_of_the_experiments_hint():
    text = '[experiment]\nname = "short"\nepochs = 30\nwatch = "watch it"\n[data]\nbuiltin = "xor"\n'
    async with open_lab(LocalEngine(parse_experiment(text, "short.toml", Path()))) as lab:
        await lab.until(lambda: lab.session.state == "DONE" or lab.app.lab.wake())
        await lab.frame()
        assert "30 epochs" in lab.message


async def test_training_asked_for_by_the_prompt_says_when_it_is_done():
    async with open_lab(paused_engine(steps_per_frame=3000)) as lab:
        await lab.type("run 20000 steps")
        assert "training: run 20000 steps" in lab.message
        while lab.session.state == "RUNNING":
            await lab.frame()
        await lab.frame()
        assert lab.message == "run 20000 steps: done at step 20000"


async def test_pausing_a_script_in_its_training_ends_the_script():
    commands = (Run(steps=100_000), SetOption("learning-rate", 0.5))
    async with open_lab(paused_engine(), commands=commands) as lab:
        await lab.until(lambda: lab.session.state == "RUNNING")
        await lab.press("space")
        await lab.until(lambda: "script has ended" in lab.message or lab.app.lab.wake())
        assert lab.trainer.experiment.training.learning_rate == 0.03


async def test_an_error_in_a_key_is_told_in_one_line_and_its_traceback_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def fail(_):
        raise ZeroDivisionError("of [red]all[/] things")

    monkeypatch.setattr(LossPlot, "toggle_axis", fail)
    async with open_lab(paused_engine()) as lab:
        await lab.press("g", "g")
        assert "ZeroDivisionError: of [red]all[/] things" in lab.message
        assert "test_app_troubles.py:" in lab.message
        (kept,) = tmp_path.iterdir()
        assert str(kept) in lab.message
        assert "Traceback" in kept.read_text()
        await lab.press("s")
        assert lab.trainer.step_count == 1


async def test_an_error_in_a_job_is_told_and_the_next_job_done(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("backprop_tui.screens.lab_screen.next_rate", lambda *_: {}["nothing"])
    async with open_lab(paused_engine()) as lab:
        await lab.press("plus")
        assert "KeyError" in lab.message
        await lab.press("s")
        assert lab.trainer.step_count == 1


async def test_an_error_in_drawing_ends_the_lab_with_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def fail(*_):
        raise ZeroDivisionError("while drawing")

    opened = []

    async def draw():
        async with open_lab(paused_engine()) as lab:
            opened.append(lab)
            monkeypatch.setattr(LossPlot, "show", fail)
            lab.app.lab.wake()
            await lab.until(lambda: lab.app.farewell)

    with pytest.raises(Exception, match="while drawing"):
        await draw()
    (lab,) = opened
    assert "ZeroDivisionError: while drawing" in lab.app.farewell
    assert "\n" not in lab.app.farewell
    assert lab.app.return_code == 1
    assert lab.app._exit_renderables == []


class FullDisk:
    """A recorder's file on a disk that gets full."""

    def __init__(self, file: RawIOBase, room: int) -> None:
        self.file = file
        self.room = room

    def write(self, data: memoryview) -> int:
        written = self.file.write(data[: self.room])
        self.room -= written
        if not written:
            raise OSError(errno.ENOSPC, "No space left on device")
        return written

    def __getattr__(self, name: str) -> object:
        return getattr(self.file, name)


async def test_a_record_that_cannot_be_written_is_told_once_and_training_goes_on(tmp_path):
    log = SessionLog(tmp_path / "events.jsonl")
    assert log._recorder is not None
    log._recorder._file = FullDisk(log._recorder._file, 5000)
    async with open_lab(paused_engine(), log=log) as lab:
        await lab.until(lambda: lab.message or lab.app.lab.wake())
        while "No space left" not in lab.message:
            await lab.press("s")
        assert "events.jsonl" in lab.message
        await lab.press("r")
        assert "No space left" not in lab.message
        await lab.pilot.press("q")
    assert lab.app.return_code == 0
    lines = (tmp_path / "events.jsonl").read_text().split("\n")
    assert lines.pop() == ""
    assert [json.loads(line)["event"] for line in lines][:2] == ["start", "snapshot"]


async def test_a_checkpoint_that_cannot_be_written_on_leaving_is_told_and_the_record_still_ends(tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    log = SessionLog(tmp_path / "events.jsonl", folder / "state.npz")
    folder.rmdir()
    async with open_lab(paused_engine(), log=log) as lab:
        await lab.pilot.press("q")
    assert lab.app.return_code == 2
    assert "state.npz: cannot be written" in lab.app.farewell
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert events[-1]["event"] == "end"


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_long_message_is_shown_whole_until_something_is_selected(size):
    async with open_lab(paused_engine(steps=DEAD_AT), size=size) as lab:
        text = "one word after another until the line is full and more " * 2 + "at the end"
        lab.app.lab.say(text)
        await lab.frame()
        shown = " ".join(line.strip() for line in lab.shown("#message").splitlines())
        assert shown.strip() == text
        await lab.press("down")
        assert "layer 1 neuron 1" in lab.shown("#inspector")
        assert lab.app.lab.query_one("#inspector").display


async def test_what_does_not_fit_into_two_lines_is_shown_above_the_views_too():
    async with open_lab(paused_engine(), size=(80, 24)) as lab:
        lab.app.lab.say("a [b]long[/] word " * 30, warning=True)
        await lab.until(lambda: list(lab.app._notifications))
        (notification,) = lab.app._notifications
        assert notification.message == ("a [b]long[/] word " * 30).strip()
        assert not notification.markup
        assert notification.severity == "warning"


def test_lines_break_between_words_and_within_words_that_are_too_long():
    assert wrapped("one two three", 7) == ["one two", "three"]
    assert wrapped("one two three", 8) == ["one two", "three"]
    assert wrapped("abcdefgh ij", 4) == ["abcd", "efgh", "ij"]
    assert wrapped("", 4) == [""]


@pytest.mark.parametrize(
    ("line", "help_text"),
    [
        (
            "set ",
            "learning-rate  batch-size  weight-decay  l1  gradient-clip  reduction  optimizer"
            "  data  noise  samples  validation  features",
        ),
        ("s", "step  set  standardize  snapshot  save"),
        ("set o", "optimizer"),
        ("step 3", "step [3]: train so many batches"),
        ("und", "undo [divergence]: go back to before the last intervention, or the divergence"),
        ("nonsense", ""),
        (" ", ""),
    ],
)
def test_the_prompt_helps_with_what_can_come_next(line, help_text):
    assert help_for(line) == help_text


async def test_the_help_gives_way_to_the_message_when_the_prompt_is_left():
    async with open_lab(paused_engine()) as lab:
        await lab.press("s")
        said = lab.message
        await lab.pilot.press("colon")
        await lab.write("und")
        await lab.frame()
        assert "go back to before" in lab.shown("#message")
        assert lab.app.lab.query_one(MessageLine).text == said
        await lab.pilot.press("escape")
        await lab.frame()
        assert said in lab.shown("#message")
        assert lab.app.lab.query_one("#keys").display


async def test_the_prompt_takes_the_place_of_the_key_bar_and_moves_no_view():
    async with open_lab(paused_engine(), size=(80, 24)) as lab:
        before = lab.app.lab.query_one("#views").region
        await lab.pilot.press("colon")
        await lab.frame()
        assert lab.app.lab.query_one("#views").region == before
        assert lab.app.lab.query_one(Prompt).region.y == 23


async def choose(lab, words):
    await lab.pilot.press("ctrl+p")
    await lab.until(lambda: isinstance(lab.app.screen, CommandPalette))
    await lab.write(words)
    options = lab.app.screen.query_one("CommandList")
    await lab.until(lambda: options.option_count and options.highlighted is not None)
    await lab.pilot.press("enter")


async def test_a_theme_is_chosen_from_the_palette():
    async with open_lab(paused_engine()) as lab:
        await choose(lab, "theme")
        await lab.until(lambda: isinstance(lab.app.screen, CommandPalette))
        await lab.write("textual-light")
        options = lab.app.screen.query_one("CommandList")
        await lab.until(lambda: options.option_count == 1 and options.highlighted is not None)
        await lab.pilot.press("enter")
        await lab.until(lambda: lab.app.theme == "textual-light")


async def test_a_preset_is_opened_from_the_palette(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with open_lab(paused_engine()) as lab:
        await choose(lab, "preset spiral")
        await lab.until(lambda: lab.app.lab.frame.experiment.name == "spiral" or lab.app.lab.wake())


async def test_a_picture_of_the_screen_is_written_into_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with open_lab(paused_engine()) as lab:
        await choose(lab, "picture")
        await lab.until(lambda: "picture written" in lab.message)
    (picture,) = tmp_path.iterdir()
    assert picture.read_text().startswith("<svg")
    assert "PAUSED" in picture.read_text()


async def test_the_summary_says_where_it_stood_and_what_was_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with open_lab(paused_engine(steps=DEAD_AT)) as lab:
        await lab.press("w")
        text = summary(lab.app.last_frame, lab.app.lab.scripts)
    assert text == (
        f"sequence: paused at step {DEAD_AT}, epoch {DEAD_AT}, loss 2.43846, dead 4/4; written: sequence.script"
    )


async def test_a_revived_engine_keeps_the_pace_and_stays_paused():
    class Mortal(LocalEngine):
        dead = False

        async def frame(self, view):
            if self.dead:
                raise EngineDied("it was ended")
            return await super().frame(view)

    from backprop_core.engine import EngineDied
    from backprop_tui.screens.died import DiedScreen

    engine = Mortal(load_preset("sequence"))
    engine.session.pause()
    async with open_lab(engine) as lab:
        await lab.press("less_than_sign", "less_than_sign")
        engine.dead = True
        lab.app.lab.wake()
        await lab.until(lambda: isinstance(lab.app.screen, DiedScreen))
        await lab.pilot.press("g")
        await lab.until(lambda: lab.app.lab.engine is not engine)
        await lab.frame()
        assert lab.session.state == "PAUSED"
        assert lab.session._pace.steps_per_second == 1000


async def test_the_key_bar_names_what_a_key_would_do_now():
    async with open_lab(paused_engine(steps=DEAD_AT)) as lab:
        assert "space run  " in lab.shown("#keys")
        assert "l leaky" in lab.shown("#keys")
        places = [lab.shown("#keys").index(word) for word in ("s step", "+ - lr", "q quit")]
        await lab.press("l", "space")
        assert "space pause" in lab.shown("#keys")
        assert "l relu " in lab.shown("#keys")
        assert [lab.shown("#keys").index(word) for word in ("s step", "+ - lr", "q quit")] == places


async def test_in_a_small_terminal_no_key_bar_comes_back_with_the_prompts_end():
    async with open_lab(paused_engine()) as lab:
        await lab.pilot.press("colon", "escape")
        await lab.frame()
        assert lab.app.lab.query_one("#keys").display
        await lab.pilot.resize_terminal(40, 10)
        await lab.until(lambda: lab.app.lab.query_one("#too-small").display)
        assert not lab.app.lab.query_one("#keys").display


async def test_all_is_said_of_each_preset_in_the_smallest_terminal_too():
    async with open_lab(paused_engine(), size=(60, 20)) as lab:
        await lab.pilot.press("p")
        await lab.until(lambda: isinstance(lab.app.screen, PresetsScreen))
        dialog, details = lab.app.screen.query_one(".dialog"), lab.app.screen.query_one("#details", Static)
        for name in preset_names():
            await lab.pilot.pause()
            preset = load_preset(name)
            assert str(details.render()) == f"{preset.description}\n{preset.watch}"
            assert dialog.content_region.contains_region(details.region)
            await lab.pilot.press("down")


async def test_a_frame_that_is_due_while_the_screen_is_taken_down_is_no_error():
    async with open_lab(paused_engine()) as lab:
        await lab.app.lab.query("*").remove()
        lab.app.lab.wake()
        await lab.until(lambda: not any(w.name == "frames" and w.is_running for w in lab.app.workers))
