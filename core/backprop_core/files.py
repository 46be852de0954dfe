"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import io
import os
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
        raise UserError(f"{path}: cannot be written: {error.strerror}") from error


def arrays_to_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the arrays as an NPZ file's content."""
    buffer = io.BytesIO()
    np.savez(buffer, **{name: np.asarray(array) for name, array in arrays.items()})  # type: ignore[arg-type]
    return buffer.getvalue()


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write an NPZ file atomically."""
    write_atomically(path, arrays_to_bytes(arrays))
