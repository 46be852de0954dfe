"""Readers of what people bring: series, CSV files, NumPy archives. Every error names file and place."""

from __future__ import annotations

import csv
import io
import math
import re
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.errors import UserError, nearest
from backprop_core.files import read_bytes, read_text, shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

LARGEST_FILE = 1024**3


def _finite(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise UserError(f"{where}: '{shown(text[:40])}' is not a number; every value must be one") from None
    if not math.isfinite(value):
        raise UserError(f"{where}: '{shown(text[:40])}' is not finite; leave such values out")
    return value


def read_series(path: Path) -> Array:
    """Return the numbers of a file, one a line or separated by commas, semicolons or blanks."""
    values = []
    for line, text in enumerate(read_text(path, LARGEST_FILE).splitlines(), start=1):
        words = re.split(r"[,;\s]+", text.split("#", 1)[0].strip())
        values += [_finite(word, f"{shown(path)}, line {line}") for word in words if word]
    if not values:
        raise UserError(f"{shown(path)}: holds no numbers; give one a line")
    return np.array(values)


def windows(series: Array, window: int, where: str) -> tuple[Array, Array]:
    """Return x (rows, window) and y (rows, 1): each number after the ``window`` before it."""
    if len(series) <= window:
        raise UserError(
            f"{where}: a window of {window} needs more than {window} numbers; there are {len(series)}"
        )
    x = np.lib.stride_tricks.sliding_window_view(series, window)[:-1]
    return np.ascontiguousarray(x), series[window:, None].copy()


def read_csv(path: Path) -> tuple[tuple[str, ...], list[list[str]], list[int]]:
    """Return the header, the rows as texts, and the line each row begins on."""
    text = read_text(path, LARGEST_FILE)
    name = shown(path)
    if "\0" in text:
        raise UserError(f"{name}: holds a NUL byte; a CSV file is text")
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, lines, header = [], [], None
    before = 0
    try:
        for row in reader:
            start, before = before + 1, reader.line_num
            if not any(cell.strip() for cell in row):
                continue
            if header is None:
                header = _header(row, name)
                continue
            if len(row) != len(header):
                raise UserError(f"{name}, line {start}: has {len(row)} cells; the header has {len(header)}")
            rows.append([cell.strip() for cell in row])
            lines.append(start)
    except csv.Error as error:
        raise UserError(f"{name}, line {reader.line_num}: not CSV: {error}") from None
    if header is None:
        raise UserError(f"{name}: is empty; the first line names the columns")
    if not rows:
        raise UserError(f"{name}: has a header and no rows; give at least one")
    return header, rows, lines


def _header(row: Sequence[str], name: str) -> tuple[str, ...]:
    header = tuple(cell.strip() for cell in row)
    if all(_is_number(cell) for cell in header):
        raise UserError(f"{name}, line 1: only numbers; the first line must name the columns")
    seen: set[str] = set()
    for number, column in enumerate(header, start=1):
        if not column:
            raise UserError(f"{name}, line 1: column {number} has no name")
        if column in seen:
            raise UserError(f"{name}, line 1: two columns are called '{shown(column)}'")
        seen.add(column)
    return header


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def split_columns(
    path: Path, targets: Sequence[str], *, labels: bool
) -> tuple[tuple[str, ...], Array, Array | NDArray[np.str_]]:
    """Return the features' names, x, and y of a CSV file.

    With ``labels`` a single target column may hold words; y then is an array of texts of shape (rows,).
    """
    header, rows, lines = read_csv(path)
    name = shown(path)
    for target in targets:
        if target not in header:
            known = [shown(column) for column in header]
            raise UserError(f"{name}: no column '{shown(target)}'{nearest(shown(target), known)}")
    features = tuple(column for column in header if column not in targets)
    if not features:
        raise UserError(f"{name}: every column is a target; at least one must be left to predict from")

    def column(label: str) -> list[float]:
        index = header.index(label)
        return [
            _finite(row[index], f"{name}, line {line}, column '{shown(label)}'")
            for row, line in zip(rows, lines, strict=True)
        ]

    x = np.column_stack([column(feature) for feature in features])
    if labels and len(targets) == 1:
        index = header.index(targets[0])
        texts = [row[index] for row in rows]
        if "" in texts:
            line = lines[texts.index("")]
            raise UserError(f"{name}, line {line}, column '{shown(targets[0])}': is empty; name a class")
        if not all(_is_number(text) for text in texts):
            return features, x, np.array(texts)
    return features, x, np.column_stack([column(target) for target in targets])


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of an NPZ file; nothing in it is unpickled, and no claimed size is trusted."""
    content = read_bytes(path, LARGEST_FILE)
    name = shown(path)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {
                member.filename.removesuffix(".npy"): _read_member(archive, member, name)
                for member in archive.infolist()
            }
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise UserError(f"{name}: is no NPZ file ({error}); write one with numpy.savez") from None


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> NDArray[Any]:
    where = f"{name}, array '{shown(member.filename.removesuffix('.npy'))}'"
    if member.file_size > LARGEST_FILE:
        raise UserError(f"{where}: has {member.file_size} bytes; at most {LARGEST_FILE} are read")
    try:
        # An entry's size is a claim too: reading stops at the largest that is accepted.
        with archive.open(member) as file:
            data = file.read(LARGEST_FILE + 1)
        stream = io.BytesIO(data)
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if read_header is None:
            raise UserError(f"{where}: is of an unknown version of the format")
        shape, _, dtype = read_header(stream)
        if dtype.hasobject:
            raise UserError(f"{where}: holds Python objects; save plain numbers")
        if math.prod(shape) * dtype.itemsize != len(data) - stream.tell():
            raise UserError(f"{where}: its shape {shape} does not fit its {len(data)} bytes")
        stream.seek(0)
        return np.lib.format.read_array(stream, allow_pickle=False)
    except (ValueError, TypeError, SyntaxError, zipfile.BadZipFile) as error:
        raise UserError(f"{where}: is no array ({shown(error)}); write it with numpy.savez") from None


def numeric(array: NDArray[Any], where: str) -> Array:
    """Return an array as float64; anything but finite real numbers is a UserError."""
    if array.dtype.kind not in "biuf":
        raise UserError(f"{where}: holds {array.dtype}; it must hold real numbers")
    converted = np.ascontiguousarray(array, np.float64)
    finite = np.isfinite(converted)
    if not finite.all():
        place = tuple(int(index) for index in np.argwhere(~finite)[0])
        raise UserError(f"{where}: is not finite at {place}; leave such rows out")
    return converted


def read_weights(path: Path) -> dict[str, Array]:
    """Return the arrays W1, b1, W2, … of an NPZ file."""
    return {name: numeric(array, f"{shown(path)}, '{shown(name)}'") for name, array in read_arrays(path).items()}
