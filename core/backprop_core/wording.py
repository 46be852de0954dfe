"""Words that agree with numbers."""

from __future__ import annotations


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return ``"1 step"``, ``"2 steps"``."""
    return f"{count} {one if count == 1 else many or one + 's'}"
