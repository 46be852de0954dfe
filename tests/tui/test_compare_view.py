"""Kept runs: ghosts in the plot, a table of what differs; what is exported from the lab."""

from __future__ import annotations

import numpy as np
import pytest

from backprop_core.snapshot import Curve
from backprop_tui.kept_runs import KeptRun, drawable, losses_of
from backprop_tui.palette import Ink
from tests.tui.drawing import canvas_of
from tests.tui.driving import make_app, open_lab, paused_engine
from tests.tui.test_snapshots import SIZES, after, characters_shown

pytestmark = pytest.mark.usefixtures("short_waits")


def test_of_a_ghost_only_what_the_axis_can_hold_is_drawn():
    run = KeptRun("A", None, np.arange(4.0), np.array([1.0, 0.0, np.nan, 2.0]), 4, 2.0, None, 0)
    assert drawable(run, log=True).tolist() == [True, False, False, True]
    assert drawable(run, log=False).tolist() == [True, True, False, True]
    assert losses_of((run, run), log=True).tolist() == [1.0, 2.0, 1.0, 2.0]
    assert len(losses_of((), log=True)) == 0


def ghost_cells(lab):
    canvas = canvas_of(lab.app.lab.query_one("#loss"))
    return int(((canvas.inks == Ink.MUTED) & (canvas.characters > 0x2800)).sum())


async def test_a_kept_run_stays_as_a_ghost_in_the_plot():
    async with open_lab(paused_engine(steps=200)) as lab:
        await lab.press("k")
        assert "kept as A: sequence, step 200" in lab.message
        await lab.press("n", "s", "s", "s")
        assert lab.trainer.step_count == 3
        assert ghost_cells(lab) > 20
        assert "A" in lab.shown("#loss")
        before = lab.shown("#loss")
        await lab.press("K")
        assert lab.shown("#loss") != before
        assert ghost_cells(lab) == 0


async def test_the_ghost_has_the_losses_of_its_run():
    async with open_lab(paused_engine(steps=200)) as lab:
        await lab.press("k")
        (run,) = lab.app.lab.kept
        columns = lab.trainer.history.columns(256, 0)
        assert np.array_equal(run.loss, columns.mean)
        assert run.training_loss == lab.trainer.census().loss
        await lab.press("x", "k")
        assert np.array_equal(lab.app.lab.kept[1].loss, columns.mean)


async def test_the_table_tells_what_differs():
    async with open_lab(paused_engine(steps=200), size=(80, 24)) as lab:
        await lab.press("k")
        await lab.type("set learning-rate 0.1")
        await lab.press("n", "s", "v", "v", "v")
        assert isinstance(lab.app.lab.frame.panel, Curve)
        lines = lab.shown("#panel").split("\n")
        assert lines[-3].split() == ["run", "step", "loss", "validation", "dead", "learning", "rate"]
        ghost, now = lines[-2].split(), lines[-1].split()
        assert (ghost[0], ghost[1], ghost[-1]) == ("A", "200", "0.03")
        assert (now[0], now[1], now[-1]) == ("now", "1", "0.1")
        assert ghost[2] == f"{lab.app.lab.kept[0].training_loss:.5g}"
        assert now[2] == f"{lab.trainer.census().loss:.5g}"


@pytest.mark.parametrize(
    ("width", "ends"),
    [(60, "k keeps this run"), (80, "starts another beside it"), (120, "and both are seen")],
)
async def test_how_to_keep_a_run_is_said_in_words_that_fit(width, ends):
    async with open_lab(paused_engine(steps=20), size=(width, 24)) as lab:
        await lab.press("v", "v", "v")
        first = lab.shown("#panel").split("\n")[0].rstrip()
        assert first.endswith(ends)


async def test_the_tables_columns_stand_still_while_the_numbers_grow():
    async with open_lab(paused_engine("spiral", steps=9), size=(80, 24)) as lab:
        places = set()
        for _ in range(3):
            await lab.press(*(("v",) * 3 if not places else ("e",)))
            heading = next(line for line in lab.shown("#panel").split("\n") if line.startswith("run"))
            places.add((heading.index("loss"), heading.index("dead")))
        assert len(places) == 1


async def test_runs_of_other_problems_can_be_compared_too():
    async with open_lab(paused_engine(steps=20)) as lab:
        await lab.press("k")
        lab.app.lab.open_preset("xor")
        await lab.frame()
        await lab.press("v", "v", "v")
        text = lab.shown("#panel")
        assert "builtin" in text
        assert "xor" in text


async def test_nothing_is_kept_before_the_first_step_nor_more_than_there_are_letters():
    async with open_lab(paused_engine()) as lab:
        await lab.press("k")
        assert "nothing to keep" in lab.message
        await lab.press("s", *["k"] * 9)
        assert len(lab.app.lab.kept) == 8
        assert "8 runs are kept already" in lab.message


async def test_curve_weights_and_module_are_written_and_never_over_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with open_lab(paused_engine(steps=20)) as lab:
        for what in ("curve", "weights", "torch", "torch"):
            lab.app.lab.export(what)
            await lab.frame()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "sequence-loss.csv",
        "sequence-torch-2.npz",
        "sequence-torch-2.py",
        "sequence-torch.npz",
        "sequence-torch.py",
        "sequence-weights.npz",
    ]


async def test_ascii_only_shows_no_character_above_0x7e():
    async with open_lab(paused_engine(steps=200), ascii_only=True) as lab:
        await lab.press("k", "n", "s", "v", "v", "v")
        assert max(characters_shown(lab)) <= "\x7e"


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_picture_of_it(snap_compare, size):
    app = make_app(paused_engine(steps=200))
    keys = ("k", "n", "plus", "e", "e", "e", "r", "e", "v", "v", "v")
    assert snap_compare(app, terminal_size=size, run_before=after(*keys))
