"""Finding the loss of a script, the output that meets the targets, and the loss's form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.following.gradients import read
from backprop_core.review.following.structure import VIEWS
from backprop_core.review.running.recorded import Node, Ref

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from backprop_core.review.explaining.sites import Sites
    from backprop_core.review.following.structure import Graph, Unit

    Array = NDArray[Any]

LOGARITHMS = {"log", "log1p", "log2", "log10"}
COMPARING = {
    "equal",
    "not_equal",
    "greater",
    "less",
    "greater_equal",
    "less_equal",
    "argmax",
    "sign",
    "round",
}
CURVED = {
    "power", "pow", "square", "abs", "absolute", "fabs", "norm", "exp", "maximum", "minimum", "where", "vectorized",
    "var", "std", "einsum", "logaddexp", "sqrt", "cosh", "fmax", "max", "linalg.norm", "float_power", *LOGARITHMS,
}  # fmt: skip
STRONG = re.compile(
    r"^(loss|cost|error|err|e|j|l|mse|sse|rmse|mae|bce|ce|nll|objective|criterion|cross_?entropy|"
    r"(total|train|training|epoch|running|mean|avg|average|batch|sum|squared|current|sample)_?(loss|cost|error|err|mse))"
    r"(_?(val|value|total|sum|epoch|train|batch))?\d?$",
    re.IGNORECASE,
)
WEAK = re.compile(r"loss|cost|error|mse|entropy|objective|sse|likelihood|err$", re.IGNORECASE)
NOT_THIS = re.compile(
    r"(^|_)(val|valid|validation|test|dev|holdout|acc|best|prev|old|min|max|last|tol|reg|l2)(_|$)"
    r"|accuracy|grad|delta|rate|thresh|signal|history|target|init|decay|penalty|regular|weight|eps|diff|hidden",
    re.IGNORECASE,
)


PART = re.compile(r"(^|_)data(_|$)", re.IGNORECASE)
"""What is often the loss without its penalty, and sometimes all there is."""


@dataclass(slots=True)
class Family:
    """All values that the script gives one name, or shows at one place, and that may be its loss."""

    name: str
    line: int
    score: float
    nodes: list[Node]


def loss_families(graph: Graph, sites: Sites, wanted: str | None) -> list[Family]:
    """Return what may be the loss, the likeliest first."""
    found: dict[str, Family] = {}
    for node in graph.nodes:
        if node.op == "leaf" or not _is_number(node.value):
            continue
        names = [name for name, _ in node.names if name]
        for name, site in node.names:
            if not name:
                continue
            _note(found, name, sites.line(site), _by_name(name), node)
        for how, site, text in node.shown:
            name = names[-1] if names else " ".join(text.split())[:60]
            if not name:
                continue
            _note(found, name, sites.line(site), _by_name(name), node)
            _raise(found[name], how)
    families = [family for family in found.values() if family.score > 0]
    if wanted is not None:
        families = [family for name, family in found.items() if name == wanted or _last(name) == wanted]
    return sorted(families, key=lambda family: -family.score)


def _note(found: dict[str, Family], name: str, line: int, score: float, node: Node) -> None:
    family = found.get(name)
    if family is None:
        found[name] = Family(name, line, score, [node])
    elif family.nodes[-1] is not node:
        family.nodes.append(node)


def _raise(family: Family, how: str) -> None:
    """Let what is shown or compared weigh more, once."""
    bonus = 1.5 if how == "shown" else 0.5
    base = _by_name(family.name)
    family.score = max(family.score, base + bonus)


def _last(name: str) -> str:
    name = re.sub(r"\[[^\"'\]]*\]$", "", name)
    return re.split(r"[.\[]", name.rstrip("]\"'"))[-1].strip("\"'")


def _by_name(name: str) -> float:
    called = re.match(r"[\w.]*?(\w+)\(", name)
    last = called.group(1) if called else _last(name)
    if NOT_THIS.search(last):
        return -5.0
    if PART.search(last):
        return 1.0
    if STRONG.match(last):
        return 3.0
    return 2.0 if WEAK.search(last) else 0.0


def _is_number(value: Any) -> bool:
    return np.size(value) == 1 and (
        isinstance(value, float) or getattr(value, "dtype", np.dtype(int)).kind == "f"
    )


def is_curved(output: Node, within: Collection[Node]) -> bool:
    """Whether a value depends on the output in a curved way, as losses do and signed errors do not."""
    return any(_bends(step, within) for step in within if step.index > output.index)


def _bends(step: Node, within: Collection[Node]) -> bool:
    if step.op in CURVED:
        return True
    products = step.op in ("multiply", "dot", "matmul", "inner", "vdot", "outer")
    return products and len(step.inputs) == 2 and all(source in within for source in step.inputs)


def downstream(start: Node, within: Collection[Node]) -> set[Node]:
    """Return the nodes among ``within`` that depend on ``start``."""
    reached = {start}
    for node in sorted(within, key=lambda node: node.index):
        if node.index > start.index and any(source in reached for source in node.inputs):
            reached.add(node)
    return reached


SMALLEST = 1e-2


@dataclass(slots=True)
class Meeting:
    """Where the network's output meets the targets."""

    output: Node
    node: Node
    target: Node | None


def find_meetings(graph: Graph, z: Node, unit: Unit, until: int) -> list[Meeting]:
    """Return where values that come from the last layer alone meet others, oldest first."""
    plain: set[Node] = {z}
    meetings: list[Meeting] = []
    varying = _varying(unit)
    filled: list[Meeting] = []
    single = np.size(z.value) == 1
    waiting = sorted(_reachable(graph, z, until), key=lambda node: node.index)
    for node in waiting:
        inputs = read(node) if single else node.inputs
        mine = [source for source in inputs if source in plain]
        others = [
            source for source in inputs
            if source not in plain
            and (_is_whole_target(source, node) or _is_lone_target(source, node) or not _constant(source, varying))
        ]  # fmt: skip
        if not mine:
            continue
        ones = _taken_off(node) if node.op == "set_item" and node.inputs[0] in plain else None
        if ones is not None:
            meetings.append(Meeting(_stripped(node.inputs[0], z), node, ones))
        elif not others:
            plain.add(node)
        elif node.op not in COMPARING:
            last = max(mine, key=lambda source: source.index)
            target = others[0] if len(others) == 1 else None
            # A unit's output put beside those of others meets nothing yet.
            (filled if single and node.op == "set_item" else meetings).append(
                Meeting(_stripped(last, z), node, target)
            )
    meetings = meetings or filled
    return [meeting for meeting in meetings if np.size(meeting.output.value) == np.size(z.value)]


def _taken_off(node: Node) -> Node | None:
    """Return the targets that ``p[rows, labels] -= 1`` takes off an output: one of each sample's."""
    before, after = (np.asarray(value, float) for value in (node.inputs[0].value, node.value))
    if before.ndim not in (1, 2) or before.shape != after.shape:
        return None
    taken = before - after
    inside = np.abs(taken) > 1e-9
    samples = max(before.shape) if before.ndim == 2 else 1
    counts = [inside.sum(axis=axis) for axis in range(before.ndim)]
    single = before.ndim == 1 or any(np.all(count == 1) for count in counts)
    if not single or not 1 <= inside.sum() <= samples or not np.allclose(taken[inside], 1.0, atol=1e-9):
        return None
    return Node(-1, "leaf", (), inside * 1.0, -1)


def _reachable(graph: Graph, start: Node, until: int) -> set[Node]:
    reached: set[Node] = set()
    waiting = [start]
    while waiting:
        for user in graph.users.get(waiting.pop(), ()):
            if user not in reached and user.index < until:
                reached.add(user)
                waiting.append(user)
    return reached


def _is_whole_target(source: Node, node: Node) -> bool:
    """Whether a whole number, perhaps a label, is subtracted from the output or multiplied with its logarithm."""
    if not source.given:
        return False
    return node.op == "subtract" or any(other.op in LOGARITHMS for other in node.inputs)


def _is_lone_target(source: Node, node: Node) -> bool:
    """Whether a number that is no part of the formula is subtracted from a single output, or that from it."""
    return (
        node.op == "subtract" and source.op == "leaf" and all(np.size(one.value) == 1 for one in node.inputs)
    )


def _varying(unit: Unit) -> set[Node]:
    """Return what is data: arrays that the script holds, numbers in lists, and those new in this unit."""
    found = set()
    for state in (unit.start.state, unit.end.state):
        for path, node in state.items():
            if (
                np.size(node.value) > 1
                or re.search(r"\[\d+\]", path)
                or unit.start.state.get(path) is not unit.end.state.get(path)
            ):
                found.add(node)
    return found


def _constant(node: Node, varying: set[Node]) -> bool:
    if node.op != "leaf" or node in varying:
        return False
    if np.size(node.value) == 1:
        return True
    value = np.asarray(node.value)
    return bool(value.size and np.all(value == value.flat[0])) and not node.names


def _stripped(node: Node, z: Node) -> Node:
    """Go back from what meets the targets to the output itself: past logarithms, clipping and views."""
    current = node
    logarithm = False
    while current.index > z.index:
        through_log = current.op in LOGARITHMS
        if through_log:
            logarithm = True
        safe = _guards(current) or (
            logarithm and current.op in ("clip", "maximum", "minimum", "add", "subtract", "negative")
        )
        if not (through_log or safe or current.op in VIEWS or current.op in ("negative",)):
            break
        inputs = read(current) if np.size(z.value) == 1 else current.inputs
        sources = [source for source in inputs if source.index >= z.index]
        if not sources:
            break
        # In log(1 − a) and log(a + ε) the output is the one input that comes from the last layer.
        if safe and current.op in ("add", "subtract") and not _with_constant(current):
            break
        current = sources[0]
    return current


def _guards(node: Node) -> bool:
    """Whether a value is only kept from being exactly 0 or 1, for a logarithm to come."""
    if node.op != "clip" or not node.inputs:
        return False
    value, kept = (np.asarray(one, float) for one in (node.inputs[0].value, node.value))
    if value.shape != kept.shape:
        return False
    bounds = [
        argument
        for argument in (*node.arguments[1:], *node.keywords.values())
        if not isinstance(argument, Ref)
    ]
    numbers = [float(np.asarray(source.value)) for source in node.inputs[1:] if np.size(source.value) == 1]
    numbers += [float(bound) for bound in bounds if isinstance(bound, (int, float))]
    return any(0 < number <= SMALLEST for number in numbers)


def _with_constant(node: Node) -> bool:
    return (
        sum(
            isinstance(argument, Ref) and np.size(node.inputs[argument.index].value) > 1
            for argument in node.arguments[:2]
        )
        <= 1
    )
