"""What a script trains on, as a data set of the lab, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.datasets import Dataset
from backprop_core.review.comparing.points import loss_form

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
    Data = dict[str, Any]

OPERATION_SECONDS, NUMBER_SECONDS = 6e-7, 1e-9
"""What an operation of a script is reckoned to take, and each number in it."""

MOST_NUMBERS = 2_000_000
"""More numbers of samples and weights than this are not carried over."""


class InexpressibleError(Exception):
    """The lab has no such network; the text says why not."""


def dataset_of(x: Array, y: Array, loss: str) -> Dataset:
    """Return arrays, (samples, features) and (samples, outputs), as a data set of the lab."""
    return Dataset(
        x=np.ascontiguousarray(x, np.float64),
        y=np.ascontiguousarray(y, np.float64),
        x_validation=np.empty((0, x.shape[1])),
        y_validation=np.empty((0, y.shape[1])),
        rows=np.arange(1, len(x) + 1),
        rows_validation=np.arange(0),
        feature_names=tuple(f"x{number + 1}" for number in range(x.shape[1])),
        target_names=tuple(f"y{number + 1}" for number in range(y.shape[1])),
        classes=None,
        kind="classification" if loss in ("binary-cross-entropy", "cross-entropy") else "regression",
    )


def samples_of(messages: list[Data], start: Data, first: Data) -> tuple[Array, Array]:
    """Return all samples that the script trains on, and their targets."""
    x, y = first["layers"][0]["X"], first["target"]["update"]
    y = first["target"]["loss"] if y is None else y
    evaluation, source = start["evaluation"], first["source"]
    # What a script goes through in batches it may hold as a whole, or take its loss of.
    if source["X"] is not None and len(source["X"]) > len(x):
        x, y = source["X"], source["Y"]
    elif evaluation is not None and (len(evaluation["X"]) > len(x) or y is None):
        x, y = evaluation["X"], loss_form(evaluation)[2]
    if start["batches"] > 1 and len(x) <= len(first["layers"][0]["X"]):
        x, y = _seen(messages, start["planned"][-1])
    if y is None or len(y) != len(x):
        raise InexpressibleError("its targets are not known as an array")
    if len(x) < 2:
        raise InexpressibleError("its samples are not known as an array")
    if x.size + y.size > MOST_NUMBERS:
        raise InexpressibleError("its data are too large")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise InexpressibleError("its data are not finite")
    return np.asarray(x, float), np.asarray(y, float).reshape(len(x), -1)


def _seen(messages: list[Data], count: int | None) -> tuple[Array, Array]:
    """Return the samples of the updates that were seen, if these are all that the loop goes over."""
    found: dict[bytes, tuple[Array, Array]] = {}
    for message in messages:
        for capture in message.get("captures", []):
            x, y = capture["layers"][0]["X"], capture["target"]["update"]
            if y is None or len(y) != len(x):
                continue
            for row, target in zip(x, y, strict=True):
                found.setdefault(row.tobytes() + target.tobytes(), (row, target))
    if not found or len(found) != count:
        raise InexpressibleError("its samples are not known as an array")
    return tuple(np.array(part) for part in zip(*found.values(), strict=True))  # type: ignore[return-value]


def script_seconds(start: Data) -> float:
    """Return what a script is reckoned to train for: by its operations, not measured, so that it is always the same."""
    planned = [count or 1 for count in start["planned"][-2:]]
    updates = planned[-1] * (planned[0] if len(planned) > 1 and start["batches"] > 1 else 1)
    return float(updates * (start["operations"] * OPERATION_SECONDS + start["numbers"] * NUMBER_SECONDS))


def planned_epochs(start: Data, rows: int, samples: int) -> int | None:
    """Return for how many epochs the script trains, where its loops say so beforehand."""
    planned = start["planned"]
    nested = len(planned) > 1 and start["batches"] > 1
    if not planned or planned[-1] is None:
        # What goes once through the samples need not say how many there are: the loop around it counts the epochs.
        return int(planned[-2]) if nested and planned[-2] is not None and rows < samples else None
    if rows >= samples:
        return int(planned[-1])
    updates = int(planned[-1])
    if nested:
        if planned[-2] is None:
            return None
        updates *= int(planned[-2])
    return max(1, round(updates * rows / samples))
