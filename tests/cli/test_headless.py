from __future__ import annotations

import hashlib
import io
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from backprop_core.presets import load_preset
from backprop_core.trainer import Trainer
from backprop_tui.cli import main

COMMAND = [sys.executable, "-m", "backprop_tui"]


def run(capsys, *words) -> tuple[int, list[dict], str]:
    code = main(["run", *words, "--headless"])
    out, err = capsys.readouterr()
    return code, [json.loads(line) for line in out.splitlines()], err


def of_kind(events, kind):
    return [event for event in events if event["event"] == kind]


@pytest.fixture
def script(tmp_path):
    def write(text: str) -> str:
        path = tmp_path / "commands.txt"
        path.write_text(text)
        return str(path)

    return write


def test_worked_example_prints_the_published_losses(capsys):
    code, events, _ = run(capsys, "worked-example")
    assert code == 0
    snapshots = of_kind(events, "snapshot")
    assert f"{snapshots[0]['loss']['training']:.9f}" == "0.298371109"
    assert f"{snapshots[1]['loss']['training']:.9f}" == "0.291027774"
    assert f"{snapshots[-1]['loss']['training']:.10f}" == "0.0000351085"
    assert events[-1]["step"] == 9999


def test_the_events_are_those_of_the_contract(capsys):
    _, events, _ = run(capsys, "xor", "--epochs", "20")
    start, end = events[0], events[-1]
    assert start["event"] == "start"
    assert {"version", "experiment", "parameters", "seed"} <= start.keys()
    assert start["experiment"]["network"]["hidden"] == [4]
    assert start["parameters"] == 17
    assert end["event"] == "end"
    assert {"reason", "step", "epoch", "loss", "parameters_sha256"} <= end.keys()
    snapshot = events[-2]
    assert snapshot["event"] == "snapshot"
    assert snapshot["step"] == end["step"] == 20
    assert snapshot["loss"]["training"] == end["loss"]
    assert {"epoch", "learning_rate", "gradient_norm", "layers", "predictions"} <= snapshot.keys()
    layer = snapshot["layers"][0]
    assert {"layer", "activation", "units", "dead", "gradient_norm", "update_ratio"} <= layer.keys()
    assert {"prediction", "target"} <= snapshot["predictions"][0].keys()


def test_the_hash_is_of_the_flat_little_endian_parameters(capsys):
    _, events, _ = run(capsys, "xor", "--epochs", "20", "--quiet")
    trainer = Trainer(load_preset("xor"))
    trainer.run_epochs(20)
    flat = np.concatenate([array.ravel() for array in trainer.network.named().values()])
    assert events[-1]["parameters_sha256"] == hashlib.sha256(flat.astype("<f8").tobytes()).hexdigest()


def test_quiet_prints_the_last_snapshot_and_the_end_only(capsys):
    _, events, err = run(capsys, "xor", "--epochs", "20", "--quiet")
    assert [event["event"] for event in events] == ["snapshot", "end"]
    assert err == ""


def test_two_processes_print_the_same_hash():
    outputs = [
        subprocess.run(
            [*COMMAND, "run", "moons", "--headless", "--quiet", "--epochs", "30"],
            capture_output=True,
            check=True,
        ).stdout
        for _ in range(2)
    ]
    assert outputs[0] == outputs[1]


def test_a_script_trains_checks_and_heals(capsys, script):
    path = script(
        """# the default experiment, healed
        run 500 epochs
        expect dead == 4
        expect loss > 2.4   # it stalls
        reinit-dead
        expect dead == 0
        run until loss < 0.1 or 50000 epochs
        expect loss < 0.1
        """
    )
    code, events, _ = run(capsys, "sequence", "--script", path)
    assert code == 0
    expects = of_kind(events, "expect")
    assert [event["condition"] for event in expects] == ["dead == 4", "loss > 2.4", "dead == 0", "loss < 0.1"]
    assert all(event["passed"] for event in expects)
    revived = next(event for event in of_kind(events, "command") if event["command"] == "reinit-dead")
    assert revived["loss_before"] == pytest.approx(revived["loss_after"])
    assert "dead 4 → 0" in revived["result"]
    assert of_kind(events, "end")[0]["reason"] == "script"


def test_a_failed_expectation_ends_the_script_with_exit_code_1(capsys, script):
    code, events, _ = run(capsys, "xor", "--script", script("step 3\nexpect loss < 0\nstep 3\n"))
    assert code == 1
    assert of_kind(events, "expect")[0]["passed"] is False
    assert [event["event"] for event in events[-2:]] == ["snapshot", "end"]
    assert events[-1]["step"] == 3


def test_a_bad_script_is_refused_before_anything_is_trained(capsys, script):
    path = script("run 5 epochs\nrnu 5 epochs\n")
    code, events, err = run(capsys, "xor", "--script", path)
    assert code == 2
    assert events == []
    assert err.count("\n") == 1
    assert "line 2" in err
    assert "run" in err


def test_a_script_is_read_from_standard_input(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("step 2\nsnapshot\n"))
    code, events, _ = run(capsys, "xor", "--script", "-")
    assert code == 0
    assert events[-1]["step"] == 2


def test_every_command_of_the_contract_runs_in_a_script(capsys, script, tmp_path):
    weights, state = tmp_path / "weights.npz", tmp_path / "state.npz"
    path = script(
        f"""run 500 epochs
        run until loss < 0.05 or 100 epochs
        step 3
        expect epoch >= 500
        expect step >= 500
        expect validation_loss > 0
        expect gradient_norm >= 0
        expect learning_rate == 0.03
        reinit-dead
        activation hidden leaky-relu 0.01
        activation 1 tanh
        activation output linear
        set learning-rate 0.01
        set batch-size 4
        set weight-decay 0.001
        set gradient-clip 1
        set reduction sum
        set optimizer adam
        standardize
        undo
        restart
        restart seed 7
        step 2
        snapshot
        save {weights}
        checkpoint {state}
        """
    )
    code, _events, err = run(capsys, "sequence", "--script", path)
    assert (code, err) == (0, "")
    assert weights.exists()
    assert state.exists()
    code, resumed, _ = run(capsys, "--resume", str(state), "--script", script("step 1"))
    assert code == 0
    assert of_kind(resumed, "end")[0]["step"] == 3


def test_add_bias_in_a_script(capsys, script):
    code, _, _ = run(capsys, "as-posted", "--script", script("add-bias\nexpect loss > 0\n"))
    assert code == 0


def test_a_non_finite_loss_ends_with_exit_code_3_and_null(capsys):
    code, events, _ = run(
        capsys, "sequence", "--activation", "linear", "--learning-rate", "1000", "--epochs", "500"
    )
    assert code == 3
    end = events[-1]
    assert end["reason"] == "non-finite loss"
    snapshot = events[-2]
    assert end["loss"] is None or math.isfinite(end["loss"])
    if end["loss"] is None:
        assert end["finite"] is False
        assert snapshot["finite"] is False


def test_records_hold_the_events_that_are_printed(capsys, tmp_path):
    path = tmp_path / "record.jsonl"
    _, events, _ = run(capsys, "xor", "--epochs", "20", "--record", str(path))
    recorded = [json.loads(line) for line in path.read_text().splitlines()]
    assert recorded == events
    run(capsys, "xor", "--epochs", "20", "--record", str(path), "--quiet")
    assert len(path.read_text().splitlines()) == 2 * len(events)


def test_resume_goes_on_to_the_bits_of_an_uninterrupted_run(capsys, tmp_path):
    state = tmp_path / "state.npz"
    _, whole, _ = run(capsys, "moons", "--epochs", "40", "--quiet")
    script = tmp_path / "half.txt"
    script.write_text(f"run 17 epochs\nstep 2\ncheckpoint {state}\n")
    run(capsys, "moons", "--epochs", "40", "--script", str(script))
    code, rest, _ = run(capsys, "--resume", str(state), "--quiet")
    assert code == 0
    assert rest[-1]["parameters_sha256"] == whole[-1]["parameters_sha256"]


def test_resume_refuses_options_that_would_change_the_experiment(capsys, tmp_path):
    code = main(["run", "--resume", str(tmp_path / "state.npz"), "--headless", "--seed", "3"])
    assert code == 2
    assert "--resume" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_saves_and_ends_with_its_code(tmp_path, number):
    state = tmp_path / "state.npz"
    process = subprocess.Popen(
        [*COMMAND, "run", "sequence", "--headless", "--epochs", "1000000000", "--checkpoint", str(state)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while '"epoch": 100,' not in process.stdout.readline():
        pass
    process.send_signal(number)
    rest = process.communicate(timeout=30)[0].splitlines()
    assert process.returncode == 128 + number
    end = json.loads(rest[-1])
    assert end["event"] == "end"
    assert number.name in end["reason"]
    assert state.exists()


def test_a_reader_that_goes_away_ends_the_run_quietly():
    process = subprocess.Popen(
        [*COMMAND, "run", "xor", "--headless"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(30) in (0, 128 + signal.SIGPIPE)


def test_headless_imports_no_screen():
    program = (
        "import sys; from backprop_tui.cli import main; "
        "code = main(['run', 'xor', '--headless', '--quiet', '--epochs', '2']); "
        "print(sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = done.stderr
    for name in ("textual", "plotext", "rich", "asyncio", "multiprocessing"):
        assert f"'{name}'" not in modules


def test_the_record_is_whole_lines_whatever_the_kill(tmp_path):
    path = tmp_path / "record.jsonl"
    process = subprocess.Popen(
        [*COMMAND, "run", "sequence", "--headless", "--epochs", "1000000000", "--record", str(path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while '"epoch": 100,' not in process.stdout.readline():
        pass
    process.kill()
    process.communicate()
    *whole, last = path.read_text().split("\n")
    assert len(whole) > 3
    for line in whole:
        json.loads(line)
    assert last == "" or last.startswith("{")


def test_checkpoints_are_written_at_intervals(tmp_path):
    state = tmp_path / "state.npz"
    process = subprocess.Popen(
        [
            *COMMAND,
            "run",
            "sequence",
            "--headless",
            "--epochs",
            "1000000000",
            "--checkpoint",
            str(state),
            "--checkpoint-every",
            "0.1",
        ],
        stdout=subprocess.DEVNULL,
    )
    try:
        while not state.exists():
            assert process.poll() is None
            os.sched_yield()
    finally:
        process.kill()
        process.wait()


def test_own_series_and_tables_are_as_easy_as_naming_them(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.txt").write_text("\n".join(f"{math.sin(t / 3):.4f}" for t in range(120)))
    code, events, _ = run(capsys, "--series", "mine.txt", "--window", "3", "--epochs", "300")
    assert code == 0
    assert events[0]["experiment"]["experiment"]["name"] == "mine"
    assert events[-1]["loss"] < 0.01
    Path("mine.csv").write_text("a,b,c\n" + "\n".join(f"{i},{i % 7},{2 * i + i % 7}" for i in range(60)))
    code, events, _ = run(capsys, "--csv", "mine.csv", "--target", "c", "--epochs", "2000")
    assert code == 0
    assert events[-1]["loss"] < 5
    x = np.random.default_rng(0).normal(size=(300, 4))
    np.savez("mine.npz", X=x, y=(x[:, 0] > 0).astype(int))
    code, events, _ = run(capsys, "--npz", "mine.npz", "--loss", "cross-entropy", "--epochs", "30")
    assert code == 0
    assert events[0]["experiment"]["training"]["batch_size"] == 32 or len(x) * 0.8 <= 256


def test_a_file_of_ones_own_is_opened_by_its_path(capsys, tmp_path):
    (tmp_path / "data.txt").write_text("1 2 3 4 5 6 7 8 9")
    (tmp_path / "mine.toml").write_text(
        '[experiment]\nname = "mine"\nepochs = 5\n[data]\nseries = "data.txt"\nwindow = 2\n'
        "[network]\nhidden = [3]\n[training]\nlearning_rate = 0.001\n"
    )
    code, events, _ = run(capsys, str(tmp_path / "mine.toml"), "--seed", "3")
    assert code == 0
    assert events[0]["seed"] == 3
    assert events[-1]["epoch"] == 5


def test_one_step_is_told_in_the_singular(capsys, script):
    _, events, _ = run(capsys, "xor", "--script", script("step\nstep 2\n"))
    results = [event["result"] for event in of_kind(events, "command")]
    assert [result.split(" taken")[0] for result in results] == ["1 step", "2 steps"]
