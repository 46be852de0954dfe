"""The places of a script that its recording names: their lines, their text, the functions around them."""

from __future__ import annotations

import ast
import re

from backprop_core.review.running.syntax import called


class Sites:
    """Where in the source each recorded operation stands: an integer for each."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lines = source.splitlines()
        self.nodes: list[ast.AST] = []
        self.functions: dict[int, tuple[int, int]] = {}
        """The first and last line of the function in which a return stands."""
        self.helpers = _helpers(ast.parse(source))
        """The lines of functions of one return that are called at several places: the mistake is at one of these."""

    def add(self, node: ast.AST) -> int:
        """Return the number of a new site."""
        self.nodes.append(node)
        return len(self.nodes) - 1

    def line(self, site: int) -> int:
        """Return the site's line, from 1."""
        return getattr(self.nodes[site], "lineno", 0)

    def definition(self, site: int) -> int:
        """Return the line at which ``rows`` in ``x[rows]`` was last given a value before it; or 0."""
        node = self.nodes[site]
        if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Name):
            return 0
        given = re.compile(rf"^\s*{re.escape(node.slice.id)}\s*=[^=]")
        lines = self.source.split("\n")[: node.lineno - 1]
        return max((number for number, text in enumerate(lines, 1) if given.match(text)), default=0)

    def part(self, site: int, number: int) -> str:
        """Return the source of a call's n-th argument, or of the n-th value that a text is formatted with."""
        node = self.nodes[site]
        if isinstance(node, ast.Call):
            parts = [*node.args, *(keyword.value for keyword in node.keywords)]
        elif isinstance(node, ast.BinOp):
            parts = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
        else:
            parts = []
        return self.text(parts[number]) if number < len(parts) else ""

    def text(self, node: ast.AST) -> str:
        """Return the source of a syntax node, as it was written."""
        return ast.get_source_segment(self.source, node) or ""


def _helpers(tree: ast.AST) -> list[tuple[int, int]]:
    calls: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = called(node)
            calls[name] = calls.get(name, 0) + 1
    return [
        (node.lineno, node.end_lineno or node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and calls.get(node.name, 0) > 1
        and [type(part) for part in node.body if not _is_text(part)] == [ast.Return]
    ]


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
