"""A malformed input: the files there are, the words of the command, and what the one line has to name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Case:
    """``make``, if given, is called in the folder after the files have been written."""

    name: str
    words: list[str]
    named: tuple[str, ...]
    files: Mapping[str, bytes] = field(default_factory=dict)
    make: Callable[[Path], None] | None = None
    command: str = "run"
