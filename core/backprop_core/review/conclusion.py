"""From the messages of a worker to the review."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.explanation import put_into_words
from backprop_core.review.findings import judge
from backprop_core.review.naming import Lines, parameter_names
from backprop_core.review.points import build_network
from backprop_core.review.report import ParameterReport, Review, Warned
from backprop_core.review.reasons import why_not

if TYPE_CHECKING:
    from pathlib import Path


def conclusion_of(
    script: Path, source: str, messages: list[dict[str, Any]], loss: str | None, stopped: bool, timeout: float
) -> Review:
    """Judge a script's updates, and put what was found into words."""
    with np.errstate(all="ignore"):
        network = build_network(messages)
        if network is None:
            return Review(str(script), False, why_not(messages, loss, stopped, timeout))
        judgement = judge(network)
    names = parameter_names(network.parameters.values(), source)
    lines = Lines(network, judgement)
    text = source.splitlines()
    mistakes = tuple(
        put_into_words(finding, network, names, lines.of(finding), text) for finding in judgement.findings
    )
    parameters = []
    for path, part in network.parameters.items():
        error, cosine, verdict = judgement.verdicts.get(path, (float("nan"), float("nan"), "unknown"))
        parameters.append(
            ParameterReport(names[path], int(part["line"]), tuple(np.shape(part["value"])), error, cosine, verdict)
        )
    start = next(message for message in messages if message["kind"] == "start")
    chosen = start["loss"]
    return Review(
        str(script), True, "",
        None if chosen is None else chosen["name"], None if chosen is None else int(chosen["line"]),
        tuple(parameters), mistakes,
        tuple(Warned(name, _warning(name, factor)) for name, factor in judgement.warnings),
    )  # fmt: skip


def _warning(name: str, factor: str) -> str:
    return f"The gradient is {factor} times that of the loss; this only rescales the learning rate."
