"""The run's health on the screen: investigations beside it, the diagnosis, treatments, warnings of harm."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from backprop_core.engine import EngineDied
from backprop_core.errors import UserError, nearest
from backprop_core.files import shown
from backprop_tui.consultation import Consultation
from backprop_tui.screens.keeping_screen import KeepingScreen
from backprop_tui.widgets.health_line import HealthLine

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from backprop_core.commands import Command
    from backprop_core.consulting import Examined
    from backprop_core.diagnosis.report import Forecast
    from backprop_core.engine import Engine
    from backprop_core.snapshot import Frame
    from backprop_core.treatments import Treatment
    from backprop_tui.screens.diagnosis import DiagnosisScreen
    from backprop_tui.session_log import SessionLog

PATIENCE = 5.0
"""An investigation that nobody asked for comes at the earliest so many times later than the last one took."""


class HealthScreen(KeepingScreen):
    """A live screen that knows why its run does not learn, or finds out.

    Attributes
    ----------
    consultation : Consultation
    watchful : bool
        Whether it investigates of itself what the watch finds worth it.
    """

    def __init__(self, engine: Engine, fps: float, log: SessionLog) -> None:
        super().__init__(engine, fps, log)
        self.consultation = Consultation()
        self.watchful = True
        self._consulted: tuple[Engine, int] | None = None
        self._began: float | None = None
        self._not_before = 0.0
        self._wanted: str | None = None
        self._warned: tuple[int, Command] | None = None
        self._told: tuple[Treatment, ...] = ()
        self._diagnosis_screen: DiagnosisScreen | None = None

    def compose(self) -> ComposeResult:
        """The lines and views of a live screen, with the health line below the status."""
        for widget in super().compose():
            yield widget
            if widget.id == "status":
                yield HealthLine(id="health")

    def show_frame(self, frame: Frame) -> None:
        """Hand a frame to every view, and look after the run's health."""
        with self.app.batch_update():
            reason = self.frame.reason if self.frame else ""
            super().show_frame(frame)
            self._look_after(frame)
            self._tell_of_treatments(frame, before=reason)
            self._show_health()

    def _look_after(self, frame: Frame) -> None:
        if self._consulted != (self.engine, frame.version):
            # Whatever was found out, was of a run that is another one now.
            self._consulted = self.engine, frame.version
            self.workers.cancel_group(self, "investigation")
            self.consultation = Consultation(frame.version)
            self._began, self._wanted = None, None
        health = frame.health
        if (
            self.watchful
            and health is not None
            and health.wants_diagnosis
            and self._began is None
            and monotonic() >= self._not_before
        ):
            self.investigate()

    def _tell_of_treatments(self, frame: Frame, before: str) -> None:
        """Say what a treatment has come to, and once more with the reason why the run has ended."""
        known = [treatment for treatment in frame.treatments if treatment.result]
        ended = frame.state == "DONE" and frame.reason != before
        if known and (ended or known[-1] not in self._told):
            self.say(f"{frame.reason} · {known[-1].result}" if ended else known[-1].result)
        self._told = frame.treatments

    def _show_health(self) -> None:
        if self.frame is None:
            return
        seconds = None if self._began is None else monotonic() - self._began
        if seconds is None:
            self.consultation = replace(self.consultation, seconds=None, forks=0)
        else:
            self.consultation = replace(self.consultation, seconds=seconds)
        # Of a screen that is being taken down, nothing is left to be shown on.
        for line in self.query(HealthLine):
            line.show(self.frame, self.consultation)
        if self._diagnosis_screen is not None:
            self._diagnosis_screen.show(self.frame, self.consultation)

    def investigate(self) -> None:
        """Have the run investigated as it is now, beside its training."""
        if self._began is None:
            self._began = monotonic()
            self.run_worker(self._investigate(), name="investigation", group="investigation")
            self._show_health()

    async def _investigate(self) -> None:
        from backprop_core.consulting import Examined, Tried

        consulted, began = self._consulted, self._began
        try:
            async with aclosing(self.engine.investigate()) as found:
                async for one in found:
                    if consulted != self._consulted:
                        return
                    if isinstance(one, Tried):
                        self.consultation = replace(self.consultation, forks=one.forks)
                    elif isinstance(one, Examined):
                        await self._take_in(one)
                    else:
                        self.consultation = replace(self.consultation, forecasts=one.forecasts)
        except UserError as error:
            if consulted == self._consulted:
                self.consultation = replace(self.consultation, failed=str(error))
                self.say(str(error), warning=True)
        except EngineDied:
            # The next frame's request finds out too, and tells.
            pass
        finally:
            if self._began == began and began is not None:
                now = monotonic()
                self._began, self._not_before = None, now + PATIENCE * (now - began)
                self._wanted = None
                self._show_health()

    async def _take_in(self, examined: Examined) -> None:
        """Show a diagnosis, and treat if that is wanted."""
        diagnosis = examined.diagnosis
        if not await self.engine.note(examined.version, diagnosis):
            return
        self.consultation = replace(
            self.consultation, diagnosis=diagnosis, pictures=examined.pictures, failed=""
        )
        self.wake()
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            self._treat_with(wanted)
        elif self._treats and diagnosis.recommended is not None and self._may_treat():
            self._apply(diagnosis.recommended)

    @property
    def _treats(self) -> bool:
        treats: bool = self.app.treats  # type: ignore[attr-defined]
        return treats

    def _may_treat(self) -> bool:
        """Tell whether a run that treats itself has not been treated so often that it is no use."""
        from backprop_core.diagnosis.supervision import MOST_TREATMENTS

        return self.frame is not None and len(self.frame.treatments) < MOST_TREATMENTS

    def on_health_line_opened(self) -> None:
        """Open the diagnosis by a click."""
        self.action_diagnose()

    def action_diagnose(self) -> None:
        """Open the diagnosis; investigate if there is none yet."""
        from backprop_tui.screens.diagnosis import DiagnosisScreen

        if self.frame is None or self._diagnosis_screen is not None:
            return
        if self.consultation.diagnosis is None:
            self.investigate()
        self._diagnosis_screen = DiagnosisScreen(self.frame, self.consultation, self.investigate)
        self.app.push_screen(self._diagnosis_screen, self._diagnosis_left)

    def _diagnosis_left(self, cure: Forecast | None) -> None:
        self._diagnosis_screen = None
        if cure is not None:
            self._apply(cure)

    def action_treat(self) -> None:
        """Apply the recommended cure."""
        self.job(self.treat)

    async def treat(self, cure: str | None = None) -> None:
        """Apply the recommended cure, or the one of that id; investigate first if that is not known yet."""
        step = (await self.current()).snapshot.step
        known = self.consultation
        # What was found wanting some steps ago may help now.
        if known.diagnosis is not None and (known.recommended or cure or known.diagnosis.step == step):
            self._treat_with(cure or "")
        else:
            self.investigate()
            self._wanted = cure or ""
            self.say("investigating first; what is then recommended is applied at once")

    def _treat_with(self, cure: str) -> None:
        """Apply the cure of that id, or for the empty one what is recommended, or say that there is none."""
        known = self.consultation
        chosen = known.cures.get(cure) if cure else known.recommended
        if chosen is not None:
            self._apply(chosen)
        elif cure:
            hint = nearest(cure, known.cures) if known.cures else ""
            self.say(f"no cure '{shown(cure)}' here{hint}", warning=True)
        else:
            self.say("no cure is confirmed by an experiment: nothing to treat; d says what was tried")

    def _apply(self, cure: Forecast) -> None:
        self.job(partial(self._apply_to, self.consultation.version, cure))

    async def _apply_to(self, version: int, cure: Forecast) -> None:
        from backprop_tui.health_text import forecast_sentence

        outcomes = await self.ask(self.engine.treat(version, cure))
        for outcome in outcomes:
            self.log_of_session.command(outcome)
        self.say(f"treated with {cure.id.replace('+', ' + ')}: {forecast_sentence(cure)}")
        self.wake()

    async def heal(self, command: Command, key: str) -> None:
        """Carry out a command that a key sends to heal; one that is known to do harm only at the second press."""
        from backprop_tui.health_text import warning_of

        frame = await self.current()
        forecast = self.consultation.forecast_of(command)
        warned = frame.version, command
        if forecast is not None and forecast.harmful and self._warned != warned:
            self._warned = warned
            self.say(warning_of(forecast, key), warning=True)
            return
        await self.send(command)
