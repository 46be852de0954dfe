"""An investigation in a process of its own, beside the training."""

from __future__ import annotations

import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from backprop_core.engine_messages import DONE, REFUSED, Unpacker, pack
from backprop_core.errors import UserError
from backprop_core.worker_process import start

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from backprop_core.consulting import Case, Found

ENDING_SECONDS = 0.5


class ConsultingProcess:
    """Starts at once; what it finds comes from :meth:`findings`.

    Attributes
    ----------
    process_id : int
    """

    def __init__(self) -> None:
        self._process, self._socket = start("backprop_core.consulting_worker", stderr=subprocess.DEVNULL)
        self._closed = False
        self.process_id = self._process.pid

    async def findings(self, case: Case) -> AsyncGenerator[Found, None]:
        """Hand over the case, and return what is found as it comes; nothing more once :meth:`close` is called.

        Raises
        ------
        UserError
            If the case cannot be investigated, or the process has died: in a line, why.
        """
        from asyncio import get_running_loop

        loop, unpacker = get_running_loop(), Unpacker()
        try:
            await loop.sock_sendall(self._socket, pack(case))
            while received := await loop.sock_recv(self._socket, 1 << 20):
                for kind, content in unpacker.feed(received):
                    if kind == REFUSED:
                        raise UserError(content)
                    if kind != DONE:
                        raise UserError(f"the investigation failed: {content}")
                    yield content
            self._check_end()
        except ConnectionError:
            self._check_end()
        finally:
            self.close()
            self._socket.close()

    def _check_end(self) -> None:
        """Raise an error if the process has come to an end that nobody asked for."""
        # Its end of the socket is closed a moment before it is gone.
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(ENDING_SECONDS)
        code = self._process.returncode
        if code and not self._closed:
            how = (
                f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
            )
            raise UserError(f"the investigation's process {how}")

    def close(self) -> None:
        """End the process, whatever it is doing; may be called at any time and more than once."""
        self._closed = True
        self._process.kill()
        self._process.wait()
