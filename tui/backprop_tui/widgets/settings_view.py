"""All settings on one page, what they do to loss and outcome beside them, and the command line that they make."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from backprop_core.command_line import CommandLine, command_line
from backprop_core.settings import SettingsRequest, Surroundings
from backprop_tui.cells import Canvas, shorten
from backprop_tui.glyphs import spelled_out
from backprop_tui.keys import KeySpec
from backprop_tui.loss_drawing import LABEL_WIDTH, draw_loss
from backprop_tui.outcome_picture import OutcomePicture
from backprop_tui.palette import Ink
from backprop_tui.settings import GROUPS, Control, controls
from backprop_tui.widgets.message_line import wrapped
from backprop_tui.widgets.panel import Panel

if TYPE_CHECKING:
    from textual import events

    from backprop_core.commands import Command
    from backprop_core.experiment import Experiment
    from backprop_core.snapshot import Frame, PanelRequest
    from backprop_tui.scales import Axis

COLUMN = 25
"""Cells across of a column of controls."""

VALUE_AT, VALUE_WIDTH = 10, 11
UNITS_AT, UNITS_WIDTH = 3, 3
REMOVE_AT = VALUE_AT + VALUE_WIDTH + 4
SECOND_TOGGLES_AT = 6
REMOVE = 2
GAP = 2
LEAST_PICTURE = (16, 8)
"""Columns and lines that a picture is worth drawing in."""

LOSS_LINES = (4, 12)
"""The fewest and the most lines of the loss above a picture."""

LOSS_SHARE = 0.3
TWO_COLUMNS = 2 * (COLUMN + GAP) + LEAST_PICTURE[0]
ROOMY = 22
"""Lines from which on the command line is set apart, and may take one more."""

PASSED_ON = "settings only, begun anew; `checkpoint FILE` passes on the weights too"

Span = tuple[int, int, int, str, int]
"""A line, where on it something is (start, stop), whose it is, and what a click does: −1, 1, 0 choose, 2 remove."""


def controls_of(frame: Frame | None) -> tuple[Control, ...]:
    """Return the controls of a frame's experiment, none if it holds nothing for the settings."""
    if frame is None or not isinstance(frame.panel, Surroundings):
        return ()
    return controls(frame.experiment, frame.panel)


def lines_of(shown: tuple[Control, ...]) -> list[list[Control]]:
    """Return the controls line by line."""
    lines: list[list[Control]] = []
    for control in shown:
        if control.beside and lines:
            lines[-1].append(control)
        else:
            lines.append([control])
    return lines


class SettingsView(Panel):
    """The controls; training goes on behind them."""

    CONTENT: ClassVar[type] = Surroundings
    SCROLLS = (1, 0)
    KEYS: ClassVar[tuple[KeySpec, ...]] = (
        KeySpec("right", "→", "move(0,1)", "← → change", "Change the value.", "settings"),
        KeySpec("down", "↓", "move(1,0)", "↑ ↓ choose", "The next setting.", "settings"),
        KeySpec("enter", "enter", "confirm", "enter type", "Type a value.", "settings"),
        KeySpec("escape", "esc", "clear_selection", "out", "Back to the overview.", "settings"),
        KeySpec("delete", "del", "take_out", "del layer", "Take the layer out.", "settings"),
        KeySpec("u", "u", "undo", "undo", "Go back to before the last intervention.", "settings"),
        KeySpec("c", "c", "copy_command_line", "c copy", "Copy the command line.", "settings"),
        KeySpec("f", "f", "save_experiment", "f file", "Save the experiment as a file.", "settings"),
    )

    def __init__(self, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.chosen = "data"
        self.controls: tuple[Control, ...] = ()
        self.picture = OutcomePicture()
        self._spans: list[Span] = []
        self._axis: Axis | None = None
        self._line: tuple[Experiment, CommandLine] | None = None
        self.border_title = "settings"

    def request(self) -> PanelRequest:
        """Ask for the loss, and for the outcome where there is room for it."""
        width, height = self._picture_size()
        outcome = None
        if width >= LEAST_PICTURE[0] and height - self._loss_lines(height) >= LEAST_PICTURE[1]:
            outcome = self.picture.request(width, height - self._loss_lines(height))
        return SettingsRequest(max(width - LABEL_WIDTH - 1, 8) * 2, outcome)

    def keep_up(self) -> None:
        """Stay on a control that there is."""
        assert self.frame is not None
        if self.content.outcome is not None:
            self.picture.take(self.content.outcome, running=self.frame.state == "RUNNING")
        self.controls = controls_of(self.frame)
        names = [control.name for control in self.controls]
        if self.chosen not in names:
            self.chosen = "layers" if self.chosen.split()[0] in ("units", "activation") else names[0]
        if self._line is None or self._line[0] != self.frame.experiment:
            self._line = self.frame.experiment, command_line(self.frame.experiment)

    @property
    def at(self) -> Control | None:
        """The control that is chosen."""
        return next((control for control in self.controls if control.name == self.chosen), None)

    def _choose(self, name: str) -> None:
        self.chosen = name
        self.redraw()

    def move(self, down: int, right: int) -> None:
        """Choose another control, or change the value of this one."""
        names = [control.name for control in self.controls]
        if down and self.chosen in names:
            self._choose(names[min(max(names.index(self.chosen) + down, 0), len(names) - 1)])
        if right:
            self.adjust(right)

    def turn(self, direction: int) -> None:
        """Choose the next group's first control."""
        if (at := self.at) is not None:
            group = GROUPS[(GROUPS.index(at.group) + direction) % len(GROUPS)]
            self._choose(next(control.name for control in self.controls if control.group == group))

    def adjust(self, direction: int) -> bool:
        """Have the chosen control changed."""
        self._change(self.chosen, direction)
        return True

    def _change(self, name: str, direction: int) -> None:
        """Have a control changed as it will be when its turn comes: keys may come quicker than frames."""

        def choose(frame: Frame) -> Command | None:
            control = next((one for one in controls_of(frame) if one.name == name), None)
            return None if control is None else control.change(direction)

        self.post_message(self.Wanted(choose, self._reason(name, direction)))

    def _reason(self, name: str, direction: int) -> str:
        control = next((one for one in self.controls if one.name == name), None)
        if control is None or control.toggle is not None:
            return "" if control is None else control.reason
        ends = "nothing comes before" if direction < 0 else "nothing comes after"
        return control.reason or f"{control.label or 'activation'} is at its end: {ends} {control.value}"

    def take_out(self) -> None:
        """Take out the layer that the chosen control belongs to."""
        at = self.at
        owner = next((one for one in self.controls if at and one.removal and _belongs(at, one)), None)
        if owner is not None and owner.removal is not None:
            self.post_message(self.Sent(owner.removal))

    def confirm(self) -> None:
        """Type a value, or switch what is on or off."""
        at = self.at
        if at is None:
            return
        if at.toggle is not None:
            self._change(at.name, -1 if at.toggle else 1)
        elif at.typed:
            self.post_message(self.Typed(at.typed))
        else:
            self._change(at.name, 1)

    def next_mode(self) -> None:
        """Show another picture that fits."""
        self.picture.next_kind()

    def on_click(self, event: events.Click) -> None:
        """Do what the part that was clicked does; a value that is chosen is typed anew."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        for line, start, stop, name, does in self._spans:
            if line == offset.y and start <= offset.x < stop:
                again = self.chosen == name
                self._choose(name)
                at = self.at
                if does == REMOVE:
                    self.take_out()
                elif does:
                    self._change(name, does)
                elif at is not None and (again or at.toggle is not None):
                    self.confirm()
                return

    def _command_text(self) -> list[str]:
        """Return the command line in as many lines as it may have."""
        text = "" if self._line is None else str(self._line[1])
        most = 2 if self.size.height < ROOMY else 3
        lines = wrapped(text, max(self.size.width, 1))
        if len(lines) > most:
            rest = " ".join(lines[most - 1 :])
            lines[most - 1 :] = [shorten(rest, self.size.width, self.glyphs.ellipsis)]
        return lines

    def _height(self) -> int:
        """Return how many lines there are for controls and picture."""
        return max(self.size.height - len(self._command_text()) - 1 - int(self.size.height >= ROOMY), 1)

    def _picture_size(self) -> tuple[int, int]:
        return max(self.size.width - len(self._groups()) * (COLUMN + GAP), 0), self._height()

    def _loss_lines(self, height: int) -> int:
        return min(max(int(height * LOSS_SHARE), LOSS_LINES[0]), LOSS_LINES[1])

    def paint(self, canvas: Canvas) -> None:
        """Draw the controls, the picture beside them, and the command line below."""
        if self.frame is None or self.content is None:
            return
        self._spans = []
        height = self._height()
        for place, groups in enumerate(self._groups()):
            self._column(canvas, place * (COLUMN + GAP), height, groups)
        self._picture(canvas, height)
        self._passed_on(canvas)

    def _groups(self) -> tuple[tuple[str, ...], ...]:
        """Return which groups each column has."""
        return (GROUPS[:2], GROUPS[2:]) if self.size.width >= TWO_COLUMNS else (GROUPS,)

    def _rows(self, groups: tuple[str, ...], *, headings: bool) -> list[str | list[Control]]:
        shown = self.controls
        rows: list[str | list[Control]] = []
        for group in groups:
            if headings:
                rows += ["", group] if rows else [group]
            rows += lines_of(tuple(control for control in shown if control.group == group))
        return rows

    @property
    def _headings(self) -> bool:
        """Whether there is room for the groups' names."""
        return all(len(self._rows(groups, headings=True)) <= self._height() for groups in self._groups())

    def _column(self, canvas: Canvas, x: int, height: int, groups: tuple[str, ...]) -> None:
        """Draw groups below one another, or where they are too many, the part that holds what is chosen."""
        rows = self._rows(groups, headings=self._headings)
        at = next(
            (
                place
                for place, row in enumerate(rows)
                if not isinstance(row, str) and any(control.name == self.chosen for control in row)
            ),
            0,
        )
        top = min(max(at - height // 2, 0), max(len(rows) - height, 0))
        for y, row in enumerate(rows[top : top + height]):
            if isinstance(row, str):
                canvas.text(x + 1, y, row, Ink.STRONG)
            else:
                self._row(canvas, x, y, row)
        for y, hidden in ((0, top > 0), (height - 1, top + height < len(rows))):
            if hidden:
                canvas.text(x + COLUMN, y, self.glyphs.ellipsis, Ink.MUTED)

    def _row(self, canvas: Canvas, x: int, y: int, row: list[Control]) -> None:
        first = row[0]
        if any(control.name == self.chosen for control in row):
            canvas.text(x, y, self.glyphs.selected, Ink.MARK)
        if first.toggle is not None:
            heads = first == next(control for control in self.controls if control.toggle is not None)
            canvas.text(x + 1, y, "features" if heads else "", Ink.TEXT)
            self._toggles(canvas, x + (VALUE_AT if heads else SECOND_TOGGLES_AT), y, row)
            return
        fixed = bool(first.reason) and first.higher is None
        canvas.text(x + 1, y, first.label[: VALUE_AT - 1], Ink.MUTED if fixed else Ink.TEXT)
        if first.removal is not None:
            self._value(canvas, x + UNITS_AT, y, UNITS_WIDTH, first)
            self._value(canvas, x + VALUE_AT, y, VALUE_WIDTH, row[1])
            canvas.text(x + REMOVE_AT, y, self.glyphs.dead, Ink.MUTED)
            self._spans.append((y, x + REMOVE_AT, x + REMOVE_AT + 1, first.name, REMOVE))
        else:
            self._value(canvas, x + VALUE_AT, y, VALUE_WIDTH, first)

    def _toggles(self, canvas: Canvas, x: int, y: int, row: list[Control]) -> None:
        for control in row:
            mark = self.glyphs.healthy if control.toggle else self.glyphs.dead_cell
            ink = Ink.STRONG if control.toggle else Ink.MUTED
            label = spelled_out(control.label) if self.glyphs.ascii else control.label
            end = canvas.text(x, y, mark + label, Ink.CURSOR if control.name == self.chosen else ink)
            self._spans.append((y, x, end, control.name, 0))
            x = end + 1

    def _value(self, canvas: Canvas, x: int, y: int, width: int, control: Control) -> None:
        """Draw ``◂ value ▸``: an arrow where there is something to go to."""
        value = shorten(control.value, width, self.glyphs.ellipsis)
        chosen = control.name == self.chosen
        can = control.lower is not None or control.higher is not None
        end = x + 2 + width
        canvas.text(x + 2, y, value, Ink.CURSOR if chosen else Ink.TEXT if can else Ink.MUTED)
        self._spans.append((y, x + 2, end, control.name, 0))
        for place, sign, command, direction in (
            (x, self.glyphs.lower, control.lower, -1),
            (end, self.glyphs.selected, control.higher, 1),
        ):
            if command is not None:
                canvas.text(place, y, sign, Ink.MARK)
                self._spans.append((y, place, place + 1, control.name, direction))

    def _picture(self, canvas: Canvas, height: int) -> None:
        """Draw the loss, and below it the outcome where it fits."""
        width = self._picture_size()[0]
        if width < LEAST_PICTURE[0]:
            return
        outcome = self.content.outcome is not None and self.picture.fits
        lines = self._loss_lines(height) if outcome else height
        part = Canvas(width, height, ascii_only=canvas.ascii_only)
        self._axis = draw_loss(part, 0, lines, self.content.curve, self._axis)
        canvas.place(canvas.width - width, 0, part)
        if outcome:
            below = Canvas(width, height - lines, ascii_only=canvas.ascii_only)
            self.picture.paint(below, self.glyphs)
            canvas.place(canvas.width - width, lines, below)

    def _passed_on(self, canvas: Canvas) -> None:
        """Draw the command line, and below it what it does not pass on, or why a setting cannot be changed."""
        assert self._line is not None
        lines = self._command_text()
        for place, line in enumerate(lines):
            canvas.text(0, canvas.height - 1 - len(lines) + place, line, Ink.STRONG)
        at, left_out = self.at, self._line[1].left_out
        note, ink = PASSED_ON, int(Ink.MUTED)
        if left_out:
            keys = ", ".join(key.partition(".")[2].replace("_", " ") for key in left_out)
            note, ink = f"only a file (f) passes on: {keys}", int(Ink.WARNING)
        if at is not None and at.reason:
            note, ink = f"{at.label}: {at.reason}", int(Ink.MUTED)
        canvas.text(0, canvas.height - 1, shorten(note, canvas.width, self.glyphs.ellipsis), ink)


def _belongs(control: Control, owner: Control) -> bool:
    return control.group == owner.group and control.name.split()[1:] == owner.name.split()[1:]
