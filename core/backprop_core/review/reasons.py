"""Why a script could not be reviewed, and what would help."""

from __future__ import annotations

from typing import Any

from backprop_core.files import shown

NO_LOSS = (
    "no loss was found that follows from its output, and its updates fit none that its output error implies; "
    "compute the loss from the output that the error is taken of, in each iteration"
)


def why_not(messages: list[dict[str, Any]], stopped: bool, timeout: float) -> str:
    """Return the reason as one sentence."""
    end = next((message for message in messages if message["kind"] == "end"), None)
    if end is None:
        if stopped:
            return f"it was stopped after {timeout:g} seconds, before an update was seen; give it more with --timeout"
        return "its process ended before an update was seen; does it call os._exit, or crash the interpreter?"
    error = end["error"]
    if error is not None:
        where = f" in line {error['line']}" if error["line"] else ""
        return f"it ended with {error['type']}{where}: {shown(error['text'])}; make it run by hand first"
    if not end["loops"]:
        return "it has no loop; the update must be repeated in a for or while loop"
    if end["why"] == "structure":
        return "its layers do not form one chain of products from inputs to outputs; only such networks are followed"
    return (
        "no loop was found whose iterations update weights that its forward pass multiplies with; "
        "the update must be written with NumPy in the script itself"
    )
