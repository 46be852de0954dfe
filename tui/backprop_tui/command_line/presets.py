"""``backprop-tui presets``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backprop_core.engine_process import ProcessEngine


DESCRIPTION = "List the presets: name, what each shows, what to try."

EXAMPLES = """\
examples:
  backprop-tui presets
  backprop-tui presets --json
"""


def add_options(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--json", action="store_true", help="as one JSON list")


def run(arguments: Namespace, engine: ProcessEngine | None) -> int:  # noqa: ARG001
    """List the presets."""
    from backprop_tui.listing import presets_as_json, presets_as_text

    sys.stdout.write(presets_as_json() if arguments.json else presets_as_text())
    return 0
