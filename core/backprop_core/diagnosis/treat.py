"""Treating a run: the recommended cure, or one by name, as plain commands that a script replays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_core.diagnosis.diagnose import diagnose
from backprop_core.errors import UserError, nearest
from backprop_core.interventions import carry_out_as_one

if TYPE_CHECKING:
    from backprop_core.commands import Outcome
    from backprop_core.diagnosis.report import Diagnosis, Forecast
    from backprop_core.trainer import Trainer


def treat(
    trainer: Trainer, cure: str | None = None, diagnosis: Diagnosis | None = None
) -> tuple[Outcome, ...]:
    """Apply the recommended cure of a diagnosis, or the cure of that id, and return what its commands did.

    Nothing is done, and nothing returned, where no cure is recommended.

    Raises
    ------
    UserError
        If there is no such cure; nothing has changed then.
    """
    forecast = chosen_cure(diagnosis or diagnose(trainer), cure)
    return carry_out_as_one(trainer, forecast.commands) if forecast else ()


def chosen_cure(diagnosis: Diagnosis, cure: str | None) -> Forecast | None:
    """Return the cure of that id, or the recommended one if there is one."""
    if cure is None:
        return diagnosis.recommended
    known = {forecast.id: forecast for finding in diagnosis.findings for forecast in finding.cures}
    if diagnosis.recommended is not None:
        known[diagnosis.recommended.id] = diagnosis.recommended
    if not known:
        raise UserError(f"no cure '{cure}': no finding has any")
    if cure not in known:
        raise UserError(f"no cure '{cure}' here{nearest(cure, known)}")
    return known[cure]
