"""Writing scripts and experiments, never over a file that is there."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path
from typing import TextIO

from backprop_core.errors import UserError
from backprop_core.files import shown


def write_script(experiment: str, script: str) -> Path:
    """Write a session's script into the working directory, and return its path."""
    return write_new(experiment, "script", script)


def write_new(name: str, suffix: str, text: str) -> Path:
    """Write into the working directory and return the path: ``NAME.SUFFIX``, or ``NAME-2.SUFFIX``, ….

    Raises
    ------
    UserError
        If the directory cannot be written to.
    """
    stem = stem_of(name)
    for number in count(1):
        path = Path(f"{stem}.{suffix}" if number == 1 else f"{stem}-{number}.{suffix}")
        try:
            with path.open("x", encoding="utf-8") as file:
                _write_or_remove(file, text, path)
        except FileExistsError:
            continue
        except OSError as error:
            raise UserError(f"{shown(path)}: cannot be written: {error.strerror}") from None
        return path
    raise AssertionError("unreachable")


def _write_or_remove(file: TextIO, text: str, path: Path) -> None:
    try:
        file.write(text)
        file.flush()
    except OSError:
        # Half a file would be taken for a whole one.
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
