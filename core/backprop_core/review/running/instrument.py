"""Rewriting a script so that every operation on numbers is told to a recorder, and computes the same.

The rewritten tree calls ``__bp__``, the :class:`~backprop_core.review.running.recorder.Recorder`, for each arithmetic
operation, call, subscript and loop; values stay what they were (plain arrays and floats), so that whatever
the script does with them still works. Line numbers are kept, so that its tracebacks are its own.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from backprop_core.review.explaining.sites import Sites
from backprop_core.review.running.syntax import (
    biases_in,
    called,
    flat,
    is_number,
    is_super,
    is_whole,
    last_name,
    let_zero_be_a_float,
    read_in,
    texts_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

RECORDER = "__bp__"
"""Ends with two underscores, so that classes do not mangle it."""

BINARY = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power",
    ast.MatMult: "matmul", ast.Mod: "remainder", ast.FloorDiv: "floor_divide", ast.BitAnd: "bitwise_and",
    ast.BitOr: "bitwise_or", ast.BitXor: "bitwise_xor", ast.LShift: "left_shift", ast.RShift: "right_shift",
}  # fmt: skip
COMPARISONS = {
    ast.Gt: "greater", ast.GtE: "greater_equal", ast.Lt: "less", ast.LtE: "less_equal",
    ast.Eq: "equal", ast.NotEq: "not_equal",
}  # fmt: skip
UNARY = {ast.USub: "negative", ast.Invert: "invert"}
LEFT_ALONE = {
    "super",
    "locals",
    "globals",
    "vars",
    "dir",
    "eval",
    "exec",
    "isinstance",
    "issubclass",
    "type",
    "len",
}
TRAINING = re.compile(r"train|learn|fit|update|step|back_?prop|backward|sgd|iterat|descen", re.IGNORECASE)
"""Names of functions that a comprehension may train with."""
TRACED_ATTRIBUTES = {"T", "mT", "real"}


def instrument(source: str, path: str) -> tuple[ast.Module, Sites]:
    """Return the rewritten tree, and the sites that it names.

    Raises
    ------
    SyntaxError
        If the source is no Python of the running version.
    """
    sites = Sites(source)
    tree = ast.parse(source, path)
    originals = ast.parse(source, path)
    tree = _Rewriter(sites, _positions(originals), biases_in(originals)).visit(tree)
    return ast.fix_missing_locations(tree), sites


def _positions(tree: ast.AST) -> dict[tuple[type, int, int, int, int], ast.AST]:
    """Index the untouched tree by position: the rewriter changes its own nodes while it visits."""
    return {_key(node): node for node in ast.walk(tree) if hasattr(node, "lineno")}


def _key(node: ast.AST) -> tuple[type, int, int, int, int]:
    return (type(node), node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0)  # type: ignore[attr-defined]


class _Rewriter(ast.NodeTransformer):
    def __init__(
        self, sites: Sites, originals: dict[tuple[type, int, int, int, int], ast.AST], biases: set[str]
    ) -> None:
        self.sites = sites
        self.originals = originals
        self.biases = biases
        self.classes: list[str] = []
        self.functions: list[tuple[int, int]] = []

    def _site(self, node: ast.AST) -> ast.Constant:
        return ast.Constant(self.sites.add(self.originals.get(_key(node), node)))

    def _call(self, name: str, at: ast.AST, arguments: Sequence[ast.expr], keywords: Any = ()) -> ast.Call:
        function = ast.Attribute(ast.Name(RECORDER, ast.Load()), name, ast.Load())
        return ast.copy_location(ast.Call(function, list(arguments), list(keywords)), at)

    def _mangled(self, name: str) -> str:
        private = name.startswith("__") and not name.endswith("__") and self.classes
        return f"_{self.classes[-1].lstrip('_')}{name}" if private else name

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.classes.append(node.name)
        self.generic_visit(node)
        self.classes.pop()
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        let_zero_be_a_float(node)
        self.functions.append((node.lineno, node.end_lineno or node.lineno))
        node.body = flat([self._visited(statement) for statement in node.body])
        self.functions.pop()
        node.args.defaults = [self.visit(default) for default in node.args.defaults]
        return node

    def visit_Return(self, node: ast.Return) -> ast.AST:
        site = self._site(node)
        if node.value is not None and not isinstance(node.value, ast.Constant) and self.functions:
            self.sites.functions[site.value] = self.functions[-1]  # type: ignore[index]
            node.value = self._call("returned", node.value, [self.visit(node.value), site])
        else:
            self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return node
        texts = ast.Constant((self.sites.text(node.target),))  # type: ignore[arg-type]
        node.value = self._call("bind", node.value, [texts, self.visit(node.value), self._site(node)])
        return node

    def visit_Match(self, node: ast.Match) -> ast.AST:
        node.subject = self.visit(node.subject)
        for case in node.cases:
            case.body = flat([self._visited(statement) for statement in case.body])
        return node

    def _visited(self, statement: ast.stmt) -> Any:
        return self.visit(statement)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        # The compiler makes one object of equal numbers: two weights that start at 0.0 could not be told apart.
        return self._call("number", node, [node]) if type(node.value) is float else node

    def _operand(self, node: ast.expr) -> Any:
        return node if isinstance(node, ast.Constant) else self.visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        if isinstance(node.left, ast.Constant) and isinstance(node.right, ast.Constant):
            return node
        site = self._site(node)
        node.left, node.right = self._operand(node.left), self._operand(node.right)
        operation = ast.Constant(BINARY[type(node.op)])
        written = [position for position, part in ((0, node.left), (1, node.right)) if is_number(part)]
        places = [ast.Constant(written[0])] if written else []
        return self._call("binary", node, [operation, node.left, node.right, site, *places])

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        site = self._site(node)
        constant = isinstance(node.operand, ast.Constant)
        self.generic_visit(node)
        if constant or type(node.op) not in UNARY:
            return node
        return self._call("unary", node, [ast.Constant(UNARY[type(node.op)]), node.operand, site])

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        site = self._site(node)
        node.left = self._operand(node.left)
        node.comparators = [self._operand(other) for other in node.comparators]
        if len(node.ops) != 1 or type(node.ops[0]) not in COMPARISONS:
            return node
        operation = ast.Constant(COMPARISONS[type(node.ops[0])])
        return self._call("compare", node, [operation, node.left, node.comparators[0], site])

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        read = read_in(node.test)
        counts = is_whole(node.body) and is_whole(node.orelse)
        self.generic_visit(node)
        return node if counts or not read else self._call("either", node, [node, *read])

    def visit_Call(self, node: ast.Call) -> ast.AST:
        site = self._site(node)
        function = node.func
        if isinstance(function, ast.Name) and function.id in LEFT_ALONE:
            self.generic_visit(node)
            return node
        arguments = [self.visit(argument) for argument in node.args]
        keywords = [ast.keyword(keyword.arg, self.visit(keyword.value)) for keyword in node.keywords]
        if isinstance(function, ast.Attribute) and not is_super(function.value):
            name = ast.Constant(self._mangled(function.attr))
            return self._call("method", node, [self.visit(function.value), name, site, *arguments], keywords)
        return self._call("call", node, [self.visit(function), site, *arguments], keywords)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        site = self._site(node)
        self.generic_visit(node)
        if node.attr in TRACED_ATTRIBUTES and isinstance(node.ctx, ast.Load):
            return self._call("attribute", node, [node.value, ast.Constant(node.attr), site])
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        site = self._site(node)
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load):
            return self._call("item", node, [node.value, _index(node.slice), site])
        return node

    def visit_Assign(self, node: ast.Assign) -> Any:
        if len(node.targets) > 1 and isinstance(node.value, ast.Constant):
            each = [ast.copy_location(ast.Assign([target], node.value), node) for target in node.targets]
            return [self.visit(one) for one in each]
        whole = (
            isinstance(node.value, ast.Constant) and type(node.value.value) is int and not node.value.value
        )
        if whole and last_name(node.targets[0]) in self.biases:
            # A bias that begins as a whole zero would be no parameter before its first update.
            node.value = ast.copy_location(ast.Constant(0.0), node.value)
        site = self._site(node)
        texts = ast.Constant(tuple(texts_of(self.sites, target) for target in node.targets))  # type: ignore[arg-type]
        value = self._call("bind", node.value, [texts, self.visit(node.value), site])
        target = node.targets[0]
        if len(node.targets) == 1 and isinstance(target, ast.Subscript):
            place = [self.visit(target.value), _index(self.visit(target.slice))]
            return ast.copy_location(ast.Expr(self._call("set_item", node, [value, *place, site])), node)
        node.targets = [self.visit(target) for target in node.targets]
        node.value = value
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        site = self._site(node)
        operation = ast.Constant(BINARY[type(node.op)])
        text = ast.Constant(self.sites.text(node.target))
        value = self.visit(node.value)
        target = node.target
        if isinstance(target, ast.Name):
            old = ast.copy_location(ast.Name(target.id, ast.Load()), target)
            new = self._call("in_place", node, [operation, old, value, text, site])
            return ast.copy_location(ast.Assign([target], new), node)
        if isinstance(target, ast.Attribute):
            place = [self.visit(target.value), ast.Constant(self._mangled(target.attr))]
            call = self._call("in_place_attribute", node, [operation, *place, value, text, site])
        else:
            place = [self.visit(target.value), _index(self.visit(target.slice))]
            call = self._call("in_place_item", node, [operation, *place, value, text, site])
        return ast.copy_location(ast.Expr(call), node)

    def visit_For(self, node: ast.For) -> Any:
        site = self._site(node)
        self.generic_visit(node)
        node.iter = self._call("loop", node.iter, [node.iter, site])
        return [node, self._done(node, site)]

    def visit_While(self, node: ast.While) -> Any:
        site = self._site(node)
        self.generic_visit(node)
        top = self._call("top", node.test, [site])
        node.test = ast.copy_location(ast.BoolOp(ast.And(), [top, node.test]), node.test)
        return [node, self._done(node, site)]

    def _done(self, node: ast.stmt, site: ast.Constant) -> ast.Expr:
        return ast.copy_location(ast.Expr(self._call("done", node, [site])), node)

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        return self._comprehended(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        return self._comprehended(node)

    def _comprehended(self, node: ast.ListComp | ast.GeneratorExp) -> ast.AST:
        """Let a comprehension that trains with each element be a loop."""
        trains = isinstance(node.elt, ast.Call) and TRAINING.search(called(node.elt))
        site = self._site(node)
        self.generic_visit(node)
        if trains:
            first = node.generators[0]
            first.iter = self._call("loop", first.iter, [first.iter, site])
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        self.generic_visit(node)
        if not node.is_async:
            node.iter = self._call("elements", node.iter, [node.iter])
        return node

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.AST:
        site = self._site(node.value)
        self.generic_visit(node)
        node.value = self._call("show", node.value, [node.value, site])
        return node


def _index(node: ast.expr) -> ast.expr:
    """Return a subscript's index as an expression that can be an argument."""
    if isinstance(node, ast.Slice):
        nothing = ast.Constant(None)
        bounds: list[ast.expr] = [node.lower or nothing, node.upper or nothing, node.step or nothing]
        return ast.Call(ast.Attribute(ast.Name(RECORDER, ast.Load()), "slice", ast.Load()), bounds, [])
    if isinstance(node, ast.Tuple):
        return ast.Tuple([_index(element) for element in node.elts], ast.Load())
    return node
