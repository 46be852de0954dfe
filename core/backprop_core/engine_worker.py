"""The training process: ``python -P -m backprop_core.engine_worker FD``, FD being its end of a socket pair.

It trains a few milliseconds, looks for requests, answers them in their order, and trains on. It ends when
the other end of the socket is closed, which the kernel does however the screen's process ends.
"""

from __future__ import annotations

import math
import os
import select
import signal
import socket
import sys
from typing import Any

from backprop_core.engine_messages import DIED, DONE, REFUSED, Unpacker, pack
from backprop_core.errors import UserError

TRAINING_SECONDS = 0.004
"""Training between two looks at the socket: what a request waits for at most, a single long step apart."""


class Worker:
    """Answers requests with a session, and has it train meanwhile."""

    def __init__(self, connection: socket.socket) -> None:
        from backprop_core.session import Session

        self._connection = connection
        self._begin = Session.begin
        self._session: Session | None = None
        self._no_session = UserError("no experiment has been opened")

    def serve(self) -> None:
        """Train and answer until the connection is closed."""
        unpacker = Unpacker()
        poll = select.poll()
        poll.register(self._connection, select.POLLIN)
        while True:
            idle = self._session.idle_seconds if self._session else None
            if poll.poll(None if idle is None else math.ceil(idle * 1000)):
                received = self._connection.recv(1 << 16)
                if not received:
                    return
                for number, request, arguments in unpacker.feed(received):
                    self._reply(number, request, arguments)
            elif self._session:
                self._session.advance(TRAINING_SECONDS)

    def _reply(self, number: int, request: str, arguments: tuple[Any, ...]) -> None:
        try:
            reply = number, DONE, self._answer(request, arguments)
        except UserError as error:
            reply = number, REFUSED, str(error)
        self._connection.sendall(pack(reply))

    def _answer(self, request: str, arguments: tuple[Any, ...]) -> Any:
        if self._session is not None:
            return self._session.handle(request, *arguments)
        if request != "load":
            raise self._no_session
        try:
            self._session = self._begin(*arguments)
        except UserError as error:
            self._no_session = error
            raise
        return None


def main() -> None:
    """Serve the socket whose number is the first argument."""
    # ctrl+c in the terminal is a key to the screen, and no reason for training to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = socket.socket(fileno=int(sys.argv[1]))
    connection.set_inheritable(False)
    try:
        Worker(connection).serve()
    except ConnectionError:
        pass
    except Exception as error:
        import traceback

        reason = " ".join(f"{type(error).__name__}: {error}".split())
        connection.sendall(pack((0, DIED, (reason, traceback.format_exc()))))
        os._exit(1)
    # The screen waits for this exit; taking the interpreter down in order would take longer.
    os._exit(0)


if __name__ == "__main__":
    main()
