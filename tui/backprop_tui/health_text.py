"""Health in words: the sentences of the health line, of the diagnosis and of forecasts."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from backprop_core.diagnosis.faults import FAULTS
from backprop_core.diagnosis.text import loss

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from backprop_core.diagnosis.report import Finding, Forecast

ARROW = "→"

Place = tuple[int, int]
"""Depth in the chain, and index in the diagnosis's findings."""


def title_of(fault: str) -> str:
    """Return a fault's name for people."""
    return FAULTS[fault].title if fault in FAULTS else fault


def forecast_sentence(forecast: Forecast) -> str:
    """Return what the forks measured, with the numbers."""
    which = "validation loss, " if forecast.measured == "validation" else ""
    epochs = f"{forecast.epochs} epoch{'' if forecast.epochs == 1 else 's'}"
    return (
        f"{which}untreated {loss(forecast.loss_now)} {ARROW} {loss(forecast.loss_untreated)}, "
        f"treated {ARROW} {loss(forecast.loss_treated)} in {epochs}"
    )


def verdict_of(forecast: Forecast, recommended: Forecast | None) -> str:
    """Return in a word or two what the forecast says of a cure."""
    if recommended is not None and forecast.id == recommended.id:
        return "recommended"
    if forecast.harmful:
        return "harmful"
    return "helps" if forecast.confirmed else "no clear gain"


def warning_of(forecast: Forecast, key: str) -> str:
    """Return the warning of a cure that would do harm, and how to have it all the same."""
    return (
        f"{forecast.summary}: that would do harm. Measured on a fork: {forecast_sentence(forecast)}. "
        f"{key} again does it all the same"
    )


def chain_of(findings: Sequence[Finding]) -> list[Place]:
    """Return the findings as a tree: each below its cause, the first root first."""
    index = {finding.id: number for number, finding in enumerate(findings)}
    effects = {effect for finding in findings for effect in finding.cause_of}
    placed: list[Place] = []

    def walk(number: int, depth: int) -> None:
        if number not in (known for _, known in placed):
            placed.append((depth, number))
            for effect in findings[number].cause_of:
                if effect in index:
                    walk(index[effect], depth + 1)

    for number, finding in enumerate(findings):
        if finding.id not in effects:
            walk(number, 0)
    for number in range(len(findings)):
        walk(number, 0)
    return placed


def evidence_items(evidence: Mapping[str, float]) -> Iterator[str]:
    """Return the evidence's numbers by their names."""
    for name, value in evidence.items():
        if not isfinite(value):
            yield f"{name.replace('_', ' ')} {'undefined' if value != value else 'not finite'}"
            continue
        number = (
            f"{value:.4g}" if isinstance(value, float) and value != int_or_none(value) else f"{value:.6g}"
        )
        yield f"{name.replace('_', ' ')} {number}"


def int_or_none(value: float) -> int | None:
    """Return a whole number as such."""
    return int(value) if isfinite(value) and value == int(value) else None


def units_text(units: Sequence[tuple[int, int]], most: int = 12) -> str:
    """Return neurons as ``layer 1: 2, 4; layer 2: 1``."""
    layers: dict[int, list[int]] = {}
    for layer, neuron in units[:most]:
        layers.setdefault(layer, []).append(neuron)
    text = "; ".join(f"layer {layer}: {', '.join(map(str, neurons))}" for layer, neurons in layers.items())
    return f"{text} and {len(units) - most} more" if len(units) > most else text


def rows_text(rows: Sequence[int], most: int = 12) -> str:
    """Return the first rows and how many more there are."""
    text = ", ".join(map(str, rows[:most]))
    return f"{text} and {len(rows) - most} more" if len(rows) > most else text
