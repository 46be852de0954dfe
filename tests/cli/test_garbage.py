"""Whatever is wrong with the input: one line that names it, exit code 2, nothing executed, nothing claimed."""

from __future__ import annotations

import re
import resource
import signal
from contextlib import contextmanager
from pathlib import Path

import pytest

from backprop_tui.cli import main
from tests.garbage import archives, checkpoints, experiments, options, records, scripts, series, tables

CASES = [
    case
    for module in (series, tables, archives, experiments, scripts, checkpoints, records, options)
    for case in module.CASES
]

HANG_SECONDS = 20
"""Only against waiting for ever, as on a pipe: how long each takes is for the benchmarks."""

ROOM = 768 * 1024 * 1024
"""What a refusal may take of address space, far less than the headers of hostile files claim."""


@contextmanager
def bounded():
    """Neither hang nor take more memory than a refusal needs."""

    def give_up(number, frame):
        raise AssertionError("hangs")

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    handler = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(HANG_SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + ROOM, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)


def test_there_are_enough_of_them_and_each_is_another():
    names = [case.name for case in CASES]
    assert len(names) == len(set(names)) >= 300


@pytest.mark.parametrize("case", CASES, ids=lambda case: re.sub(r"[^\x20-\x7e]", "?", case.name))
def test_what_is_wrong_is_named_in_one_harmless_line_with_exit_code_2(case, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, content in case.files.items():
        (tmp_path / name).write_bytes(content)
    if case.make:
        case.make(tmp_path)
    before = sorted(tmp_path.iterdir())
    with bounded():
        code = main(
            [case.command, *case.words, *(["--headless", "--quiet"] if case.command == "run" else [])]
        )
    out, err = capsys.readouterr()
    assert code == 2, out + err
    assert out == ""
    assert err.startswith("backprop-tui: ")
    assert err.endswith("\n")
    assert err[:-1].isprintable(), "one line, and nothing in it that a terminal obeys"
    assert len(err) < 1000
    assert "Traceback" not in err
    assert [name for name in case.named if name not in err] == [], err
    assert sorted(tmp_path.iterdir()) == before, "nothing executed, nothing left behind"
