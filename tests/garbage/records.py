"""Records that are none, and ones that lie."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from backprop_core.events import start_event
from backprop_core.recording import recorded_snapshot
from backprop_core.trainer import Trainer
from tests.garbage.cases import Case
from tests.garbage.checkpoints import SMALL

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = "mine.jsonl"


def _events() -> tuple[dict[str, Any], dict[str, Any]]:
    trainer = Trainer(SMALL)
    trainer.step(7)
    return start_event(SMALL, 21), recorded_snapshot(trainer, 0)


START, SNAPSHOT = _events()


def lines(*events: Any) -> bytes:
    return b"".join(
        (event if isinstance(event, bytes) else json.dumps(event).encode()) + b"\n" for event in events
    )


def record(name: str, content: bytes, *named: str) -> Case:
    return Case(f"record-{name}", [FILE], (FILE, *named), {FILE: content}, command="replay")


def snapshot(name: str, change: Callable[[dict[str, Any]], object], *named: str) -> Case:
    """Return a record whose second line is a snapshot with something changed."""
    event = deepcopy(SNAPSHOT)
    change(event)
    return record(name, lines(START, event), "line 2", *named)


def setting(*path: str | int, to: Any) -> Callable[[dict[str, Any]], object]:
    def change(event: Any) -> None:
        for step in path[:-1]:
            event = event[step]
        event[path[-1]] = to

    return change


def command(name: str, *named: str, **parts: Any) -> Case:
    event = {"event": "command", "step": 3, "command": "undo", "result": "done", **parts}
    return record(name, lines(START, event), "line 2", *named)


CASES = [
    record("empty", b"", "no snapshot"),
    record("blank lines", b"\n\n\n", "no snapshot"),
    record("start only", lines(START), "no snapshot"),
    record("binary", bytes(range(256)) + b"\n{}\n", "line 1", "no event"),
    record("utf-16", lines(START).decode().encode("utf-16") + b"\n\n", "line 1"),
    record("text", b"hello\n" + lines(SNAPSHOT), "line 1", "no event"),
    record("a checkpoint", b"PK\x03\x04\n\0\0\n", "line 1", "no event"),
    record("csv", b"a,b,c\n1,2,3\n", "line 1", "no event"),
    record(
        "cut off in the middle", lines(START, b'{"event": "snapshot", "st', SNAPSHOT), "line 2", "no event"
    ),
    record("NaN", lines(START, b'{"event": "snapshot", "step": NaN}', SNAPSHOT), "line 2", "NaN is not JSON"),
    record("deep", lines(START, b"[" * 100_000, SNAPSHOT), "line 2", "deep"),
    record("digits", lines(START, b"9" * 10_000, SNAPSHOT), "line 2"),
    record("a list", lines([1, 2, 3]), "line 1", "object"),
    record("a number", lines(3), "line 1", "object"),
    record("no event", lines({"step": 3}), "line 1", "'event'"),
    record("event of a number", lines({"event": 3}), "line 1", "'event'"),
    record("no start", lines(SNAPSHOT), "line 1", "start"),
    record("start without experiment", lines({"event": "start", "parameters": 3}), "line 1", "experiment"),
    record(
        "start with an unknown key",
        lines({**START, "experiment": {"data": {"builtn": "xor"}}}),
        "line 1",
        "builtn",
    ),
    record("start with an escape", lines({**START, "experiment": {"\x1b[2J": {}}}), "line 1", "\\x1b[2J"),
    record("start without parameters", lines({**START, "parameters": None}), "line 1", "parameters"),
    record("start with negative parameters", lines({**START, "parameters": -1}), "line 1", "parameters"),
    snapshot("step missing", lambda event: event.pop("step"), "'step'"),
    snapshot("inputs 0", setting("inputs", to=0), "'inputs'"),
    snapshot("step negative", setting("step", to=-1), "'step'"),
    snapshot("step a fraction", setting("step", to=1.5), "'step'"),
    snapshot("step text", setting("step", to="7"), "'step'"),
    snapshot("step true", setting("step", to=True), "'step'"),
    snapshot("step beyond counting", setting("step", to=2**60), "'step'"),
    snapshot("loss a number", setting("loss", to=3.0), "'loss'"),
    snapshot("loss text", setting("loss", "training", to="low"), "'training'"),
    snapshot("loss too large", setting("loss", "training", to=10**400), "'training'"),
    snapshot("rate text", setting("learning_rate", to="fast"), "'learning_rate'"),
    snapshot("layers missing", lambda event: event.pop("layers"), "'layers'"),
    snapshot("layers empty", setting("layers", to=[]), "'layers'"),
    snapshot("layers an object", setting("layers", to={}), "'layers'"),
    snapshot("layers without end", setting("layers", to=[{}] * 5000), "'layers'"),
    snapshot("layer a number", setting("layers", 0, to=3), "a layer"),
    snapshot("layer out of turn", setting("layers", 0, "layer", to=2), "layer 1"),
    snapshot("units 0", setting("layers", 0, "units", to=0), "'units'"),
    snapshot("activation unknown", setting("layers", 0, "activation", to="\x1b[2J"), "\\x1b[2J"),
    snapshot("dead neuron 0", setting("layers", 0, "dead", to=[0]), "'dead'"),
    snapshot("dead neuron beyond", setting("layers", 0, "dead", to=[99]), "'dead'"),
    snapshot("dead a number", setting("layers", 0, "dead", to=4), "'dead'"),
    snapshot("predictions missing", lambda event: event.pop("predictions"), "'predictions'"),
    snapshot("predictions without end", setting("predictions", to=[{}] * 5000), "'predictions'"),
    snapshot("prediction text", setting("predictions", 0, "prediction", to=["x"]), "'prediction'"),
    snapshot(
        "prediction of two, target of one", setting("predictions", 0, "prediction", to=[1.0, 2.0]), "'target'"
    ),
    snapshot("prediction of none", setting("predictions", 0, to={"row": 1, "prediction": [], "target": []})),
    snapshot("row 0", setting("predictions", 0, "row", to=0), "'row'"),
    snapshot("curve a list", setting("curve", to=[1]), "'curve'"),
    snapshot("curve of other lengths", setting("curve", "low", to=[1.0]), "'curve'", "equally long"),
    snapshot("curve that goes back", lambda event: event["curve"]["first_step"].reverse(), "'curve'"),
    snapshot("curve of text", setting("curve", "mean", 0, to="x"), "'mean'"),
    snapshot("curve without end", setting("curve", "low", to=[0.0] * 10_000), "'low'"),
    snapshot("curve without baseline of a kind", setting("curve", "baseline", to="high"), "'baseline'"),
    snapshot("activations an object", setting("activations", to={}), "'activations'"),
    snapshot("activations of layer 9", setting("activations", 0, "layer", to=9), "'activations'"),
    snapshot("activations ragged", setting("activations", 0, "values", 0, to=[1.0]), "equally long"),
    snapshot(
        "activations of more neurons", setting("activations", 0, "values", to=[[1.0]] * 99), "'activations'"
    ),
    snapshot("activations of none", setting("activations", 0, "values", to=[]), "'activations'"),
    snapshot("activations text", setting("activations", 0, "values", 0, 0, to="x"), "'values'"),
    snapshot("accuracy text", setting("accuracy", to="good"), "'accuracy'"),
    command("command a number", "'command'", command=3),
    command("command without result", "'result'", result=None),
    command("command step text", "'step'", step="3"),
    record("expect without condition", lines(START, {"event": "expect", "passed": True}), "line 2"),
    record("end without reason", lines(START, {"event": "end", "step": 3}), "line 2", "'reason'"),
]
