from __future__ import annotations

import os

import pytest

from benchmarks.ssh import NoServerError, ssh_server


@pytest.fixture(scope="session")
def server():
    """An SSH server on 127.0.0.1; without one, what needs it is skipped."""
    try:
        opened = ssh_server()
        running = opened.__enter__()
    except NoServerError as error:
        if os.environ.get("CI") and "no SSH server" not in str(error):
            raise
        pytest.skip(str(error))
    yield running
    opened.__exit__(None, None, None)
