"""`python -m benchmarks [steps] [scikit] [screen] [views] [lines] [startup] [memory] [diagnosis]`: measure,
and print one table.
"""

from __future__ import annotations

import argparse
import platform
import sys
from importlib import import_module
from importlib.metadata import version

from benchmarks.report import table

PARTS = ("steps", "scikit", "screen", "views", "lines", "startup", "memory")
LONG = ("diagnosis",)
"""Measured only if named: some twenty minutes."""


def main() -> int:
    """Measure the named parts, all but the long ones if none is named; 1 if a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    known = (*PARTS, *LONG)
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"{', '.join(known)}; all but the last if none is named"
    )
    parts = parser.parse_args().parts or list(PARTS)
    unknown = [part for part in parts if part not in known]
    if unknown:
        parser.error(f"no part is called '{unknown[0]}'; they are {', '.join(known)}")
    rows = []
    for part in parts:
        print(f"measuring: {part}", file=sys.stderr, flush=True)
        rows += import_module(f"benchmarks.{part}").measure()
    print(f"Python {platform.python_version()}, NumPy {version('numpy')}, one thread, {platform.machine()}\n")
    print(table(rows))
    return int(any(row.met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
