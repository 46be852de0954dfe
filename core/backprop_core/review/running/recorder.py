"""The recorder: what an instrumented script calls, and the graph of operations that it leaves behind."""

from __future__ import annotations

import ast
import operator
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np

from backprop_core.review.running.graph_recorder import LONGEST_NAMED, OF_BIASES
from backprop_core.review.running.loop_recorder import LoopRecorder
from backprop_core.review.running.recorded import (
    IN_PLACE,
    OPERATORS,
    Caller,
    Given,
    Written,
    is_numeric,
    replaced,
)
from backprop_core.review.running.recorded_builtins import REWRITTEN, is_generator

MUTATORS = {"shuffle", "copyto", "fill", "put", "place", "putmask", "fill_diagonal", "sort", "partition", "at",
            "resize", "itemset"}  # fmt: skip
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


class Recorder(LoopRecorder):
    """Records operations while :attr:`recording`; otherwise only computes them."""

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

    def either(self, value: Any, *compared: Any) -> Any:
        """``value``, chosen by comparing others: where it is a constant, it still follows from them."""
        if not self.recording or not isinstance(value, (int, float)) or isinstance(value, bool):
            return value
        return self._constant_of(value, compared)

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

    def set_item(self, value: Any, obj: Any, index: Any, site: int) -> None:
        """``obj[index] = value``."""
        if not (self.recording and isinstance(obj, np.ndarray) and is_numeric(obj)):
            obj[index] = value
            return
        self._changed(
            "set_item", replaced, (obj, index, value), obj, lambda: obj.__setitem__(index, value), site
        )

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

    def returned(self, value: Any, site: int) -> Any:
        """``return value``."""
        if self.recording and is_numeric(value):
            self.node_of(value).returned.append(site)
        return value

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
        if function in REWRITTEN:
            return REWRITTEN[function](self, site, *arguments, **keywords)
        arguments = tuple(list(part) if is_generator(part) else part for part in arguments)
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
