"""Functions of Python and NumPy that call back or go over what they are given, done so that the recorder sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from backprop_core.review.running.recorder import Recorder


def is_generator(value: Any) -> bool:
    """Whether a value can be gone over only once."""
    return type(value).__name__ in ("generator", "map", "zip")


def _zip(recorder: Recorder, site: int, *iterables: Any, **keywords: Any) -> Any:
    return zip(*(recorder.elements(iterable) for iterable in iterables), **keywords)  # noqa: B905


def _enumerate(recorder: Recorder, site: int, iterable: Any, start: int = 0) -> Any:
    return enumerate(recorder.elements(iterable), start)


def _map(recorder: Recorder, site: int, function: Any, *iterables: Any) -> Any:
    rows = zip(*(recorder.elements(iterable) for iterable in iterables), strict=False)
    return (recorder.call(function, site, *row) for row in rows)


def _list(recorder: Recorder, site: int, *iterable: Any) -> Any:
    return list(recorder.elements(iterable[0])) if iterable else []


def _tuple(recorder: Recorder, site: int, *iterable: Any) -> Any:
    return tuple(recorder.elements(iterable[0])) if iterable else ()


def _reversed(recorder: Recorder, site: int, iterable: Any) -> Any:
    return reversed(_list(recorder, site, iterable) if isinstance(iterable, np.ndarray) else iterable)


def _sum(recorder: Recorder, site: int, iterable: Any, start: Any = 0) -> Any:
    total = start
    for element in recorder.elements(iterable):
        total = recorder.binary("add", total, element, site)
    return total


def _larger(recorder: Recorder, site: int, *values: Any, **keywords: Any) -> Any:
    return _extreme(recorder, site, "maximum", max, values, keywords)


def _smaller(recorder: Recorder, site: int, *values: Any, **keywords: Any) -> Any:
    return _extreme(recorder, site, "minimum", min, values, keywords)


def _extreme(recorder: Recorder, site: int, op: str, function: Any, values: Any, keywords: Any) -> Any:
    """Record the larger or smaller of two numbers; Python's own functions return one of the two objects."""
    result = function(*values, **keywords)
    numbers = len(values) == 2 and not keywords and all(isinstance(one, (int, float)) for one in values)
    if not numbers or not any(isinstance(one, float) for one in values):
        return result
    return recorder._record(op, getattr(np, op), values, None, recorder.number(result), site)


def _apply_along_axis(
    recorder: Recorder, site: int, function: Any, axis: int, array: Any, *rest: Any, **keywords: Any
) -> Any:
    if np.ndim(array) != 2 or axis not in (0, 1, -1, -2):
        return np.apply_along_axis(function, axis, array, *rest, **keywords)
    rows = array if axis in (1, -1) else recorder.attribute(array, "T", site)
    results = [recorder.call(function, site, row, *rest, **keywords) for row in recorder.elements(rows)]
    stacked = recorder.call(np.array, site, results)
    return stacked if axis in (1, -1) or np.ndim(stacked) < 2 else recorder.attribute(stacked, "T", site)


REWRITTEN: dict[Any, Callable[..., Any]] = {
    zip: _zip, enumerate: _enumerate, max: _larger, min: _smaller,
    map: _map, list: _list, tuple: _tuple, reversed: _reversed, sum: _sum,
    np.apply_along_axis: _apply_along_axis,
}  # fmt: skip
