"""The installed command, and the environment to start it in."""

from __future__ import annotations

import os
import sys
from pathlib import Path

COMMAND = str(Path(sys.executable).with_name("backprop-tui"))


def installed_environment() -> dict[str, str]:
    """Return the environment with compiled modules kept, as they are wherever a package is installed."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
