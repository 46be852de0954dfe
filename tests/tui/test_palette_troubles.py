"""The command palette under keys that come at the wrong moment: no error, no second palette."""

from __future__ import annotations

import asyncio

import pytest
from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Provider
from textual.widgets import Input

from backprop_tui.app import LabApp
from tests.tui.driving import open_lab, paused_engine

pytestmark = pytest.mark.usefixtures("short_waits")


def is_open(lab) -> bool:
    return isinstance(lab.app.screen, CommandPalette) and lab.app.screen.is_mounted


async def test_it_opens_again_while_it_is_still_closing():
    async with open_lab(paused_engine()) as lab:
        lab.app.action_palette()
        await lab.until(lambda: is_open(lab))
        lab.app.screen.dismiss(None)
        lab.app.action_palette()
        await lab.until(lambda: is_open(lab))
        await lab.pilot.press("escape")
        await lab.until(lambda: not is_open(lab))


@pytest.mark.parametrize("key", ["pageup", "pagedown", "home", "end", "up", "down", "enter"])
@pytest.mark.parametrize("size", [(1, 1), (120, 40)])
async def test_its_keys_are_harmless_before_what_it_found_is_laid_out(key, size):
    async with open_lab(paused_engine(), size=size) as lab:
        said = lab.message
        await lab.pilot.press("ctrl+p")
        await lab.until(lambda: is_open(lab))
        options = lab.app.screen.query_one(CommandList)
        await lab.until(lambda: options.option_count and options.highlighted is not None)
        found = list(options.options)
        options.clear_options()
        options.add_options(found)
        options.highlighted = 1
        await lab.app.run_action(f"screen.command_list('{key.replace('page', 'page_')}')")
        await lab.pilot.press(key)
        await lab.pilot.pause()
        assert lab.message == said


@pytest.fixture
def dismantled(monkeypatch):
    """Commands that are found only when the palette's list has been taken down."""
    dismantled = asyncio.Event()

    class Late(Provider):
        async def discover(self):
            await dismantled.wait()
            yield DiscoveryHit("too late", lambda: None)

        async def search(self, query):
            await dismantled.wait()
            yield Hit(1, query, lambda: None)

    monkeypatch.setattr(LabApp, "COMMANDS", {Late})
    monkeypatch.setattr(CommandList, "on_unmount", lambda _: dismantled.set(), raising=False)
    return dismantled


async def test_leaving_while_it_is_looking_for_commands(dismantled):
    async with open_lab(paused_engine()) as lab:
        await lab.pilot.press("ctrl+p")
        await lab.until(lambda: is_open(lab))
        await lab.app.action_quit()
    assert dismantled.is_set()
    assert lab.app.return_code == 0
    assert lab.app.farewell == ""


async def test_what_was_typed_last_is_looked_for_no_more_once_it_closes(dismantled):
    async with open_lab(paused_engine()) as lab:
        await lab.pilot.press("ctrl+p")
        await lab.until(lambda: is_open(lab))
        palette = lab.app.screen
        palette.dismiss(None)
        palette.post_message(Input.Changed(palette.query_one(Input), "x"))
        await lab.until(dismantled.is_set)
        await lab.press("s")
        assert lab.trainer.step_count == 1
