"""The command ``backprop-tui``."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, cast

from backprop_core import __version__
from backprop_core.blas_threads import use_one_thread
from backprop_core.errors import UserError
from backprop_core.files import harmless
from backprop_tui.command_line.parsing import CommandModule, Formatter, Parser, missing_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from backprop_core.engine_process import ProcessEngine

# Importing makes objects that stay: looking for garbage among them costs a tenth of the start-up.
gc.disable()

BAD_INPUT = 2
COMMANDS = {
    "run": "open the lab, or train headless (the default command)",
    "diagnose": "train, say why it does or does not learn, and heal it",
    "review": "review the backpropagation in a hand-written NumPy script",
    "watch": "watch a hand-written NumPy script train, live in the lab",
    "tour": "take the tour: from a stalled network to a trained one",
    "presets": "list the presets",
    "replay": "play a record back in the lab",
    "serve": "serve the lab to a browser",
}
"""Each has a file of its own in ``command_line``."""

OPENING_THE_LAB = ("run", "tour")

EXAMPLES = """\
examples:
  backprop-tui                                   open the lab on the preset «sequence»
  backprop-tui digits                            open it on another preset
  backprop-tui --series mine.txt --window 3      on a series of your own
  backprop-tui --csv mine.csv --target price     on a table of your own
  backprop-tui run sequence --headless           train without a screen, events as JSON lines
  backprop-tui diagnose as-posted --treat        say why it does not learn, and heal it
  backprop-tui replay mine.jsonl                 play back what --record has written
  backprop-tui presets                           list the presets
  backprop-tui review my_network.py              find the mistakes in your own backpropagation
  backprop-tui watch my_network.py               see your own script train, live
  backprop-tui tour                              seven steps from a stalled network to a trained one
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit code."""
    use_one_thread(os.environ)
    try:
        return _dispatch(list(sys.argv[1:] if argv is None else argv))
    except UserError as error:
        sys.stderr.write(f"backprop-tui: {harmless(str(error))}\n")
        return BAD_INPUT
    except MemoryError:
        sys.stderr.write("backprop-tui: there is not enough memory for that\n")
        return BAD_INPUT
    except KeyboardInterrupt:
        return 130


def _dispatch(words: list[str]) -> int:
    if not words or words[0] not in (*COMMANDS, "-h", "--help", "--version"):
        words.insert(0, "run")
    with _training_process(words) as engine:
        arguments = _parser(words[0]).parse_args(words)
        return _module(arguments.command).run(arguments, engine)


def _module(command: str) -> CommandModule:
    return cast("CommandModule", import_module(f"backprop_tui.command_line.{command}"))


@contextmanager
def _training_process(words: list[str]) -> Iterator[ProcessEngine | None]:
    """Start the lab's training process before anything else is imported: it gets ready meanwhile."""
    headless = not {"--headless", "-h", "--help"}.isdisjoint(words)
    if words[0] not in OPENING_THE_LAB or headless or missing_terminal():
        yield None
        return
    from backprop_core.engine_process import ProcessEngine

    engine = ProcessEngine()
    try:
        yield engine
    finally:
        engine.close()


def _parser(chosen: str) -> Parser:
    """Return the parser of all commands; only the chosen one's options are made."""
    parser = Parser(
        prog="backprop-tui",
        description="A terminal lab that shows why a neural network is not learning, and heals it live.",
        epilog=EXAMPLES,
        formatter_class=Formatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"backprop-tui {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        if name != chosen:
            commands.add_parser(name, help=summary, add_help=False)
            continue
        module = _module(name)
        command = commands.add_parser(
            name,
            help=summary,
            description=module.DESCRIPTION,
            epilog=module.EXAMPLES,
            formatter_class=Formatter,
            allow_abbrev=False,
        )
        module.add_options(command)
    return parser
