"""The numbers that a script holds, by the path at which it holds them; and putting others in their place."""

from __future__ import annotations

import ctypes
import sys
from types import CellType, FrameType, FunctionType, MethodType, SimpleNamespace
from typing import Any

import numpy as np

MOST_VISITED = 20_000
MOST_DEPTH = 7


def walk(frame: FrameType, namespace: dict[str, Any]) -> dict[str, Any]:
    """Return all numbers reachable from a frame's names, its callers' and the script's globals.

    Returns
    -------
    dict
        Path as it would be written in the script (``W1``, ``net.layers[0].W``) → array or float. The same
        object may appear at several paths; a name of an inner frame hides that of an outer one.
    """
    walker = _Walker()
    current: FrameType | None = frame
    while current is not None:
        own = current.f_code.co_filename == frame.f_code.co_filename
        if own and current.f_locals is not namespace and current.f_code.co_name != "<module>":
            walker.names(dict(current.f_locals))
        current = current.f_back
    walker.names(namespace)
    return walker.found


class _Walker:
    def __init__(self) -> None:
        self.found: dict[str, Any] = {}
        self.visited: set[int] = set()

    def names(self, names: dict[str, Any]) -> None:
        for name, value in list(names.items()):
            if not name.startswith(("__", ".")):
                self.visit(name, value, 0)

    def visit(self, path: str, value: Any, depth: int) -> None:
        if isinstance(value, np.ndarray) and value.dtype != object:
            if value.dtype.kind in "fiub":
                self.found.setdefault(path, value)
            return
        if isinstance(value, (float, np.floating, np.integer)):
            self.found.setdefault(path, value)
            return
        if isinstance(value, (int, str, bytes, type(None), np.generic)) or depth > MOST_DEPTH:
            return
        if id(value) in self.visited or len(self.visited) > MOST_VISITED:
            return
        self.visited.add(id(value))
        for step, child in _children(value):
            self.visit(path + step, child, depth + 1)


def _children(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [
            (f"[{_quoted(key)}]", child) for key, child in value.items() if isinstance(key, (str, int, tuple))
        ]
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.dtype == object):
        if len(value) > 2000 and not isinstance(value[0], np.ndarray):
            return []
        return [(f"[{index}]", child) for index, child in enumerate(value)]
    if isinstance(value, MethodType):
        return [(".__self__", value.__self__)]
    if isinstance(value, FunctionType):
        if value.__module__ != "__main__":
            return []
        cells: list[tuple[str, Any]] = []
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
            cells += _content(name, cell)
        return cells
    own = isinstance(value, SimpleNamespace) or type(value).__module__ == "__main__"
    own = own or (isinstance(value, type) and value.__module__ == "__main__")
    if not own:
        return []
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    children = [(f".{name}", getattr(value, name)) for name in slots if hasattr(value, name)]
    for name, child in getattr(value, "__dict__", {}).items():
        if isinstance(value, type) and (name.startswith("__") or isinstance(child, FunctionType)):
            continue
        children.append((f".{name}", child))
    return children


def _content(name: str, cell: CellType) -> list[tuple[str, Any]]:
    try:
        return [(f".{name}", cell.cell_contents)]
    except ValueError:
        return []


def _quoted(key: Any) -> str:
    return '"' + key + '"' if isinstance(key, str) else repr(key)


def put_array(array: np.ndarray, value: Any) -> bool:
    """Overwrite an array's content; False where it cannot be written."""
    try:
        array[...] = value
    except (ValueError, TypeError):
        return False
    return True


def put_number(frame: FrameType, namespace: dict[str, Any], path: str, value: float) -> bool:
    """Bind another number at a path that holds one: a name, an attribute, an entry."""
    head, steps = _steps(path)
    owner = _owner(frame, namespace, head)
    if owner is None:
        return False
    if not steps:
        return _rebind(owner, namespace, head, value)
    holder = owner.f_locals[head] if head in owner.f_locals else namespace[head]
    for step in steps[:-1]:
        holder = _get(holder, step)
    last = steps[-1]
    if isinstance(last, str) and last.startswith("."):
        setattr(holder, last[1:], value)
    elif isinstance(holder, (dict, list)):
        holder[last[0]] = value
    else:
        return False
    return True


def _steps(path: str) -> tuple[str, list[Any]]:
    import re

    head = re.match(r"\w+", path)
    assert head is not None
    steps: list[Any] = []
    for match in re.finditer(r'\.(\w+)|\["([^"]*)"\]|\[(-?\d+)\]', path[head.end() :]):
        attribute, key, index = match.groups()
        steps.append(f".{attribute}" if attribute else (key if index is None else int(index),))
    return head.group(), steps


def _get(holder: Any, step: Any) -> Any:
    return getattr(holder, step[1:]) if isinstance(step, str) else holder[step[0]]


def _owner(frame: FrameType, namespace: dict[str, Any], name: str) -> FrameType | None:
    current: FrameType | None = frame
    last = frame
    while current is not None:
        if current.f_code.co_filename == frame.f_code.co_filename:
            if name in current.f_locals:
                return current
            last = current
        current = current.f_back
    return last if name in namespace else None


def _rebind(frame: FrameType, namespace: dict[str, Any], name: str, value: float) -> bool:
    if frame.f_code.co_name == "<module>" or name not in frame.f_locals:
        namespace[name] = value
        return True
    frame.f_locals[name] = value
    if sys.version_info < (3, 13):
        ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))
    return True
