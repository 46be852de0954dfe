"""The lab in a real pseudo-terminal: its start, what it costs while it runs, how fast it answers keys."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.command import COMMAND, installed_environment
from benchmarks.report import Row, row_of
from benchmarks.rounds import ratios
from benchmarks.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable

EXPERIMENT = """\
[experiment]
name = "lively"
seed = 0
epochs = 0

[data]
builtin = "sequence"
standardize = true

[network]
hidden = [4]
activation = "leaky-relu"

[training]
learning_rate = 0.1
batch_size = 5
"""
"""3-4-1 in small batches at a high rate, so that it never settles: every frame differs from the last."""

BARE_APP = """\
from textual.app import App
from textual.widgets import Static

class Bare(App):
    def compose(self):
        yield Static("ready")

Bare().run()
"""

START_ROUNDS = 11
SPEED_ROUNDS, WINDOW = 7, 3.0
KEY_ROUNDS, GAPS = 12, (0.05, 0.35)


def measure() -> list[Row]:
    """Return all rows about the screen."""
    with TemporaryDirectory() as folder:
        experiment = Path(folder, "lively.toml")
        experiment.write_text(EXPERIMENT)
        bare = Path(folder, "bare.py")
        bare.write_text(BARE_APP)
        lab = [COMMAND, "run", str(experiment), "--fps", "10"]
        return [
            *measure_running(lab, experiment),
            *measure_keys(lab),
            *measure_start(lab, [sys.executable, str(bare)]),
        ]


def measure_start(lab: list[str], bare: list[str]) -> list[Row]:
    """Return time to, and bytes of, the first full frame."""
    lab_starts, bare_starts = [], []
    for _ in range(START_ROUNDS):
        lab_starts.append(first_full_frame(lab, "RUNNING", 1.0))
        bare_starts.append(first_full_frame(bare, "ready", 0.2))
    seconds = ratios([start[0] for start in lab_starts], [start[0] for start in bare_starts])
    kilobytes = [start[1] / 1000 for start in lab_starts]
    return [
        row_of("time to the first full frame, against a bare Textual app", seconds, "{:.2f} ×", at_most=2),
        row_of("bytes of the first paint, 120×40", kilobytes, "{:.1f} KB", at_most=60),
    ]


def first_full_frame(program: list[str], word: str, settling: float) -> tuple[float, int]:
    """Return the seconds and the bytes to the first full frame of a program that shows ``word``."""
    with Terminal(program) as terminal:
        terminal.read_until(lambda text: word in text)
        terminal.read_for(settling)
        return terminal.first_full_frame()


def measure_running(lab: list[str], experiment: Path) -> list[Row]:
    """Return speed, load and bytes a second while the lab trains, rounds with and without the screen in turn."""
    with_screen, without, shares, kilobytes = [], [], [], []
    with Terminal(lab) as terminal:
        terminal.read_until(lambda text: "RUNNING" in text)
        terminal.read_for(2.0)
        for _ in range(SPEED_ROUNDS):
            set_state(terminal, "PAUSED")
            without.append(headless_speed(experiment))
            set_state(terminal, "RUNNING")
            terminal.read_for(0.5)
            speed, share, rate = watch(terminal)
            with_screen.append(speed)
            shares.append(share)
            kilobytes.append(rate / 1000)
    speeds = ratios(with_screen, without)
    setting = "screen open, 10 frames a second, 120×40"
    return [
        row_of(f"training speed against headless; {setting}", speeds, "{:.2f} ×", at_least=0.95),
        row_of(f"the screen's share of a core; {setting}", shares, "{:.2f}", at_most=0.20),
        row_of(f"bytes written to the terminal, steady; {setting}", kilobytes, "{:.1f} KB/s", at_most=20),
    ]


def set_state(terminal: Terminal, state: str) -> None:
    """Press space, and wait for the state."""
    terminal.write(" ")
    terminal.read_until(lambda text: state in text)


def headless_speed(experiment: Path) -> float:
    """Return the steps a second in a process of its own, without a screen."""
    program = [sys.executable, "-m", "benchmarks.headless_speed", str(experiment), str(WINDOW)]
    done = subprocess.run(program, check=True, capture_output=True, text=True, env=installed_environment())
    return float(done.stdout)


def watch(terminal: Terminal) -> tuple[float, float, float]:
    """Return steps a second, the screen's share of a core, and bytes a second, over one window."""
    first_step, first_seen = next_step(terminal)
    chunks, busy, start = len(terminal.chunks), processor_seconds(terminal.pid), perf_counter()
    terminal.read_for(WINDOW)
    elapsed = perf_counter() - start
    share = (processor_seconds(terminal.pid) - busy) / elapsed
    written = sum(len(chunk.data) for chunk in terminal.chunks[chunks:])
    last_step, last_seen = next_step(terminal)
    return (last_step - first_step) / (last_seen - first_seen), share, written / elapsed


def next_step(terminal: Terminal) -> tuple[int, float]:
    """Return the step that the next frame shows, and when its bytes came."""
    before = shown_step(terminal.text())
    seen = terminal.read_until(lambda text: shown_step(text) != before)
    return shown_step(terminal.text()), seen


def shown_step(text: str) -> int:
    """Return the step of the status line."""
    return int(found(r"step (\d+)", text) or -1)


def processor_seconds(pid: int) -> float:
    """Return the processor time of a process, its children not counted."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def found(pattern: str, text: str) -> str | None:
    """Return the first group of the first match."""
    match = re.search(pattern, text)
    return match and match[1]


@dataclass(frozen=True)
class Probe:
    """A key, what it changes on the screen, and the keys that lead back to where others can be pressed."""

    key: str
    seen: Callable[[str], object]
    back: str = ""


def changes(pattern: str) -> Callable[[str], object]:
    """Return what reads a part of the screen that only this key changes."""
    return lambda text: found(pattern, text)


STATE = changes(r"(RUNNING|PAUSED)")
RATE = changes(r"\blr (\S+)")
MODE = changes(r"─ (activations|pre-activations|weights|gradients) ─")
AXIS = changes(r"─ loss, (\w+)")
LAYER = changes(r"layer (\d+) of \d")
HELP = changes(r"(esc closes)")


def running(text: str) -> bool:
    """Return whether the lab is training, nothing laid over it."""
    return "RUNNING" in text and "esc closes" not in text


PROBES = (
    Probe(" ", STATE),
    Probe(" ", STATE),
    Probe("+", RATE),
    Probe("-", RATE),
    Probe("h", MODE),
    Probe("g", AXIS),
    Probe("]", LAYER),
    Probe("[", LAYER),
    Probe("s", STATE, back=" "),
    Probe("\x1b[B", changes(r"layer \d neuron (\d)")),
    Probe("l", changes(r"(hidden layer now)")),
    Probe("u", changes(r"(taken back)")),
    Probe("?", HELP, back="\x1b"),
)


def measure_keys(lab: list[str]) -> list[Row]:
    """Return the time from a key's press to the bytes that show its effect."""
    chance = random.Random(0)
    milliseconds = []
    with Terminal(lab) as terminal:
        terminal.read_until(lambda text: "RUNNING" in text)
        terminal.read_for(2.0)
        for _ in range(KEY_ROUNDS):
            for probe in PROBES:
                terminal.read_for(chance.uniform(*GAPS))
                milliseconds.append(press(terminal, probe) * 1000)
    low, _, high = quantiles(milliseconds, n=4)
    worst = quantiles(milliseconds, n=20)[-1]
    what = f"key to visible effect, 95th percentile of {len(milliseconds)} presses while training"
    return [Row(what, "{:.0f} ms", 100, False, worst, low, high)]


def press(terminal: Terminal, probe: Probe) -> float:
    """Press a key, return the seconds until its effect is seen, and go back."""
    before = probe.seen(terminal.text())
    pressed = terminal.write(probe.key)
    seen = terminal.read_until(lambda text: probe.seen(text) != before)
    if probe.back:
        terminal.write(probe.back)
        terminal.read_until(running)
    return seen - pressed
