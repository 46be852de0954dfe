"""Numbers from one process to another: JSON for the structure, raw bytes for the arrays, nothing executable."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path


_open = io.open
"""The real one: in the script's process another takes its place later."""


def dump(data: Any, path: Path) -> None:
    """Write nested dictionaries and lists of numbers, texts and arrays."""
    arrays: list[np.ndarray] = []

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            arrays.append(np.ascontiguousarray(value, float).reshape(value.shape))
            return {"#": len(arrays) - 1}
        if isinstance(value, dict):
            return {str(key): plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        return value.item() if isinstance(value, np.generic) else value

    tree = plain(data)
    header = json.dumps({"tree": tree, "shapes": [array.shape for array in arrays]}).encode()
    temporary = path.with_suffix(".part")
    with _open(temporary, "wb") as file:
        file.write(len(header).to_bytes(8, "little"))
        file.write(header)
        for array in arrays:
            file.write(array.tobytes())
    temporary.rename(path)


def load(path: Path) -> Any:
    """Read what :func:`dump` wrote.

    Raises
    ------
    ValueError
        If the file is something else.
    """
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    arrays = []
    position = 8 + length
    for shape in header["shapes"]:
        count = int(np.prod(shape, dtype=np.int64))
        arrays.append(np.frombuffer(content, np.float64, count, position).reshape(shape))
        position += 8 * count

    def rebuilt(value: Any) -> Any:
        if isinstance(value, dict):
            return (
                arrays[value["#"]]
                if set(value) == {"#"}
                else {key: rebuilt(item) for key, item in value.items()}
            )
        return [rebuilt(item) for item in value] if isinstance(value, list) else value

    return rebuilt(header["tree"])
