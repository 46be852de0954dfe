"""From the messages of a worker to what was found about a script's updates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.comparing.findings import judge
from backprop_core.review.comparing.points import build_network

if TYPE_CHECKING:
    from backprop_core.review.comparing.findings import Judgement


def is_guess(judgement: Judgement) -> bool:
    """Tell whether the loss is only assumed, and explains not even the updates of the last layer.

    Then it is the assumption that is wrong as likely as the script.
    """
    return judgement.network.implied and _is_unexplained(judgement)


def _is_unexplained(judgement: Judgement) -> bool:
    last = len(judgement.network.weights)
    return any(one.id == "wrong-gradient" and one.layer == last for one in judgement.findings)


def judged(messages: list[dict[str, Any]]) -> Judgement | None:
    """Judge the updates of a script; None if they could not be followed."""
    with np.errstate(all="ignore"):
        network = build_network(messages)
        if network is None:
            return None
        judgement = judge(network)
        if network.implied or not (
            _is_unexplained(judgement) or (network.loss == "absolute" and judgement.findings)
        ):
            return judgement
        # What is shown need not be what is trained for: a mean absolute error often only reports.
        other = build_network(messages, implied=True)
        if other is None:
            return judgement
        assumed = judge(other)
        better = _told(assumed) < _told(judgement)
        return assumed if not assumed.findings or (network.loss == "absolute" and better) else judgement


def _told(judgement: Judgement) -> tuple[int, int]:
    """Return how many findings explain nothing, and how many there are."""
    findings = judgement.findings
    return sum(finding.id == "wrong-gradient" for finding in findings), len(findings)
