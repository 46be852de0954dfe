"""Numbers as people write them, and words that agree with them."""

from __future__ import annotations


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return ``"1 step"``, ``"2 steps"``."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def plain_number(value: float) -> str:
    """Return ``"2"``, ``"0.1"``: the shortest text that is read back as the same number."""
    whole = float(value).is_integer() and abs(value) < 1e15
    return str(int(value)) if whole else repr(value)
