"""The catalogue of faults: one entry each, in the order in which causes are looked for."""

from __future__ import annotations

from backprop_core.diagnosis.faults import gradients, units

FAULTS = {
    fault.id: fault
    for fault in (
        gradients.WRONG_GRADIENT,
        units.DEAD_OUTPUT,
        units.DEAD_UNITS,
    )
}
