"""Running changed versions of a script beside it: whether their gradient is right, and what their loss ends at."""

from __future__ import annotations

import json
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backprop_core.review.comparing.judging import judged
from backprop_core.review.running.process import end, messages_in, private_folder, run_module

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from backprop_core.review.comparing.findings import Judgement

SIDE_BY_SIDE = 3


@dataclass(frozen=True, eq=False)
class Again:
    """A changed script, reviewed: what was seen of it, and what was found; None if it could not be followed."""

    messages: list[dict[str, Any]]
    judgement: Judgement | None

    @property
    def mistakes(self) -> list[tuple[str, int | None]]:
        """Id and layer of what is wrong with its gradient."""
        return [] if self.judgement is None else [(one.id, one.layer) for one in self.judgement.findings]

    def has_only(self, left: set[tuple[str, int | None]], implied: bool) -> bool:
        """Whether it was followed, and nothing is wrong with it but these mistakes.

        Parameters
        ----------
        implied : bool
            Whether the script's loss was one that its update implies: of a changed update that would say nothing.
        """
        if self.judgement is None or (self.judgement.network.implied and not implied):
            return False
        return set(self.mistakes) <= left


class Trials:
    """Runs versions of one script, several at once, each in a process and a folder of its own.

    Parameters
    ----------
    script : Path
        The script, as which all versions run.
    loss : str or None
        What it calls its loss.
    timeout : float
        Seconds for each run.
    """

    def __init__(
        self, script: Path, loss: str | None, timeout: float, folder: Path, pool: ThreadPoolExecutor
    ) -> None:
        self.script = script
        self.loss = loss
        self.timeout = timeout
        self.pool = pool
        self.running: set[subprocess.Popen[bytes]] = set()
        self._folder = folder
        self._count = 0

    def folder(self) -> Path:
        """Return an empty folder that is gone with the trials."""
        self._count += 1
        made = self._folder / str(self._count)
        made.mkdir()
        return made

    def ending(self, source: str) -> Future[float | None]:
        """Run a version to its end for its loss there, infinite if it is not finite; None where it has none."""
        return self.pool.submit(self._ending, source, self.folder())

    def _ending(self, source: str, folder: Path) -> float | None:
        if self.loss is None:
            return None
        version, out = folder / "version.py", folder / "out.json"
        version.write_text(source, encoding="utf-8")
        words = [str(version), str(self.script), str(out), self.loss]
        run_module("backprop_core.review.mending.outcome", words, folder, self.timeout, self.running)
        try:
            told = json.loads(out.read_text(encoding="utf-8"))
            value, seen = told["loss"], told["seen"]
        except (OSError, ValueError, KeyError):
            return None
        if value is None:
            return float("inf") if seen else None
        return float(value)

    def again(self, source: str) -> Future[Again]:
        """Review a version."""
        return self.pool.submit(self._again, source, self.folder())

    def _again(self, source: str, folder: Path) -> Again:
        version, traced = folder / "version.py", folder / "trace"
        version.write_text(source, encoding="utf-8")
        traced.mkdir()
        words = [str(self.script), str(traced), self.loss or "", str(version)]
        run_module("backprop_core.review.running.worker", words, folder, self.timeout, self.running)
        messages = messages_in(traced)
        try:
            return Again(messages, judged(messages))
        except (ValueError, ArithmeticError, LookupError):
            # A line put in the wrong place can leave arrays that no longer fit together.
            return Again(messages, None)


@contextmanager
def trials(script: Path, loss: str | None, timeout: float) -> Iterator[Trials]:
    """Make room for trials; those that nobody waits for any longer are ended with it."""
    with private_folder() as folder, ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        made = Trials(script, loss, timeout, folder, pool)
        try:
            yield made
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in tuple(made.running):
                end(process)
