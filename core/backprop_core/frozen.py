"""Frozen dataclasses that cost little to define.

The standard decorator compiles six methods for every class, 0.7 ms each time on Python 3.11; with some fifty
classes that is a third of the start-up of a headless run. Here ``__init__`` alone is compiled (0.1 ms), the
other methods are shared. To a type checker it is the standard decorator.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(*, frozen, eq=True):
        """Return a decorator like that of the standard library, for frozen classes only."""
        if not frozen:
            raise TypeError("only frozen classes; the standard library has the others")

        def decorate(cls):
            made = dataclasses.dataclass(repr=False, eq=False)(cls)
            made._left_out = frozenset(field.name for field in dataclasses.fields(made) if not field.compare)
            made.__repr__, made.__setattr__, made.__delattr__ = _repr, _set_once, _delete
            if eq:
                made.__eq__, made.__hash__ = _equal, _hash
            return made

        return decorate


def _compared(self: Any) -> dict[str, Any]:
    values: dict[str, Any] = self.__dict__
    left_out = self._left_out
    return {name: value for name, value in values.items() if name not in left_out} if left_out else values


def _equal(self: Any, other: object) -> bool:
    return _compared(self) == _compared(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:
    return hash((self.__class__, *_compared(self).values()))


def _repr(self: Any) -> str:
    values = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
    return f"{self.__class__.__qualname__}({values})"


def _set_once(self: Any, name: str, value: object) -> None:
    """Let ``__init__`` set each field, and nobody set one again."""
    if name in self.__dict__ or name not in self.__dataclass_fields__:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
    object.__setattr__(self, name, value)


def _delete(self: Any, name: str) -> None:  # noqa: ARG001
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
