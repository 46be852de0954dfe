"""The backward pass with mistakes in it: every edit that hand-written scripts are known to make, layer by layer.

The search goes from the output down. At each layer it asks which edits of the propagated error, of the activation's
derivative and of the gradient's product explain what was applied to the weights and to the bias, and goes on below with
what these edits would propagate. Since an edit only touches its own layer and those below, combinations of mistakes
in several layers cost no more than the single ones.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.comparing.edits import (
    KNOWN_VARYING,
    VARYING,
    WRONG_BIAS,
    WRONG_WEIGHTS,
    Choice,
    State,
)
from backprop_core.review.comparing.products import Products

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from backprop_core.review.comparing.fitting import Fit

    Array = NDArray[Any]

MOST_WORK = 3e9
"""For one search: what no combination explains is said to be wrong, without trying for ever.

Counted in operations, about a nanosecond each, so that a busy machine finds the same."""
MOST_STATES = 10


class Search(Products):
    """Looks for the fewest edits that explain the updates of a network."""

    def run(self) -> list[State]:
        """Return the cheapest explanations."""
        states = [State(0.0, (), self.errors, raw=self.errors)]
        for index in range(self.depth - 1, -1, -1):
            found = [after for state in states for after in self._layer(state, index)]
            best = min(state.cost for state in found)
            found = [state for state in found if state.cost <= best + 1.15]
            states = _distinct(sorted(found, key=lambda state: state.cost))[:MOST_STATES]
        best = states[0].cost
        return [state for state in states if state.cost <= best + 0.3]

    def could_explain(self) -> bool:
        """Whether the output layer's weights fit: a quick look before the whole search."""
        index = self.depth - 1
        state = State(0.0, (), self.errors, raw=self.errors)
        return any(
            self._weights(index, choice.used)[0][0] < WRONG_BIAS for choice in self._choices(state, index)
        )

    def _layer(self, state: State, index: int) -> list[State]:
        found: list[State] = []
        for choice in sorted(self._choices(state, index), key=lambda choice: choice.cost):
            if found and self.work > MOST_WORK:
                break
            # What is passed on below shows there only.
            shows = choice.cost > 2.2 or not any(edit.id == "raw-error-propagated" for edit in choice.edits)
            if found and shows and choice.cost > min(one.cost for one in found) - state.cost + 0.3:
                continue
            found += self._tested(state, index, choice)
        return found

    def _tested(self, state: State, index: int, choice: Choice) -> list[State]:
        """Return the explanations of a layer's weights and bias, given its δ."""
        number = index + 1
        before = [fit for fit in state.fits.values() if fit is not None and fit.varying]
        weight_options = [
            (_judged(cost, fit, before), edit, fit) for cost, edit, fit in self._weights(index, choice.used)
        ]
        best_w = min(cost for cost, _, _ in weight_options)
        before += [
            fit for cost, _, fit in weight_options if fit is not None and fit.varying and cost == best_w
        ]
        bias_options = [
            (_judged(cost, fit, before), edit, fit) for cost, edit, fit in self._bias(index, choice, state)
        ]
        best_b = min(cost for cost, _, _ in bias_options)
        result = []
        for w_cost, w_edit, w_fit in weight_options:
            for b_cost, b_edit, b_fit in bias_options:
                if w_cost > best_w + 0.3 or b_cost > best_b + 0.3:
                    continue
                edits = choice.edits + tuple(edit for edit in (w_edit, b_edit) if edit is not None)
                result.append(
                    State(
                        state.cost + choice.cost + w_cost + b_cost,
                        state.edits + edits,
                        choice.passed,
                        {**state.fits, (index, "W"): w_fit, (index, "b"): b_fit},
                        {**state.deltas, number: choice.used},
                        {**state.signals, number: choice.signal},
                        state.raw,
                    )
                )
        return result

    def _choices(self, state: State, index: int) -> Iterator[Choice]:
        top = index == self.depth - 1
        above = None if top else state.fits.get((index + 1, "W"))
        # The script's error may be that of the mean, or of the sum.
        scales = {1.0, float(min(self.rows)) if self.network.averaged else 1.0}
        scales |= set() if above is None or above.varying else {above.factor}
        for cost, edits, signal in self._propagated(state, index) if not top else [(0.0, (), state.signal)]:
            for choice in self._derivatives(signal, index, sorted(scales)):
                yield replace(choice, cost=cost + choice.cost, edits=edits + choice.edits, signal=signal)


def _judged(cost: float, fit: Fit | None, before: list[Fit]) -> float:
    """Return what an explanation costs beside others: factors that vary as theirs are known already."""
    if fit is None or not fit.varying:
        return cost
    if any(fit.varies_as(other) for other in before):
        return cost - VARYING + KNOWN_VARYING
    return cost + WRONG_WEIGHTS if fit.loose else cost


def _distinct(states: list[State]) -> list[State]:
    """Leave out explanations that say the same and pass the same on."""
    seen = set()
    kept = []
    for state in states:
        key = (state.edits, tuple(float(np.sum(np.abs(signal))) for signal in state.signal))
        if key not in seen:
            seen.add(key)
            kept.append(state)
    return kept
