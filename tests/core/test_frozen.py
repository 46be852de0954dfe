from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, asdict, field, replace

import pytest

from backprop_core.frozen import dataclass


@dataclass(frozen=True)
class Point:
    x: int
    y: int = 3
    note: str = field(default="", compare=False)


@dataclass(frozen=True)
class Other:
    x: int
    y: int = 3
    note: str = ""


@dataclass(frozen=True, eq=False)
class Thing:
    x: int


def test_it_is_a_dataclass_like_any_other():
    point = Point(1)
    assert asdict(point) == {"x": 1, "y": 3, "note": ""}
    assert replace(point, y=5) == Point(1, 5)
    assert repr(point) == "Point(x=1, y=3, note='')"
    assert pickle.loads(pickle.dumps(point)) == point
    match point:
        case Point(x, y):
            assert (x, y) == (1, 3)


def test_equality_is_that_of_the_compared_fields_and_of_the_class():
    assert Point(1) == Point(1, note="seen")
    assert hash(Point(1)) == hash(Point(1, note="seen"))
    assert Point(1) != Point(2)
    assert Point(1) != Other(1)
    assert Thing(1) != Thing(1)
    assert len({Point(1), Point(1), Point(2), Other(1)}) == 3


def test_nothing_can_be_set_or_deleted():
    point = Point(1)
    for name in ("x", "y", "fresh"):
        with pytest.raises(FrozenInstanceError):
            setattr(point, name, 7)
    with pytest.raises(FrozenInstanceError):
        del point.x
    assert point == Point(1)


def test_only_frozen_classes_are_made():
    with pytest.raises(TypeError, match="frozen"):
        dataclass(frozen=False)
