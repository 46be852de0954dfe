"""The `:` prompt: a line with completion and history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.containers import Horizontal
from textual.events import Key
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Static

from backprop_core.grammar import COMMANDS, suggest

if TYPE_CHECKING:
    from textual.app import ComposeResult

PLACEHOLDER = "a command, e.g. step 3; tab completes, up recalls, esc leaves"


def help_for(line: str) -> str:
    """Return what helps to go on with a line: the words that can come next, else the command's usage."""
    completions = suggest(line)
    if len(completions) > 1 or (completions and " " in line):
        return "  ".join(completion.rpartition(" ")[2] for completion in completions)
    word = line.split(" ")[0] or "\0"
    fitting = [command for command in COMMANDS if command.name.startswith(word)]
    return f"{fitting[0].usage}: {fitting[0].summary}" if fitting else ""


class CommandSuggester(Suggester):
    """Completes command words, activations and options."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """Return the first line that completes ``value``."""
        return next(iter(suggest(value)), None)


class Prompt(Input):
    """Takes one command; up and down walk through what was typed before, tab and right complete."""

    BINDINGS = [  # noqa: RUF012
        Binding("escape", "cancel", "Cancel", show=False),
        Binding("up", "older", "Older", show=False),
        Binding("down", "newer", "Newer", show=False),
        Binding("tab", "complete", "Complete", show=False, priority=True),
    ]

    class Entered(Message):
        """A command was typed; empty if the prompt was left."""

        def __init__(self, line: str) -> None:
            super().__init__()
            self.line = line

    def __init__(self) -> None:
        super().__init__(
            placeholder=PLACEHOLDER,
            suggester=CommandSuggester(),
            select_on_focus=False,
            id="prompt",
            compact=True,
        )
        self.history: list[str] = []
        self.opened = False
        self._place = 0

    def open(self, beginning: str = "") -> None:
        """Show the prompt, empty or with the beginning of a command, and take the keys."""
        self.value = beginning
        self.cursor_position = len(beginning)
        self._place = len(self.history)
        self._show(True)
        # Widget.focus would do it later, and the next keys would go elsewhere.
        self.screen.set_focus(self)

    def _show(self, opened: bool) -> None:
        self.opened = opened
        assert isinstance(self.parent, PromptLine)
        self.parent.display = opened

    def _leave(self, line: str) -> None:
        self._show(False)
        self._give_keys_up()
        self.post_message(self.Entered(line))

    def _give_keys_up(self) -> None:
        # Widget.has_focus comes later than the keys do.
        if self.screen.focused is self:
            self.screen.set_focus(None)

    def on_key(self, event: Key) -> None:
        """Hand the line over at once, so that keys that come in one piece with it are not taken into it."""
        if not self.opened:
            event.stop()
            event.prevent_default()
            # As long as the prompt had the keys, this one would come back for ever.
            self._give_keys_up()
            self.app.post_message(Key(event.key, event.character))
        elif event.key == "enter":
            event.stop()
            event.prevent_default()
            self._enter()

    def _enter(self) -> None:
        """Hand the line over, and remember it."""
        line = self.value.strip()
        if line and self.history[-1:] != [line]:
            self.history.append(line)
        self._leave(line)

    def on_blur(self) -> None:
        """Leave, when something else takes the keys; another window takes them for a while only."""
        if self.opened and self.app.app_focus:
            self._leave("")

    def action_cancel(self) -> None:
        """Leave without a command."""
        self._leave("")

    def action_complete(self) -> None:
        """Take the completion that is shown."""
        completed = next(iter(suggest(self.value)), None)
        if completed is not None:
            self.value = completed
            self.cursor_position = len(completed)

    def action_older(self) -> None:
        """Show the command before."""
        self._recall(-1)

    def action_newer(self) -> None:
        """Show the command after."""
        self._recall(1)

    def _recall(self, direction: int) -> None:
        self._place = min(max(self._place + direction, 0), len(self.history))
        self.value = self.history[self._place] if self._place < len(self.history) else ""
        self.cursor_position = len(self.value)


class PromptLine(Horizontal):
    """A colon and the prompt; shown while a command is typed."""

    def __init__(self) -> None:
        super().__init__()
        self.prompt = Prompt()

    def compose(self) -> ComposeResult:
        """A sign and a line."""
        yield Static(":", id="colon")
        yield self.prompt
