"""How each known operation passes a gradient back to its inputs: its vector-Jacobian product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.running.recorded import Node, Ref, filled, replaced

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[Any]
    Product = Callable[[Node, Array, tuple[Any, ...]], list[Any] | None]


def like(found: Any, value: Any) -> Array:
    """Sum a gradient over the axes along which the value was broadcast."""
    gradient: Array = np.asarray(found, float)
    shape = np.shape(value)
    if gradient.shape == shape:
        return gradient
    while gradient.ndim > len(shape):
        gradient = gradient.sum(axis=0)
    for axis, size in enumerate(shape):
        if size == 1 and gradient.shape[axis] != 1:
            gradient = gradient.sum(axis=axis, keepdims=True)
    return np.broadcast_to(gradient, shape)


def _add(node: Node, g: Array, v: tuple[Any, ...]) -> list[Any]:
    return [g] * len(v)


def _subtract(node: Node, g: Array, v: tuple[Any, ...]) -> list[Any] | None:
    if len(v) == 2:
        return [g, -g]
    return [g] if _first_is_input(node) else [-g]


def _multiply(node: Node, g: Array, v: tuple[Any, ...]) -> list[Any]:
    left, right = _both(node, v)
    return _used(node, g * right, g * left)


def _divide(node: Node, g: Array, v: tuple[Any, ...]) -> list[Any]:
    left, right = _both(node, v)
    return _used(node, g / right, -g * left / (right * right))


def _power(node: Node, g: Array, v: tuple[Any, ...]) -> list[Any]:
    base, exponent = _both(node, v)
    base, exponent = np.asarray(base, float), np.asarray(exponent, float)
    with np.errstate(all="ignore"):
        by_base = g * exponent * np.power(base, exponent - 1)
        by_exponent = g * np.power(base, exponent) * np.log(np.where(base > 0, base, 1.0))
    return _used(node, by_base, by_exponent)


def _both(node: Node, v: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return both operands of a binary operation, of which one may be a plain integer."""
    left, right = (filled(argument, v) for argument in node.arguments[:2])
    return left, right


def _first_is_input(node: Node) -> bool:
    return isinstance(node.arguments[0], Ref)


def _used(node: Node, left: Any, right: Any) -> list[Any]:
    if len(node.inputs) == 2:
        return [left, right]
    return [left] if _first_is_input(node) else [right]


def _matmul(node: Node, g: Array, v: tuple[Any, ...]) -> list[Any] | None:
    if len(v) != 2:
        return None
    a, b = np.asarray(v[0], float), np.asarray(v[1], float)
    if a.ndim == 0 or b.ndim == 0:
        return [g * b, g * a]
    if a.ndim == 1 and b.ndim == 1:
        return [g * b, g * a]
    if a.ndim == 2 and b.ndim == 2:
        return [g @ b.T, a.T @ g]
    if a.ndim == 1 and b.ndim == 2:
        return [b @ g, np.outer(a, g)]
    if a.ndim == 2 and b.ndim == 1:
        return [np.outer(g, b), a.T @ g]
    return None


def _outer(node: Node, g: Array, v: tuple[Any, ...]) -> list[Any]:
    a, b = np.ravel(v[0]), np.ravel(v[1])
    return [np.reshape(g @ b, np.shape(v[0])), np.reshape(a @ g, np.shape(v[1]))]


def _einsum(node: Node, g: Array, v: tuple[Any, ...]) -> list[Any] | None:
    text = node.arguments[0]
    if not isinstance(text, str) or len(v) != 2 or "->" not in text or "." in text:
        return None
    inputs, output = text.replace(" ", "").split("->")
    first, second = inputs.split(",")
    if set(first) - set(output) - set(second) or set(second) - set(output) - set(first):
        return None
    return [
        np.einsum(f"{output},{second}->{first}", g, v[1]),
        np.einsum(f"{first},{output}->{second}", v[0], g),
    ]


def _transpose(node: Node, g: Array, v: tuple[Any, ...]) -> list[Any] | None:
    if len(node.arguments) > 1 or node.keywords:
        return None
    return [np.transpose(g)]


def _reshape(node: Node, g: Array, v: tuple[Any, ...]) -> list[Any] | None:
    if node.keywords.get("order", "C") != "C":
        return None
    return [np.reshape(g, np.shape(v[0]))]


def _sum(node: Node, g: Array, v: tuple[Any, ...]) -> list[Any] | None:
    return None if len(v) != 1 else [_spread(node, g, np.shape(v[0]))]


def _mean(node: Node, g: Array, v: tuple[Any, ...]) -> list[Any] | None:
    if len(v) != 1:
        return None
    return [_spread(node, g, np.shape(v[0])) * (max(np.size(node.value), 1) / max(np.size(v[0]), 1))]


def _spread(node: Node, g: Array, shape: tuple[int, ...]) -> Any:
    position = 2 if node.op == "norm" else 1
    axis = node.keywords.get("axis", node.arguments[position] if len(node.arguments) > position else None)
    if axis is None or not shape:
        return np.broadcast_to(np.reshape(g, (1,) * len(shape)) if np.size(g) == 1 else g, shape)
    axes = {number % len(shape) for number in (axis if isinstance(axis, tuple) else (axis,))}
    kept = tuple(1 if number in axes else size for number, size in enumerate(shape))
    return np.broadcast_to(np.reshape(g, kept), shape)


def _extreme(node: Node, g: Array, v: tuple[Any, ...]) -> list[Any] | None:
    if len(v) != 1:
        return None
    value = np.asarray(v[0], float)
    chosen = value == _spread(node, np.asarray(node.value, float), value.shape)
    return [_spread(node, g, value.shape) * chosen / np.maximum(_counted(node, chosen), 1)]


def _counted(node: Node, chosen: NDArray[np.bool_]) -> Any:
    axis = node.keywords.get("axis", node.arguments[1] if len(node.arguments) > 1 else None)
    return chosen.sum(axis=axis, keepdims=True) if chosen.ndim else 1


def _maximum(node: Node, g: Array, v: tuple[Any, ...]) -> list[Any]:
    left, right = (np.asarray(side, float) for side in _both(node, v))
    return _used(node, g * (left > right), g * (right > left))


def _minimum(node: Node, g: Array, v: tuple[Any, ...]) -> list[Any]:
    left, right = (np.asarray(side, float) for side in _both(node, v))
    return _used(node, g * (left < right), g * (right < left))


def _where(node: Node, g: Array, v: tuple[Any, ...]) -> list[Any] | None:
    if len(node.arguments) != 3:
        return None
    mask = np.asarray(filled(node.arguments[0], v)).astype(bool)
    parts: list[Any] = [None] * len(v)
    for argument, chosen in ((node.arguments[1], mask), (node.arguments[2], ~mask)):
        if isinstance(argument, Ref):
            part = np.where(chosen, g, 0.0)
            before = parts[argument.index]
            parts[argument.index] = part if before is None else before + part
    return parts


def _clip(node: Node, g: Array, v: tuple[Any, ...]) -> list[Any]:
    return [g * (np.asarray(node.value) == np.asarray(v[0]))]


def _item(node: Node, g: Array, v: tuple[Any, ...]) -> list[Any]:
    index = filled(node.arguments[1], v)
    result = np.zeros(np.shape(v[0]))
    np.add.at(result, index, g)
    return [result]


def _set_item(node: Node, g: Array, v: tuple[Any, ...]) -> list[Any]:
    index = filled(node.arguments[1], v)
    parts: list[Any] = [None] * len(v)
    parts[0] = replaced(g, index, 0.0)
    if isinstance(node.arguments[2], Ref):
        value = node.arguments[2]
        parts[value.index] = _like_or_reshaped(g[index], v[value.index])
    return parts


def _like_or_reshaped(gradient: Array, value: Any) -> Array:
    if np.size(gradient) == np.size(value):
        return np.reshape(gradient, np.shape(value))
    return like(gradient, value)


def _array(node: Node, g: Array, v: tuple[Any, ...]) -> list[Any] | None:
    spec = node.arguments[0]
    if isinstance(spec, Ref):
        return [np.reshape(g, np.shape(v[0]))]
    parts: list[Any] = [None] * len(v)

    def fill(inner: Any, gradient: Array) -> None:
        if isinstance(inner, Ref):
            part = np.reshape(gradient, np.shape(v[inner.index]))
            before = parts[inner.index]
            parts[inner.index] = part if before is None else before + part
        elif isinstance(inner, (list, tuple)):
            for position, element in enumerate(inner):
                fill(element, gradient[position])

    fill(spec, g)
    return parts


def _norm(node: Node, g: Array, v: tuple[Any, ...]) -> list[Any] | None:
    order = node.keywords.get("ord", node.arguments[1] if len(node.arguments) > 1 else None)
    if (
        len(v) != 1
        or order not in (None, 2, "fro")
        or (order == 2 and np.ndim(v[0]) > 1)
        or len(node.arguments) > 2
    ):
        return None
    value, length = np.asarray(v[0], float), _spread(node, np.asarray(node.value, float), np.shape(v[0]))
    return [
        _spread(node, g, value.shape) * np.divide(value, length, out=np.zeros_like(value), where=length != 0)
    ]


def _elementwise(derivative: Callable[[Array, Array], Array]) -> Product:
    """Return the rule of a function of one array, from its derivative as a function of input and output."""

    def rule(node: Node, g: Array, v: tuple[Any, ...]) -> list[Any]:
        return [g * derivative(np.asarray(v[0], float), np.asarray(node.value, float))]

    return rule


def _same(node: Node, g: Array, v: tuple[Any, ...]) -> list[Any]:
    return [g]


def _nothing(node: Node, g: Array, v: tuple[Any, ...]) -> list[Any]:
    return [None] * len(v)


RULES: dict[str, Product] = {
    "add": _add, "subtract": _subtract, "multiply": _multiply, "divide": _divide, "true_divide": _divide,
    "power": _power, "pow": _power, "float_power": _power, "negative": _elementwise(lambda x, y: -np.ones_like(x)),
    "matmul": _matmul, "dot": _matmul, "inner": lambda n, g, v: _matmul(n, g, v) if np.ndim(v[0]) == 1 else None,
    "vdot": lambda n, g, v: [g * np.asarray(v[1]), g * np.asarray(v[0])] if len(v) == 2 else None,
    "outer": _outer, "multiply.outer": _outer, "einsum": _einsum,
    "T": _transpose, "transpose": _transpose, "mT": _transpose,
    "reshape": _reshape, "ravel": _reshape, "flatten": _reshape, "squeeze": _reshape, "expand_dims": _reshape,
    "atleast_2d": _reshape, "atleast_1d": _reshape, "item()": _reshape,
    "sum": _sum, "nansum": _sum, "mean": _mean,
    "average": lambda n, g, v: None if n.keywords.get("weights") is not None else _mean(n, g, v),
    "max": _extreme, "min": _extreme, "amax": _extreme, "amin": _extreme,
    "maximum": _maximum, "fmax": _maximum, "minimum": _minimum, "fmin": _minimum, "where": _where, "clip": _clip,
    "item": _item, "set_item": _set_item, "array": _array, "asarray": _array, "asanyarray": _array,
    "copy": _same, "astype": _same, "float": _same, "float64": _same, "float32": _same, "real": _same,
    "nan_to_num": _same, "ascontiguousarray": _same, "positive": _same,
    "exp": _elementwise(lambda x, y: y), "expm1": _elementwise(lambda x, y: y + 1),
    "log": _elementwise(lambda x, y: 1 / x), "log1p": _elementwise(lambda x, y: 1 / (1 + x)),
    "log2": _elementwise(lambda x, y: 1 / (x * np.log(2))), "log10": _elementwise(lambda x, y: 1 / (x * np.log(10))),
    "sqrt": _elementwise(lambda x, y: 0.5 / y), "square": _elementwise(lambda x, y: 2 * x),
    "tanh": _elementwise(lambda x, y: 1 - y * y), "sin": _elementwise(lambda x, y: np.cos(x)),
    "cos": _elementwise(lambda x, y: -np.sin(x)), "sinh": _elementwise(lambda x, y: np.cosh(x)),
    "cosh": _elementwise(lambda x, y: np.sinh(x)), "arctan": _elementwise(lambda x, y: 1 / (1 + x * x)),
    "abs": _elementwise(lambda x, y: np.sign(x)), "absolute": _elementwise(lambda x, y: np.sign(x)),
    "fabs": _elementwise(lambda x, y: np.sign(x)), "reciprocal": _elementwise(lambda x, y: -y * y),
    "norm": _norm, "sign": _nothing, "branch": _nothing, "greater": _nothing, "greater_equal": _nothing,
    "less": _nothing, "less_equal": _nothing,
    "equal": _nothing, "not_equal": _nothing, "argmax": _nothing, "argmin": _nothing, "heaviside": _nothing,
    "zeros_like": _nothing, "ones_like": _nothing, "empty_like": _nothing, "full_like": _nothing, "round": _same,
}  # fmt: skip
"""Operation → its vector-Jacobian product: (node, ∂L/∂result, inputs) → ∂L/∂input for each."""
