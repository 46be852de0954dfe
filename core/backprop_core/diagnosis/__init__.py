"""Why a network does not learn, and what to do: evidence, symptoms, findings, cures confirmed on forks."""

from __future__ import annotations

from backprop_core.diagnosis.diagnose import diagnose
from backprop_core.diagnosis.faults import FAULTS
from backprop_core.diagnosis.report import Diagnosis, Finding, Forecast, ForkCurve, Health, Suspicion
from backprop_core.diagnosis.treat import treat
from backprop_core.diagnosis.watch import Watch

__all__ = [
    "FAULTS",
    "Diagnosis",
    "Finding",
    "Forecast",
    "ForkCurve",
    "Health",
    "Suspicion",
    "Watch",
    "diagnose",
    "treat",
]
