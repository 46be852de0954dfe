"""Cells: drawing is clipped and clean; only changes are sent, and the terminal shows what is meant."""

from __future__ import annotations

import random

import numpy as np
import pyte
import pytest

from backprop_tui.cells import BLANK, Canvas, CellView, changed_spans, shorten
from backprop_tui.palette import Ink
from tests.tui.drawing import lines_of, on_stage


class Board(CellView):
    """Shows whatever canvas it is given."""

    picture: Canvas | None = None

    def paint(self, canvas: Canvas) -> None:
        if self.picture is not None:
            canvas.characters[:] = self.picture.characters
            canvas.inks[:] = self.picture.inks


def row_of(canvas: Canvas, y: int = 0) -> str:
    return canvas.characters[y].tobytes().decode("utf-32-le").replace("\0", "")


@pytest.mark.parametrize(
    ("x", "text", "shown"),
    [
        (0, "abc", "abc  "),
        (3, "abc", "   ab"),
        (-1, "abc", "bc   "),
        (9, "abc", "     "),
        (-9, "abc", "     "),
    ],
)
def test_text_is_clipped_at_both_edges(x: int, text: str, shown: str) -> None:
    canvas = Canvas(5, 1)
    assert canvas.text(x, 0, text) == x + len(text)
    assert row_of(canvas) == shown


def test_text_above_and_below_is_not_drawn() -> None:
    canvas = Canvas(5, 2)
    canvas.text(0, -1, "abc")
    canvas.text(0, 2, "abc")
    assert (canvas.characters == BLANK).all()


def test_a_character_of_two_cells_takes_two_and_is_never_cut_in_half() -> None:
    canvas = Canvas(5, 3)
    assert canvas.text(0, 0, "損失x") == 5
    canvas.text(-1, 1, "損失x")
    canvas.text(4, 2, "損")
    assert [row_of(canvas, y) for y in range(3)] == ["損失x", " 失x ", "     "]


def test_control_characters_never_reach_the_terminal() -> None:
    canvas = Canvas(12, 1)
    canvas.text(0, 0, "a\x1b[31mb\x07\r\n\x9bc")
    assert all(character.isprintable() for character in row_of(canvas))


def test_in_ascii_nothing_above_0x7e_is_drawn() -> None:
    canvas = Canvas(20, 1, ascii_only=True)
    canvas.text(0, 0, "1–2 · é 損 …")
    assert max(row_of(canvas)) <= "\x7e"
    assert row_of(canvas).startswith("1-2 - ")


def test_spans_are_joined_where_the_gap_is_cheaper_than_moving_the_cursor() -> None:
    changed = np.zeros(40, np.bool_)
    changed[[3, 5, 30]] = True
    assert changed_spans(changed) == [(3, 6), (30, 31)]
    assert changed_spans(np.zeros(4, np.bool_)) == []


@pytest.mark.parametrize(("width", "shown"), [(9, "long text"), (6, "long …"), (1, "…"), (0, "")])
def test_text_is_shortened_with_an_ellipsis(width: int, shown: str) -> None:
    assert shorten("long text", width, "…") == shown


def picture(width: int, height: int, rng: random.Random) -> Canvas:
    canvas = Canvas(width, height)
    inks = [Ink.TEXT, Ink.MUTED, Ink.DEAD, Ink.CURSOR, Ink.LEVEL + 5, Ink.SIGNED + 1, Ink.SIGNED + 7]
    for _ in range(30):
        text = rng.choice(["▆▆", "xyz", "損失", "┼", "      "])
        canvas.text(rng.randrange(-2, width), rng.randrange(height), text, rng.choice(inks))
    return canvas


async def test_three_changed_cells_cost_a_hundred_bytes_or_so() -> None:
    board = Board()
    async with on_stage(board, width=120, height=40) as pilot:
        board.picture = picture(120, 40, random.Random(0))
        board.redraw()
        await pilot.pause()
        changed = Canvas(120, 40)
        changed.characters[:], changed.inks[:] = board.picture.characters, board.picture.inks
        for x, y in ((20, 4), (60, 20), (110, 30)):
            changed.text(x, y, "#", Ink.LEVEL + 8)
        board.picture = changed
        assert 0 < len(await update_of(board, pilot)) < 200


async def test_redrawing_the_same_sends_nothing() -> None:
    board = Board()
    async with on_stage(board) as pilot:
        board.picture = picture(60, 16, random.Random(0))
        board.redraw()
        await pilot.pause()
        assert await update_of(board, pilot) == ""


async def update_of(board: Board, pilot) -> str:
    """Redraw, and return what the screen would write."""
    compositor = board.screen._compositor
    with pilot.app.batch_update():
        board.redraw()
        compositor.update_widgets({board})
        update = compositor.render_partial_update()
    return "" if update is None else update.render_segments(pilot.app.console)


@pytest.mark.parametrize("seed", range(5))
async def test_a_terminal_fed_only_the_changes_shows_the_whole_picture(seed: int) -> None:
    rng = random.Random(seed)
    left, right = Board(), Board()
    terminal = pyte.Screen(60, 16)
    stream = pyte.Stream(terminal)
    async with on_stage(left, right) as pilot:
        compositor = left.screen._compositor
        console = pilot.app.console
        stream.feed(compositor.render_full_update().render_segments(console))
        for _ in range(12):
            board = rng.choice([left, right])
            board.picture = picture(*board.size, rng)
            stream.feed(await update_of(board, pilot))
            assert shown_by(terminal) == meant_by(compositor.render_strips())


def shown_by(terminal: pyte.Screen) -> list[list[tuple[str, str, str, bool]]]:
    return [
        [
            (cell.data, cell.fg, cell.bg, cell.bold)
            for cell in (terminal.buffer[y][x] for x in range(terminal.columns))
        ]
        for y in range(terminal.lines)
    ]


def meant_by(strips) -> list[list[tuple[str, str, str, bool]]]:
    lines = []
    for strip in strips:
        line = []
        for text, style, _ in strip:
            colours = [colour.get_truecolor().hex[1:] for colour in (style.color, style.bgcolor)]
            for character in text:
                line.append((character, *colours, bool(style.bold)))
                if ord(character) > 0x3000:
                    line.append(("", *colours, bool(style.bold)))
        lines.append(line)
    return lines


async def test_another_size_shows_the_picture_anew() -> None:
    class Ruler(CellView):
        def paint(self, canvas: Canvas) -> None:
            canvas.text(0, 0, f"{canvas.width} by {canvas.height}")

    ruler = Ruler()
    async with on_stage(ruler, width=30, height=5) as pilot:
        assert lines_of(ruler)[0] == "30 by 5"
        await pilot.resize_terminal(40, 8)
        for _ in range(100):
            # The resize passes through several queues before the widget is painted.
            await pilot.pause()
            if lines_of(ruler)[0] != "30 by 5":
                break
        assert lines_of(ruler)[0] == "40 by 8"


async def test_another_theme_gives_other_colours() -> None:
    board = Board()
    async with on_stage(board) as pilot:
        board.picture = Canvas(60, 16)
        board.picture.text(0, 0, "dead", Ink.DEAD)
        board.redraw()
        dark = board.render_line(0)._segments[0].style
        pilot.app.theme = "textual-light"
        await pilot.pause()
        light = board.render_line(0)._segments[0].style
        assert dark is not None
        assert light is not None
        assert dark.color != light.color
        assert dark.bgcolor != light.bgcolor
