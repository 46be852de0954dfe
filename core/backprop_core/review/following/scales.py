"""The single numbers that a gradient is multiplied with on its way to an update: learning rates and counts."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.following.analysis import number_in
from backprop_core.review.following.gradients import ancestors
from backprop_core.review.running.recorded import Ref

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from backprop_core.review.explaining.sites import Sites
    from backprop_core.review.following.analysis import UnitAnalysis
    from backprop_core.review.running.recorded import Node

    Array = NDArray[Any]
    Data = dict[str, Any]


def scales_of(analysis: UnitAnalysis, sites: Sites, new: Node) -> list[Data]:
    """Return the single numbers that the gradient is multiplied with or divided by, the last first."""
    learned = analysis.trained_outputs
    forward = analysis.ancestors_of(learned)
    found = []
    for node in ancestors(new, analysis.start):
        if node in analysis.start:
            continue
        if any(source in forward for source in node.inputs):
            forward.add(node)
        if any(source in learned for source in node.inputs):
            learned.add(node)
            if node.op in ("multiply", "divide", "true_divide") and len(node.arguments) >= 2:
                found += _scale_of(sites, node, learned, forward)
    return found[::-1][:12]


def _scale_of(sites: Sites, node: Node, learned: Collection[Node], forward: Collection[Node]) -> list[Data]:
    for position in (0, 1):
        argument = node.arguments[position]
        if isinstance(argument, Ref):
            source = node.inputs[argument.index]
            # A single weight, input or activation scales nothing.
            if source in learned or source in forward:
                continue
        value = number_in(node, position)
        if value is not None and not (node.op != "multiply" and position == 0):
            syntax = _operand(sites, node, position)
            constant, rest = _without_numbers(syntax)
            text = "" if syntax is None else sites.text(syntax)
            if rest is not None and constant and _names_a_rate(sites.text(rest)):
                # In 2 * lr the two is the gradient's.
                value, text = value / constant, sites.text(rest) if constant != -1 else text
            power = -1 if node.op != "multiply" else 1
            named = _names_a_rate(text)
            return [
                {"value": value, "text": text, "power": power, "line": sites.line(node.site), "rate": named}
            ]
    return []


def _names_a_rate(text: str) -> bool:
    last = re.split(r"[.\[]", text.rstrip("]\"'"))[-1].strip("\"'")
    return bool(RATE.match(last)) or bool(RATE.match(text.lstrip("-").strip()))


def _operand(sites: Sites, node: Node, position: int) -> ast.expr | None:
    syntax = sites.nodes[node.site]
    if isinstance(syntax, ast.BinOp):
        return syntax.left if position == 0 else syntax.right
    return syntax.value if isinstance(syntax, ast.AugAssign) else None


def _without_numbers(syntax: ast.expr | None) -> tuple[float, ast.expr | None]:
    """Take the numbers that are written in a product apart from what is multiplied with them."""
    if isinstance(syntax, ast.Constant) and isinstance(syntax.value, (int, float)):
        return float(syntax.value), None
    if isinstance(syntax, ast.UnaryOp) and isinstance(syntax.op, ast.USub):
        constant, rest = _without_numbers(syntax.operand)
        return -constant, rest
    if isinstance(syntax, ast.BinOp) and isinstance(syntax.op, (ast.Mult, ast.Div)):
        (left, one), (right, other) = _without_numbers(syntax.left), _without_numbers(syntax.right)
        if other is None and right:
            return (left * right if isinstance(syntax.op, ast.Mult) else left / right), one
        if one is None and isinstance(syntax.op, ast.Mult):
            return left * right, other
    return 1.0, syntax


RATE = re.compile(
    r"^((current|cur|now|base|initial|init|start|epoch|decayed)_?)?"
    r"(lr|eta|alpha|learning_?rate|l_?rate|learn_?rate|step_?size|rate|η|α)(_?(t|now|\d))?$",
    re.IGNORECASE,
)


def named_rates(analysis: UnitAnalysis) -> list[float]:
    """Return the numbers that the script keeps under a name for a learning rate."""
    found = []
    for path, node in analysis.unit.start.state.items():
        last = re.split(r"[.\[]", path.rstrip('"]'))[-1].strip('"')
        if RATE.match(last) and np.size(node.value) == 1:
            found.append(float(np.asarray(node.value).reshape(-1)[0]))
    return found
