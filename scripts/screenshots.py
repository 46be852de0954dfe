"""Draw the pictures of the documentation, by the app itself: `make screenshots`."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

# Without a terminal Textual would settle for 16 colours; it reads this when it is imported.
os.environ["TEXTUAL_COLOR_SYSTEM"] = "truecolor"

from backprop_core.commands import Step
from backprop_core.engine import LocalEngine
from backprop_core.presets import load_preset
from backprop_core.review import review
from backprop_core.review.watching.watch_engine import WatchEngine
from backprop_tui.app import LabApp
from backprop_tui.session_log import SessionLog
from backprop_tui.watch_app import WatchApp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backprop_tui.widgets.findings import Report

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "screenshots"
SCRIPT = ROOT / "tests" / "review" / "posted_network.py"

MEDIUM = (120, 40)

PICTURES: tuple[tuple[str, str, tuple[int, int], int, int, Sequence[str]], ...] = (
    ("stalled", "sequence", MEDIUM, 400, 12, []),
    ("healed", "sequence", MEDIUM, 400, 12, ["r", *["wait"] * 14]),
    ("diagnosis", "as-posted", MEDIUM, 400, 12, ["d", "diagnosis"]),
    ("treated", "as-posted", MEDIUM, 400, 12, ["d", "diagnosis", "escape", "t", *["wait"] * 12]),
    ("digits", "digits", MEDIUM, 60, 20, ["down", "down", "right"]),
    ("narrow", "dying-relu", (80, 24), 100, 20, []),
    ("wide", "overfitting", (200, 50), 40, 40, []),
    ("step", "worked-example", MEDIUM, 1, 0, ["x", "n", "down", "down", "down", "down"]),
    ("batch", "moons", MEDIUM, 1, 30, ["x", *["down"] * 5, "h", "right_square_bracket"]),
    ("network", "sequence", MEDIUM, 1, 2, ["v", "down", "down"]),
    ("plane", "spiral", MEDIUM, 50, 12, ["v", "v"]),
    (
        "settings",
        "spiral",
        MEDIUM,
        50,
        12,
        ["o", *["down"] * 8, "enter", *["down"] * 2, "enter", *["wait"] * 8],
    ),
    ("confusion", "digits", MEDIUM, 50, 6, ["v", "v"]),
    ("series", "repaired", MEDIUM, 400, 12, ["v", "v"]),
    ("compare", "spiral", MEDIUM, 40, 12, ["k", "minus", "minus", "n", *["wait"] * 9, "v", "v", "v"]),
    ("presets", "sequence", MEDIUM, 400, 4, ["p"]),
    ("help", "sequence", MEDIUM, 400, 4, ["question_mark"]),
)
"""Name, preset, size, steps a frame, frames before the keys, keys ("wait" is another frame; "diagnosis", until it is
known)."""


async def draw(
    name: str, preset: str, size: tuple[int, int], steps: int, frames: int, keys: Sequence[str]
) -> None:
    """Write one picture."""
    engine = LocalEngine(load_preset(preset), steps_per_frame=steps, fork_epochs=600)
    # Frames come when they are asked for, and few of themselves: their number is that of the list above.
    app = LabApp(engine, SessionLog(), fps=0.1)
    app.lab.watchful = False
    async with app.run_test(size=size) as pilot:
        for _ in range(frames):
            await app.lab.next_frame()
        for key in keys:
            if key == "diagnosis":
                while app.lab.consultation.diagnosis is None:
                    await app.lab.next_frame()
            elif key != "wait":
                await pilot.press(key)
            await app.lab.next_frame()
        await app.lab.engine.pause()
        await app.lab.next_frame()
        await pilot.pause()
        picture = app.export_screenshot(title="backprop-tui")
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.svg").write_text(picture, encoding="utf-8")


async def draw_watched(name: str, script: Path, size: tuple[int, int], updates: int) -> None:
    """Write a picture of a script of one's own in the lab, its review beside it."""
    found = review(script).as_dict()

    async def reviewed() -> Report:
        return found

    engine = WatchEngine(script, running=False)
    app = WatchApp(engine, reviewed, fps=0.1)
    try:
        async with app.run_test(size=size) as pilot:
            while (await app.lab.next_frame()).snapshot.step < updates:
                await app.lab.engine.command(Step(1))
            while app.lab.findings.report is None:
                await app.lab.next_frame()
            await app.lab.next_frame()
            await pilot.pause()
            picture = app.export_screenshot(title=f"backprop-tui watch {script.name}")
    finally:
        engine.close()
    (FOLDER / f"{name}.svg").write_text(picture, encoding="utf-8")


async def main() -> None:
    """Draw all of them."""
    for picture in PICTURES:
        await draw(*picture)
    await draw_watched("watch", SCRIPT, MEDIUM, 40)


if __name__ == "__main__":
    asyncio.run(main())
