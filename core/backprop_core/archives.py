"""The reader of NumPy archives (NPZ); every error names file and array.

Only regular files of at most ``LARGEST_FILE`` bytes are read, and they may hold no more when unpacked.
Nothing is unpickled, and memory is taken for what a file holds, never for what it claims to hold.
"""

from __future__ import annotations

import io
import math
import warnings
import zipfile
import zlib
from tokenize import TokenError
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.errors import UserError
from backprop_core.files import read_bytes, shown
from backprop_core.readers import LARGEST_FILE, LARGEST_NUMBER

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def read_arrays(path: Path, names: Collection[str] | None = None) -> dict[str, NDArray[Any]]:
    """Return the arrays of an NPZ file, only those of ``names`` if given; all hold real numbers."""
    return arrays_from_bytes(read_bytes(path, LARGEST_FILE), shown(path), names)


def arrays_from_bytes(
    content: bytes, source: str, names: Collection[str] | None = None, most: int | None = None
) -> dict[str, NDArray[Any]]:
    """Return the arrays of an NPZ file's content, read-only.

    Parameters
    ----------
    content : bytes
    source : str
        Begins every error.
    names : collection of str, optional
        Read only these.
    most : int, optional
        How many bytes they may have together, unpacked; ``LARGEST_FILE`` if left out.
    """
    arrays: dict[str, NDArray[Any]] = {}
    left = LARGEST_FILE if most is None else most
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.infolist():
                name = member.filename.removesuffix(".npy")
                if names is not None and name not in names:
                    continue
                where = f"{source}, array '{shown(name)}'"
                if name in arrays:
                    raise UserError(f"{where}: is there twice; save every array once")
                data = _read_member(archive, member, left, where)
                left -= len(data)
                arrays[name] = _array_from_bytes(data, where)
    except _BROKEN_ZIP as error:
        raise UserError(
            f"{source}: is not a whole NPZ file ({shown(error)}); write it with numpy.savez"
        ) from None
    return arrays


# OSError and ValueError are seeks to places that a broken directory names, RuntimeError is encryption.
_BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
    OverflowError,
)
_BROKEN_HEADER = (
    ValueError,
    TypeError,
    SyntaxError,
    TokenError,
    LookupError,
    AttributeError,
    OverflowError,
    MemoryError,
    RecursionError,
)


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int, where: str) -> bytes:
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UserError(f"{where}: is compressed in an unknown way; write it with numpy.savez_compressed")
    if member.file_size > most:
        raise UserError(f"{where}: is too large; an archive may hold {LARGEST_FILE} bytes unpacked")
    # That is a claim; no more is read than that, and a member that holds another number of bytes is broken.
    with archive.open(member) as file:
        return file.read(member.file_size + 1)


def _array_from_bytes(data: bytes, where: str) -> NDArray[Any]:
    """Return an array that is a view into the bytes of an NPY file."""
    stream = io.BytesIO(data)
    try:
        readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        with warnings.catch_warnings():
            # Of a header by Python 2, or one that is no Python: it is read, or refused in one line.
            warnings.simplefilter("ignore")
            shape, fortran, dtype = readers[np.lib.format.read_magic(stream)](stream)
        offset = stream.tell()
        if dtype.kind not in "biuf":
            raise UserError(f"{where}: {_kind_objection(dtype)}")
        if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(data) - offset:
            raise UserError(f"{where}: its shape {shown(shape)} does not fit its {len(data) - offset} bytes")
        return np.ndarray(shape, dtype, data, offset, order="F" if fortran else "C")
    except _BROKEN_HEADER as error:
        raise UserError(f"{where}: is no array ({shown(error)}); write it with numpy.savez") from None


def _kind_objection(dtype: np.dtype[Any]) -> str:
    kinds = {"O": "Python objects", "c": "complex numbers", "U": "text", "S": "bytes", "V": "records"}
    return f"holds {kinds.get(dtype.kind, shown(dtype))}; it must hold real numbers"


def numeric(values: NDArray[Any], where: str) -> Array:
    """Return a copy as float64, C-contiguous; numbers that are not finite or too large are UserErrors."""
    with np.errstate(over="ignore"):
        converted = np.array(values, np.float64, order="C")
    sound = np.abs(converted) <= LARGEST_NUMBER
    if not sound.all():
        place = tuple(int(index) for index in np.argwhere(~sound)[0])
        found = f"{converted[place]:g} at index {', '.join(map(str, place))}" if place else f"{converted:g}"
        raise UserError(f"{where}: holds {found}; values must be finite, and up to {LARGEST_NUMBER:g}")
    return converted


def read_weights(path: Path) -> dict[str, Array]:
    """Return the arrays W1, b1, W2, … of an NPZ file."""
    return {
        name: numeric(values, f"{shown(path)}, array '{shown(name)}'")
        for name, values in read_arrays(path).items()
    }
