"""A program in a real pseudo-terminal: what it writes, when, and what then stands on the screen."""

from __future__ import annotations

import os
import re
import select
from dataclasses import dataclass
from math import inf
from time import perf_counter, sleep
from typing import TYPE_CHECKING

import ptyprocess
import pyte

from benchmarks.command import installed_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

COLUMNS, LINES = 120, 40

SLOW_PIECE = 256
"""Bytes read at once where they are to arrive at a rate."""

ANSWERS = {
    b"\x1b[5n": b"\x1b[0n",
    b"\x1b[6n": b"\x1b[1;1R",
    b"\x1b[c": b"\x1b[?62;22c",
    b"\x1b[?2026$p": b"\x1b[?2026;2$y",
}
"""What terminals answer when they are asked: status, cursor, kind, and synchronised output."""

QUESTION = re.compile(b"|".join(map(re.escape, ANSWERS)))
LONGEST_QUESTION = max(map(len, ANSWERS))

FRAME_END = b"\x1b[?2026l"

UNKNOWN_TO_PYTE = re.compile(
    rb"\x1b\[[<>=?][0-9;]*(?:[um]|\$p)|\x1bP[^\x1b]*\x1b\\|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
)


@dataclass(frozen=True)
class Chunk:
    """Bytes as they arrived."""

    time: float
    data: bytes


HIDDEN = ("SSH_", "NO_COLOR", "TEXTUAL", "COLUMNS", "LINES", "TMUX", "STY", "LC_")


def terminal_environment(**changes: str | None) -> dict[str, str]:
    """Return the environment of a program in a terminal of true colour; None takes a variable out."""
    environment: dict[str, str | None] = {
        name: value for name, value in installed_environment().items() if not name.startswith(HIDDEN)
    }
    environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", **changes}
    return {name: value for name, value in environment.items() if value is not None}


class Terminal:
    """A program in a pseudo-terminal of 120×40, answered as by a terminal on the same machine.

    Parameters
    ----------
    program : sequence of str
    rate : float
        Bytes a second at which the terminal takes what the program writes.
    """

    def __init__(self, program: Sequence[str], rate: float = inf) -> None:
        environment = terminal_environment()
        self._rate = rate
        self._next_read = 0.0
        self.started = perf_counter()
        self.process = ptyprocess.PtyProcess.spawn(
            list(program), dimensions=(LINES, COLUMNS), env=environment
        )
        self.chunks: list[Chunk] = []
        self._fed = 0
        self._picture = Picture()
        self._questions = Questions()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate(force=True)
        self.process.close(force=True)

    @property
    def pid(self) -> int:
        """The program's process."""
        return int(self.process.pid)

    def write(self, keys: str) -> float:
        """Press keys, and return when."""
        now = perf_counter()
        self.process.write(keys.encode())
        return now

    def read(self, seconds: float) -> Chunk | None:
        """Wait at most so long for the next bytes, and answer the terminal's questions in them."""
        end = perf_counter() + seconds
        if (early := min(self._next_read, end) - perf_counter()) > 0:
            sleep(early)
        if perf_counter() < self._next_read:
            return None
        ready, _, _ = select.select([self.process.fd], [], [], max(end - perf_counter(), 0))
        if not ready:
            return None
        try:
            data = os.read(self.process.fd, 65536 if self._rate == inf else SLOW_PIECE)
        except OSError as error:
            raise RuntimeError(f"the program ended; it last showed\n{self.text()}") from error
        self._next_read = max(self._next_read, perf_counter()) + len(data) / self._rate
        if self._rate < inf:
            # The last of it has arrived only now.
            sleep(max(self._next_read - perf_counter(), 0))
        chunk = Chunk(perf_counter(), data)
        self.chunks.append(chunk)
        os.write(self.process.fd, self._questions.answers(data))
        return chunk

    def read_for(self, seconds: float) -> None:
        """Read for so long."""
        end = perf_counter() + seconds
        while (left := end - perf_counter()) > 0:
            self.read(left)

    def read_until(self, shown: Callable[[str], bool], seconds: float = 10.0) -> float:
        """Return when the bytes arrived after which the screen's text is as wanted."""
        end = perf_counter() + seconds
        if shown(self.text()):
            return perf_counter()
        while (left := end - perf_counter()) > 0:
            chunk = self.read(left)
            if chunk is not None and shown(self.text()):
                return chunk.time
        raise TimeoutError(f"not shown within {seconds} s:\n{self.text()}")

    def text(self) -> str:
        """Return what stands on the screen."""
        for chunk in self.chunks[self._fed :]:
            self._picture.feed(chunk.data)
        self._fed = len(self.chunks)
        return self._picture.text()

    def first_full_frame(self) -> tuple[float, int]:
        """Return the seconds and the bytes to the end of the first frame that left no line blank.

        That is: none that is not blank now, when the program has settled.
        """
        filled = filled_lines(self.text())
        picture, written, full = Picture(), 0, False
        for chunk in self.chunks:
            written += len(chunk.data)
            picture.feed(chunk.data)
            full = full or filled <= filled_lines(picture.text())
            if full and FRAME_END in chunk.data:
                return chunk.time - self.started, written
        raise RuntimeError("the screen has never been full")


class Questions:
    """Finds a program's questions in what it writes, also those that come in two pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def answers(self, data: bytes) -> bytes:
        """Return what a terminal answers to the next bytes."""
        data = self._rest + data
        answers, end = b"", 0
        for question in QUESTION.finditer(data):
            answers += ANSWERS[question[0]]
            end = question.end()
        self._rest = data[max(end, len(data) - LONGEST_QUESTION + 1) :]
        return answers


class Picture:
    """A terminal's screen, drawn from bytes that may be cut anywhere."""

    def __init__(self, columns: int = COLUMNS, lines: int = LINES) -> None:
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Draw bytes; an escape sequence that is not complete yet waits for the next."""
        data = UNKNOWN_TO_PYTE.sub(b"", self._rest + data)
        escape = data.rfind(b"\x1b", -64)
        cut = len(data)
        if escape >= 0 and not re.match(rb"\x1b(?:[\[P\]][^A-Za-z\\]*[A-Za-z\\]|[^\[P\]])", data[escape:]):
            cut = escape
        self._rest = data[cut:]
        self._stream.feed(data[:cut])

    def resize(self, columns: int, lines: int) -> None:
        """Take another size, as a terminal does whose window is dragged."""
        self._screen.resize(lines, columns)

    def text(self) -> str:
        """Return the screen's lines."""
        return "\n".join(self._screen.display)

    def cells(self) -> list[list[pyte.screens.Char]]:
        """Return the screen's cells, line by line."""
        screen = self._screen
        return [[screen.buffer[y][x] for x in range(screen.columns)] for y in range(screen.lines)]


def filled_lines(text: str) -> set[int]:
    """Return the numbers of the lines that are not blank."""
    return {number for number, line in enumerate(text.splitlines()) if line.strip()}
