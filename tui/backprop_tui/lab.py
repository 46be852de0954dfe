"""Opening the lab: the training process first, then the screen."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from backprop_core.engine import EngineDied
from backprop_core.errors import UserError
from backprop_core.files import harmless, read_bytes, read_text
from backprop_tui.opening import run, screen_options
from backprop_tui.terminal.surroundings import is_served

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from backprop_core.commands import Command
    from backprop_core.engine_process import ProcessEngine
    from backprop_core.snapshot import Frame
    from backprop_tui.options import LabOptions

LARGEST_CHECKPOINT = 1 << 32
LARGEST_SCRIPT = 1 << 20


def open_lab(options: LabOptions, engine: ProcessEngine) -> int:
    """Open the lab around a training process, and return the exit code when it is left.

    Raises
    ------
    UserError
        If the experiment, the checkpoint or the script cannot be read; the screen is not opened then.
    """
    source = read_bytes(options.resume, LARGEST_CHECKPOINT) if options.resume else options.experiment
    assert source is not None
    engine.open(source, shlex.join(options.arguments), running=options.script is None)
    app = None
    try:
        # Textual is imported while the training process gets ready.
        from backprop_core.grammar import parse_script
        from backprop_tui.app import LabApp
        from backprop_tui.session_log import SessionLog

        commands: tuple[Command, ...] = ()
        if options.script:
            text = read_text(options.script, LARGEST_SCRIPT)
            commands = tuple(command for _, command in parse_script(text, str(options.script)))
        log = SessionLog(options.record, options.checkpoint, options.checkpoint_every)
        engine.ready()
        app = LabApp(
            engine,
            log,
            **screen_options(options.fps, ascii_only=options.ascii_only),
            commands=commands,
            treat=options.treat,
            tour=options.tour,
        )
        run(app)
    except EngineDied as death:
        raise UserError(death.reason) from None
    finally:
        # A process that died may have been replaced by another.
        if app is not None:
            app.lab.engine.close()
    if app.last_frame is not None and not is_served():
        sys.stdout.write(harmless(summary(app.last_frame, app.lab.scripts)) + "\n")
    if app.farewell:
        sys.stderr.write(f"backprop-tui: {harmless(app.farewell)}\n")
    return app.return_code or 0


def summary(frame: Frame, scripts: Sequence[Path] = ()) -> str:
    """Return one line that says where a session stood when it was left, and what it has written."""
    snapshot = frame.snapshot
    written = f"; written: {', '.join(map(str, scripts))}" if scripts else ""
    return (
        f"{frame.experiment.name}: {frame.state.lower()} at step {snapshot.step}, epoch {snapshot.epoch}, "
        f"loss {snapshot.training_loss:.6g}, dead {snapshot.dead}/{snapshot.mortal}{written}"
    )
