"""Where a script ends its training early: ``if loss < 0.05: break``."""

from __future__ import annotations

import ast


def ends_below(source: str, loss: str | None) -> float | None:
    """Return the loss below which a script leaves its training loop, None where it says no such number."""
    if loss is None:
        return None
    tree = ast.parse(source)
    numbers = {
        target.id: float(node.value.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, (int, float))
        for target in node.targets
        if isinstance(target, ast.Name)
    }  # fmt: skip
    for node in ast.walk(tree):
        if not isinstance(node, ast.If) or not any(isinstance(step, ast.Break) for step in node.body):
            continue
        bound = _bound(node.test, loss, numbers)
        if bound is not None:
            return bound
    return None


def _bound(test: ast.expr, loss: str, numbers: dict[str, float]) -> float | None:
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or ast.unparse(test.left) != loss:
        return None
    limit = test.comparators[0]
    if not isinstance(test.ops[0], (ast.Lt, ast.LtE)):
        return None
    if isinstance(limit, ast.Constant) and isinstance(limit.value, (int, float)):
        return float(limit.value)
    return numbers.get(limit.id) if isinstance(limit, ast.Name) else None
