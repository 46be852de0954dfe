"""The command ``backprop-tui``."""

from __future__ import annotations

import gc
import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from backprop_core import __version__
from backprop_core.blas_threads import use_one_thread
from backprop_core.errors import UserError
from backprop_core.files import harmless
from backprop_tui.terminal.surroundings import is_served

if TYPE_CHECKING:
    from argparse import Namespace, _SubParsersAction
    from collections.abc import Iterator, Sequence

    from backprop_core.engine_process import ProcessEngine

# Importing makes objects that stay: looking for garbage among them costs a tenth of the start-up.
gc.disable()

BAD_INPUT = 2
COMMANDS = ("run", "presets", "diagnose", "review", "watch", "replay", "serve", "tour")

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

DIAGNOSE_EXAMPLES = """\
examples:
  backprop-tui diagnose as-posted                say why the posted network does not learn
  backprop-tui diagnose as-posted --treat        and heal it in the epochs that are left
  backprop-tui diagnose my.toml --epochs 500
  backprop-tui diagnose --csv mine.csv --target price --json

The exit code is 0 if nothing is found, 1 if something is. A finding counts only if an experiment confirms it:
copies of the run go on with a cure and without, over the same batches, and the cured one ends clearly better.
"""

REPLAY_EXAMPLES = """\
examples:
  backprop-tui run sequence --record mine.jsonl
  backprop-tui replay mine.jsonl
  backprop-tui replay mine.jsonl --speed 20
"""

RUN_EXAMPLES = """\
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


REVIEW_EXAMPLES = """\
examples:
  backprop-tui review my_network.py
  backprop-tui review my_network.py --loss E          the loss is called E
  backprop-tui review my_network.py --json            one JSON object, for programs

The script is executed, unmodified, in a process of its own. Exit code: 0 nothing found, 1 mistakes found,
2 the script could not be reviewed.
"""


WATCH_EXAMPLES = """\
examples:
  backprop-tui watch my_network.py
  backprop-tui watch my_network.py --loss E           the loss is called E
  backprop-tui watch my_network.py --paused           hold it at its first updates

The script is executed, unmodified, in a process of its own: its loss, hidden activations and dead neurons are drawn
as it trains, at 100 updates a second at first (> is faster); the review's findings stand beside them. It can be paused
and stepped, and run again (n) after an edit; nothing of its state is ever changed from outside.
"""


SERVE_EXAMPLES = """\
examples:
  backprop-tui serve                              the lab in a browser of this machine, on port 8000
  backprop-tui serve --port 8080 digits           on another port, with another preset
  backprop-tui serve my.toml --seed 3             all that `backprop-tui run` takes follows
  backprop-tui serve --host 0.0.0.0               for others too: whoever reaches it can write files as you

It needs the extra: pip install 'backprop-tui[serve]'
"""


class _Formatter(RawDescriptionHelpFormatter):
    """Asks the terminal's width itself: argparse imports all of `shutil` for that, 3 ms of every start."""

    def __init__(self, prog: str) -> None:
        try:
            columns = os.get_terminal_size().columns
        except OSError:
            columns = 100
        super().__init__(prog, width=max(min(columns, 110) - 2, 40))


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see {self.prog} --help")


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
        arguments = _parser().parse_args(words)
        if arguments.command == "presets":
            return _list_presets(arguments)
        if arguments.command == "diagnose":
            return _diagnose(arguments)
        if arguments.command == "review":
            from backprop_tui.reviewing import run_review

            timeout = _positive(arguments.timeout, "--timeout", 86_400)
            return run_review(arguments.script, arguments.loss, timeout, arguments.json)
        if arguments.command == "watch":
            return _watch(arguments)
        if arguments.command == "tour":
            return _tour(arguments, engine)
        if arguments.command == "replay":
            return _replay(arguments)
        if arguments.command == "serve":
            return _serve(arguments)
        return _run(arguments, engine)


@contextmanager
def _training_process(words: list[str]) -> Iterator[ProcessEngine | None]:
    """Start the lab's training process before anything else is imported: it gets ready meanwhile."""
    headless = not {"--headless", "-h", "--help"}.isdisjoint(words)
    if words[0] not in ("run", "tour") or headless or _missing_terminal():
        yield None
        return
    from backprop_core.engine_process import ProcessEngine

    engine = ProcessEngine()
    try:
        yield engine
    finally:
        engine.close()


def _parser() -> ArgumentParser:
    parser = _Parser(
        prog="backprop-tui",
        description="A terminal lab that shows why a neural network is not learning, and heals it live.",
        epilog=EXAMPLES,
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"backprop-tui {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    run = commands.add_parser(
        "run",
        help="open the lab, or train headless (the default command)",
        description="Open the lab on an experiment; with --headless train it without a screen.",
        epilog=RUN_EXAMPLES,
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    _add_run_options(run)
    diagnose = commands.add_parser(
        "diagnose",
        help="train, say why it does or does not learn, and heal it",
        description="Train, say why the network does or does not learn, and measure the cures.",
        epilog=DIAGNOSE_EXAMPLES,
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    _add_diagnose_options(diagnose)
    presets = commands.add_parser(
        "presets",
        help="list the presets",
        description="List the presets: name, what each shows, what to try.",
        epilog="examples:\n  backprop-tui presets\n  backprop-tui presets --json",
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    presets.add_argument("--json", action="store_true", help="as one JSON list")
    _add_review(commands)
    _add_watch(commands)
    tour = commands.add_parser(
        "tour",
        help="take the tour: from a stalled network to a trained one",
        description="Open the lab on «sequence», with seven steps to do: see why it has stalled, and heal it.",
        epilog="examples:\n  backprop-tui tour\n  backprop-tui tour --ascii",
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    _add_screen_options(tour)
    replay = commands.add_parser(
        "replay",
        help="play a record back in the lab",
        description="Play a record back in the lab: pause, step, back and forth, at any speed.",
        epilog=REPLAY_EXAMPLES,
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    replay.add_argument("record", metavar="RECORD", type=Path, help="a file that --record has written")
    replay.add_argument("--speed", metavar="N", help="snapshots a second (default 2)")
    _add_screen_options(replay)
    serve = commands.add_parser(
        "serve",
        help="serve the lab to a browser",
        description="Serve the lab to a browser; each visitor gets one of their own.",
        epilog=SERVE_EXAMPLES,
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    serve.add_argument("--host", metavar="ADDRESS", default="127.0.0.1", help="listen on (default 127.0.0.1)")
    serve.add_argument("--port", metavar="N", default="8000", help="a number from 1 to 65535 (default 8000)")
    _add_run_options(serve)
    return parser


def _add_review(commands: _SubParsersAction[_Parser]) -> None:
    review = commands.add_parser(
        "review",
        help="review the backpropagation in a hand-written NumPy script",
        description="Run a script, compare its updates with the gradient of its own loss, and name the mistakes.",
        epilog=REVIEW_EXAMPLES,
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    review.add_argument("script", metavar="SCRIPT.py", type=Path, help="the script; it is executed")
    review.add_argument(
        "--loss", metavar="NAME", help="what the script calls its loss, where it is not found"
    )
    review.add_argument("--timeout", metavar="SECONDS", help="stop the script after so long (default 30)")
    review.add_argument("--json", action="store_true", help="as one JSON object")


def _add_watch(commands: _SubParsersAction[_Parser]) -> None:
    watch = commands.add_parser(
        "watch",
        help="watch a hand-written NumPy script train, live in the lab",
        description="Run a script of your own, unmodified, and watch it train.",
        epilog=WATCH_EXAMPLES,
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    watch.add_argument("script", metavar="SCRIPT.py", type=Path, help="the script; it is executed")
    watch.add_argument("--loss", metavar="NAME", help="what the script calls its loss, where it is not found")
    watch.add_argument(
        "--paused", action="store_true", help="hold the script once its training loop has been found"
    )
    _add_screen_options(watch)


def _add_run_options(parser: ArgumentParser) -> None:
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
    _add_screen_options(parser)


def _add_screen_options(parser: ArgumentParser) -> None:
    screen = parser.add_argument_group("screen")
    screen.add_argument("--fps", metavar="N", help="frames a second (default 10; 5 over SSH)")
    screen.add_argument(
        "--ascii",
        action="store_true",
        help="no character above 0x7e (chosen by itself where the locale is not UTF-8)",
    )


def _list_presets(arguments: Namespace) -> int:
    from backprop_tui.listing import presets_as_json, presets_as_text

    sys.stdout.write(presets_as_json() if arguments.json else presets_as_text())
    return 0


def _add_diagnose_options(parser: ArgumentParser) -> None:
    from backprop_tui.options import add_experiment_options

    add_experiment_options(parser)
    diagnosis = parser.add_argument_group("diagnosis")
    diagnosis.add_argument(
        "--treat", action="store_true", help="apply the confirmed cures, train the epochs left, compare"
    )
    diagnosis.add_argument("--json", action="store_true", help="as events, one JSON object a line")


def _diagnose(arguments: Namespace) -> int:
    from backprop_tui.diagnosing import run_diagnosis
    from backprop_tui.options import experiment_of

    return run_diagnosis(experiment_of(arguments), treat=arguments.treat, json=arguments.json)


def _replay(arguments: Namespace) -> int:
    speed = _positive(arguments.speed, "--speed", 1000)
    fps = _positive(arguments.fps, "--fps", 60)
    if not _has_terminal():
        from backprop_core.record import read_record

        # What is wrong with the record matters more than the terminal.
        read_record(arguments.record)
        raise UserError("a replay needs a terminal; the record itself is text, one JSON object a line")
    if missing := _missing_terminal():
        raise UserError(missing)
    from backprop_tui.replay import DEFAULT_SPEED, open_replay

    return open_replay(
        arguments.record,
        speed=speed or DEFAULT_SPEED,
        fps=fps,
        ascii_only=arguments.ascii,
    )


def _has_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()


def _serve(arguments: Namespace) -> int:
    from backprop_tui.options import arguments_of, experiment_of
    from backprop_tui.serving import serve

    port = _positive(arguments.port, "--port", 65535)
    if port is None or port != int(port):
        raise UserError(f"--port: must be a whole number from 1 to 65535, not '{arguments.port}'")
    for flag in ("headless", "quiet", "script", "record", "checkpoint", "checkpoint_every", "resume"):
        if getattr(arguments, flag):
            raise UserError(
                f"--{flag.replace('_', '-')}: not with serve, where each visitor has a lab of their own"
            )
    experiment_of(arguments)
    fps = ["--fps", arguments.fps] if _positive(arguments.fps, "--fps", 60) else []
    return serve(
        [*arguments_of(arguments), *fps, *(["--ascii"] if arguments.ascii else [])], arguments.host, int(port)
    )


def _positive(text: str | None, flag: str, most: float = 1e9) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 < value <= most:
        raise UserError(f"{flag}: must be a number above 0 and at most {most:g}, not '{text}'")
    return value


def _run(arguments: Namespace, engine: ProcessEngine | None) -> int:
    from backprop_tui.options import arguments_of, experiment_of, given_values

    every = _positive(arguments.checkpoint_every, "--checkpoint-every")
    fps = _positive(arguments.fps, "--fps", 60)
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
    if missing := _missing_terminal():
        raise UserError(missing)
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


def _watch(arguments: Namespace) -> int:
    fps = _positive(arguments.fps, "--fps", 60)
    if missing := _missing_terminal():
        raise UserError(f"{missing.partition(';')[0]}; backprop-tui review needs none")
    from backprop_tui.watch import open_watch

    return open_watch(
        arguments.script, arguments.loss, fps, paused=arguments.paused, ascii_only=arguments.ascii
    )


def _tour(arguments: Namespace, engine: ProcessEngine | None) -> int:
    fps = _positive(arguments.fps, "--fps", 60)
    if missing := _missing_terminal():
        raise UserError(missing)
    assert engine is not None
    from backprop_core.presets import load_preset
    from backprop_tui.lab import open_lab
    from backprop_tui.options import LabOptions
    from backprop_tui.tour import PRESET

    return open_lab(
        LabOptions(load_preset(PRESET), fps=fps, ascii_only=arguments.ascii, arguments=(PRESET,), tour=True),
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


def _missing_terminal() -> str:
    """Return why the lab cannot be opened here, empty if it can."""
    if is_served():
        return ""
    if not _has_terminal():
        return "the lab needs a terminal; train without one with --headless"
    if os.environ.get("TERM", "dumb") in ("", "dumb"):
        return "the lab cannot draw on a dumb terminal (TERM); train without a screen with --headless"
    return ""
