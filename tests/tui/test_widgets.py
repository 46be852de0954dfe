"""What the widgets show of a frame, in whatever room they have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backprop_core.snapshot import HEATMAP_MODES, Mark, Prediction
from backprop_tui.glyphs import ASCII, UNICODE
from backprop_tui.palette import Ink
from backprop_tui.widgets.heatmap import HeatmapView, quantise, stable_bound
from backprop_tui.widgets.inspector import Inspector
from backprop_tui.widgets.layers_table import FRAMES_A_MARK, LayersTable, sparkline
from backprop_tui.widgets.loss_plot import LossPlot
from backprop_tui.widgets.message_line import MessageLine
from backprop_tui.widgets.predictions import PredictionsView, fixed
from backprop_tui.widgets.status import StatusLine, plain_rate
from tests.tui.drawing import canvas_of, lines_of, on_stage, received_in, text_of
from tests.tui.frames import (
    make_accuracy,
    make_curve,
    make_frame,
    make_heatmap,
    make_inspection,
    make_layer,
    make_prediction,
    make_series,
    make_snapshot,
)

ALL_WIDGETS = (StatusLine, LossPlot, HeatmapView, LayersTable, PredictionsView, Inspector)

NAN = float("nan")


async def shown(widget, *frames, width: int = 60, height: int = 16, glyphs=UNICODE) -> str:
    async with on_stage(widget, width=width, height=height, glyphs=glyphs):
        for frame in frames:
            widget.show(frame)
        return text_of(widget)


def inks_at(widget, text: str) -> set[int]:
    """Return the inks of the first place where a text is shown."""
    for y, codes in enumerate(canvas_of(widget).characters):
        line = codes.tobytes().decode("utf-32-le")
        if text in line:
            x = line.index(text)
            return set(canvas_of(widget).inks[y, x : x + len(text)].tolist())
    raise AssertionError(f"{text!r} is not shown")


class TestEveryWidget:
    frames = (
        make_frame(),
        make_frame(curve=make_curve([]), state="PAUSED"),
        make_frame(inspection=make_inspection(dead=True), series=make_series(), undoable="reinit-dead"),
        make_frame(
            state="DIVERGED",
            accuracy=make_accuracy(NAN, None),
            snapshot=make_snapshot(training_loss=NAN, gradient_norm=NAN, predictions=()),
            heatmap=make_heatmap([[NAN, 1.0], [-2.0, 0.0]], mode="weights", activation="leaky-relu"),
            curve=make_curve([1.0, NAN, 1e300], marks=(Mark(1, "set learning-rate 50"),)),
        ),
        make_frame(series=make_series(400), state="DONE", inspection=make_inspection(sample=None, bias=None)),
    )

    @pytest.mark.parametrize("kind", ALL_WIDGETS)
    @pytest.mark.parametrize("size", [(1, 1), (9, 3), (38, 9), (58, 16), (200, 50)])
    async def test_draws_any_frame_at_any_size(self, kind, size) -> None:
        await shown(kind(), *self.frames, width=size[0], height=size[1])
        await shown(kind(), *reversed(self.frames), width=size[0], height=size[1])

    @pytest.mark.parametrize("kind", ALL_WIDGETS)
    async def test_in_ascii_shows_no_character_above_0x7e(self, kind) -> None:
        for width, height in ((38, 9), (80, 24)):
            widget = kind()
            async with on_stage(widget, width=width, height=height, glyphs=ASCII):
                for frame in self.frames:
                    widget.show(frame)
                    assert max(text_of(widget), default=" ") <= "\x7e"

    @pytest.mark.parametrize("kind", ALL_WIDGETS)
    async def test_shows_the_same_after_other_frames_as_at_once(self, kind) -> None:
        if kind is LayersTable:
            pytest.skip("remembers earlier frames")
        at_once = await shown(kind(), self.frames[0])
        assert await shown(kind(), *self.frames, self.frames[0]) == at_once


class TestStatusLine:
    async def test_says_everything_in_the_promised_words(self) -> None:
        line = await shown(StatusLine(), make_frame(), width=120, height=1)
        assert line == ("▶ RUNNING  epoch 123  step 1234  loss 0.123456  lr 0.05  dead 2/4  73000 steps/s")

    async def test_writes_large_numbers_without_separators(self) -> None:
        frame = make_frame(snapshot=make_snapshot(step=12345678, epoch=1234567), steps_per_second=123456.7)
        line = await shown(StatusLine(), frame, width=120, height=1)
        assert "epoch 1234567  step 12345678 " in line
        assert line.endswith(" 123000 steps/s")

    @pytest.mark.parametrize("state", ["RUNNING", "PAUSED", "DONE", "DIVERGED"])
    async def test_all_of_it_fits_into_80_columns(self, state: str) -> None:
        snapshot = make_snapshot(step=987654, epoch=98765, training_loss=0.000123456)
        line = await shown(StatusLine(), make_frame(state=state, snapshot=snapshot), width=80, height=1)
        words = [state, "epoch 98765", "step 987654", "loss 0.000123456", "lr 0.05", "dead 2/4", "steps/s"]
        places = [line.index(word) for word in words]
        assert places == sorted(places)

    async def test_drops_the_least_important_and_keeps_the_order(self) -> None:
        line = await shown(StatusLine(), make_frame(), width=48, height=1)
        assert line == "RUNNING epoch 123 step 1234 loss 0.1235 dead 2/4"

    async def test_large_counts_still_fit_into_80_columns(self) -> None:
        snapshot = make_snapshot(step=12345678, epoch=12345678, training_loss=0.0234567)
        frame = make_frame(snapshot=snapshot, steps_per_second=249_000)
        line = await shown(StatusLine(), frame, width=80, height=1)
        assert "epoch 12345678 step 12345678 loss 0.02346 lr 0.05 dead 2/4 249k steps/s" in line

    async def test_says_a_loss_that_is_not_finite(self) -> None:
        snapshot = make_snapshot(training_loss=NAN)
        frame = make_frame(snapshot=snapshot, state="DIVERGED")
        line = await shown(StatusLine(), frame, width=80, height=1)
        assert line.startswith("✗ DIVERGED")
        assert "loss nan" in line

    @pytest.mark.parametrize(
        ("rate", "text"), [(0, "0"), (12.34, "12.3"), (1234.5, "1230"), (98765, "98800")]
    )
    def test_the_speed_has_three_digits(self, rate: float, text: str) -> None:
        assert plain_rate(rate) == text


class TestLossPlot:
    def frame(self, losses, **curve):
        return make_frame(curve=make_curve(np.asarray(losses, float), **curve))

    async def test_says_that_nothing_was_trained(self) -> None:
        assert "no step taken yet" in await shown(LossPlot(), self.frame([]))

    async def test_one_step_is_one_dot(self) -> None:
        widget = LossPlot()
        await shown(widget, self.frame([5.0]))
        assert np.count_nonzero(canvas_of(widget).inks[1:] == Ink.TRAINING) == 1

    async def test_a_spike_of_one_step_in_ten_thousand_reaches_its_height(self) -> None:
        losses = np.full(10_000, 1.0)
        losses[5_000] = 100.0
        widget = LossPlot()
        plain = await shown(widget, self.frame(losses, baseline=NAN), width=80, height=20)
        top = canvas_of(widget).inks[1:4, 6:]
        assert np.count_nonzero(top == Ink.BAND) > 0, plain

    async def test_equal_losses_are_a_level_line(self) -> None:
        widget = LossPlot()
        await shown(widget, self.frame([3.0] * 500, baseline=NAN))
        rows = np.flatnonzero((canvas_of(widget).inks[1:, 6:] == Ink.TRAINING).any(axis=1))
        assert len(rows) == 1

    @pytest.mark.parametrize("losses", [[0.0] * 50, [1.0, 0.1, 0.0, -1.0]])
    async def test_what_a_log_axis_cannot_show_is_on_its_edge_and_said(self, losses) -> None:
        assert "zero is on the lower edge" in await shown(LossPlot(), self.frame(losses), width=80)

    async def test_a_step_that_is_not_finite_is_an_event_outside_the_bounds(self) -> None:
        losses = np.geomspace(1, 100, 300)
        losses[250:] = np.inf
        widget = LossPlot()
        text = await shown(widget, self.frame(losses, baseline=NAN), width=80, height=20)
        assert "✗" in text
        assert "not finite at step 251" in text
        assert "1e" not in text
        assert inks_at(widget, "not finite") == {Ink.DEAD}

    async def test_interventions_are_marked_with_their_text(self) -> None:
        marks = (Mark(100, "reinit-dead"), Mark(300, "set learning-rate 0.01"))
        text = await shown(LossPlot(), self.frame(np.geomspace(20, 1, 600), marks=marks), width=80, height=20)
        events = text.splitlines()[1]
        assert events.index("▼ reinit-dead") < events.index("▼ set learning-rate 0.01")

    async def test_a_mark_at_the_right_edge_has_its_text_on_its_left(self) -> None:
        text = await shown(
            LossPlot(), self.frame(np.geomspace(20, 1, 600), marks=(Mark(595, "undo"),)), width=80
        )
        assert "undo ▼" in text

    async def test_the_reference_line_is_named(self) -> None:
        losses = np.geomspace(20, 0.1, 500)
        assert "╌ always the mean 13" in await shown(LossPlot(), self.frame(losses), width=80)

    async def test_the_axis_can_be_toggled(self) -> None:
        widget = LossPlot()
        async with on_stage(widget, width=60, height=16):
            widget.show(self.frame(np.geomspace(100, 0.01, 500)))
            logarithmic = text_of(widget)
            widget.toggle_axis()
            linear = text_of(widget)
            assert "linear" in str(widget.border_title)
            assert " 0.1┤" in logarithmic
            assert " 0.1┤" not in linear
            assert "  50┤" in linear

    async def test_the_axes_stand_still_while_the_run_goes_on(self) -> None:
        widget = LossPlot()
        losses = np.geomspace(20, 1, 1000)
        async with on_stage(widget, width=60, height=16):
            widget.show(self.frame(losses[:850], columns=2000))
            before = canvas_of(widget)
            widget.show(self.frame(losses[:900], columns=2000))
            left = before.width * 3 // 4
            assert (before.characters[1:, :left] == canvas_of(widget).characters[1:, :left]).all()
            assert (before.characters != canvas_of(widget).characters).any()

    async def test_steps_are_written_short(self) -> None:
        curve = make_curve(np.geomspace(20, 1, 400))
        long = replace(curve, first_step=curve.first_step * 5000 - 4999, last_step=curve.last_step * 5000)
        text = await shown(LossPlot(), make_frame(curve=long), width=80)
        assert "2M" in text.splitlines()[-1]

    async def test_validation_has_a_colour_and_a_number_of_its_own(self) -> None:
        losses = np.geomspace(20, 1, 400)
        frame = make_frame(
            snapshot=make_snapshot(validation_loss=2.5), curve=make_curve(losses, validation=losses + 5)
        )
        widget = LossPlot()
        assert "validation 2.5" in await shown(widget, frame, width=80)
        assert np.count_nonzero(canvas_of(widget).inks == Ink.VALIDATION) > 20

    async def test_validation_is_a_thin_line_even_within_a_dense_band(self) -> None:
        curve = make_curve(np.full(400, 1.0), spread=0.5, validation=np.full(400, 1.0), columns=200)
        widget = LossPlot()
        await shown(widget, make_frame(curve=curve), width=80)
        canvas = canvas_of(widget)
        validation = canvas.characters[1:][canvas.inks[1:] == Ink.VALIDATION]
        assert len(validation) > 20
        assert all(int(code - 0x2800).bit_count() <= 2 for code in validation)


class TestHeatmap:
    def frame(self, heatmap, **changes):
        layer = make_layer(
            heatmap.layer, units=heatmap.units, dead=tuple(range(1, heatmap.dead_in_layer + 1))
        )
        return make_frame(heatmap=heatmap, snapshot=make_snapshot(layers=(layer, make_layer(2))), **changes)

    async def test_titles_the_layer_and_counts_the_dead_of_all(self) -> None:
        lines = (await shown(HeatmapView(), make_frame())).splitlines()
        assert lines[0] == "layer 1 of 2 · relu · 4 neurons · dead 2"
        assert lines[1].split() == ["dead", "▸1:", "2/4", "2:", "–"]

    async def test_fits_its_title_into_38_columns(self) -> None:
        heatmap = make_heatmap(np.ones((6, 10)), units=300, first_neuron=121)
        lines = (await shown(HeatmapView(), self.frame(heatmap), width=38, height=9)).splitlines()
        assert "121–126 of 300" in lines[0]
        assert "dead 0" in lines[0]

    async def test_a_dead_neuron_is_told_by_glyphs_alone(self) -> None:
        values = [[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]
        text = await shown(HeatmapView(), self.frame(make_heatmap(values, dead=(2,))), width=40, height=6)
        alive, dead = text.splitlines()[2:4]
        assert "✕" not in alive
        assert dead.split()[:2] == ["2✕", "·"]
        assert dead.count("·") == 3

    @pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
    async def test_every_level_looks_different(self, glyphs) -> None:
        widget = HeatmapView()
        heatmap = make_heatmap(np.arange(9.0)[None])
        await shown(widget, self.frame(heatmap), width=13, height=4, glyphs=glyphs)
        cells = canvas_of(widget).characters[2, 4:13]
        assert len(set(cells.tolist())) == 9
        assert len(set(canvas_of(widget).inks[2, 4:13].tolist())) == 9

    async def test_a_value_s_sign_is_told_by_glyph_and_colour(self) -> None:
        widget = HeatmapView()
        heatmap = make_heatmap(np.arange(-4.0, 5.0)[None], mode="weights")
        text = await shown(widget, self.frame(heatmap), width=13, height=5)
        assert "═━─⁻ ⁺┼╋╬" in text
        assert "-4 ═━─⁻ 0" in text

    async def test_says_how_neurons_and_samples_are_reduced(self) -> None:
        heatmap = make_heatmap(np.ones((8, 20)), units=30, first_neuron=9, total=240, group=12)
        text = await shown(HeatmapView(), self.frame(heatmap), width=80)
        assert "neurons 9–16 of 30" in text
        assert "each column: mean of 12 of 240 samples" in text

    async def test_the_legend_names_the_bounds(self) -> None:
        assert "0 ▁▂▃▄▅▆▇█ 4 · 2 samples" in await shown(HeatmapView(), self.frame(make_heatmap([[3.9, 0]])))
        assert "all zero" in await shown(HeatmapView(), self.frame(make_heatmap([[0.0, 0.0]])))

    async def test_what_is_not_finite_is_marked(self) -> None:
        assert "?" in await shown(HeatmapView(), self.frame(make_heatmap([[1.0, NAN, 2.0]])))

    async def test_capacity_is_what_it_then_shows(self) -> None:
        widget = HeatmapView()
        async with on_stage(widget, width=50, height=20):
            widget.show(self.frame(make_heatmap(np.ones((2, 2)), units=90)))
            rows, columns = widget.capacity
            widget.show(self.frame(make_heatmap(np.ones((rows, columns)), units=90)))
            lines = lines_of(widget)
            assert sum("█" * columns in line for line in lines) == rows

    async def test_few_neurons_and_samples_use_the_room(self) -> None:
        text = await shown(HeatmapView(), self.frame(make_heatmap([[1.0], [1.0]])), width=40, height=16)
        assert text.count("█████") == 6

    async def test_a_click_picks_the_neuron_and_sample_under_it(self) -> None:
        widget = HeatmapView()
        async with on_stage(widget, width=60, height=16) as pilot:
            heatmap = make_heatmap(np.ones((10, 20)), units=30, first_neuron=9, total=240, group=12)
            widget.show(self.frame(heatmap))
            await pilot.click(HeatmapView, offset=(widget._label_width(30) + 2 * 3, 2 + 4))
            assert [(message.neuron, message.sample) for message in received_in(pilot)] == [(13, 37)]

    async def test_a_click_beside_the_cells_picks_nothing(self) -> None:
        widget = HeatmapView()
        async with on_stage(widget, width=60, height=16) as pilot:
            widget.show(self.frame(make_heatmap(np.ones((2, 5)))))
            for offset in ((20, 0), (59, 4), (20, 14)):
                await pilot.click(HeatmapView, offset=offset)
            assert received_in(pilot) == []

    async def test_the_wheel_asks_for_other_neurons_up_to_the_last(self) -> None:
        widget = HeatmapView()
        async with on_stage(widget, width=60, height=16) as pilot:
            for first in (9, 21, 1):
                widget.show(self.frame(make_heatmap(np.ones((10, 20)), units=30, first_neuron=first)))
                widget._scroll(1)
                widget._scroll(-1)
            await pilot.pause()
            assert [message.first_neuron for message in received_in(pilot)] == [10, 8, 20, 2]

    async def test_the_selected_cell_and_its_row_are_marked(self) -> None:
        widget = HeatmapView()
        heatmap = make_heatmap(np.ones((4, 10)))
        frame = self.frame(heatmap, inspection=make_inspection(neuron=3, sample=7))
        text = await shown(widget, frame, width=14, height=7)
        assert text.splitlines()[4].startswith("▸3")
        assert np.argwhere(canvas_of(widget).inks == Ink.CURSOR).tolist() == [[4, 4 + 6]]

    async def test_the_cursor_moves_at_once(self) -> None:
        widget = HeatmapView()
        async with on_stage(widget, width=14, height=7):
            widget.show(self.frame(make_heatmap(np.ones((4, 10)))))
            widget.select(2, 1)
            assert np.argwhere(canvas_of(widget).inks == Ink.CURSOR).tolist() == [[3, 4]]

    @pytest.mark.parametrize("mode", HEATMAP_MODES)
    async def test_the_mode_is_its_title(self, mode: str) -> None:
        widget = HeatmapView()
        await shown(widget, self.frame(make_heatmap([[1.0]], mode=mode)))
        assert widget.border_title == mode

    def test_the_smallest_positive_value_is_not_nothing(self) -> None:
        heatmap = make_heatmap([[1e-9, 0.0, 8.0]])
        assert quantise(heatmap, 8.0).tolist() == [[1, 0, 8]]

    def test_a_pre_activation_always_tells_its_sign(self) -> None:
        heatmap = make_heatmap([[-1e-9, 0.0, 1e-9, 8.0]], mode="pre-activations")
        assert quantise(heatmap, 8.0).tolist() == [[3, 4, 5, 8]]

    async def test_a_dead_row_is_dotted_whatever_its_values(self) -> None:
        values = [[-1.0] * 6, [-1.0] * 6]
        heatmap = make_heatmap(values, mode="pre-activations", dead=(2,))
        text = await shown(HeatmapView(), self.frame(heatmap), width=10, height=5)
        alive, dead = text.splitlines()[2:4]
        assert "═" * 6 in alive
        assert "·═·═·═" in dead

    def test_the_scale_stands_still_while_the_values_fill_it(self) -> None:
        assert stable_bound(make_heatmap([[3.3]]), 0.0) == 4.0
        assert stable_bound(make_heatmap([[2.6]]), 4.0) == 4.0
        assert stable_bound(make_heatmap([[2.3]]), 4.0) == 2.5
        assert stable_bound(make_heatmap([[4.1]]), 4.0) == 5.0


class TestLayersTable:
    async def test_shows_each_layer_s_numbers(self) -> None:
        lines = (await shown(LayersTable(), make_frame(), width=58)).splitlines()
        assert lines[0].split() == ["#", "layer", "dead", "gradient", "update/weight"]
        assert lines[1].split()[:4] == ["1", "relu", "2/4", "0.0123"]
        assert "4.5e-4" in lines[1]
        assert lines[2].split()[:4] == ["2", "linear", "–/1", "0.2"]

    async def test_fits_into_38_columns(self) -> None:
        layers = (make_layer(1, activation="leaky-relu", units=128, dead=tuple(range(100))),)
        frame = make_frame(snapshot=make_snapshot(layers=layers))
        lines = (await shown(LayersTable(), frame, width=38, height=9)).splitlines()
        assert lines[1].split()[:5] == ["1", "leaky-relu", "100/128", "0.0123", "4.5e-4"]

    async def test_says_how_many_layers_find_no_room(self) -> None:
        layers = tuple(make_layer(layer) for layer in range(1, 11))
        text = await shown(LayersTable(), make_frame(snapshot=make_snapshot(layers=layers)), height=6)
        assert text.splitlines()[-1] == "6 more layers"

    async def test_draws_the_recent_course_on_a_log_scale(self) -> None:
        norms = [1.0, 0.1, 0.01, 0.001]
        frames = [
            make_frame(snapshot=make_snapshot(step=step, layers=(make_layer(1, gradient_norm=norm),)))
            for step, norm in enumerate(np.repeat(norms, FRAMES_A_MARK).tolist(), 1)
        ]
        assert "█▆▃▁" in await shown(LayersTable(), *frames, width=80)

    async def test_forgets_the_course_when_the_run_restarts(self) -> None:
        widget = LayersTable()
        frames = [make_frame(snapshot=make_snapshot(step=step)) for step in (*range(1, 50), 0)]
        await shown(widget, *frames, width=80)
        assert all(len(course) <= 1 for courses in widget._courses.values() for course in courses)

    def test_a_zero_is_empty_and_what_is_not_finite_is_marked(self) -> None:
        assert sparkline([1.0, 0.0, NAN, 10.0], 10, UNICODE) == "▁ ?█"
        assert sparkline([1.0, 10.0, 100.0], 2, UNICODE) == "▁█"
        assert sparkline([], 10, UNICODE) == ""


class TestPredictions:
    async def test_a_few_rows_are_a_table(self) -> None:
        lines = (await shown(PredictionsView(), make_frame())).splitlines()
        assert lines[0].split() == ["row", "target", "prediction", "error", "v", "validation"]
        assert lines[1].split() == ["1", "5.100", "4.800", "-0.300"]
        assert lines[10].split() == ["10v", "4.900", "5.200", "+0.300"]

    async def test_the_table_fits_into_38_columns(self) -> None:
        lines = (await shown(PredictionsView(), make_frame(), width=38, height=9)).splitlines()
        assert lines[1].split()[-1] == "-0.300"

    async def test_where_room_is_short_validation_rows_are_still_seen(self) -> None:
        text = await shown(PredictionsView(), make_frame(), height=7)
        assert "9v" in text
        assert len(text.splitlines()) == 7

    async def test_several_outputs_are_numbered(self) -> None:
        row = Prediction(4, False, (1.0, 2.0), (1.5, 2.5))
        text = await shown(PredictionsView(), make_frame(snapshot=make_snapshot(predictions=(row,))))
        assert [line.split()[0] for line in text.split("\n")[1:3]] == ["4.1", "4.2"]

    @pytest.mark.parametrize(("value", "text"), [(-0.00001, "0.000"), (-0.0, "0.000"), (-1.5, "-1.500")])
    def test_zero_has_no_sign(self, value: float, text: str) -> None:
        assert fixed(value, 3) == text

    async def test_diverged_numbers_stay_in_their_columns(self) -> None:
        row = make_prediction(1, 1e200, 5.0)
        text = await shown(
            PredictionsView(), make_frame(snapshot=make_snapshot(predictions=(row,))), width=38
        )
        assert text.splitlines()[1].split() == ["1", "5.000", "1.00e+200", "+1.00e+200"]

    async def test_a_long_series_is_a_plot(self) -> None:
        widget = PredictionsView()
        text = await shown(widget, make_frame(series=make_series(144, first_validation_row=116)), width=58)
        assert "prediction" in text.splitlines()[0]
        assert "validation from here" in text.splitlines()[0]
        assert "┤" in text
        inks = canvas_of(widget).inks[1:]
        assert np.count_nonzero(inks == Ink.TRAINING) > 30
        assert np.count_nonzero(inks == Ink.VALIDATION) > 3

    async def test_classes_have_their_accuracy_and_the_wrong_ones_marked(self) -> None:
        rows = (Prediction(1, False, (0.1, 0.9), (0.0, 1.0)), Prediction(2, True, (0.8, 0.2), (0.0, 1.0)))
        frame = make_frame(accuracy=make_accuracy(), snapshot=make_snapshot(predictions=rows))
        lines = (await shown(PredictionsView(), frame)).splitlines()
        assert lines[0].startswith("training   97.50% right ")
        assert lines[1].startswith("validation 96.25% right ")
        right, wrong = (line for line in lines if line.split()[:1] in (["1"], ["2v"]))
        assert right.split() == ["1", "1", "1", "0.900"]
        assert wrong.split() == ["2v", "1", "0", "0.800", "✕", "wrong"]


class TestInspector:
    async def test_tells_how_to_select(self) -> None:
        assert "select" in await shown(Inspector(), make_frame(), height=2)

    async def test_tells_the_numbers_of_the_neuron_and_the_sample(self) -> None:
        lines = (
            await shown(Inspector(), make_frame(inspection=make_inspection()), width=120, height=2)
        ).splitlines()
        assert lines[0] == "layer 1 neuron 3 · positive on 6 of 10 samples · bias -0.25 · weights' norm 1.5"
        assert lines[1] == "sample 7 · z 0.75 · f(z) 0.75 · f'(z) 1 · inputs 1 2 3 · weights 0.5 -0.5 0.5"

    async def test_says_what_dead_means(self) -> None:
        frame = make_frame(inspection=make_inspection(dead=True))
        assert "dead: its derivative is zero on every sample" in await shown(
            Inspector(), frame, width=80, height=2
        )

    async def test_leaves_out_what_does_not_fit_whole(self) -> None:
        frame = make_frame(inspection=make_inspection())
        lines = (await shown(Inspector(), frame, width=50, height=2)).splitlines()
        assert lines[0] == "layer 1 neuron 3 · positive on 6 of 10 samples"


class TestMessageLine:
    async def said(self, text: str, *, width: int = 40, warning: bool = False) -> str:
        widget = MessageLine()
        async with on_stage(widget, width=width, height=1):
            widget.say(text, warning=warning)
            return text_of(widget)

    async def test_text_is_never_read_as_markup(self) -> None:
        assert await self.said("[bold]x[/] [link=a]y") == "[bold]x[/] [link=a]y"

    async def test_control_characters_and_line_breaks_become_blanks(self) -> None:
        assert await self.said("a\nb\x1b[31mc") == "a b [31mc"

    async def test_a_warning_has_a_glyph(self) -> None:
        assert await self.said("the loss jumped", warning=True) == "▲ the loss jumped"

    async def test_a_long_text_ends_in_an_ellipsis(self) -> None:
        assert await self.said("a long message", width=8) == "a long …"
