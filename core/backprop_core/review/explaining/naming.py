"""Calling parameters as the script does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    Data = dict[str, Any]


def parameter_names(parameters: Iterable[Data], source: str) -> dict[str, str]:
    """Return path → name as the script writes it."""
    named = {part["path"]: _name(part, source) for part in parameters}
    counts: dict[str, int] = {}
    for name in named.values():
        counts[name] = counts.get(name, 0) + 1
    return {path: _in_source(path, source) if counts[name] > 1 else name for path, name in named.items()}


def _name(part: Data, source: str) -> str:
    paths = part["paths"] or [part["path"]]
    written = [_in_source(path, source) for path in paths]
    for text in part["texts"][::-1]:
        if text in written:
            return str(text)
        attribute = re.fullmatch(r"(self)((?:\.\w+)+)(.*)", text)
        for path in written:
            steps = re.fullmatch(r"[\w.\[\]\"']*?((?:\.\w+)+)((?:\[[^\]]*\])*)", path)
            if attribute and steps and steps.group(1).endswith(attribute.group(2)):
                return f"self{attribute.group(2)}{steps.group(2)}"
        base = text.partition("[")[0]
        for path in written:
            if "[" in text and path.partition("[")[0] == base:
                return path
    plain = [path for path in written if re.search(rf"(?<![\w.]){re.escape(path)}(?!\w)", source)]
    return min(plain or written, key=lambda path: (path.count("[") + path.count("."), len(path)))


def _in_source(path: str, source: str) -> str:
    """Write keys with the quotes that the script uses, and the instance as ``self`` where it does."""
    if ('["' in path and path not in source and path.replace('"', "'") in source) or (
        '["' in path and '["' not in source and "['" in source
    ):
        path = path.replace('"', "'")
    match = re.fullmatch(r"\w+((?:\.\w+)+)(.*)", path)
    if match and path.partition("[")[0] not in source and f"self{match.group(1)}" in source:
        return f"self{match.group(1)}{match.group(2)}"
    return path
