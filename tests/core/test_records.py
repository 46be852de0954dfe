"""Records written, read back, and played."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from backprop_core.commands import ReinitDead, Restart, SetOption, Step, Undo
from backprop_core.engine import LocalEngine
from backprop_core.errors import UserError
from backprop_core.events import Recorder, end_event, outcome_event, snapshot_event, start_event, to_json_line
from backprop_core.grammar import parse_command
from backprop_core.presets import load_preset
from backprop_core.record import read_record
from backprop_core.recording import recorded_snapshot
from backprop_core.replay import ReplayEngine
from backprop_core.snapshot import View
from backprop_core.trainer import Trainer

WIDE = View(curve_columns=10_000, columns=100, rows=100)


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def record_of(path, *events):
    recorder = Recorder(path)
    for event in events:
        recorder.write(event)
    recorder.close()
    return read_record(path)


def session_of(path):
    """Record a session: training, an intervention, more training, an undo, more training."""
    trainer = Trainer(load_preset("sequence"))
    recorder = Recorder(path)
    recorder.write(start_event(trainer.experiment, trainer.network.parameters.size))
    recorded_to = 0

    def note(*commands):
        nonlocal recorded_to
        for command in commands:
            outcome = trainer.apply(command)
            recorder.write(outcome_event(outcome))
            recorded_to = min(recorded_to, outcome.step)
        event = recorded_snapshot(trainer, recorded_to)
        recorded_to = event["step"]
        recorder.write(event)
        return trainer.history.columns(10_000)

    curves = [note(), note(Step(200)), note(ReinitDead()), note(Step(300)), note(Undo()), note(Step(50))]
    recorder.write(end_event(trainer, "quit"))
    recorder.close()
    return trainer, curves


@pytest.fixture
def played(tmp_path):
    path = tmp_path / "record.jsonl"
    trainer, curves = session_of(path)
    clock = Clock()
    return ReplayEngine(read_record(path), speed=2.0, clock=clock), clock, trainer, curves


async def test_every_moment_shows_the_curve_that_there_was(played):
    engine, _, _, curves = played
    for position, expected in enumerate(curves):
        engine.seek(position)
        curve = (await engine.frame(WIDE)).curve
        # Between two snapshots 48 columns tell the steps: their extremes are exact.
        assert np.nanmin(curve.low, initial=9e9) == pytest.approx(
            np.nanmin(expected.low, initial=9e9), rel=1e-3
        )
        assert np.nanmax(curve.high, initial=-1) == pytest.approx(
            np.nanmax(expected.high, initial=-1), rel=1e-3
        )
        assert list(curve.last_step[-1:]) == list(expected.last_step[-1:])
        assert (curve.first_step[1:] == curve.last_step[:-1] + 1).all()


async def test_moments_tell_what_happened_before_them_and_carry_the_marks(played):
    engine, *_ = played
    stories, marks = [], []
    for position in range(engine.last + 1):
        engine.seek(position)
        frame = await engine.frame(WIDE)
        stories.append(frame.reason)
        marks.append([(mark.step, mark.text) for mark in frame.curve.marks])
    assert stories[0] == ""
    assert stories[2].startswith("reinit-dead: reinitialised 4 neurons")
    assert stories[4].startswith("undo: 'reinit-dead' taken back")
    assert stories[-1].endswith("the run ends at step 250: quit")
    assert marks == [[], [], [(200, "reinit-dead")], [(200, "reinit-dead")], [], []]
    assert engine.marked == [2]


async def test_a_frame_shows_the_activations_as_they_were(played):
    engine, _, trainer, _ = played
    engine.seek(engine.last)
    local = LocalEngine(trainer.experiment)
    local.session.pause()
    local.session.trainer = trainer
    local.session._renew_frames()
    for layer in (1, 2):
        view = replace(WIDE, layer=layer)
        recorded, live = (await engine.frame(view)).heatmap, local.session.frame(view).heatmap
        np.testing.assert_allclose(recorded.values, live.values, rtol=1e-3)
        assert (recorded.dead, recorded.units, recorded.total) == (live.dead, live.units, live.total)
    frame = await engine.frame(WIDE)
    assert frame.snapshot == json_round(trainer.snapshot())
    assert frame.inputs == 3
    assert frame.series is not None


def json_round(snapshot):
    """Return the snapshot as it comes back from its event."""
    from backprop_core.recorded_events import read_snapshot

    return read_snapshot(json.loads(to_json_line(snapshot_event(snapshot)))).snapshot


async def test_it_plays_at_its_speed_pauses_steps_and_goes_back(played):
    engine, clock, *_ = played
    assert (engine.mode, engine.position) == ("RUNNING", 0)
    clock.now = 0.9
    await engine.frame(WIDE)
    assert engine.position == 1
    clock.now = 1.6
    await engine.frame(WIDE)
    assert engine.position == 3
    await engine.pause()
    clock.now = 60.0
    await engine.frame(WIDE)
    assert (engine.mode, engine.position) == ("PAUSED", 3)
    engine.step(-2)
    assert engine.position == 1
    engine.step(-9)
    assert engine.position == 0
    await engine.resume()
    clock.now = 61.0
    await engine.frame(WIDE)
    assert engine.position == 2
    assert [engine.change_speed(1) for _ in range(9)] == [
        5.0,
        10.0,
        20.0,
        50.0,
        100.0,
        100.0,
        100.0,
        100.0,
        100.0,
    ]
    clock.now = 61.011
    await engine.frame(WIDE)
    assert engine.position == 3
    clock.now = 99.0
    await engine.frame(WIDE)
    assert (engine.mode, engine.position) == ("DONE", engine.last)
    engine.step(-1)
    assert engine.mode == "PAUSED"
    engine.seek(engine.last)
    await engine.resume()
    assert (engine.mode, engine.position) == ("RUNNING", 0)


@pytest.mark.parametrize(
    "request_",
    [
        lambda engine: engine.command(Step()),
        lambda engine: engine.pace(1.0),
        lambda engine: engine.script(),
        lambda engine: engine.load(None),
        lambda engine: engine.state(),
        lambda engine: engine.recording(0),
        lambda engine: engine.end_event("quit"),
    ],
)
async def test_a_record_cannot_be_changed(played, request_):
    with pytest.raises(UserError, match="looked at, not changed"):
        await request_(played[0])


async def test_a_headless_record_shows_what_it_holds_and_no_more(tmp_path):
    trainer = Trainer(load_preset("digits"))
    events = [start_event(trainer.experiment, trainer.network.parameters.size)]
    for _ in range(4):
        events.append(snapshot_event(trainer.snapshot()))
        trainer.apply(Step(10))
    engine = ReplayEngine(record_of(tmp_path / "r.jsonl", *events))
    engine.seek(3)
    frame = await engine.frame(WIDE)
    assert frame.heatmap.values.size == 0
    assert frame.accuracy is None
    assert frame.curve.last_step.tolist() == [10, 20, 30]
    assert frame.snapshot.step == 30


async def test_a_record_shows_the_network_as_it_was_at_every_moment(tmp_path):
    trainer = Trainer(load_preset("circles"))
    events, sizes = [start_event(trainer.experiment, trainer.network.parameters.size)], []
    lines = ("add-layer 1 3", "set features x,y,x^2", "narrow 2 5", "set data digits", "remove-layer", "undo")
    for line in (*lines, "restart"):
        sizes.append(trainer.network.sizes)
        events.append(recorded_snapshot(trainer, max(trainer.step_count - 5, 0)))
        events.append(outcome_event(trainer.apply(parse_command(line))))
        trainer.apply(Step(5))
    engine = ReplayEngine(record_of(tmp_path / "r.jsonl", *events))
    shown = []
    for moment in range(len(sizes)):
        engine.seek(moment)
        frame = await engine.frame(WIDE)
        shown.append((frame.inputs, *(layer.units for layer in frame.snapshot.layers)))
    assert shown == sizes


async def test_the_curve_is_reduced_to_what_the_view_can_show(played):
    engine, *_ = played
    engine.seek(3)
    whole = (await engine.frame(WIDE)).curve
    few = (await engine.frame(replace(WIDE, curve_columns=8))).curve
    assert 4 <= len(few.low) <= 8
    assert np.nanmin(few.low) == np.nanmin(whole.low)
    assert np.nanmax(few.high) == np.nanmax(whole.high)
    zoomed = (await engine.frame(replace(WIDE, curve_from=400))).curve
    assert zoomed.first_step[0] >= 380


def test_several_runs_in_one_record_follow_one_another(tmp_path):
    path = tmp_path / "record.jsonl"
    session_of(path)
    session_of(path)
    record = read_record(path)
    assert record.runs == 2
    assert [moment.run for moment in record.moments] == [1] * 6 + [2] * 6
    assert record.moments[6].story.endswith("run 2 begins")
    assert ReplayEngine(record).marked == [2, 6, 8]


@pytest.mark.parametrize("cut", [1, 10, 100])
def test_a_line_cut_off_by_a_kill_is_left_out_and_said(tmp_path, cut):
    path = tmp_path / "record.jsonl"
    session_of(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: -1 - cut])
    record = read_record(path)
    assert len(record.moments) == 6
    assert record.note == f"{path}: line 13 is cut off, as by a kill, and left out"
    session_of(path)
    again = read_record(path)
    assert again.note == record.note
    assert len(again.moments) == 12


def test_a_whole_record_has_no_note(tmp_path):
    session_of(tmp_path / "record.jsonl")
    assert read_record(tmp_path / "record.jsonl").note == ""


def test_events_of_kinds_that_are_not_known_are_passed_over(tmp_path):
    trainer = Trainer(load_preset("xor"))
    start, snapshot = start_event(trainer.experiment, 17), snapshot_event(trainer.snapshot())
    record = record_of(tmp_path / "r.jsonl", start, {"event": "finding", "id": "x"}, snapshot)
    assert len(record.moments) == 1
    assert ReplayEngine(record).mode == "DONE"


async def test_a_divergence_is_a_gap_and_an_event_of_the_curve(tmp_path):
    trainer = Trainer(load_preset("sequence"))
    with np.errstate(all="ignore"):
        trainer.apply(SetOption("learning-rate", 1e200))
        trainer.step(50)
        events = [start_event(trainer.experiment, 21), recorded_snapshot(trainer, 0), end_event(trainer, "x")]
    engine = ReplayEngine(record_of(tmp_path / "r.jsonl", *events))
    frame = await engine.frame(WIDE)
    assert frame.curve.non_finite == tuple(trainer.history.non_finite)
    assert np.isnan(frame.snapshot.training_loss)


async def test_a_restart_begins_the_curve_again(tmp_path):
    trainer = Trainer(load_preset("xor"))
    events = [start_event(trainer.experiment, 17)]
    trainer.step(30)
    events.append(recorded_snapshot(trainer, 0))
    outcome = trainer.apply(Restart(5))
    events += [outcome_event(outcome), recorded_snapshot(trainer, 0)]
    trainer.step(10)
    events.append(recorded_snapshot(trainer, 0))
    engine = ReplayEngine(record_of(tmp_path / "r.jsonl", *events))
    engine.seek(1)
    assert (await engine.frame(WIDE)).curve.last_step.tolist() == []
    engine.seek(2)
    frame = await engine.frame(WIDE)
    assert frame.curve.last_step[-1] == 10
    assert [mark.text for mark in frame.curve.marks] == ["restart seed 5"]


def test_gaps_in_a_recorded_curve_are_no_sign_of_numbers_that_are_not_finite(tmp_path):
    trainer = Trainer(load_preset("sequence"))
    trainer.step(30)
    assert "finite" not in json.loads(to_json_line(recorded_snapshot(trainer, 0)))


async def test_a_replay_that_was_suspended_plays_on_from_where_it_stood(played):
    engine, clock, *_ = played
    clock.now = 0.6
    await engine.frame(WIDE)
    engine.suspend()
    clock.now = 3600.6
    engine.go_on()
    await engine.frame(WIDE)
    assert engine.position == 1
    clock.now += 0.5
    await engine.frame(WIDE)
    assert engine.position == 2
