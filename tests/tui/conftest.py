from __future__ import annotations

import pytest


@pytest.fixture
def short_waits(monkeypatch):
    """Look more often whether an app under test has become idle: after each key, twice, it is waited for."""
    monkeypatch.setattr("textual._wait.SLEEP_GRANULARITY", 1 / 250)
    monkeypatch.setattr("textual._wait.SLEEP_IDLE", 1 / 2500)
