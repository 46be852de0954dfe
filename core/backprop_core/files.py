"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import io
import os
import stat
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray


def write_atomically(path: Path, content: bytes) -> None:
    """Write to a temporary file beside ``path``, sync it, and rename it over ``path``.

    Raises
    ------
    UserError
        If that fails; what was at ``path`` is still there then.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UserError(f"{shown(path)}: cannot be written: {error.strerror}") from error


def arrays_to_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the arrays as an NPZ file's content."""
    buffer = io.BytesIO()
    np.savez(buffer, **{name: np.asarray(array) for name, array in arrays.items()})  # type: ignore[arg-type]
    return buffer.getvalue()


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write an NPZ file atomically."""
    write_atomically(path, arrays_to_bytes(arrays))


def read_text(path: Path, most: int) -> str:
    """Return a file's text, UTF-8 with or without a byte order mark.

    Raises
    ------
    UserError
        If there is no such regular file, it has more than ``most`` bytes, or it is no UTF-8.
    """
    try:
        return read_bytes(path, most).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{shown(path)}: byte {error.start + 1} is not UTF-8; save it as UTF-8") from None


def read_bytes(path: Path, most: int) -> bytes:
    """Return a file's content; only of regular files, so that reading cannot block."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            raise UserError(f"{shown(path)}: is {kind}; give a file")
        if status.st_size > most:
            raise UserError(f"{shown(path)}: has {status.st_size} bytes; at most {most} are read")
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{shown(path)}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise UserError(f"{shown(path)}: is not a file's name") from None


def harmless(text: str) -> str:
    """Return text from outside as a terminal may get it: whatever is not printable escaped."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def shown(text: object) -> str:
    """Return text from outside for a message: harmless, and shortened."""
    safe = harmless(str(text))
    return safe if len(safe) <= 200 else safe[:197] + "…"
