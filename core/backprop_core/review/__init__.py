"""Reviewing hand-written backpropagation: find, trace, compare, explain.

The script runs, unmodified, in a process of its own (:mod:`worker`), where every operation is recorded
(:mod:`instrument`, :mod:`recorder`). From the graph come the network (:mod:`structure`), the loss (:mod:`losses`) and
its exact gradient (:mod:`gradients`); what was applied is compared with the backward passes that known mistakes give
(:mod:`hypotheses`), at the script's own weights and at random ones put in their place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_core.errors import UserError
from backprop_core.files import read_text, shown
from backprop_core.review.report import Review

if TYPE_CHECKING:
    from pathlib import Path

MOST_SOURCE = 2_000_000
DEFAULT_TIMEOUT = 30.0


def review(
    script: Path, loss: str | None = None, timeout: float = DEFAULT_TIMEOUT, gradient_only: bool = False
) -> Review:
    """Review a script.

    Parameters
    ----------
    loss : str, optional
        The name that the script gives its loss, where it cannot be told.
    timeout : float
        Seconds after which the script is stopped.
    gradient_only : bool
        Look at its first updates alone: no corrected lines are tried, and nothing beyond the gradient.

    Raises
    ------
    UserError
        If there is no such file.
    """
    from backprop_core.review.running.process import messages_in, private_folder, run_module

    source = read_text(script, MOST_SOURCE)
    if (trouble := syntax_trouble(source, script)) is not None:
        return Review(str(script), False, trouble)
    with private_folder() as folder:
        words = [str(script), str(folder)] + ([loss] if loss else [])
        code, _ = run_module("backprop_core.review.running.worker", words, folder, timeout)
        messages = messages_in(folder)
    from backprop_core.review.explaining.conclusion import conclusion_of

    try:
        return conclusion_of(script, source, messages, code is None, timeout, gradient_only)
    except Exception as error:
        # Conclusions are drawn from what foreign code has left, and from its source: that may be anything, and whoever
        # asked for an object gets one.
        told = f"the review itself failed with {type(error).__name__}: {shown(error)}; please report it"
        return Review(str(script), False, told)


def syntax_trouble(source: str, script: Path) -> str | None:
    """Return why a source cannot be parsed, None if it can."""
    import ast

    try:
        ast.parse(source)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", 0)
        return f"line {line} of {shown(script.name)} is no Python: {error.args[0]}; mend it first"
    return None


__all__ = ["Review", "UserError", "review"]
