"""Review the corpus and print what came of it: ``python -m tests.review [--every 10] [--style flat_rows]``."""

from __future__ import annotations

import argparse
import collections
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.review.corpus import catalogue
from tests.review.running import review_all
from tests.review.scoring import Score, score

if TYPE_CHECKING:
    from tests.review.corpus.template import Script

Result = tuple["Script", dict[str, Any], Score]


def main() -> None:
    """Run the part of the corpus that the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m tests.review", description=__doc__)
    parser.add_argument("--kind", choices=("correct", "singles", "doubles"), action="append")
    parser.add_argument("--style", action="append", help="only this style")
    parser.add_argument("--mistake", action="append", help="only this mistake's id")
    parser.add_argument("--plain", action="store_true", help="only styles as they are")
    parser.add_argument("--every", type=int, default=1, help="one in N scripts")
    parser.add_argument("--offset", type=int, default=0, help="another one in N")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--failures", metavar="FILE", help="write what failed as JSON Lines, scripts included"
    )
    parser.add_argument("--keep", metavar="FOLDER", help="keep the scripts here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.keep or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for kind in options.kind or ("correct", "singles", "doubles"):
            began = time.perf_counter()
            results = _reviewed(_chosen(kind, options), folder, options.jobs)
            print(f"\n== {kind}: {len(results)} scripts, {time.perf_counter() - began:.0f} s")
            if results:
                _print_totals(results)
                _print_tables(results)
            if options.failures:
                _write_failures(results, Path(options.failures), folder)


def _chosen(kind: str, options: argparse.Namespace) -> list[Script]:
    scripts = getattr(catalogue, kind)()
    scripts = [s for s in scripts if not options.style or s.style.name in options.style]
    if options.mistake:
        scripts = [s for s in scripts if any(m.name in options.mistake for m in s.mistakes)]
    if options.plain:
        scripts = [s for s in scripts if catalogue.is_plain(s)]
    return catalogue.confirmed(catalogue.sample(scripts, options.every, options.offset))


def _reviewed(scripts: list[Script], folder: Path, jobs: int) -> list[Result]:
    results = []
    for script, report in review_all(scripts, folder, jobs):
        results.append((script, report, score(script, report)))
        if sys.stderr.isatty():
            print(f"\r{len(results)}/{len(scripts)}", end="", file=sys.stderr)
    return results


def _print_totals(results: list[Result]) -> None:
    for told, part in (
        ("seen", [r for r in results if not r[0].held]),
        ("held out", [r for r in results if r[0].held]),
    ):
        if not part:
            continue
        scores = [r[2] for r in part]
        named = sum(s.exact for s in scores)
        lines = sum(s.lines for s in scores)
        found = sum(s.found for s in scores)
        print(
            f"{told}: {named}/{len(part)} exact ({named / len(part):.1%}),"
            f" {sum(s.followed for s in scores) / len(part):.1%} followed,"
            f" {sum(bool(s.extra) for s in scores)} with a wrong finding,"
            f" {sum(s.tied for s in scores)} tied, lines {lines}/{found},"
            f" {sum('crashed' in r[1] for r in part)} crashed"
        )


def _print_tables(results: list[Result]) -> None:
    styles: dict[str, list[bool]] = collections.defaultdict(list)
    mistakes: dict[str, list[bool]] = collections.defaultdict(list)
    for script, _, scored in results:
        styles[script.style.name].append(scored.exact)
        for edit in script.mistakes:
            mistakes[edit.name].append(scored.exact)
    for table in (styles, mistakes):
        print()
        for name, exact in sorted(table.items()):
            print(f"  {name:45} {sum(exact):5}/{len(exact)}")


def _write_failures(results: list[Result], path: Path, folder: Path) -> None:
    with path.open("a", encoding="utf-8") as file:
        for script, report, scored in results:
            if not scored.exact and not script.held:
                expected = [[m.name, sorted(map(str, m.layers))] for m in script.mistakes]
                told = {
                    "script": str(folder / f"{script.name}.py"),
                    "expected": expected,
                    "followed": scored.followed,
                    "got": [[m["id"], m["layer"], m["line"], m["alternatives"]] for m in report["mistakes"]],
                    "warnings": [w["id"] for w in report["warnings"]],
                    "reason": report.get("reason"),
                    "verdicts": {p["name"]: p["verdict"] for p in report["parameters"]},
                }
                file.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
