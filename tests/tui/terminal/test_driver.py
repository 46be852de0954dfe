"""The driver: answers are no keys, and keys between them are not lost."""

from __future__ import annotations

import random

import pytest
from textual import events

from backprop_tui.terminal.driver import ANSWERS, AnswerParser

ANSWER = ANSWERS[0]


def parsed(*pieces: str) -> tuple[list[str], int]:
    """Return the keys and the number of answers in what a terminal sends."""
    answers: list[None] = []
    parser = AnswerParser(lambda: answers.append(None))
    keys = [
        message.key for piece in pieces for message in parser.feed(piece) if isinstance(message, events.Key)
    ]
    return keys, len(answers)


def test_an_answer_is_no_key():
    assert parsed(ANSWER) == ([], 1)
    assert parsed(ANSWER * 3) == ([], 3)


@pytest.mark.parametrize("cut", range(1, len(ANSWER)))
def test_an_answer_in_two_pieces_is_one(cut):
    assert parsed(f"a{ANSWER[:cut]}", f"{ANSWER[cut:]}b") == (["a", "b"], 1)


def test_keys_between_answers_are_all_there():
    assert parsed(f"s{ANSWER}\x1b[A{ANSWER}q") == (["s", "up", "q"], 2)


def test_escape_before_an_answer_is_escape():
    assert parsed(f"\x1b{ANSWER}x") == (["escape", "x"], 1)


def test_whatever_the_pieces_keys_and_answers_are_the_same():
    sent = f"n{ANSWER}\x1b[B{ANSWER}{ANSWER}+\x1b[C{ANSWER}"
    chance = random.Random(0)
    for _ in range(200):
        cuts = sorted(chance.sample(range(1, len(sent)), chance.randrange(6)))
        pieces = [sent[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
        assert parsed(*pieces) == (["n", "down", "plus", "right"], 4)
