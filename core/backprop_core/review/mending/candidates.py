"""Ways in which the line of a mistake might be put right, in the script's own names, the likeliest first.

Each is a guess at what was meant, made from the statement at which the mistake was found. Which of them is right is
found out by reviewing the script with it; none is shown that is not.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from backprop_core.review.mending import update_ways, value_ways
from backprop_core.review.mending.correction import apply, corrected_lines
from backprop_core.review.mending.place import Place, statement_at
from backprop_core.review.mending.rewriting import changed_lines
from backprop_core.review.mending.syntax_edits import blocks_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from backprop_core.review.comparing.finding import Finding
    from backprop_core.review.comparing.points import Network
    from backprop_core.review.mending.value_names import ValueNames

    Lines = dict[int, str]

MOST = 6
"""Of one mistake so many are tried."""


def candidates(
    finding: Finding, network: Network, line: int, source: str, names: ValueNames, called: dict[str, str]
) -> list[Lines]:
    """Return what might be put in place of which lines, by line number.

    Parameters
    ----------
    called : dict of str to str
        Path of a parameter → its name in the script.
    """
    found = [corrected_lines(finding, network, line, source.split("\n"))]
    statements = [one for block in blocks_of(ast.parse(source)) for one in block]
    statement = statement_at(statements, line)
    if statement is not None:
        place = Place(finding, network, source, names, called, statement, statements)
        for changed in WAYS[finding.id](place) if finding.id in WAYS else ():
            found.append(changed_lines(source, changed) if isinstance(changed, str) else changed)
    kept: list[Lines] = []
    for lines in found:
        if lines and lines not in kept and _parses(source, lines):
            kept.append(lines)
    return kept[:MOST]


def _parses(source: str, lines: Lines) -> bool:
    changed = apply(source, lines)
    try:
        ast.parse(changed)
    except SyntaxError:
        return False
    return changed != source


WAYS: dict[str, Callable[[Place], Iterator[str] | Iterator[Lines]]] = {
    "missing-output-derivative": value_ways.with_derivative,
    "missing-hidden-derivative": value_ways.with_derivative,
    "derivative-missing-in-gradient-only": value_ways.in_gradient_only,
    "derivative-of-activation-not-preactivation": value_ways.with_other_derivative,
    "derivative-formula-on-preactivation": value_ways.with_other_derivative,
    "derivative-of-error": value_ways.with_other_derivative,
    "wrong-slope": value_ways.with_other_derivative,
    "raw-error-propagated": value_ways.raw_error,
    "error-not-propagated": value_ways.not_propagated,
    "weights-not-transposed": value_ways.other_transposition,
    "gradient-transposed": value_ways.transposed,
    "bias-gradient-wrong-axis": update_ways.bias_axis,
    "bias-never-updated": update_ways.bias_updates,
    "sign-flipped": update_ways.turned,
    "weights-in-place-of-activation": value_ways.of_weights,
    "outputs-in-place-of-inputs": value_ways.of_inputs,
    "stale-gradient": update_ways.forgotten,
    "updated-before-backpropagating": update_ways.later,
    "target-misaligned": value_ways.own_targets,
    "broadcast-error": value_ways.own_targets,
    "extra-output-derivative": value_ways.fewer_factors,
    "softmax-diagonal-only": value_ways.whole_softmax,
    "sum-instead-of-mean": update_ways.mean,
    "divided-twice": update_ways.divided_once,
}
"""Id → what might be meant, as changed sources or as lines."""
