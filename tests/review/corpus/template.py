"""Scripts as text with edits: a style of writing, ways of writing it differently, and mistakes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from tests.review.corpus.reference import Mistake, Network

EPOCHS = "@epochs@"
"""Where a style's text says how many epochs to train."""


MOST_LAYERS = 3

OF_LAYERS = frozenset(
    {
        "missing-hidden-derivative",
        "derivative-of-activation-not-preactivation",
        "derivative-formula-on-preactivation",
        "weights-in-place-of-activation",
        "outputs-in-place-of-inputs",
        "error-not-propagated",
        "gradient-transposed",
        "updated-before-backpropagating",
        "bias-gradient-wrong-axis",
        "bias-never-updated",
        "wrong-slope",
    }
)
"""Made in all layers at once they may be told for each layer that they change."""


class NotExpressibleError(Exception):
    """An edit whose place is not in the text: this mistake cannot be made in this script."""


@dataclass(frozen=True)
class Edit:
    """Replacements in a script's text, with what they change about the network that it trains.

    Attributes
    ----------
    name
        The mistake's id, or what the correct variant is called.
    replacements
        Pairs of old and new text; the old one has to be there exactly once.
    mistake
        What goes wrong; None for a correct variant.
    layers
        The layers that a report may name: more than one where the mistake sits between two.
    also
        Ids that say the same of this very script.
    within
        The variant that this edit needs, or "" for the style as it is.
    held
        Kept out of what is looked at case by case.
    """

    name: str
    replacements: tuple[tuple[str, str], ...]
    mistake: Mistake | None = None
    layers: frozenset[int | None] = frozenset()
    also: frozenset[str] = frozenset()
    within: str = ""
    renames: tuple[tuple[str, str], ...] = ()
    changes: dict[str, Any] = field(default_factory=dict)
    held: bool = False

    def apply(self, text: str) -> str:
        """Make the replacements; :class:`NotExpressibleError` where one has no place, or several."""
        for old, new in self.replacements:
            if text.count(old) != 1:
                raise NotExpressibleError(f"{self.name}: {text.count(old)} times {old!r}")
            text = text.replace(old, new)
        return text

    def rename(self, text: str) -> str:
        """Give the names that the edit renames their new ones."""
        table = dict(self.renames)
        if not table:
            return text
        names = re.compile(r"(?<!\w)(" + "|".join(map(re.escape, table)) + r")(?!\w)")
        return names.sub(lambda found: table[found.group(1)], text)


def mistake(
    name: str,
    layer: int | None,
    *replacements: tuple[str, str],
    variant: str = "",
    layers: tuple[int | None, ...] = (),
    also: tuple[str, ...] = (),
    within: str = "",
) -> Edit:
    """Make a mistake of a layer (from 1; None: of no one layer); ``variant`` says which of its forms."""
    if layer is None and name in OF_LAYERS:
        layers = (None, *range(1, MOST_LAYERS + 1))
    return Edit(
        name,
        replacements,
        Mistake(name, layer, variant),
        frozenset(layers or (layer,)),
        frozenset(also),
        within,
    )


def variant(
    name: str,
    *replacements: tuple[str, str],
    renames: dict[str, str] | None = None,
    held: bool = False,
    **changes: Any,
) -> Edit:
    """Write the same correct script differently; ``changes`` are the fields of its network that differ."""
    return Edit(name, replacements, renames=tuple((renames or {}).items()), changes=changes, held=held)


@dataclass(frozen=True)
class Style:
    """One way of writing a network: a correct script, its variants and the mistakes that fit it."""

    name: str
    summary: str
    text: str
    network: Network
    mistakes: tuple[Edit, ...]
    variants: tuple[Edit, ...] = ()
    epochs: int = 150
    held: bool = False


@dataclass(frozen=True)
class Script:
    """A script to be reviewed, and the truth about it."""

    style: Style
    variants: tuple[Edit, ...]
    mistakes: tuple[Edit, ...]

    @property
    def name(self) -> str:
        """Style, variants and mistakes, as a file's name."""
        made = [
            f"{self.style.mistakes.index(m):02}-{m.name}-{m.mistake.layer or 'all'}"
            for m in self.mistakes
            if m.mistake
        ]
        return "__".join([self.style.name, *(v.name for v in self.variants), *made])

    @property
    def held(self) -> bool:
        """Whether only totals are looked at."""
        return self.style.held or any(v.held for v in self.variants)

    @property
    def network(self) -> Network:
        """The network that the script trains, with expressions in the script's own names."""
        changes: dict[str, Any] = {}
        for edit in self.variants:
            changes |= edit.changes
        network = replace(self.style.network, **changes)
        for edit in self.variants:
            network = network.renamed(edit.rename)
        return network

    def text(self, epochs: int | None = None) -> str:
        """Write the script out, training ``epochs`` epochs (the style's own number if left out)."""
        return self._marked().replace(EPOCHS, str(self.style.epochs if epochs is None else epochs))

    def _marked(self, without: int | None = None) -> str:
        text = self.style.text
        for edit in self.variants:
            text = edit.apply(text)
        for position, edit in enumerate(self.mistakes):
            if position != without:
                text = edit.apply(text)
        for edit in self.variants:
            text = edit.rename(text)
        return text.lstrip("\n")

    def lines(self, position: int) -> frozenset[int]:
        """The lines (from 1) that the mistake at ``position`` changed, or stands beside.

        What was taken out is missing between two lines: it can be put back after the one or before the other.
        """
        right, wrong = self._marked(without=position).split("\n"), self._marked().split("\n")
        head = 0
        while head < min(len(right), len(wrong)) and right[head] == wrong[head]:
            head += 1
        tail = 0
        while tail < min(len(right), len(wrong)) - head and right[-1 - tail] == wrong[-1 - tail]:
            tail += 1
        last = len(wrong) - tail
        return frozenset(range(head + 1, last + 1)) if last > head else frozenset({max(head, 1), head + 1})
