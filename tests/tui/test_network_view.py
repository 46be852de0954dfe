"""The network drawn: numbers and glyphs against the core, keys, mouse, pictures at three sizes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from backprop_core.deaths import Death
from backprop_core.network_picture import NetworkPicture
from backprop_tui.cells import Canvas
from backprop_tui.connections import Line, draw_lines, thickness
from backprop_tui.glyphs import UNICODE
from backprop_tui.neuron_text import course_line, death_line
from backprop_tui.palette import Ink
from backprop_tui.widgets.network_view import number, quantise, spread
from tests.tui.driving import make_app, open_lab, paused_engine
from tests.tui.test_snapshots import SIZES, after, characters_shown

pytestmark = pytest.mark.usefixtures("short_waits")


def drawn(*lines, ascii_only=False, width=20, height=5):
    canvas = Canvas(width, height, ascii_only=ascii_only)
    draw_lines(canvas, 0, 0, width, height, list(lines))
    return canvas


def rows_of(canvas):
    return ["".join(map(chr, line)) for line in canvas.characters]


def test_a_lines_sign_is_its_colour_and_a_glyph():
    positive = drawn(Line(2, 2, 0.9, 0.5, False))
    negative = drawn(Line(2, 2, -0.9, 0.5, False))
    assert rows_of(positive)[2][10] == "+"
    assert rows_of(negative)[2][10] == "-"
    assert set(positive.inks[2].tolist()) == {Ink.POSITIVE}
    assert set(negative.inks[2].tolist()) == {Ink.NEGATIVE}


def dots_of(canvas):
    return sum((ord(c) - 0x2800).bit_count() for row in rows_of(canvas) for c in row if ord(c) > 0x2800)


def test_a_larger_weight_makes_a_thicker_line_and_zero_none():
    counts = [dots_of(drawn(Line(2, 2, share, 2.0, False))) for share in (0.0, 0.1, 0.3, 0.6, 1.0)]
    assert counts[0] == 0
    assert all(a < b for a, b in pairwise(counts))
    assert thickness(float("nan")) == 0


def test_where_lines_cross_the_stronger_one_is_seen_and_those_of_other_neurons_are_muted():
    weak, strong = Line(0, 4, -0.2, 0.1, False), Line(4, 0, 0.9, 0.9, False)
    assert drawn(weak, strong).inks[2, 10] == Ink.POSITIVE
    assert drawn(strong, weak).inks[2, 10] == Ink.POSITIVE
    muted = Line(2, 2, 0.9, 0.5, True)
    assert set(drawn(muted).inks[2].tolist()) == {Ink.MUTED}
    assert drawn(Line(2, 2, 1.0, 0.5, True), Line(2, 2, -0.3, 0.5, False)).inks[2, 3] == Ink.NEGATIVE


def test_a_small_value_keeps_its_sign_and_only_zero_is_drawn_as_zero():
    levels = quantise(np.array([[-1, -1e-9, 0, 1e-9, 1, np.nan]], np.float32), 1.0)
    assert levels.tolist() == [[0, 3, 4, 5, 8, 9]]


@pytest.mark.parametrize("count", [1, 2, 5, 8])
def test_neurons_are_spread_without_falling_onto_one_another(count):
    places = spread(count, 8)
    assert len(set(places)) == count
    assert min(places) >= 0
    assert max(places) < 8


@pytest.mark.parametrize("value", [0.0, -0.000123, 123456.789, -1234567.0, 1e-12, 0.5, 1e200])
def test_an_activation_fits_into_its_cell(value):
    assert len(number(value)) <= 6
    assert float(number(value)) == pytest.approx(value, rel=0.3)


def test_what_is_no_number_or_nearly_zero_fits_too():
    assert [number(value) for value in (float("inf"), float("-inf"), float("nan"), -1e-200)] == [
        "inf", "-inf", "nan", "-0",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("death", "said"),
    [
        (None, "cannot be found out"),
        (Death(0, "start"), "dead since step 0, as it was initialised"),
        (Death(9, "command", command="activation 1 relu"), "step 9: killed by 'activation 1 relu'"),
        (Death(9, "below"), "the neurons before it changed"),
        (Death(9, "update", 2.5, 0.3), "step 9: that update was 2.5 times its weights (lr 0.3)"),
        (Death(9, "unknown"), "alive at step 9"),
    ],
)
def test_what_killed_a_neuron_is_said(death, said):
    assert said in death_line(death)
    assert len(death_line(death)) <= 76


def test_the_course_of_an_activation_is_drawn_between_its_extremes():
    ((text, _),) = course_line([1.0, 2.0, 3.0], 100, UNICODE)
    assert text == "lately  ▁▅█  activation 1 to 3"
    assert course_line([1.0], 100, UNICODE) == []


async def test_v_goes_through_the_views_and_back_to_the_overview():
    async with open_lab(paused_engine(steps=5)) as lab:
        frame = await lab.press("v")
        assert isinstance(frame.panel, NetworkPicture)
        for _ in range(3):
            assert lab.app.lab.panel is not None
            await lab.press("v")
        assert lab.app.lab.panel is None
        assert lab.app.lab.query_one("#views").display
        frame = await lab.press("x", "v")
        assert isinstance(frame.panel, NetworkPicture)


async def test_a_selected_dead_neuron_tells_when_it_died_and_of_what():
    async with open_lab(paused_engine(steps=100), size=(80, 24)) as lab:
        frame = await lab.press("v", "down")
        text = lab.shown("#panel")
        assert frame.panel.selected.dead
        assert "positive on 0 of 10 samples" in text
        assert "✕ dead since step 2: that update was 6 times its weights (lr 0.03)" in text
        assert "▸ 1" in text
        assert "1 relu ✕4" in text


async def test_the_numbers_shown_are_the_trainers():
    async with open_lab(paused_engine("xor", steps=50)) as lab:
        await lab.press("v", "down", "down")
        weights = lab.trainer.network.layers[0].weights[:, 1]
        text = lab.shown("#panel")
        for source, weight in enumerate(weights, 1):
            assert f"{source}: {weight:.4g}" in text
        layer = lab.trainer.network.layers[0]
        for name, flat in (("gradients", lab.trainer.gradient()), ("updates", lab.trainer.optimizer.update)):
            await lab.press("h")
            text = lab.shown("#panel")
            assert f"{name} from" in text
            assert f"1: {layer.of(flat)[0, 1]:.4g}" in text
        frame = await lab.press("right_square_bracket")
        assert frame.panel.sample == 1
        assert "sample 1 of 4" in lab.shown("#panel")


async def test_arrows_and_clicks_select_neurons():
    async with open_lab(paused_engine("xor", steps=50)) as lab:
        frame = await lab.press("v", "down", "down", "right")
        assert (frame.panel.selected.layer, frame.panel.selected.neuron) == (2, 1)
        frame = await lab.press("left", "down", "down", "down")
        assert (frame.panel.selected.layer, frame.panel.selected.neuron) == (1, 4)
        line, start, _, layer, neuron = lab.app.lab.panel._spans[1]
        await lab.pilot.click("#panel", (start + 2, line + 1))
        frame = await lab.frame()
        assert (frame.panel.selected.layer, frame.panel.selected.neuron) == (layer, neuron)


async def test_large_layers_are_a_matrix_scrolled_to_the_selected_neuron():
    async with open_lab(paused_engine("digits", steps=5), size=(80, 24)) as lab:
        await lab.press("v", "down")
        lab.app.lab.panel.at_neuron = 24
        frame = await lab.press("down")
        (layer,) = frame.panel.layers
        assert layer.first <= 25 < layer.first + len(layer.matrix)
        text = lab.shown("#panel")
        assert "▸25" in text
        last = layer.first + len(layer.activations) - 1
        assert f"1 relu {layer.first}-{last}/30" in text
        assert str(lab.app.lab.panel.border_title) == "network, layer 1 of 2"
        assert "inputs a cell" not in text


async def test_what_is_left_out_or_put_together_is_said():
    async with open_lab(paused_engine("spiral", steps=5), size=(60, 20)) as lab:
        await lab.press("v")
        assert str(lab.app.lab.panel.border_title) == "network, layers 1 to 2 of 3"
    async with open_lab(paused_engine("digits", steps=5), size=(70, 24)) as lab:
        await lab.press("v")
        assert lab.app.lab.frame.panel.layers[0].group == 2
        assert "2 inputs a cell" in lab.shown("#panel")


@pytest.mark.parametrize("size", [1e200, np.inf, np.nan])
async def test_a_network_out_of_all_bounds_is_drawn_all_the_same(size):
    engine = paused_engine("sequence", steps=2)
    engine.session.trainer.network.parameters[:] = size
    async with open_lab(engine) as lab:
        for key in ("v", "down", "h", "v", "h", "v", "x", "down", "down", "down", "down"):
            await lab.press(key)
            assert "error of the program" not in lab.message
        assert "not finite" in lab.shown("#panel")


async def test_a_network_that_becomes_another_keeps_the_view_open():
    async with open_lab(paused_engine("digits", steps=5)) as lab:
        await lab.press("v", "down")
        lab.app.lab.panel.at_neuron = 9
        lab.app.lab.open_preset("xor")
        await lab.frame()
        frame = await lab.frame()
        assert frame.panel.sizes == (2, 4, 1)
        assert frame.panel.selected.neuron == 4


@pytest.mark.parametrize("preset", ["sequence", "digits", "xor"])
async def test_ascii_only_shows_no_character_above_0x7e(preset):
    async with open_lab(paused_engine(preset, steps=100), ascii_only=True) as lab:
        await lab.press("v", "down")
        for key in ("h", "h", "right_square_bracket"):
            await lab.press(key)
            assert max(characters_shown(lab)) <= "\x7e"


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("preset", ["sequence", "digits"])
def test_a_picture_of_it(snap_compare, preset, size):
    app = make_app(paused_engine(preset, steps=1 if preset == "sequence" else 300))
    assert snap_compare(app, terminal_size=size, run_before=after("v", "down"))
