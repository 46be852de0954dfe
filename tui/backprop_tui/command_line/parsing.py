"""What the commands' parsers share: how errors and help are told, numbers, the terminal."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import TYPE_CHECKING, NoReturn, Protocol

from backprop_core.errors import UserError
from backprop_tui.terminal.surroundings import is_served

if TYPE_CHECKING:
    from argparse import Namespace

    from backprop_core.engine_process import ProcessEngine


class CommandModule(Protocol):
    """What each file beside this one has.

    Attributes
    ----------
    DESCRIPTION, EXAMPLES : str
        For its ``--help``.
    """

    DESCRIPTION: str
    EXAMPLES: str

    def add_options(self, parser: ArgumentParser) -> None:
        """Add the command's arguments."""

    def run(self, arguments: Namespace, engine: ProcessEngine | None) -> int:
        """Do it, and return the exit code. ``engine`` is the training process, where the command opens the lab."""


class Formatter(RawDescriptionHelpFormatter):
    """Asks the terminal's width itself: argparse imports all of `shutil` for that, 3 ms of every start."""

    def __init__(self, prog: str) -> None:
        try:
            columns = os.get_terminal_size().columns
        except OSError:
            columns = 100
        super().__init__(prog, width=max(min(columns, 110) - 2, 40))


class Parser(ArgumentParser):
    """Tells what is wrong as every other error of the user's is told."""

    def error(self, message: str) -> NoReturn:
        """Raise it as a UserError."""
        raise UserError(f"{message}; see {self.prog} --help")


def add_screen_options(parser: ArgumentParser) -> None:
    """Add what every command has that opens a screen."""
    screen = parser.add_argument_group("screen")
    screen.add_argument("--fps", metavar="N", help="frames a second (default 10; 5 over SSH)")
    screen.add_argument(
        "--ascii",
        action="store_true",
        help="no character above 0x7e (chosen by itself where the locale is not UTF-8)",
    )


def positive(text: str | None, flag: str, most: float = 1e9) -> float | None:
    """Return an option's number, None where it is not given."""
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 < value <= most:
        raise UserError(f"{flag}: must be a number above 0 and at most {most:g}, not '{text}'")
    return value


def frames_a_second(arguments: Namespace) -> float | None:
    """Return what ``--fps`` says."""
    return positive(arguments.fps, "--fps", 60)


def has_terminal() -> bool:
    """Tell whether input, output and errors are a terminal's."""
    return sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()


def missing_terminal() -> str:
    """Return why the lab cannot be opened here, empty if it can."""
    if is_served():
        return ""
    if not has_terminal():
        return "the lab needs a terminal; train without one with --headless"
    if os.environ.get("TERM", "dumb") in ("", "dumb"):
        return "the lab cannot draw on a dumb terminal (TERM); train without a screen with --headless"
    return ""


def must_have_terminal() -> None:
    """Refuse to go on where the lab cannot be opened."""
    if missing := missing_terminal():
        raise UserError(missing)
