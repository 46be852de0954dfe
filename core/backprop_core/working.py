"""Arithmetic as one writes it down by hand: what is computed, the numbers in their places, what comes of it."""

from __future__ import annotations

from backprop_core.frozen import dataclass


@dataclass(frozen=True)
class Working:
    """One line.

    Attributes
    ----------
    name : str
        What is computed, in the field's symbols.
    formula : str
        Of what, in symbols.
    places : str
        The formula with ``{}`` for each number.
    numbers : tuple of float
        What stands in the places.
    value : float
        What comes of it: the trainer's own number, which may differ from the formula's in its last bits.
    """

    name: str
    formula: str
    places: str
    numbers: tuple[float, ...]
    value: float


@dataclass(frozen=True)
class Moved:
    """One parameter in one step of an optimizer.

    Attributes
    ----------
    weight, gradient : float
        The parameter before the step, and its gradient as it is given to the optimizer.
    decayed : float
        The gradient after the optimizer has added weight decay to it.
    before, after : tuple of float
        Its moments, in the order of the optimizer's record.
    update : float
        What is subtracted.
    steps : int
        How many steps the optimizer has made, this one included.
    learning_rate, weight_decay : float
    """

    weight: float
    gradient: float
    decayed: float
    before: tuple[float, ...]
    after: tuple[float, ...]
    update: float
    steps: int
    learning_rate: float
    weight_decay: float
