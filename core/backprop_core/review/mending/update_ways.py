"""Ways in which a wrong update might be put right: of biases, signs, scales, memory and order."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from backprop_core.review.mending.bias_lines import bias_update
from backprop_core.review.mending.place import statement_at
from backprop_core.review.mending.syntax_edits import blocks_of, edited, inserted, is_named, targets_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from backprop_core.review.mending.place import Place

    Edits = list[tuple[ast.expr, str]]
    Lines = dict[int, str]


def bias_axis(place: Place) -> Iterator[str]:
    """Sum δ over the samples, into the shape that the bias has."""
    path = place.network.biases[place.layer - 1]
    part = place.network.parameters.get(path or "")
    if part is None:
        return
    axis = 1 if place.network.column_major else 0
    keep = ", keepdims=True" if part["value"].ndim == 2 else ""
    deltas = place.names.delta(place.layer)
    for node in place.nodes():
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr not in ("sum", "mean"):
            continue
        over = (
            node.args[0]
            if isinstance(node.func.value, ast.Name) and node.func.value.id == "np"
            else node.func.value
        )
        for text in dict.fromkeys([place.text(over), *deltas]):
            yield edited(place.source, [(node, f"np.{node.func.attr}({text}, axis={axis}{keep})")])
    wrong = (*place.names.error(place.layer), *place.names.delta(place.layer + 1))
    for delta in deltas:
        for node in place.nodes():
            if any(is_named(node, other) for other in wrong):
                yield edited(place.source, [(node, delta)])


def bias_updates(place: Place) -> Iterator[str]:
    """Write the update of each bias after that of its weights, as that is written."""
    changed: str | None = place.source
    for path in place.finding.paths:
        index = next((n for n, bias in enumerate(place.network.biases) if bias == path), None)
        update = None if index is None else place.update_of(place.network.weights[index])
        if index is None or changed is None or not isinstance(update, (ast.Assign, ast.AugAssign)):
            return
        flat = place.network.parameters[path]["value"].ndim < 2
        statements = [one for block in blocks_of(ast.parse(changed)) for one in block]
        again = [one for one in statements if ast.dump(one) == ast.dump(update)]
        targets = targets_of(update)
        bias = place.called.get(path, path)
        if not again or len(targets) != 1 or not bias:
            return
        gradient = next(iter(place.names.bias_gradient(index + 1)), "")
        weights, columns = ast.unparse(targets[0]), place.network.column_major
        new = bias_update(changed, again[0], weights, bias, statements, columns, flat, gradient)
        changed = None if new is None else inserted(changed, again[0], [new])
    if changed is not None:
        yield changed


def turned(place: Place) -> Iterator[str]:
    """Exchange the two sides of each difference."""
    for node in place.nodes():
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
            left, right = place.text(node.left), place.text(node.right)
            right = f"({right})" if isinstance(node.right, ast.BinOp) else right
            yield edited(place.source, [(node, f"{right} - {left}")])
    for node in place.nodes():
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            yield edited(place.source, [(node, place.text(node.operand))])
    yield from _turned_updates(place)


def _turned_updates(place: Place) -> Iterator[str]:
    edits: Edits = []
    for path in place.finding.paths:
        update = place.update_of(path)
        value = getattr(update, "value", None)
        if isinstance(value, ast.BinOp) and isinstance(value.op, (ast.Add, ast.Sub)):
            sign = "-" if isinstance(value.op, ast.Add) else "+"
            edits.append((value, f"{place.text(value.left)} {sign} {place.text(value.right)}"))
    if edits:
        yield edited(place.source, edits)


def forgotten(place: Place) -> Iterator[str]:
    """Let each gradient be this step's alone: an assignment in place of an addition."""
    edits: Edits = []
    lines: Lines = {}
    text = place.source.split("\n")
    for path in place.finding.paths:
        line = int(place.network.parameters[path]["memory_line"])
        one = statement_at(place.statements, line)
        if isinstance(one, ast.AugAssign):
            lines[line] = re.sub(r"\s*\+=\s*", " = ", text[line - 1], count=1)
        elif (
            isinstance(one, ast.Assign)
            and isinstance(one.value, ast.BinOp)
            and isinstance(one.value.op, ast.Add)
        ):
            edits.append((one.value, place.text(one.value.right)))
    changed = edited(place.source, list({node: (node, new) for node, new in edits}.values()))
    if lines or edits:
        yield "\n".join(lines.get(number, line) for number, line in enumerate(changed.split("\n"), 1))


def later(place: Place) -> Iterator[Lines]:
    """Move the update of the layer above behind what needs its weights as they were."""
    above = place.layer + 1
    if above > len(place.network.weights):
        return
    text = place.source.split("\n")
    update = place.update_of(place.network.weights[above - 1])
    end = place.statement.end_lineno or 0
    if update is None or not update.lineno < place.statement.lineno:
        return
    moved = text[update.lineno - 1 : update.end_lineno]
    between = text[update.end_lineno or 0 : end]
    yield dict(enumerate([*between, *moved], update.lineno))


def _count(place: Place) -> str:
    x = place.of(1, "x")
    if not x:
        return str(place.network.points[0].rows)
    return f"{x}.shape[1]" if place.network.column_major else f"len({x})"


def mean(place: Place) -> Iterator[str]:
    """Divide by the number of samples: at the gradients, at the updates, or at the output's error."""
    count = _count(place)
    updates = [one for path in place.finding.paths if isinstance(one := place.update_of(path), ast.stmt)]
    edits: Edits = []
    for one in dict.fromkeys(updates):
        value = getattr(one, "value", None)
        if isinstance(value, ast.expr) and not isinstance(value, (ast.ListComp, ast.Call)):
            edits.append((value, f"{place.text(value)} / {count}"))
    if edits:
        yield edited(place.source, edits)
    if place.value is not None and not isinstance(place.value, ast.ListComp):
        yield edited(place.source, [(place.value, f"({place.text(place.value)}) / {count}")])
    rates = {scale["text"].lstrip("-").strip() for path in place.finding.paths
             for scale in place.network.parameters.get(path, {}).get("scales", ()) if scale["rate"]}  # fmt: skip
    edits = [
        (node, f"({ast.unparse(node)} / {count})")
        for one in dict.fromkeys(updates)
        for node in ast.walk(one)
        if isinstance(node, ast.expr) and any(is_named(node, rate) for rate in rates)
    ]
    if edits:
        yield edited(place.source, edits)


def divided_once(place: Place) -> Iterator[str]:
    """Leave out a division: of this statement, or of that which makes the output's error."""
    for one in (place.statement, *place.statements):
        value = getattr(one, "value", None)
        near = one is place.statement or (
            isinstance(one, ast.Assign)
            and any(ast.unparse(t) in place.names.delta(place.layer) for t in one.targets)
        )
        if near and isinstance(value, ast.BinOp) and isinstance(value.op, ast.Div):
            yield edited(place.source, [(value, place.text(value.left))])
