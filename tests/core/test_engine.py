from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from backprop_core.blas_threads import THREAD_COUNTS
from backprop_core.commands import Condition, Expect, Restart, Run, SetOption, Step, Undo
from backprop_core.engine import EngineDied, LocalEngine
from backprop_core.engine_messages import Unpacker, pack
from backprop_core.engine_process import ProcessEngine
from backprop_core.errors import UserError
from backprop_core.experiment import Choice, DataSpec, Experiment, NetworkSpec, TrainingSpec
from backprop_core.grammar import parse_script
from backprop_core.session import Session
from backprop_core.snapshot import View
from backprop_core.trainer import Trainer

SERIES = Experiment(
    name="series",
    data=DataSpec(builtin="sequence", window=3, validation=0.17, standardize=True),
    network=NetworkSpec(hidden=(4,)),
    training=TrainingSpec(learning_rate=0.05),
)
MOONS = Experiment(
    name="moons",
    data=DataSpec(builtin="moons", samples=50, noise=0.1, validation=0.2),
    network=NetworkSpec(hidden=(6,), output=Choice("sigmoid")),
    training=TrainingSpec(
        loss=Choice("binary-cross-entropy"), optimizer=Choice("adam"), learning_rate=0.02, batch_size=16
    ),
)
MISSING = replace(SERIES, data=DataSpec(series="no such file", window=3))
VIEW = View()


@pytest.fixture
def engine():
    with closing(ProcessEngine(SERIES)) as engine:
        yield engine


@pytest.fixture(params=[LocalEngine, ProcessEngine], ids=["local", "process"])
def either(request):
    with closing(request.param(MOONS)) as engine:
        yield engine


async def until_step(engine, step: int) -> None:
    while (await engine.frame(VIEW)).snapshot.step < step:
        pass


def sha256_of(state: bytes) -> str:
    return Session.begin(state).trainer.parameters_sha256()


def is_child(process_id: int) -> bool:
    """Tell whether this process has such a child, living or a zombie."""
    try:
        os.waitpid(process_id, os.WNOHANG)
    except ChildProcessError:
        return False
    return True


async def test_the_local_engine_trains_as_many_steps_a_frame_as_it_is_told():
    shown = []
    for _ in range(2):
        engine = LocalEngine(SERIES, steps_per_frame=50)
        shown.append([await engine.frame(VIEW) for _ in range(4)])
    assert [frame.snapshot.step for frame in shown[0]] == [50, 100, 150, 200]
    assert shown[0][-1].steps_per_second == pytest.approx(500)
    assert [frame.snapshot for frame in shown[0]] == [frame.snapshot for frame in shown[1]]


async def test_the_local_engine_keeps_to_a_pace():
    engine = LocalEngine(SERIES, steps_per_frame=50)
    await engine.pace(30)
    steps = [(await engine.frame(VIEW)).snapshot.step for _ in range(10)]
    assert steps == list(range(3, 33, 3))


async def test_commands_frames_and_states_go_round(either):
    await until_step(either, 20)
    await either.pause()
    frame = await either.frame(VIEW)
    assert frame.state == "PAUSED"
    assert (await either.command(Step(3))).step == frame.snapshot.step + 3
    held = Expect(Condition("step", "==", frame.snapshot.step + 3))
    assert (await either.command(held)).passed is True
    await either.command(SetOption("learning-rate", 0.01))
    await either.resume()
    frame = await either.frame(VIEW)
    assert (frame.state, frame.snapshot.learning_rate) == ("RUNNING", 0.01)
    assert frame.undoable == "set learning-rate 0.01"


async def test_what_cannot_be_done_is_a_user_error_and_the_run_goes_on(either):
    with pytest.raises(UserError, match="nothing to undo"):
        await either.command(Undo())
    with pytest.raises(UserError, match="above 0"):
        await either.pace(0)
    with pytest.raises(UserError, match="no such file"):
        await either.load(MISSING)
    assert (await either.frame(VIEW)).state == "RUNNING"


async def test_another_experiment_replaces_the_run(either):
    await either.load(SERIES, "preset-name")
    await either.pause()
    assert len((await either.frame(VIEW)).snapshot.predictions) == 12
    assert "run preset-name --headless" in await either.script()


async def test_a_script_of_a_session_replays_to_the_same_bits(either):
    await until_step(either, 100)
    await either.command(SetOption("learning-rate", 0.005))
    await until_step(either, 200)
    await either.command(Restart(seed=5))
    await until_step(either, 100)
    await either.pause()
    replayed = Trainer(MOONS)
    for _, command in parse_script(await either.script(), "script"):
        replayed.apply(command)
    assert sha256_of(await either.state()) == replayed.parameters_sha256()


async def test_a_revived_engine_goes_on_from_the_last_state(either):
    await either.pause()
    await either.command(Step(11))
    state = await either.state()
    assert either.last_state == state
    await either.command(Step(20))
    either.close()
    with closing(either.revived()) as revived:
        await revived.pause()
        await revived.command(Restart())
        await revived.command(Undo())
        assert (await revived.frame(VIEW)).snapshot.step >= 11
        lines = (await revived.script()).splitlines()
    replayed = Trainer(MOONS)
    replayed.step(11)
    assert sha256_of(state) == replayed.parameters_sha256()
    assert "run moons --headless" in lines[2]


async def test_without_a_state_a_revived_engine_begins_anew(either):
    await until_step(either, 300)
    either.close()
    with closing(either.revived()) as revived:
        await revived.pause()
        frame = await revived.frame(VIEW)
    assert frame.curve.marks == ()
    assert len(frame.snapshot.predictions) == 50


async def test_several_requests_may_be_under_way_at_once(engine):
    await engine.pause()
    start = (await engine.frame(VIEW)).snapshot.step
    frame, outcome, later, script = await asyncio.gather(
        engine.frame(VIEW), engine.command(Step(2)), engine.frame(VIEW), engine.script()
    )
    assert (frame.snapshot.step, outcome.step, later.snapshot.step) == (start, start + 2, start + 2)
    assert script.startswith("# A session")


async def test_a_request_that_was_given_up_does_not_disturb_the_next(engine):
    given_up = asyncio.ensure_future(engine.frame(VIEW))
    await asyncio.sleep(0)
    given_up.cancel()
    assert (await engine.command(Step(1))).command == "step 1"


async def test_a_large_request_is_sent_whole(engine):
    await engine.pause()
    line = "# " + "x" * 5_000_000
    await engine.load(replace(MOONS, description=line))
    assert (await engine.frame(VIEW)).snapshot.step >= 0


async def test_a_long_run_is_answered_at_once_and_can_be_paused(engine):
    outcome = await engine.command(Run(epochs=100_000_000))
    assert outcome.result.startswith("training:")
    await engine.pause()
    assert (await engine.frame(VIEW)).state == "PAUSED"


def test_ready_says_what_is_wrong_with_the_experiment():
    with closing(ProcessEngine(MISSING)) as engine, pytest.raises(UserError, match="no such file"):
        engine.ready()


def test_a_process_may_be_started_before_the_experiment_is_known():
    with closing(ProcessEngine()) as engine:
        engine.open(MISSING)
        with pytest.raises(UserError, match="no such file"):
            engine.ready()
        engine.open(SERIES)
        engine.ready()
        assert asyncio.run(engine.frame(VIEW)).snapshot.step >= 0


async def test_before_an_experiment_is_open_requests_say_why():
    with closing(ProcessEngine()) as engine:
        with pytest.raises(UserError, match="no experiment"):
            await engine.frame(VIEW)
        with pytest.raises(UserError, match="no such file"):
            await engine.load(MISSING)
        with pytest.raises(UserError, match="no such file"):
            await engine.frame(VIEW)
        await engine.load(SERIES)
        assert (await engine.frame(VIEW)).state == "RUNNING"


def test_an_engine_serves_one_event_loop_after_another(engine):
    first = asyncio.run(engine.frame(VIEW)).snapshot.step
    assert asyncio.run(engine.frame(VIEW)).snapshot.step >= first


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
async def test_a_killed_process_is_a_death_with_its_signal(engine, number):
    await engine.frame(VIEW)
    waiting = [asyncio.ensure_future(engine.frame(VIEW)) for _ in range(3)]
    os.kill(engine.process_id, number)
    with pytest.raises(EngineDied) as death:
        await until_step(engine, sys.maxsize)
    assert death.value.reason == f"the training process was killed by {number.name}"
    await asyncio.wait(waiting)
    for request in waiting:
        request.exception()
    with pytest.raises(EngineDied):
        await engine.command(Step(1))
    assert not is_child(engine.process_id)


async def test_an_unexpected_error_is_a_death_with_its_traceback(engine):
    with pytest.raises(EngineDied) as death:
        await engine.command("not a command")
    assert death.value.reason.startswith("the training process failed: ")
    assert "Traceback" in death.value.details
    assert "\n" not in death.value.reason
    assert not is_child(engine.process_id)


def test_a_process_that_cannot_start_says_why(monkeypatch, tmp_path):
    broken = tmp_path / "numpy.py"
    broken.write_text("raise ImportError('this NumPy is broken')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with closing(ProcessEngine(SERIES)) as engine, pytest.raises(EngineDied) as death:
        engine.ready()
    assert "this NumPy is broken" in death.value.reason
    assert "Traceback" in death.value.details


async def test_close_ends_the_process_and_may_be_repeated(engine):
    await engine.frame(VIEW)
    engine.close()
    engine.close()
    assert not is_child(engine.process_id)
    with pytest.raises(EngineDied, match="has been ended"):
        await engine.frame(VIEW)


def test_close_right_after_the_start_leaves_no_process():
    engine = ProcessEngine(SERIES)
    engine.close()
    assert not is_child(engine.process_id)


def test_close_after_its_event_loop_has_gone_leaves_no_process(engine):
    asyncio.run(engine.frame(VIEW))
    engine.close()
    assert not is_child(engine.process_id)


async def test_close_ends_a_stopped_process_too(engine):
    await engine.frame(VIEW)
    os.kill(engine.process_id, signal.SIGSTOP)
    engine.close()
    assert not is_child(engine.process_id)


async def test_close_cancels_what_is_under_way(engine):
    await engine.frame(VIEW)
    os.kill(engine.process_id, signal.SIGSTOP)
    waiting = asyncio.ensure_future(engine.frame(VIEW))
    await asyncio.sleep(0)
    engine.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_an_interrupt_from_the_terminal_does_not_end_training(engine):
    await engine.frame(VIEW)
    os.kill(engine.process_id, signal.SIGINT)
    assert (await engine.command(Step(1))).command == "step 1"


@pytest.mark.skipif(sys.platform != "linux", reason="waits for a process that is not its child")
@pytest.mark.parametrize("ending", ["os.kill(os.getpid(), signal.SIGKILL)", "os._exit(0)", "sys.exit(0)"])
def test_the_process_ends_with_the_screens_however_that_ends(ending):
    script = f"""
import os, signal, sys
from backprop_core.engine_process import ProcessEngine
from backprop_core.presets import load_preset
engine = ProcessEngine(load_preset("sequence"))
engine.ready()
print(engine.process_id, flush=True)
sys.stdin.readline()
{ending}
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with parent:
        worker = os.pidfd_open(int(parent.stdout.readline()))
        parent.stdin.write(b"\n")
        parent.stdin.close()
        ended, _, _ = select.select([worker], [], [], 30)
        os.close(worker)
    assert ended


@pytest.mark.skipif(sys.platform != "linux", reason="reads another process's environment")
async def test_the_training_process_uses_one_thread_for_matrix_products(monkeypatch):
    for name in THREAD_COUNTS:
        monkeypatch.delenv(name, raising=False)
    with closing(ProcessEngine(SERIES)) as engine:
        await engine.frame(VIEW)
        environment = Path(f"/proc/{engine.process_id}/environ").read_text().split("\0")
    assert {f"{name}=1" for name in THREAD_COUNTS} <= set(environment)


def test_messages_arrive_whole_however_they_are_cut():
    sent = [(1, "frame", ()), (2, "load", (MOONS, "x" * 1000)), (3, "pause", ())]
    stream = b"".join(map(pack, sent))
    for size in (1, 7, 100, len(stream)):
        unpacker = Unpacker()
        received = []
        for begin in range(0, len(stream), size):
            received += unpacker.feed(stream[begin : begin + size])
        assert received == sent
