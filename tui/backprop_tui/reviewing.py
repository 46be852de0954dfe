"""The command ``review``: its report on standard output."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from backprop_core.review import DEFAULT_TIMEOUT, review

if TYPE_CHECKING:
    from pathlib import Path

    from backprop_core.review import Review

FOUND, NOT_REVIEWED = 1, 2


def run_review(script: Path, loss: str | None, timeout: float | None, as_json: bool) -> int:
    """Review a script, print the report, and return the exit code."""
    if not as_json:
        sys.stderr.write(f"backprop-tui: running {script} to watch its updates\n")
    found = review(script, loss, timeout or DEFAULT_TIMEOUT)
    sys.stdout.write(json.dumps(found.as_dict(), indent=2, ensure_ascii=False) + "\n" if as_json else text_of(found))
    if not found.reviewed:
        return NOT_REVIEWED
    return FOUND if found.mistakes else 0


def text_of(found: Review) -> str:
    """Return the report for people."""
    if not found.reviewed:
        return f"{found.script} could not be reviewed: {found.reason}\n"
    lines = []
    for mistake in found.mistakes:
        lines += [f"line {mistake.line}: {mistake.explanation}", f"    {mistake.correction.strip()}", ""]
    for warning in found.warnings:
        lines.append(f"{warning.id}: {warning.explanation}")
    return "\n".join(lines) + "\n"
