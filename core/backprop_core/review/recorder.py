"""The recorder: what an instrumented script calls, and the graph of operations that it leaves behind."""

from __future__ import annotations

import ast
import operator
import re
import sys
from collections.abc import Sized
from dataclasses import dataclass, field
from types import BuiltinFunctionType, FrameType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.state import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from backprop_core.review.instrument import Sites

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
MUTATORS = {"shuffle", "copyto", "fill", "put", "place", "putmask", "fill_diagonal", "sort", "partition", "at",
            "resize", "itemset"}  # fmt: skip
OPERATION = 500
"""What an operation costs beside its numbers, in numbers."""
LONGEST_NAMED = 100
OF_BIASES = re.compile(
    r"bias|(^|[._])(d|g|\w*grad|\w*nabla|\w*delta)\w*_?b(s|\d*)$|(^|[._])d?bs?\d*$", re.IGNORECASE
)
"""Names for lists of biases' gradients: with one sample they hold the δs themselves, and not in another role."""
SHOWING = {
    "print",
    "str",
    "format",
    "repr",
    "append",
    "write",
    "info",
    "debug",
    "set_description",
    "set_postfix",
}


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
        arguments = _filled(self.arguments, values)
        keywords = {name: _filled(value, values) for name, value in self.keywords.items()}
        assert self.function is not None
        return self.function(*arguments, **keywords)


def _filled(spec: Any, values: tuple[Any, ...]) -> Any:
    if isinstance(spec, Ref):
        return values[spec.index]
    if type(spec) in (tuple, list):
        return type(spec)(_filled(element, values) for element in spec)
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


def _root(array: np.ndarray) -> np.ndarray:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


class Recorder:
    """Records operations while :attr:`recording`; otherwise only computes them."""

    slice = slice

    def __init__(self, sites: Sites, filename: str, namespace: dict[str, Any]) -> None:
        self.sites = sites
        self.filename = filename
        self.namespace = namespace
        self.recording = False
        self.nodes: list[Node] = []
        self.tops: list[Top] = []
        self.loops: list[Loop] = []
        self.planned: dict[int, int] = {}
        """How often each loop is to go round, where what it goes over has a length."""
        self.caller: Caller | None = None
        self.instances = 0
        self._first_paths: dict[int, set[str]] = {}
        self.on_top: Callable[[Recorder, Loop], None] = lambda recorder, loop: None
        self.reset()

    def reset(self) -> None:
        """Forget all that was recorded."""
        self.nodes.clear()
        self.tops.clear()
        self.work = 0
        """How much was computed while recording: a measure that no other process changes, as a clock's would."""
        self._table: dict[int, Node] = {}
        self._views: dict[int, list[Node]] = {}

    # -- nodes -----------------------------------------------------------------------------------------------

    def node_of(self, value: Any) -> Node:
        """Return the node of a value; a new leaf if it came from outside."""
        node = self._table.get(id(value))
        if node is None:
            node = self._add("leaf", (), value, -1)
        return node

    def _add(self, op: str, inputs: tuple[Node, ...], value: Any, site: int) -> Node:
        node = Node(len(self.nodes), op, inputs, value, site, obj=value, caller=self.caller)
        if inputs:
            self.work += OPERATION + np.size(value)
        self.nodes.append(node)
        self._table[id(value)] = node
        if isinstance(value, np.ndarray):
            self._views.setdefault(id(_root(value)), []).append(node)
        return node

    def _about_to_change(self, array: np.ndarray) -> None:
        """Keep the old content for the nodes that mean it: the memory is about to be overwritten."""
        for node in self._views.pop(id(_root(array)), ()):
            if node.value is node.obj:
                node.value = node.obj.copy()
            if node.obj is not array and self._table.get(id(node.obj)) is node:
                del self._table[id(node.obj)]

    def _record(
        self, op: str, function: Callable[..., Any], arguments: Any, keywords: Any, result: Any, site: int
    ) -> Any:
        if (
            isinstance(result, (tuple, list))
            and result
            and all(isinstance(part, np.ndarray) for part in result)
        ):
            for index, part in enumerate(result):
                chosen = _choosing(function, index)
                self._record(f"{op}[{index}]", chosen, arguments, keywords, part, site)
            return result
        if not is_numeric(result):
            return result
        inputs: list[Node] = []
        spec = self._spec(arguments, inputs)
        named = {name: self._spec(value, inputs) for name, value in keywords.items()} if keywords else {}
        if not inputs:
            return result
        known = self._table.get(id(result))
        if known is not None and known.obj is result:
            return result
        node = self._add(op, tuple(inputs), result, site)
        node.arguments, node.keywords, node.function = spec, named, function
        return result

    def _spec(self, value: Any, inputs: list[Node]) -> Any:
        if isinstance(value, Given):
            leaf = Node(len(self.nodes), "leaf", (), float(value.value), -1, given=True)
            self.nodes.append(leaf)
            inputs.append(leaf)
            return Ref(len(inputs) - 1)
        if type(value) is Written:
            return value.value
        if is_numeric(value):
            inputs.append(self.node_of(value))
            return Ref(len(inputs) - 1)
        if type(value) in (tuple, list) and len(value) <= 100_000:
            return type(value)(self._spec(element, inputs) for element in value)
        return value

    # -- operations ------------------------------------------------------------------------------------------

    def binary(self, op: str, left: Any, right: Any, site: int, written: int | None = None) -> Any:
        """``left op right``; ``written``: which of the two is a number that stands in the formula itself."""
        function = OPERATORS[op]
        result = function(left, right)
        if type(result) is list and op == "multiply":
            return [self.number(element) if type(element) is float else element for element in result]
        if not self.recording:
            return result
        if op == "remainder" and isinstance(left, str):
            for number, part in enumerate(right if isinstance(right, tuple) else (right,)):
                self.show(part, site, self.sites.part(site, number))
        if type(left) is int or type(right) is int:
            left, right = self._given(op, left, right, site)
        if written is not None:
            left, right = (
                Written(one) if number == written else one for number, one in enumerate((left, right))
            )
        return self._record(op, function, (left, right), None, result, site)

    @staticmethod
    def number(value: float) -> float:
        """Return the same number as an object of its own: a value is known by its identity."""
        return value * 1.0

    def either(self, value: Any, *compared: Any) -> Any:
        """``value``, chosen by comparing others: where it is a constant, it still follows from them."""
        if not self.recording or not isinstance(value, (int, float)) or isinstance(value, bool):
            return value
        return self._constant_of(value, compared)

    def _constant_of(self, value: Any, arguments: tuple[Any, ...]) -> Any:
        """Return a number that was not seen before as one that follows from others, with no slope."""
        inputs = tuple(self.node_of(one) for one in arguments if isinstance(one, (float, np.floating)))
        known = self._table.get(id(value)) if isinstance(value, float) else None
        if known is not None or not inputs or any(value is one for one in arguments):
            return value
        result = self.number(float(value))
        self._add("branch", inputs, result, -1)
        return result

    def _given(self, op: str, left: Any, right: Any, site: int) -> tuple[Any, Any]:
        """Mark whole numbers that are data, not written in the formula: inputs and targets in lists often are."""
        syntax = self.sites.nodes[site]
        if op not in ("add", "subtract", "multiply") or not isinstance(syntax, ast.BinOp):
            return left, right
        if type(left) is int and not isinstance(syntax.left, ast.Constant):
            left = Given(left, self.sites.text(syntax.left))
        if type(right) is int and not isinstance(syntax.right, ast.Constant):
            right = Given(right, self.sites.text(syntax.right))
        return left, right

    def unary(self, op: str, value: Any, site: int) -> Any:
        """``op value``."""
        function = OPERATORS[op]
        result = function(value)
        return self._record(op, function, (value,), None, result, site) if self.recording else result

    def compare(self, op: str, left: Any, right: Any, site: int) -> Any:
        """``left op right``."""
        function = OPERATORS[op]
        result = function(left, right)
        if not self.recording:
            return result
        for side in (left, right):
            if isinstance(side, (float, np.floating)):
                self._seen(side, "compared", site, "")
        return self._record(op, function, (left, right), None, result, site)

    def attribute(self, obj: Any, name: str, site: int) -> Any:
        """``obj.T`` and the like."""
        result = getattr(obj, name)
        if not self.recording or not isinstance(obj, np.ndarray):
            return result
        return self._record(name, operator.attrgetter(name), (obj,), None, result, site)

    def item(self, obj: Any, index: Any, site: int) -> Any:
        """``obj[index]``."""
        result = obj[index]
        if not self.recording:
            return result
        if obj is np.c_ or obj is np.r_:
            # Brackets that join arrays: what stands in them is no subscript.
            return self._record("joined", obj.__getitem__, (index,), None, result, site)
        if not isinstance(obj, np.ndarray):
            return result
        return self._record("item", operator.getitem, (obj, index), None, result, site)

    def set_item(self, value: Any, obj: Any, index: Any, site: int) -> None:
        """``obj[index] = value``."""
        if not (self.recording and isinstance(obj, np.ndarray) and is_numeric(obj)):
            obj[index] = value
            return
        self._changed(
            "set_item", replaced, (obj, index, value), obj, lambda: obj.__setitem__(index, value), site
        )

    def _changed(
        self,
        op: str,
        function: Callable[..., Any],
        arguments: Any,
        array: np.ndarray,
        act: Callable[[], Any],
        site: int,
    ) -> Node:
        inputs: list[Node] = []
        spec = self._spec(arguments, inputs)
        old = self._table.get(id(array))
        whole = None if old is None or old.op != "item" or array.base is None else old.inputs[0]
        self._about_to_change(array)
        act()
        node = self._add(op, tuple(inputs), array, site)
        node.arguments, node.function = spec, function
        if whole is not None and old is not None and np.shares_memory(array, whole.obj):
            self._follow(whole, old.arguments[1], node, site)
        return node

    def _follow(self, whole: Node, index: Any, part: Node, site: int) -> None:
        """Note that an array has changed with its view: ``W[i][j] = …`` writes into W."""
        above = whole.inputs[0] if whole.op == "item" and whole.obj.base is not None else None
        new = self._add("set_item", (whole, part), whole.obj, site)
        new.arguments, new.function = (Ref(0), index, Ref(1)), replaced
        if above is not None and np.shares_memory(whole.obj, above.obj):
            self._follow(above, whole.arguments[1], new, site)

    def in_place(self, op: str, old: Any, value: Any, text: str, site: int) -> Any:
        """``old op= value``, for a name."""
        function = IN_PLACE[op]
        if not self.recording:
            return function(old, value)
        if isinstance(old, np.ndarray) and is_numeric(old):
            node = self._changed(op, OPERATORS[op], (old, value), old, lambda: function(old, value), site)
            node.names.append((text, site))
            return old
        result = self._record(op, OPERATORS[op], (old, value), None, function(old, value), site)
        return self.bind((text,), result, site)

    def in_place_attribute(self, op: str, obj: Any, name: str, value: Any, text: str, site: int) -> None:
        """``obj.name op= value``."""
        setattr(obj, name, self.in_place(op, getattr(obj, name), value, text, site))

    def in_place_item(self, op: str, obj: Any, index: Any, value: Any, text: str, site: int) -> None:
        """``obj[index] op= value``."""
        if isinstance(obj, np.ndarray) and is_numeric(obj) and self.recording and obj.dtype.kind == "f":
            new = self.binary(op, self.item(obj, index, site), value, site)
            self.set_item(new, obj, index, site)
        else:
            obj[index] = self.in_place(op, obj[index], value, text, site)

    def bind(self, texts: tuple[Any, ...], value: Any, site: int) -> Any:
        """``texts = value``; a row of an array that is unpacked becomes traced elements."""
        if not self.recording:
            return value
        for text in texts:
            if isinstance(text, tuple):
                if isinstance(value, np.ndarray):
                    value = tuple(self.elements(value))
                if isinstance(value, (tuple, list)) and len(value) == len(text):
                    for part, element in zip(text, value, strict=True):
                        self.bind((part,), element, site)
            elif is_numeric(value):
                self.node_of(value).names.append((text, site))
            elif type(value) is list and len(value) <= LONGEST_NAMED and not OF_BIASES.search(text):
                self._note_inside(value, site)
        return value

    def _note_inside(self, values: list[Any], site: int) -> None:
        """Note that numbers got another place, without a name of their own: within a list."""
        for element in values:
            if type(element) is list and len(element) <= LONGEST_NAMED:
                self._note_inside(element, site)
            elif (node := self._table.get(id(element))) is not None and is_numeric(element):
                node.names.append(("", site))

    def returned(self, value: Any, site: int) -> Any:
        """``return value``."""
        if self.recording and is_numeric(value):
            self.node_of(value).returned.append(site)
        return value

    def show(self, value: Any, site: int, text: str | None = None) -> Any:
        """Note that a number is shown to somebody: printed, formatted, kept in a list."""
        if self.recording and isinstance(value, (float, np.floating, np.ndarray)):
            self._seen(
                value, "shown", site, self.sites.text(self.sites.nodes[site]) if text is None else text
            )
        return value

    def _seen(self, value: Any, how: str, site: int, text: str) -> None:
        if is_numeric(value) and np.size(value) == 1:
            self.node_of(value).shown.append((how, site, text))

    # -- calls -----------------------------------------------------------------------------------------------

    def call(self, function: Any, site: int, /, *arguments: Any, **keywords: Any) -> Any:
        """``function(...)``."""
        if not self.recording:
            return function(*arguments, **keywords)
        return self._called(function, getattr(function, "__name__", ""), site, arguments, keywords)

    def method(self, obj: Any, name: str, site: int, /, *arguments: Any, **keywords: Any) -> Any:
        """``obj.name(...)``."""
        if not self.recording:
            return getattr(obj, name)(*arguments, **keywords)
        if isinstance(obj, (np.ndarray, np.generic)):
            unbound = getattr(type(obj), name, None)
            if unbound is not None:
                return self._called(
                    unbound, "item()" if name == "item" else name, site, (obj, *arguments), keywords
                )
        op = f"{obj.__name__}.{name}" if isinstance(obj, np.ufunc) else name
        return self._called(getattr(obj, name), op, site, arguments, keywords)

    def _own(self, function: Any) -> bool:
        """Whether a callable's body is instrumented, so that what it does is recorded anyway."""
        if isinstance(function, MethodType):
            function = function.__func__
        if isinstance(function, FunctionType):
            return function.__code__.co_filename == self.filename
        if isinstance(function, type):
            return function.__module__ == "__main__"
        return type(function).__module__ == "__main__" and not isinstance(function, BuiltinFunctionType)

    def _called(self, function: Any, op: str, site: int, arguments: Any, keywords: Any) -> Any:
        if self._own(function):
            outer, self.caller = self.caller, Caller(site, self.caller)
            try:
                result = function(*arguments, **keywords)
            finally:
                self.caller = outer
            return self._constant_of(result, arguments) if type(result) is float else result
        if op == "append":
            self._note_inside([argument for argument in arguments if is_numeric(argument)], site)
        if op in SHOWING:
            for number, argument in enumerate((*arguments, *keywords.values())):
                self.show(argument, site, self.sites.part(site, number))
        if function in _REWRITTEN:
            return _REWRITTEN[function](self, site, *arguments, **keywords)
        arguments = tuple(list(part) if _is_generator(part) else part for part in arguments)
        out = keywords.get("out")
        out = out[0] if isinstance(out, tuple) and len(out) == 1 else out
        if isinstance(out, np.ndarray):
            rest = {name: value for name, value in keywords.items() if name != "out"}
            self._changed(op, function, arguments, out, lambda: function(*arguments, out=out, **rest), site)
            return out
        if isinstance(function, np.ufunc) and len(arguments) > function.nin:
            target = arguments[function.nin]
            self._changed(op, function, arguments[: function.nin], target, lambda: function(*arguments), site)
            return target
        last = op.rpartition(".")[2]
        if last in MUTATORS and arguments and isinstance(arguments[0], np.ndarray):
            return self._mutated(function, op, site, arguments, keywords)
        self.recording = False
        try:
            result = function(*arguments, **keywords)
        finally:
            self.recording = True
        if isinstance(function, np.vectorize):
            op = "vectorized"
        return self._record(op, function, arguments, keywords, result, site)

    def _mutated(self, function: Any, op: str, site: int, arguments: Any, keywords: Any) -> Any:
        def again(array: Any, *rest: Any) -> Any:
            copy = np.array(array)
            function(copy, *rest, **keywords)
            return copy

        kept: list[Any] = []
        self._changed(
            op, again, arguments, arguments[0], lambda: kept.append(function(*arguments, **keywords)), site
        )
        return kept[0]

    # -- loops -----------------------------------------------------------------------------------------------

    def elements(self, iterable: Any) -> Any:
        """Return what a loop goes over; rows of an array as traced items."""
        if self.recording and isinstance(iterable, np.ndarray) and is_numeric(iterable) and iterable.ndim:
            return (self.item(iterable, index, -1) for index in range(len(iterable)))
        return iterable

    def loop(self, iterable: Iterable[Any], site: int) -> Iterator[Any]:
        """Go over ``iterable``, and take note before each iteration."""
        frame = sys._getframe(1)
        if isinstance(iterable, Sized):
            self.planned[site] = len(iterable)
        if isinstance(iterable, np.ndarray):
            iterator: Iterator[Any] = (self.item(iterable, index, -1) for index in range(len(iterable)))
        else:
            iterator = iter(iterable)
        while True:
            self._top(site, frame)
            try:
                element = next(iterator)
            except StopIteration:
                self.done(site, frame)
                return
            yield element

    def top(self, site: int) -> bool:
        """Take note before an iteration of a while loop."""
        self._top(site, sys._getframe(1))
        return True

    def done(self, site: int, frame: FrameType | None = None) -> None:
        """Take note that a loop has ended."""
        frame = frame or sys._getframe(1)
        for position, loop in enumerate(self.loops):
            if loop.site == site and loop.frame is frame:
                del self.loops[position:]
                return

    def _top(self, site: int, frame: FrameType) -> None:
        for position in range(len(self.loops) - 1, -1, -1):
            loop = self.loops[position]
            if loop.site == site and loop.frame is frame:
                del self.loops[position + 1 :]
                loop.iteration += 1
                break
        else:
            self.instances += 1
            loop = Loop(site, frame, self.instances)
            self.loops.append(loop)
        self.on_top(self, loop)

    def note_top(self, loop: Loop) -> Top:
        """Write down the state before an iteration."""
        loops = tuple((entry.site, entry.instance, entry.iteration) for entry in self.loops)
        state = {path: self.node_of(value) for path, value in self._held(loop).items()}
        top = Top(len(self.nodes), loop.site, loop.instance, loop.iteration, loops, state)
        self.tops.append(top)
        return top

    def _held(self, loop: Loop) -> dict[str, Any]:
        """Return what the script holds, without names that came later for what had one already."""
        held = walk(loop.frame, self.namespace)
        known = self._first_paths.setdefault(loop.site, set(held))
        named = {id(value) for path, value in held.items() if path in known}
        return {path: value for path, value in held.items() if path in known or id(value) not in named}


def replaced(array: Any, index: Any, value: Any) -> Any:
    """Return a copy of ``array`` with ``array[index] = value`` done."""
    copy = np.array(array)
    copy[index] = value
    return copy


def _choosing(function: Callable[..., Any], index: int) -> Callable[..., Any]:
    return lambda *arguments, **keywords: function(*arguments, **keywords)[index]


def _is_generator(value: Any) -> bool:
    return type(value).__name__ in ("generator", "map", "zip")


def _zip(recorder: Recorder, site: int, *iterables: Any, **keywords: Any) -> Any:
    return zip(*(recorder.elements(iterable) for iterable in iterables), **keywords)  # noqa: B905


def _enumerate(recorder: Recorder, site: int, iterable: Any, start: int = 0) -> Any:
    return enumerate(recorder.elements(iterable), start)


def _map(recorder: Recorder, site: int, function: Any, *iterables: Any) -> Any:
    rows = zip(*(recorder.elements(iterable) for iterable in iterables), strict=False)
    return (recorder.call(function, site, *row) for row in rows)


def _list(recorder: Recorder, site: int, *iterable: Any) -> Any:
    return list(recorder.elements(iterable[0])) if iterable else []


def _tuple(recorder: Recorder, site: int, *iterable: Any) -> Any:
    return tuple(recorder.elements(iterable[0])) if iterable else ()


def _reversed(recorder: Recorder, site: int, iterable: Any) -> Any:
    return reversed(_list(recorder, site, iterable) if isinstance(iterable, np.ndarray) else iterable)


def _sum(recorder: Recorder, site: int, iterable: Any, start: Any = 0) -> Any:
    total = start
    for element in recorder.elements(iterable):
        total = recorder.binary("add", total, element, site)
    return total


def _larger(recorder: Recorder, site: int, *values: Any, **keywords: Any) -> Any:
    return _extreme(recorder, site, "maximum", max, values, keywords)


def _smaller(recorder: Recorder, site: int, *values: Any, **keywords: Any) -> Any:
    return _extreme(recorder, site, "minimum", min, values, keywords)


def _extreme(recorder: Recorder, site: int, op: str, function: Any, values: Any, keywords: Any) -> Any:
    """Record the larger or smaller of two numbers; Python's own functions return one of the two objects."""
    result = function(*values, **keywords)
    numbers = len(values) == 2 and not keywords and all(isinstance(one, (int, float)) for one in values)
    if not numbers or not any(isinstance(one, float) for one in values):
        return result
    return recorder._record(op, getattr(np, op), values, None, recorder.number(result), site)


def _apply_along_axis(
    recorder: Recorder, site: int, function: Any, axis: int, array: Any, *rest: Any, **keywords: Any
) -> Any:
    if np.ndim(array) != 2 or axis not in (0, 1, -1, -2):
        return np.apply_along_axis(function, axis, array, *rest, **keywords)
    rows = array if axis in (1, -1) else recorder.attribute(array, "T", site)
    results = [recorder.call(function, site, row, *rest, **keywords) for row in recorder.elements(rows)]
    stacked = recorder.call(np.array, site, results)
    return stacked if axis in (1, -1) or np.ndim(stacked) < 2 else recorder.attribute(stacked, "T", site)


_REWRITTEN: dict[Any, Callable[..., Any]] = {
    zip: _zip, enumerate: _enumerate, max: _larger, min: _smaller,
    map: _map, list: _list, tuple: _tuple, reversed: _reversed, sum: _sum,
    np.apply_along_axis: _apply_along_axis,
}  # fmt: skip
