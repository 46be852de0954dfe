"""From the messages of a worker to the review."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.beyond.further import go_further
from backprop_core.review.comparing.judging import is_guess, judged
from backprop_core.review.explaining.explanation import put_into_words
from backprop_core.review.explaining.lines import Lines
from backprop_core.review.explaining.naming import parameter_names
from backprop_core.review.mending.candidates import candidates
from backprop_core.review.mending.mending import mend
from backprop_core.review.mending.value_names import ValueNames
from backprop_core.review.mending.verification import trials
from backprop_core.review.reasons import NO_LOSS, why_not
from backprop_core.review.report import ParameterReport, Review, Warned

if TYPE_CHECKING:
    from pathlib import Path

    from backprop_core.review.comparing.finding import Finding
    from backprop_core.review.comparing.findings import Judgement


def conclusion_of(
    script: Path, source: str, messages: list[dict[str, Any]], stopped: bool, timeout: float,
    gradient_only: bool = False,
) -> Review:  # fmt: skip
    """Judge a script's updates, and put what was found into words.

    Parameters
    ----------
    gradient_only : bool
        Run the script no further: no corrected lines are tried, and nothing beyond the gradient.
    """
    judgement = judged(messages)
    if judgement is None:
        return Review(str(script), False, why_not(messages, stopped, timeout))
    if is_guess(judgement):
        return Review(str(script), False, NO_LOSS)
    text = source.split("\n")
    where = Lines(judgement.network, judgement, text)
    told = [(finding, where.of(finding)) for finding in judgement.findings]
    if gradient_only:
        return _review(script, source, messages, judgement, told, [{} for _ in told])
    values = ValueNames(judgement)
    called = parameter_names(judgement.network.parameters.values(), source)
    ways = [candidates(finding, judgement.network, line, source, values, called) for finding, line in told]
    chosen = next(message for message in messages if message["kind"] == "start")["loss"]
    with trials(script, None if chosen is None else chosen["name"], timeout) as tried:
        mended = mend(tried, source, judgement, ways)
        lines = [{} for _ in told] if mended is None else mended.proposed
        found = _review(script, source, messages, judgement, told, lines)
        return go_further(tried, found, source, messages, judgement, mended)


def _review(
    script: Path, source: str, messages: list[dict[str, Any]], judgement: Judgement,
    told: list[tuple[Finding, int]], proposed: list[dict[int, str]],
) -> Review:  # fmt: skip
    network = judgement.network
    names = parameter_names(network.parameters.values(), source)
    chosen = next(message for message in messages if message["kind"] == "start")["loss"]
    mistakes = [
        put_into_words(finding, network, names, line, lines)
        for (finding, line), lines in zip(told, proposed, strict=True)
    ]
    parameters = []
    for path, part in network.parameters.items():
        error, cosine, verdict = judgement.verdicts.get(path, (float("nan"), float("nan"), "unknown"))
        parameters.append(
            ParameterReport(
                names[path], int(part["line"]), tuple(np.shape(part["value"])), error, cosine, verdict
            )
        )
    return Review(
        str(script), True, "",
        None if chosen is None else chosen["name"], None if chosen is None else int(chosen["line"]),
        tuple(parameters), tuple(mistakes),
        tuple(Warned(name, _warning(factor)) for name, factor in judgement.warnings),
        tuple(_notes(judgement, messages)), source=tuple(source.split("\n")),
    )  # fmt: skip


def _notes(judgement: Judgement, messages: list[dict[str, Any]]) -> list[str]:
    """Say what was compared, and how closely it agrees."""
    network, points = judgement.network, judgement.search.points
    random = sum(point.label.startswith("random") for point in points)
    layers = ", ".join(f"{point.shape[0]} → {point.shape[1]} {name}" for point, name in
                       zip((layer.W for layer in points[0].layers), network.activations, strict=True))  # fmt: skip
    notes = [
        f"The network that was found: {layers}; loss: {network.loss}.",
        f"Compared at {len(points)} updates, {random} of them from random weights; "
        f"the explanation leaves {judgement.closeness:.0e} of the update.",
    ]
    if network.implied:
        notes.append(
            "The script computes no loss that was found; the one that its output error implies was assumed."
        )
    notes += checked_by_differences(messages)
    return notes


def checked_by_differences(messages: list[dict[str, Any]]) -> list[str]:
    """Compare the exact gradient with a central difference of the script's own code."""
    first = {message["kind"]: message["captures"][0] for message in messages if message.get("captures")}
    middle, high, low = (first.get(kind) for kind in ("random 3", "check +", "check -"))
    if middle is None or high is None or low is None or None in (high["loss_value"], low["loss_value"]):
        return []
    slope = 0.0
    for part, up, down in zip(middle["parameters"], high["parameters"], low["parameters"], strict=True):
        if part["gradient"] is None or part["gradient"].shape != up["value"].shape:
            return []
        slope += float(np.vdot(part["gradient"], up["value"] - down["value"]))
    difference = high["loss_value"] - low["loss_value"]
    size = max(abs(slope), abs(difference))
    if size < 1e-9:
        return []
    error = abs(slope - difference) / size
    return [f"The gradient agrees with a central difference of the script's own loss to {error:.0e}."]


def _warning(factor: str) -> str:
    return f"The gradient is {factor} times that of the loss; this only rescales the learning rate."
