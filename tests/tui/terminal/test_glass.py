"""The glass: only what differs is sent, and a terminal fed with it shows what is meant."""

from __future__ import annotations

import random

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style

from backprop_tui.cells import Canvas, CellView
from backprop_tui.palette import Ink
from backprop_tui.terminal.glass import Glass, cells_of
from tests.tui.drawing import on_stage

EVERYTHING = float("inf")
STYLES = [
    Style(color="color(75)", bgcolor="color(233)"),
    Style(color="color(203)", bgcolor="color(233)", bold=True),
    Style(color="color(16)", bgcolor="color(250)"),
    Style(reverse=True),
    Style(color="color(230)", bgcolor="color(233)", underline=True),
    None,
]
TEXTS = ["▆▆", "xyz", "損失", "┼", "      ", "e\u0301", "損", " "]


class Board(CellView):
    """Shows whatever canvas it is given."""

    picture: Canvas | None = None

    def paint(self, canvas: Canvas) -> None:
        if self.picture is not None:
            canvas.characters[:] = self.picture.characters
            canvas.inks[:] = self.picture.inks


def glass_of(width: int, height: int, **options) -> Glass:
    glass = Glass(ColorSystem.TRUECOLOR, **options)
    glass.resize(width, height)
    return glass


def scribble(glass: Glass, rng: random.Random, pieces: int) -> None:
    for _ in range(pieces):
        text = rng.choice(TEXTS)
        x = rng.randrange(max(glass.width - len(cells_of(text)), 0) + 1)
        glass.put(x, rng.randrange(glass.height), [Segment(text, rng.choice(STYLES))])


def looks(terminal: pyte.Screen) -> list[list[tuple]]:
    """Return what can be seen: the colour of a text that is blank cannot."""
    lines = []
    for y in range(terminal.lines):
        cells = [terminal.buffer[y][x] for x in range(terminal.columns)]
        lines.append(
            [
                (cell.data, cell.bg, cell.reverse, cell.underscore)
                + ((cell.fg, cell.bold) if cell.data.strip() else ())
                for cell in cells
            ]
        )
    return lines


def fresh(glass: Glass) -> pyte.Screen:
    """Return a terminal that was given the whole picture at once."""
    terminal = pyte.Screen(glass.width, glass.height)
    shown, at, pen, dirty, line = glass._shown, glass._at, glass._pen, glass._dirty, glass._next_line
    glass.forget()
    pyte.Stream(terminal).feed(glass.difference(EVERYTHING))
    glass._shown, glass._at, glass._pen, glass._dirty, glass._next_line = shown, at, pen, dirty, line
    return terminal


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("room", [EVERYTHING, 60])
def test_a_terminal_fed_with_the_differences_shows_the_whole_picture(seed, room):
    rng = random.Random(seed)
    glass = glass_of(37, 9)
    terminal = pyte.Screen(37, 9)
    stream = pyte.Stream(terminal)
    for _ in range(25):
        scribble(glass, rng, rng.randrange(1, 12))
        stream.feed(glass.difference(room))
        if room == EVERYTHING:
            assert glass.clean
            assert looks(terminal) == looks(fresh(glass))
    while not glass.clean:
        stream.feed(glass.difference(room))
    assert looks(terminal) == looks(fresh(glass))


def test_what_is_there_already_is_not_sent_again():
    glass = glass_of(20, 3)
    glass.put(0, 1, [Segment("loss 2.438", STYLES[0])])
    assert "loss 2.438" in glass.difference(EVERYTHING)
    glass.put(0, 1, [Segment("loss 2.438", STYLES[0])])
    assert glass.difference(EVERYTHING) == ""
    glass.put(0, 1, [Segment("loss 2.439", STYLES[0])])
    assert glass.difference(EVERYTHING) == "\x1b[2;10H\x1b[38;5;75;48;5;233m9"
    glass.put(0, 1, [Segment("loss 2.441", STYLES[0])])
    assert glass.difference(EVERYTHING) == "\x1b[2;9H41"


def test_many_updates_cost_one():
    glass = glass_of(20, 1)
    glass.difference(EVERYTHING)
    for step in range(1000):
        glass.put(0, 0, [Segment(f"step {step:04}", STYLES[0])])
    assert glass.difference(EVERYTHING).endswith("step 0999")


def test_the_colour_of_a_blank_is_not_worth_a_byte():
    glass = glass_of(10, 1)
    glass.put(0, 0, [Segment("ab   cd", Style(color="color(75)", bgcolor="color(233)"))])
    glass.difference(EVERYTHING)
    glass.put(2, 0, [Segment("   ", Style(color="color(203)", bgcolor="color(233)"))])
    assert glass.difference(EVERYTHING) == ""
    glass.put(2, 0, [Segment("   ", Style(color="color(203)", bgcolor="color(17)"))])
    assert "48;5;17" in glass.difference(EVERYTHING)


@pytest.mark.parametrize("room", [1, 40, 200, 1000])
def test_no_more_is_sent_than_there_is_room_for_a_run_of_cells_aside(room):
    rng = random.Random(1)
    glass = glass_of(120, 40)
    scribble(glass, rng, 2000)
    pieces = []
    while not glass.clean:
        pieces.append(glass.difference(room))
    assert max(len(piece.encode()) for piece in pieces) < room + 48 * 30
    assert len(pieces) > 1


def test_first_lines_come_first_and_no_line_waits_for_ever():
    glass = glass_of(40, 6)
    glass.difference(EVERYTHING)
    seen = set()
    for step in range(6):
        for y in range(6):
            glass.put(0, y, [Segment(f"line {y} ".ljust(38, "abcdef"[step]), STYLES[0])])
        sent = glass.difference(60, lambda: [5])
        assert "line 5" in sent or "\x1b[6;" in sent
        seen |= {y for y in range(6) if f"\x1b[{y + 1};" in sent}
    assert seen == set(range(6))


def test_a_key_has_the_upper_lines_sent_first():
    glass = glass_of(40, 6)
    glass.difference(EVERYTHING)
    for y in range(6):
        glass.put(0, y, [Segment("x" * 40, STYLES[0])])
    assert "\x1b[1;" in glass.difference(30)
    glass.put(0, 0, [Segment("y" * 40, STYLES[0])])
    glass.begin_at_the_top()
    assert "y" in glass.difference(30)


def test_another_size_and_a_lost_screen_are_sent_whole():
    glass = glass_of(10, 2)
    glass.put(0, 0, [Segment("abc")])
    glass.difference(EVERYTHING)
    glass.forget()
    assert "abc" in glass.difference(EVERYTHING)
    glass.resize(5, 1)
    glass.put(0, 0, [Segment("abcdefgh")])
    assert glass.difference(EVERYTHING).endswith("abcde")


def test_nothing_that_controls_a_terminal_or_the_direction_of_text_is_sent():
    glass = glass_of(30, 1)
    glass.put(0, 0, [Segment("a\x1b[31mb\x07\r\n\x9bc\u202ed\u200be\u2066f")])
    sent = glass.difference(EVERYTHING).replace("\x1b[0m\x1b[1;1H", "", 1)
    assert all(character.isprintable() for character in sent)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=20))
def test_whatever_the_text_the_cells_are_harmless(text):
    for ascii_only in (False, True):
        cells = cells_of(text, ascii_only=ascii_only)
        assert all(character.isprintable() for cell in cells for character in cell)
        assert len(cells) == len(cells_of(text))
        if ascii_only:
            assert "".join(cells).isascii()


def test_with_ascii_alone_wide_characters_keep_their_two_cells():
    glass = glass_of(12, 1, ascii_only=True)
    glass.put(0, 0, [Segment("損失│▆é…x")])
    sent = glass.difference(EVERYTHING)
    assert sent.isascii()
    assert sent.rpartition("H")[2] == "? ? |#?~x   "


def test_without_colours_none_is_sent_and_a_cursor_is_reversed():
    glass = Glass(None)
    glass.resize(20, 1)
    glass.forget_styles((18, 18, 18))
    plain, chosen = Style(color="#ffffff", bgcolor="#121212"), Style(color="#ffffff", bgcolor="#0178d4")
    glass.put(
        0, 0, [Segment("plain", plain), Segment("chosen", chosen), Segment("bold", plain + Style(bold=True))]
    )
    sent = glass.difference(EVERYTHING)
    assert "\x1b[7mchosen" in sent
    assert "1mbold" in sent
    assert "38" not in sent
    assert "48" not in sent


async def test_three_changed_cells_of_a_heatmap_cost_a_hundred_bytes_or_so():
    board = Board()
    async with on_stage(board, width=120, height=40) as pilot:
        glass = glass_of(120, 40)
        board.picture = Canvas(120, 40)
        for y in range(40):
            for x in range(0, 120, 2):
                board.picture.text(x, y, "▆▆", Ink.LEVEL + (x + y) % 9)
        board.redraw()
        await pilot.pause()
        glass.take(board.screen._compositor.render_full_update())
        glass.difference(EVERYTHING)
        for x, y in ((20, 4), (60, 20), (110, 30)):
            board.picture.text(x, y, "▁▁", Ink.LEVEL + 8)
        with pilot.app.batch_update():
            board.redraw()
            board.screen._compositor.update_widgets({board})
            update = board.screen._compositor.render_partial_update()
        glass.take(update)
        assert 0 < len(glass.difference(EVERYTHING).encode()) < 120
