"""Pictures of whole screens, compared with ones that were looked at: ``pytest --snapshot-update`` renews them."""

from __future__ import annotations

import pytest
from textual.widgets import OptionList

from backprop_core.commands import ReinitDead, SetOption, Step
from backprop_tui.screens.help import HelpScreen
from backprop_tui.screens.presets import PresetsScreen
from tests.tui.diagnoses import CannedEngine
from tests.tui.driving import Driver, make_app, open_lab, paused_engine

pytestmark = pytest.mark.usefixtures("short_waits")

SIZES = [(80, 24), (120, 40), (200, 50)]
DEAD_AT = 200


async def settled(pilot):
    """Wait until a frame has been drawn in the layout of the terminal's size."""
    driver = Driver(pilot.app, pilot)
    await driver.until(lambda: driver.app.lab.frame is not None)
    await driver.frame()
    await driver.frame()


def after(*keys):
    """Return what presses keys once the lab has settled."""

    async def press(pilot):
        await settled(pilot)
        await Driver(pilot.app, pilot).press(*keys)

    return press


def healed():
    engine = paused_engine(steps=DEAD_AT)
    for command in (SetOption("learning-rate", 0.01), ReinitDead(), Step(1500)):
        engine.session.trainer.apply(command)
    return engine


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_dead_neurons(snap_compare, size):
    app = make_app(paused_engine(steps=DEAD_AT))
    assert snap_compare(app, terminal_size=size, run_before=settled)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_many_layers(snap_compare, size):
    app = make_app(paused_engine("digits", steps=300))
    assert snap_compare(app, terminal_size=size, run_before=settled)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_after_an_intervention(snap_compare, size):
    run_before = after("h", "h", "down", "right")
    assert snap_compare(make_app(healed()), terminal_size=size, run_before=run_before)


def test_before_the_first_step(snap_compare):
    assert snap_compare(make_app(paused_engine()), terminal_size=(120, 40), run_before=settled)


def test_signed_values(snap_compare):
    app = make_app(paused_engine("digits", steps=300))
    run_before = after("h", "right_square_bracket", "down", "right")
    assert snap_compare(app, terminal_size=(120, 40), run_before=run_before)


def test_light_theme(snap_compare):
    app = make_app(healed())
    app.theme = "textual-light"
    assert snap_compare(app, terminal_size=(120, 40), run_before=settled)


def test_ascii_only(snap_compare):
    app = make_app(healed(), ascii_only=True)
    assert snap_compare(app, terminal_size=(120, 40), run_before=settled)


def test_too_small(snap_compare):
    assert snap_compare(make_app(paused_engine()), terminal_size=(50, 12), run_before=settled)


async def open_help(pilot):
    await settled(pilot)
    await pilot.press("question_mark")
    await Driver(pilot.app, pilot).until(lambda: isinstance(pilot.app.screen, HelpScreen))
    await pilot.pause()


async def open_presets(pilot):
    await settled(pilot)
    await pilot.press("p")
    await Driver(pilot.app, pilot).until(lambda: isinstance(pilot.app.screen, PresetsScreen))
    await pilot.pause()


async def open_prompt(pilot):
    await settled(pilot)
    await pilot.press("colon", "s", "e")
    pilot.app.query_one("Prompt").cursor_blink = False
    await pilot.pause()


@pytest.mark.parametrize("opened", [open_help, open_presets, open_prompt], ids=lambda opened: opened.__name__)
def test_what_opens_above(snap_compare, opened):
    app = make_app(paused_engine(steps=DEAD_AT))
    assert snap_compare(app, terminal_size=(120, 40), run_before=opened)


async def open_diagnosis(pilot):
    await settled(pilot)
    await pilot.press("d")
    lab = pilot.app.lab
    await Driver(pilot.app, pilot).until(
        lambda: lab.consultation.diagnosis and lab.consultation.seconds is None
    )
    await settled(pilot)


async def look_at_the_dead_units(pilot):
    await open_diagnosis(pilot)
    await pilot.press("down")
    await pilot.pause()


async def look_at_what_does_harm(pilot):
    await look_at_the_dead_units(pilot)
    await pilot.press("right", "right", "t")
    await pilot.pause()


async def read_about_the_fault(pilot):
    await look_at_the_dead_units(pilot)
    await pilot.press("question_mark")
    await pilot.pause()


async def treat(pilot):
    await open_diagnosis(pilot)
    await pilot.press("escape")
    driver = Driver(pilot.app, pilot)
    await driver.press("t", "space", "space")


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("done", [look_at_the_dead_units, treat], ids=lambda done: done.__name__)
def test_a_diagnosis(snap_compare, done, size):
    app = make_app(CannedEngine(steps_per_frame=450))
    assert snap_compare(app, terminal_size=size, run_before=done)


@pytest.mark.parametrize(
    "done", [open_diagnosis, look_at_what_does_harm, read_about_the_fault], ids=lambda done: done.__name__
)
def test_more_of_a_diagnosis(snap_compare, done):
    assert snap_compare(make_app(CannedEngine()), terminal_size=(100, 30), run_before=done)


def test_a_diagnosis_in_ascii(snap_compare):
    app = make_app(CannedEngine(), ascii_only=True)
    assert snap_compare(app, terminal_size=(80, 24), run_before=look_at_the_dead_units)


@pytest.mark.parametrize("size", [(60, 20), *SIZES], ids=str)
async def test_ascii_only_a_diagnosis_shows_no_character_above_0x7e_either(size):
    async with open_lab(CannedEngine(), size=size, ascii_only=True) as lab:
        await open_diagnosis(lab.pilot)
        for key in ("down", "right", "right", "t", "down", "question_mark"):
            await lab.pilot.press(key)
            await lab.pilot.pause()
            assert max(characters_shown(lab)) <= "\x7e"


def characters_shown(driver):
    lines = driver.app.screen._compositor.render_strips()
    return {character for line in lines for character in line.text}


@pytest.mark.parametrize("size", [(60, 20), *SIZES], ids=str)
@pytest.mark.parametrize("preset", ["sequence", "digits", "spiral"])
async def test_ascii_only_shows_no_character_above_0x7e(preset, size):
    async with open_lab(paused_engine(preset, steps=50), size=size, ascii_only=True) as lab:
        assert max(characters_shown(lab)) <= "\x7e"
        for key in ("h", "h", "h", "down", "right", "g", "r", "z", "colon"):
            await lab.press(key)
            assert max(characters_shown(lab)) <= "\x7e"


@pytest.mark.parametrize("key", ["question_mark", "p", "ctrl+p"])
async def test_ascii_only_what_opens_above_shows_no_such_character_either(key):
    async with open_lab(paused_engine(), ascii_only=True) as lab:
        await lab.pilot.press(key)
        await lab.until(lambda: lab.app.screen is not lab.app.lab)
        await lab.pilot.pause()
        assert max(characters_shown(lab)) <= "\x7e"
        await lab.pilot.press("pagedown", "pagedown")
        assert max(characters_shown(lab)) <= "\x7e"


async def test_every_preset_is_listed():
    from backprop_core.presets import preset_names

    async with open_lab(paused_engine()) as lab:
        await lab.pilot.press("p")
        await lab.until(lambda: isinstance(lab.app.screen, PresetsScreen))
        options = lab.app.screen.query_one(OptionList)
        assert [option.id for option in options.options] == list(preset_names())
