"""Writing a session's script, never over a file that is there."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path
from typing import TextIO

from backprop_core.errors import UserError
from backprop_core.files import shown


def write_script(experiment: str, script: str) -> Path:
    """Write into the working directory and return the path: ``NAME.script``, or ``NAME-2.script``, ….

    Raises
    ------
    UserError
        If the directory cannot be written to.
    """
    stem = stem_of(experiment)
    for number in count(1):
        path = Path(f"{stem}.script" if number == 1 else f"{stem}-{number}.script")
        try:
            with path.open("x", encoding="utf-8") as file:
                _write_or_remove(file, script, path)
        except FileExistsError:
            continue
        except OSError as error:
            raise UserError(f"{shown(path)}: cannot be written: {error.strerror}") from None
        return path
    raise AssertionError("unreachable")


def _write_or_remove(file: TextIO, script: str, path: Path) -> None:
    try:
        file.write(script)
        file.flush()
    except OSError:
        # Half a script would be taken for a whole one.
        path.unlink()
        raise


def stem_of(name: str) -> str:
    """Return a name as a file may be called."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "session"


def free_path(name: str, *suffixes: str) -> Path:
    """Return ``NAME.SUFFIX``, or ``NAME-2.SUFFIX``, …, such that none is there, with the first suffix."""
    stem = stem_of(name)
    for number in count(1):
        numbered = stem if number == 1 else f"{stem}-{number}"
        if not any(Path(f"{numbered}.{suffix}").exists() for suffix in suffixes):
            return Path(f"{numbered}.{suffixes[0]}")
    raise AssertionError("unreachable")
