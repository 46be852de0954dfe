"""The command ``review``: its report on standard output."""

from __future__ import annotations

import json
import sys
from math import isfinite
from textwrap import wrap
from typing import TYPE_CHECKING

from backprop_core.files import harmless, shown
from backprop_core.review import DEFAULT_TIMEOUT, review

if TYPE_CHECKING:
    from pathlib import Path

    from backprop_core.review import Review
    from backprop_core.review.report import Corrected

FOUND, NOT_REVIEWED = 1, 2
WIDTH = 80


def run_review(
    script: Path, loss: str | None, timeout: float | None, as_json: bool, gradient_only: bool = False
) -> int:
    """Review a script, print the report, and return the exit code."""
    sys.stderr.write(f"backprop-tui: executing {shown(script)} to watch its updates\n")
    sys.stderr.flush()
    found = review(script, loss, timeout or DEFAULT_TIMEOUT, gradient_only)
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
    width = min(max((len(part.name) for part in found.parameters), default=0), 24)
    rows = []
    for part in found.parameters:
        shape = "×".join(map(str, part.shape)) or "number"
        rows.append(
            f"  {harmless(part.name):{width}}  line {part.line:<4} {shape:>7}  {part.verdict:7}"
            f" cosine {part.cosine:6.3f}  error {part.relative_error:.2g}"
        )
    return "Updates beside the true gradient, with their relative error:\n" + "\n".join(rows)


def _corrected(found: Review) -> list[str]:
    """Return the corrected lines and what they bring, then what goes further."""
    parts = []
    if found.corrected is not None:
        made = found.corrected
        right = "its gradient is right now" if made.gradient_right else _still_wrong(made.left)
        parts += ["The script with these lines corrected:\n" + _lines(found, made)]
        parts += [_paragraph(f"  {right}; {_losses(made, 'without these lines')}.", "  ")]
    if found.further is not None:
        made = found.further
        corrected = found.corrected is not None
        without = "with those above alone" if corrected else "as it is"
        title = (
            "It learns with these lines, those above among them:"
            if corrected
            else "It learns with these lines:"
        )
        parts += [f"{title}\n{_lines(found, made)}"]
        parts += [_paragraph(f"  its gradient is right; {_losses(made, without)}.", "  ")]
    elif found.treatment is not None:
        cure = found.treatment
        loss = found.loss_name or "the loss"
        parts += [
            _paragraph(
                f"What would make it learn, tried out on its network in the lab: {cure.text}. "
                f"After {cure.epochs:,} epochs {loss} ends at {cure.loss_after:.4g} with that, "
                f"at {cure.loss_before:.4g} without."
            )
        ]
        parts += [f"  as commands of the lab: {'; '.join(cure.commands)}\n"]
    return parts


def _still_wrong(left: tuple[str, ...]) -> str:
    return f"still not corrected: {', '.join(left)}"


def _losses(made: Corrected, without: str) -> str:
    if made.loss_after is None:
        return "what its loss ends at was not seen"
    before, after = (f"{loss:.6g}" if loss is not None and isfinite(loss) else "what is not finite" for loss in
                     (made.loss_before, made.loss_after))  # fmt: skip
    return f"run to its end, its loss is {after}, {without} {before}"


def _lines(found: Review, made: Corrected) -> str:
    """Return changed lines with their numbers, and new ones with a plus."""
    source = found.source
    told = []
    for number, text in made.lines:
        first, *new = text.split("\n")
        if number > len(source) or first != source[number - 1]:
            told.append(f"  {number:4}  {harmless(first.strip())}")
        told += [f"  {number:4}+ {harmless(line.strip())}" for line in new]
    return "\n".join(told)


def _paragraph(text: str, indent: str = "") -> str:
    return "\n".join(wrap(harmless(text), WIDTH, subsequent_indent=indent))
