"""Putting findings into words: what the script computes, what it should, and the line that would be right."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from backprop_core.review.catalogue import KNOWN
from backprop_core.review.report import Mistake

if TYPE_CHECKING:
    from backprop_core.review.findings import Finding
    from backprop_core.review.points import Network


def put_into_words(
    finding: Finding, network: Network, names: dict[str, str], line: int, source: list[str]
) -> Mistake:
    """Return the mistake as it is reported."""
    known = KNOWN[finding.id]
    fill = {"l": finding.layer or "", "n": (finding.layer or 0) + 1, "p": (finding.layer or 1) - 1}
    where = f"Layer {finding.layer}: " if finding.layer else ""
    explanation = (
        f"{where}{known.title}. The script computes {known.computes.format(**fill)}; "
        f"it should be {known.should.format(**fill)}. What it does: {known.consequence}."
    )
    if finding.id == "missing-output-derivative" and network.loss == "quadratic" and network.activations[-1] == "sigmoid":
        explanation += " (With cross-entropy as the loss instead of a squared error, this update would be right.)"
    if finding.note and finding.id == "wrong-slope":
        explanation += f" The update uses a slope of {finding.note}."
    if finding.alternatives:
        explanation += f" Either this, or {' or '.join(finding.alternatives)}: the update fits both."
    return Mistake(
        finding.id, finding.layer, line, tuple(names.get(path, path) for path in finding.paths),
        explanation, correction(finding, network, line, source), round(max(0.0, 1.0 - finding.residual), 3),
        tuple(finding.alternatives),
    )  # fmt: skip


def correction(finding: Finding, network: Network, line: int, source: list[str]) -> str:
    """Return the corrected line, or the formula where the line cannot be told."""
    text = source[line - 1] if 0 < line <= len(source) else ""
    match = re.match(r"^(\s*)([^=#]*?[^=!<>+\-*/#])\s*=\s*([^=].*?)\s*(#.*)?$", text)
    if match and finding.layer is not None:
        indent, target, value, _ = match.groups()
        if finding.id.startswith("missing-") or finding.id == "derivative-missing-in-gradient-only":
            written = derivative_text(network, finding.layer)
            if written:
                return f"{indent}{target} = ({value}) * {written}"
    known = KNOWN[finding.id]
    fill = {"l": finding.layer or "", "n": (finding.layer or 0) + 1, "p": (finding.layer or 1) - 1}
    return known.should.format(**fill)


def derivative_text(network: Network, layer: int) -> str:
    """Return f' of a layer in the script's own names."""
    form = network.forms[layer - 1]
    if form is None:
        return ""
    names = network.names[layer - 1]
    z, a = names["z"] or names["a"], names["a"] or names["z"]
    if not z or not form.written:
        return ""
    if not names["z"] and form.by_output is None and form.name not in ("relu", "leaky-relu"):
        return ""
    if not names["a"] and "{a}" in form.written:
        return ""
    written = form.written.format(z=z, a=a)
    return written if written.startswith("(") and form.name == "relu" else f"({written})"
