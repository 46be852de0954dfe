"""Run the review over scripts of the corpus, as its user would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from tests.review.corpus.template import Script

TIMEOUT = 60.0


def review(script: Script, folder: Path, options: Sequence[str] = ()) -> dict[str, Any]:
    """Review one script; the object that is printed, with ``"crashed"`` where none is."""
    path = folder / f"{script.name}.py"
    path.write_text(script.text(), encoding="utf-8")
    command = [sys.executable, "-m", "backprop_tui", "review", str(path), "--json", *options]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT, env=environment, check=False
        )
        return json.loads(done.stdout) | {"exit_code": done.returncode}
    except (json.JSONDecodeError, subprocess.TimeoutExpired) as error:
        said = done.stderr[-2000:] if isinstance(error, json.JSONDecodeError) else "timed out"
        return {
            "reviewed": False,
            "crashed": True,
            "reason": said,
            "parameters": [],
            "mistakes": [],
            "warnings": [],
        }


def review_all(
    scripts: Iterable[Script], folder: Path, jobs: int = 2, options: Sequence[str] = ()
) -> Iterator[tuple[Script, dict[str, Any]]]:
    """Review scripts side by side, in their order."""
    scripts = list(scripts)
    with ThreadPoolExecutor(jobs) as pool:
        yield from zip(
            scripts, pool.map(lambda script: review(script, folder, options), scripts), strict=True
        )
