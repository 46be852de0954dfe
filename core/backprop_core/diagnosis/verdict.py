"""When one fork is clearly better than another: by a margin that noise does not explain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backprop_core.diagnosis.report import VALIDATION
from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backprop_core.diagnosis.forks import ForkResult

NOISE_MARGIN = 3.0
"""A difference counts if it is so many times what the losses scatter by over the last epochs."""


@dataclass(frozen=True)
class Margin:
    """How much lower a loss has to be.

    Attributes
    ----------
    gain : float
        By which share of the higher loss.
    worth : float
        By which share of the loss of always predicting the mean: what nobody would notice is no gain.
    """

    gain: float
    worth: float

    def lower(self, low: float, high: float, baseline: float, noise: float = 0.0) -> bool:
        """Tell whether ``low`` is lower than ``high`` by the margin, and by more than ``noise``."""
        if not np.isfinite(low):
            return False
        if not np.isfinite(high):
            return True
        return high - low > max(self.gain * high, self.worth * baseline, noise)


CLEAR = Margin(0.3, 0.04)
"""What confirms a diagnosis."""

STRICT = Margin(0.4, 0.1)
"""What confirms a diagnosis whose cure would make most runs a little better: slow is not yet ill."""

SLIGHT = Margin(0.1, 0.005)
"""What makes one more cure worth having, once there is something to cure."""


@dataclass(frozen=True)
class Comparison:
    """A treated fork against the untreated one, over the same orders of the data; losses are of order 0."""

    untreated: float
    treated: float
    better: bool
    worse: bool


def compare(
    untreated: Sequence[ForkResult],
    treated: Sequence[ForkResult],
    baseline: float,
    measured: str,
    margin: Margin = CLEAR,
) -> Comparison:
    """Compare forks pairwise; entry i of both saw the same batches.

    Better means better in every pair, and by no means at the price of the validation loss; worse, worse in any.
    """
    before, noise_before = _ends(untreated, measured)
    after, noise_after = _ends(treated, measured)
    noise = NOISE_MARGIN * max(noise_before, noise_after)
    pairs = list(zip(before, after, strict=True))
    better = all(margin.lower(low, high, baseline, noise) for high, low in pairs)
    return Comparison(
        before[0],
        after[0],
        better and not _at_the_price_of_validation(untreated, treated, baseline),
        any(margin.lower(low, high, baseline, noise) for low, high in pairs),
    )


def _at_the_price_of_validation(
    untreated: Sequence[ForkResult], treated: Sequence[ForkResult], baseline: float
) -> bool:
    """Tell whether the validation loss ends clearly higher with the cure, in most pairs."""
    higher = [
        CLEAR.lower(one.final_validation, other.final_validation, baseline)
        for one, other in zip(untreated, treated, strict=True)
        if one.validation and other.validation
    ]
    return 2 * sum(higher) > len(higher)


def _ends(forks: Sequence[ForkResult], measured: str) -> tuple[list[float], float]:
    if measured == VALIDATION:
        ends = [fork.final_validation for fork in forks]
        spreads = [fork.spread_validation for fork in forks]
    else:
        ends, spreads = [fork.final for fork in forks], [fork.spread for fork in forks]
    finite = [spread for spread in spreads if np.isfinite(spread)]
    return ends, max(finite, default=0.0)
