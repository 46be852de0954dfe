"""Readers of series and CSV files; every error names file and line.

Only regular files of at most ``LARGEST_FILE`` bytes are read.
"""

from __future__ import annotations

import csv
import io
import math
import re
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from backprop_core.errors import UserError, nearest
from backprop_core.files import read_bytes, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

LARGEST_FILE = 1024**3
LARGEST_NUMBER = 1e150
"""The squares of larger numbers, or sums of these, are not finite."""

_SERIES_TOKEN = re.compile(r"[^\s,]+|,")
_QUOTED = re.compile(r'"[^"]*("|$)')
_DELIMITERS = ",;\t"


def read_series(path: Path) -> Array:
    """Return the numbers of a file, one a line or separated by commas or blanks; ``#`` begins a comment."""
    name = shown(path)
    values = array("d")
    for number, line in _lines(path):
        where = f"{name}, line {number}"
        comma = True
        for match in _SERIES_TOKEN.finditer(line.split("#", 1)[0]):
            token = match[0]
            if token != ",":
                values.append(_number(token, where))
            elif comma:
                raise UserError(f"{where}: nothing before a comma; every value must be a number")
            comma = token == ","
    if not values:
        raise UserError(f"{name}: holds no numbers; give one a line, or separate them by commas or blanks")
    return np.array(values)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each line of a UTF-8 text, its end kept, and its number."""
    content = read_bytes(path, LARGEST_FILE).removeprefix(b"\xef\xbb\xbf")
    if b"\n" not in content:
        content = content.replace(b"\r", b"\n")
    for number, line in enumerate(io.BytesIO(content), start=1):
        if b"\0" in line:
            raise UserError(f"{shown(path)}, line {number}: holds a NUL byte; it must be UTF-8 text")
        try:
            yield number, line.decode()
        except UnicodeDecodeError:
            raise UserError(f"{shown(path)}, line {number}: is not UTF-8; save the file as UTF-8") from None


def _number(text: str, where: str) -> float:
    try:
        return _parse(text)
    except ValueError:
        raise UserError(f"{where}: {_objection(text)}") from None


def _parse(text: str) -> float:
    value = float(text)
    # float() also takes Python's 1_000, which anywhere else is a slip.
    if abs(value) <= LARGEST_NUMBER and "_" not in text:
        return value
    raise ValueError


def _objection(text: str) -> str:
    text = text.strip()
    quoted = f"'{shown(text[:40])}'"
    if not text:
        return "is empty; every value must be a number"
    if not _is_number(text):
        hint = ", with a decimal point" if _is_number(text.replace(",", ".", 1)) else ""
        return f"{quoted} is not a number; every value must be one{hint}"
    if math.isfinite(float(text)):
        return f"{quoted} is too large; values may be up to {LARGEST_NUMBER:g}"
    return f"{quoted} is not finite; every value must be a finite number"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


@dataclass(frozen=True, eq=False)
class Table:
    """The columns of a CSV file: ``y`` holds numbers (rows, targets), or the labels of the one target."""

    features: tuple[str, ...]
    x: Array
    y: Array | list[str]


def read_csv(path: Path, targets: Sequence[str], *, labels: bool) -> Table:
    """Return the columns of a CSV file with a header.

    The delimiter is the comma, semicolon or tab that the header holds most of.

    Parameters
    ----------
    path : Path
    targets : sequence of str
        The columns to predict; all others are features.
    labels : bool
        Whether a single target column may hold words instead of numbers.
    """
    name = shown(path)
    rows = _csv_rows(path)
    header = _header(next(rows, None), name)
    chosen = _target_columns(header, targets, name)
    features = [column for column in range(len(header)) if column not in chosen]
    if not features:
        raise UserError(f"{name}: every column is a target; at least one must be left to predict from")
    label = chosen[0] if labels and len(chosen) == 1 else None
    columns = features if label is not None else features + chosen
    numbers, words = array("d"), _Labels()
    for line, cells in rows:
        if len(cells) != len(header):
            raise UserError(f"{name}, line {line}: has {len(cells)} cells; the header has {len(header)}")
        try:
            numbers.extend([_parse(cells[column]) for column in columns])
        except ValueError:
            raise UserError(_bad_cell(name, line, header, cells, columns)) from None
        if label is not None:
            words.add(cells[label].strip(), f"{name}, line {line}, column '{shown(header[label])}'")
    if not numbers:
        raise UserError(f"{name}: has a header and no rows; give at least one")
    table = np.array(numbers).reshape(-1, len(columns))
    return Table(
        tuple(header[column] for column in features),
        table[:, : len(features)],
        table[:, len(features) :] if label is None else words.values(),
    )


def _csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each row, and the line it begins on; blank lines are passed over."""
    lines = _lines(path)
    first = next((pair for pair in lines if pair[1].strip()), None)
    if first is None:
        return
    skipped, header = first[0] - 1, first[1]
    delimiter = max(_DELIMITERS, key=_QUOTED.sub("", header).count)

    def texts() -> Iterator[str]:
        yield header
        for _, text in lines:
            yield text

    reader = csv.reader(texts(), delimiter=delimiter, skipinitialspace=True, strict=True)
    while True:
        line = skipped + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UserError(f"{shown(path)}, line {line}: {_csv_objection(str(error))}") from None
        if len(cells) > 1 or (cells and cells[0].strip()):
            yield line, cells


def _csv_objection(error: str) -> str:
    if "end of data" in error or "field limit" in error:
        return "a quotation mark is opened and not closed; close it"
    if "expected after" in error:
        return "text follows a closing quotation mark; double the quotation marks within a cell"
    return f"is not CSV: {shown(error)}"


def _header(row: tuple[int, list[str]] | None, name: str) -> list[str]:
    if row is None:
        raise UserError(f"{name}: is empty; the first line must name the columns")
    line, cells = row
    header = [cell.strip() for cell in cells]
    if all(_is_number(cell) for cell in header):
        raise UserError(f"{name}, line {line}: holds only numbers; the first line must name the columns")
    for column, label in enumerate(header):
        if not label:
            raise UserError(f"{name}, line {line}: column {column + 1} has no name; give every column one")
        if label in header[:column]:
            raise UserError(
                f"{name}, line {line}: two columns are called '{shown(label)}'; names must differ"
            )
    if len(header) == 1:
        raise UserError(
            f"{name}, line {line}: has one column, '{shown(header[0])}';"
            " separate columns by commas, semicolons or tabs"
        )
    return header


def _target_columns(header: list[str], targets: Sequence[str], name: str) -> list[int]:
    chosen: list[int] = []
    for target in map(str.strip, targets):
        if target not in header:
            known = [shown(column) for column in header]
            raise UserError(f"{name}: no column '{shown(target)}'{nearest(target, known)}")
        column = header.index(target)
        if column in chosen:
            raise UserError(f"{name}: target '{shown(target)}' is named twice; name it once")
        chosen.append(column)
    if not chosen:
        raise UserError(f"{name}: no target is named; name the columns to predict")
    return chosen


def _bad_cell(name: str, line: int, header: list[str], cells: list[str], columns: list[int]) -> str:
    for column in columns:
        try:
            _parse(cells[column])
        except ValueError:
            where = f"{name}, line {line}, column '{shown(header[column])}'"
            return f"{where}: {_objection(cells[column])}"
    raise AssertionError


class _Labels:
    """The target column's cells, equal ones kept once, and where each is first seen."""

    def __init__(self) -> None:
        self._cells: list[str] = []
        self._places: dict[str, str] = {}
        self._known: dict[str, str] = {}

    def add(self, text: str, where: str) -> None:
        if not text:
            raise UserError(f"{where}: is empty; every row must name a class")
        if text not in self._known:
            self._known[text] = text
            self._places[text] = where
        self._cells.append(self._known[text])

    def values(self) -> Array | list[str]:
        """Return numbers (rows, 1) if all labels are numbers, or else the labels."""
        if not all(map(_is_number, self._places)):
            return self._cells
        numbers = {text: _number(text, where) for text, where in self._places.items()}
        return np.array([numbers[text] for text in self._cells])[:, None]
