"""The real lab in a real pseudo-terminal: keys in, a screen out, and what is left when it ends."""

from __future__ import annotations

import os
import re
import select
import sys
import termios
from contextlib import contextmanager
from math import inf
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

import ptyprocess

from benchmarks.terminal import COLUMNS, LINES, SLOW_PIECE, Picture, Questions, terminal_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

DEADLINE = 60.0
UP, DOWN, RIGHT, LEFT, ESCAPE = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b"
CTRL_C, CTRL_L, CTRL_P, CTRL_Z = "\x03", "\x0c", "\x10", "\x1a"

STYLE = re.compile(rb"\x1b\[([0-9;]*)m")

LAB = (sys.executable, "-m", "backprop_tui")


class Program:
    """A program in a pseudo-terminal, its screen and everything that it has written.

    ``environment`` is set for it; None takes a variable out. ``rate`` is how many bytes a second the terminal takes.
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        *,
        environment: dict[str, str | None] | None = None,
        size: tuple[int, int] = (COLUMNS, LINES),
        rate: float = inf,
    ) -> None:
        columns, lines = size
        self.process = ptyprocess.PtyProcess.spawn(
            list(command),
            cwd=folder,
            env=terminal_environment(**(environment or {})),
            dimensions=(lines, columns),
        )
        self.written = b""
        self.picture = Picture(columns, lines)
        self.questions: Questions | None = Questions()
        self._rate = rate

    def read(self, seconds: float) -> bool:
        """Wait so long for bytes; False if there will be no more."""
        if not select.select([self.process.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.process.fd, 65536 if self._rate == inf else SLOW_PIECE)
        except OSError:
            return False
        sleep(len(data) / self._rate)
        self._take(data)
        return bool(data)

    def read_for(self, seconds: float) -> None:
        """Read for so long."""
        end = monotonic() + seconds
        while monotonic() < end:
            self.read(0.05)

    def read_unanswered(self) -> int:
        """Read, at once, all that was sent until now, answer then, and return how many bytes it was."""
        data = b""
        while select.select([self.process.fd], [], [], 0.2)[0]:
            data += os.read(self.process.fd, 65536)
        self._take(data)
        return len(data)

    def _take(self, data: bytes) -> None:
        self.written += data
        self.picture.feed(data)
        if self.questions:
            os.write(self.process.fd, self.questions.answers(data))

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size, and tell the program."""
        self.picture.resize(columns, lines)
        self.process.setwinsize(lines, columns)

    def text(self) -> str:
        return self.picture.text()

    def number(self, name: str) -> float:
        """Return what the status line says of step, epoch, loss or lr."""
        match = re.search(rf"\b{name} ([0-9.e+-]+)", self.text())
        assert match, self.text()
        return float(match[1])

    def until(self, shown: Callable[[str], object]) -> None:
        """Read until the screen is as wanted."""
        deadline = monotonic() + DEADLINE
        while not shown(self.text()):
            assert monotonic() < deadline, f"not shown in time; there is\n{self.text()}"
            assert self.read(0.1) or shown(self.text()), f"the program has ended; there was\n{self.text()}"

    def press(self, keys: str, *texts: str) -> None:
        """Press keys, and wait until all the texts stand on the screen."""
        self.process.write(keys.encode())
        self.until(lambda screen: all(text in screen for text in texts))

    def children(self) -> list[int]:
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]

    def ended(self) -> None:
        """Wait for its end, and read nothing."""
        deadline = monotonic() + DEADLINE
        while self.process.isalive():
            assert monotonic() < deadline, "does not end"
            sleep(0.02)

    def exit_code(self) -> int:
        """Read to the end, and return the exit code; 128 + N if a signal ended the program."""
        deadline = monotonic() + DEADLINE
        while self.read(0.1):
            assert monotonic() < deadline, f"does not end; there is\n{self.text()}"
        self.process.wait()
        status = self.process.exitstatus
        return 128 + self.process.signalstatus if status is None else status


def trains(screen: str) -> bool:
    """Tell whether a screen shows the lab at work, or what a short run has come to before it was first read."""
    return bool(re.search(r"(RUNNING|DONE).*step [1-9]", screen)) and "dead" in screen


@contextmanager
def program(
    *arguments: str,
    folder: Path,
    command: Sequence[str] = LAB,
    environment: dict[str, str | None] | None = None,
    size: tuple[int, int] = (COLUMNS, LINES),
    rate: float = inf,
) -> Iterator[Program]:
    """Open the lab, wait until it trains, and end it if the test has not."""
    opened = Program([*command, *arguments], folder, environment=environment, size=size, rate=rate)
    try:
        opened.until(trains)
        yield opened
    finally:
        opened.process.close(force=True)


def assert_terminal_restored(lab: Program) -> None:
    """The main screen, the cursor, no mouse reports, no pasting brackets, and lines edited as before."""
    for on, off in (("?1049h", "?1049l"), ("?25l", "?25h"), ("?1000h", "?1000l"), ("?2004h", "?2004l")):
        assert lab.written.rfind(f"\x1b[{off}".encode()) > lab.written.rfind(f"\x1b[{on}".encode()), off
    assert termios.tcgetattr(lab.process.fd)[3] & (termios.ECHO | termios.ICANON)


def assert_gone(pids: list[int]) -> None:
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []


def until_gone(pids: list[int]) -> None:
    """Wait for the end of processes whose parent could not: it was killed."""
    deadline = monotonic() + DEADLINE
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert monotonic() < deadline, "still there"
        sleep(0.02)


def style_codes(written: bytes) -> set[str]:
    """Return every code of colour or attribute in what was written; 38;5;7 is one."""
    codes = set()
    for sequence in STYLE.findall(written):
        parts = iter(sequence.decode().split(";"))
        for part in parts:
            if part in ("38", "48"):
                kind = next(parts)
                part = ";".join([part, kind, *(next(parts) for _ in range(1 if kind == "5" else 3))])
            codes.add(part)
    return codes
