"""Cures that were applied to a run: what they promised, and what came of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from backprop_core.frozen import dataclass
from backprop_core.interventions import carry_out_as_one
from backprop_core.snapshot import Mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backprop_core.commands import Outcome
    from backprop_core.diagnosis.report import Forecast
    from backprop_core.trainer import Trainer


@dataclass(frozen=True)
class Treatment:
    """A cure in a run.

    Attributes
    ----------
    id : str
        The cure's, or several joined by ``+``.
    step, epoch : int
        Where it was applied.
    marks : tuple of Mark
        What its commands left on the loss plot; one mark takes their place there.
    measured : str
        ``"training"`` or ``"validation"``: which loss the numbers are of.
    loss_before, loss_untreated, loss_forecast : float
        Where it began, and where the forks ended without it and with it.
    epochs, steps : int
        How long the forks were.
    loss_after : float or None
        What it came to once the run had gone as far as the forks, or to its own end; None before.
    epochs_after : int
        How far it had gone then.
    """

    id: str
    step: int
    epoch: int
    marks: tuple[Mark, ...]
    measured: str
    loss_before: float
    loss_untreated: float
    loss_forecast: float
    epochs: int
    steps: int
    loss_after: float | None = None
    epochs_after: int = 0

    @property
    def mark(self) -> Mark:
        """What the loss plot shows of it."""
        if self.loss_after is None:
            return Mark(self.step, f"treated, forecast {self.loss_forecast:.3g}")
        return Mark(self.step, f"→ {self.loss_after:.3g}, forecast {self.loss_forecast:.3g}")

    @property
    def result(self) -> str:
        """What it came to, in a sentence; empty before that is known."""
        if self.loss_after is None:
            return ""
        loss = "validation loss" if self.measured == "validation" else "loss"
        after = f"{self.epochs_after} epoch{'' if self.epochs_after == 1 else 's'}"
        forecast = f"forecast {self.loss_forecast:.4g}"
        if self.epochs_after != self.epochs:
            forecast += f" after {self.epochs}"
        return (
            f"{self.id}, applied at step {self.step}: {loss} {self.loss_before:.4g} → {self.loss_after:.4g} "
            f"in {after}; {forecast}, untreated {self.loss_untreated:.4g}"
        )


def apply_cure(trainer: Trainer, forecast: Forecast) -> tuple[Treatment, tuple[Outcome, ...]]:
    """Apply all commands of a cure, or none.

    Raises
    ------
    UserError
        If one of them cannot be carried out; those before it are taken back then.
    """
    step, epoch, before = trainer.step_count, trainer.epoch, len(trainer.interventions)
    loss = _loss(trainer, forecast.measured)
    with np.errstate(all="ignore"):
        outcomes = carry_out_as_one(trainer, forecast.commands)
    treatment = Treatment(
        id=forecast.id,
        step=step,
        epoch=epoch,
        marks=tuple(trainer.interventions[before:]),
        measured=forecast.measured,
        loss_before=loss,
        loss_untreated=forecast.loss_untreated,
        loss_forecast=forecast.loss_treated,
        epochs=forecast.epochs,
        steps=forecast.epochs * trainer.steps_per_epoch,
    )
    return treatment, outcomes


def concluded(treatment: Treatment, trainer: Trainer) -> Treatment:
    """Return the treatment with what it has come to by now."""
    return replace(
        treatment,
        loss_after=_loss(trainer, treatment.measured),
        epochs_after=trainer.epoch - treatment.epoch,
    )


def _loss(trainer: Trainer, measured: str) -> float:
    validation = trainer.validation_loss() if measured == "validation" else None
    return trainer.census().loss if validation is None else validation


def marks_with(treatments: Sequence[Treatment], marks: Sequence[Mark]) -> tuple[Mark, ...]:
    """Return the loss plot's marks, each treatment's as one."""
    shown = list(marks)
    for treatment in treatments:
        if treatment.marks:
            at = shown.index(treatment.marks[0])
            shown[at : at + len(treatment.marks)] = [treatment.mark]
    return tuple(shown)


def still_there(treatment: Treatment, marks: Sequence[Mark]) -> bool:
    """Tell whether a treatment has not been taken back: its marks are among those of the run."""
    return bool(treatment.marks) and all(mark in marks for mark in treatment.marks)
