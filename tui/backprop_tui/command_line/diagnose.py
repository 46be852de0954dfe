"""``backprop-tui diagnose``: the headless diagnosis."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from backprop_core.engine_process import ProcessEngine


DESCRIPTION = "Train, say why the network does or does not learn, and measure the cures."

EXAMPLES = """\
examples:
  backprop-tui diagnose as-posted                say why the posted network does not learn
  backprop-tui diagnose as-posted --treat        and heal it in the epochs that are left
  backprop-tui diagnose my.toml --epochs 500
  backprop-tui diagnose --csv mine.csv --target price --json

The exit code is 0 if nothing is found, 1 if something is. A finding counts only if an experiment confirms it:
copies of the run go on with a cure and without, over the same batches, and the cured one ends clearly better.
"""


def add_options(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    from backprop_tui.options import add_experiment_options

    add_experiment_options(parser)
    diagnosis = parser.add_argument_group("diagnosis")
    diagnosis.add_argument(
        "--treat", action="store_true", help="apply the confirmed cures, train the epochs left, compare"
    )
    diagnosis.add_argument("--json", action="store_true", help="as events, one JSON object a line")


def run(arguments: Namespace, engine: ProcessEngine | None) -> int:  # noqa: ARG001
    """Diagnose, and treat if asked to."""
    from backprop_tui.diagnosing import run_diagnosis
    from backprop_tui.options import experiment_of

    return run_diagnosis(experiment_of(arguments), treat=arguments.treat, json=arguments.json)
