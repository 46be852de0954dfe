"""An engine runs a session somewhere and answers requests; this one, for tests, runs it here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from backprop_core.commands import Command, Outcome
    from backprop_core.experiment import Experiment
    from backprop_core.snapshot import Frame, View


class EngineDied(Exception):  # noqa: N818 - what has happened, as the screen says it
    """The training has come to an end that nobody asked for.

    Attributes
    ----------
    reason : str
        One line.
    details : str
        What the process had to say, for example a traceback; empty if nothing.
    """

    def __init__(self, reason: str, details: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.details = details


class Engine(Protocol):
    """What the screen talks to. Every request may raise :class:`EngineDied`."""

    @property
    def last_state(self) -> bytes | None:
        """The state that :meth:`state` returned last, None before."""

    async def frame(self, view: View) -> Frame:
        """Return what is to be drawn."""

    async def command(self, command: Command) -> Outcome:
        """Carry out a command; UserError if it cannot be done."""

    async def pause(self) -> None:
        """Stop training."""

    async def leave(self) -> None:
        """Stop training for good; a checkpoint written after it goes on running if this was."""

    async def resume(self) -> None:
        """Go on training; UserError if that is impossible."""

    async def pace(self, steps_per_second: float | None) -> None:
        """Take so many steps a second at most; None is full speed."""

    async def script(self) -> str:
        """Return the session as a script."""

    async def load(self, experiment: Experiment, origin: str = "") -> None:
        """Replace the run by another experiment's; UserError, and the run goes on, if it cannot be opened."""

    async def state(self) -> bytes:
        """Return a checkpoint of the run."""

    async def recording(self, from_step: int) -> dict[str, Any]:
        """Return the snapshot event of a record, with the losses after ``from_step``."""

    async def end_event(self, reason: str) -> dict[str, Any]:
        """Return the event that closes the run, for a record."""

    def revived(self) -> Self:
        """Return a new engine that goes on from the last state, or begins anew if there is none."""

    def suspend(self) -> None:
        """Have training stand still until :meth:`go_on`, whatever it is doing, as when its program is suspended."""

    def go_on(self) -> None:
        """Take :meth:`suspend` back."""

    def close(self) -> None:
        """End the training; may be called at any time and more than once."""


class LocalEngine:
    """A session in this process that trains only when asked for a frame: the same at every run.

    Parameters
    ----------
    source : Experiment or bytes
        What to train, or a checkpoint to go on from.
    steps_per_frame : int, optional
        Steps taken before each frame, while running.
    origin : str, optional
        The words that open the experiment on the command line.

    Raises
    ------
    UserError
        If the experiment cannot be opened.
    """

    FRAME_SECONDS = 0.1
    """By how much this engine's clock moves with each frame."""

    def __init__(self, source: Experiment | bytes, *, steps_per_frame: int = 10, origin: str = "") -> None:
        from backprop_core.session import Session

        self.steps_per_frame = steps_per_frame
        self.last_state: bytes | None = None
        self._now = 0.0
        self._source = source
        self.session = Session.begin(source, origin, clock=lambda: self._now)

    async def frame(self, view: View) -> Frame:
        """Train, if running, and return what is to be drawn."""
        self._now += self.FRAME_SECONDS
        self.session.take_due(self.steps_per_frame)
        return self.session.frame(view)

    async def command(self, command: Command) -> Outcome:
        """Carry out a command; UserError if it cannot be done."""
        return self.session.command(command)

    async def pause(self) -> None:
        """Stop training."""
        self.session.pause()

    async def leave(self) -> None:
        """Stop training for good; a checkpoint written after it goes on running if this was."""
        self.session.leave()

    async def resume(self) -> None:
        """Go on training; UserError if that is impossible."""
        self.session.resume()

    async def pace(self, steps_per_second: float | None) -> None:
        """Take so many steps a second of this engine's clock at most; None is ``steps_per_frame``."""
        self.session.set_pace(steps_per_second)

    async def script(self) -> str:
        """Return the session as a script."""
        return self.session.script()

    async def load(self, experiment: Experiment, origin: str = "") -> None:
        """Replace the run by another experiment's; UserError, and the run goes on, if it cannot be opened."""
        self.session.load(experiment, origin)
        self._source, self.last_state = experiment, None

    async def state(self) -> bytes:
        """Return a checkpoint of the run."""
        self.last_state = self.session.save_state()
        return self.last_state

    async def recording(self, from_step: int) -> dict[str, Any]:
        """Return the snapshot event of a record, with the losses after ``from_step``."""
        return self.session.recording(from_step)

    async def end_event(self, reason: str) -> dict[str, Any]:
        """Return the event that closes the run, for a record."""
        return self.session.end_event(reason)

    def revived(self) -> Self:
        """Return a new engine that goes on from the last state, or begins anew if there is none."""
        return type(self)(
            self.last_state or self._source,
            steps_per_frame=self.steps_per_frame,
            origin=self.session.origin,
        )

    def suspend(self) -> None:
        """Do nothing: what trains in this process is suspended with it."""

    def go_on(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing: there is no process to end."""
