"""What opens above the lab closes once, however often that is asked for."""

from __future__ import annotations

import pytest

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
