"""A script of the user's own in the lab: looked at, held and stepped, and never changed."""

import asyncio

import pytest

from backprop_tui.keys import KEYS, WATCH_KEYS
from backprop_tui.screens.help import HelpScreen
from backprop_tui.widgets.findings import FindingsView
from tests.review.watching import NETWORK
from tests.tui.drawing import lines_of, text_of
from tests.tui.driving import Driver
from tests.tui.watching import REPORT, Reviewer, make_watch, open_watch, stand_at, written

pytestmark = pytest.mark.usefixtures("short_waits")

SIZES = [(80, 24), (120, 40), (200, 50)]


def findings(driver):
    return "\n".join(lines_of(driver.app.lab.query_one(FindingsView)))


async def test_it_says_what_runs_and_what_was_found_of_it(tmp_path):
    async with open_watch(tmp_path, Reviewer(ready=False)) as driver:
        title = driver.shown("#title")
        assert "my_network.py · 2-3-1 relu linear · loss: loss, line 15" in title
        assert "runs unmodified in a process of its own" in driver.message


async def test_space_lets_it_go_on_and_holds_it(tmp_path):
    async with open_watch(tmp_path) as driver:
        assert driver.status.startswith("‖ PAUSED")
        running = await driver.press("space")
        assert running.state == "RUNNING"
        held = await driver.press("space")
        later = await driver.frame()
        assert (held.state, later.snapshot.step) == ("PAUSED", held.snapshot.step)


async def test_s_takes_one_update(tmp_path):
    async with open_watch(tmp_path) as driver:
        before = driver.app.lab.frame.snapshot.step
        frame = await driver.press("s", "s")
        assert frame.snapshot.step == before + 2
        assert driver.message == "1 update of the script"


async def test_findings_come_with_line_and_correction(tmp_path):
    reviewer = Reviewer(ready=False)
    async with open_watch(tmp_path, reviewer) as driver:
        assert "are being reviewed" in findings(driver)
        reviewer.ready.set()
        await driver.until(lambda: driver.app.lab.findings.report is not None)
        await driver.frame()
        assert "line 17: missing-hidden-derivative, layer 1" in findings(driver)
        assert "d1 = d2 @ w2.T * (z1 > 0)" in findings(driver)
        assert driver.message == "review: line 17: missing-hidden-derivative, layer 1"


async def test_f_shows_the_predictions_in_their_place(tmp_path):
    async with open_watch(tmp_path) as driver:
        shown = [driver.app.lab.query_one(name).display for name in ("#findings", "#predictions")]
        await driver.press("f")
        after = [driver.app.lab.query_one(name).display for name in ("#findings", "#predictions")]
        assert (shown, after) == ([True, False], [False, True])
        assert "prediction" in driver.shown("#predictions")


async def test_enter_shows_the_whole_report_as_plain_text(tmp_path):
    async with open_watch(tmp_path) as driver:
        await driver.press("enter")
        screen = driver.app.screen
        assert isinstance(screen, HelpScreen)
        assert "[not markup]" in str(screen._text)
        assert "w1 (2, 3), line 19: wrong  relative error 0.83" in str(screen._text)
        assert "No layer has a bias [not markup]." in str(screen._text)
        assert "17  print(d1)" in str(screen._text)
        assert "the loss ends at 0.25, without at 0.5" in str(screen._text)


async def test_n_runs_the_script_again_as_its_file_is_now(tmp_path):
    reviewer = Reviewer()
    async with open_watch(tmp_path, reviewer) as driver:
        await driver.press(*"ssssssssss")
        before = driver.app.lab.frame
        written(
            tmp_path,
            NETWORK.replace("randn(2, 3)", "randn(2, 4)")
            .replace("-50.0", "-50.0, 0.3")
            .replace("randn(3, 1)", "randn(4, 1)"),
        )
        frame = await driver.press("n")
        assert frame.snapshot.layers[0].units == 4
        assert frame.snapshot.step != before.snapshot.step
        assert reviewer.asked == 2


async def test_a_script_broken_meanwhile_leaves_the_run_as_it_is(tmp_path):
    async with open_watch(tmp_path) as driver:
        step = driver.app.lab.frame.snapshot.step
        (tmp_path / "my_network.py").write_text("print('nothing')\n")
        frame = await driver.press("n")
        assert "cannot be watched: it has no loop" in driver.message
        assert frame.snapshot.step == step
        assert (await driver.press("s")).snapshot.step == step + 1


async def test_no_key_that_would_change_the_script_is_offered_or_acts(tmp_path):
    async with open_watch(tmp_path) as driver:
        before = driver.app.lab.frame
        offered = {spec.action for spec in WATCH_KEYS}
        others = [spec for spec in KEYS if spec.action not in offered and not spec.keys.startswith("n")]
        assert {"reinit_dead", "toggle_leaky", "rate_up", "undo", "prompt", "presets"} <= {
            s.action for s in others
        }
        for spec in others:
            if spec.action != "restart_next":
                await driver.press(spec.keys.split(",")[0])
        assert driver.app.lab.frame.snapshot.step == before.snapshot.step
        bar = text_of(driver.app.lab.query_one("#keys"))
        assert not {"revive", "leaky", "rate", "undo", "presets", "command", "view", "math"} & set(
            bar.split()
        )
        assert not driver.app.lab.query("#health")


async def test_a_review_that_failed_is_told_with_its_reason(tmp_path):
    report = REPORT | {"reviewed": False, "reason": "it has no loss", "mistakes": [], "warnings": []}
    async with open_watch(tmp_path, Reviewer(report)) as driver:
        await driver.until(lambda: driver.app.lab.findings.report is not None)
        await driver.frame()
        assert "it has no loss" in findings(driver)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_pictures(snap_compare, tmp_path, size):
    reviewer = Reviewer(ready=False)
    app = make_watch(written(tmp_path), reviewer)
    engine = app.lab.engine

    async def settled(pilot):
        driver = Driver(pilot.app, pilot)
        await driver.until(lambda: app.lab.frame is not None)
        await driver.frame()
        reviewer.ready.set()
        await driver.until(lambda: app.lab.findings.report is not None)
        await driver.frame()

    try:
        # Before the screen is there: how many frames there were on the way is no part of the picture.
        asyncio.run(stand_at(engine, 40))
        assert snap_compare(app, terminal_size=size, run_before=settled)
    finally:
        engine.close()
