"""Watching a script while it trains: what its own thread does at each update, for another thread to draw.

The script runs under the same recorder as in a review. Once its training loop is found it runs on, unrecorded; when a
frame is wanted, the next update is recorded and put into the canonical form of :mod:`capture`. Pausing and stepping
hold the script before an update. Nothing of the script's state is ever written to.
"""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Any

from backprop_core.history import LossHistory
from backprop_core.pacing import Pace, Speedometer
from backprop_core.review.following.analysis import analyses
from backprop_core.review.following.capture import capture
from backprop_core.review.following.losses import loss_families
from backprop_core.review.following.structure import Graph, units_of
from backprop_core.review.running.worker import Driver, line_in

if TYPE_CHECKING:
    from pathlib import Path

    from backprop_core.review.running.recorded import Loop
    from backprop_core.review.running.recorder import Recorder

RUNNING, PAUSED, DONE = "RUNNING", "PAUSED", "DONE"

RECORDED_SECONDS = 0.05
"""An epoch of several updates is recorded whole if that takes no longer; else what fits."""

RECORDED_SHARE = 0.3
"""Recording may take this share of the script's time."""

MOST_SLOTS = 64
"""Updates of an epoch that are kept."""


class Watched:
    """What both threads know of the script; every access holds :attr:`changed`.

    Attributes
    ----------
    state : str
        RUNNING, PAUSED or DONE.
    reason : str
        Why it is in this state, in a line; empty if the user wanted it so.
    found : bool
        Whether the training loop has been found.
    end : dict
        How the script ended, as a review's message has it; empty before.
    slots : dict
        The captures of the latest updates, by their place in the epoch.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.state, self.reason = RUNNING, ""
        self.found = self.ended = False
        self.end: dict[str, Any] = {}
        self.allowed = 0
        self.until_epoch: int | None = None
        self.wanted = True
        self.slots: dict[int, dict[str, Any]] = {}
        self.step = self.epoch = 0
        self.loss = math.nan
        self.history = LossHistory()
        self.loss_name: str | None = None
        self.loss_line = 0
        self.loop_line = 0
        self.batches = 1
        self._activations: dict[int, str] = {}
        self.pace = Pace(time.perf_counter())
        self.speed = Speedometer(time.perf_counter())

    def named(self, layer: int, activation: str) -> str:
        """Return a layer's activation, given what its latest values look like: a ReLU may look linear for a while."""
        if activation != "linear" or layer not in self._activations:
            self._activations[layer] = activation
        return self._activations[layer]

    def resume(self) -> None:
        """Let the script go on."""
        self._go(RUNNING)

    def pause(self) -> None:
        """Hold the script once the update under way, and another one that is recorded whole, are over."""
        if self.state == RUNNING:
            self._go(PAUSED, allowed=2)

    def step_once(self) -> None:
        """Let one update happen, and pause."""
        self._go(PAUSED, allowed=1)

    def step_epoch(self) -> None:
        """Let the updates of one epoch happen, and pause."""
        self._go(PAUSED, allowed=1, until_epoch=self.epoch + 1)

    def _go(self, state: str, allowed: int = 0, until_epoch: int | None = None) -> None:
        if self.state != DONE:
            self.state, self.allowed, self.until_epoch = state, allowed, until_epoch
            self.wanted = True
            now = time.perf_counter()
            self.pace = Pace(now, self.pace.steps_per_second)
            self.speed = Speedometer(now)
            self.changed.notify_all()

    @property
    def settled(self) -> bool:
        """Whether the script stands where it was told to."""
        return self.state != PAUSED or (self.allowed <= 0 and self.until_epoch is None)


class WatchDriver(Driver):
    """Finds the training loop as a review does, then counts, records and holds."""

    def __init__(self, recorder: Recorder, out: Path, loss: str | None, watched: Watched) -> None:
        super().__init__(recorder, out, loss)
        self.watched = watched
        self._record_since = self._rested = 0.0
        self._cost = 0.0
        self._accumulates = False
        self._counted = 0

    def _write(self, data: dict[str, Any]) -> None:
        """Keep what the search for the training loop has found."""
        if data["kind"] != "start":
            return
        watched = self.watched
        with watched.changed:
            if data["loss"] is not None:
                watched.loss_name, watched.loss_line = data["loss"]["name"], data["loss"]["line"]
            watched.loop_line = data["loop_line"]
            for index, made in enumerate(data["captures"]):
                watched.slots[index] = made
            watched.found = True
            watched.changed.notify_all()

    def _aim(self, recorder: Recorder, loop: Loop) -> None:
        """Go over from searching to watching, at a top of the loop that was found."""
        missed = sum(top.site == self.site and top.iteration > 0 for top in recorder.tops)
        recorder.recording = False
        recorder.reset()
        self.phase = "live"
        with self.watched.changed:
            # The top at which the search has ended is counted in a moment.
            self.watched.step = max(missed - (loop.site == self.site and loop.iteration > 0), 0)
            self.watched.slots = dict(list(self.watched.slots.items())[:1])
        self._live(recorder, loop)

    def _live(self, recorder: Recorder, loop: Loop) -> None:
        if loop.site != self.site:
            return
        watched = self.watched
        now = time.perf_counter()
        with watched.changed:
            self._count(recorder, loop, now)
            if recorder.recording:
                self._take(recorder, loop, now)
            self._hold()
            self._begin_recording(recorder, loop)

    def _count(self, recorder: Recorder, loop: Loop, now: float) -> None:
        watched = self.watched
        if loop.iteration == 0:
            return
        watched.step += 1
        nested = len(recorder.loops) > 1
        watched.batches = max(watched.batches, loop.iteration) if nested else 1
        ended = nested and loop.iteration >= watched.batches
        watched.epoch = recorder.loops[0].iteration + ended if nested else loop.iteration
        watched.pace.note(1)
        watched.speed.note(now, 1)
        watched.allowed -= 1
        self._note_loss(loop, ended)

    def _note_loss(self, loop: Loop, epoch_ended: bool) -> None:
        """Append the loss of the updates since the last one that was known."""
        watched = self.watched
        if self._accumulates:
            # A sum over an epoch means something when the epoch is over only.
            if epoch_ended:
                named = self._named_loss(loop)
                watched.loss = watched.loss if named is None else named
        elif (named := self._named_loss(loop)) is not None:
            watched.loss = named
        if not self._accumulates or epoch_ended:
            watched.history.extend([watched.loss] * (watched.step - watched.history.steps))

    def _named_loss(self, loop: Loop) -> float | None:
        """Return the loss where the script keeps it under a plain name."""
        name = self.watched.loss_name
        if name is None or not name.isidentifier():
            return None
        frame: Any = loop.frame
        while frame is not None and frame.f_code.co_filename == self.recorder.filename:
            value = frame.f_locals.get(name)
            if isinstance(value, float):
                return float(value)
            frame = frame.f_back
        return None

    def _begin_recording(self, recorder: Recorder, loop: Loop) -> None:
        watched = self.watched
        if recorder.recording or not watched.wanted:
            return
        now = time.perf_counter()
        if watched.state == RUNNING and now - self._rested < self._cost * (1 / RECORDED_SHARE - 1):
            return
        recorder.reset()
        recorder.recording = True
        recorder.note_top(loop)
        self._record_since, self._counted = now, 0

    def _take(self, recorder: Recorder, loop: Loop, now: float) -> None:
        """Put the update that has just been recorded into its slot, and go on recording if there is time."""
        watched = self.watched
        if loop.iteration == 0:
            # Between two epochs: what was recorded is no update.
            recorder.reset()
            recorder.note_top(loop)
            return
        recorder.note_top(loop)
        made = self._captured(recorder)
        if made is not None:
            place = (loop.iteration - 1) % MOST_SLOTS if len(recorder.loops) > 1 else 0
            made["step"] = watched.step
            watched.slots[place] = made
            if made["loss_value"] is not None and self._named_loss(loop) is None:
                watched.loss = made["loss_value"]
        recorder.reset()
        self._counted += 1
        spent = time.perf_counter() - self._record_since
        whole = self._counted >= min(watched.batches, MOST_SLOTS)
        if whole or spent > RECORDED_SECONDS or (watched.state == PAUSED and watched.allowed <= 0):
            recorder.recording = False
            watched.wanted = False
            self._cost, self._rested = spent, now + spent
        else:
            recorder.note_top(loop)

    def _captured(self, recorder: Recorder) -> dict[str, Any] | None:
        """Return the update recorded last in canonical form; None where it is not of the form of the first."""
        graph = Graph(recorder)
        assert self.site is not None
        families = loss_families(graph, recorder.sites, self.wanted or self.family) if self.family else []
        units = units_of(graph, self.site)
        try:
            for analysis in analyses(graph, units, units[-1:], families):
                self._accumulates |= any(
                    path == self.family and state in analysis.adjoints
                    for path, state in analysis.unit.start.state.items()
                )
                return capture(analysis, recorder.sites, "live", detail=False)
        except Exception:
            # What cannot be drawn of the script must not end it.
            self._complain()
        return None

    def _hold(self) -> None:
        """Wait as long as the script is paused, or too quick for its pace."""
        watched = self.watched
        while True:
            if watched.until_epoch is not None and watched.epoch >= watched.until_epoch:
                watched.until_epoch = None
            if watched.settled and watched.state == PAUSED:
                watched.changed.notify_all()
                watched.changed.wait()
                continue
            wait = watched.pace.wait(time.perf_counter()) if watched.state == RUNNING else 0.0
            if wait <= 0:
                return
            watched.changed.wait(wait)

    def finish(self, error: BaseException | None) -> None:
        """Tell the other thread that the script has ended, and how."""
        if self.phase == "scout" and error is None:
            self._found(last=True)
        watched, trouble = self.watched, None
        if error is not None and not isinstance(error, SystemExit):
            trouble = {
                "type": type(error).__name__,
                "text": str(error)[:300],
                "line": line_in(error, self.recorder.filename),
            }
        with watched.changed:
            watched.ended = True
            watched.end = {"kind": "end", "error": trouble, "why": self.why, "loops": self.recorder.instances}
            watched.state, watched.reason = DONE, self._reason(trouble)
            watched.allowed, watched.until_epoch = 0, None
            watched.changed.notify_all()

    def _reason(self, trouble: dict[str, Any] | None) -> str:
        steps = self.watched.step
        if trouble is None:
            return f"the script has ended after {steps} update{'s' * (steps != 1)}; n runs it again"
        told = f"{trouble['type']} in line {trouble['line']}: {trouble['text']}"
        return " ".join(f"the script has ended with {told}".split())
