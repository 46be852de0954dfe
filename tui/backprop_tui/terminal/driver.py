"""Textual's driver for Unix terminals, changed in four things.

Writing never blocks the event loop; the terminal's answers are told apart from keys; a terminal that is gone is told;
and on leaving, answers that are still under way are waited for, so that they do not end up as text on the shell's line.
"""

from __future__ import annotations

import os
import re
import selectors
import signal
import termios
from codecs import getincrementaldecoder
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Condition, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

from textual import events
from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.keys import Keys

from backprop_tui.terminal.output import QUESTION
from backprop_tui.terminal.styles import RESET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from textual.app import App

ANSWERS = ("\x1b[0n", "\x1b[3n")
MOUSE_AND_FOCUS_OFF = "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1004l"

PASTE_BEGIN, PASTE_END = "\x1b[200~", "\x1b[201~"
PASTE_EDGE = re.compile("(\x1b\\[20[01]~)")

LEAVING_SECONDS = 0.5
"""How long leaving waits for answers, and for writes that cannot end."""

POLL_SECONDS = 0.1


class Writer(Thread):
    """Writes beside the event loop; what waits is written in one piece."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(daemon=True, name="terminal-output")
        self._descriptor = descriptor
        self._queue: SimpleQueue[str | None] = SimpleQueue()

    def write(self, text: str) -> None:
        """Have text written, after all before."""
        self._queue.put(text)

    def run(self) -> None:
        """Write until told to stop, or until there is no terminal any more."""
        ended = False
        while not ended:
            pieces = [self._queue.get()]
            with suppress(Empty):
                while True:
                    pieces.append(self._queue.get_nowait())
            ended = None in pieces
            data = "".join(piece for piece in pieces if piece).encode(errors="replace")
            try:
                while data:
                    data = data[os.write(self._descriptor, data) :]
            except OSError:
                return

    def stop(self, seconds: float) -> bool:
        """Write what waits, and return whether that was done in time."""
        self._queue.put(None)
        self.join(seconds)
        return not self.is_alive()


class AnswerParser(XTermParser):
    """Tells the terminal's answers apart; to Textual's parser they would be keys."""

    def __init__(self, answered: Callable[[], None], *, debug: bool = False) -> None:
        super().__init__(debug)
        self._answered = answered

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        if sequence in ANSWERS:
            self._answered()
            return iter([events.Key(Keys.Ignore, sequence)])
        return super()._sequence_to_key_events(sequence, alt)


class LabDriver(LinuxDriver):
    """The driver of the lab.

    Its app has to have ``terminal_entered``, ``terminal_left``, ``terminal_gone`` and ``terminal_answered`` (with the
    time).
    """

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self._lab: Any = app
        assert self._file is not None
        self._descriptor = self._file.fileno()
        self._writer: Writer | None = None
        self._asked = self._answers = 0
        self._heard = Condition()
        self._pasting = False

    def write(self, data: str) -> None:
        """Have text written to the terminal."""
        if self._writer is not None:
            self._asked += data.count(QUESTION)
            self._writer.write(data)

    def start_application_mode(self) -> None:
        """Take the terminal over."""
        self._writer = Writer(self._descriptor)
        self._writer.start()
        self._asked = self._answers = 0
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self._loop.call_soon_threadsafe(self._lab.terminal_entered)

    def stop_application_mode(self) -> None:
        """Give the terminal back, with none of the lab's colours."""
        self.write(RESET)
        super().stop_application_mode()

    def disable_input(self) -> None:
        """Stop reading, when what the terminal still had to say has come."""
        if self._key_thread is not None and self._key_thread.is_alive() and self._answers:
            self.write(MOUSE_AND_FOCUS_OFF + QUESTION)
            with self._heard:
                self._heard.wait_for(lambda: self._answers >= self._asked, LEAVING_SECONDS)
        super().disable_input()

    def close(self) -> None:
        """Have the last written; a line that takes nothing any more is not waited for."""
        writer, self._writer = self._writer, None
        if writer is not None and not writer.stop(LEAVING_SECONDS):
            with suppress(termios.error):
                termios.tcflush(self._descriptor, termios.TCOFLUSH)
            writer.join(LEAVING_SECONDS)
        super().close()

    def _sigtstp_application(self, *arguments: Any) -> None:
        self._lab.terminal_left()
        super()._sigtstp_application(*arguments)

    def _sigcont_application(self, *arguments: Any) -> None:
        # Textual would take over a terminal a second time that it has never left.
        if self._writer is None:
            super()._sigcont_application(*arguments)
        else:
            self._loop.call_soon_threadsafe(self._lab.terminal_entered)

    def _terminal_answered(self) -> None:
        with self._heard:
            self._answers += 1
            self._heard.notify_all()
        self._tell(self._lab.terminal_answered, monotonic())

    def _tell(self, told: Callable[..., None], *arguments: Any) -> None:
        # The loop is closed while the last answers come.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(told, *arguments)

    def _without_answers_in_pastes(self, text: str) -> str:
        """Take out answers that came between the parts of a pasted text; Textual's parser would tear the text."""
        if not self._pasting and PASTE_BEGIN not in text:
            return text
        parts = []
        for part in PASTE_EDGE.split(text):
            if part in (PASTE_BEGIN, PASTE_END):
                self._pasting = part == PASTE_BEGIN
            elif self._pasting:
                for answer in ANSWERS:
                    for _ in range(part.count(answer)):
                        self._terminal_answered()
                    part = part.replace(answer, "")
            parts.append(part)
        return "".join(parts)

    def run_input_thread(self) -> None:
        """Read keys, mouse and answers until the app or the terminal ends."""
        parser = AnswerParser(self._terminal_answered, debug=self._debug)
        decode = getincrementaldecoder("utf-8")(errors="replace").decode
        with selectors.DefaultSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(POLL_SECONDS):
                    try:
                        data = os.read(self.fileno, 4096)
                    except OSError:
                        data = b""
                    if not data:
                        self._tell(self._lab.terminal_gone)
                        break
                    for message in parser.feed(self._without_answers_in_pastes(decode(data))):
                        self.process_message(message)
                for message in parser.tick():
                    self.process_message(message)
        with suppress(EOFError, ParseError):
            for _ in parser.feed(""):
                pass


def can_be_suspended() -> bool:
    """Tell whether there is a shell in this session to return to."""
    try:
        return os.getsid(0) != os.getpid() and os.getsid(os.getppid()) == os.getsid(0)
    except OSError:
        return False


def suspend_group() -> None:
    """Suspend everything that was started with this process, as the terminal's own ctrl+z does."""
    os.kill(0, signal.SIGTSTP)
