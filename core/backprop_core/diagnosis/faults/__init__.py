"""The catalogue of faults, one entry each: those that cause others first."""

from __future__ import annotations

from backprop_core.diagnosis.faults import gradients, network, rates, samples, units

FAULTS = {
    fault.id: fault
    for fault in (
        gradients.WRONG_GRADIENT,
        samples.CONTRADICTORY_TARGETS,
        samples.IMBALANCED_CLASSES,
        network.OUTPUT_CANNOT_REACH_TARGETS,
        samples.UNSTANDARDIZED_INPUTS,
        network.MISSING_BIAS,
        network.BAD_INITIALIZATION,
        units.SATURATED_UNITS,
        gradients.VANISHING_GRADIENTS,
        gradients.EXPLODING_GRADIENTS,
        rates.LEARNING_RATE_TOO_HIGH,
        rates.NOISY_BATCHES,
        rates.DIVERGING,
        rates.NON_FINITE,
        units.DEAD_OUTPUT,
        units.DEAD_UNITS,
        rates.LEARNING_RATE_TOO_LOW,
        network.INSUFFICIENT_CAPACITY,
        samples.OVERFITTING,
    )
}
