"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import io
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from io import RawIOBase

    from numpy.typing import NDArray


MAGIC_BYTES = 4
NPZ_MAGIC = b"PK\x03\x04"


def write_atomically(path: Path, content: bytes) -> None:
    """Write to a temporary file beside ``path``, sync it, rename it over ``path``, and sync the folder.

    A reader, and whoever looks after a crash or a power cut, finds the old file or the new one, whole. A
    symbolic link stays one: the file that it leads to is replaced.

    Raises
    ------
    UserError
        If that fails, or ``path`` is no regular file, or one of another kind: the first bytes tell. What was
        at ``path`` is still there then.
    """
    try:
        target = Path(os.path.realpath(path))
        must_be_replaceable(path, content[:MAGIC_BYTES])
        _remove_leftovers(target)
        temporary = target.with_name(f"{_lead(target)}{os.getpid()}.tmp")
        try:
            _write_synced(temporary, content)
            temporary.replace(target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        _sync_folder(target.parent)
    except OSError as error:
        raise UserError(f"{shown(path)}: cannot be written: {error.strerror}") from error
    except ValueError:
        raise UserError(f"{shown(path)}: is not a file's name") from None


def _lead(path: Path) -> str:
    """Return how a file's temporary ones begin; long names still leave room for the rest."""
    return f".{path.name[:40]}."


def _remove_leftovers(target: Path) -> None:
    """Remove what processes that were killed while they wrote have left behind."""
    lead = _lead(target)
    with suppress(OSError):
        for path in target.parent.iterdir():
            writer = path.name.removeprefix(lead).removesuffix(".tmp")
            if path.name == f"{lead}{writer}.tmp" and writer.isdecimal() and not _alive(int(writer)):
                path.unlink(missing_ok=True)


def _alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return process_id != os.getpid()


def _write_synced(path: Path, content: bytes) -> None:
    # Opened exclusively: a link that somebody has put there is not followed.
    with path.open("xb", buffering=0) as file:
        write_whole(file, content)
        os.fsync(file.fileno())


def write_whole(file: RawIOBase, content: bytes) -> None:
    """Write all of it: one call may write a part only, as where a disk gets full."""
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]


def _sync_folder(folder: Path) -> None:
    """Make a rename last; some file systems cannot sync folders, and need not."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def must_be_writable(path: Path, beginning: bytes) -> None:
    """Check before the work that a file can be written in the end.

    Raises
    ------
    UserError
        If its folder is missing or closed to writing, or if there is something that is not to be replaced.
    """
    try:
        must_be_replaceable(path, beginning)
        folder = Path(os.path.realpath(path)).parent
        there = folder.is_dir()
    except OSError as error:
        raise UserError(f"{shown(path)}: cannot be written: {error.strerror}") from None
    except ValueError:
        raise UserError(f"{shown(path)}: is not a file's name") from None
    if not there:
        raise UserError(f"{shown(path)}: cannot be written: there is no folder {shown(folder)}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f"{shown(path)}: cannot be written: no permission in the folder {shown(folder)}")


def must_be_replaceable(path: Path, beginning: bytes) -> None:
    """Refuse what is no regular file, and a file that does not begin as the new one: a slip, mostly."""
    if not path.exists():
        return
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise UserError(f"{shown(path)}: is {_kind_of(status)}; give a file")
    with path.open("rb") as file:
        if file.read(len(beginning)) not in (beginning, b""):
            raise UserError(f"{shown(path)}: is there and is a file of another kind; give another name")


def _kind_of(status: os.stat_result) -> str:
    return "a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"


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
            raise UserError(f"{shown(path)}: is {_kind_of(status)}; give a file")
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
