"""What a session in the lab leaves behind: its record, its checkpoints, and a state to go on from."""

from __future__ import annotations

from itertools import pairwise
from time import monotonic
from typing import TYPE_CHECKING, Any

from backprop_core.commands import SaveCheckpoint
from backprop_core.errors import UserError
from backprop_core.events import Recorder, outcome_event, start_event
from backprop_core.files import shown
from backprop_core.snapshot import View

if TYPE_CHECKING:
    from pathlib import Path

    from backprop_core.commands import Outcome
    from backprop_core.engine import Engine
    from backprop_core.snapshot import Frame

SNAPSHOT_SECONDS = (0.1, 1.0)
SNAPSHOT_SHARE = 0.05
"""A record has a snapshot after this share of the session's time, within those bounds: the first seconds,
in which most of a curve's fall is, in more detail."""

STATE_SECONDS = 2.0
STATE_BYTES_A_SECOND = 1_000_000
"""A large state is asked for less often, so that copying it does not slow training."""


class SessionLog:
    """Looked after once a frame.

    Attributes
    ----------
    kept_step : int
        The step of the engine's last state.
    """

    def __init__(
        self,
        record: Path | None = None,
        checkpoint: Path | None = None,
        checkpoint_every: float | None = None,
    ) -> None:
        self._record_path = record
        self._recorder = Recorder(record) if record else None
        self.checkpoint = checkpoint.absolute() if checkpoint else None
        self._every = checkpoint_every
        self._started = False
        self._snapshot_due = self._state_due = 0.0
        self._begun = monotonic()
        self._recorded_to = 0
        self._checkpoint_due = monotonic() + (checkpoint_every or 0.0)
        self.kept_step = 0

    def opened(self) -> None:
        """Note that another experiment has taken the place of the one before."""
        self._started = False
        self._state_due = self._snapshot_due = 0.0
        self._begun = monotonic()
        self._recorded_to = 0

    def command(self, outcome: Outcome) -> None:
        """Record what a command did, and have a snapshot tell soon what came of it."""
        self._record(outcome_event(outcome))
        # After an undo or a restart the curve goes on from a step before.
        self._recorded_to = min(self._recorded_to, outcome.step)
        self._snapshot_due = 0.0

    def _record(self, event: dict[str, Any]) -> None:
        """Append an event; where that fails, UserError, once: the record ends there."""
        if self._recorder is None:
            return
        try:
            self._recorder.write(event)
        except OSError as error:
            self._recorder.close()
            self._recorder = None
            raise UserError(f"{shown(self._record_path)}: the record ends here: {error.strerror}") from None

    async def look_after(self, engine: Engine, frame: Frame) -> None:
        """Record, save and remember what is due; UserError if something cannot be written."""
        now = monotonic()
        if not self._started:
            self._started = True
            sizes = [frame.inputs, *(layer.units for layer in frame.snapshot.layers)]
            bias = frame.experiment.network.bias
            parameters = sum((a + bias) * b for a, b in pairwise(sizes))
            self._record(start_event(frame.experiment, parameters))
        if self._recorder and now >= self._snapshot_due:
            least, most = SNAPSHOT_SECONDS
            self._snapshot_due = now + min(max(SNAPSHOT_SHARE * (now - self._begun), least), most)
            await self._record_snapshot(engine)
        if now >= self._state_due and frame.snapshot.step != self.kept_step:
            size = len(await engine.state())
            self.kept_step = frame.snapshot.step
            self._state_due = monotonic() + max(STATE_SECONDS, size / STATE_BYTES_A_SECOND)
        if self.checkpoint and self._every and now >= self._checkpoint_due:
            self._checkpoint_due = now + self._every
            await engine.command(SaveCheckpoint(str(self.checkpoint)))

    async def _record_snapshot(self, engine: Engine) -> None:
        event = await engine.recording(self._recorded_to)
        self._recorded_to = event["step"]
        self._record(event)

    async def finish(self, engine: Engine, reason: str) -> Frame | None:
        """Save the last checkpoint and close the record, and return the last frame: all of the same step.

        None if there is neither: nothing keeps the screen from closing then.
        """
        if not (self.checkpoint or self._recorder):
            return None
        await engine.leave()
        frame = await engine.frame(View())
        try:
            if self._recorder:
                await self._record_snapshot(engine)
            self._record(await engine.end_event(reason))
            if self._recorder:
                self._recorder.close()
        finally:
            if self.checkpoint:
                await engine.command(SaveCheckpoint(str(self.checkpoint)))
        return frame
