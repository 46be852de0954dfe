"""Every view of the lab while it trains: its bytes, its load, how fast it answers keys, in a pty of 120×40."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

from benchmarks.command import COMMAND
from benchmarks.report import Row, row_of
from benchmarks.screen import EXPERIMENT, GAPS, MODE, RATE, STATE, Probe, changes, press, watch
from benchmarks.terminal import Terminal

THRASHING = """\
[experiment]
name = "thrashing"
seed = 0
epochs = 0

[data]
builtin = "spiral"
samples = 400
noise = 0.05
standardize = true

[network]
hidden = [16, 16]
activation = "tanh"
output = "sigmoid"

[training]
loss = "binary-cross-entropy"
optimizer = "adam"
learning_rate = 0.2
batch_size = 16
"""
"""A rate so high that the plane is another one at every frame."""

CLASSES = """\
[experiment]
name = "classes"
seed = 0
epochs = 0

[data]
builtin = "digits"
validation = 0.2

[network]
hidden = [30]
activation = "leaky-relu"
output = "softmax"

[training]
loss = "cross-entropy"
optimizer = "sgd"
learning_rate = 2.0
batch_size = 10
"""
"""Ten classes of which some are always confused, other ones at every frame."""

WINDOWS, KEY_ROUNDS = 5, 8


@dataclass(frozen=True)
class Case:
    """A view: what it shows, the keys that open it, what then stands there, and keys that change it."""

    name: str
    experiment: str
    keys: str
    shown: str
    probes: tuple[Probe, ...]


UP, DOWN, LEFT, RIGHT = (f"\x1b[{letter}" for letter in "ABDC")
COMMON = (Probe(" ", STATE), Probe(" ", STATE))
NEURON = changes(r"layer \d neuron (\d+)")
LAYER = changes(r"layer (\d) of \d")
QUANTITY = changes(r"│(weights|gradients|updates) -?\d")
SETTING = changes(r"▸(\w+) ")
RATE_KEYS = (Probe("+", RATE), Probe("-", RATE))
THERE_AND_BACK = (Probe(RIGHT, LAYER), Probe(LEFT, LAYER))

CASES = (
    Case("overview, digits", CLASSES, "", "─ activations ─", (*COMMON, *RATE_KEYS, Probe("h", MODE))),
    Case("network", CLASSES, "v", "─ network", (*COMMON, *RATE_KEYS, Probe("h", QUANTITY))),
    Case(
        "plane of a thrashing spiral", THRASHING, "vv", "─ outcome ─", (*COMMON, *RATE_KEYS, *THERE_AND_BACK)
    ),
    Case("confusion, digits", CLASSES, "vv", "most confused", (*COMMON, *RATE_KEYS)),
    Case("series", EXPERIMENT, "vv", "next:", (*COMMON, *RATE_KEYS)),
    Case("step, running", EXPERIMENT, "x ", "─ step ─", (*COMMON, Probe(RIGHT, NEURON), Probe(LEFT, NEURON))),
    Case(
        "settings of a thrashing spiral",
        THRASHING,
        "o",
        "─ settings ─",
        (*COMMON, Probe(DOWN, SETTING), Probe(UP, SETTING)),
    ),
    Case("compare", EXPERIMENT, "knkvvv", "─ compare ─", (*COMMON, *RATE_KEYS)),
)


def measure() -> list[Row]:
    """Return the rows of all views."""
    return [row for case in CASES for row in measure_case(case)]


def measure_case(case: Case) -> list[Row]:
    """Return the rows of one view."""
    with TemporaryDirectory() as folder:
        experiment = Path(folder, "experiment.toml")
        experiment.write_text(case.experiment)
        with Terminal([COMMAND, "run", str(experiment), "--fps", "10"]) as terminal:
            terminal.read_until(lambda text: "RUNNING" in text)
            for key in case.keys:
                terminal.write(key)
                terminal.read_for(0.5)
            terminal.read_until(lambda text: case.shown in text and "RUNNING" in text)
            terminal.read_for(2.0)
            windows = [watch(terminal) for _ in range(WINDOWS)]
            waits = press_all(terminal, case.probes)
    low, _, high = quantiles(waits, n=4)
    return [
        row_of(
            f"bytes written, steady; {case.name}",
            [rate / 1000 for *_, rate in windows],
            "{:.1f} KB/s",
            at_most=20,
        ),
        row_of(
            f"the screen's share of a core; {case.name}",
            [share for _, share, _ in windows],
            "{:.2f}",
            at_most=0.20,
        ),
        Row(
            f"key to visible effect, 95th percentile; {case.name}",
            "{:.0f} ms",
            100,
            False,
            quantiles(waits, n=20)[-1],
            low,
            high,
        ),
    ]


def press_all(terminal: Terminal, probes: tuple[Probe, ...]) -> list[float]:
    """Return the milliseconds from each of many presses to its effect."""
    chance = random.Random(0)
    waits = []
    for _ in range(KEY_ROUNDS):
        for probe in probes:
            terminal.read_for(chance.uniform(*GAPS))
            waits.append(press(terminal, probe) * 1000)
    return waits
