"""Runs that are killed, wherever they are, and go on from their checkpoint to the bits of the others."""

from __future__ import annotations

import errno
import os
import random
import resource
import signal
import stat
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from backprop_core import files
from backprop_core.checkpoint import read_checkpoint, write_checkpoint
from backprop_core.commands import SetActivation, SetOption, Undo
from backprop_core.errors import UserError
from backprop_core.experiment import Choice, DataSpec, Experiment, NetworkSpec, TrainingSpec
from backprop_core.trainer import Trainer

KILLS = 200
LAST_STEP = 120
STEPS_A_CHECKPOINT = 10
PIECE = 4096

EXPERIMENT = Experiment(
    name="killed",
    data=DataSpec(builtin="moons", samples=50, noise=0.1, validation=0.2, standardize=True),
    network=NetworkSpec(hidden=(6, 5), activation=(Choice("relu"),), output=Choice("sigmoid")),
    training=TrainingSpec(loss=Choice("binary-cross-entropy"), optimizer=Choice("adam"), batch_size=7),
)
LEAKY = SetActivation("hidden", Choice("leaky-relu", (("slope", 0.01),)))

PLAN = (
    (40, SetOption("learning-rate", 0.01)),
    (70, LEAKY),
    (95, Undo()),
    (90, SetOption("optimizer", Choice("rmsprop"))),
)
"""At which step which command is carried out; the undo goes back to step 70."""


def follow(trainer, moment, path=None):
    """Train to the last step, as planned, and save every few steps; ``moment`` is called at every turn."""
    while trainer.step_count < LAST_STEP:
        done = [command for command in trainer.record.commands if not hasattr(command, "batches")]
        at, command = PLAN[len(done)] if len(done) < len(PLAN) else (None, None)
        if trainer.step_count == at:
            trainer.apply(command)
            trainer.journal  # noqa: B018 - notes the training so far
        trainer.step(1)
        trainer.journal  # noqa: B018
        moment()
        if path and trainer.step_count % STEPS_A_CHECKPOINT == 0:
            write_checkpoint(trainer, path)
    return trainer.parameters_sha256()


@contextmanager
def moments_within_writing(moment):
    """Call ``moment`` between all that writing a file does."""
    write, fsync, replace = files.write_whole, os.fsync, Path.replace

    def in_pieces(file, content):
        for start in range(0, len(content), PIECE):
            moment()
            write(file, content[start : start + PIECE])
        moment()

    def before_and_after(call):
        def called(*arguments):
            moment()
            result = call(*arguments)
            moment()
            return result

        return called

    files.write_whole = in_pieces
    os.fsync, Path.replace = before_and_after(fsync), before_and_after(replace)
    try:
        yield
    finally:
        files.write_whole, os.fsync, Path.replace = write, fsync, replace


def run_until_killed(path, fatal, expected):
    """Go on in a child process that kills itself at a moment; return whether it came to its end first."""
    child = os.fork()
    if child:
        status = os.waitpid(child, 0)[1]
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL
            return False
        assert os.waitstatus_to_exitcode(status) == 0, "ended on other weights, or in an error"
        return True
    code = 1
    try:
        passed = count(1)

        def moment():
            if next(passed) == fatal:
                os.kill(os.getpid(), signal.SIGKILL)

        with moments_within_writing(moment):
            trainer = read_checkpoint(path) if path.exists() else Trainer(EXPERIMENT)
            code = int(follow(trainer, moment, path) != expected)
    finally:
        os._exit(code)


@pytest.fixture
def quick_folder(tmp_path):
    """Return a folder in memory where there is such: thousands of syncs of a disk take their time."""
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else tmp_path) as folder:
        yield Path(folder)


def test_killed_at_two_hundred_moments_a_run_ends_on_the_bits_of_an_uninterrupted_one(quick_folder):
    path = quick_folder / "state.npz"
    passed = count()
    with moments_within_writing(lambda: next(passed)):
        expected = follow(Trainer(EXPERIMENT), lambda: next(passed), path)
    assert follow(Trainer(EXPERIMENT), lambda: None) == expected
    all_moments = next(passed)
    path.unlink()
    chance = random.Random(20)
    kills = ends = 0
    while kills < KILLS:
        if run_until_killed(path, chance.randrange(1, all_moments // 2), expected):
            ends += 1
            path.unlink()
            continue
        kills += 1
        if path.exists():
            assert read_checkpoint(path).step_count % STEPS_A_CHECKPOINT == 0
        assert len(list(quick_folder.iterdir())) <= 2, "what the dead have left is removed by the next"
    assert run_until_killed(path, all_moments + 1, expected)
    assert ends > 10
    assert [entry.name for entry in quick_folder.iterdir()] == ["state.npz"]


@contextmanager
def file_size_limit(most):
    """Make files that grow beyond a size fail, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("most", [0, 1, 1000, 5000])
def test_on_a_full_disk_the_last_checkpoint_stays_whole(tmp_path, most):
    path = tmp_path / "state.npz"
    trainer = Trainer(EXPERIMENT)
    trainer.step(3)
    write_checkpoint(trainer, path)
    trainer.step(3)
    with (
        file_size_limit(most),
        pytest.raises(UserError, match=r"state\.npz: cannot be written: File too large"),
    ):
        write_checkpoint(trainer, path)
    assert read_checkpoint(path).step_count == 3
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.npz"]
    write_checkpoint(trainer, path)
    assert read_checkpoint(path).step_count == 6


@pytest.mark.parametrize("call", ["fsync", "replace", "open"])
def test_whatever_fails_while_writing_the_last_checkpoint_stays(tmp_path, monkeypatch, call):
    path = tmp_path / "state.npz"
    trainer = Trainer(EXPERIMENT)
    write_checkpoint(trainer, path)
    trainer.step(3)

    def fail(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        if call == "fsync":
            patch.setattr(os, "fsync", fail)
        else:
            patch.setattr(Path, call, fail)
        with pytest.raises(UserError, match="No space left on device"):
            write_checkpoint(trainer, path)
    assert read_checkpoint(path).step_count == 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.npz"]


def test_file_and_folder_are_synced_before_and_after_the_rename(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, Path.replace

    def note_fsync(descriptor):
        calls.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def note_replace(path, target):
        calls.append("rename")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "replace", note_replace)
    write_checkpoint(Trainer(EXPERIMENT), tmp_path / "state.npz")
    assert calls == ["file", "rename", "folder"]


def test_a_link_to_a_checkpoint_stays_a_link(tmp_path):
    there = tmp_path / "there"
    there.mkdir()
    link = tmp_path / "state.npz"
    link.symlink_to(there / "real.npz")
    write_checkpoint(Trainer(EXPERIMENT), link)
    assert link.is_symlink()
    assert read_checkpoint(there / "real.npz").step_count == 0


def test_a_link_in_place_of_the_temporary_file_is_not_followed(tmp_path):
    victim = tmp_path / "victim.txt"
    victim.write_text("mine")
    (tmp_path / f".state.npz.{os.getpid()}.tmp").symlink_to(victim)
    write_checkpoint(Trainer(EXPERIMENT), tmp_path / "state.npz")
    assert victim.read_text() == "mine"
    assert read_checkpoint(tmp_path / "state.npz").step_count == 0


@pytest.mark.parametrize("content", [b"a,b,c\n1,2,3\n", b"PKzip of another kind", b"{}"])
def test_a_file_of_another_kind_is_not_replaced(tmp_path, content):
    path = tmp_path / "mine.csv"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"mine\.csv: is there and is a file of another kind"):
        write_checkpoint(Trainer(EXPERIMENT), path)
    assert path.read_bytes() == content


def test_an_empty_file_is_replaced_as_tools_make_them_for_names(tmp_path):
    path = tmp_path / "state.npz"
    path.touch()
    write_checkpoint(Trainer(EXPERIMENT), path)
    assert read_checkpoint(path).step_count == 0


@pytest.mark.parametrize("name", ["x" * 250, "ä" * 120])
def test_long_names_leave_room_for_the_temporary_one(tmp_path, name):
    write_checkpoint(Trainer(EXPERIMENT), tmp_path / name)
    assert read_checkpoint(tmp_path / name).step_count == 0
