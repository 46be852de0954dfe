"""The step taken apart on the screen: every number against the core's, the walk, the keys and the mouse."""

from __future__ import annotations

import pickle
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.events import MouseScrollDown

from backprop_core.dissection import DissectionRequest, Station
from backprop_core.presets import load_preset
from backprop_core.trainer import Trainer
from backprop_tui.notation import Notation, compact, digits, operand
from backprop_tui.step_text import StepText
from backprop_tui.step_walk import legs, next_leg, next_neuron, within
from tests.core.test_dissection import OPTIMIZERS, PUBLISHED, dissect, trainer_of
from tests.tui.driving import make_app, open_lab, paused_engine
from tests.tui.test_snapshots import SIZES, after, characters_shown

pytestmark = pytest.mark.usefixtures("short_waits")

UNITS = st.lists(st.integers(1, 5), min_size=1, max_size=4)


@given(UNITS)
def test_the_walk_visits_every_neuron_once_each_way_and_the_loss_between(units):
    stations = [Station()]
    while (following := next_neuron(stations[-1], units, 1)) != stations[-1]:
        stations.append(following)
    assert len(stations) == len(set(stations)) == 3 * sum(units) + 1
    assert [leg[:2] for leg in legs(units)] == list(dict.fromkeys((s.phase, s.layer) for s in stations))
    for before, station in pairwise(stations):
        assert next_neuron(station, units, -1) == before
    assert next_neuron(stations[0], units, -1) == stations[0]


@given(UNITS)
def test_legs_are_walked_on_and_back(units):
    station, begun = Station(), [Station()]
    for _ in legs(units)[1:]:
        station = next_leg(station, units, 1)
        begun.append(station)
    assert [(s.phase, s.layer) for s in begun] == [leg[:2] for leg in legs(units)]
    assert next_leg(station, units, 1) == station
    assert next_leg(begun[1], units, -1) == begun[0]


def test_back_to_the_layers_first_neuron_before_the_layer_before():
    assert next_leg(Station("forward", 2, 3), (4, 4), -1) == Station("forward", 2, 1)


def test_a_station_stays_within_a_network_that_has_become_smaller():
    assert within(Station("update", 3, 9), (4, 2)) == Station("update", 2, 2)


def test_symbols_in_unicode_and_in_ascii():
    assert Notation().indexed("w", 2, 1, 3) == "w²₁₃"
    assert Notation().indexed("w", 2, 1, 13) == "w²₁,₁₃"
    assert Notation(ascii=True).indexed("δ", 2, 1, 3) == "d2.1.3"
    assert Notation(ascii=True).write("δᴸ = ∂C/∂aᴸ ⊙ f'(zᴸ)") == "d_L = dC/da_L * f'(z_L)"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.15, "0.150000000"), (1.10590596705977, "1.10590597"), (0.0, "0"), (-0.0, "0"), (float("nan"), "nan")],
)
def test_numbers_have_nine_significant_digits(value, text):
    assert digits(value) == text


def test_a_negative_operand_stands_in_brackets():
    assert (operand(-0.5), operand(0.5)) == ("(-0.5)", "0.5")


PRESETS = ("worked-example", "sequence", "digits", "as-posted", "spiral", "saturated-tanh", "moons")


@pytest.mark.parametrize("name", PRESETS)
def test_what_is_written_are_the_cores_numbers(name):
    trainer = Trainer(load_preset(name))
    trainer.step(3)
    for phase, layer, _ in legs(trainer.network.sizes[1:]):
        it = dissect(trainer, phase, layer, 1, terms=3)
        text = StepText(it, trainer.experiment)
        written = "\n".join([*text.formulas(), *(note for note, _ in text.notes())])
        for table in text.tables():
            written += "\n" + "\n".join(" ".join(row.numbers) for row in table.rows) + table.note
        neuron = it.neuron
        expected = {
            "forward": [neuron.pre_activation, neuron.activation, neuron.incoming.terms[0].product],
            "loss": [it.sample_loss, it.loss, it.outputs[-1].part, it.outputs[-1].derivative],
            "backward": [neuron.delta, neuron.changes[0].own],
            "update": [neuron.changes[-1].after, neuron.changes[0].gradient, it.loss, it.loss_after],
        }[phase]
        if phase == "update" and it.batch > 1:
            expected += [neuron.shares.total, neuron.shares.gradient, neuron.shares.shown[-1].delta]
        expected += [working.value for working in neuron.workings]
        if neuron.rule == "chain" and phase == "backward":
            expected += [neuron.arriving, neuron.derivative]
        for value in expected:
            assert digits(value) in written, (phase, layer, value)


@pytest.mark.parametrize("width", [78, 118, 198])
@pytest.mark.parametrize("training", [*OPTIMIZERS, "optimizer = 'adam'\nweight_decay = 0.1\nl1 = 0.01"])
def test_the_update_is_worked_out_line_by_line_within_the_width(training, width):
    trainer = trainer_of(training)
    trainer.step(3)
    it = dissect(trainer, "update", 2, 1, sample=7, weight=3, terms=8)
    lines = StepText(it, trainer.experiment).formulas(width)
    assert max(map(len, lines)) <= width
    assert "∂C/∂w²₁₃ = " in lines[0]
    over = " / 32" if it.neuron.shares.mean else ""
    assert f"{over} = {digits(it.neuron.shares.gradient)}" in lines[0]
    assert re.search(r"\d+ more", lines[0])
    values = [digits(working.value) for working in it.neuron.workings if working.numbers]
    assert [line.rpartition(" = ")[2] for line in lines[1:-1]] == values
    assert lines[-1].startswith(f"w²₁₃ = {it.neuron.chosen.before:.9g} − ")
    assert lines[-1].endswith(f" = {it.neuron.chosen.after:.8g}")


@pytest.mark.parametrize("room", [5, 6, 9, 40])
@pytest.mark.parametrize("sample", [1, 7, 32])
def test_the_shares_of_a_batch_add_up_in_however_many_lines(room, sample):
    trainer = trainer_of()
    it = dissect(trainer, "update", 1, 1, sample=sample, terms=12)
    rows = StepText(it, trainer.experiment).tables(room)[1].rows
    assert len(rows) <= room - 1
    assert [row.label for row in rows if row.here] == [str(sample)]
    *shares, total, mean = [float(row.numbers[-1]) for row in rows]
    assert sum(shares) == pytest.approx(total, abs=1e-7)
    assert mean == pytest.approx(total / 32)
    told = sum(int(row.numbers[0].split()[0]) if row.label == "…" else 1 for row in rows[:-2])
    assert told == 32


def test_numbers_of_neurons_are_never_cut():
    assert (compact(-0.00123, 7), compact(-4e-6, 7), compact(-0.0, 3)) == ("-0.0012", "-4e-6", "0")
    assert [compact(value, 7) for value in (0.000159, -2.453e-05, 0.5, -0.0)] == [
        "1.59e-4",
        "-2.5e-5",
        "0.5",
        "0",
    ]


@given(st.floats(-1e300, 1e300))
def test_a_compact_number_is_about_the_number(value):
    text = compact(value, 7)
    assert len(text) <= 7
    assert float(text) == pytest.approx(value, rel=0.5)


async def test_h_and_a_click_choose_the_weight_whose_update_is_worked_out():
    async with open_lab(paused_engine("xor", steps=3), size=(120, 40)) as lab:
        await lab.press("x", *["down"] * 5)
        told = []
        for _ in range(4):
            told.append(re.search(r"∂C/∂(\S+) = ", lab.shown("#panel"))[1])
            await lab.press("h")
        units = lab.trainer.network.sizes[1]
        assert told[:2] == ["w²₁₁", "w²₁₂"]
        lab.app.lab.panel.weight = units
        await lab.press("h")
        assert "∂C/∂b²₁ = " in lab.shown("#panel")
        lines = lab.shown("#panel").split("\n")
        y = next(number for number, line in enumerate(lines) if line.split()[:1] == ["3"])
        await lab.pilot.click("#panel", (8, y + 1))
        frame = await lab.frame()
        assert frame.panel.neuron.chosen.source == 3
        y = next(number for number, line in enumerate(lines) if line.startswith("sample")) + 2
        await lab.pilot.click("#panel", (8, y + 1))
        assert (await lab.frame()).panel.sample == 2


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
async def test_the_published_numbers_appear_in_order_as_the_arrow_walks_through_the_step(size):
    async with open_lab(paused_engine("worked-example"), size=size) as lab:
        await lab.press("x")
        seen, station = [], None
        while lab.app.lab.panel.station != station:
            station = lab.app.lab.panel.station
            seen.append(lab.shown("#panel"))
            await lab.press("right")
        assert len(seen) == 13
        walk, at = "\n".join(seen), 0
        for number in PUBLISHED.split():
            # The loss after the step stands at every station of the update.
            at = walk.find(number, at)
            assert at >= 0, number
        await lab.press("enter", "down", "down")
        assert "0.291027774" in lab.shown("#panel")


@pytest.mark.parametrize("name", ["worked-example", "sequence", "digits"])
async def test_enter_takes_the_step_and_lands_on_exactly_the_weights_shown(name):
    async with open_lab(paused_engine(name)) as lab:
        await lab.press("x", "down", "down", "down", "down", "down")
        shown = lab.app.lab.frame.panel
        assert shown.station == Station("update", 2, 1)
        frame = await lab.press("enter")
        layer = lab.trainer.network.layers[1].augmented[:, 0]
        for change in shown.neuron.changes:
            assert layer[change.source - 1] == change.after
            assert change.after == change.before or digits(change.after) != digits(change.before)
        assert lab.trainer.step_count == 1
        assert frame.panel.step == 2
        assert lab.app.lab.panel.station == Station()


async def test_x_pauses_and_opens_the_step_and_escape_brings_the_overview_back():
    engine = paused_engine()
    engine.session.resume()
    async with open_lab(engine) as lab:
        frame = await lab.press("x")
        assert frame.state == "PAUSED"
        assert not lab.app.lab.query_one("#views").display
        assert "forward" in lab.shown("#panel")
        frame = await lab.press("escape")
        assert lab.app.lab.query_one("#views").display
        assert not lab.app.lab.query("#panel")
        assert frame.panel is None
        frame = await lab.press("down")
        assert frame.inspection.neuron == 1
        await lab.press("x", "x")
        assert not lab.app.lab.query("#panel")


async def test_while_the_step_is_open_a_frame_holds_nothing_of_the_overview():
    async with open_lab(paused_engine("digits", steps=300)) as lab:
        whole = len(pickle.dumps(await lab.frame()))
        frame = await lab.press("x")
        assert frame.heatmap.values.size == 0
        assert len(frame.curve.mean) == 0
        assert (frame.series, frame.accuracy, frame.inspection) == (None, None, None)
        assert len(pickle.dumps(frame)) < whole


async def test_a_dead_neuron_shows_where_its_error_stops():
    async with open_lab(paused_engine(steps=200), size=(80, 24)) as lab:
        await lab.press("x", "down", "down", "down", "down")
        text = lab.shown("#panel")
        assert "layer 1 neuron 1" in text
        assert "= 0\n" in text
        assert "dead: f'(z) = 0 on every sample: its error stops here, no weight of it changes" in text
        assert "✕" in text


async def test_brackets_choose_another_sample_of_the_batch():
    async with open_lab(paused_engine(steps=3)) as lab:
        await lab.press("x")
        first = lab.shown("#panel")
        frame = await lab.press("right_square_bracket")
        assert (frame.panel.sample, frame.panel.row) == (2, 2)
        assert lab.shown("#panel") != first
        frame = await lab.press("left_square_bracket", "left_square_bracket")
        assert frame.panel.sample == 1
        assert lab.shown("#panel") == first


async def test_a_click_goes_to_a_phase_or_a_neuron_and_the_wheel_walks():
    async with open_lab(paused_engine(steps=3)) as lab:
        await lab.press("x")
        lines = lab.shown("#panel").split("\n")
        x = lines[0].index("backward")
        await lab.pilot.click("#panel", (x + 1, 1))
        assert (await lab.frame()).panel.station == Station("backward", 2, 1)
        y = next(number for number, line in enumerate(lines) if line.startswith("1 relu"))
        await lab.pilot.click("#panel", (18 + 9 + 3, y + 1))
        assert (await lab.frame()).panel.station == Station("backward", 1, 2)
        await lab.pilot._post_mouse_events([MouseScrollDown], "#panel", button=0)
        assert (await lab.frame()).panel.station == Station("backward", 1, 3)


async def test_the_key_bar_names_the_panels_keys_and_a_click_on_them_acts():
    async with open_lab(paused_engine("worked-example"), size=(80, 24)) as lab:
        before = lab.shown("#keys")
        await lab.press("x")
        bar = lab.app.lab.query_one("#keys")
        assert "enter take" in lab.shown("#keys")
        x = lab.shown("#keys").index("take")
        await lab.pilot.click("#keys", (bar.content_region.x - bar.region.x + x, 0))
        await lab.frame()
        assert lab.trainer.step_count == 1
        await lab.press("escape")
        assert lab.shown("#keys") == before


async def test_another_network_moves_the_station_to_where_it_can_be():
    async with open_lab(paused_engine("digits")) as lab:
        await lab.press("x", "down", "down", "down", "down", *["right"] * 7)
        assert lab.app.lab.panel.station.neuron == 8
        lab.app.lab.open_preset("xor")
        frame = await lab.frame()
        frame = await lab.frame()
        assert frame.panel.station == lab.app.lab.panel.station
        assert "xor" in lab.shown("#title")


def test_a_frame_of_a_large_network_stays_small():
    trainer = Trainer(load_preset("digits"))
    it = DissectionRequest(terms=10, rows=10, columns=5).build(trainer, trainer.snapshot(), {})
    assert len(pickle.dumps(it)) < 6000


@pytest.mark.parametrize("preset", ["digits", "sequence", "as-posted"])
async def test_ascii_only_shows_no_character_above_0x7e(preset):
    async with open_lab(paused_engine(preset, steps=200), ascii_only=True) as lab:
        await lab.press("x")
        for _ in range(6):
            await lab.press("down")
            assert max(characters_shown(lab)) <= "\x7e"
            assert "?" not in lab.shown("#panel")


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_picture_of_it(snap_compare, size):
    app = make_app(paused_engine(steps=200))
    assert snap_compare(app, terminal_size=size, run_before=after("x", *["down"] * 4))


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_picture_of_a_larger_network(snap_compare, size):
    app = make_app(paused_engine("digits", steps=300))
    assert snap_compare(app, terminal_size=size, run_before=after("x", *["down"] * 5))


async def test_what_is_said_of_a_dead_neuron_is_whole_in_the_smallest_terminal():
    async with open_lab(paused_engine(steps=200), size=(60, 20)) as lab:
        await lab.press("x")
        lab.app.lab.panel.station = Station("backward", 1, 1)
        await lab.frame()
        assert "its error stops here, no weight of it changes" in " ".join(lab.shown("#panel").split())
