"""What is recorded of a running script: values as nodes of a graph, loops, and the moments before their iterations."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


OPERATORS: dict[str, Callable[..., Any]] = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv,
    "power": operator.pow, "matmul": operator.matmul, "remainder": operator.mod,
    "floor_divide": operator.floordiv, "bitwise_and": operator.and_, "bitwise_or": operator.or_,
    "bitwise_xor": operator.xor, "left_shift": operator.lshift, "right_shift": operator.rshift,
    "greater": operator.gt, "greater_equal": operator.ge, "less": operator.lt, "less_equal": operator.le,
    "equal": operator.eq, "not_equal": operator.ne, "negative": operator.neg, "invert": operator.invert,
}  # fmt: skip


IN_PLACE: dict[str, Callable[..., Any]] = {
    "add": operator.iadd, "subtract": operator.isub, "multiply": operator.imul, "divide": operator.itruediv,
    "power": operator.ipow, "matmul": operator.imatmul, "remainder": operator.imod,
    "floor_divide": operator.ifloordiv, "bitwise_and": operator.iand, "bitwise_or": operator.ior,
    "bitwise_xor": operator.ixor, "left_shift": operator.ilshift, "right_shift": operator.irshift,
}  # fmt: skip


@dataclass(eq=False, slots=True)
class Caller:
    """The call of one of the script's functions that is being carried out, and that in which it was made."""

    site: int
    outer: Caller | None


@dataclass(eq=False, slots=True)
class Ref:
    """Stands for the n-th input of a node among its arguments."""

    index: int


@dataclass(eq=False, slots=True)
class Given:
    """A whole number that stands under a name, or in a list."""

    value: int
    text: str


@dataclass(eq=False, slots=True)
class Written:
    """A number that stands in a formula: never data, and no node of its own."""

    value: float


@dataclass(eq=False, slots=True)
class Node:
    """One value: an operation's result, or a leaf that was there before."""

    index: int
    op: str
    inputs: tuple[Node, ...]
    value: Any
    site: int
    arguments: tuple[Any, ...] = ()
    keywords: dict[str, Any] = field(default_factory=dict)
    function: Callable[..., Any] | None = None
    obj: Any = None
    names: list[tuple[str, int]] = field(default_factory=list)
    """What it is called, and where it got that name; an empty name for a place in a list."""
    shown: list[tuple[str, int, str]] = field(default_factory=list)
    caller: Caller | None = None
    returned: list[int] = field(default_factory=list)
    """The returns of functions that it went through."""
    given: bool = False
    """Whether it is a whole number that may be data."""

    def replay(self, values: tuple[Any, ...]) -> Any:
        """Compute the operation once more, from other inputs."""
        arguments = filled(self.arguments, values)
        keywords = {name: filled(value, values) for name, value in self.keywords.items()}
        assert self.function is not None
        return self.function(*arguments, **keywords)


def filled(spec: Any, values: tuple[Any, ...]) -> Any:
    """Return arguments as they were written down, with values in place of what stands for them."""
    if isinstance(spec, Ref):
        return values[spec.index]
    if type(spec) in (tuple, list):
        return type(spec)(filled(element, values) for element in spec)
    return spec


@dataclass(slots=True)
class Loop:
    """A loop that is running."""

    site: int
    frame: FrameType
    instance: int
    iteration: int = 0


@dataclass(slots=True)
class Top:
    """The moment before an iteration of a loop: where in the graph, in which loops, and the state then."""

    at: int
    site: int
    instance: int
    iteration: int
    loops: tuple[tuple[int, int, int], ...]
    state: dict[str, Node]


def is_numeric(value: Any) -> bool:
    """Whether a value can carry a gradient, or data: a number of floating point or an array of numbers."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "fiub"
    return isinstance(value, (float, np.floating, np.integer, np.bool_))


def replaced(array: Any, index: Any, value: Any) -> Any:
    """Return a copy of ``array`` with ``array[index] = value`` done."""
    copy = np.array(array)
    copy[index] = value
    return copy
