"""Nothing is lost headless: kills, full disks, folders that vanish, readers that go away."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from backprop_core.checkpoint import read_checkpoint
from backprop_core.events import Recorder
from backprop_core.trainer import Trainer
from backprop_tui import headless
from backprop_tui.cli import main
from tests.core.test_kills import file_size_limit

COMMAND = [sys.executable, "-m", "backprop_tui", "run"]


def events_of(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def run(capsys, *words: str) -> tuple[int, list[dict], str]:
    code = main(["run", *words, "--headless"])
    out, err = capsys.readouterr()
    return code, events_of(out), err


def test_a_killed_process_resumed_ends_on_the_bits_of_an_uninterrupted_run(tmp_path):
    words = ["digits", "--epochs", "25", "--headless", "--quiet"]
    checkpointed = ["--checkpoint", "state.npz", "--checkpoint-every", "0.01"]
    whole = subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=True, cwd=tmp_path)
    state = tmp_path / "state.npz"
    chance = random.Random(3)
    for kill in range(3):
        start = ["--resume", "state.npz", "--headless", "--quiet"] if kill else words
        process = subprocess.Popen([*COMMAND, *start, *checkpointed], cwd=tmp_path, stdout=subprocess.PIPE)
        written = set()
        wanted = chance.randrange(2, 6)
        while len(written) < wanted and process.poll() is None:
            if state.exists():
                written.add(state.stat().st_mtime_ns)
        process.kill()
        process.communicate()
        assert read_checkpoint(state).step_count > 0
    rest = subprocess.run(
        [*COMMAND, "--resume", "state.npz", "--headless", "--quiet", *checkpointed],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert events_of(rest.stdout)[-1] == events_of(whole.stdout)[-1]
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.npz"]


def test_a_resumed_run_without_an_end_of_its_own_ends_where_it_would_have(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(headless, "DEFAULT_EPOCHS", 50)
    state = str(tmp_path / "state.npz")
    script = tmp_path / "part.txt"
    script.write_text(f"run 17 epochs\nstep 1\ncheckpoint {state}\n")
    _, whole, _ = run(capsys, "sequence", "--batch-size", "4", "--quiet")
    run(capsys, "sequence", "--batch-size", "4", "--script", str(script))
    _, rest, _ = run(capsys, "--resume", state, "--quiet", "--checkpoint", state)
    assert rest[-1] == whole[-1]
    _, again, _ = run(capsys, "--resume", state, "--quiet")
    assert again[-1] == whole[-1]


def test_on_a_full_disk_the_run_goes_on_and_the_last_checkpoint_stays(capsys, tmp_path):
    state = tmp_path / "state.npz"
    run(capsys, "xor", "--epochs", "20", "--checkpoint", str(state))
    with file_size_limit(1000):
        code, events, err = run(
            capsys, "xor", "--epochs", "60", "--checkpoint", str(state), "--checkpoint-every", "1e-9"
        )
    assert events[-1]["epoch"] == 60
    assert err == f"backprop-tui: {state}: cannot be written: File too large\n", "told once"
    assert code == 2
    assert read_checkpoint(state).epoch == 20


def test_a_checkpoint_that_can_be_written_again_is_forgiven(capsys, tmp_path):
    folder = tmp_path / "gone"
    script = tmp_path / "script.txt"
    script.write_text(
        f"step 1\ncheckpoint {folder}/state.npz\nsave {folder}/w.npz\nstep 2\nsave {tmp_path}/w.npz\n"
    )
    code, events, err = run(capsys, "xor", "--script", str(script))
    assert code == 2
    assert events[-1]["step"] == 3
    assert (tmp_path / "w.npz").exists()
    assert [line.split(": ")[1] for line in err.splitlines()] == [f"{script}, line 2", f"{script}, line 3"]
    failed = [
        event["result"] for event in events if event["event"] == "command" and "failed" in event["result"]
    ]
    assert len(failed) == 2
    folder.mkdir()
    assert run(capsys, "xor", "--script", str(script))[0] == 0


def test_a_record_ends_with_a_whole_line_where_the_disk_is_full_and_the_run_goes_on(capsys, tmp_path):
    record = tmp_path / "record.jsonl"
    with file_size_limit(5000):
        code, events, err = run(capsys, "xor", "--epochs", "60", "--record", str(record))
    assert code == 2
    assert events[-1]["epoch"] == 60
    assert err == f"backprop-tui: {record}: the record ends here: File too large\n"
    text = record.read_text()
    assert text.endswith("\n")
    recorded = events_of(text)
    assert 1 < len(recorded) < len(events)
    assert recorded == events[: len(recorded)]


@pytest.mark.parametrize("cut", [1, 20, 100])
def test_a_record_goes_on_after_a_line_that_a_kill_has_cut_off(capsys, tmp_path, cut):
    record = tmp_path / "record.jsonl"
    run(capsys, "xor", "--epochs", "5", "--record", str(record))
    whole = record.read_bytes()
    record.write_bytes(whole[:-cut])
    run(capsys, "xor", "--epochs", "5", "--record", str(record))
    lines = record.read_bytes().split(b"\n")
    half = len(whole.splitlines())
    # Of the last line only its end may be missing: then it is whole.
    assert lines[half - 1] == whole[:-cut].splitlines()[-1]
    assert json.loads(lines[half])["event"] == "start"


def test_a_record_into_a_pipe_that_nobody_reads_does_not_wait_for_ever(tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe")
    assert main(["run", "xor", "--headless", "--record", str(tmp_path / "pipe")]) == 2
    assert "pipe: cannot be written" in capsys.readouterr().err


def test_a_recorder_writes_whole_lines_or_none(tmp_path):
    recorder = Recorder(tmp_path / "record.jsonl")
    recorder.write({"event": "start"})
    with file_size_limit(30), pytest.raises(OSError, match="too large"):
        recorder.write({"event": "end", "reason": "x" * 100})
    recorder.write({"event": "end"})
    recorder.close()
    assert events_of((tmp_path / "record.jsonl").read_text()) == [{"event": "start"}, {"event": "end"}]


def test_when_standard_output_is_full_the_state_is_saved_and_one_line_says_so(tmp_path):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "xor", "--headless", "--epochs", "5000", "--checkpoint", "state.npz"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == "backprop-tui: standard output cannot be written: No space left on device\n"
    assert (tmp_path / "state.npz").exists()


def test_when_nobody_reads_on_the_state_is_saved(tmp_path):
    process = subprocess.Popen(
        [*COMMAND, "sequence", "--headless", "--checkpoint", "state.npz"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    # That there is no end of its own is said before any of it is written.
    assert b"Traceback" not in process.stderr.read()
    assert process.wait(30) == 128 + signal.SIGPIPE
    assert (tmp_path / "state.npz").exists()


def test_a_script_with_a_wrong_command_saves_what_was_trained_before_it(capsys, tmp_path):
    state, script = tmp_path / "state.npz", tmp_path / "script.txt"
    script.write_text("step 5\nreinit-dead 9.9\n")
    assert main(["run", "xor", "--headless", "--script", str(script), "--checkpoint", str(state)]) == 2
    assert "line 2" in capsys.readouterr().err
    assert read_checkpoint(state).step_count == 5


def test_a_divergence_is_placed_on_standard_error_and_in_the_end_event(capsys):
    code, events, err = run(
        capsys, "sequence", "--activation", "linear", "--learning-rate", "1000", "--epochs", "500"
    )
    assert code == 3
    place = events[-1]["divergence"]
    assert place.keys() == {"step", "layer", "tensor", "neuron", "value"}
    assert err.count("\n") == 1
    assert f"in step {place['step']}, " in err
    assert place["tensor"] in err


def test_a_signal_during_one_long_step_is_heeded_right_after_it(monkeypatch, capsys):
    steps = []
    step = Trainer.step

    def interrupted(trainer, batches=1):
        steps.append(batches)
        if len(steps) == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return step(trainer, batches)

    monkeypatch.setattr(Trainer, "step", interrupted)
    code, events, _ = run(capsys, "sequence", "--epochs", "100000")
    assert code == 128 + signal.SIGINT
    assert events[-1]["step"] == 1
