"""Good input with a few bytes changed: it is taken, or refused in one harmless line with exit code 2."""

from __future__ import annotations

import io
import os
import zipfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backprop_tui.cli import main
from tests.cli.test_garbage import bounded
from tests.garbage import archives, checkpoints, records, tables

OWN_SERIES = ["--series", "own.txt", "--window", "2"]
GOOD = {
    "own.txt": b"1.5, 2.5, 0.5, 3.5\n1 2 3 4 5 6 7 8 9\n",
    "own.csv": tables.GOOD,
    "own.npz": archives.saved(X=archives.X, y=archives.Y),
    "own.toml": (
        b'[experiment]\nname = "mine"\nepochs = 2\nuntil = "loss < 0.05"\n[data]\nbuiltin = "xor"\n'
        b'[network]\nhidden = [4, 3]\nactivation = "tanh"\n[training]\nlearning_rate = 0.1\n'
        b'optimizer = { name = "adam", beta1 = 0.8 }\n'
    ),
    "own.script": b"# as a person writes it\nstep 2\nset learning-rate 0.05\nrun 2 epochs\nexpect dead == 0\n",
    "state.npz": checkpoints.good(),
    "own.jsonl": records.lines(records.START, records.SNAPSHOT),
}
WORDS = {
    "own.txt": ["run", *OWN_SERIES],
    "own.csv": ["run", "--csv", "own.csv", "--target", "c"],
    "own.npz": ["run", "--npz", "own.npz"],
    "own.toml": ["run", "own.toml"],
    "own.script": ["run", "xor", "--script", "own.script"],
    "state.npz": ["run", "--resume", "state.npz"],
    "own.jsonl": ["replay", "own.jsonl"],
}
DIGITS = frozenset(b"0123456789")
CODES = (0, 1, 2, 3)
"""Those of the contract: an expectation may fail, and a loss may be none, where the input is still good."""

edits = st.lists(
    st.tuples(
        st.sampled_from(("put in", "replace", "take out", "repeat", "cut off")),
        st.floats(0, 1, exclude_max=True),
        # More digits would ask for more epochs or units, which is no mistake, and takes its time.
        st.binary(min_size=1, max_size=4).filter(lambda content: not DIGITS & set(content)),
    ),
    min_size=1,
    max_size=4,
)


def edited(content: bytes, changes: list[tuple[str, float, bytes]]) -> bytes:
    for what, place, new in changes:
        at = int(place * len(content))
        rest = {
            "put in": new + content[at:],
            "replace": new + content[at + len(new) :],
            "take out": content[at + len(new) :],
            "repeat": content[at : at + 8] + content[at:],
            "cut off": b"",
        }
        content = content[:at] + rest[what]
    return content


def edited_within(archive: bytes, member: float, changes: list[tuple[str, float, bytes]]) -> bytes:
    """Change a file in an archive, whose sums are right again then."""
    with zipfile.ZipFile(io.BytesIO(archive)) as good:
        contents = {name: good.read(name) for name in good.namelist()}
    name = list(contents)[int(member * len(contents))]
    contents[name] = edited(contents[name], changes)
    return archives.zipped(*contents.items())


def told(name: str, content: bytes) -> tuple[int, str, str, list[str]]:
    """Return the exit code, both outputs and the files that there are then."""
    out, err = io.StringIO(), io.StringIO()
    before = Path.cwd()
    with TemporaryDirectory() as folder, redirect_stdout(out), redirect_stderr(err), bounded():
        os.chdir(folder)
        try:
            Path(name).write_bytes(content)
            run = WORDS[name][0] == "run"
            length = [] if name in ("own.script", "state.npz") else ["--epochs", "2"]
            code = main([*WORDS[name], *([*length, "--headless", "--quiet"] if run else [])])
            left = [path.name for path in Path().iterdir()]
        finally:
            os.chdir(before)
    return code, out.getvalue(), err.getvalue(), left


def assert_taken_or_refused(name: str, content: bytes) -> None:
    code, out, err, left = told(name, content)
    assert code in CODES
    assert left == [name], "nothing executed, nothing left behind"
    assert all(line.isprintable() for line in (out + err).splitlines())
    if code == 2:
        assert out == ""
        assert err.startswith("backprop-tui: ")
        assert err.count("\n") == 1
        assert len(err) < 1000


@pytest.mark.parametrize("name", GOOD)
def test_the_good_input_is_good(name):
    code, _, err, _ = told(name, GOOD[name])
    # There is no terminal here to play a record back in.
    assert code == (2 if name == "own.jsonl" else 0), err


@pytest.mark.parametrize("name", GOOD)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=edits)
def test_a_changed_file_is_taken_or_refused(name, changes):
    assert_taken_or_refused(name, edited(GOOD[name], changes))


@pytest.mark.parametrize("name", ["own.npz", "state.npz"])
@settings(max_examples=100)
@given(member=st.floats(0, 1, exclude_max=True), changes=edits)
def test_a_changed_file_in_an_archive_is_taken_or_refused(name, member, changes):
    assert_taken_or_refused(name, edited_within(GOOD[name], member, changes))
