"""Biases written into a script that has none, in its own names."""

from __future__ import annotations

import ast
import re

from backprop_core.review.mending.syntax_edits import (
    blocks_of,
    edited,
    inserted,
    is_named,
    is_product,
    targets_of,
    text_of,
)


def with_bias(source: str, weights: str, columns: bool) -> str | None:
    """Give a layer a bias: where its weights are made, in each product, and where they are updated.

    Parameters
    ----------
    columns : bool
        Whether samples are columns.

    Returns
    -------
    str or None
        None where the script is not written in a way that this knows.
    """
    bias = _bias_name(source, weights)
    tree = ast.parse(source)
    if bias is None:
        return None
    products = [
        node for node in ast.walk(tree) if isinstance(node, ast.expr) and is_product(node, weights, columns)
    ]
    if not products:
        return None
    alone = {id(value) for node in ast.walk(tree) for value in _alone(node)}
    edits = [
        (
            node,
            f"{text_of(source, node)} + {bias}"
            if id(node) in alone
            else f"({text_of(source, node)} + {bias})",
        )
        for node in _whole(products)
    ]
    source = edited(source, edits)
    statements = [one for block in blocks_of(ast.parse(source)) for one in block]
    made = [
        one
        for one in statements
        if isinstance(one, ast.Assign) and any(is_named(t, weights) for t in one.targets)
    ]
    made = [one for one in made if not _reads(one.value, weights)]
    shape = f"({weights}.shape[0], 1)" if columns else f"(1, {weights}.shape[1])"
    updated = [
        one
        for one in statements
        if one not in made
        and isinstance(one, (ast.AugAssign, ast.Assign))
        and any(is_named(target, weights) for target in targets_of(one))
    ]
    if len(made) != 1 or len(updated) != 1:
        return None
    new = bias_update(source, updated[0], weights, bias, statements, columns)
    if new is None:
        return None
    source = inserted(source, updated[0], [new])
    return inserted(source, made[0], [f"{bias} = np.zeros({shape})"])


def _alone(node: ast.AST) -> list[ast.expr]:
    """Return the expressions right below a node that need no parentheses around a sum."""
    if isinstance(node, ast.Call):
        return node.args
    return [node.value] if isinstance(node, (ast.Assign, ast.Return)) and node.value is not None else []


def _whole(nodes: list[ast.expr]) -> list[ast.expr]:
    """Return those products that no other one contains: the others are written with it."""
    return [
        node for node in nodes if not any(node is not other and node in ast.walk(other) for other in nodes)
    ]


def _reads(value: ast.expr, name: str) -> bool:
    return any(is_named(node, name) for node in ast.walk(value))


def _bias_name(source: str, weights: str) -> str | None:
    named = re.fullmatch(r"((?:\w+\.)*)([wW])(\w*)", weights)
    if named is None:
        return None
    bias = f"{named[1]}b{named[3]}"
    return None if re.search(rf"(?<![\w.]){re.escape(bias)}(?!\w)", source) else bias


def bias_update(
    source: str,
    statement: ast.stmt,
    weights: str,
    bias: str,
    statements: list[ast.stmt],
    columns: bool,
    flat: bool = False,
    gradient: str = "",
) -> str | None:
    """Return the update of a bias, written as that of its weights is, with Σδ in place of the product.

    Parameters
    ----------
    flat : bool
        Whether the bias has one dimension.
    gradient : str
        What the script calls the bias's gradient already, where it calls that of the weights something.
    """
    assert isinstance(statement, (ast.Assign, ast.AugAssign))
    value: ast.expr = statement.value
    expression = _summed(source, value, columns, flat)
    if expression is None:
        for node in ast.walk(value):
            made = [
                one for one in statements
                if isinstance(one, ast.Assign) and isinstance(node, ast.expr) and not isinstance(node, ast.Constant)
                and any(is_named(target, ast.unparse(node)) for target in one.targets) and one.lineno < statement.lineno
            ]  # fmt: skip
            summed = _summed(source, made[-1].value, columns, flat) if made else None
            if summed is not None and isinstance(node, ast.expr):
                whole = text_of(source, value)
                expression = whole.replace(
                    text_of(source, node), gradient or (summed if _is_call(summed) else f"({summed})")
                )
                break
    if expression is None:
        return None
    expression = re.sub(rf"(?<![\w.]){re.escape(weights)}(?!\w)", bias, expression)
    if isinstance(statement, ast.AugAssign):
        return f"{bias} {'-=' if isinstance(statement.op, ast.Sub) else '+='} {expression}"
    return f"{bias} = {expression}"


def _is_call(text: str) -> bool:
    return isinstance(ast.parse(text, mode="eval").body, ast.Call)


def _summed(source: str, value: ast.expr, columns: bool, flat: bool) -> str | None:
    """Return an expression with Σδ in place of aᵀδ; None where it holds no such product."""
    for node in ast.walk(value):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "np.outer" and len(node.args) == 2:
            # Of one sample alone there is nothing to sum.
            delta = node.args[0] if columns else node.args[1]
            return text_of(source, value).replace(text_of(source, node), text_of(source, delta), 1)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            left, right = node.left, node.right
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("dot", "matmul")
        ):
            if len(node.args) not in (1, 2):
                continue
            left, right = node.args if len(node.args) == 2 else (node.func.value, node.args[0])
        else:
            continue
        delta, inputs = (left, right) if columns else (right, left)
        if not (isinstance(inputs, ast.Attribute) and inputs.attr == "T"):
            continue
        axis = 1 if columns else 0
        text = text_of(source, delta)
        text = text if isinstance(delta, (ast.Name, ast.Attribute, ast.Subscript)) else f"({text})"
        whole, part = text_of(source, value), text_of(source, node)
        kept = "" if flat else ", keepdims=True"
        return whole.replace(part, f"{text}.sum(axis={axis}{kept})", 1)
    return None
