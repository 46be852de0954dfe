"""The engine that the screen uses: a session in a process of its own, asked over a socket pair."""

from __future__ import annotations

import atexit
import os
import select
import signal
import subprocess
from contextlib import aclosing
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any, Self

from backprop_core.engine import EngineDied
from backprop_core.engine_messages import DIED, REFUSED, Unpacker, pack
from backprop_core.errors import UserError
from backprop_core.worker_process import start

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from collections.abc import AsyncGenerator

    from backprop_core.commands import Command, Outcome
    from backprop_core.consulting import Case, Found
    from backprop_core.consulting_process import ConsultingProcess
    from backprop_core.diagnosis.report import Diagnosis, Forecast
    from backprop_core.experiment import Experiment
    from backprop_core.snapshot import Frame, View

ENDING_SECONDS = (0.25, 0.5)
"""How long the process may take to end of itself, and after SIGTERM; then it is killed."""

REMEMBERED_STDERR = 1 << 16


class ProcessEngine:
    """Starts the training process at once; it gets ready while the caller goes on.

    To be created before Textual's ``App.run``, as early as possible. :meth:`open` and :meth:`ready` are for
    the time before an event loop runs; every other request is asynchronous.

    Parameters
    ----------
    source : Experiment or bytes, optional
        What to train, or a checkpoint to go on from; if left out, :meth:`open` says it later.
    origin : str, optional
        The words that open the experiment on the command line.
    running : bool, optional
        Whether it trains at once.
    fork_epochs : int, optional
        How long an investigation's forks are; as long as is sensible if left out.

    Attributes
    ----------
    process_id : int
    last_state : bytes or None
        What :meth:`state` returned last.
    """

    WORKER = "backprop_core.engine_worker"
    """The module that the process runs."""

    def __init__(
        self,
        source: Experiment | bytes | None = None,
        *,
        origin: str = "",
        running: bool = True,
        fork_epochs: int | None = None,
    ) -> None:
        self._process, self._socket = start(
            self.WORKER, options=("-X", "faulthandler"), stderr=subprocess.PIPE
        )
        atexit.register(self.close)
        assert self._process.stderr is not None
        self._stderr = self._process.stderr
        os.set_blocking(self._stderr.fileno(), False)
        self._said = b""
        self._loop: AbstractEventLoop | None = None
        self._unpacker = Unpacker()
        self._outgoing = bytearray()
        self._numbers = count(1)
        self._pending: dict[int, Future[Any]] = {}
        self._opening: int | None = None
        self._refused: str | None = None
        self._death: EngineDied | None = None
        self._investigation: ConsultingProcess | None = None
        self._fork_epochs = fork_epochs
        self._source, self._origin = source, origin
        self.process_id = self._process.pid
        self.last_state: bytes | None = None
        if source is not None:
            self.open(source, origin, running=running)

    def open(self, source: Experiment | bytes, origin: str = "", *, running: bool = True) -> None:
        """Send what to train, and do not wait for it to be opened: :meth:`ready` does."""
        self._source, self._origin = source, origin
        self._opening = self._send("load", source, origin, running)

    def ready(self) -> None:
        """Wait until what was sent by :meth:`open` trains.

        Raises
        ------
        UserError
            If it cannot be opened.
        EngineDied
        """
        while self._opening is not None and self._death is None:
            select.select([self._socket], [self._socket] if self._outgoing else [], [])
            self._flush()
            self._read()
        if self._death:
            raise self._death
        if self._refused is not None:
            raise UserError(self._refused)

    async def frame(self, view: View) -> Frame:
        """Return what is to be drawn."""
        frame: Frame = await self._request("frame", view)
        return frame

    async def command(self, command: Command) -> Outcome:
        """Carry out a command; UserError if it cannot be done."""
        outcome: Outcome = await self._request("command", command)
        return outcome

    async def pause(self) -> None:
        """Stop training."""
        await self._request("pause")

    async def leave(self) -> None:
        """Stop training for good; a checkpoint written after it goes on running if this was."""
        await self._request("leave")

    async def resume(self) -> None:
        """Go on training; UserError if that is impossible."""
        await self._request("resume")

    async def pace(self, steps_per_second: float | None) -> None:
        """Take so many steps a second at most; None is full speed."""
        await self._request("pace", steps_per_second)

    async def script(self) -> str:
        """Return the session as a script."""
        script: str = await self._request("script")
        return script

    async def load(self, experiment: Experiment, origin: str = "") -> None:
        """Replace the run by another experiment's; UserError, and the run goes on, if it cannot be opened."""
        await self._request("load", experiment, origin)
        self._source, self._origin, self.last_state = experiment, origin, None

    async def state(self) -> bytes:
        """Return a checkpoint of the run."""
        state: bytes = await self._request("state")
        self.last_state = state
        return state

    async def recording(self, from_step: int) -> dict[str, Any]:
        """Return the snapshot event of a record, with the losses after ``from_step``."""
        event: dict[str, Any] = await self._request("recording", from_step)
        return event

    async def end_event(self, reason: str) -> dict[str, Any]:
        """Return the event that closes the run, for a record."""
        event: dict[str, Any] = await self._request("end_event", reason)
        return event

    async def investigate(self) -> AsyncGenerator[Found, None]:
        """Investigate the run as it is now in another process; UserError if that fails, which harms nothing."""
        from backprop_core.consulting_process import ConsultingProcess

        case: Case = await self._request("examine")
        self._end_investigation()
        self._investigation = ConsultingProcess()
        async with aclosing(self._investigation.findings(replace(case, epochs=self._fork_epochs))) as found:
            async for one in found:
                yield one

    def _end_investigation(self) -> None:
        if self._investigation is not None:
            self._investigation.close()

    async def note(self, version: int, diagnosis: Diagnosis) -> bool:
        """Hand a diagnosis to the run's watch, and tell whether the run has not been changed meanwhile."""
        holds: bool = await self._request("note", version, diagnosis)
        return holds

    async def treat(self, version: int, forecast: Forecast) -> tuple[Outcome, ...]:
        """Apply a cure to the run of that version; UserError if that is impossible."""
        outcomes: tuple[Outcome, ...] = await self._request("treat", version, forecast)
        return outcomes

    def revived(self) -> Self:
        """Return a new engine that goes on from the last state, or begins anew if there is none."""
        return type(self)(self.last_state or self._source, origin=self._origin, fork_epochs=self._fork_epochs)

    def suspend(self) -> None:
        """Have the process stand still until :meth:`go_on`: it is in a group that no shell suspends."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Have the process go on where it was suspended."""
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End the processes, whatever they are doing; may be called at any time and more than once."""
        atexit.unregister(self.close)
        for future in self._end(EngineDied("the training has been ended")):
            future.cancel()

    def _end(self, death: EngineDied) -> list[Future[Any]]:
        """End the process and return the futures that wait for its replies."""
        if self._death is not None:
            return []
        self._death = death
        self._end_investigation()
        loop_lives = self._loop is not None and not self._loop.is_closed()
        self._detach()
        self._socket.close()
        self._reap()
        self._stderr.close()
        waiting = [future for future in self._pending.values() if loop_lives and not future.done()]
        self._pending.clear()
        return waiting

    def _reap(self) -> None:
        process = self._process
        for seconds, then in zip(ENDING_SECONDS, (process.terminate, process.kill), strict=True):
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                then()
        process.wait()

    async def _request(self, request: str, *arguments: Any) -> Any:
        if self._death:
            raise self._death
        future: Future[Any] = self._attach().create_future()
        number = self._send(request, *arguments)
        self._pending[number] = future
        try:
            return await future
        finally:
            self._pending.pop(number, None)

    def _attach(self) -> AbstractEventLoop:
        """Have the running event loop read and write."""
        from asyncio import get_running_loop

        loop = get_running_loop()
        if loop is not self._loop:
            self._detach()
            self._loop = loop
            loop.add_reader(self._socket, self._read)
            loop.add_reader(self._stderr, self._read_stderr)
            if self._outgoing:
                loop.add_writer(self._socket, self._flush)
        return loop

    def _detach(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._loop.remove_reader(self._stderr)
        self._loop = None

    def _send(self, request: str, *arguments: Any) -> int:
        number = next(self._numbers)
        self._outgoing += pack((number, request, arguments))
        self._flush()
        if self._outgoing and self._loop:
            self._loop.add_writer(self._socket, self._flush)
        return number

    def _flush(self) -> None:
        try:
            while self._outgoing:
                del self._outgoing[: self._socket.send(self._outgoing)]
        except BlockingIOError:
            return
        except OSError:
            # The process is gone, which reading notices; what it said before is still to be read.
            self._outgoing.clear()
        if self._loop:
            self._loop.remove_writer(self._socket)

    def _read(self) -> None:
        try:
            received = self._socket.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self._fail(*self._cause_of_death())
        for number, kind, content in self._unpacker.feed(received):
            if kind == DIED:
                reason, details = content
                self._fail(f"the training process failed: {reason}", details)
            else:
                self._settle(number, kind, content)

    def _settle(self, number: int, kind: str, content: Any) -> None:
        if number == self._opening:
            self._opening, self._refused = None, content if kind == REFUSED else None
        future = self._pending.get(number)
        if future is None or future.done():
            return
        if kind == REFUSED:
            future.set_exception(UserError(content))
        else:
            future.set_result(content)

    def _read_stderr(self) -> None:
        try:
            said = os.read(self._stderr.fileno(), REMEMBERED_STDERR)
        except BlockingIOError:
            return
        self._said = (self._said + said)[-REMEMBERED_STDERR:]
        if not said and self._loop:
            self._loop.remove_reader(self._stderr)

    def _cause_of_death(self) -> tuple[str, str]:
        """Return why the process has ended, in a line, and what it said on standard error."""
        self._reap()
        self._read_stderr()
        code, said = self._process.returncode, self._said.decode(errors="replace").strip()
        if code < 0:
            try:
                name = signal.Signals(-code).name
            except ValueError:
                name = f"signal {-code}"
            return f"the training process was killed by {name}", said
        last = f": {said.splitlines()[-1]}" if said else ""
        return f"the training process ended with exit code {code}{last}", said

    def _fail(self, reason: str, details: str) -> None:
        death = EngineDied(reason, details)
        for future in self._end(death):
            future.set_exception(death)
