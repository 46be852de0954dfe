"""Ways in which a wrong value of the backward pass might be put right: derivatives, errors, products, targets."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from backprop_core.review.mending.correction import derivative_text
from backprop_core.review.mending.syntax_edits import edited, is_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from backprop_core.review.mending.place import Place

    Edits = list[tuple[ast.expr, str]]


def _replaced(place: Place, old: list[str], new: list[str]) -> Iterator[str]:
    """Put other names in place of some, wherever the statement has them; then only the first."""
    for name in new:
        fitting = [node for node in place.nodes() if any(is_named(node, one) for one in old if one != name)]
        if fitting:
            yield edited(place.source, [(node, name) for node in fitting])
            if len(fitting) > 1:
                yield edited(place.source, [(fitting[0], name)])


def _factors(node: ast.expr) -> list[ast.expr]:
    """Return the factors of a product, left to right."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return [*_factors(node.left), *_factors(node.right)] if not isinstance(node.right, ast.BinOp) or isinstance(
            node.right.op, ast.Mult) else [*_factors(node.left), node.right]  # fmt: skip
    return [node]


def _products(place: Place) -> list[tuple[ast.expr, list[ast.expr]]]:
    """Return the outermost products of the statement with their factors."""
    found: list[tuple[ast.expr, list[ast.expr]]] = []
    for node in place.nodes():
        whole = not any(node in ast.walk(outer) for outer, _ in found)
        if whole and isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            found.append((node, _factors(node)))
    return found


def with_other_derivative(place: Place) -> Iterator[str]:
    """Put the right derivative in place of what follows the error, then the right argument in place of another."""
    written = derivative_text(place.network, place.layer)
    z, a = place.of(place.layer, "z"), place.of(place.layer, "a")
    wanted = [a, z] if place.finding.id == "derivative-formula-on-preactivation" else [z, a]
    for node in place.nodes():
        inner = node.args[-1] if isinstance(node, ast.Call) and node.args else None
        if isinstance(inner, ast.Call) and inner.args:
            yield edited(place.source, [(inner, place.text(inner.args[-1]))])
    for node in place.nodes():
        if isinstance(node, ast.Call) and len(node.args) == 1 and not isinstance(node.func, ast.Attribute):
            for name in wanted:
                if name:
                    yield edited(place.source, [(node.args[0], name)])
    if written:
        for product, factors in _products(place):
            for count in range(len(factors) - 1, 0, -1):
                kept = " * ".join(place.factor(one) for one in factors[:count])
                yield edited(place.source, [(product, f"{kept} * {written}")])
    for node in place.nodes():
        if isinstance(node, ast.Call) and len(node.args) == 1:
            yield edited(place.source, [(node, place.text(node.args[0]))])


def with_derivative(place: Place) -> Iterator[str]:
    """Multiply what is returned or assigned by the derivative."""
    written = derivative_text(place.network, place.layer)
    if written and place.value is not None:
        yield edited(place.source, [(place.value, f"({place.text(place.value)}) * {written}")])


def raw_error(place: Place) -> Iterator[str]:
    """Put δ in place of the error that it is made from."""
    yield from _replaced(place, place.names.error(place.layer), place.names.delta(place.layer))


def in_gradient_only(place: Place) -> Iterator[str]:
    """Put δ in place of the error, in this statement and in those that use it after it."""
    old, new = place.names.error(place.layer), place.names.delta(place.layer)
    right = [name for name in place.names.right_delta(place.layer) if name not in old] or new
    for name in right:
        edits: Edits = []
        for one in place.statements:
            near = place.statement.lineno <= one.lineno <= place.statement.lineno + 3
            if near and isinstance(one, (ast.Assign, ast.AugAssign)):
                edits += [(node, name) for node in ast.walk(one.value)
                          if isinstance(node, ast.expr) and any(is_named(node, other) for other in old)]  # fmt: skip
        if edits:
            yield edited(place.source, edits)
    yield from _replaced(place, old, right)


def not_propagated(place: Place) -> Iterator[str]:
    """Let the error of the layer above through its weights."""
    above = place.layer + 1
    weights = place.of(above, "w")
    known = (*place.names.delta(above), *place.names.error(above))
    for delta in place.names.delta(above):
        through = (
            f"np.dot({weights}.T, {delta})" if place.network.column_major else f"np.dot({delta}, {weights}.T)"
        )
        for one in (place.statement, *place.defining(place.names.delta(place.layer))):
            nodes = [node for node in ast.walk(one) if isinstance(node, ast.expr) and _any_named(node, known)]
            for node in nodes[-1:]:
                yield edited(place.source, [(node, through)])
        if place.value is not None:
            single = through if place.network.column_major else f"np.dot({weights}, {delta})"
            yield edited(place.source, [(place.value, through)])
            yield edited(place.source, [(place.value, single)])


def transposed(place: Place) -> Iterator[str]:
    """Exchange the sides of a product, or transpose the whole."""
    for node in place.nodes():
        sides = _sides(node)
        if sides is not None and isinstance(sides[0], ast.Attribute) and sides[0].attr == "T":
            turned, plain = f"{place.text(sides[1])}.T", place.text(sides[0].value)
            yield edited(place.source, [(sides[0], turned), (sides[1], plain)])
        elif sides is not None and isinstance(sides[1], ast.Attribute) and sides[1].attr == "T":
            turned, plain = f"{place.text(sides[0])}.T", place.text(sides[1].value)
            yield edited(place.source, [(sides[0], plain), (sides[1], turned)])
    if place.value is not None and not isinstance(place.statement, ast.AugAssign):
        yield edited(place.source, [(place.value, f"({place.text(place.value)}).T")])
    for node in place.nodes():
        if isinstance(node, ast.Attribute) and node.attr == "T":
            yield edited(place.source, [(node, place.text(node.value))])


def _sides(node: ast.AST) -> tuple[ast.expr, ast.expr] | None:
    """Return the operands of a matrix product."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return node.left, node.right
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("dot", "matmul")
    ):
        if len(node.args) == 2:
            return node.args[0], node.args[1]
        if len(node.args) == 1:
            return node.func.value, node.args[0]
    return None


def _any_named(node: ast.AST, names: Sequence[str]) -> bool:
    return any(is_named(node, name) for name in names)


def of_weights(place: Place) -> Iterator[str]:
    """Write the gradient as the product of inputs and δ."""
    weights = place.of(place.layer, "w")
    for delta in place.names.delta(place.layer):
        for x in place.inputs(place.layer):
            columns = place.network.column_major
            product = f"np.dot({delta}, {x}.T)" if columns else f"np.dot({x}.T, {delta})"
            outer = f"np.outer({delta}, {x})" if columns else f"np.outer({x}, {delta})"
            for node in place.nodes():
                if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.MatMult)):
                    yield edited(place.source, [(node, product)])
                    break
            for whole, factors in _products(place):
                kept = [one for one in factors if not (_any_named(one, (weights, delta)))]
                if len(kept) < len(factors):
                    yield edited(place.source, [(whole, " * ".join([*map(place.factor, kept), outer]))])
            yield from _replaced(place, [weights], [x])


def of_inputs(place: Place) -> Iterator[str]:
    """Put what the layer gets in place of what it gives."""
    yield from _replaced(
        place, [place.of(place.layer, "a"), place.of(place.layer, "z")], place.inputs(place.layer)
    )


def own_targets(place: Place) -> Iterator[str]:
    """Take the targets as they are: not shifted, turned round, or flattened."""
    for node in place.nodes():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in UNMADE:
            inner = node.func.value if not node.args or node.func.attr == "reshape" else node.args[0]
            yield edited(place.source, [(node, place.text(inner))])
        elif isinstance(node, ast.Subscript):
            yield edited(place.source, [(node, place.text(node.value))])
    output = place.of(len(place.network.weights), "a")
    for node in place.nodes():
        if output and isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
            for side, other in ((node.right, node.left), (node.left, node.right)):
                if is_named(other, output):
                    yield edited(place.source, [(side, f"{place.text(side)}.reshape({output}.shape)")])


UNMADE = ("ravel", "flatten", "squeeze", "reshape", "roll", "flip", "flipud", "permutation")


def fewer_factors(place: Place) -> Iterator[str]:
    """Leave the last factors away."""
    for product, factors in _products(place):
        for count in range(1, len(factors)):
            yield edited(place.source, [(product, " * ".join(place.factor(one) for one in factors[:count]))])


def whole_softmax(place: Place) -> Iterator[str]:
    """Write the whole of softmax's derivative."""
    p = place.of(place.layer, "a")
    axis = 0 if place.network.column_major else 1
    for product, factors in _products(place):
        d = place.factor(factors[0])
        if p:
            yield edited(
                place.source, [(product, f"{p} * ({d} - np.sum({d} * {p}, axis={axis}, keepdims=True))")]
            )


def other_transposition(place: Place) -> Iterator[str]:
    """Transpose the weights that the error goes through."""
    above = place.layer + 1
    if above > len(place.network.weights):
        return
    for node in place.nodes():
        sides = _sides(node)
        if sides is not None:
            side = sides[0] if place.network.column_major else sides[1]
            yield edited(place.source, [(side, f"{place.text(side)}.T")])
