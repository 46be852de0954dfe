"""Beyond the gradient: the script's network diagnosed in the lab, and what makes it learn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.grammar import parse_command
from backprop_core.review.beyond.beyond_text import cure_text, sentences, terms_of
from backprop_core.review.beyond.beyond_worker import investigate_elsewhere
from backprop_core.review.beyond.expression import Expressed, express
from backprop_core.review.beyond.samples import InexpressibleError, script_seconds
from backprop_core.review.beyond.stopping import ends_below
from backprop_core.review.beyond.unconfirmed import seen_in_numbers
from backprop_core.review.explaining.naming import parameter_names
from backprop_core.review.mending.rewriting import Names, changed_lines, rewritten, writable
from backprop_core.review.mending.verification import Again
from backprop_core.review.report import Corrected, Review, Treatment

if TYPE_CHECKING:
    from backprop_core.experiment import Experiment
    from backprop_core.review.beyond.beyond import Beyond
    from backprop_core.review.beyond.beyond_text import Terms
    from backprop_core.review.comparing.findings import Judgement
    from backprop_core.review.mending.mending import Mended
    from backprop_core.review.mending.verification import Trials

    Data = dict[str, Any]

MOST_SECONDS = 2.0
"""A script that trains longer than this, as far as can be reckoned, is not run once more for further lines."""

UNSEEDED = (
    "The script draws other start weights at each run: its losses are not of the same ones. Give it a seed."
)

LOWER = 0.67
"""Further lines are shown if the loss ends below this share of what it ends at without them."""


def go_further(
    trials: Trials,
    found: Review,
    source: str,
    messages: list[Data],
    judgement: Judgement,
    mended: Mended | None,
) -> Review:
    """Add to a review what became of the corrected script, and what is beyond its gradient."""
    if mended is not None and draws_anew(messages, mended.again.messages):
        found = replace(found, notes=(*found.notes, UNSEEDED))
    whole = mended is not None and not mended.left
    right, state = (mended.source, mended.again) if whole and mended else (source, Again(messages, judgement))
    assert state.judgement is not None
    until = ends_below(source, found.loss_name)
    try:
        expressed = express(state.messages, state.judgement, until)
    except InexpressibleError as error:
        return _with_corrected(_from_numbers(found, judgement, str(error)), mended)
    if whole:
        expressed = replace(expressed, wrong=_wrong(messages, judgement, until))
    names = _names(state, found, right)
    kinds = _writable(state, right, names)
    beyond = investigate_elsewhere(expressed, kinds, trials.folder(), trials.timeout, trials.running)
    if beyond is None:
        return _with_corrected(_from_numbers(found, judgement, "an epoch of it takes too long"), mended)
    called = parameter_names(judgement.network.parameters.values(), source)
    found = _told(found, beyond, expressed, terms_of(judgement.network, called, found.loss_name))
    found = _with_corrected(found, mended)
    if beyond.recipe is None:
        return found
    rate = beyond.recipe.rate * expressed.experiment.training.learning_rate / expressed.rate_factor
    changed = rewritten(right, beyond.recipe.kinds, names, rate)
    if changed is None:
        return found
    implied = judgement.network.implied
    return replace(found, further=_verified(trials, found, source, right, changed, implied))


def _writable(state: Again, source: str, names: Names) -> tuple[str, ...]:
    """Return the changes that may be written: none where the gradient is still wrong, or the script trains long."""
    assert state.judgement is not None
    start = next(message for message in state.messages if message["kind"] == "start")
    if state.judgement.findings or script_seconds(start) > MOST_SECONDS:
        return ()
    return writable(source, names)


def _told(found: Review, beyond: Beyond, expressed: Expressed, terms: Terms) -> Review:
    """Put what was found in the lab into words."""
    told = tuple(sentences(beyond, expressed, terms))
    notes = (*found.notes, _sameness(expressed)) if told else found.notes
    return replace(found, beyond=told, treatment=_treatment(beyond, expressed, terms), notes=notes)


def _wrong(messages: list[Data], judgement: Judgement, until: float | None) -> Experiment | None:
    """Return the experiment with the script's own mistakes, where the lab can make them."""
    try:
        return express(messages, judgement, until).wrong
    except InexpressibleError:
        return None


def _names(state: Again, found: Review, source: str) -> Names:
    assert state.judgement is not None
    network = state.judgement.network
    start = next(message for message in state.messages if message["kind"] == "start")
    called = parameter_names(network.parameters.values(), source)
    terms = terms_of(network, called, found.loss_name)
    last = network.names[-1]
    return Names(
        terms.inputs,
        terms.rate,
        terms.weights,
        last["z"],
        last["a"],
        network.column_major,
        start["loop_line"],
    )


def _verified(
    trials: Trials, found: Review, source: str, right: str, changed: str, implied: bool
) -> Corrected | None:
    """Run a changed script, and say what became of it if it learns clearly better with its gradient still right."""
    again, after = trials.again(changed), trials.ending(changed)
    before = trials.ending(right).result() if found.corrected is None else found.corrected.loss_after
    ended = after.result()
    if before is None or ended is None or not again.result().has_only(set(), implied):
        return None
    if not ended < LOWER * before:
        return None
    lines = tuple(sorted(changed_lines(source, changed).items()))
    return Corrected(lines, before, ended, True)


def _with_corrected(found: Review, mended: Mended | None) -> Review:
    return found if mended is None else replace(found, corrected=mended.corrected())


def draws_anew(messages: list[Data], again: list[Data]) -> bool:
    """Whether two runs of a script began with other weights."""
    first, second = (
        next(message for message in seen if message["kind"] == "start")["captures"][0]["layers"]
        for seen in (messages, again)
    )
    return any(not np.array_equal(one["W"], other["W"]) for one, other in zip(first, second, strict=False))


def _from_numbers(found: Review, judgement: Judgement, why: str) -> Review:
    """Say what its numbers show, where nothing can be tried out; of a script that is right, only if its loss stalls."""
    if not found.mistakes and not _stalls(judgement):
        return found
    seen = tuple(f"Not confirmed: {sentence}" for sentence in seen_in_numbers(judgement.network))
    if not seen:
        return found
    note = f"What is beyond the gradient could not be tried out in the lab: {why}."
    return replace(found, beyond=seen, notes=(*found.notes, note))


def _stalls(judgement: Judgement) -> bool:
    """Whether the loss is known not to have fallen from the first update that was seen to the last."""
    losses = [
        point.loss_value
        for point in judgement.network.points
        if not point.label.startswith("random") and point.loss_value is not None
    ]
    return len(losses) > 1 and losses[-1] >= losses[0]


def _treatment(beyond: Beyond, expressed: Expressed, terms: Terms) -> Treatment | None:
    if not beyond.commands:
        return None
    factor = expressed.loss_factor
    text = cure_text(map(parse_command, beyond.commands), expressed, terms)
    return Treatment(text, beyond.commands, beyond.epochs, factor * beyond.untreated, factor * beyond.loss)


def _sameness(expressed: Expressed) -> str:
    """Say how closely the lab's network is the script's."""
    parts = [f"outputs at the start to {expressed.outputs:.0e}"]
    if expressed.loss is not None:
        parts.append(f"loss to {expressed.loss:.0e}")
    if expressed.weights is not None:
        parts.append(f"first updates to {expressed.weights:.0e}")
    alike = f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
    batches = expressed.experiment.training.batch_size
    order = "" if batches is None else "; batches come in another order"
    return f"What is beyond the gradient was tried out on the same network in the lab: {alike}{order}."
