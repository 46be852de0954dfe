"""The lab on slow lines: a throttled pseudo-terminal, and a real SSH connection through a slow relay."""

from __future__ import annotations

import random
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.command import COMMAND
from benchmarks.relay import Relay
from benchmarks.report import Row, row_of
from benchmarks.rounds import ratios
from benchmarks.screen import EXPERIMENT, PROBES, headless_speed, next_step, press, set_state
from benchmarks.ssh import NoServerError, ssh_server
from benchmarks.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from benchmarks.ssh import Server

ROUND_TRIP = 0.1
SPEEDS = {32: 300, 8: 1500}
"""Kilobytes a second, and the milliseconds in which a key has to show its effect."""

KEY_ROUNDS, GAPS = 5, (0.2, 0.8)
SPEED_ROUNDS, WINDOW = 3, 3.0


def measure() -> list[Row]:
    """Return all rows about slow lines."""
    rows = []
    with TemporaryDirectory() as folder:
        experiment = Path(folder, "lively.toml")
        experiment.write_text(EXPERIMENT)
        lab = [COMMAND, "run", str(experiment), "--fps", "5"]
        for kilobytes, milliseconds in SPEEDS.items():
            rows += measure_rate(lab, kilobytes, milliseconds, experiment)
    return rows


def measure_rate(lab: list[str], kilobytes: int, most: float, experiment: Path) -> list[Row]:
    """Return the rows of a line that carries so much, without and with SSH."""
    rate = kilobytes * 1000.0
    where = f"throttled pty, {kilobytes} KB/s"
    rows = measure_line(where, Terminal(lab, rate), most, experiment)
    where = f"ssh, {kilobytes} KB/s, round trip 100 ms"
    try:
        with ssh_server() as server:
            rows += measure_line(where, over_ssh(server, lab, rate), most + ROUND_TRIP * 1000, experiment)
    except NoServerError as error:
        rows.append(Row(f"key to visible effect; {where}", "{:.0f} ms", most, False, note=str(error)))
    return rows


@contextmanager
def over_ssh(server: Server, program: list[str], rate: float) -> Iterator[Terminal]:
    """Open a program over SSH through a slow line."""
    with (
        Relay(server.port, rate, ROUND_TRIP) as relay,
        Terminal(server.login(program, port=relay.port)) as terminal,
    ):
        yield terminal


def measure_line(
    where: str, opened: AbstractContextManager[Terminal], most: float, experiment: Path
) -> list[Row]:
    """Return the time from key to effect, the speed of training, and the time to quit on one line."""
    chance = random.Random(0)
    waits, speeds, bytes_a_second = [], [], []
    with opened as terminal:
        begun = perf_counter()
        terminal.read_until(lambda text: "RUNNING" in text, 60)
        started = perf_counter() - begun
        terminal.read_for(3.0)
        for _ in range(KEY_ROUNDS):
            for probe in PROBES:
                terminal.read_for(chance.uniform(*GAPS))
                waits.append(press(terminal, probe) * 1000)
        terminal.read_for(1.0)
        for _ in range(SPEED_ROUNDS):
            first_step, first_seen = next_step(terminal)
            chunks = len(terminal.chunks)
            terminal.read_for(WINDOW)
            last_step, last_seen = next_step(terminal)
            speeds.append((last_step - first_step) / (last_seen - first_seen))
            bytes_a_second.append(
                sum(len(chunk.data) for chunk in terminal.chunks[chunks:]) / (last_seen - first_seen) / 1000
            )
        set_state(terminal, "PAUSED")
        without = [headless_speed(experiment) for _ in range(SPEED_ROUNDS)]
        set_state(terminal, "RUNNING")
        terminal.read_for(2.0)
        quitting = time_to_quit(terminal)
    low, _, high = quantiles(waits, n=4)
    what = f"key to visible effect, 95th percentile of {len(waits)}; {where}"
    return [
        Row(what, "{:.0f} ms", most, False, quantiles(waits, n=20)[-1], low, high),
        row_of(
            f"training speed against headless; {where}", ratios(speeds, without), "{:.2f} ×", at_least=0.95
        ),
        row_of(f"bytes written; {where}", bytes_a_second, "{:.1f} KB/s", at_most=32),
        row_of(f"quitting; {where}", [quitting * 1000], "{:.0f} ms", at_most=1000),
        row_of(f"first full frame; {where}", [started * 1000], "{:.0f} ms", at_most=5000),
    ]


def time_to_quit(terminal: Terminal) -> float:
    """Press q, and return the seconds until the program has ended."""
    pressed = terminal.write("q")
    try:
        while True:
            terminal.read(10)
    except RuntimeError:
        return perf_counter() - pressed
