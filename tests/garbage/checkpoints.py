"""Checkpoints that are none, and ones that lie."""

from __future__ import annotations

import io
import json
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.checkpoint import to_bytes
from backprop_core.commands import SetOption
from backprop_core.experiment import Choice, DataSpec, Experiment, NetworkSpec, TrainingSpec
from backprop_core.trainer import Trainer
from tests.garbage.archives import Evil, compressed, described, npy, saved, zipped
from tests.garbage.cases import Case

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = "state.npz"
SMALL = Experiment(
    name="small",
    epochs=3,
    data=DataSpec(builtin="sequence", window=3, validation=0.2, standardize=True),
    network=NetworkSpec(hidden=(4,)),
    training=TrainingSpec(optimizer=Choice("adam"), batch_size=4),
)


@cache
def good() -> bytes:
    trainer = Trainer(SMALL)
    trainer.step(7)
    trainer.apply(SetOption("learning-rate", 0.01))
    trainer.step(2)
    return to_bytes(trainer)


@cache
def parts() -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(good())) as archive:
        return {name: archive[name] for name in archive.files}


def state(name: str, content: bytes, *named: str) -> Case:
    return Case(f"checkpoint-{name}", ["--resume", FILE], (FILE, *named), {FILE: content})


def with_arrays(**changes: Any) -> bytes:
    """Return the checkpoint with other arrays; None leaves one out."""
    arrays = {**parts(), **changes}
    return saved(**{name: array for name, array in arrays.items() if array is not None})


def with_meta(change: Callable[[dict[str, Any]], object]) -> bytes:
    """Return the checkpoint with its values changed."""
    meta = json.loads(parts()["meta"].tobytes())
    changed = change(meta)
    text = json.dumps(meta if changed is None else changed)
    return with_arrays(meta=np.frombuffer(text.encode(), np.uint8))


def setting(*path: str | int, to: Any) -> bytes:
    """Return the checkpoint with one value changed."""

    def change(meta: Any) -> None:
        for step in path[:-1]:
            meta = meta[step]
        meta[path[-1]] = to

    return with_meta(change)


def without(*keys: str) -> bytes:
    return with_meta(lambda meta: [meta.pop(key) for key in keys] and None)


def raw_meta(text: bytes) -> bytes:
    return with_arrays(meta=np.frombuffer(text, np.uint8))


def with_data(**data: Any) -> bytes:
    """Return the checkpoint of an experiment with other data."""

    def change(meta: dict[str, Any]) -> None:
        meta["folder"] = data.pop("folder", meta["folder"])
        for key in ("experiment", "opened"):
            meta[key]["data"] = data

    return with_meta(change)


def with_hidden(*hidden: int) -> bytes:
    """Return the checkpoint of an experiment with another network."""

    def change(meta: dict[str, Any]) -> None:
        for key in ("experiment", "opened"):
            meta[key]["network"]["hidden"] = hidden

    return with_meta(change)


NO = "not a checkpoint"
WRONG = "contradicts itself"
ORDER = parts()["order"]

CASES = [
    state("empty", b"", NO),
    state("text", b"state\n", NO),
    state("weights only", saved(W1=np.zeros((3, 4)), b1=np.zeros(4)), NO),
    state("pickled", saved(meta=np.array([Evil()], dtype=object)), NO),
    *(
        state(f"cut after {share} %", good()[: len(good()) * share // 100], NO)
        for share in (1, 10, 40, 70, 90, 99)
    ),
    state("byte turned", good()[:3000] + bytes([good()[3000] ^ 0xFF]) + good()[3001:], NO),
    state("meta empty", raw_meta(b""), NO),
    state("meta no JSON", raw_meta(b"{'format': 1}"), NO),
    state("meta deep", raw_meta(b"[" * 100_000), NO),
    state("meta a list", raw_meta(b"[1]"), NO),
    state("meta a number of many digits", raw_meta(b'{"format": ' + b"9" * 10_000 + b"}"), NO),
    state("meta not UTF-8", raw_meta(b"\xff\xfe"), NO),
    state("meta of floats", with_arrays(meta=np.ones(3)), NO),
    state("header claims terabytes", zipped(("meta.npy", npy(described("(1000000000000,)")))), NO),
    state("bomb", compressed(meta=np.zeros(100_000_000, np.uint8)), NO),
    state("format of the future", setting("format", to=2), "format 2", "reads 1"),
    state("format of text", setting("format", to="\x1b[2J"), "\\x1b[2J"),
    state(
        "version with an escape",
        with_meta(lambda meta: {**meta, "format": 9, "version": "\x1b[2J"}),
        "\\x1b[2J",
    ),
    *(
        state(f"without {key}", without(key), WRONG)
        for key in (
            "experiment",
            "opened",
            "folder",
            "place",
            "random_state",
            "journal",
            "interventions",
            "optimizer_steps",
            "stepped",
            "ended",
            "data_sha256",
        )
    ),
    *(
        state(f"without array {name}", with_arrays(**{name: None}), WRONG)
        for name in (
            "parameters",
            "gradient",
            "update",
            "moments",
            "order",
            "history_columns",
            "history_position",
        )
    ),
    state("parameters too few", with_arrays(parameters=np.zeros(3)), WRONG),
    state("parameters one number", with_arrays(parameters=np.float64(1)), WRONG),
    state(
        "parameters of single precision",
        with_arrays(parameters=parts()["parameters"].astype(np.float32)),
        WRONG,
    ),
    state("parameters of integers", with_arrays(parameters=parts()["parameters"].astype(np.int64)), WRONG),
    state("moments of one", with_arrays(moments=parts()["moments"][:1]), WRONG),
    state("order too short", with_arrays(order=ORDER[:-1]), WRONG),
    state("order beyond the data", with_arrays(order=ORDER + 1), WRONG),
    state("order of one sample", with_arrays(order=np.zeros_like(ORDER)), WRONG),
    state("order of floats", with_arrays(order=ORDER.astype(float)), WRONG),
    state("history of four rows", with_arrays(history_columns=parts()["history_columns"][:4]), WRONG),
    state("history of more columns", with_arrays(history_columns=np.zeros((5, 4096))), WRONG),
    state("history stride 0", with_arrays(history_position=np.array([0, 9])), WRONG),
    state("history stride 3", with_arrays(history_position=np.array([3, 9])), WRONG),
    state("history of billions of steps", with_arrays(history_position=np.array([1, 2**60])), WRONG),
    state("history of events without end", with_arrays(history_non_finite=np.arange(10**6)), WRONG),
    state("standardizer of zeros", with_arrays(standardizer_x=np.zeros((2, 3))), WRONG),
    state("standardizer of nan", with_arrays(standardizer_x=np.full((2, 3), np.nan)), WRONG),
    state("standardizer of other columns", with_arrays(standardizer_x=np.ones((2, 7))), WRONG),
    state("position negative", setting("place", "position", to=-1), WRONG),
    state("position beyond", setting("place", "position", to=10**6), WRONG),
    state("position of text", setting("place", "position", to="1"), WRONG),
    state("step negative", setting("place", "step", to=-5), WRONG),
    state("step a fraction", setting("place", "step", to=1.5), WRONG),
    state("step too large", setting("place", "step", to=2**70), WRONG),
    state("steps of the optimizer negative", setting("optimizer_steps", to=-1), WRONG),
    state("place a list", setting("place", to=[1, 2, 3]), WRONG),
    state("ended with an escape", setting("ended", to="\x1b[2J"), WRONG),
    state("random state empty", setting("random_state", to={}), WRONG),
    state("random state of another generator", setting("random_state", "bit_generator", to="MT19937"), WRONG),
    state("random state of text", setting("random_state", "state", "state", to="x"), WRONG),
    state("random state too large", setting("random_state", "state", "state", to=2**200), WRONG),
    state("random state negative", setting("random_state", "state", "state", to=-1), WRONG),
    state("mark without text", setting("interventions", 0, to={"step": 1}), WRONG),
    state("mark of a number", setting("interventions", 0, "text", to=3), WRONG),
    state("mark of more", setting("interventions", 0, to={"step": 1, "text": "x", "run": "y"}), WRONG),
    state("journal with a wrong line", setting("journal", to=["walk"]), WRONG),
    state("journal of numbers", setting("journal", to=[3]), WRONG),
    state("journal that writes", setting("journal", to=["save /tmp/executed.npz"]), WRONG),
    state("undo without arrays", setting("undo", to=[{"undoes": "restart"}] * 3), WRONG),
    state("undo without end", setting("undo", to=[{}] * 10_000), WRONG),
    state("undo of text", setting("undo", 0, "undoes", to="\x1b[2J"), WRONG),
    state("experiment of text", setting("experiment", to="small"), WRONG),
    state("experiment with an unknown key", setting("experiment", "network", "size", to=3), "size"),
    state("experiment with an escape", setting("experiment", "\x1b[2J", to={}), "\\x1b[2J"),
    state("network of billions", with_hidden(10**5, 10**5), WRONG),
    state("network of many units", with_hidden(2**50), WRONG),
    state("networks that differ", setting("experiment", "network", "hidden", to=[5]), WRONG),
    state("other data", setting("data_sha256", to="0" * 64), "data have changed"),
    state("data that are gone", with_data(series="gone.txt", window=3), "gone.txt", "No such file"),
    state("data of a device", with_data(series="/dev/zero", window=3), "/dev/zero", "not a regular file"),
    state("folder of numbers", setting("folder", to=3), WRONG),
    state("folder with a NUL", with_data(series="a", window=3, folder="\0"), "\\x00"),
]
