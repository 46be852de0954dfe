"""Loops as they run, and what the script holds before each iteration."""

from __future__ import annotations

import sys
from collections.abc import Sized
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.running.graph_recorder import GraphRecorder
from backprop_core.review.running.recorded import (
    Loop,
    Top,
    is_numeric,
)
from backprop_core.review.running.state import walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType


class LoopRecorder(GraphRecorder):
    """Takes note of loops, and of the state before their iterations."""

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
