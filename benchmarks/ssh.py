"""An SSH server of one's own on 127.0.0.1: a random high port, keys made for it, ended by its process."""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

START_SECONDS = 20.0

CONFIGURATION = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/user_key.pub
AuthenticationMethods publickey
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
PrintMotd no
PrintLastLog no
SetEnv LANG=C.UTF-8
"""


class NoServerError(Exception):
    """There is no SSH server on this machine, or it does not let this user in; the text says which."""


class Server:
    """A running server: where it listens, and where its keys are."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self._folder = folder

    def login(
        self, command: Sequence[str], *, port: int = 0, environment: dict[str, str] | None = None
    ) -> list[str]:
        """Return the client's command that runs another in a terminal on the server.

        Parameters
        ----------
        command : sequence of str
        port : int
            Of a relay to the server; 0 is the server itself.
        environment : dict
            Set for the command.
        """
        settings = [f"{name}={value}" for name, value in (environment or {}).items()]
        return [
            *(
                "ssh",
                "-tt",
                "-q",
                "-F",
                "none",
                "-p",
                str(port or self.port),
                "-i",
                str(self._folder / "user_key"),
            ),
            *("-o", f"UserKnownHostsFile={self._folder}/known_hosts", "-o", "HostKeyAlias=lab"),
            *("-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"),
            f"{getpass.getuser()}@127.0.0.1",
            shlex.join(["env", *settings, *command]),
        ]


@contextmanager
def ssh_server() -> Iterator[Server]:
    """Start a server, and end it.

    Raises
    ------
    NoServerError
        If there is none, or it does not let this user in.
    """
    program = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None or shutil.which("ssh") is None:
        raise NoServerError("no SSH server and client here (Debian's openssh-server)")
    with TemporaryDirectory() as name:
        folder = Path(name)
        make_keys(folder)
        port = free_port()
        (folder / "sshd_config").write_text(CONFIGURATION.format(port=port, folder=folder))
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [program, "-D", "-e", "-f", str(folder / "sshd_config")], stdin=subprocess.DEVNULL, stderr=log
            )
        try:
            server = Server(port, folder)
            wait_until_it_listens(port, process)
            tried = subprocess.run(
                server.login(["true"]), capture_output=True, timeout=START_SECONDS, check=False
            )
            if tried.returncode:
                raise NoServerError(
                    f"the SSH server does not let this user in: {(folder / 'log').read_text()}"
                )
            yield server
        finally:
            process.terminate()
            process.wait()


def make_keys(folder: Path) -> None:
    """Make the server's and the user's keys, and have the client know the server."""
    for key in ("host_key", "user_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)], check=True)
    host = (folder / "host_key.pub").read_text()
    (folder / "known_hosts").write_text(f"lab {host}")


def free_port() -> int:
    """Return a port that was free just now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a port can be connected to."""
    deadline = monotonic() + START_SECONDS
    while process.poll() is None and monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            sleep(0.02)
        else:
            return
    raise NoServerError("the SSH server does not start")
