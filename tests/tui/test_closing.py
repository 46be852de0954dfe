"""What opens above the lab closes once, however often that is asked for."""

from __future__ import annotations

import gc
import weakref

import pytest
from textual._styles_cache import StylesCache
from textual.screen import Screen

from tests.tui.driving import open_lab, paused_engine

pytestmark = pytest.mark.usefixtures("short_waits")


@pytest.mark.parametrize("key", ["question_mark", "p", "ctrl+p"])
async def test_closing_twice_before_it_is_closed_closes_once(key):
    async with open_lab(paused_engine()) as lab:
        await lab.pilot.press(key)
        await lab.until(lambda: lab.app.screen is not lab.app.lab)
        opened = lab.app.screen
        opened.dismiss(None)
        opened.dismiss(None)
        await lab.pilot.pause()
        assert lab.app.screen is lab.app.lab
        await lab.press("s")
        assert lab.trainer.step_count == 1


@pytest.mark.parametrize("key", ["question_mark", "p", "ctrl+p"])
async def test_what_was_closed_is_forgotten(key):
    async with open_lab(paused_engine()) as lab:
        counts = []
        for _ in range(3):
            await lab.pilot.press(key)
            await lab.until(lambda: lab.app.screen is not lab.app.lab)
            await lab.pilot.pause()
            opened = weakref.ref(lab.app.screen)
            await lab.pilot.press("escape")
            await lab.until(lambda opened=opened: not (opened() and opened().is_running))
            await lab.frame()
            gc.collect()
            counts.append(sum(isinstance(thing, StylesCache) for thing in gc.get_objects()))
        assert counts[2] <= counts[1]


@pytest.mark.parametrize("key", ["question_mark", "p", "d", "ctrl+p"])
async def test_a_screen_that_is_taken_down_while_it_opens_has_no_parts_and_needs_none(key, monkeypatch):
    async with open_lab(paused_engine()) as lab:
        # What Textual does of a screen that is pruned before it has been composed.
        monkeypatch.setattr(Screen, "mount_composed_widgets", nothing_mounted)
        await lab.pilot.press(key)
        await lab.until(lambda: lab.app.screen is not lab.app.lab)
        await lab.pilot.pause()
        lab.app.exit(return_code=0)
    assert lab.app.return_code == 0
    assert lab.app.farewell == ""


async def nothing_mounted(screen, widgets):
    pass
