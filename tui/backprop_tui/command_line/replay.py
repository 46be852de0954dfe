"""``backprop-tui replay``: a record, played back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from backprop_core.errors import UserError
from backprop_tui.command_line.parsing import (
    add_screen_options,
    frames_a_second,
    has_terminal,
    must_have_terminal,
    positive,
)

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backprop_core.engine_process import ProcessEngine


DESCRIPTION = "Play a record back in the lab: pause, step, back and forth, at any speed."

EXAMPLES = """\
examples:
  backprop-tui run sequence --record mine.jsonl
  backprop-tui replay mine.jsonl
  backprop-tui replay mine.jsonl --speed 20
"""


def add_options(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("record", metavar="RECORD", type=Path, help="a file that --record has written")
    parser.add_argument("--speed", metavar="N", help="snapshots a second (default 2)")
    add_screen_options(parser)


def run(arguments: Namespace, engine: ProcessEngine | None) -> int:  # noqa: ARG001
    """Open the record."""
    speed = positive(arguments.speed, "--speed", 1000)
    fps = frames_a_second(arguments)
    if not has_terminal():
        from backprop_core.record import read_record

        # What is wrong with the record matters more than the terminal.
        read_record(arguments.record)
        raise UserError("a replay needs a terminal; the record itself is text, one JSON object a line")
    must_have_terminal()
    from backprop_tui.replay import DEFAULT_SPEED, open_replay

    return open_replay(
        arguments.record,
        speed=speed or DEFAULT_SPEED,
        fps=fps,
        ascii_only=arguments.ascii,
    )
