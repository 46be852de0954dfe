"""Opening the lab around a script of the user's own."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from typing import TYPE_CHECKING

from backprop_core.engine import EngineDied
from backprop_core.errors import UserError
from backprop_core.files import harmless, read_text, shown
from backprop_core.review import syntax_trouble
from backprop_core.review.watching.watch_engine import WatchEngine
from backprop_tui.lab import summary

if TYPE_CHECKING:
    from pathlib import Path

    from backprop_tui.widgets.findings import Report

LARGEST_SCRIPT = 2_000_000


def open_watch(script: Path, loss: str | None, fps: float | None, *, paused: bool, ascii_only: bool) -> int:
    """Run a script and open the lab around it; return the exit code when it is left.

    Raises
    ------
    UserError
        If the script cannot be read, or no training loop is found in it; the screen is not opened then.
    """
    if trouble := syntax_trouble(read_text(script, LARGEST_SCRIPT), script):
        raise UserError(f"{shown(script)}: {trouble}")
    script = script.resolve()
    sys.stderr.write(
        f"backprop-tui: running {harmless(str(shown(script)))} until its training loop is found\n"
    )
    engine = WatchEngine(script, loss, WATCH_PACE, running=not paused)
    app = None
    try:
        # Textual is imported while the script gets to its training loop.
        from backprop_tui.opening import run, screen_options
        from backprop_tui.watch_app import WatchApp

        engine.ready()
        app = WatchApp(engine, lambda: reviewed(script, loss), **screen_options(fps, ascii_only=ascii_only))
        run(app)
    except EngineDied as death:
        raise UserError(death.reason) from None
    finally:
        (engine if app is None else app.lab.engine).close()
    if app.last_frame is not None:
        sys.stdout.write(harmless(summary(app.last_frame)) + "\n")
    if app.farewell:
        sys.stderr.write(f"backprop-tui: {harmless(app.farewell)}\n")
    return app.return_code or 0


WATCH_PACE = 100.0
"""Updates a second at the beginning: hand-written scripts are often over in a second."""


async def reviewed(script: Path, loss: str | None) -> Report:
    """Review a script in a process of its own, beside the one that is watched."""
    words = [sys.executable, "-m", "backprop_tui", "review", str(script), "--json"]
    process = await asyncio.create_subprocess_exec(
        *words,
        *(["--loss", loss] if loss else []),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        # As ctrl+c does: it ends what it has started itself.
        process.send_signal(signal.SIGINT)
        raise
    try:
        report: Report = json.loads(output)
    except ValueError:
        reason = "the review ended without a report"
        return {"reviewed": False, "reason": reason, "mistakes": [], "warnings": []}
    return report
