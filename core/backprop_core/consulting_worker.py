"""An investigation's process: ``python -P -m backprop_core.consulting_worker FD``, FD being a socket's end.

It is given one case, sends what it finds as it finds it, and ends. It also ends when the other end of the
socket is closed, which the kernel does however the screen's process ends.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from threading import Thread
from typing import TYPE_CHECKING, Any

from backprop_core.engine_messages import DIED, DONE, REFUSED, Unpacker, pack
from backprop_core.errors import UserError

if TYPE_CHECKING:
    from backprop_core.consulting import Case

NICENESS = 5
"""Training and the screen go first."""


def receive(connection: socket.socket) -> Any:
    """Return the one message that is sent to this process."""
    unpacker = Unpacker()
    while received := connection.recv(1 << 20):
        for message in unpacker.feed(received):
            return message
    raise ConnectionError


def end_with(connection: socket.socket) -> None:
    """End this process, whatever it is doing, once the connection is closed."""
    while connection.recv(1 << 10):
        pass
    os._exit(0)


def serve(connection: socket.socket) -> None:
    """Investigate the case that is sent, and send what is found."""
    case: Case = receive(connection)
    Thread(target=end_with, args=(connection,), daemon=True).start()
    from backprop_core.consulting import consult

    try:
        consult(case, lambda found: connection.sendall(pack((DONE, found))))
    except UserError as error:
        connection.sendall(pack((REFUSED, str(error))))


def main() -> None:
    """Serve the socket whose number is the first argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    connection = socket.socket(fileno=int(sys.argv[1]))
    connection.set_inheritable(False)
    try:
        serve(connection)
    except ConnectionError:
        pass
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        connection.sendall(pack((DIED, reason)))
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main()
