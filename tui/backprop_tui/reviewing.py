"""The command ``review``: its report on standard output."""

from __future__ import annotations

import json
import sys
from textwrap import wrap
from typing import TYPE_CHECKING

from backprop_core.files import harmless, shown
from backprop_core.review import DEFAULT_TIMEOUT, review

if TYPE_CHECKING:
    from pathlib import Path

    from backprop_core.review import Review

FOUND, NOT_REVIEWED = 1, 2
WIDTH = 98


def run_review(script: Path, loss: str | None, timeout: float | None, as_json: bool) -> int:
    """Review a script, print the report, and return the exit code."""
    sys.stderr.write(f"backprop-tui: executing {shown(script)} to watch its updates\n")
    sys.stderr.flush()
    found = review(script, loss, timeout or DEFAULT_TIMEOUT)
    if as_json:
        sys.stdout.write(json.dumps(found.as_dict(), indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(text_of(found))
    if not found.reviewed:
        return NOT_REVIEWED
    return FOUND if found.mistakes else 0


def text_of(found: Review) -> str:
    """Return the report for people."""
    if not found.reviewed:
        return _paragraph(f"{shown(found.script)} could not be reviewed: {found.reason}.")
    parts = [_headline(found)]
    for number, mistake in enumerate(found.mistakes, 1):
        parts.append(_paragraph(f"{number}. Line {mistake.line}. {mistake.explanation}", "   "))
        parts.append(f"   Right: {harmless(mistake.correction)}\n")
    parts += [_paragraph(f"Harmless: {warning.explanation}") for warning in found.warnings]
    parts += [_table(found)]
    if found.beyond:
        parts.append("Beyond the gradient:\n")
        parts += [_paragraph(f"- {sentence}", "  ") for sentence in found.beyond]
    parts += _corrected(found)
    parts += [_paragraph(note) for note in found.notes]
    return "\n".join(part.rstrip("\n") for part in parts if part) + "\n"


def _headline(found: Review) -> str:
    loss = f"loss {found.loss_name}, line {found.loss_line}" if found.loss_name else "no loss found"
    count = len(found.mistakes)
    said = (
        "no mistake in its gradient"
        if not count
        else f"{count} mistake{'s' if count > 1 else ''} in its gradient"
    )
    return _paragraph(f"{shown(found.script)}: {said} ({loss}).")


def _table(found: Review) -> str:
    rows = []
    for part in found.parameters:
        shape = "×".join(map(str, part.shape)) or "number"
        rows.append(
            f"  {harmless(part.name):20} line {part.line:<5} {shape:>9}   {part.verdict:8}"
            f" cosine {part.cosine:6.3f}   relative error {part.relative_error:.2g}"
        )
    return "Updates beside the true gradient:\n" + "\n".join(rows)


def _corrected(found: Review) -> list[str]:
    if found.corrected is None:
        return []
    made = found.corrected
    lines = [f"  {number:4}  {harmless(text.strip())}" for number, text in made.lines]
    right = "its gradient is right now" if made.gradient_right else "its gradient is still not right"
    before = "not finite" if made.loss_before is None else f"{made.loss_before:.6g}"
    return [
        "The script with these lines corrected:\n" + "\n".join(lines),
        _paragraph(
            f"  was run to its end: {right}; its loss ends at {made.loss_after:.6g}, without them at {before}."
        ),
    ]


def _paragraph(text: str, indent: str = "") -> str:
    return "\n".join(wrap(harmless(text), WIDTH, subsequent_indent=indent))
