"""Watching a run at bounded cost: symptoms that persist, and when an investigation is worth its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_core.diagnosis.diagnose import symptoms_of
from backprop_core.diagnosis.evidence import Witness
from backprop_core.diagnosis.faults import FAULTS
from backprop_core.diagnosis.report import FINDING, HEALTHY, WATCHING, Health, Suspicion

if TYPE_CHECKING:
    from backprop_core.diagnosis.report import Diagnosis
    from backprop_core.trainer import Trainer

PERSISTENT = 3
"""So many observations in a row, at different steps, make a symptom a suspicion; as many without end it."""


class Watch:
    """Observes one trainer.

    Whoever drives the training calls :meth:`observe` now and then (a session: as often as a share of the time
    allows; a headless run: at epochs of a schedule), investigates when ``wants_diagnosis`` is set, and tells
    the result with :meth:`note`.

    Parameters
    ----------
    trainer : Trainer
        Only ever read.
    """

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.witness = Witness(trainer)
        self._begin()

    def _begin(self) -> None:
        self.diagnosis: Diagnosis | None = None
        self._seen: dict[str, int] = {}
        self._missed: dict[str, int] = {}
        self._suspicions: dict[str, Suspicion] = {}
        self._investigated: frozenset[str] = frozenset()
        self._observed = -1

    def prepare(self) -> None:
        """Measure what is measured once, so that no look pays for it."""
        _ = self.witness.data

    @property
    def since(self) -> dict[str, int]:
        """Since which step each suspicion has been there."""
        return {name: suspicion.since for name, suspicion in self._suspicions.items()}

    def observe(self) -> Health:
        """Gather evidence at this step, and say how things are; at the same step again nothing is measured."""
        if self.trainer.step_count != self._observed:
            self._observed = self.trainer.step_count
            self._count()
        return self.health()

    def _count(self) -> None:
        step = self.trainer.step_count
        symptoms = symptoms_of(self.witness.gather())
        for name in FAULTS:
            if name in symptoms:
                self._seen[name] = self._seen.get(name, 0) + 1
                self._missed[name] = 0
                known = self._suspicions.get(name)
                since = known.since if known else step
                self._suspicions[name] = Suspicion(name, since, symptoms[name].summary)
            elif name in self._suspicions:
                self._missed[name] += 1
                if self._missed[name] >= PERSISTENT:
                    del self._suspicions[name]
                    self._seen[name] = 0

    def health(self) -> Health:
        """Return how things are, by what was observed last."""
        persistent = tuple(
            suspicion for name, suspicion in self._suspicions.items() if self._seen[name] >= PERSISTENT
        )
        names = frozenset(suspicion.id for suspicion in persistent)
        wants = not names <= self._investigated
        if self.diagnosis is not None and self.diagnosis.state == FINDING:
            root = self.diagnosis.findings[0]
            return Health(FINDING, root.summary, persistent, wants)
        if persistent:
            return Health(WATCHING, persistent[0].summary, persistent, wants)
        return Health(HEALTHY, "no symptom", (), False)

    def note(self, diagnosis: Diagnosis) -> None:
        """Take in the result of an investigation."""
        self.diagnosis = diagnosis
        self._investigated = frozenset(finding.id for finding in diagnosis.findings) | frozenset(self.since)

    def reset(self) -> None:
        """Begin anew, after a treatment or another intervention."""
        self._begin()
