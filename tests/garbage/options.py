"""Options that contradict themselves, and files that are none of the kind wanted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.garbage.cases import Case
from tests.garbage.series import GOOD

if TYPE_CHECKING:
    from pathlib import Path


def option(*words: str, named: tuple[str, ...] = (), files: dict[str, bytes] | None = None) -> Case:
    flags = " ".join(word[:30] for word in words)
    return Case(f"option-{flags or 'empty'}", list(words), named or (words[-2],), files or {})


def place(name: str, words: list[str], make, *named: str, command: str = "run") -> Case:
    return Case(f"place-{name}", words, named, {"readings.txt": GOOD}, make, command)


def a_directory(folder: Path) -> None:
    (folder / "there").mkdir()


def a_pipe(folder: Path) -> None:
    os.mkfifo(folder / "there")


def a_loop(folder: Path) -> None:
    (folder / "there").symlink_to("back")
    (folder / "back").symlink_to("there")


def a_link_to_nothing(folder: Path) -> None:
    (folder / "there").symlink_to("nothing")


def a_device(folder: Path) -> None:
    (folder / "there").symlink_to("/dev/zero")


def nothing(folder: Path) -> None:
    pass


READING = {
    "series": ["--series", "there", "--window", "3"],
    "csv": ["--csv", "there", "--target", "c"],
    "npz": ["--npz", "there"],
    "script": ["xor", "--script", "there"],
    "resume": ["--resume", "there"],
    "experiment": ["./there"],
}
KINDS = (
    (a_directory, "directory"),
    (a_pipe, "not a regular file"),
    (a_loop, "symbolic links"),
    (a_link_to_nothing, "No such file"),
    (a_device, "not a regular file"),
    (nothing, "No such file"),
)

CASES = [
    option("sequense", named=("'sequense'", "'sequence'")),
    option("no such", named=("'no such'",)),
    option("", named=("preset",)),
    option("\x1b]0;x\x07", named=("\\x1b]0;x\\x07",)),
    option("a/b.toml", named=("a/b.toml", "No such file")),
    option("x" * 5000, named=("preset",)),
    option("\0.toml", named=("\\x00",)),
    option("xor", "--hidden", "4,0"),
    option("xor", "--hidden", "4,,4"),
    option("xor", "--hidden", "four", named=("--hidden", "'four'")),
    option("xor", "--hidden=-1", named=("--hidden",)),
    option("xor", "--hidden", "1e9", named=("--hidden", "whole")),
    option("xor", "--hidden", "200000,200000", named=("hidden", "40001000001 parameters", "TB")),
    option("xor", "--activation", "relu,tanh,relu", named=("3 entries",)),
    option("xor", "--activation", "leaky-relu:slope", named=("--activation",)),
    option("xor", "--optimizer", "sgd:momentum=fast"),
    option("xor", "--optimizer", "sgd:name=x"),
    option("xor", "--learning-rate", "0,05"),
    option("xor", "--learning-rate", "nan"),
    option("xor", "--epochs", "ten"),
    option("xor", "--epochs", "1e3"),
    option("xor", "--seed=-1", named=("--seed",)),
    option("xor", "--seed", "1.5"),
    option("xor", "--features", "x,z", named=("--features", "'z'")),
    option("xor", "--features", "x,", named=("--features",)),
    option("sequence", "--features", "x,y", named=("features", "two inputs")),
    option("xor", "--l1=-1", named=("--l1",)),
    option("xor", "--l1", "much", named=("--l1",)),
    option("xor", "--batch-size", "0"),
    option("xor", "--until", "loss", named=("--until", "condition")),
    option("xor", "--loss", "none"),
    option("xor", "--builtin", "nothing", named=("'nothing'",)),
    option("xor", "--series", "a.txt", named=("--window",)),
    option("xor", "--no-such-option", named=("--no-such-option",)),
    option("xor", "again", named=("again",)),
    option("xor", "--learning", "1", named=("--learning",)),
    option("xor", "--checkpoint-every", "1", named=("--checkpoint",)),
    option("xor", "--checkpoint", "a.npz", "--checkpoint-every", "0", named=("--checkpoint-every",)),
    option("xor", "--checkpoint", "a.npz", "--checkpoint-every", "soon", named=("'soon'",)),
    option("xor", "--checkpoint", "gone/a.npz", named=("gone/a.npz", "no folder")),
    option("xor", "--checkpoint", ".", named=("directory",)),
    option("xor", "--checkpoint", "/dev/null", named=("/dev/null", "not a regular file")),
    option(
        "xor",
        "--checkpoint",
        "notes.txt",
        named=("notes.txt", "another kind"),
        files={"notes.txt": b"mine\n"},
    ),
    option("xor", "--record", "notes.txt", named=("notes.txt", "no record"), files={"notes.txt": b"mine\n"}),
    option("xor", "--record", "gone/a.jsonl", named=("gone/a.jsonl",)),
    option("xor", "--record", ".", named=("directory",)),
    option("xor", "--record", "a", "--checkpoint", "a", named=("--record", "--checkpoint")),
    option("xor", "--resume", "a.npz", named=("--resume",)),
    option("--resume", "a.npz", "--seed", "1", named=("--resume",)),
    *(
        place(f"{reader} from {make.__name__}", words, make, "there", objection)
        for reader, words in READING.items()
        for make, objection in KINDS
    ),
    *(
        place(f"record from {make.__name__}", ["there"], make, "there", objection, command="replay")
        for make, objection in KINDS
    ),
]
