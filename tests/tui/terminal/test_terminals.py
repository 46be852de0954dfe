"""The real lab in terminals as people have them: few colours, none, ASCII, tmux, screen, any size, suspended."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from uuid import uuid4

import pytest

from benchmarks.terminal import Picture, terminal_environment
from tests.tui.program import (
    CTRL_L,
    CTRL_P,
    CTRL_Z,
    DEADLINE,
    DOWN,
    ESCAPE,
    LAB,
    RIGHT,
    Program,
    assert_gone,
    assert_terminal_restored,
    program,
    style_codes,
    trains,
)


def walk_through(lab: Program) -> None:
    """Open everything that there is to be seen."""
    for mode in ("pre-activations", "weights", "gradients", " activations"):
        lab.press("h", mode)
    lab.press("g", "loss, linear")
    lab.press(DOWN, "neuron 1")
    lab.press(RIGHT, "sample 1")
    for key, text in (("?", "esc closes"), ("p", "enter opens"), (CTRL_P, "a word of what to do")):
        lab.press(key, text)
        lab.press(DOWN)
        lab.press(ESCAPE)
        lab.until(lambda screen: text not in screen)  # noqa: B023
    lab.press(":", "a command, e.g.")
    lab.press("acti", "change the activation")
    lab.press(ESCAPE)
    lab.press(":tarry\r", "tarry")
    lab.press("r", "reinit-dead")


def test_with_ascii_not_one_byte_above_0x7e_is_written(tmp_path):
    with program("sequence", "--ascii", folder=tmp_path) as lab:
        walk_through(lab)
        lab.press("q")
        assert lab.exit_code() == 0
    assert max(lab.written) <= 0x7E
    assert "+- activations" in lab.text() or "activations" in lab.text()


@pytest.mark.parametrize(
    "locale", [{"LC_ALL": "C"}, {"LANG": "C"}, {"LANG": None}, {"LANG": "de_DE.ISO-8859-1"}], ids=str
)
def test_where_the_locale_is_not_utf_8_ascii_is_chosen(tmp_path, locale):
    with program("sequence", folder=tmp_path, environment=locale) as lab:
        lab.press("q")
        assert lab.exit_code() == 0
    assert max(lab.written) <= 0x7E


def test_in_256_colours_none_is_of_true_colour(tmp_path):
    with program("sequence", folder=tmp_path, environment={"COLORTERM": None}) as lab:
        walk_through(lab)
        lab.press("q")
        assert lab.exit_code() == 0
    codes = style_codes(lab.written)
    assert any(code.startswith("38;5;") for code in codes)
    assert not any(code.startswith(("38;2", "48;2")) for code in codes)


def test_in_16_colours_there_are_no_others(tmp_path):
    with program("sequence", folder=tmp_path, environment={"COLORTERM": None, "TERM": "xterm"}) as lab:
        walk_through(lab)
        lab.press("q")
        assert lab.exit_code() == 0
    codes = style_codes(lab.written)
    assert not any(";" in code for code in codes)
    assert {"31", "36"} <= codes or {"91", "96"} & codes


def test_with_no_color_there_is_none_and_the_glyphs_tell_what_colours_would(tmp_path):
    with program("sequence", folder=tmp_path, environment={"NO_COLOR": "1"}) as lab:
        lab.until(lambda screen: "dead 4/4" in screen and "1✕" in screen)
        walk_through(lab)
        lab.press("h", "pre-activations")
        lab.until(lambda screen: re.search(r"[═━─⁻⁺┼╋╬]{3}", screen))
        lab.press("q")
        assert lab.exit_code() == 0
    attributes = {str(code) for code in (*range(10), *range(21, 30), "")}
    assert style_codes(lab.written) - attributes == set()
    assert "7" in style_codes(lab.written)


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"TERM": ""}], ids=str)
def test_a_dumb_terminal_is_told_to_go_headless(tmp_path, environment):
    lab = Program([*LAB, "sequence"], tmp_path, environment=environment)
    assert lab.exit_code() == 2
    assert lab.written.count(b"\n") == 1
    assert b"--headless" in lab.written
    assert b"\x1b" not in lab.written


def test_where_there_is_no_terminal_the_lab_says_to_go_headless(tmp_path):
    done = subprocess.run(
        [*LAB, "sequence"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "--headless" in done.stderr


def test_no_size_at_any_moment_breaks_the_screen(tmp_path):
    chance = random.Random(0)
    sizes = [(1, 1), (400, 120), (60, 20), (59, 19), (1, 120), (400, 1)]
    sizes += [(chance.randint(1, 400), chance.randint(1, 120)) for _ in range(25)]
    chance.shuffle(sizes)
    keys = ["h", "]", "[", "?", ESCAPE, "+", "-", ":", "\t", CTRL_P, "g", DOWN]
    with program("sequence", folder=tmp_path) as lab:
        for size in sizes:
            lab.resize(*size)
            lab.process.write(chance.choice(keys).encode())
            for _ in range(chance.randrange(4)):
                lab.read(0.02)
        lab.press(ESCAPE)
        lab.press(ESCAPE)
        lab.resize(120, 40)
        lab.until(lambda screen: "RUNNING" in screen and "? help" in screen)
        lab.press(" ", "PAUSED")
        settle(lab)
        before = lab.text()
        lab.picture = Picture(120, 40)
        lab.process.write(CTRL_L.encode())
        lab.until(lambda screen: screen == before)
        lab.press("q")
        assert lab.exit_code() == 0


def settle(lab: Program) -> None:
    """Read until nothing more comes for a while."""
    quiet = 0
    while quiet < 10:
        written = len(lab.written)
        lab.read(0.05)
        quiet = quiet + 1 if len(lab.written) == written else 0


def test_ctrl_z_returns_to_the_shell_and_fg_to_the_lab(tmp_path):
    shell = Program(["sh", "-i"], tmp_path, environment={"PS1": "ready> "})
    try:
        shell.press("", "ready>")
        shell.process.write((" ".join([*LAB, "sequence"]) + "\n").encode())
        shell.until(trains)
        (lab,) = shell.children()
        (worker,) = children_of(lab)
        shell.process.write(CTRL_Z.encode())
        shell.until(lambda _: state_of(lab) == "T" and state_of(worker) == "T")
        shell.press("echo still here\n", "still here")
        assert_terminal_restored(shell)
        shell.picture = Picture()
        shell.press("fg\n", "space pause", "RUNNING")
        shell.press("?", "esc closes")
        shell.press(ESCAPE)
        shell.until(lambda screen: "esc closes" not in screen)
        shell.press("q", "sequence: running at step")
        shell.until(lambda _: not shell.children())
        shell.process.write(b"exit\n")
        assert shell.exit_code() == 0
        assert_gone([lab, worker])
    finally:
        shell.process.close(force=True)


def test_where_there_is_no_shell_ctrl_z_says_so(tmp_path):
    # The terminal's first process has no shell above it in its session, and nobody would wake it.
    with program("sequence", folder=tmp_path) as lab:
        lab.press(CTRL_Z, "no shell to return to")
        lab.press("q")
        assert lab.exit_code() == 0


def test_continued_without_having_left_it_draws_anew(tmp_path):
    with program("sequence", folder=tmp_path) as lab:
        threads = len(list(Path(f"/proc/{lab.process.pid}/task").iterdir()))
        os.kill(lab.process.pid, signal.SIGSTOP)
        until(lambda: state_of(lab.process.pid) == "T")
        settle(lab)
        lab.picture = Picture()
        os.kill(lab.process.pid, signal.SIGCONT)
        lab.until(lambda screen: "RUNNING" in screen and "? help" in screen)
        assert len(list(Path(f"/proc/{lab.process.pid}/task").iterdir())) == threads
        lab.press("q")
        assert lab.exit_code() == 0


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def until(holds) -> None:
    deadline = monotonic() + DEADLINE
    while not holds():
        assert monotonic() < deadline


def test_focus_pasted_text_and_answers_are_no_keys(tmp_path):
    with program("sequence", folder=tmp_path) as lab:
        lab.press(" ", "PAUSED")
        lab.process.write(b"\x1b[O\x1b[I\x1b[0n\x1b[0n")
        lab.press("s", "step")
        lab.press(":", "a command, e.g.")
        lab.press("\x1b[200~set learning-\x1b[0nrate 0.5\x1b[201~", ":set learning-rate 0.5")
        lab.press("\r", "lr 0.5")
        lab.press("q")
        assert lab.exit_code() == 0


def test_wide_and_combining_characters_leave_every_frame_straight(tmp_path):
    table = "大きさ,e\u0301cart,\u202eevil\n" + "\n".join(f"{i},{i * i},{i % 3}" for i in range(30))
    (tmp_path / "数据e\u0301.csv").write_text(table)
    with program("--csv", "数据e\u0301.csv", "--target", "大きさ", folder=tmp_path) as lab:
        lab.press(" ", "PAUSED")
        settle(lab)
        lines = lab.picture.cells()
        edges = [y for y, line in enumerate(lines) if line[0].data == "│"]
        assert len(edges) > 25
        assert all(lines[y][119].data == "│" and lines[y][59].data == "│" for y in edges)
        assert "数" in lab.text()
        assert "\u202e" not in lab.written.decode(errors="replace")
        lab.press("q")
        assert lab.exit_code() == 0


needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux here")
needs_screen = pytest.mark.skipif(shutil.which("screen") is None, reason="no GNU screen here")


class Tmux:
    """A tmux server of one's own, with one window."""

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / "tmux")
        self._environment = terminal_environment(COLORTERM=None)

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-f", "/dev/null", "-S", self._socket, *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def until(self, shown) -> None:
        until(lambda: shown(self("capture-pane", "-p")))


@contextmanager
def tmux_server(folder: Path):
    tmux = Tmux(folder)
    try:
        yield tmux
    finally:
        tmux("kill-server")


@needs_tmux
def test_in_tmux_keys_sizes_and_leaving_work(tmp_path):
    with tmux_server(tmp_path) as tmux:
        tmux("new-session", "-d", "-x", "120", "-y", "40", " ".join([*LAB, "sequence; exec cat"]))
        tmux.until(trains)
        tmux("send-keys", "Space")
        tmux.until(lambda screen: "PAUSED" in screen)
        tmux("send-keys", "?")
        tmux.until(lambda screen: "esc closes" in screen)
        tmux("send-keys", "Escape")
        tmux.until(lambda screen: "esc closes" not in screen)
        tmux("resize-window", "-x", "80", "-y", "24")
        tmux.until(lambda screen: "─ layers ─" in screen and max(map(len, screen.splitlines())) == 80)
        tmux("send-keys", "q")
        tmux.until(lambda screen: "sequence: paused at step" in screen and "RUNNING" not in screen)
        # What is still on its way from tmux would be shown by cat, or stand on the line of a shell.
        tmux("send-keys", "typed", "Enter")
        tmux.until(lambda screen: screen.count("typed") == 2)
        assert "[0n" not in tmux("capture-pane", "-p")


@needs_screen
def test_in_screen_keys_and_leaving_work(tmp_path):
    name = f"lab-{uuid4().hex[:8]}"
    folder = tmp_path / "sockets"
    folder.mkdir(mode=0o700)
    lab = Program(
        ["screen", "-U", "-c", "/dev/null", "-S", name, *LAB, "sequence"],
        tmp_path,
        environment={"SCREENDIR": str(folder), "COLORTERM": None},
    )
    try:
        lab.until(trains)
        lab.press(" ", "PAUSED")
        lab.press("?", "esc closes")
        lab.press(ESCAPE)
        lab.until(lambda screen: "esc closes" not in screen)
        lab.press("q", "[screen is terminating]")
        assert lab.exit_code() == 0
    finally:
        lab.process.close(force=True)
        subprocess.run(
            ["screen", "-S", name, "-X", "quit"],
            env=terminal_environment(SCREENDIR=str(folder)),
            capture_output=True,
            check=False,
        )


def test_the_words_of_the_environment_decide_what_is_far_and_what_is_utf_8():
    from backprop_tui.terminal.surroundings import is_utf8, over_ssh

    assert is_utf8({"LC_ALL": "de_DE.UTF-8", "LANG": "C"})
    assert is_utf8({"LC_ALL": "", "LC_CTYPE": "C.utf8"})
    assert not is_utf8({"LC_ALL": "C", "LANG": "en_US.UTF-8"})
    assert not is_utf8({"LC_CTYPE": "de_DE.ISO-8859-1", "LANG": "en_US.UTF-8"})
    assert not is_utf8({})
    assert over_ssh({"SSH_CONNECTION": "::1 1 ::1 2"})
    assert over_ssh({"SSH_TTY": "/dev/pts/0"})
    assert not over_ssh({})
