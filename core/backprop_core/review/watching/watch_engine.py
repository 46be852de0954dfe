"""An engine whose process runs a script of the user's own, unmodified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from backprop_core.engine_process import ProcessEngine
from backprop_core.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path


class WatchEngine(ProcessEngine):
    """Runs a script at once; it can be held, stepped and looked at, and its state is never written to.

    Parameters
    ----------
    script : Path
    loss : str, optional
        The name that the script gives its loss, where it cannot be told.
    pace : float, optional
        Updates a second at most.
    running : bool, optional
        Whether the script goes on once its training loop has been found.
    """

    WORKER = "backprop_core.review.watching.watch_worker"

    def __init__(
        self, script: Path, loss: str | None = None, pace: float | None = None, *, running: bool = True
    ) -> None:
        super().__init__()
        self.watched_script, self.loss_name, self._pace = script, loss, pace
        self._opening = self._send("load", script, loss, pace, running)

    async def pace(self, steps_per_second: float | None) -> None:
        """Let so many updates a second happen at most; None is full speed."""
        await super().pace(steps_per_second)
        self._pace = steps_per_second

    async def state(self) -> bytes:
        """Refuse: a script's state is its own."""
        raise UserError("a script that is watched cannot be saved and gone on from")

    async def end_event(self, reason: str) -> dict[str, Any]:
        """Refuse: there is no record of a script that is watched."""
        raise UserError(f"a script that is watched has no record that could end with '{reason}'")

    async def script(self) -> str:
        """Refuse: what was done here is no script of commands."""
        raise UserError("a script that is watched is written already")

    def revived(self) -> Self:
        """Return a new engine that runs the script from its beginning."""
        return type(self)(self.watched_script, self.loss_name, self._pace)
