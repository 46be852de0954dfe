"""Whether corrected lines help: the script with them, reviewed once more and trained to its end."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from backprop_core.review.process import messages_in, private_folder, run_module
from backprop_core.review.report import Corrected

if TYPE_CHECKING:
    from pathlib import Path


def verify(
    script: Path, source: str, corrected: str, lines: dict[int, str], loss: str, timeout: float
) -> Corrected | None:
    """Train both to their end, side by side, and compare the gradient of the corrected one again.

    Returns
    -------
    Corrected or None
        None if the corrected source did not run.
    """
    from backprop_core.review.conclusion import judged

    with private_folder() as folder:
        changed = folder / "corrected"
        original = folder / "original"
        changed.write_text(corrected, encoding="utf-8")
        original.write_text(source, encoding="utf-8")
        traced = folder / "trace"
        traced.mkdir()

        def outcome(which: Path) -> float | None:
            out = which.with_suffix(".json")
            run_module(
                "backprop_core.review.outcome", [str(which), str(script), str(out), loss], folder, timeout
            )
            try:
                value = json.loads(out.read_text(encoding="utf-8"))["loss"]
            except (OSError, ValueError, KeyError):
                return None
            return None if value is None else float(value)

        def again() -> bool:
            words = [str(script), str(traced), loss, str(changed)]
            run_module("backprop_core.review.worker", words, folder, timeout)
            judgement = judged(messages_in(traced))
            return judgement is not None and not judgement.findings

        with ThreadPoolExecutor(3) as pool:
            before, after, right = (
                pool.submit(outcome, original),
                pool.submit(outcome, changed),
                pool.submit(again),
            )
            if after.result() is None:
                return None
            return Corrected(tuple(sorted(lines.items())), before.result(), after.result(), right.result())
