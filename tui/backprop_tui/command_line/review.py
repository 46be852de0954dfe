"""``backprop-tui review``: the backpropagation of a hand-written script."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from backprop_tui.command_line.parsing import positive

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backprop_core.engine_process import ProcessEngine


DESCRIPTION = "Run a script, compare its updates with the gradient of its own loss, and name the mistakes."

EXAMPLES = """\
examples:
  backprop-tui review my_network.py
  backprop-tui review my_network.py --loss E          the loss is called E
  backprop-tui review my_network.py --gradient-only   of a script that trains for minutes, its first updates alone
  backprop-tui review my_network.py --json            one JSON object, for programs

The script is executed, unmodified, in a process of its own; with lines corrected it is run again, to its end.
Exit code: 0 nothing found, 1 mistakes found, 2 the script could not be reviewed.
"""


def add_options(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("script", metavar="SCRIPT.py", type=Path, help="the script; it is executed")
    parser.add_argument(
        "--loss", metavar="NAME", help="what the script calls its loss, where it is not found"
    )
    parser.add_argument("--timeout", metavar="SECONDS", help="stop the script after so long (default 30)")
    parser.add_argument(
        "--gradient-only",
        action="store_true",
        help="look at its first updates alone: try no corrected lines, and nothing beyond the gradient",
    )
    parser.add_argument("--json", action="store_true", help="as one JSON object")


def run(arguments: Namespace, engine: ProcessEngine | None) -> int:  # noqa: ARG001
    """Review the script."""
    from backprop_tui.reviewing import run_review

    timeout = positive(arguments.timeout, "--timeout", 86_400)
    return run_review(arguments.script, arguments.loss, timeout, arguments.json, arguments.gradient_only)
