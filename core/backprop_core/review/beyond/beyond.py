"""What keeps a script's network from learning when its gradient is right: the diagnosis, on the network as expressed.

A change of a script is there from its first step. So what the diagnosis confirms midway is put to two more forks,
from the start weights over all epochs: only what makes the loss end clearly lower there is told.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from backprop_core.commands import ReinitDead, Rollback, SetActivation, SetOption, TrueGradient
from backprop_core.diagnosis.diagnose import epoch_seconds
from backprop_core.diagnosis.fault import Cure
from backprop_core.diagnosis.faults import FAULTS
from backprop_core.diagnosis.forks import run_fork
from backprop_core.diagnosis.report import FINDING
from backprop_core.diagnosis.supervision import Supervision
from backprop_core.diagnosis.whatif import NOTHING, ORDERS, Plan, WhatIf
from backprop_core.experiment import Choice
from backprop_core.frozen import dataclass
from backprop_core.grammar import format_command, parse_command
from backprop_core.review.beyond.recipes import Kitchen, Recipe, kinds_of
from backprop_core.review.mending.rewriting import LINEAR, RATE
from backprop_core.trainer import Goal, Trainer
from backprop_core.training_state import capture

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from backprop_core.commands import Command
    from backprop_core.diagnosis.evidence import Evidence
    from backprop_core.diagnosis.report import Diagnosis, Finding, Forecast
    from backprop_core.experiment import Experiment

FORK_SECONDS = 0.25
"""A fork is as long as the script trains, or what is reckoned to so many seconds."""

ALL_SECONDS = 10.0
"""All forks together are reckoned to no more than this; a small network takes about a third of what is reckoned."""

RECIPE_SECONDS = 6.0
"""As much for trying out which changes of the script it takes."""

UNPLANNED_EPOCHS = 500
"""How long forks are where the script does not say beforehand how long it trains."""

LEAST_FORK = 20
"""Forks of fewer epochs tell nothing."""

MOST_TOLD = 5

LEARNS = 0.25
"""A loss below this share of what always predicting the mean would cost has been learning, if slowly."""

LONGER = 4
"""A loss that falls slowly may need so many times the epochs, and nothing else."""

SLOW = ("learning-rate-too-low", "insufficient-capacity")
"""What makes most runs a little better is no trouble of a network that learns."""


@dataclass(frozen=True)
class Trouble:
    """A fault of the diagnosis's catalogue, and what would have come of the network without it.

    Attributes
    ----------
    id : str
    summary : str
        What was seen, in the lab's words and units.
    evidence : mapping of str to number
    commands : tuple of str
        What takes it away, applied at the start weights; none where nothing does, as with contradictory targets.
    loss : float
        What the loss then ends at, in the lab's units.
    longer : float
        What it ends at with nothing changed after :data:`LONGER` times the epochs; not a number where that is no cure.
    """

    id: str
    summary: str
    evidence: Mapping[str, float]
    commands: tuple[str, ...]
    loss: float
    longer: float = np.nan


@dataclass(frozen=True)
class DeadOutput:
    """An output that died in the script's own training.

    Attributes
    ----------
    loss, stays, linear : float
        The loss that it ended at; where it ends after as many epochs more with the right gradient, and with a linear
        output as well.
    """

    loss: float
    stays: float
    linear: float


@dataclass(frozen=True)
class Beyond:
    """What was found besides the gradient; losses are the lab's.

    Attributes
    ----------
    epochs : int
        How long the forks were.
    untreated : float
        What the loss ends at with the right gradient and nothing else changed.
    troubles : tuple of Trouble
        Confirmed ones, the root first.
    dead_output : DeadOutput or None
    commands, loss
        The treatment with the best outcome, and that; none where nothing is confirmed.
    recipe : Recipe or None
        Changes of the script itself that make it learn, as far as they can be written into it.
    cut : bool
        Whether the investigation was ended because it became too long.
    """

    epochs: int
    untreated: float
    troubles: tuple[Trouble, ...] = ()
    dead_output: DeadOutput | None = None
    commands: tuple[str, ...] = ()
    loss: float = np.nan
    recipe: Recipe | None = None
    cut: bool = False


class TooLongError(Exception):
    """An epoch takes so long that nothing can be tried out in time."""


class _SpentError(Exception):
    """All the work there was for an investigation is done."""


def fork_epochs(trainer: Trainer, planned: int | None) -> int:
    """Return how many epochs are trained for a script that plans so many; None where it does not say.

    Raises
    ------
    TooLongError
    """
    affordable = int(FORK_SECONDS / epoch_seconds(trainer))
    epochs = min(planned or UNPLANNED_EPOCHS, affordable)
    if epochs < min(LEAST_FORK, planned or LEAST_FORK):
        raise TooLongError
    return epochs


def investigate(
    trainer: Trainer, planned: int | None, wrong: Trainer | None = None, writable: Collection[str] = ()
) -> Beyond:
    """Say what keeps a network from learning.

    Parameters
    ----------
    trainer : Trainer
        At the script's start weights, with the gradient of its loss; is trained.
    planned : int or None
        For how many epochs the script trains.
    wrong : Trainer, optional
        The same with the script's own wrong gradient; is trained.
    writable : collection of str
        The kinds of change that can be written into the script.

    Raises
    ------
    TooLongError
    """
    epochs = fork_epochs(trainer, planned)
    one = epoch_seconds(trainer) * epochs
    left = [int(ALL_SECONDS / one)]

    def spend() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise _SpentError

    start = capture(trainer)
    whole = WhatIf(start, epochs, trainer.baseline(), spend)
    dead = dead_output(wrong or Trainer.fork(start), epochs)
    result = Beyond(epochs, _end(whole, NOTHING), dead_output=dead)
    try:
        found = _finding(trainer, epochs, spend)
        if found is None:
            return result
        learns = result.untreated < LEARNS * whole.baseline
        for finding in found.diagnosis.confirmed[:MOST_TOLD]:
            slow = finding.id in SLOW
            told = None if learns and slow else _trouble(finding, found.own_cures(finding), whole)
            if told is not None:
                told = replace(told, longer=_longer(whole)) if slow else told
                result = replace(result, troubles=(*result.troubles, told))
        result = _treated(result, found.diagnosis.recommended, whole)
        kitchen = Kitchen(trainer.opened, trainer.dataset, epochs, int(RECIPE_SECONDS / one))
        return replace(result, recipe=_recipe(result, kitchen, trainer.opened, writable))
    except _SpentError:
        return replace(result, cut=True)


def _treated(result: Beyond, recommended: Forecast | None, whole: WhatIf) -> Beyond:
    """Add the treatment with the best outcome: of what is told, and what the diagnosis recommends."""
    plans = [_plan(map(parse_command, one.commands)) for one in result.troubles]
    if result.troubles and recommended is not None:
        plans.append(_plan(recommended.commands))
    for plan in sorted(filter(None, plans), key=whole.outcome):
        seen = whole.compare(plan, orders=ORDERS)
        if seen is not None and seen.better:
            return replace(result, commands=tuple(map(format_command, plan.commands)), loss=_end(whole, plan))
    return result


def _recipe(
    result: Beyond, kitchen: Kitchen, experiment: Experiment, writable: Collection[str]
) -> Recipe | None:
    """Return what to change in the script so that nothing of what is told is left, and no more than it takes."""
    lines = {*result.commands, *(command for one in result.troubles for command in one.commands)}
    kinds = kinds_of(map(parse_command, lines), experiment)
    if not kinds:
        return None
    if result.dead_output is not None:
        kinds.add(LINEAR)
    return kitchen.best((kinds | {RATE}) & set(writable)) if kinds & set(writable) else None


@dataclass(frozen=True)
class _Found:
    """A diagnosis that confirms something, and what it was made from."""

    diagnosis: Diagnosis
    evidence: Evidence

    def own_cures(self, finding: Finding) -> list[Forecast]:
        """Return what takes a fault itself away: the recommended plan, told with the root, may do without it."""
        own = {cure.id for cure in FAULTS[finding.id].cures(self.evidence)}
        return [cure for cure in finding.cures if cure.id.removeprefix("rollback+") in own]


def _finding(trainer: Trainer, epochs: int, spend: Callable[[], None]) -> _Found | None:
    """Train as a diagnosis does, and return the first one that confirms something."""
    supervision = Supervision(trainer, epochs, spend)
    while supervision.left and trainer.ended is None:
        trainer.advance(Goal(epoch=supervision.next_epoch), None)
        found = supervision.look()
        if found is not None and found.state == FINDING:
            return _Found(found, supervision.watch.witness.gather())
    return None


def _plan(commands: Iterable[Command]) -> Plan | None:
    """Return what of some commands makes sense at the start weights; None where nothing does."""
    kept = tuple(command for command in commands if not isinstance(command, (Rollback, ReinitDead)))
    return Plan((Cure("", kept, ""),)) if kept else None


def _trouble(finding: Finding, cures: list[Forecast], whole: WhatIf) -> Trouble | None:
    """Return a finding as it is told, if the network ends clearly better without the fault from its first step on."""
    if not finding.cures:
        return Trouble(finding.id, finding.summary, finding.evidence, (), np.nan)
    plans = filter(None, [_plan(cure.commands) for cure in cures])
    for plan in sorted(plans, key=whole.outcome):
        seen = whole.compare(plan, orders=ORDERS)
        if seen is not None and seen.better:
            words = tuple(map(format_command, plan.commands))
            return Trouble(finding.id, finding.summary, finding.evidence, words, _end(whole, plan))
    return None


def _end(whole: WhatIf, plan: Plan) -> float:
    """Return the loss at the very end, as a script shows it; plans are compared by that of the last tenth."""
    result = whole.run(plan.commands)
    return np.inf if result is None else float(result.training[-1])


def _longer(whole: WhatIf) -> float:
    """Return what the loss ends at after several times the epochs, with nothing changed."""
    ended = run_fork(whole.state, (), LONGER * whole.epochs)
    return np.nan if ended is None else float(ended.training[-1])


def dead_output(trainer: Trainer, epochs: int) -> DeadOutput | None:
    """Train to the end, and if all outputs are dead then, say what becomes of them with the right gradient."""
    if not trainer.network.layers[-1].activation.can_die:
        return None
    trainer.run_epochs(epochs)
    if trainer.ended or not trainer.census().dead[-1].all():
        return None
    right: list[Command] = []
    if trainer.experiment.mistakes.missing_derivative:
        right.append(TrueGradient())
    if trainer.experiment.training.reduction == "sum":
        right.append(SetOption("reduction", "mean"))
    onward = WhatIf(capture(trainer), epochs, trainer.baseline())
    stays = onward.outcome(Plan((Cure("", tuple(right), ""),)))
    linear = (*right, SetActivation("output", Choice("linear")))
    return DeadOutput(trainer.census().loss, stays, onward.outcome(Plan((Cure("", linear, ""),))))
