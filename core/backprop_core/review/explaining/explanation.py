"""Putting findings into words: what the script computes, what it should, and the line that would be right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_core.review.catalogue import KNOWN
from backprop_core.review.mending.correction import correction_text
from backprop_core.review.report import Mistake

if TYPE_CHECKING:
    from backprop_core.review.comparing.finding import Finding
    from backprop_core.review.comparing.points import Network


def put_into_words(
    finding: Finding, network: Network, names: dict[str, str], line: int, lines: dict[int, str]
) -> Mistake:
    """Return the mistake as it is reported."""
    known = KNOWN[finding.id]
    fill = {"l": finding.layer or "", "n": (finding.layer or 0) + 1, "p": (finding.layer or 1) - 1}
    where = f"Layer {finding.layer}: " if finding.layer else ""
    title = known.title if where else known.title.capitalize()
    explanation = (
        f"{where}{title}. The script computes {known.computes.format(**fill)}; "
        f"it should be {known.should.format(**fill)}. What it does: {known.consequence}."
    )
    if (
        finding.id == "missing-output-derivative"
        and network.loss == "quadratic"
        and network.activations[-1] == "sigmoid"
    ):
        explanation += (
            " (With cross-entropy as the loss instead of a squared error, this update would be right.)"
        )
    if finding.note and finding.id == "wrong-slope":
        explanation += f" The update uses a slope of {finding.note}."
    if finding.id == "broadcast-error":
        explanation += f" Shapes {finding.note.partition('|')[2]} meet in line {line}."
    if finding.alternatives:
        explanation += f" Either this, or {' or '.join(finding.alternatives)}: the update fits both."
    return Mistake(
        finding.id, finding.layer, line, tuple(names.get(path, path) for path in finding.paths),
        explanation, correction_text(finding, lines, line).strip(), round(max(0.0, 1.0 - finding.residual), 3),
        tuple(finding.alternatives),
    )  # fmt: skip
