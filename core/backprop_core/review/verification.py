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
    script: Path, source: str, corrected: str, lines: dict[int, str], loss: str | None, timeout: float,
    left: frozenset[str] = frozenset(),
) -> Corrected | None:  # fmt: skip
    """Train both to their end, side by side, and compare the gradient of the corrected one again.

    Parameters
    ----------
    loss : str or None
        What the script calls its loss; without it, only the gradient is compared.
    left : frozenset of str
        Ids of mistakes that the lines do not mend: these may still be found.

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
            if loss is None:
                return None
            run_module(
                "backprop_core.review.outcome", [str(which), str(script), str(out), loss], folder, timeout
            )
            try:
                value = json.loads(out.read_text(encoding="utf-8"))["loss"]
            except (OSError, ValueError, KeyError):
                return None
            return None if value is None else float(value)

        def again() -> bool:
            words = [str(script), str(traced), loss or "", str(changed)]
            run_module("backprop_core.review.worker", words, folder, timeout)
            try:
                judgement = judged(messages_in(traced))
            except (ValueError, ArithmeticError, LookupError):
                # A line put in the wrong place can leave arrays that no longer fit together.
                return False
            return judgement is not None and {one.id for one in judgement.findings} <= left

        with ThreadPoolExecutor(3) as pool:
            before, after, right = (
                pool.submit(outcome, original),
                pool.submit(outcome, changed),
                pool.submit(again),
            )
            if loss is not None and after.result() is None:
                return None
            return Corrected(tuple(sorted(lines.items())), before.result(), after.result(), right.result())
