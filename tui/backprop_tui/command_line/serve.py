"""``backprop-tui serve``: the lab in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_core.errors import UserError
from backprop_tui.command_line import run as run_command
from backprop_tui.command_line.parsing import frames_a_second, positive

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backprop_core.engine_process import ProcessEngine


DESCRIPTION = "Serve the lab to a browser; each visitor gets one of their own."

EXAMPLES = """\
examples:
  backprop-tui serve                              the lab in a browser of this machine, on port 8000
  backprop-tui serve --port 8080 digits           on another port, with another preset
  backprop-tui serve my.toml --seed 3             all that `backprop-tui run` takes follows
  backprop-tui serve --host 0.0.0.0               for others too: whoever reaches it can write files as you

It needs the extra: pip install 'backprop-tui[serve]'
"""


def add_options(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--host", metavar="ADDRESS", default="127.0.0.1", help="listen on (default 127.0.0.1)"
    )
    parser.add_argument("--port", metavar="N", default="8000", help="a number from 1 to 65535 (default 8000)")
    run_command.add_options(parser)


def run(arguments: Namespace, engine: ProcessEngine | None) -> int:  # noqa: ARG001
    """Serve until stopped."""
    from backprop_tui.options import arguments_of, experiment_of
    from backprop_tui.serving import serve

    port = positive(arguments.port, "--port", 65535)
    if port is None or port != int(port):
        raise UserError(f"--port: must be a whole number from 1 to 65535, not '{arguments.port}'")
    for flag in ("headless", "quiet", "script", "record", "checkpoint", "checkpoint_every", "resume"):
        if getattr(arguments, flag):
            raise UserError(
                f"--{flag.replace('_', '-')}: not with serve, where each visitor has a lab of their own"
            )
    experiment_of(arguments)
    fps = ["--fps", arguments.fps] if frames_a_second(arguments) else []
    flags = [f"--{flag}" for flag in ("ascii", "treat") if getattr(arguments, flag)]
    return serve([*arguments_of(arguments), *fps, *flags], arguments.host, int(port))
