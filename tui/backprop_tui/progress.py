"""A progress line on a terminal's standard error."""

from __future__ import annotations

import sys
from time import monotonic

BAR = 24
REDRAW_SECONDS = 0.1


class Progress:
    """Shows how far a run has come; silent where standard error is no terminal."""

    def __init__(self, *, enabled: bool = True) -> None:
        self.enabled = enabled and sys.stderr.isatty()
        self._drawn = 0.0
        self._begun = monotonic()

    def show(self, done: int, total: int | None, epoch: int) -> None:
        """Draw the line again, if the last is old enough."""
        now = monotonic()
        if not self.enabled or now - self._drawn < REDRAW_SECONDS:
            return
        self._drawn = now
        text = f"epoch {epoch}"
        if total:
            share = min(done / total, 1.0)
            filled = round(share * BAR)
            left = (now - self._begun) * (1 - share) / share if share else 0.0
            text = f"[{'#' * filled}{'.' * (BAR - filled)}] {share:4.0%}  epoch {epoch}  {left:.0f} s left"
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()

    def clear(self) -> None:
        """Leave an empty line."""
        if self.enabled and self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._drawn = 0.0
