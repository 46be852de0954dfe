"""What can be opened in place of the overview: a view of its own, which asks for what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.message import Message

from backprop_tui.cells import CellView

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual import events

    from backprop_core.commands import Command
    from backprop_core.snapshot import Frame, PanelRequest
    from backprop_tui.keys import KeySpec


class Panel(CellView):
    """One view that fills the room of the overview.

    A panel knows neither the engine nor the lab: it is shown frames, is told of keys, and says by
    :meth:`request` what the next frame should hold.

    Attributes
    ----------
    KEYS : tuple of KeySpec
        What its keys do; the key bar shows them first, and a click on one does the same.
    CONTENT : type, or tuple of types
        The types of a frame's ``panel`` that are this one's.
    PAUSES : bool
        Whether training is paused when it is opened.
    SCROLLS : (int, int)
        What the mouse's wheel does, turned down: a :meth:`move`, upwards its opposite; (0, 0): nothing.
    """

    KEYS: ClassVar[tuple[KeySpec, ...]] = ()
    CONTENT: ClassVar[type | tuple[type, ...]] = ()
    PAUSES: ClassVar[bool] = False
    SCROLLS: ClassVar[tuple[int, int]] = (0, 0)

    DEFAULT_CSS = "Panel { width: 1fr; height: 1fr; }"

    class Changed(Message):
        """Something else is to be shown."""

    class Sent(Message):
        """A command is to be carried out."""

        def __init__(self, command: Command) -> None:
            super().__init__()
            self.command = command

    class Wanted(Message):
        """A command is to be carried out that depends on the state when its turn comes.

        ``choose(frame)`` returns it, None if there is none; then ``otherwise`` is said.
        """

        def __init__(self, choose: Callable[[Frame], Command | None], otherwise: str = "") -> None:
            super().__init__()
            self.choose, self.otherwise = choose, otherwise

    class Typed(Message):
        """A command is to be typed that begins with a text."""

        def __init__(self, beginning: str) -> None:
            super().__init__()
            self.beginning = beginning

    frame: Frame | None = None
    content: Any = None

    @property
    def keys(self) -> tuple[KeySpec, ...]:
        """Those of its keys that do something to what is shown."""
        return self.KEYS

    def request(self) -> PanelRequest:
        """Return what the next frame should hold."""
        raise NotImplementedError

    def show(self, frame: Frame) -> None:
        """Show a frame, if what it holds was asked for by a panel of this kind."""
        if isinstance(frame.panel, self.CONTENT):
            self.frame, self.content = frame, frame.panel
            self.keep_up()
            self.redraw()

    def keep_up(self) -> None:
        """Follow new content before it is drawn: what is selected may have gone."""

    def on_resize(self) -> None:
        """Ask for as much as there is room for now, at once even if nothing trains."""
        self.post_message(self.Changed())

    def move(self, down: int, right: int) -> None:
        """Do what an arrow does."""

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Move as the wheel does."""
        self._scroll(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Move as the wheel does, the other way."""
        self._scroll(event, -1)

    def _scroll(self, event: events.MouseEvent, direction: int) -> None:
        down, right = self.SCROLLS
        if down or right:
            self.move(down * direction, right * direction)
            self.post_message(self.Changed())
            event.stop()

    def turn(self, direction: int) -> None:
        """Do what ``[`` (−1) and ``]`` (1) do."""

    def confirm(self) -> None:
        """Do what ``enter`` does."""

    def adjust(self, direction: int) -> bool:  # noqa: ARG002
        """Do what ``+`` (1) and ``-`` (−1) do; False where they are not the panel's."""
        return False

    def take_out(self) -> None:
        """Do what ``delete`` does."""

    def next_mode(self) -> None:
        """Do what ``h`` does."""
