"""Questions that the rewriting of a script asks of its syntax tree."""

from __future__ import annotations

import ast
import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backprop_core.review.explaining.sites import Sites


def called(node: ast.Call) -> str:
    """Return the name of what is called."""
    return str(getattr(node.func, "id", getattr(node.func, "attr", "")))


def flat(statements: list[Any]) -> list[ast.stmt]:
    """Return statements of which some have become several."""
    flat: list[ast.stmt] = []
    for statement in statements:
        flat.extend(statement if isinstance(statement, list) else [statement])
    return flat


def is_super(node: ast.expr) -> bool:
    """Whether this is ``super()``."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"


def is_number(node: ast.expr) -> bool:
    """Whether this is a number of floating point, as it is written."""
    return isinstance(node, ast.Constant) and type(node.value) is float


def is_whole(node: ast.expr) -> bool:
    """Whether this is a whole number, as it is written."""
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def read_in(test: ast.expr) -> list[ast.expr]:
    """Return the values that a condition compares, as far as reading them once more has no effect."""
    if not isinstance(test, ast.Compare):
        return []
    return [copy.deepcopy(part) for part in (test.left, *test.comparators) if _is_plain(part)]


def _is_plain(node: ast.expr) -> bool:
    if isinstance(node, ast.Subscript):
        return _is_plain(node.value) and isinstance(node.slice, (ast.Name, ast.Constant))
    return isinstance(node, ast.Name) or (isinstance(node, ast.Attribute) and _is_plain(node.value))


PRODUCTS = {"dot", "matmul", "inner", "einsum", "tensordot"}


def biases_in(tree: ast.AST) -> set[str]:
    """Return the names of what is added to products, as ``b`` in ``x @ w + b``; not of what chooses from arrays."""
    found: set[str] = set()
    choosing: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            for one, other in ((node.left, node.right), (node.right, node.left)):
                if _is_matrix_product(one):
                    found.add(last_name(other))
        elif isinstance(node, ast.Subscript):
            choosing |= {part.id for part in ast.walk(node.slice) if isinstance(part, ast.Name)}
    return found - choosing - {""}


def _is_matrix_product(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.MatMult)
    return isinstance(node, ast.Call) and last_name(node.func) in PRODUCTS


def last_name(node: ast.expr) -> str:
    """Return a name, or an attribute's; nothing for what has none."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def let_zero_be_a_float(node: ast.FunctionDef) -> None:
    """Let a function of one number that gives this number, or something made of it, else 0, give 0.0.

    A ReLU that gives a whole zero would break the trail; a function that only gives whole numbers is left alone.
    """
    arguments = [argument.arg for argument in node.args.args if argument.arg != "self"]
    required = arguments[: len(arguments) - len(node.args.defaults)]
    if len(required) != 1:
        return
    returns = [part for part in ast.walk(node) if isinstance(part, ast.Return) and part.value is not None]
    kept = [
        part for part in returns
        if isinstance(part.value, (ast.Name, ast.BinOp))
        and any(isinstance(inner, ast.Name) and inner.id == required[0] for inner in ast.walk(part.value))
    ]  # fmt: skip
    if kept:
        for part in returns:
            if isinstance(part.value, ast.Constant) and type(part.value.value) is int:
                part.value.value = float(part.value.value)


def texts_of(sites: Sites, target: ast.expr) -> Any:
    """Return the source of what is assigned to, nested as it is."""
    if isinstance(target, (ast.Tuple, ast.List)):
        return tuple(texts_of(sites, element) for element in target.elts)
    return sites.text(target)
