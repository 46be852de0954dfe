"""The tour: every step is done, not read; from the stalled network to the trained one."""

from __future__ import annotations

import pytest

from backprop_tui.palette import Ink
from backprop_tui.screens.help import HelpScreen
from backprop_tui.tour import FAREWELL, STEPS, Tour
from backprop_tui.widgets.message_line import wrapped
from backprop_tui.widgets.tour_line import LEAVE, TourLine
from tests.tui.drawing import canvas_of
from tests.tui.driving import make_app, open_lab, paused_engine
from tests.tui.test_snapshots import after, characters_shown

pytestmark = pytest.mark.usefixtures("short_waits")

DEAD_AT = 200


@pytest.mark.parametrize("at", range(len(STEPS) + 1))
def test_every_step_is_whole_in_two_lines_of_80_columns(at):
    tour = Tour()
    tour.at = at
    assert len(wrapped(f"{tour.heading}: {tour.text}", 78 - len(LEAVE) - 2)) <= 2


async def test_it_is_taken_from_start_to_end_by_doing_what_it_says():
    async with open_lab(paused_engine(steps=DEAD_AT, steps_per_frame=500), size=(80, 24)) as lab:
        await lab.press("T")
        for at, keys in enumerate((["down"], ["x"], ["down"] * 4, ["v"], ["down"], ["r"]), start=1):
            assert f"tour {at} of 7" in lab.shown("#tour")
            await lab.press(*keys)
        assert "tour 7 of 7" in lab.shown("#tour")
        await lab.press("space")
        for _ in range(100):
            frame = await lab.frame()
            if frame.snapshot.training_loss < 0.1:
                break
        assert lab.app.lab.tour.text == FAREWELL
        assert "tour done" in lab.shown("#tour")
        await lab.press("T")
        assert not lab.app.lab.query(TourLine)


async def test_a_step_waits_for_what_it_asks():
    async with open_lab(paused_engine(steps=DEAD_AT)) as lab:
        await lab.press("T", "h", "g", "x", "escape")
        assert "tour 1 of 7" in lab.shown("#tour")
        await lab.press("down", "v")
        assert "tour 2 of 7" in lab.shown("#tour")


async def test_typing_tour_in_the_help_begins_it_and_does_nothing_else():
    async with open_lab(paused_engine(steps=DEAD_AT)) as lab:
        await lab.pilot.press("question_mark")
        await lab.until(lambda: isinstance(lab.app.screen, HelpScreen))
        await lab.pilot.press("t", "o", "u", "r")
        await lab.until(lambda: lab.app.screen is lab.app.lab)
        await lab.frame()
        assert "tour 1 of 7" in lab.shown("#tour")
        assert not lab.app.lab.frame.undoable


async def test_another_experiment_gives_way_to_the_tours_and_is_kept_as_a_script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with open_lab(paused_engine("xor", steps=5)) as lab:
        await lab.type("set learning-rate 0.1")
        await lab.press("T")
        await lab.frame()
        assert "sequence" in lab.shown("#title")
        assert "tour 1 of 7" in lab.shown("#tour")
        assert list(tmp_path.iterdir())


async def test_a_click_leaves_it():
    async with open_lab(paused_engine(steps=DEAD_AT)) as lab:
        await lab.press("T")
        line = lab.app.lab.query_one(TourLine)
        await lab.pilot.click(TourLine, (line.region.width - 4, 0))
        await lab.until(lambda: not lab.app.lab.query(TourLine))
        assert lab.app.lab.tour is None


async def test_the_lines_say_where_one_is_without_a_character_above_0x7e():
    async with open_lab(paused_engine(steps=DEAD_AT), ascii_only=True) as lab:
        await lab.press("T", "down")
        assert max(characters_shown(lab)) <= "\x7e"
        canvas = canvas_of(lab.app.lab.query_one(TourLine))
        assert canvas.inks[0, 0] == Ink.MARK


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)], ids=str)
def test_a_picture_of_it(snap_compare, size):
    app = make_app(paused_engine(steps=DEAD_AT))
    assert snap_compare(app, terminal_size=size, run_before=after("T", "down", "x", *["down"] * 4))
