"""How much the line to the terminal can take now.

A pseudo-terminal holds some 19 KB before a program blocks, `sshd` a megabyte: whoever only waits for writes to
block draws half a minute of stale frames at 32 KB/s, and every key's effect queues behind them. So each piece that is
sent ends with a question that every terminal answers (device status, `ESC [ 5 n`). From its answers the rate and the
round trip follow, and no more is on the way than the line carries in about a tenth of a second, beside what fills it.
"""

from __future__ import annotations

from collections import deque
from math import inf

from backprop_core.frozen import dataclass

AT_FIRST, AT_FIRST_OVER_SSH = 16_384, 4_096
"""Bytes sent before anything is known of the line; doubled at every answer that came at once."""

QUEUE_SECONDS = 0.1
"""What frames may have waiting in the line: a key's effect comes behind it."""

URGENT_QUEUE_SECONDS = 0.2
"""What a key's effect may add to, at most."""

LEAST = 512
"""Bytes that may always be sent as one piece, however slow the line seems."""

AT_ONCE = 0.02
"""A piece that took no longer than this, beside the round trip, was not held up by the line."""

MEMORY = 0.75
"""How much older pieces count in the rate, at each new one."""

ROUND_TRIP_WINDOW = 20.0
"""The round trip is the shortest seen in this many seconds, or twice as many."""

LARGEST_WINDOW = 65_536

STALLED = 0.15
"""Frames wait while the oldest answer is so many seconds later than the round trip."""

PATIENCE_AT_FIRST, PATIENCE = 2.5, 6.0
"""Seconds beyond four times the expected ones after which an answer is no longer waited for; later, after others."""

BLIND_RATE = 12_000
"""Bytes a second sent to a terminal that does not answer; half the line's rate if that is known and less."""


@dataclass(frozen=True)
class Piece:
    """What was sent between two questions, and when."""

    size: int
    sent: float


class Flow:
    """Knows what is on the way, and says how much more may follow. Times are in seconds, of any clock.

    Parameters
    ----------
    at_first : int
        Bytes that may be sent before the first answer.
    """

    def __init__(self, at_first: int = AT_FIRST) -> None:
        self._window: float = at_first
        self._on_the_way: deque[Piece] = deque()
        self._answered_at = -inf
        self._bytes = self._seconds = 0.0
        self._shortest = [inf, inf]
        self._turned = -inf
        self._blind = False
        self._credit = 0.0
        self._credited = -inf

    @property
    def outstanding(self) -> int:
        """Bytes on the way: sent, and not answered yet."""
        return sum(piece.size for piece in self._on_the_way)

    @property
    def round_trip(self) -> float:
        """The shortest time from a question to its answer, 0 while unknown."""
        shortest = min(self._shortest)
        return shortest if shortest < inf else 0.0

    @property
    def rate(self) -> float:
        """Bytes a second that the line carries; infinite while it has held up nothing."""
        return self._bytes / self._seconds if self._seconds else inf

    @property
    def blind(self) -> bool:
        """Whether the terminal does not answer."""
        return self._blind

    @property
    def _blind_rate(self) -> float:
        return min(self.rate / 2, BLIND_RATE)

    def room(self, now: float, *, urgent: bool = False) -> float:
        """Return how many bytes may be sent now, 0 if it is better to wait.

        Parameters
        ----------
        urgent : bool
            A key waits for its effect: it may be sent behind what is on the way, though little at a time.
        """
        if self._on_the_way and now >= self._given_up_at():
            self._lose_sight(now)
        if self._blind:
            self._credit = min(self._credit + (now - self._credited) * self._blind_rate, self._window)
            self._credited = now
            return self._credit if self._credit >= LEAST else 0.0
        outstanding = self.outstanding
        if outstanding and not urgent and now - self._on_the_way[0].sent > self.round_trip + STALLED:
            return 0.0
        if self.rate == inf:
            return max(self._window - outstanding, 0.0)
        filled = self.rate * self.round_trip
        if urgent:
            queue = max(self.rate * URGENT_QUEUE_SECONDS, 2 * LEAST)
        elif outstanding > filled:
            return 0.0
        else:
            queue = max(self.rate * QUEUE_SECONDS, LEAST)
        room = filled + queue - outstanding
        return room if room >= LEAST / 2 else 0.0

    def seconds_until_room(self, now: float) -> float:
        """Return when to look again, should no answer come first."""
        if self._blind:
            return max(LEAST - self._credit, 0.0) / self._blind_rate + 0.001
        if self._on_the_way:
            return max(self._given_up_at() - now, 0.0) + 0.001
        return 0.0

    def _given_up_at(self) -> float:
        expected = self.round_trip + self.outstanding / self.rate
        patience = PATIENCE if self._answered_at > -inf else PATIENCE_AT_FIRST
        return self._on_the_way[0].sent + patience + 4 * expected

    def sent(self, size: int, now: float) -> None:
        """Note that a piece was sent, with a question at its end."""
        if self._blind:
            self._credit -= size
        else:
            self._on_the_way.append(Piece(size, now))

    def answered(self, now: float) -> None:
        """Note that the terminal has answered the oldest question that is open."""
        if self._blind:
            self._blind = False
            self._answered_at = now
            return
        if not self._on_the_way:
            return
        piece = self._on_the_way.popleft()
        waited = now - piece.sent
        self._note_round_trip(waited, now)
        # From when the line was free for this piece to when it was through.
        taken = min(waited - self.round_trip, now - self._answered_at)
        self._answered_at = now
        if taken <= AT_ONCE:
            self._window = min(self._window * 2, LARGEST_WINDOW)
        if taken > AT_ONCE or self._seconds:
            self._bytes = MEMORY * self._bytes + piece.size
            self._seconds = MEMORY * self._seconds + max(taken, 1e-4)

    def _note_round_trip(self, waited: float, now: float) -> None:
        if now - self._turned > ROUND_TRIP_WINDOW:
            self._turned = now
            self._shortest = [inf, self._shortest[0]]
        self._shortest[0] = min(self._shortest[0], waited)

    def nothing_on_the_way(self) -> None:
        """Forget what was sent, as when the terminal was left to others."""
        self._on_the_way.clear()

    def _lose_sight(self, now: float) -> None:
        self._on_the_way.clear()
        self._blind = True
        self._credit, self._credited = float(LEAST), now
