"""``backprop-tui watch``: a hand-written script, live in the lab."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from backprop_core.errors import UserError
from backprop_tui.command_line.parsing import add_screen_options, frames_a_second, missing_terminal

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backprop_core.engine_process import ProcessEngine


DESCRIPTION = "Run a script of your own, unmodified, and watch it train."

EXAMPLES = """\
examples:
  backprop-tui watch my_network.py
  backprop-tui watch my_network.py --loss E           the loss is called E
  backprop-tui watch my_network.py --paused           hold it at its first updates

The script is executed, unmodified, in a process of its own: its loss, hidden activations and dead neurons are drawn
as it trains, at 100 updates a second at first (> is faster); the review's findings stand beside them. It can be paused
and stepped, and run again (n) after an edit; nothing of its state is ever changed from outside.
"""


def add_options(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("script", metavar="SCRIPT.py", type=Path, help="the script; it is executed")
    parser.add_argument(
        "--loss", metavar="NAME", help="what the script calls its loss, where it is not found"
    )
    parser.add_argument(
        "--paused", action="store_true", help="hold the script once its training loop has been found"
    )
    add_screen_options(parser)


def run(arguments: Namespace, engine: ProcessEngine | None) -> int:  # noqa: ARG001
    """Open the lab around the script."""
    fps = frames_a_second(arguments)
    if missing := missing_terminal():
        raise UserError(f"{missing.partition(';')[0]}; backprop-tui review needs none")
    from backprop_tui.watch import open_watch

    return open_watch(
        arguments.script, arguments.loss, fps, paused=arguments.paused, ascii_only=arguments.ascii
    )
