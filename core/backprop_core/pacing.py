"""Steps against the clock: not more of them than a pace allows, and how many a second there were."""

from __future__ import annotations

from collections import deque

AT_FULL_SPEED = 1 << 62
LAG_SECONDS = 0.25
"""A training that falls behind its pace by more than this does not make up for it."""

WINDOW_SECONDS = 1.0
NOTE_SECONDS = 0.05


class Pace:
    """So many steps a second at most, counted from ``start``; None is full speed."""

    def __init__(self, start: float, steps_per_second: float | None = None) -> None:
        self.steps_per_second = steps_per_second
        self._start = start
        self._taken = 0

    def due(self, now: float) -> int:
        """Return how many steps may be taken now."""
        if self.steps_per_second is None:
            return AT_FULL_SPEED
        behind = (now - self._start) - self._taken / self.steps_per_second
        most = max(LAG_SECONDS, 1 / self.steps_per_second)
        if behind > most:
            self._start += behind - most
        return max(int((now - self._start) * self.steps_per_second + 1e-9) - self._taken, 0)

    def note(self, taken: int) -> None:
        """Count steps taken."""
        self._taken += taken

    def wait(self, now: float) -> float:
        """Return the seconds until the next step may be taken."""
        if self.steps_per_second is None:
            return 0.0
        return max(self._start + (self._taken + 1) / self.steps_per_second - now, 0.0)


class Speedometer:
    """Steps a second over about the last second, or over the last two steps where that is longer."""

    def __init__(self, now: float) -> None:
        self._taken = 0
        self._notes: deque[tuple[float, int]] = deque([(now, 0)])

    def note(self, now: float, taken: int) -> None:
        """Count steps that have been taken by ``now``."""
        if not taken:
            return
        self._taken += taken
        notes = self._notes
        # Few notes say as much as one a chunk: the last one moves on until it is away from its predecessor.
        if len(notes) > 2 and now - notes[-2][0] < NOTE_SECONDS:
            notes.pop()
        notes.append((now, self._taken))
        while len(notes) > 2 and now - notes[1][0] >= WINDOW_SECONDS:
            notes.popleft()

    @property
    def rate(self) -> float:
        """Steps a second."""
        (begun, first), (ended, last) = self._notes[0], self._notes[-1]
        return (last - first) / (ended - begun) if ended > begun else 0.0
