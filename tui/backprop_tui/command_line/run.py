"""``backprop-tui run``, the default: the lab, or training without a screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from backprop_core.errors import UserError
from backprop_tui.command_line.parsing import (
    add_screen_options,
    frames_a_second,
    must_have_terminal,
    positive,
)

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backprop_core.engine_process import ProcessEngine


DESCRIPTION = "Open the lab on an experiment; with --headless train it without a screen."

EXAMPLES = """\
examples:
  backprop-tui run spiral --hidden 16,16 --learning-rate 0.02
  backprop-tui run my.toml --seed 3
  backprop-tui run --csv mine.csv --target price --optimizer sgd:momentum=0.9
  backprop-tui run sequence --headless --script heal.txt
  backprop-tui run as-posted --treat
  backprop-tui run digits --headless --quiet --epochs 20
  echo 'run 500 epochs' | backprop-tui run xor --headless --script -

A script has one command a line; an `expect` that fails ends it with exit code 1.
Names with options are written NAME:OPTION=VALUE, several layers' activations with commas.
"""


def add_options(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    from backprop_tui.options import add_experiment_options

    add_experiment_options(parser)
    session = parser.add_argument_group("session")
    session.add_argument("--headless", action="store_true", help="no screen; events on standard output")
    session.add_argument(
        "--quiet", action="store_true", help="headless: print the last snapshot and the end only"
    )
    session.add_argument(
        "--treat", action="store_true", help="diagnose on the way, and apply confirmed cures"
    )
    session.add_argument("--script", metavar="FILE", help="commands to carry out; - is standard input")
    session.add_argument("--record", metavar="FILE", type=Path, help="append every event as JSON Lines")
    session.add_argument("--checkpoint", metavar="FILE", type=Path, help="save all that is needed to go on")
    session.add_argument("--checkpoint-every", metavar="SECONDS", help="save it so often")
    session.add_argument("--resume", metavar="FILE", type=Path, help="go on from a checkpoint")
    add_screen_options(parser)


def run(arguments: Namespace, engine: ProcessEngine | None) -> int:
    """Open the lab, or train headless."""
    from backprop_tui.options import arguments_of, experiment_of, given_values

    every = positive(arguments.checkpoint_every, "--checkpoint-every")
    fps = frames_a_second(arguments)
    if every and not arguments.checkpoint:
        raise UserError("--checkpoint-every needs --checkpoint FILE")
    if arguments.quiet and not arguments.headless:
        raise UserError("--quiet needs --headless")
    if arguments.treat and arguments.script:
        raise UserError("--treat goes without --script: there, `treat` is a command")
    if arguments.resume and (arguments.experiment or given_values(arguments)):
        raise UserError("--resume takes the experiment from its file; leave out what would change it")
    _check_files(arguments)
    experiment = None if arguments.resume else experiment_of(arguments)
    if arguments.headless:
        from backprop_tui.headless import HeadlessOptions, run_headless

        return run_headless(
            HeadlessOptions(
                experiment,
                arguments.resume,
                arguments.script,
                arguments.record,
                arguments.checkpoint,
                every,
                arguments.quiet,
                arguments.treat,
            )
        )
    must_have_terminal()
    assert engine is not None
    if arguments.script == "-":
        raise UserError("--script -: the lab needs standard input for keys; give a file, or --headless")
    from backprop_tui.lab import open_lab
    from backprop_tui.options import LabOptions

    return open_lab(
        LabOptions(
            experiment,
            arguments.resume,
            fps,
            arguments.ascii,
            Path(arguments.script) if arguments.script else None,
            arguments.record,
            arguments.checkpoint,
            every,
            arguments_of(arguments),
            arguments.treat,
        ),
        engine,
    )


def _check_files(arguments: Namespace) -> None:
    """Refuse before any training what could not be written in the end, and files that would be spoilt."""
    from backprop_core.files import NPZ_MAGIC, must_be_writable

    record, checkpoint = arguments.record, arguments.checkpoint
    if record and checkpoint and record.absolute() == checkpoint.absolute():
        raise UserError("--record and --checkpoint name one file; give each its own")
    if checkpoint:
        must_be_writable(checkpoint, NPZ_MAGIC)
