"""The lab over a real SSH connection, and on lines that carry little: what is on the way stays bounded."""

from __future__ import annotations

import os
import re
import shlex
from time import sleep

import pytest

from backprop_tui.opening import default_fps
from benchmarks.relay import Relay
from benchmarks.terminal import COLUMNS, LINES
from tests.tui.program import DOWN, ESCAPE, LAB, Program, assert_terminal_restored, program, style_codes

ROUND_TRIP = 0.1

LIVELY = """\
[experiment]
name = "lively"
epochs = 0
[data]
builtin = "digits"
[network]
hidden = [48, 32]
activation = "tanh"
[training]
learning_rate = 0.05
batch_size = 32
"""
"""Every cell of its heatmap changes in every frame."""


def remote(server, folder, *arguments: str, port: int = 0) -> list[str]:
    """Return what runs the lab in a folder at the other end."""
    command = f"cd {shlex.quote(str(folder))} && exec {shlex.join([*LAB, *arguments])}"
    return server.login(
        ["sh", "-c", command], port=port, environment={"PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    )


def test_over_ssh_the_lab_is_whole(server, tmp_path):
    with program(folder=tmp_path, command=remote(server, tmp_path, "sequence")) as lab:
        lab.press(" ", "PAUSED")
        lab.press("r", "dead 0/4")
        lab.press(DOWN, "layer 1 neuron 1")
        # A click on the second row's third cell or so; the terminal reports from 1 on.
        row = next(y for y, line in enumerate(lab.text().splitlines()) if "│ 2" in line or "││ 2" in line)
        lab.press(f"\x1b[<0;80;{row + 1}M\x1b[<0;80;{row + 1}m", "layer 1 neuron 2", "sample ")
        lab.resize(80, 24)
        lab.until(lambda screen: re.search(r"─ layers ─+╮", screen) and "PAUSED" in screen)
        lab.resize(COLUMNS, LINES)
        lab.press("?", "esc closes")
        lab.press(ESCAPE)
        lab.until(lambda screen: "esc closes" not in screen)
        lab.press("q", "sequence: paused at step")
        assert lab.exit_code() == 0
        assert_terminal_restored(lab)
    codes = style_codes(lab.written)
    assert any(code.startswith("38;5;") for code in codes)
    assert [code for code in codes if code.startswith(("38;2", "48;2"))] == []


def test_over_ssh_there_are_five_frames_a_second_unless_told_otherwise(monkeypatch):
    monkeypatch.setenv("SSH_CONNECTION", "::1 1 ::1 2")
    assert default_fps() == 5
    monkeypatch.delenv("SSH_CONNECTION")
    monkeypatch.delenv("SSH_TTY", raising=False)
    assert default_fps() == 10


@pytest.mark.parametrize("rate", [32_000, 8_000])
def test_on_a_slow_line_over_ssh_little_is_on_the_way(server, tmp_path, rate):
    (tmp_path / "lively.toml").write_text(LIVELY)
    with Relay(server.port, rate, ROUND_TRIP) as relay:
        command = remote(server, tmp_path, "lively.toml", "--fps", "30", port=relay.port)
        with program(folder=tmp_path, command=command, size=(200, 60)) as lab:
            lab.until(lambda screen: "slow line: frames left out" in screen)
            for _ in range(3):
                lab.read_for(1.0)
                # Over a cut line an app that does not look would go on for 30 frames of 10,000 bytes and more.
                assert relay.hold(1.5) < bound(rate, ROUND_TRIP)
            assert_keys_work_and_q_leaves(lab)


@pytest.mark.parametrize("rate", [32_000, 8_000])
def test_in_a_slow_terminal_little_is_on_the_way(tmp_path, rate):
    (tmp_path / "lively.toml").write_text(LIVELY)
    with program("lively.toml", "--fps", "30", folder=tmp_path, size=(200, 60), rate=rate) as lab:
        lab.until(lambda screen: "slow line: frames left out" in screen)
        for _ in range(3):
            lab.read_for(1.0)
            sleep(1.5)
            assert lab.read_unanswered() < bound(rate, 0.0)
        assert_keys_work_and_q_leaves(lab)


def bound(rate: float, round_trip: float) -> float:
    """Return what may be on the way: what fills the line, three tenths of a second behind it, and one run of cells."""
    return rate * (round_trip + 0.3) + 2_500


def assert_keys_work_and_q_leaves(lab: Program) -> None:
    lab.press(" ", "PAUSED")
    lab.press(":", "a command, e.g.")
    lab.press(ESCAPE)
    lab.until(lambda screen: "a command, e.g." not in screen)
    lab.press(" ", "RUNNING")
    lab.press("q", "lively: running at step")
    assert lab.exit_code() == 0


def test_a_terminal_that_takes_nothing_any_more_can_be_left(tmp_path):
    with program("sequence", folder=tmp_path) as lab:
        # Nothing is read from here on: as in a window that is frozen, or behind a line that is cut.
        lab.process.write(b"+-hg]+q")
        lab.ended()
        assert lab.process.exitstatus == 0


def test_a_terminal_that_never_answers_is_drawn_in_all_the_same(tmp_path):
    with program("sequence", folder=tmp_path) as lab:
        lab.questions = None
        for _ in range(3):
            step = lab.number("step")
            lab.until(lambda _, step=step: lab.number("step") > step)
        lab.press("r", "dead 0/4")
        lab.press("q", "sequence: running at step")
        assert lab.exit_code() == 0
