"""Reading and changing a source by its syntax tree, so that all that is not meant stays as it is written."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def edited(source: str, edits: list[tuple[ast.expr, str]]) -> str:
    """Put texts in place of expressions that do not overlap."""
    lines = [line.encode() for line in source.split("\n")]
    for node, text in sorted(edits, key=lambda edit: (edit[0].lineno, edit[0].col_offset), reverse=True):
        assert node.end_lineno is not None
        last = lines[node.end_lineno - 1][node.end_col_offset :]
        first = lines[node.lineno - 1][: node.col_offset]
        lines[node.lineno - 1 : node.end_lineno] = [first + text.encode() + last]
    return b"\n".join(lines).decode()


def inserted(source: str, statement: ast.stmt, new: list[str]) -> str:
    """Put lines after a statement, indented as it is."""
    lines = source.split("\n")
    indent = re.match(r"\s*", lines[statement.lineno - 1])
    assert indent is not None
    assert statement.end_lineno is not None
    lines[statement.end_lineno : statement.end_lineno] = [indent[0] + line for line in new]
    return "\n".join(lines)


def text_of(source: str, node: ast.AST) -> str:
    """Return an expression as it is written."""
    return ast.get_source_segment(source, node) or ast.unparse(node)


def factor_text(source: str, node: ast.expr) -> str:
    """Return an expression as it is written as a factor: a sum in parentheses."""
    is_sum = isinstance(node, ast.Compare) or (
        isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub))
    )
    return f"({text_of(source, node)})" if is_sum else text_of(source, node)


def is_named(node: ast.AST, name: str) -> bool:
    """Whether an expression is a name, an attribute or an entry, whatever quotes it is written with."""
    return (
        bool(name)
        and isinstance(node, ast.expr)
        and ast.unparse(node).replace('"', "'") == name.replace('"', "'")
    )


def blocks_of(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    """Yield all lists of statements that follow each other, outer ones first."""
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                yield block


def targets_of(statement: ast.stmt) -> list[ast.expr]:
    """Return what a statement assigns to."""
    if isinstance(statement, ast.Assign):
        parts = statement.targets
    elif isinstance(statement, (ast.AnnAssign, ast.AugAssign)):
        parts = [statement.target]
    else:
        return []
    return [one for part in parts for one in (part.elts if isinstance(part, ast.Tuple) else [part])]


def is_product(node: ast.AST, weights: str, columns: bool) -> bool:
    """Whether an expression is a layer's product of inputs and weights."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        left, right = node.left, node.right
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("dot", "matmul")
    ):
        if len(node.args) == 2:
            left, right = node.args
        elif len(node.args) == 1:
            left, right = node.func.value, node.args[0]
        else:
            return False
    else:
        return False
    return is_named(left if columns else right, weights)
