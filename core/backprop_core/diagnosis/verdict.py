"""When one fork is clearly better than another: by a margin that noise does not explain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backprop_core.diagnosis.report import VALIDATION
from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backprop_core.diagnosis.forks import ForkResult

LEAST_GAIN = 0.25
"""A cure is confirmed if it takes away at least this share of the loss that the untreated fork ends with …"""

LEAST_WORTH = 0.01
"""… and at least this share of the loss of always predicting the mean …"""

NOISE_MARGIN = 3.0
"""… and more than so many times what the losses scatter by, over the last batches and over batch orders."""


@dataclass(frozen=True)
class Comparison:
    """A treated fork against the untreated one, over the same orders of the data."""

    untreated: float
    treated: float
    better: bool
    worse: bool


def compare(
    untreated: Sequence[ForkResult], treated: Sequence[ForkResult], baseline: float, measured: str
) -> Comparison:
    """Compare forks pairwise; entry i of both saw the same batches."""
    before, noise_before = _ends(untreated, measured)
    after, noise_after = _ends(treated, measured)
    noise = NOISE_MARGIN * max(noise_before, noise_after)
    return Comparison(
        before[0],
        after[0],
        all(_clearly_lower(low, high, baseline, noise) for low, high in zip(after, before, strict=True)),
        any(_clearly_lower(low, high, baseline, noise) for low, high in zip(before, after, strict=True)),
    )


def _clearly_lower(low: float, high: float, baseline: float, noise: float) -> bool:
    if not np.isfinite(low):
        return False
    if not np.isfinite(high):
        return True
    return high - low > max(LEAST_GAIN * high, LEAST_WORTH * baseline, noise)


def _ends(forks: Sequence[ForkResult], measured: str) -> tuple[list[float], float]:
    if measured == VALIDATION:
        return [fork.final_validation for fork in forks], max(fork.spread_validation for fork in forks)
    return [fork.final for fork in forks], max(fork.spread for fork in forks)
