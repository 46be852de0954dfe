"""Everything that was done to a trainer, as commands that do it again bit for bit."""

from __future__ import annotations

import dataclasses
from dataclasses import field
from typing import TYPE_CHECKING

from backprop_core.commands import Run, Step
from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    from backprop_core.commands import Command


@dataclass(frozen=True)
class Place:
    """How far training has come: steps taken, whole epochs completed, samples into the current epoch."""

    step: int = 0
    epoch: int = 0
    position: int = 0


@dataclasses.dataclass
class Journal:
    """The commands so far; training between them is one ``run N epochs`` or ``step N``."""

    commands: list[Command] = field(default_factory=list)
    written_to: Place = field(default_factory=Place)

    def note_training(self, now: Place) -> None:
        """Write down the training since the last entry."""
        taken = now.step - self.written_to.step
        if taken > 0:
            whole_epochs = now.position == 0 == self.written_to.position
            epochs = now.epoch - self.written_to.epoch
            self.commands.append(Run(epochs=epochs) if whole_epochs else Step(taken))
        self.written_to = now

    def note(self, command: Command, after: Place) -> None:
        """Write down a command other than training; ``after`` is where it left the training."""
        self.commands.append(command)
        self.written_to = after
