"""The flow: on any line, little enough is on the way, and as much as the line carries."""

from __future__ import annotations

import random

import pytest

from backprop_tui.terminal.flow import AT_FIRST_OVER_SSH, LEAST, PATIENCE_AT_FIRST, Flow

FRAME = 4_000


class Line:
    """A line that carries ``rate`` bytes a second with a round trip, and a terminal behind it that answers."""

    def __init__(self, rate: float, round_trip: float, *, jitter: float = 0.0, seed: int = 0) -> None:
        self.rate, self.round_trip, self.jitter = rate, round_trip, jitter
        self.chance = random.Random(seed)
        self.free_at = 0.0
        self.answers: list[float] = []
        self.queues: list[float] = []

    def send(self, size: int, now: float) -> None:
        self.queues.append(max(self.free_at - now, 0.0))
        self.free_at = max(self.free_at, now) + size / self.rate
        answer = self.free_at + self.round_trip + self.chance.uniform(0, self.jitter)
        self.answers.append(max(answer, self.answers[-1] if self.answers else 0.0))


def run(
    line: Line, flow: Flow, *, seconds: float, frame: int = FRAME, fps: float = 10.0
) -> list[tuple[float, int]]:
    """Draw frames for so long, sending of each what there is room for; return (time, size) of what was sent."""
    now, next_frame, waiting, sent = 0.0, 0.0, 0, []
    flow.sent(4, now)
    line.send(4, now)
    while now < seconds:
        while line.answers and line.answers[0] <= now:
            flow.answered(line.answers.pop(0))
        if now >= next_frame:
            waiting, next_frame = frame, now + 1 / fps
        if waiting and (room := flow.room(now)):
            size = int(min(room, waiting))
            waiting -= size
            flow.sent(size, now)
            line.send(size, now)
            sent.append((now, size))
        now += 0.005
    return sent


@pytest.mark.parametrize("jitter", [0.0, 0.03])
@pytest.mark.parametrize("round_trip", [0.0, 0.1, 0.4])
@pytest.mark.parametrize("rate", [4_000.0, 8_000.0, 32_000.0, 128_000.0])
def test_a_slow_line_never_has_more_waiting_than_a_moment(rate, round_trip, jitter):
    line = Line(rate, round_trip, jitter=jitter)
    run(line, Flow(AT_FIRST_OVER_SSH), seconds=30)
    settled = line.queues[len(line.queues) // 3 :]
    assert max(settled) < 0.3


@pytest.mark.parametrize("round_trip", [0.0, 0.1, 0.4])
@pytest.mark.parametrize("rate", [8_000.0, 32_000.0])
def test_a_slow_line_is_made_use_of(rate, round_trip):
    sent = run(Line(rate, round_trip), Flow(AT_FIRST_OVER_SSH), seconds=30)
    assert sum(size for _, size in sent) > 0.5 * 30 * min(rate, 10 * FRAME)


@pytest.mark.parametrize("round_trip", [0.0, 0.05, 0.2])
def test_a_fast_line_gets_every_frame_whole(round_trip):
    sent = run(Line(10_000_000.0, round_trip), Flow(AT_FIRST_OVER_SSH), seconds=10)
    settled = [size for now, size in sent if now > 2]
    assert set(settled) == {FRAME}
    assert len(settled) >= 75


def test_a_line_that_becomes_slow_is_noticed_at_once():
    line, flow = Line(10_000_000.0, 0.02), Flow()
    run(line, flow, seconds=5)
    slow = Line(8_000.0, 0.02)
    flow.nothing_on_the_way()
    run(slow, flow, seconds=10)
    assert max(slow.queues[4:]) < 0.6


def test_a_line_that_becomes_fast_again_is_made_use_of():
    flow = Flow()
    run(Line(8_000.0, 0.05), flow, seconds=10)
    flow.nothing_on_the_way()
    sent = run(Line(10_000_000.0, 0.05), flow, seconds=5)
    assert {size for now, size in sent if now > 1} == {FRAME}


def test_a_key_may_send_behind_what_is_on_the_way_but_not_without_end():
    flow = Flow()
    run(Line(8_000.0, 0.1), flow, seconds=10)
    flow.nothing_on_the_way()
    now = 20.0
    sent = 0
    while room := flow.room(now, urgent=True):
        flow.sent(int(room), now)
        sent += int(room)
        assert not flow.room(now + 0.01)
    assert LEAST < sent < 8_000 * 0.35 + 2 * LEAST


def test_a_terminal_that_never_answers_gets_so_many_bytes_a_second():
    flow = Flow()
    sent, now = [], 0.0
    while now < 60:
        if room := flow.room(now):
            flow.sent(int(min(room, FRAME)), now)
            sent.append((now, int(min(room, FRAME))))
        now += 0.01
    assert flow.blind
    later = sum(size for at, size in sent if at > 10)
    assert 0.5 * 50 * 12_000 < later <= 51 * 12_000


def test_an_answer_ends_the_blindness():
    flow = Flow()
    flow.sent(100, 0.0)
    flow.room(PATIENCE_AT_FIRST + 1)
    assert flow.blind
    flow.answered(PATIENCE_AT_FIRST + 2)
    assert not flow.blind
    assert flow.outstanding == 0


def test_an_answer_that_nobody_asked_for_does_no_harm():
    flow = Flow()
    flow.answered(1.0)
    assert flow.room(1.0) > 0
    assert flow.outstanding == 0
