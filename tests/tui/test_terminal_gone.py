"""The terminal goes away: nothing is left behind."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import termios
from pathlib import Path


def test_no_process_is_left_when_the_terminal_goes_away(tmp_path):
    state = tmp_path / "state.npz"
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (40, 120))
    process = subprocess.Popen(
        [sys.executable, "-m", "backprop_tui", "sequence", "--checkpoint", str(state)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": "xterm-256color"},
        start_new_session=True,
        # Opening it makes it the session's controlling terminal, so that its end is signalled.
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),
    )
    os.close(slave)
    seen = b""
    while b"RUNNING" not in seen:
        assert select.select([master], [], [], 30)[0], seen[-500:]
        seen += os.read(master, 65536)
    workers = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True, check=True
    ).stdout.split()
    assert len(workers) == 1
    os.close(master)
    assert process.wait(20) == 128 + 1
    assert state.exists()
    assert not Path(f"/proc/{workers[0]}").exists()
