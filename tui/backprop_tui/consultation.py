"""What the screen knows of the run's health beyond its frames: a diagnosis, or one under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backprop_core.frozen import dataclass

if TYPE_CHECKING:
    from backprop_core.commands import Command
    from backprop_core.diagnosis.report import Diagnosis, Forecast
    from backprop_core.snapshot import Heatmap


@dataclass(frozen=True)
class Consultation:
    """What has been found out about one version of a run.

    Attributes
    ----------
    version : int
    diagnosis : Diagnosis or None
    pictures : tuple of Heatmap
        Of the layers that the findings are about, at the diagnosis's step.
    forecasts : tuple of Forecast
        What the healing keys would do.
    seconds : float or None
        How long an investigation has been under way; None if none is.
    forks : int
        How many forks that investigation has trained so far.
    failed : str
        Why the last investigation came to nothing, in a line.
    """

    version: int = 0
    diagnosis: Diagnosis | None = None
    pictures: tuple[Heatmap, ...] = ()
    forecasts: tuple[Forecast, ...] = ()
    seconds: float | None = None
    forks: int = 0
    failed: str = ""

    @property
    def recommended(self) -> Forecast | None:
        """The cure that the diagnosis recommends."""
        return self.diagnosis.recommended if self.diagnosis else None

    @property
    def cures(self) -> dict[str, Forecast]:
        """All cures whose effect is known, by their ids."""
        findings = self.diagnosis.findings if self.diagnosis else ()
        known = {cure.id: cure for finding in findings for cure in finding.cures}
        if self.recommended is not None:
            known[self.recommended.id] = self.recommended
        return known

    def forecast_of(self, command: Command) -> Forecast | None:
        """Return what a single command would do, if that was measured."""
        measured = (*self.forecasts, *self.cures.values())
        return next((one for one in measured if one.commands == (command,)), None)

    def picture_of(self, layers: set[int]) -> Heatmap | None:
        """Return the picture of the first of some layers that there is one of."""
        return next((picture for picture in self.pictures if picture.layer in layers), None)
