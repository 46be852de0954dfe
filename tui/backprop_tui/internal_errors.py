"""Errors that are the program's own: one line for the person, the traceback in a file for the report."""

from __future__ import annotations

import os
import tempfile
import traceback

from backprop_core.files import shown

_kept: dict[str, str] = {}
"""The file of each kind of error: one that comes back at every key leaves no more than one."""


def told(error: BaseException) -> str:
    """Keep an error's traceback in a file, and return one line that says what happened, where, and which file."""
    cause = getattr(error, "error", None)
    if isinstance(cause, BaseException):
        # Textual's own, around what went wrong in a worker.
        error = cause
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""  # noqa: PTH119
    said = shown(" ".join(f"{type(error).__name__}: {error}".split()))
    what = f"an error of the program itself{place}, {said}"
    if what not in _kept:
        _kept[what] = _keep(error)
    return what + _kept[what]


def _keep(error: BaseException) -> str:
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="backprop-tui-", suffix=".txt", delete=False, encoding="utf-8", errors="replace"
        ) as file:
            file.writelines(traceback.format_exception(error))
    except OSError:
        return ""
    return f"; details in {file.name}"
