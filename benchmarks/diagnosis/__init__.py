"""How often the diagnosis is right: generated runs with known faults, and healthy ones that look ill.

The parts differ in data sets and architectures: thresholds are tuned on ``tuning`` and reported on ``held-out``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.report import Row


def measure() -> list[Row]:
    """Print the reports of both parts, and return the rows of the targets, on the part held out."""
    from benchmarks.diagnosis.__main__ import FOLDER, WORKERS
    from benchmarks.diagnosis.figures import figures
    from benchmarks.diagnosis.measuring import measure_part
    from benchmarks.diagnosis.report import report
    from benchmarks.diagnosis.setups import PARTS
    from benchmarks.diagnosis.watching import PRESETS, cost_of_watching
    from benchmarks.report import Row, row_of

    cost = row_of(
        "share of training that watching takes",
        [100 * cost_of_watching(preset) for preset in PRESETS],
        "{:.1f} %",
        at_most=2,
    )
    rows: list[Row] = []
    for part in PARTS:
        records = measure_part(part, FOLDER, WORKERS)
        print(report(part, records), end="\n\n")
        rows = [
            Row(
                f"{part}: {figure.name}",
                "{:.1%}",
                figure.target.value,
                figure.target.at_least,
                figure.share.value,
                *figure.share.interval(),
            )
            for figure in figures(records)
            if figure.target is not None
        ]
    return [*rows, cost]
