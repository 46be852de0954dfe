"""The process of a script that is being watched: ``python -P -m backprop_core.review.watching.watch_worker FD``.

FD is its end of a socket pair. The script runs in the main thread, as in any program; another one answers requests.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from backprop_core.commands import Outcome, Run, Step
from backprop_core.engine_messages import DIED, DONE, REFUSED, Unpacker, pack
from backprop_core.errors import UserError
from backprop_core.review.reasons import why_not
from backprop_core.review.watching.watching import Watched

STEP_SECONDS = 0.5
"""How long the answer to a step waits for the script; a longer update goes on, and frames tell."""

SWITCH_SECONDS = 0.001
"""The script's thread gives way so often: requests are answered while it computes."""


class Server:
    """Answers requests about the script."""

    def __init__(self, connection: socket.socket, watched: Watched, folder: Path) -> None:
        self._connection = connection
        self._watched = watched
        self._folder = folder
        self.opened: tuple[Path, str | None] | None = None
        self.opening = threading.Event()
        self.refused = ""

    def serve(self) -> None:
        """Answer until the connection is closed; then the process ends, whatever the script does."""
        unpacker = Unpacker()
        try:
            while received := self._connection.recv(1 << 16):
                for number, request, arguments in unpacker.feed(received):
                    try:
                        reply = number, DONE, getattr(self, f"do_{request}")(*arguments)
                    except UserError as error:
                        reply = number, REFUSED, str(error)
                    self._connection.sendall(pack(reply))
        except ConnectionError:
            pass
        except Exception as error:
            import traceback

            reason = " ".join(f"{type(error).__name__}: {error}".split())
            self._connection.sendall(pack((0, DIED, (reason, traceback.format_exc()))))
            self._leave(1)
        self._leave(0)

    def _leave(self, code: int) -> None:
        """End the process now, whatever the script does; what it has written goes with it."""
        shutil.rmtree(self._folder, ignore_errors=True)
        os._exit(code)

    def do_load(self, script: Path, loss: str | None, pace: float | None, running: bool) -> None:
        """Run a script; answered once its training loop has been found."""
        watched = self._watched
        with watched.changed:
            watched.pace.steps_per_second = pace
            if not running:
                watched.pause()
        self.opened = script, loss
        self.opening.set()
        with watched.changed:
            watched.changed.wait_for(lambda: watched.found or watched.ended)
            watched.changed.wait_for(lambda: watched.settled or watched.ended)
            if not watched.found:
                self.refused = (
                    f"{script.name} cannot be watched: {why_not([watched.end], stopped=False, timeout=0)}"
                )
                raise UserError(self.refused)

    def do_frame(self, view: Any) -> Any:
        """Build a frame of what was seen last, and have the next update recorded."""
        from backprop_core.review.watching.watch_frames import build_frame

        watched = self._watched
        with watched.changed:
            watched.wanted = True
            if self.opened is None or self.refused:
                raise UserError(self.refused)
            return build_frame(watched, view, self.opened[0].name)

    def do_pause(self) -> None:
        """Hold the script."""
        with self._watched.changed:
            self._watched.pause()
            self._settle()

    def do_resume(self) -> None:
        """Let the script go on."""
        with self._watched.changed:
            self._must_be_running()
            self._watched.resume()

    def do_pace(self, steps_per_second: float | None) -> None:
        """Let so many updates a second happen at most."""
        with self._watched.changed:
            self._watched.pace.steps_per_second = steps_per_second
            self._watched.changed.notify_all()

    def do_command(self, command: Any) -> Outcome:
        """Take a step, or an epoch: all else would change what is the script's own."""
        watched = self._watched
        with watched.changed:
            if command == Step(1):
                text, act = "step", watched.step_once
            elif command == Run(epochs=1):
                text, act = "run 1 epoch", watched.step_epoch
            else:
                raise UserError("a script that is watched is not changed: mend its lines, and run it again")
            self._must_be_running()
            before, step = watched.loss, watched.step
            act()
            self._settle()
            taken = watched.step - step
            result = f"{taken} update{'s' * (taken != 1)} of the script"
            return Outcome(watched.step, text, result, before, watched.loss)

    def _settle(self) -> None:
        self._watched.changed.wait_for(lambda: self._watched.settled, STEP_SECONDS)

    def _must_be_running(self) -> None:
        if self._watched.ended:
            raise UserError(self._watched.reason)


def main() -> None:
    """Serve the socket whose number is the first argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.setswitchinterval(SWITCH_SECONDS)
    connection = socket.socket(fileno=int(sys.argv[1]))
    connection.set_inheritable(False)
    watched = Watched()
    folder = Path(tempfile.mkdtemp(prefix="backprop-watch-"))
    os.environ["REVIEW_TEMPORARY"] = str(folder)
    server = Server(connection, watched, folder)
    threading.Thread(target=server.serve, daemon=True).start()
    server.opening.wait()
    assert server.opened is not None
    script, loss = server.opened
    run(script, loss, watched, folder)
    threading.Event().wait()


def run(script: Path, loss: str | None, watched: Watched, folder: Path) -> None:
    """Run a script to its end under the eyes of ``watched``."""
    from backprop_core.review.running.worker import run_recorded
    from backprop_core.review.watching.watching import WatchDriver

    run_recorded(script, script, lambda recorder: WatchDriver(recorder, folder, loss, watched))


if __name__ == "__main__":
    main()
