"""A series as samples: each number is predicted from those before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backprop_core.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

LARGEST_WINDOWS = 2**27
"""So many numbers all windows of a series may hold together: 1 GiB."""


def windows(series: Array, window: int, where: str) -> tuple[Array, Array]:
    """Return x (rows, window), the oldest number first, and y (rows, 1), the number that follows.

    Raises
    ------
    UserError
        If the window is below 1, leaves no row, or makes more numbers than are taken; begins with ``where``.
    """
    rows = len(series) - window
    if window < 1:
        raise UserError(f"{where}: window is {window}; it must be 1 or more")
    if rows < 1:
        raise UserError(
            f"{where}: a window of {window} needs at least {window + 1} numbers; there are {len(series)}"
        )
    if rows * window > LARGEST_WINDOWS:
        raise UserError(
            f"{where}: a window of {window} over {len(series)} numbers makes {rows * window} inputs;"
            f" at most {LARGEST_WINDOWS} are taken"
        )
    x = np.lib.stride_tricks.sliding_window_view(series, window)[:-1]
    return np.ascontiguousarray(x), series[window:, None].copy()
