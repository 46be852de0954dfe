"""``backprop-tui tour``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_tui.command_line.parsing import add_screen_options, frames_a_second, must_have_terminal

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backprop_core.engine_process import ProcessEngine


DESCRIPTION = "Open the lab on «sequence», with seven steps to do: see why it has stalled, and heal it."

EXAMPLES = """\
examples:
  backprop-tui tour
  backprop-tui tour --ascii
"""


def add_options(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_screen_options(parser)


def run(arguments: Namespace, engine: ProcessEngine | None) -> int:
    """Open the lab with the tour."""
    fps = frames_a_second(arguments)
    must_have_terminal()
    assert engine is not None
    from backprop_core.presets import load_preset
    from backprop_tui.lab import open_lab
    from backprop_tui.options import LabOptions
    from backprop_tui.tour import PRESET

    return open_lab(
        LabOptions(load_preset(PRESET), fps=fps, ascii_only=arguments.ascii, arguments=(PRESET,), tour=True),
        engine,
    )
