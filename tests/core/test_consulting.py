"""Investigations of a copy of the run, in this process and in one of their own."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
from contextlib import aclosing, closing
from dataclasses import replace
from pathlib import Path

import pytest

from backprop_core.commands import Restart
from backprop_core.consulting import (
    LEAST_EPOCHS,
    Case,
    Examined,
    Foreseen,
    Tried,
    consult,
    sensible_epochs,
)
from backprop_core.engine import LocalEngine
from backprop_core.engine_process import ProcessEngine
from backprop_core.errors import UserError
from backprop_core.experiment import DataSpec
from backprop_core.presets import load_preset
from backprop_core.session import Session
from backprop_core.snapshot import View
from backprop_core.trainer import Trainer

VIEW = View()
DEAD_AT = 200
ONE_HIDDEN_LAYER_DEAD = load_preset("sequence")


def make_case(preset="sequence", steps=DEAD_AT, epochs=40) -> Case:
    session = Session.begin(load_preset(preset), running=False)
    session.trainer.step(steps)
    return replace(session.examine(), epochs=epochs)


def found_in(case: Case):
    found: list = []
    consult(case, found.append)
    return found


def is_gone(process_id: int) -> bool:
    try:
        os.waitpid(process_id, os.WNOHANG)
    except ChildProcessError:
        return True
    return False


@pytest.fixture
def engine():
    with closing(ProcessEngine(ONE_HIDDEN_LAYER_DEAD, fork_epochs=40)) as engine:
        yield engine


def test_forks_are_told_as_they_end_then_the_diagnosis_then_what_keys_would_do():
    found = found_in(make_case())
    forks = [one.forks for one in found if isinstance(one, Tried)]
    assert forks == list(range(1, len(forks) + 1))
    assert [type(one) for one in found if not isinstance(one, Tried)] == [Examined, Foreseen]


def test_the_layer_of_the_dead_neurons_is_pictured():
    (examined,) = (one for one in found_in(make_case()) if isinstance(one, Examined))
    assert examined.diagnosis.step == DEAD_AT
    assert "dead-units" in [finding.id for finding in examined.diagnosis.findings]
    (picture,) = examined.pictures
    assert (picture.layer, picture.mode, picture.dead) == (1, "pre-activations", (True,) * 4)
    assert picture.high <= 0


def test_both_healing_keys_are_forecast_where_they_would_do_something():
    *_, foreseen = found_in(make_case())
    assert [forecast.command for forecast in foreseen.forecasts] == [
        "reinit-dead",
        "activation hidden leaky-relu 0.01",
    ]
    *_, foreseen = found_in(make_case("xor", 10, epochs=5))
    assert foreseen.forecasts == ()


def test_leaky_relu_is_foreseen_to_do_harm_to_the_posted_network():
    *_, foreseen = found_in(make_case("as-posted", 2000, epochs=400))
    leaky = foreseen.forecasts[-1]
    assert leaky.id == "leaky-relu"
    assert leaky.harmful
    assert not leaky.loss_treated < leaky.loss_untreated


def test_forks_are_as_long_as_the_experiment_if_there_is_time_for_it():
    trainer = Trainer(replace(load_preset("xor"), epochs=60))
    assert sensible_epochs(trainer) == 60
    trainer.step(25)
    assert sensible_epochs(trainer) == 35
    trainer.step(35)
    assert sensible_epochs(trainer) == 60


def test_forks_are_shortened_where_an_epoch_takes_long(monkeypatch):
    ticks = iter(range(10**9))
    monkeypatch.setattr("backprop_core.consulting.process_time", lambda: next(ticks) * 1.0)
    assert sensible_epochs(Trainer(replace(load_preset("xor"), epochs=10_000))) == LEAST_EPOCHS


async def test_in_a_process_of_its_own_it_goes_beside_the_training(engine):
    frame = await engine.frame(VIEW)
    while frame.snapshot.dead < 4:
        frame = await engine.frame(VIEW)
    found = []
    async with aclosing(engine.investigate()) as findings:
        async for one in findings:
            found.append(one)
            last = await engine.frame(VIEW)
            if isinstance(one, Examined):
                break
    assert isinstance(found[0], Tried)
    assert found[-1].diagnosis.state == "finding"
    assert last.snapshot.step > frame.snapshot.step
    assert await engine.note(found[-1].version, found[-1].diagnosis) is True
    assert (await engine.frame(VIEW)).health.state == "finding"


async def first_of(engine):
    async with aclosing(engine.investigate()) as findings:
        async for one in findings:
            return one, engine._investigation.process_id
    raise AssertionError("nothing found")


async def test_who_stops_listening_ends_the_process(engine):
    _, process_id = await first_of(engine)
    assert is_gone(process_id)


async def test_a_killed_investigation_is_told_and_the_training_goes_on(engine):
    async def kill_it():
        async for _ in engine.investigate():
            os.kill(engine._investigation.process_id, signal.SIGKILL)

    with pytest.raises(UserError, match="investigation's process was killed by SIGKILL"):
        await kill_it()
    first = await engine.frame(VIEW)
    while (await engine.frame(VIEW)).snapshot.step <= first.snapshot.step:
        pass
    one, _ = await first_of(engine)
    assert isinstance(one, Tried)


async def test_closing_the_engine_ends_an_investigation_too(engine):
    async def listen():
        async for _ in engine.investigate():
            pass

    listening = asyncio.ensure_future(listen())
    while engine._investigation is None:
        await asyncio.sleep(0)
    engine.close()
    assert is_gone(engine._investigation.process_id)
    await asyncio.wait([listening])
    assert listening.exception() is None


async def test_an_interrupt_from_the_terminal_does_not_end_an_investigation(engine):
    interrupted = False
    async with aclosing(engine.investigate()) as findings:
        async for one in findings:
            if not interrupted:
                os.kill(engine._investigation.process_id, signal.SIGINT)
                interrupted = True
            elif isinstance(one, Examined):
                return
    raise AssertionError("no diagnosis")


async def test_data_that_have_changed_meanwhile_are_told_in_a_line(tmp_path):
    series = tmp_path / "series.txt"
    series.write_text("1 2 3 4 5 6 7 8 9\n")
    own = replace(
        ONE_HIDDEN_LAYER_DEAD,
        data=DataSpec(series=str(series), window=3, validation=0.0),
    )
    with closing(ProcessEngine(own)) as engine:
        await engine.frame(VIEW)
        series.write_text("9 8 7 6 5 4 3 2 1\n")
        with pytest.raises(UserError, match="the run: the experiment's data have changed"):
            await first_of(engine)


async def test_the_local_engine_finds_the_same_at_every_run():
    found = []
    for _ in range(2):
        engine = LocalEngine(ONE_HIDDEN_LAYER_DEAD, steps_per_frame=DEAD_AT, fork_epochs=40)
        await engine.frame(VIEW)
        found.append([one async for one in engine.investigate() if isinstance(one, Examined)])
    assert found[0][0].diagnosis == found[1][0].diagnosis
    await engine.command(Restart())
    assert await engine.note(found[1][0].version, found[1][0].diagnosis) is False


@pytest.mark.skipif(sys.platform != "linux", reason="waits for a process that is not its child")
def test_an_investigation_ends_with_the_screens_process_however_that_ends():
    script = """
import asyncio
from backprop_core.engine_process import ProcessEngine
from backprop_core.presets import load_preset
async def main():
    engine = ProcessEngine(load_preset("as-posted"))
    engine.ready()
    async for found in engine.investigate():
        print(engine._investigation.process_id, flush=True)
asyncio.run(main())
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    with parent:
        worker = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
        ended, _, _ = select.select([worker], [], [], 30)
        os.close(worker)
    assert ended


@pytest.mark.skipif(sys.platform != "linux", reason="reads another process's priority")
async def test_training_and_the_screen_go_first(engine):
    async for _ in engine.investigate():
        fields = Path(f"/proc/{engine._investigation.process_id}/stat").read_text().rpartition(")")[2].split()
        assert int(fields[16]) > 0
        return
