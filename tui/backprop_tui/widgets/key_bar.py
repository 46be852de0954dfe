"""The key bar: the keys by name, each to be clicked too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from backprop_tui.cells import CellView
from backprop_tui.keys import ALWAYS_SHOWN, DROPPED_FIRST, KEYS, KeySpec
from backprop_tui.palette import Ink

if TYPE_CHECKING:
    from textual import events

    from backprop_core.snapshot import Frame
    from backprop_tui.cells import Canvas

GAP = 2


def split_label(spec: KeySpec) -> tuple[str, str]:
    """Return the key and the word beside it, as the bar shows them."""
    key, _, word = spec.label.rpartition(" ")
    return key or spec.shown, word


def fitting(width: int, lead: tuple[KeySpec, ...] = (), specs: tuple[KeySpec, ...] = KEYS) -> list[KeySpec]:
    """Return the keys that fit into a width, in their order; those of ``lead`` first, and dropped last."""
    actions = {spec.action for spec in lead}
    shown = [*lead, *(spec for spec in specs if spec.label and spec.action not in actions)]
    dropped = [*DROPPED_FIRST, *(spec.action for spec in reversed(shown) if spec.action not in DROPPED_FIRST)]

    def needed() -> int:
        return sum(sum(map(len, split_label(spec))) + 1 + GAP for spec in shown) - GAP

    for action in sorted(dropped, key=lambda action: action in actions):
        if needed() <= width:
            break
        if action not in ALWAYS_SHOWN:
            shown = [spec for spec in shown if spec.action != action]
    return shown


class KeyBar(CellView):
    """One line of keys and words; a click on either does what the key does, or the last of several keys."""

    DEFAULT_CSS = "KeyBar { height: 1; width: 1fr; }"

    lead: tuple[KeySpec, ...] = ()
    """The keys of the panel that is open."""
    specs: tuple[KeySpec, ...] = KEYS
    """The keys that there are."""
    _back: frozenset[str] = frozenset()

    class Pressed(Message):
        """A key was clicked."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def show(self, frame: Frame) -> None:
        """Name what the keys would do now."""
        hidden = [layer.activation for layer in frame.snapshot.layers[:-1]]
        holds = {
            "toggle_running": frame.state != "RUNNING",
            "toggle_leaky": "relu" not in hidden and "leaky-relu" in hidden,
        }
        self._back = frozenset(action for action, held in holds.items() if held)
        self.redraw()

    def paint(self, canvas: Canvas) -> None:
        """Draw the keys that fit."""
        x = 0
        self._spans: list[tuple[int, int, str]] = []
        for spec in fitting(canvas.width, self.lead, self.specs):
            key, word = split_label(spec)
            if spec.action in self._back:
                # As long as the other word, so that the keys beside it stay where they are.
                word = spec.back.ljust(len(word))
            for one in key.split(" "):
                end = canvas.text(x, 0, one, Ink.MARK)
                self._spans.append((x, end, self._action(one) or spec.action))
                x = end + 1
            end = canvas.text(x, 0, word, Ink.MUTED)
            self._spans.append((x, end, spec.action))
            x = end + GAP

    def _action(self, key: str) -> str | None:
        """Return what a key does, as it is shown."""
        return next((spec.action for spec in (*self.lead, *self.specs) if spec.shown == key), None)

    def on_click(self, event: events.Click) -> None:
        """Do what the clicked key does."""
        offset = event.get_content_offset(self)
        for start, stop, action in self._spans if offset is not None else ():
            if offset is not None and start <= offset.x < stop:
                self.post_message(self.Pressed(action))
