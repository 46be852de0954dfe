"""Messages between the screen's process and the training process: pickles, each after its length.

Nothing but these two processes of one program ever has an end of the socket. A request is (number, name,
arguments), a reply (number, one of the words below, what it says).
"""

from __future__ import annotations

import pickle
import struct
from typing import Any

DONE, REFUSED, DIED = "done", "refused", "died"

_LENGTH = struct.Struct("!Q")


def pack(message: Any) -> bytes:
    """Return a message as the bytes to be sent."""
    content = pickle.dumps(message, protocol=5)
    return _LENGTH.pack(len(content)) + content


class Unpacker:
    """Puts messages together from bytes as they arrive."""

    def __init__(self) -> None:
        self._received = bytearray()

    def feed(self, received: bytes) -> list[Any]:
        """Return the messages that these bytes complete."""
        self._received += received
        messages, begin = [], 0
        while len(self._received) >= begin + _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._received, begin)
            end = begin + _LENGTH.size + length
            if len(self._received) < end:
                break
            messages.append(pickle.loads(self._received[begin + _LENGTH.size : end]))
            begin = end
        del self._received[:begin]
        return messages
