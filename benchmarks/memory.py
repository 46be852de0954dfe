"""What ten million steps leave behind: resident memory, and what a frame costs."""

from __future__ import annotations

import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from backprop_core.frames import FrameBuilder
from backprop_core.presets import load_preset
from backprop_core.snapshot import View
from backprop_core.trainer import Trainer
from benchmarks.report import Row, row_of
from benchmarks.rounds import ratios, take_turns

FEW, MANY = 100_000, 10_000_000
STEPS_BETWEEN_FRAMES = 10_000
MEGABYTES, FRAME = "{:+.1f} MB", "{:.2f} ×"


def measure() -> list[Row]:
    """Return the rows, measured in a process of their own."""
    program = [sys.executable, "-m", "benchmarks.memory"]
    output = subprocess.run(program, check=True, capture_output=True, text=True).stdout.split()
    growth, *frame_ratios = map(float, output)
    return [
        Row(f"resident memory after {MANY:,} steps against {FEW:,}", MEGABYTES, 5, False, growth),
        row_of(f"a frame's cost after {MANY:,} steps against {FEW:,}", frame_ratios, FRAME, at_most=1.1),
    ]


def resident_megabytes() -> float:
    """Return this process's resident memory; its highest so far where there is no /proc."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * resource.getpagesize() / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


class Watched:
    """A trainer on the posted series of which frames are taken, as a screen does."""

    def __init__(self) -> None:
        self.trainer = Trainer(replace(load_preset("sequence"), epochs=0, until=None))
        self.builder = FrameBuilder(self.trainer)

    def train(self, steps: int) -> None:
        """Train up to so many steps."""
        while self.trainer.step_count < steps:
            self.trainer.step(STEPS_BETWEEN_FRAMES)
            self.frames(1)

    def frames(self, count: int) -> None:
        """Take frames."""
        for _ in range(count):
            self.builder.build(View(), "RUNNING", "", 0.0)


def main() -> None:
    """Print the growth of memory in megabytes, then the ratio of frame costs round by round."""
    young, old = Watched(), Watched()
    young.train(FEW)
    old.train(FEW)
    take_turns({"young": young.frames, "old": old.frames})
    before = resident_megabytes()
    old.train(MANY)
    print(resident_megabytes() - before)
    times = take_turns({"old": old.frames, "young": young.frames})
    print(*ratios(times["old"], times["young"]))


if __name__ == "__main__":
    main()
