"""Cells: drawing is clipped and clean; another size and another theme are heeded."""

from __future__ import annotations

import numpy as np
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
