"""The statement at which a mistake was found, and what the script calls things there."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backprop_core.review.mending.syntax_edits import factor_text, is_named, targets_of, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from backprop_core.review.comparing.finding import Finding
    from backprop_core.review.comparing.points import Network
    from backprop_core.review.mending.value_names import ValueNames


@dataclass(frozen=True, eq=False)
class Place:
    """A mistake and the statement at which it was found."""

    finding: Finding
    network: Network
    source: str
    names: ValueNames
    called: dict[str, str]
    """Path of a parameter → its name in the script."""
    statement: ast.stmt
    statements: list[ast.stmt]

    @property
    def layer(self) -> int:
        """The mistake's layer; the last where it concerns all."""
        return self.finding.layer or len(self.network.weights)

    @property
    def value(self) -> ast.expr | None:
        """What the statement assigns or returns."""
        value = getattr(self.statement, "value", None)
        return value if isinstance(value, ast.expr) else None

    def of(self, layer: int, which: str) -> str:
        """Return what the script calls z, a, x or w of a layer."""
        if not 1 <= layer <= len(self.network.names):
            return ""
        found = self.network.names[layer - 1][which]
        return self.called.get(found, found) if which == "w" else found

    def inputs(self, layer: int) -> list[str]:
        """Return what the script calls the inputs of a layer."""
        found = [self.of(layer, "x"), self.of(layer - 1, "a") if layer > 1 else ""]
        return [name for name in dict.fromkeys(found) if name]

    def defining(self, names: list[str]) -> list[ast.stmt]:
        """Return the statements that give these names to something."""
        return [
            one
            for one in self.statements
            if one is not self.statement
            and any(is_named(part, name) for part in targets_of(one) for name in names)
        ]

    def nodes(self) -> Iterator[ast.expr]:
        """Go through the expressions of the statement's value, outer ones first."""
        if self.value is not None:
            yield from (node for node in ast.walk(self.value) if isinstance(node, ast.expr))

    def text(self, node: ast.AST) -> str:
        """Return an expression as it is written."""
        return text_of(self.source, node)

    def factor(self, node: ast.expr) -> str:
        """Return an expression as a factor: a sum in parentheses."""
        return factor_text(self.source, node)

    def update_of(self, path: str) -> ast.stmt | None:
        """Return the statement that updates a parameter."""
        line = int(self.network.parameters[path]["line"]) if path in self.network.parameters else 0
        return statement_at(self.statements, line)


def statement_at(statements: list[ast.stmt], line: int) -> ast.stmt | None:
    """Return the innermost statement that a line is of."""
    holding = [one for one in statements if one.lineno <= line <= (one.end_lineno or 0)]
    simple = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.Expr)
    return next((one for one in reversed(holding) if isinstance(one, simple)), None)
