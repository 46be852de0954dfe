"""The care that a session takes of its run: watched at bounded cost, diagnoses noted, treatments followed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from backprop_core.treatments import apply_cure, concluded, marks_with, still_there

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from backprop_core.commands import Outcome
    from backprop_core.diagnosis.report import Diagnosis, Forecast, Health
    from backprop_core.diagnosis.watch import Watch
    from backprop_core.snapshot import Frame
    from backprop_core.trainer import Trainer
    from backprop_core.treatments import Treatment

WATCH_SHARE = 0.01
"""Watching may take this share of the time."""


class Care:
    """Watches one trainer, which it only reads but for treatments.

    Parameters
    ----------
    trainer : Trainer
    clock : callable
        Returns seconds.
    versions : iterator of int
        A number for the run as it is, and another after each intervention.

    Attributes
    ----------
    version : int
        What was measured for another version holds no more.
    treatments : tuple of Treatment
        Those that have not been taken back, in their order.
    """

    def __init__(self, trainer: Trainer, clock: Callable[[], float], versions: Iterator[int]) -> None:
        self.trainer = trainer
        self._versions = versions
        self.version = next(versions)
        self.treatments: tuple[Treatment, ...] = ()
        self._clock = clock
        self._watch: Watch | None = None
        self._health: Health | None = None
        self._due = -np.inf
        self._lasted: float | None = None
        self._looked: tuple[int, bool] | None = None
        self._investigated: frozenset[str] = frozenset()

    @property
    def health(self) -> Health | None:
        """How things were when it last looked; None before."""
        return self._health

    @property
    def since(self) -> dict[str, int]:
        """Since which step each suspicion has been there."""
        return self._watch.since if self._watch else {}

    def look(self, *, running: bool) -> None:
        """Observe, if it is due. What a run shows that has stopped will not pass: there one look is enough."""
        now, here = self._clock(), (self.trainer.step_count, running)
        if here == self._looked or (running and now < self._due):
            return
        self._looked = here
        watch = self._open_watch()
        now = self._clock()
        health = watch.observe()
        self._health = self._judged(health if running else self._settled(watch, health))
        after = self._clock()
        if self._lasted is not None:
            self._due = after + (after - now) / WATCH_SHARE
        # The first look finds out what does not change, and says nothing of how long the others take.
        self._lasted = after - now

    def _open_watch(self) -> Watch:
        if self._watch is None:
            # Imported here: the run's first frame comes sooner.
            from backprop_core.diagnosis.watch import Watch

            self._watch = Watch(self.trainer)
            self._watch.prepare()
        return self._watch

    def _settled(self, watch: Watch, health: Health) -> Health:
        """Return the health of a run that stands still: every symptom that shows is a suspicion."""
        from backprop_core.diagnosis.diagnose import symptoms_of
        from backprop_core.diagnosis.report import HEALTHY, WATCHING, Suspicion

        if health.state != HEALTHY:
            return health
        symptoms = symptoms_of(watch.witness.gather())
        step, since = self.trainer.step_count, watch.since
        suspicions = tuple(
            Suspicion(name, since.get(name, step), symptom.summary) for name, symptom in symptoms.items()
        )
        if not suspicions:
            return health
        return replace(
            health,
            state=WATCHING,
            line=suspicions[0].summary,
            suspicions=suspicions,
            wants_diagnosis=True,
        )

    def _judged(self, health: Health) -> Health:
        """Return the health, no diagnosis being wanted of what has been investigated."""
        new = {suspicion.id for suspicion in health.suspicions} - self._investigated
        return replace(health, wants_diagnosis=bool(new))

    def note(self, version: int, diagnosis: Diagnosis) -> bool:
        """Take in a diagnosis, and tell whether it still holds: the run has not been changed meanwhile."""
        if version != self.version:
            return False
        watch = self._open_watch()
        watch.note(diagnosis)
        suspected = {suspicion.id for suspicion in self._health.suspicions} if self._health else set()
        self._investigated = frozenset(suspected | {finding.id for finding in diagnosis.findings})
        self._health = self._judged(watch.health())
        # A run that stands still is judged by what it shows, whatever the watch has counted.
        self._looked = None
        return True

    def treat(self, forecast: Forecast) -> tuple[Outcome, ...]:
        """Apply a cure, all of it or nothing, and follow what comes of it."""
        before = self.standing()
        treatment, outcomes = apply_cure(self.trainer, forecast)
        self.changed(before)
        if treatment.marks:
            self.treatments = (*self.treatments, treatment)
        return outcomes

    def standing(self) -> tuple[Treatment, ...]:
        """Return the treatments with what each has come to: after a change of the run no forecast fits it."""
        return self._measured(ended=True)

    def changed(self, treatments: tuple[Treatment, ...]) -> None:
        """Begin to watch anew: the run is another one since an intervention, or since one was taken back.

        Parameters
        ----------
        treatments : tuple of Treatment
            As :meth:`standing` returned them before.
        """
        self.version = next(self._versions)
        if self._watch is not None:
            self._watch.reset()
        self._health, self._looked, self._due = None, None, -np.inf
        self._investigated = frozenset()
        marks = self.trainer.interventions
        self.treatments = tuple(one for one in treatments if still_there(one, marks))

    @property
    def steps_to_follow(self) -> int | None:
        """How many steps it takes to where a treatment is measured; None if none is waited for."""
        left = [
            one.step + one.steps - self.trainer.step_count
            for one in self.treatments
            if one.loss_after is None
        ]
        return min((steps for steps in left if steps > 0), default=None)

    def follow(self, *, ended: bool = False) -> None:
        """Measure the treatments whose forecast has been reached; all of them if the run has ended."""
        if all(one.loss_after is not None for one in self.treatments):
            return
        with np.errstate(all="ignore"):
            self.treatments = self._measured(ended=ended)

    def _measured(self, *, ended: bool) -> tuple[Treatment, ...]:
        return tuple(
            concluded(one, self.trainer)
            if one.loss_after is None and self._reached(one, ended=ended)
            else one
            for one in self.treatments
        )

    def _reached(self, treatment: Treatment, *, ended: bool) -> bool:
        taken = self.trainer.step_count - treatment.step
        return taken >= treatment.steps or (ended and taken > 0)

    def shown(self, frame: Frame) -> Frame:
        """Return a frame with the health, and with each treatment as one mark."""
        frame = replace(frame, health=self._health, version=self.version, treatments=self.treatments)
        if not self.treatments:
            return frame
        marks = marks_with(self.treatments, frame.curve.marks)
        return replace(frame, curve=replace(frame.curve, marks=marks))
