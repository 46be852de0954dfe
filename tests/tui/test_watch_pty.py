"""``backprop-tui watch`` in a real pseudo-terminal."""

import re
import subprocess
import sys

from tests.review.watching import NETWORK, written
from tests.tui.program import LAB, Program, assert_gone, assert_terminal_restored

MISTAKEN = NETWORK.replace("d1 = d2 @ w2.T * (z1 > 0)", "d1 = d2 @ w2.T").replace(
    "    losses.append(loss)\n", "    print(epoch, loss)\n"
)


def test_a_script_is_watched_reviewed_held_stepped_and_left(tmp_path):
    written(tmp_path, MISTAKEN)
    watch = Program((*LAB, "watch", "my_network.py"), tmp_path)
    try:
        watch.until(lambda screen: re.search(r"RUNNING.*step [1-9]", screen) and "dead" in screen)
        processes = watch.children()
        watch.until(lambda screen: "line 18: missing-hidden-derivative, layer 1" in screen)
        watch.press(" ", "PAUSED")
        step = watch.number("step")
        watch.press("s", f"step {step + 1:.0f}", "1 update of the script")
        watch.press("f", "prediction")
        watch.press("q")
        assert watch.exit_code() == 0
        assert_terminal_restored(watch)
        assert_gone(processes)
        assert "my_network.py: paused at step" in watch.written.decode(errors="replace")
    finally:
        watch.process.close(force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["my_network.py"]


def refused(*arguments, folder):
    done = subprocess.run(
        [sys.executable, "-m", "backprop_tui", "watch", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    return done.stderr


def test_without_a_terminal_it_is_refused_in_a_line(tmp_path):
    written(tmp_path)
    assert "needs a terminal; backprop-tui review needs none" in refused("my_network.py", folder=tmp_path)


def test_a_script_that_cannot_be_followed_opens_no_screen(tmp_path):
    (tmp_path / "hello.py").write_text("print('hello')\n")
    program = Program((*LAB, "watch", "hello.py"), tmp_path)
    assert program.exit_code() == 2
    assert "hello.py cannot be watched: it has no loop" in program.text()
    assert b"?1049h" not in program.written
