"""The graph of operations as it grows: nodes for values, and arrays that are written into."""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.running.recorded import (
    Caller,
    Given,
    Loop,
    Node,
    Ref,
    Top,
    Written,
    is_numeric,
    replaced,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from backprop_core.review.explaining.sites import Sites

OPERATION = 500
"""What an operation costs beside its numbers, in numbers."""
LONGEST_NAMED = 100
OF_BIASES = re.compile(
    r"bias|(^|[._])(d|g|\w*grad|\w*nabla|\w*delta)\w*_?b(s|\d*)$|(^|[._])d?bs?\d*$", re.IGNORECASE
)
"""Names for lists of biases' gradients: with one sample they hold the δs themselves, and not in another role."""


class GraphRecorder:
    """Keeps the nodes of what is recorded."""

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
        self.on_top: Callable[[Any, Loop], None] = lambda recorder, loop: None
        self.reset()

    def reset(self) -> None:
        """Forget all that was recorded."""
        self.nodes.clear()
        self.tops.clear()
        self.work = 0
        """How much was computed while recording: a measure that no other process changes, as a clock's would."""
        self._table: dict[int, Node] = {}
        self._views: dict[int, list[Node]] = {}

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

    @staticmethod
    def number(value: float) -> float:
        """Return the same number as an object of its own: a value is known by its identity."""
        return value * 1.0

    def _constant_of(self, value: Any, arguments: tuple[Any, ...]) -> Any:
        """Return a number that was not seen before as one that follows from others, with no slope."""
        inputs = tuple(self.node_of(one) for one in arguments if isinstance(one, (float, np.floating)))
        known = self._table.get(id(value)) if isinstance(value, float) else None
        if known is not None or not inputs or any(value is one for one in arguments):
            return value
        result = self.number(float(value))
        self._add("branch", inputs, result, -1)
        return result

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

    def _note_inside(self, values: list[Any], site: int) -> None:
        """Note that numbers got another place, without a name of their own: within a list."""
        for element in values:
            if type(element) is list and len(element) <= LONGEST_NAMED:
                self._note_inside(element, site)
            elif (node := self._table.get(id(element))) is not None and is_numeric(element):
                node.names.append(("", site))

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


def _root(array: np.ndarray) -> np.ndarray:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _choosing(function: Callable[..., Any], index: int) -> Callable[..., Any]:
    return lambda *arguments, **keywords: function(*arguments, **keywords)[index]
