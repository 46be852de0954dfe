"""When one fork is clearly better than another: by a margin that noise does not explain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backprop_core.diagnosis.report import VALIDATION
from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backprop_core.diagnosis.forks import ForkResult


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

    def lower(self, low: float, high: float, baseline: float) -> bool:
        """Tell whether ``low`` is lower than ``high`` by the margin."""
        if not np.isfinite(low):
            return False
        if not np.isfinite(high):
            return True
        return high - low > max(self.gain * high, self.worth * baseline)


CLEAR = Margin(0.33, 0.05)
"""What confirms a diagnosis."""

STRICT = Margin(0.4, 0.1)
"""What confirms a diagnosis whose cure would make most runs a little better: slow is not yet ill."""

SLIGHT = Margin(0.1, 0.005)
"""What makes one more cure worth having, once there is something to cure."""


@dataclass(frozen=True)
class _End:
    """How a fork ended, and between which bounds its loss went to and fro in the last tenth of its way.

    ``reached`` says that it met the experiment's own goal, which ends a run.
    """

    loss: float
    lowest: float
    highest: float
    reached: bool


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

    Better means better in the first pair and in two of three, the worst of the last epochs than the best of the
    other's, and not at the price of the validation loss; worse means worse in any pair. To meet the experiment's
    own goal is better than not to meet it, whatever the losses are.
    """
    before, after = [_end(fork, measured) for fork in untreated], [_end(fork, measured) for fork in treated]
    better = [_lower(low, high, baseline, margin) for high, low in zip(before, after, strict=True)]
    worse = [_lower(low, high, baseline, margin) for low, high in zip(before, after, strict=True)]
    mostly = better[0] and 3 * sum(better) >= 2 * len(better)
    return Comparison(
        before[0].loss,
        after[0].loss,
        mostly and not _at_the_price_of_validation(untreated, treated, baseline),
        any(worse),
    )


def _lower(low: _End, high: _End, baseline: float, margin: Margin) -> bool:
    if low.reached or high.reached:
        return low.reached and not high.reached
    return margin.lower(low.loss, high.loss, baseline) and low.highest < high.lowest


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


def _end(fork: ForkResult, measured: str) -> _End:
    if measured == VALIDATION:
        return _End(fork.final_validation, *fork.last_validation, fork.reached)
    return _End(fork.final, *fork.last, fork.reached)
