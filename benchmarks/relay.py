"""A slow line: a TCP relay on 127.0.0.1 that carries so many bytes a second, with a round trip of so long."""

from __future__ import annotations

import socket
from contextlib import suppress
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from time import perf_counter, sleep
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self

PIECE = 256
PIECES_HELD = 16
"""What a direction holds beside what the sockets do: like a modem, it is not without a buffer."""

POLL = 0.01

Piece = tuple[float, bytes] | None


class Relay:
    """Carries connections to a port on, slowly. Stopped by leaving its context.

    Parameters
    ----------
    to_port : int
        On 127.0.0.1.
    rate : float
        Bytes a second, each way.
    round_trip : float
        Seconds.
    """

    def __init__(self, to_port: int, rate: float, round_trip: float) -> None:
        self._to_port = to_port
        self._rate = rate
        self._delay = round_trip / 2
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.port: int = self._listener.getsockname()[1]
        self._holding = Event()
        self._held_back = 0

    def __enter__(self) -> Self:
        Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for opened in (self._listener, *self._sockets):
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()

    def hold(self, seconds: float) -> int:
        """Let nothing through for so long, and return how many bytes came that are more than the line holds."""
        self._held_back = 0
        self._holding.set()
        sleep(seconds)
        self._holding.clear()
        return self._held_back

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket()
                server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                server.connect(("127.0.0.1", self._to_port))
                self._sockets += [client, server]
                for source, sink in ((client, server), (server, client)):
                    sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    held: SimpleQueue[Piece] = SimpleQueue()
                    places = Semaphore(PIECES_HELD)
                    Thread(target=self._take, args=(source, held, places), daemon=True).start()
                    Thread(target=self._give, args=(held, places, sink), daemon=True).start()

    def _take(self, source: socket.socket, held: SimpleQueue[Piece], places: Semaphore) -> None:
        with suppress(OSError):
            while data := source.recv(PIECE):
                while not places.acquire(timeout=POLL):
                    if self._holding.is_set():
                        self._held_back += len(data)
                        break
                held.put((perf_counter() + self._delay, data))
        held.put(None)

    def _give(self, held: SimpleQueue[Piece], places: Semaphore, sink: socket.socket) -> None:
        through = 0.0
        with suppress(OSError):
            while piece := held.get():
                arrives, data = piece
                through = max(through + len(data) / self._rate, arrives)
                sleep(max(through - perf_counter(), 0))
                while self._holding.is_set():
                    sleep(POLL)
                sink.sendall(data)
                places.release()
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
