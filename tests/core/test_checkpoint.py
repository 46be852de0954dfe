from __future__ import annotations

from dataclasses import replace

import pytest
from test_interventions import SERIES, states_equal

from backprop_core.checkpoint import from_bytes, read_checkpoint, to_bytes, write_checkpoint
from backprop_core.commands import ReinitDead, Restart, Run, SetActivation, SetOption, Standardize, Undo
from backprop_core.errors import UserError
from backprop_core.experiment import Choice
from backprop_core.grammar import format_command, parse_command
from backprop_core.trainer import Trainer


@pytest.mark.parametrize(
    "commands",
    [
        [],
        [SetOption("optimizer", Choice("sgd", (("momentum", 0.9),)))],
        [SetOption("optimizer", Choice("rmsprop"))],
        [SetActivation("hidden", Choice("leaky-relu", (("slope", 0.2),)))],
        [Standardize()],
        [Restart(4), ReinitDead()],
        [SetOption("learning-rate", 0.5), Undo()],
    ],
    ids=str,
)
def test_a_resumed_run_ends_on_the_bits_of_the_uninterrupted_one(commands):
    trainer = Trainer(SERIES)
    trainer.step(7)
    for command in commands:
        trainer.apply(command)
        trainer.step(4)
    resumed = from_bytes(to_bytes(trainer), "state.npz")
    assert states_equal(trainer, resumed)
    assert list(map(format_command, resumed.journal)) == [
        format_command(parse_command(format_command(entry))) for entry in trainer.journal
    ]
    for one in (trainer, resumed):
        one.run(Run(epochs=5))
    assert states_equal(trainer, resumed)
    assert resumed.snapshot() == trainer.snapshot()


def test_a_checkpoint_replaces_the_last_one_whole(tmp_path):
    path = tmp_path / "state.npz"
    trainer = Trainer(SERIES)
    write_checkpoint(trainer, path)
    trainer.step(3)
    write_checkpoint(trainer, path)
    assert read_checkpoint(path).step_count == 3
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.npz"]


def test_what_cannot_be_written_leaves_the_last_checkpoint(tmp_path):
    path = tmp_path / "gone" / "state.npz"
    with pytest.raises(UserError, match="cannot be written"):
        write_checkpoint(Trainer(SERIES), path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 but no archive", b"\x93NUMPY", b"{}"])
def test_what_is_no_checkpoint_is_refused(content):
    with pytest.raises(UserError, match="not a checkpoint"):
        from_bytes(content, "state.npz")


def test_truncated_checkpoints_are_refused():
    whole = to_bytes(Trainer(SERIES))
    for length in range(0, len(whole), 997):
        with pytest.raises(UserError):
            from_bytes(whole[:length], "state.npz")


def test_changed_data_are_noticed(tmp_path):
    data = tmp_path / "series.txt"
    data.write_text("\n".join(str(value) for value in range(12)))
    source = replace(SERIES.data, builtin=None, series="series.txt")
    content = to_bytes(Trainer(replace(SERIES, data=source, folder=tmp_path)))
    assert from_bytes(content, "state.npz").step_count == 0
    data.write_text("\n".join(str(value) for value in range(13)))
    with pytest.raises(UserError, match="changed"):
        from_bytes(content, "state.npz")
