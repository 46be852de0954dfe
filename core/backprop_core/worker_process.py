"""Starting a process of this program's own, with a socket between the two."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from backprop_core.blas_threads import use_one_thread


def start(
    module: str, *, options: tuple[str, ...] = (), stderr: int
) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Run a module, whose argument is the number of its end of a socket, and return the process and the other end.

    Parameters
    ----------
    options : tuple of str
        Further options of the interpreter.
    stderr : int
        As `subprocess.Popen` takes it.
    """
    ours, theirs = socket.socketpair()
    environment = dict(os.environ)
    use_one_thread(environment)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-P", *options, "-m", module, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            pass_fds=(theirs.fileno(),),
            env=environment,
            process_group=0,
        )
    ours.setblocking(False)
    return process, ours
