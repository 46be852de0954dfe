"""The real program in a real pseudo-terminal: keys in, a screen out, and what is left when it ends."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from backprop_core.checkpoint import read_checkpoint
from tests.tui.program import (
    CTRL_C,
    CTRL_P,
    DEADLINE,
    DOWN,
    ESCAPE,
    LEFT,
    RIGHT,
    UP,
    assert_gone,
    assert_terminal_restored,
    program,
    until_gone,
)

if TYPE_CHECKING:
    from pathlib import Path


def headless(*arguments: str, folder: Path) -> dict[str, object]:
    """Run without a screen, and return the end event."""
    done = subprocess.run(
        [sys.executable, "-m", "backprop_tui", "run", *arguments, "--headless", "--quiet"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_every_key_acts_and_q_leaves_nothing_behind(tmp_path):
    with program("sequence", folder=tmp_path) as lab:
        workers = lab.children()
        assert workers
        lab.until(lambda screen: "dead 4/4" in screen)
        lab.press(" ", "PAUSED")
        step, epoch = lab.number("step"), lab.number("epoch")
        lab.press("s", f"step {step + 1:.0f}")
        lab.press("e", f"epoch {epoch + 2:.0f}")
        lab.press("r", "dead 0/4")
        lab.press("u", "dead 4/4")
        lab.press("l", "leaky-relu", "dead 0/0")
        lab.press("l", "dead 4/4")
        lab.press("+", "lr 0.05")
        lab.press("-", "lr 0.02")
        for mode in ("pre-activations", "weights", "gradients", "─ activations"):
            lab.press("h", mode)
        lab.press("]", "layer 2 of 2")
        lab.press("[", "layer 1 of 2")
        lab.press(DOWN, "layer 1 neuron 1")
        lab.press(RIGHT, "sample 1 ·")
        lab.press(RIGHT, "sample 2 ·")
        lab.press(LEFT, "sample 1 ·")
        lab.press(DOWN, "layer 1 neuron 2")
        lab.press(UP, "layer 1 neuron 1")
        lab.press(ESCAPE, "arrows or a click")
        lab.press("g", "loss, linear")
        lab.press("g", "loss, logarithmic")
        lab.press("z", "since the last mark")
        lab.press("z", "of the whole run")
        lab.press("<", "at most 10000 steps a second")
        lab.press(">", "pace: full speed")
        lab.press("n", "step 0", "seed 4")
        lab.press("N", "seed 5")
        lab.press(":", "a command, e.g.")
        lab.press("step 3\r", "step 3 ")
        lab.press("w", "written to sequence.script")
        for key, text in (("?", "esc closes"), ("p", "enter opens"), (CTRL_P, "a word of what to do")):
            lab.press(key, text)
            lab.press(ESCAPE)
            lab.until(lambda screen, text=text: text not in screen)
        lab.press(" ", "RUNNING")
        lab.press("q")
        assert lab.exit_code() == 0
        assert_terminal_restored(lab)
        assert_gone([*workers, lab.process.pid])
    assert [path.name for path in tmp_path.iterdir()] == ["sequence.script"]


def test_a_saved_session_replayed_without_a_screen_ends_on_the_same_bits(tmp_path):
    with program("sequence", folder=tmp_path) as lab:
        lab.until(lambda screen: "dead 4/4" in screen)
        lab.press("r", "▼ reinit-dead")
        lab.press("-", "lr 0.02")
        step = lab.number("step")
        lab.until(lambda _: lab.number("step") > step)
        lab.press("l", "leaky-relu")
        lab.press(" ", "PAUSED")
        lab.press("s", "PAUSED")
        lab.press("w", "written to sequence.script")
        lab.press(":save weights.npz\r", "weights.npz")
        lab.until(lambda _: (tmp_path / "weights.npz").exists())
        lab.press("q")
        assert lab.exit_code() == 0
    with np.load(tmp_path / "weights.npz") as saved:
        parameters = np.concatenate([saved[name].ravel() for name in ("W1", "b1", "W2", "b2")])
    replayed = headless("sequence", "--script", "sequence.script", folder=tmp_path)
    assert replayed["parameters_sha256"] == hashlib.sha256(parameters.tobytes()).hexdigest()


def test_ctrl_c_quits_while_training(tmp_path):
    with program("sequence", folder=tmp_path) as lab:
        workers = lab.children()
        lab.press(CTRL_C)
        assert lab.exit_code() == 0
        assert_terminal_restored(lab)
        assert_gone(workers)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_saves_what_is_to_be_saved_and_ends_with_128_more(tmp_path, number):
    with program("sequence", "--checkpoint", "state.npz", "--record", "events.jsonl", folder=tmp_path) as lab:
        workers = lab.children()
        os.kill(lab.process.pid, number)
        assert lab.exit_code() == 128 + number
        # After SIGHUP there is no terminal any more.
        if number != signal.SIGHUP:
            assert_terminal_restored(lab)
        assert_gone(workers)
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert events[0]["event"] == "start"
    assert [event["event"] for event in events[-2:]] == ["snapshot", "end"]
    resumed = read_checkpoint(tmp_path / "state.npz")
    assert resumed.step_count == events[-1]["step"] == events[-2]["step"] > 0
    assert resumed.parameters_sha256() == events[-1]["parameters_sha256"]


def test_a_killed_lab_leaves_no_process_and_resumes_where_its_checkpoint_was(tmp_path):
    state = tmp_path / "state.npz"
    kept = ("--checkpoint", state.name, "--checkpoint-every", "0.1")
    with program("sequence", *kept, folder=tmp_path) as lab:
        workers = lab.children()
        lab.press("r", "▼ reinit-dead")
        lab.until(lambda _: state.exists() and read_checkpoint(state).interventions)
        os.kill(lab.process.pid, signal.SIGKILL)
        assert lab.exit_code() == 128 + signal.SIGKILL
        until_gone(workers)
    left = read_checkpoint(state)
    with program("--resume", state.name, folder=tmp_path) as lab:
        lab.until(lambda screen: "▼ reinit-dead" in screen)
        assert lab.number("step") >= left.step_count > 0
        lab.press("q")
        assert lab.exit_code() == 0


def test_a_killed_training_process_is_told_and_g_goes_on(tmp_path):
    with program("sequence", folder=tmp_path) as lab:
        (worker,) = lab.children()
        lab.press("r", "▼ reinit-dead") if "dead 4/4" in lab.text() else None
        os.kill(worker, signal.SIGKILL)
        lab.until(lambda screen: "killed by SIGKILL" in screen)
        lab.press("g", "going on from")
        lab.until(lambda screen: "RUNNING" in screen)
        (another,) = lab.children()
        assert another != worker
        lab.press("q")
        assert lab.exit_code() == 0
        assert_gone([another])


SHORT = ("as-posted", "--epochs", "1500")
"""The posted network stalls within some hundred epochs; its forks are short ones then."""


def test_the_posted_network_is_diagnosed_and_treated_and_the_session_replays(tmp_path):
    with program(*SHORT, folder=tmp_path) as lab:
        # Suspected at once, confirmed by the forks after a while.
        lab.until(lambda screen: re.search(r"◐ watching · wrong gradient|▲ finding · wrong gradient", screen))
        lab.until(lambda screen: "▲ finding · wrong gradient →" in screen)
        lab.press("d", "Wrong gradient", "root · critical", "Dead output", "untreated 6.225", "esc back")
        lab.press("?", "esc closes", "By the chain rule")
        lab.press(ESCAPE)
        lab.until(lambda screen: "esc closes" not in screen)
        lab.press(ESCAPE)
        lab.until(lambda screen: "esc back" not in screen)
        lab.press("t", "▼")
        lab.until(lambda screen: re.search(r"▼ → \S+, forecast \S+", screen))
        lab.until(lambda screen: "DONE" in screen and lab.number("step") > 1500)
        assert lab.number("loss") < 0.5
        workers = lab.children()
        lab.press(":save weights.npz\r")
        lab.until(lambda _: (tmp_path / "weights.npz").exists())
        lab.press("w", "written to as-posted.script")
        lab.press("q")
        assert lab.exit_code() == 0
        assert_gone(workers)
    with np.load(tmp_path / "weights.npz") as saved:
        names = [name for layer in (1, 2) for name in (f"W{layer}", f"b{layer}") if name in saved]
        parameters = np.concatenate([saved[name].ravel() for name in names])
    replayed = headless(*SHORT, "--script", "as-posted.script", folder=tmp_path)
    assert replayed["parameters_sha256"] == hashlib.sha256(parameters.tobytes()).hexdigest()


def test_leaving_ends_an_investigation_too(tmp_path):
    with program("as-posted", folder=tmp_path) as lab:
        lab.until(lambda _: len(lab.children()) == 2)
        workers = lab.children()
        lab.press("q")
        assert lab.exit_code() == 0
        assert_gone(workers)


def test_a_lab_that_treats_itself_heals_the_posted_network(tmp_path):
    with program(*SHORT, "--treat", folder=tmp_path) as lab:
        lab.until(lambda screen: re.search(r"▼ → \S+, forecast \S+", screen))
        lab.until(lambda _: lab.number("loss") < 1)


def test_the_tour_is_taken_from_start_to_end(tmp_path):
    with program("tour", folder=tmp_path) as lab:
        for at, keys in enumerate((DOWN, "x", DOWN * 4, "v", DOWN, "r"), start=1):
            lab.until(lambda screen, at=at: f"tour {at} of 7" in screen)
            lab.press(keys, f"tour {at + 1} of 7")
        lab.press(" ", "RUNNING")
        lab.until(lambda screen: "tour done" in screen)
        assert lab.number("loss") < 0.1
        lab.press("q")
        assert lab.exit_code() == 0
