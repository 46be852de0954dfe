"""`python -m benchmarks.diagnosis [tuning] [held-out]`: measure the diagnosis, and print the report.

What is measured gathers in a folder; a run that was interrupted goes on with what is missing.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.diagnosis.measuring import measure_part
from benchmarks.diagnosis.report import report
from benchmarks.diagnosis.setups import PARTS
from benchmarks.diagnosis.watching import watching_table

WORKERS = 2
FOLDER = Path("build/diagnosis-benchmark")


def main() -> None:
    """Measure the parts named, both if none is."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.diagnosis", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"{' or '.join(PARTS)}; both if none is named"
    )
    parser.add_argument("--quick", action="store_true", help="every fifth setup only")
    parser.add_argument("--workers", type=int, default=WORKERS, metavar="N", help=f"processes ({WORKERS})")
    parser.add_argument("--folder", type=Path, default=FOLDER, help=f"where records gather ({FOLDER})")
    arguments = parser.parse_args()
    parts = arguments.parts or list(PARTS)
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        parser.error(f"no part is called '{unknown[0]}'; they are {' and '.join(PARTS)}")
    print(watching_table(), end="\n\n")
    for part in parts:
        records = measure_part(part, arguments.folder, arguments.workers, quick=arguments.quick)
        print(report(part, records), end="\n\n")


if __name__ == "__main__":
    main()
