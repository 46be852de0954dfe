"""What the environment says of the terminal: its encoding, whether it wants colours, how far away it is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

COERCED = ("C.UTF-8", "C.utf8", "UTF-8")
"""What Python sets ``LC_CTYPE`` to where the locale is C (PEP 538); the terminal does not become UTF-8 by that."""


def over_ssh(environment: Mapping[str, str] = os.environ) -> bool:
    """Tell whether the terminal is at the other end of an SSH connection."""
    return bool(environment.get("SSH_CONNECTION") or environment.get("SSH_TTY"))


def is_served(environment: Mapping[str, str] = os.environ) -> bool:
    """Tell whether the lab is shown by a browser, to which a server passes on what it writes."""
    return environment.get("TEXTUAL_DRIVER", "").endswith(":WebDriver")


def mouse_is_harmless(environment: Mapping[str, str] = os.environ) -> bool:
    """Tell whether the mouse can be reported: GNU screen 4.9 then holds escape back until another key follows."""
    return not environment.get("STY")


def is_utf8(environment: Mapping[str, str]) -> bool:
    """Tell whether the locale is one of UTF-8, as POSIX finds it: ``LC_ALL``, else ``LC_CTYPE``, else ``LANG``."""
    names = ("LC_ALL", "LC_CTYPE", "LANG")
    locale = next((environment[name] for name in names if environment.get(name)), "C")
    return "utf8" in locale.lower().replace("-", "")


def given_environment() -> Mapping[str, str]:
    """Return the environment that the program was started with, before Python changed it."""
    if os.environ.get("LC_CTYPE") not in COERCED:
        return os.environ
    try:
        pairs = Path("/proc/self/environ").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return os.environ
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)
