"""Running a script in a process of its own: bounded in time and output, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backprop_core.blas_threads import use_one_thread
from backprop_core.review.running import wire

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_OUTPUT = 64_000


@contextmanager
def private_folder() -> Iterator[Path]:
    """Make a folder for messages and for what the script writes; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="backprop-review-") as name:
        yield Path(name)


def run_module(
    module: str,
    words: list[str],
    folder: Path,
    timeout: float,
    running: set[subprocess.Popen[bytes]] | None = None,
) -> tuple[int | None, str]:
    """Run a module of ours that runs the script; the exit code, None if it had to be stopped, and its errors' tail.

    Parameters
    ----------
    running : set, optional
        Holds the process for as long as it runs, so that somebody else may end it.
    """
    environment = dict(os.environ, REVIEW_TEMPORARY=str(folder), MPLBACKEND="Agg")
    use_one_thread(environment)
    root = str(Path(__file__).resolve().parents[3])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [environment.get("PYTHONPATH"), root]))
    process = subprocess.Popen(
        [sys.executable, "-m", module, *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        env=environment, start_new_session=True,
    )  # fmt: skip
    tail = _Tail(process.stderr)
    if running is not None:
        running.add(process)
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        return None, tail.text()
    finally:
        if running is not None:
            running.discard(process)
        end(process)
        tail.join()
    return process.returncode, tail.text()


class _Tail:
    """Keeps the end of what comes through a pipe, so that thousands of lines neither block nor fill memory."""

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe
        self._kept = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while chunk := self._pipe.read1(65536):
            self._kept = (self._kept + chunk)[-MOST_OUTPUT:]
        self._pipe.close()

    def join(self) -> None:
        self._thread.join(1)

    def text(self) -> str:
        return self._kept.decode("utf-8", "replace")


def end(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def messages_in(folder: Path) -> list[dict[str, Any]]:
    """Read what a worker has written, in order."""
    found = []
    for path in sorted(folder.glob("*.data")):
        try:
            found.append(wire.load(path))
        except (ValueError, KeyError, TypeError):
            continue
    return found
