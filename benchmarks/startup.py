"""How long `--headless` takes to start, against `python -c "import numpy"`."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks.command import COMMAND, installed_environment
from benchmarks.report import Row, row_of
from benchmarks.rounds import ratios, take_turns

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 21


def measure() -> list[Row]:
    """Return the one row: whole processes, an empty script against an import."""
    program = [COMMAND, "run", "sequence", "--headless", "--script", "-"]
    contestants = {
        "headless": repeatedly(program),
        "import": repeatedly([sys.executable, "-c", "import numpy"]),
    }
    times = take_turns(contestants, ROUNDS, seconds=0)
    what = '--headless with an empty script, against python -c "import numpy"'
    return [row_of(what, ratios(times["headless"], times["import"]), "{:.2f} ×", at_most=1.5)]


def repeatedly(program: list[str]) -> Callable[[int], None]:
    """Return what runs a program so many times, its standard input empty."""
    environment = installed_environment()

    def run(count: int) -> None:
        for _ in range(count):
            subprocess.run(
                program,
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=environment,
            )

    return run
