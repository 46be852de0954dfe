"""Plane, series, confusion and fit as they are drawn; the view fits the problem by itself."""

from __future__ import annotations

import re

import numpy as np
import pytest

from backprop_core.outcome import Confused, Confusion, Continuation, Fit, NeuronPlane, Plane
from backprop_tui.cells import Canvas
from backprop_tui.confusion_drawing import draw_matrix, draw_sample
from backprop_tui.glyphs import ASCII, UNICODE
from backprop_tui.outcome_picture import CELLS_A_FRAME, OutcomePicture
from backprop_tui.palette import Ink
from backprop_tui.plane_drawing import calm_levels, signed_levels
from tests.tui.driving import make_app, open_lab, paused_engine
from tests.tui.test_snapshots import SIZES, after, characters_shown

pytestmark = pytest.mark.usefixtures("short_waits")


def test_only_the_boundary_itself_is_drawn_as_neither_side():
    values = np.array([[0.0, 0.4999, 0.5, 0.5001, 1.0, 7.0, np.nan]], np.float32)
    assert signed_levels(values, 0.5, 0.5).tolist() == [[0, 3, 4, 5, 8, 8, 9]]


def test_a_level_stays_while_it_is_about_right_and_never_on_the_wrong_side():
    shown = np.array([[6, 6, 6, 5, 5]])
    values = np.array([[0.7, 0.95, 0.1, -0.01, 0.6]], np.float32)
    assert calm_levels(values, 0.0, 1.0, shown).tolist() == [[6, 8, 5, 3, 6]]
    values = np.array([[0.7, 0.65, 0.3, 0.01, 0.3]], np.float32)
    assert calm_levels(values, 0.0, 1.0, shown).tolist() == [[6, 6, 6, 5, 5]]
    assert calm_levels(values, 0.0, 1.0, None).tolist() == [[7, 7, 5, 5, 5]]
    assert calm_levels(np.array([[np.nan]], np.float32), 0.0, 1.0, np.array([[6]])).tolist() == [[9]]


def plane_of(values, *, layer=1, first=1):
    neurons = tuple(NeuronPlane(first + place, False, values[:5, :14]) for place in range(2))
    nothing = np.empty(0, np.float32)
    return Plane(
        features=("x", "y"),
        target="class",
        output=1,
        outputs=1,
        low=(0.0, 0.0),
        high=(1.0, 1.0),
        values=values,
        middle=0.5,
        reach=0.5,
        x=nothing,
        y=nothing,
        targets=nothing,
        wrong=np.empty(0, np.bool_),
        classes=("0", "1"),
        layer=layer,
        layers=3,
        units=16,
        neurons=neurons,
    )


def picture_of(size=(80, 24)):
    picture = OutcomePicture()
    picture.request(*size)
    return picture


def drawn(picture):
    canvas = Canvas(picture.width, picture.height)
    picture.paint(canvas, UNICODE)
    return canvas.characters


def test_an_arrow_pressed_while_an_older_frame_is_on_its_way_is_not_lost():
    picture, values = picture_of(), np.zeros((22, 48), np.float32)
    picture.take(plane_of(values), running=True)
    picture.move(0, 1)
    picture.take(plane_of(values), running=True)
    assert picture.request(80, 24).layer == 2
    picture.take(plane_of(values, layer=2), running=True)
    picture.move(0, -1)
    picture.take(plane_of(values, layer=2), running=True)
    assert picture.request(80, 24).layer == 1


def cells_changed_a_frame(planes, *, running=True):
    picture, before, changed = picture_of(), None, []
    for values in planes:
        picture.take(plane_of(values), running=running)
        after = drawn(picture)
        if before is not None:
            changed.append(int(np.count_nonzero(before != after)))
        before = after
    return changed


def test_a_plane_that_is_another_one_at_every_frame_is_drawn_now_and_then():
    chance = np.random.default_rng(0)
    planes = [chance.random((22, 48), np.float32) for _ in range(60)]
    changed = cells_changed_a_frame(planes)
    assert np.mean(changed) <= 1.2 * CELLS_A_FRAME
    assert max(np.diff(np.flatnonzero(changed))) < 10
    assert min(cells_changed_a_frame(planes, running=False)) > 500


def test_a_plane_that_bends_a_little_is_drawn_at_every_frame():
    across = np.tile(np.linspace(0, 1, 48, dtype=np.float32), (22, 1))
    planes = [np.clip(across + shift / 40, 0, 1) for shift in range(30)]
    assert min(cells_changed_a_frame(planes)[1:]) > 0


def confusion_of(counts):
    return Confusion(tuple("abc"[: len(counts)]), np.array(counts), True, ())


def test_the_matrix_shows_every_count_and_the_missed_ones_stand_out():
    canvas = Canvas(40, 4)
    draw_matrix(canvas, 0, 0, 4, confusion_of([[12, 3], [0, 7]]), UNICODE)
    lines = ["".join(map(chr, line)).rstrip() for line in canvas.characters]
    assert lines[0].split() == ["true", "a", "b", "right"]
    assert lines[1].split() == ["a", "12", "3", "80.0%"]
    assert lines[2].split() == ["b", "·", "7", "100.0%"]
    at = lines[1].index("3", lines[1].index("12") + 2)
    assert canvas.inks[1, at] == Ink.DEAD
    assert canvas.inks[1, lines[1].index("12")] == Ink.STRONG


PIXELS = np.array([[1, 0], [0, 1]], np.float32)


@pytest.mark.parametrize(
    ("glyphs", "large", "expected"),
    [
        (UNICODE, False, ["▀▄", "a as b"]),
        (ASCII, False, ["'.", "a as b"]),
        (UNICODE, True, ["██", "  ██", "a as b"]),
        (ASCII, True, ["@@", "  @@", "a as b"]),
    ],
)
def test_a_sample_is_drawn_as_a_picture(glyphs, large, expected):
    canvas = Canvas(8, 3, ascii_only=glyphs.ascii)
    draw_sample(canvas, 0, 0, Confused(1, 0, 1, 0.1, PIXELS), ("a", "b"), glyphs, large=large)
    lines = ["".join(map(chr, line)).rstrip() for line in canvas.characters]
    assert [line for line in lines if line] == expected


@pytest.mark.parametrize(
    ("preset", "named"),
    [
        ("spiral", {"neurons", "layer"}),
        ("moons", {"neurons"}),
        ("digits", set()),
        ("sequence", set()),
        ("worked-example", {"neurons", "output"}),
    ],
)
async def test_only_keys_that_do_something_are_named(preset, named):
    async with open_lab(paused_engine(preset, steps=5)) as lab:
        await lab.press("v", "v")
        words = set(lab.shown("#keys").split())
        assert words & {"neurons", "layer", "output"} == named


async def test_a_confused_sample_that_is_no_picture_is_named():
    async with open_lab(paused_engine("spiral", steps=100), size=(80, 24)) as lab:
        frame = await lab.press("v", "v", "h")
        first = frame.panel.samples[0]
        assert f"sample {first.row}: {first.truth} as {first.predicted}" in lab.shown("#panel")


@pytest.mark.parametrize(
    ("preset", "kinds"),
    [
        ("spiral", (Plane, Confusion)),
        ("sequence", (Continuation, Fit)),
        ("digits", (Confusion,)),
        ("rate-too-high", (Fit,)),
    ],
)
async def test_the_view_fits_the_problem_and_h_shows_what_else_fits(preset, kinds):
    async with open_lab(paused_engine(preset, steps=20)) as lab:
        frame = await lab.press("v", "v")
        for kind in (*kinds, kinds[0]):
            assert isinstance(frame.panel, kind)
            assert lab.shown("#panel").strip()
            frame = await lab.press("h")


async def test_the_plane_bends_as_the_network_learns():
    async with open_lab(paused_engine("spiral", steps_per_frame=100), size=(80, 24)) as lab:
        frame = await lab.press("v", "v")
        before, missed = lab.shown("#panel"), int(frame.panel.wrong.sum())
        assert f"{missed} of 320 on the wrong side" in before
        await lab.press("space")
        for _ in range(14):
            frame = await lab.frame()
        assert frame.panel.wrong.sum() < missed / 4
        changed = sum(a != b for a, b in zip(before, lab.shown("#panel"), strict=False))
        assert changed > 200


async def test_every_cell_of_the_plane_shows_its_values_sign():
    async with open_lab(paused_engine("spiral", steps=300), size=(120, 40)) as lab:
        frame = await lab.press("v", "v")
        plane, lines = frame.panel, lab.shown("#panel").split("\n")
        for row in range(len(plane.values)):
            for value, glyph in zip(plane.values[row], lines[row + 1], strict=False):
                if glyph not in "ox":
                    assert UNICODE.signed.index(glyph) == signed_levels(np.array([[value]]), 0.5, 0.5)[0, 0]


async def test_arrows_show_other_layers_and_neurons_and_brackets_other_outputs():
    async with open_lab(paused_engine("spiral", steps=5), size=(80, 24)) as lab:
        frame = await lab.press("v", "v", "down", "right")
        assert (frame.panel.layer, frame.panel.neurons[0].neuron) == (2, 1)
        frame = await lab.press("down")
        assert frame.panel.neurons[0].neuron == 3
        frame = await lab.press(*["down"] * 9)
        assert frame.panel.neurons[-1].neuron == 16
        frame = await lab.press("up")
        assert frame.panel.neurons[-1].neuron < 16
    async with open_lab(paused_engine("worked-example", steps=5)) as lab:
        frame = await lab.press("v", "v", "right_square_bracket")
        assert frame.panel.output == 2
        assert "output 2 of 2" in lab.shown("#panel")


async def test_confused_digits_are_drawn_and_named():
    async with open_lab(paused_engine("digits", steps=300), size=(80, 24)) as lab:
        await lab.press("v", "v")
        frame = await lab.frame()
        text = lab.shown("#panel")
        right = int(frame.panel.counts.trace())
        assert f"{right} of {frame.panel.counts.sum()} validation samples right" in text
        captions = re.findall(r"\d as \d", text)
        assert captions[0] == f"{frame.panel.samples[0].truth} as {frame.panel.samples[0].predicted}"
        assert len(captions) >= 4
        assert "█" in text


async def test_a_series_goes_on_beyond_its_data():
    async with open_lab(paused_engine("sequence", steps=1), size=(80, 24)) as lab:
        frame = await lab.press("v", "v")
        assert ", ".join(f"{value:.4g}" for value in frame.panel.ahead[:3]) in lab.shown("#panel")


@pytest.mark.parametrize("preset", ["spiral", "digits", "sequence", "rate-too-high"])
async def test_ascii_only_shows_no_character_above_0x7e(preset):
    async with open_lab(paused_engine(preset, steps=50), ascii_only=True) as lab:
        for key in ("v", "v", "h", "down"):
            await lab.press(key)
            assert max(characters_shown(lab)) <= "\x7e"


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(("preset", "steps"), [("spiral", 500), ("digits", 300)])
def test_a_picture_of_it(snap_compare, preset, steps, size):
    app = make_app(paused_engine(preset, steps=steps))
    assert snap_compare(app, terminal_size=size, run_before=after("v", "v"))


@pytest.mark.parametrize("keys", [("v", "v"), ("v", "v", "h")], ids=["series", "fit"])
def test_a_picture_of_a_series(snap_compare, keys):
    app = make_app(paused_engine("sequence", steps=1))
    assert snap_compare(app, terminal_size=(80, 24), run_before=after("r", *keys))
