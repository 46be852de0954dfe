"""`python -m benchmarks.headless_speed FILE SECONDS`: train an experiment for so long, print steps a second."""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

from backprop_core.commands import Run
from backprop_core.experiment_file import read_experiment
from backprop_core.trainer import Trainer

STEPS_AT_ONCE = 5_000


def main(path: str, seconds: str) -> None:
    """Print the speed of training with nothing else going on."""
    trainer = Trainer(read_experiment(Path(path)))
    goal = trainer.goal(Run())
    trainer.advance(goal, STEPS_AT_ONCE)
    before, start = trainer.step_count, perf_counter()
    while (elapsed := perf_counter() - start) < float(seconds):
        trainer.advance(goal, STEPS_AT_ONCE)
    print((trainer.step_count - before) / elapsed)


if __name__ == "__main__":
    main(*sys.argv[1:])
