"""Further changes of a script, in its own names: scaled inputs, a linear output, start weights, biases, a rate.

Each takes a source and returns another, or None where the script is not written in a way that it knows. Whether the
changed script does what was meant is not its business: it is reviewed and run.
"""

from __future__ import annotations

import ast
import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backprop_core.review.mending.bias_lines import with_bias
from backprop_core.review.mending.syntax_edits import (
    blocks_of,
    edited,
    factor_text,
    inserted,
    is_named,
    is_product,
    targets_of,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

RATE, LINEAR, START, SCALE, BIAS = KINDS = ("rate", "linear", "start", "scale", "bias")
"""The changes, in the order in which they are written: those that move no lines come first."""

OTHER_INPUTS = r"(?i)^{}_?(test|val|valid|validation|dev|new)$"
DRAWING = {"rand", "randn", "random", "random_sample", "uniform", "normal", "standard_normal"}


@dataclass(frozen=True)
class Names:
    """What the script calls the parts of its network.

    Attributes
    ----------
    inputs, rate : str
        Empty where they have no name.
    weights : tuple of str
        Of each layer.
    z, a : str
        The output's pre-activation and activation.
    columns : bool
        Whether samples are columns.
    loop : int
        The line of the training loop.
    """

    inputs: str
    rate: str
    weights: tuple[str, ...]
    z: str
    a: str
    columns: bool
    loop: int


def rewritten(source: str, kinds: Iterable[str], names: Names, rate: float = 0.0) -> str | None:
    """Return the source with all changes of these kinds; None where one cannot be written."""
    wanted = set(kinds)
    changed: str | None = source
    for kind in KINDS:
        if changed is not None and kind in wanted:
            changed = _with_rate(changed, names, rate) if kind == RATE else WRITERS[kind](changed, names)
    return changed


def writable(source: str, names: Names) -> tuple[str, ...]:
    """Return the kinds of change that can be written."""
    return tuple(kind for kind in KINDS if rewritten(source, [kind], names, 1.0) is not None)


def changed_lines(source: str, changed: str) -> dict[int, str]:
    """Return line number → what stands there in the changed source; of an insertion with the line before it."""
    before, after = source.split("\n"), changed.split("\n")
    found: dict[int, str] = {}
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        if i2 - i1 == j2 - j1:
            found |= dict(enumerate(after[j1:j2], i1 + 1))
            continue
        old = i1
        for new in after[j1:j2]:
            # A line that assigns the same has been changed, another one is new.
            if old < i2 and _assigned(new) == _assigned(before[old]):
                old += 1
                found[old] = new
            elif old:
                found[old] = "\n".join([found.get(old, before[old - 1]), new])
    return found


def _assigned(line: str) -> str:
    return re.split(r"(?<![=!<>])[-+*/]?=(?!=)|\(", line.strip(), maxsplit=1)[0].strip()


def _loop_block(tree: ast.AST, line: int) -> tuple[list[ast.stmt], int] | None:
    """Return the outermost block that holds inputs and training loop: where the loop's statement is in it."""
    for block in blocks_of(tree):
        for number, statement in enumerate(block):
            inside = statement.lineno <= line <= (statement.end_lineno or 0)
            if inside and isinstance(statement, (ast.For, ast.While)):
                return block, number
    return None


def _scaled(source: str, names: Names) -> str | None:
    """Scale the inputs before the loop, and with their mean and deviation those of tests."""
    x = names.inputs
    found = _loop_block(ast.parse(source), names.loop) if x.isidentifier() else None
    if found is None:
        return None
    block, loop = found
    assigned = [one for one in block[:loop] if any(is_named(target, x) for target in targets_of(one))]
    mean, deviation = f"{x}_mean", f"{x}_std"
    if not assigned or re.search(rf"\b({mean}|{deviation})\b", source):
        return None
    pattern = re.compile(OTHER_INPUTS.format(re.escape(x)))
    others = [
        ast.unparse(target)
        for one in block[:loop]
        for target in targets_of(one)
        if isinstance(target, ast.Name) and pattern.match(target.id)
    ]
    mentioned = {x, *others}
    last = [
        one for one in block[:loop]
        if any(isinstance(node, ast.Name) and node.id in mentioned for node in ast.walk(one))
        and not isinstance(one, (ast.FunctionDef, ast.ClassDef))
    ][-1]  # fmt: skip
    axis = "axis=1, keepdims=True" if names.columns else "axis=0"
    new = [f"{mean}, {deviation} = {x}.mean({axis}), {x}.std({axis})"]
    new += [f"{one} = ({one} - {mean}) / {deviation}" for one in dict.fromkeys([x, *others])]
    return inserted(source, last, new)


def _with_bias(node: ast.AST) -> ast.AST:
    return node.left if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) else node


def _argument(node: ast.AST) -> ast.expr | None:
    """Return what an activation is applied to, if an expression is one of one argument, or a maximum with zero."""
    if not isinstance(node, ast.Call) or node.keywords:
        return None
    if len(node.args) == 1:
        return node.args[0]
    numbers = [one for one in node.args if isinstance(one, ast.Constant) and one.value == 0]
    others = [one for one in node.args if one not in numbers]
    is_maximum = isinstance(node.func, (ast.Attribute, ast.Name)) and ast.unparse(node.func).endswith(
        "maximum"
    )
    return others[0] if is_maximum and len(numbers) == len(others) == 1 else None


def _linear(source: str, names: Names) -> str | None:
    """Take the activation off the output, wherever it is computed, and its derivative out of the backward pass."""
    tree = ast.parse(source)
    given = {id(value) for node in ast.walk(tree) for value in _given(node, names.a)}
    edits: list[tuple[ast.expr, str]] = []
    applied = False
    for node in ast.walk(tree):
        inner = _argument(node)
        if inner is not None and isinstance(node, ast.Call):
            product = is_product(_with_bias(inner), names.weights[-1], names.columns)
            # Of z by name both f and f' may be taken: f is what gets the output's name, or is returned.
            if product or (names.z != names.a and is_named(inner, names.z) and id(node) in given):
                edits.append((node, text_of(source, inner)))
                applied = True
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and _slope(node.right, names):
            edits.append((node, factor_text(source, node.left)))
    return edited(source, _outermost(edits)) if applied else None


def _given(node: ast.AST, name: str) -> list[ast.expr]:
    """Return what gets a name here, or is returned."""
    if isinstance(node, ast.Return) and node.value is not None:
        return [node.value]
    named = isinstance(node, ast.Assign) and any(is_named(target, name) for target in node.targets)
    return [node.value] if named and isinstance(node, ast.Assign) else []


def _slope(node: ast.expr, names: Names) -> bool:
    """Whether a factor is the derivative of the output's activation: ``(z > 0)``, ``relu_derivative(z)``."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "astype":
        node = node.func.value
    if isinstance(node, ast.Compare):
        return is_named(node.left, names.z) or is_named(node.left, names.a)
    return (
        isinstance(node, ast.Call)
        and len(node.args) == 1
        and any(is_named(node.args[0], n) for n in (names.z, names.a))
    )


def _outermost(edits: list[tuple[ast.expr, str]]) -> list[tuple[ast.expr, str]]:
    def within(one: ast.expr, other: ast.expr) -> bool:
        begin = (other.lineno, other.col_offset) <= (one.lineno, one.col_offset)
        end = (one.end_lineno or 0, one.end_col_offset or 0) <= (
            other.end_lineno or 0,
            other.end_col_offset or 0,
        )
        return one is not other and begin and end

    return [edit for edit in edits if not any(within(edit[0], other[0]) for other in edits)]


def _started(source: str, names: Names) -> str | None:
    """Draw the start weights by He's rule, with the generator and the shape that the script has."""
    edits: list[tuple[ast.expr, str]] = []
    tree = ast.parse(source)
    for weights in names.weights:
        made = [
            node for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and any(is_named(target, weights) for target in node.targets)
            and _drawn(source, node.value, names.columns) is not None
        ]  # fmt: skip
        if len(made) != 1:
            return None
        edits.append((made[0].value, _drawn(source, made[0].value, names.columns) or ""))
    return edited(source, edits)


def _drawn(source: str, value: ast.expr, columns: bool) -> str | None:
    for node in ast.walk(value):
        if (
            not isinstance(node, ast.Call)
            or not isinstance(node.func, ast.Attribute)
            or node.func.attr not in DRAWING
        ):
            continue
        generator = text_of(source, node.func.value)
        sizes = [keyword.value for keyword in node.keywords if keyword.arg == "size"] or node.args[-1:]
        plain = node.func.attr in ("rand", "randn")
        shape = node.args if plain else sizes[0].elts if sizes and isinstance(sizes[0], ast.Tuple) else []
        if len(shape) != 2:
            return None
        rows, width = (text_of(source, one) for one in shape)
        call = (
            f"randn({rows}, {width})"
            if generator.endswith("random")
            else f"standard_normal(({rows}, {width}))"
        )
        fan_in = width if columns else rows
        return f"{generator}.{call} * np.sqrt(2 / {fan_in})" if re.search(r"\bnp\b", source) else None
    return None


def _biased(source: str, names: Names) -> str | None:
    """Give each layer a bias."""
    changed: str | None = source
    for weights in names.weights:
        changed = None if changed is None else with_bias(changed, weights, names.columns)
    return changed


def _with_rate(source: str, names: Names, rate: float) -> str | None:
    """Give the learning rate another value, where it gets one."""
    if not names.rate:
        return None
    made = [
        node for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Assign) and any(is_named(target, names.rate) for target in node.targets)
        and isinstance(node.value, ast.Constant)
    ]  # fmt: skip
    return edited(source, [(made[0].value, f"{rate:.3g}")]) if len(made) == 1 else None


WRITERS: dict[str, Callable[[str, Names], str | None]] = {
    SCALE: _scaled,
    LINEAR: _linear,
    START: _started,
    BIAS: _biased,
}
