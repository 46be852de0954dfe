"""Random keys, pastes, mouse events and resizes for the real program: ``make fuzz`` sends 100,000.

The same seed sends the same; only how they fall on frames differs. Every hundred inputs the program has to
answer: it is asked to write its weights into a file.
"""

from __future__ import annotations

import os
import random
import re
import select
import signal
import sys
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np
import ptyprocess

from backprop_core.checkpoint import read_checkpoint
from backprop_core.presets import preset_names

if TYPE_CHECKING:
    from collections.abc import Callable

DEADLINE = 300.0
ESCAPE_SECONDS, ANSWER_SECONDS = 0.25, 10.0
INPUTS_A_CHECK = 100
FIRST_SCREEN = 3000
"""Bytes that are more than what takes the terminal over, and less than a screen."""

BATCH = 20
SIZES = ((120, 40), (80, 24), (200, 50), (60, 20), (59, 19), (20, 5), (1, 1), (400, 120))

KEYS = (
    *"  serl+-uhg[]zxtd<>nNpw?:0123456789abcfijkmovyABC./,;'\"!#$%&()*=@^_`{|}~\\",
    *("\r", "\t", "\x1b", "\x7f", "\x01", "\x05", "\x0b", "\x0c", "\x10", "\x15", "\x17"),
    *(f"\x1b[{letter}" for letter in "ABCDHFZ"),
    *(f"\x1b[{number}~" for number in (2, 3, 5, 6, 15, 17, 24)),
    *("\x1b[1;2A", "\x1b[1;5C", "\x1bOP", "\x1bb", "é", "中", "\U0001f600", "e\u0301", "\u202e", "\u200b"),
)
"""Of the lab's keys all but those that leave it."""

LINES = (
    "run 50 epochs",
    "run until loss < 0.01 or 200 epochs",
    "step 7",
    "set learning-rate 0.01",
    "set learning-rate 1e9",
    "set optimizer adam",
    "set batch-size 3",
    "activation hidden tanh",
    "activation output linear",
    "reinit-dead",
    "standardize",
    "add-bias",
    "restart seed 5",
    "undo",
    "undo divergence",
    "expect dead == 0",
    "snapshot",
    "diagnose",
    "treat",
    "save junk.npz",
    "checkpoint junk-state.npz",
    "nonsense \x1b[2J [red]x[/]",
)

ANSWERS = {b"\x1b[5n": b"\x1b[0n", b"\x1b[6n": b"\x1b[1;1R", b"\x1b[?2026$p": b"\x1b[?2026;2$y"}


def one_input(chance: random.Random) -> bytes | tuple[int, int]:
    """Return what a hand, a mouse or a terminal sends, or a new size."""
    kind = chance.random()
    if kind < 0.70:
        return chance.choice(KEYS).encode()
    if kind < 0.76:
        return b":" + chance.choice(LINES).encode() + b"\r"
    if kind < 0.80:
        text = "".join(chance.choices("abc \n\t\x1b[]é中\u202e\0", k=chance.randrange(200)))
        return b"\x1b[200~" + text.replace("\x1b[201~", "").encode() + b"\x1b[201~"
    if kind < 0.93:
        button = chance.choice((0, 0, 1, 2, 32, 35, 64, 65))
        column, line = chance.randrange(1, 130), chance.randrange(1, 42)
        return f"\x1b[<{button};{column};{line}{chance.choice('Mm')}".encode()
    if kind < 0.95:
        return chance.choice((b"\x1b[I", b"\x1b[O"))
    if kind < 0.97:
        return bytes(chance.choices(range(0x20, 0x100), k=chance.randrange(1, 6))).replace(b"q", b"")
    return chance.choice(SIZES)


class Lab:
    """The program, fed and emptied at once: neither side may wait for the other."""

    def __init__(self, folder: Path, preset: str) -> None:
        hidden = ("SSH_", "NO_COLOR", "TEXTUAL", "COLUMNS", "LINES", "TMUX")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
        self.process = ptyprocess.PtyProcess.spawn(
            [sys.executable, "-m", "backprop_tui", preset],
            cwd=folder,
            env={
                **environment,
                **{"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"},
                "TMPDIR": str(folder),
            },
            dimensions=(40, 120),
        )
        self.folder = folder
        self.gone = False
        self.tail = b""
        self._checks = 0

    def exchange(self, content: bytes, done: Callable[[], bool] = lambda: True) -> None:
        """Send all of it, read what comes, and go on until ``done``."""
        deadline = monotonic() + DEADLINE
        while not self.gone and (content or not done()):
            assert monotonic() < deadline, f"hangs; it wrote last {self.tail[-2000:]!r}"
            writing = [self.process.fd] if content else []
            readable, writable, _ = select.select([self.process.fd], writing, [], 0.02)
            if readable:
                content = self._read() + content
            if writable and content:
                content = content[os.write(self.process.fd, content[:512]) :]

    def _read(self) -> bytes:
        """Read, and return what a terminal answers."""
        try:
            data = os.read(self.process.fd, 1 << 16)
        except OSError:
            data = b""
        if not data:
            self.gone = True
        self.tail = (self.tail + data)[-20_000:]
        return b"".join(answer * data.count(question) for question, answer in ANSWERS.items())

    def has_drawn(self) -> bool:
        """Tell whether a screen has been drawn."""
        return len(self.tail) > FIRST_SCREEN

    def check(self) -> None:
        """Have the program answer, and look for errors of its own that it may have told of, and gone on."""
        for error in self.folder.glob("backprop-tui-*.txt"):
            raise AssertionError(error.read_text())
        self._checks += 1
        path = self.folder / f"check{self._checks}.npz"
        self.have_written(path, "save")
        path.unlink(missing_ok=True)

    def have_written(self, path: Path, command: str) -> None:
        """Leave whatever is open, and have a command write a file; again, if something opened meanwhile."""
        self.process.setwinsize(40, 120)
        deadline = monotonic() + DEADLINE
        while not self.gone and not path.exists():
            assert monotonic() < deadline, f"does not answer; it wrote last {self.tail[-2000:]!r}"
            self.exchange(b"\x1b[201~")
            for _ in range(4):
                # If an escape were followed at once, it would be the beginning of something else.
                self.send_and_wait(b"\x1b", ESCAPE_SECONDS)
            self.send_and_wait(f":{command} {path.name}\r".encode(), ANSWER_SECONDS, path.exists)

    def send_and_wait(self, content: bytes, seconds: float, done: Callable[[], bool] = lambda: False) -> None:
        until = monotonic() + seconds
        self.exchange(content, lambda: done() or monotonic() > until)

    def resident(self) -> tuple[int, int]:
        """Return the memory of the screen's process and of the training process, in bytes."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return _resident(pid), sum(map(_resident, map(int, children)))

    def leave(self) -> int:
        """Quit, and return the exit code; a negative one if a signal ended it."""
        if not self.gone:
            self.check()
            self.exchange(b"q", lambda: False)
        self.process.wait()
        return -self.process.signalstatus if self.process.exitstatus is None else self.process.exitstatus


def _resident(pid: int) -> int:
    match = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(match[1]) * 1024 if match else 0


def fuzz(
    seed: int, inputs: int, folder: Path, tell: Callable[[str], object] = lambda _: None
) -> list[tuple[int, int]]:
    """Send random inputs; return the memory of both processes at every check of the lab that lived longest.

    A lab that is left, as by a click on its quit key, has to end with 0, and another is opened.
    """
    chance = random.Random(seed)
    longest: list[tuple[int, int]] = []
    sent = 0
    while sent < inputs:
        lab = Lab(folder, chance.choice(preset_names()))
        memory: list[tuple[int, int]] = []
        try:
            # Keys that come before the terminal is taken over are the shell's.
            lab.exchange(b"", lab.has_drawn)
            lab.check()
            while sent < inputs and not lab.gone:
                batch = b""
                for _ in range(BATCH):
                    sent += 1
                    this = one_input(chance)
                    if isinstance(this, tuple):
                        lab.exchange(batch)
                        batch = b""
                        if not lab.gone:
                            lab.process.setwinsize(this[1], this[0])
                    else:
                        batch += this
                lab.exchange(batch)
                if sent % INPUTS_A_CHECK < BATCH and not lab.gone:
                    lab.check()
                    if not lab.gone:
                        memory.append(lab.resident())
                        tell(f"{sent} inputs, {memory[-1][0] >> 20} + {memory[-1][1] >> 20} MB")
            finish(lab)
        finally:
            lab.process.close(force=True)
        longest = max(longest, memory, key=len)
    return longest


def finish(lab: Lab) -> None:
    """Save the state, leave, and look at what is left."""
    state = lab.folder / "end.npz"
    if not lab.gone:
        lab.have_written(state, "checkpoint")
    code = lab.leave()
    errors = "".join(error.read_text() for error in lab.folder.glob("backprop-tui-*.txt"))
    assert code == 0, f"ended with {code}; {errors}; it wrote last {lab.tail[-700:]!r}"
    assert errors == ""
    if state.exists():
        trainer = read_checkpoint(state)
        assert trainer.ended or np.isfinite(trainer.network.parameters).all()
        assert len(trainer.history.to_arrays()["columns"]) == 5
        state.unlink()


def main() -> None:
    """Send as many as asked for, and say what came of it."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    begun = monotonic()
    with TemporaryDirectory() as folder:
        memory = fuzz(
            arguments.seed, arguments.inputs, Path(folder), tell=lambda line: print(line, flush=True)
        )
    growth = [(last - first) >> 20 for first, last in zip(memory[len(memory) // 5], memory[-1], strict=True)]
    print(
        f"{arguments.inputs} inputs, seed {arguments.seed}: no crash, no hang, in {monotonic() - begun:.0f} s;"
    )
    print(f"longest session: {len(memory)} checks, the last four fifths grew by {growth[0]} + {growth[1]} MB")


if __name__ == "__main__":
    main()
