"""Sends the difference between what is shown and what should be, whenever the line is free for it."""

from __future__ import annotations

import asyncio
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual._compositor import CompositorUpdate

    from backprop_tui.terminal.flow import Flow
    from backprop_tui.terminal.glass import Glass

QUESTION = "\x1b[5n"
"""Device status report: terminals answer it when they have drawn what came before."""

UPDATE_BEGIN, UPDATE_END = "\x1b[?2026h", "\x1b[?2026l"
"""A terminal that knows these shows what is between them at once."""

URGENT_SECONDS = 1.0
"""How long after a key what is drawn may be its effect."""


class Output:
    """The glass, and the line behind it.

    Parameters
    ----------
    glass : Glass
    write : callable
        Takes text for the terminal, and must not block.
    flow : Flow or None
        None where somebody else sees to it that there is room, such as a browser's connection.
    first_lines : callable
        Which lines come first where there is not enough room for all.
    """

    def __init__(
        self,
        glass: Glass,
        write: Callable[[str], None],
        flow: Flow | None,
        first_lines: Callable[[], Sequence[int]] = tuple,
    ) -> None:
        self.glass = glass
        self.flow = flow
        self.synchronised = False
        self._write = write
        self._first_lines = first_lines
        self._cursor = (0, 0)
        self._urgent_until = -inf
        self._free = asyncio.Event()
        self._free.set()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def free(self) -> bool:
        """Whether everything drawn is sent, and the line could take a frame."""
        return self._free.is_set()

    async def wait_until_free(self) -> None:
        """Wait until everything drawn is sent, and the line could take a frame."""
        await self._free.wait()

    def show(self, update: CompositorUpdate, cursor: tuple[int, int]) -> None:
        """Draw one of Textual's updates, and send it as soon as possible; where the cursor is left matters to IMEs."""
        self.glass.take(update)
        self._cursor = cursor
        self.send()

    def urge(self) -> None:
        """Note that a key was pressed, whose effect shall not wait for frames."""
        self._urgent_until = monotonic() + URGENT_SECONDS
        self.glass.begin_at_the_top()

    def send(self) -> None:
        """Send as much of the difference as there is room for, and come back for the rest."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = monotonic()
        if not self.glass.clean:
            room = inf if self.flow is None else self.flow.room(now, urgent=now < self._urgent_until)
            if room:
                self._send(room, now)
        self._note_whether_free(now)

    def _send(self, room: float, now: float) -> None:
        changes = self.glass.difference(room, self._first_lines)
        if not changes:
            return
        changes += self.glass.move(*self._cursor)
        if self.synchronised:
            changes = f"{UPDATE_BEGIN}{changes}{UPDATE_END}"
        if self.flow is not None:
            changes += QUESTION
            self.flow.sent(len(changes.encode()), now)
        self._write(changes)

    def _note_whether_free(self, now: float) -> None:
        if self.flow is None or (self.glass.clean and self.flow.room(now)):
            self._free.set()
            return
        self._free.clear()
        # Room comes with an answer; a terminal may never answer, though.
        self._timer = asyncio.get_running_loop().call_later(self.flow.seconds_until_room(now), self.send)

    def ask(self) -> None:
        """Ask before anything is drawn: the answer tells the round trip of the line."""
        if self.flow is not None:
            self.flow.sent(len(QUESTION), monotonic())
            self._write(QUESTION)

    def answered(self, now: float) -> None:
        """Take note of an answer, and go on."""
        if self.flow is not None:
            self.flow.answered(now)
            self.send()

    def anew(self) -> None:
        """Send everything again: the terminal may show anything."""
        self.glass.forget()
        self.send()

    def close(self) -> None:
        """Send no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._write = lambda _: None
