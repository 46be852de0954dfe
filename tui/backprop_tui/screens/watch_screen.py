"""A script of the user's own, live: the lab's views of it, and the review's findings; nothing changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding

from backprop_core.engine import EngineDied
from backprop_core.errors import UserError
from backprop_core.review.watching.watch_engine import WatchEngine
from backprop_tui.keys import WATCH_KEYS
from backprop_tui.screens.lab_screen import LabScreen
from backprop_tui.watch import WATCH_PACE
from backprop_tui.widgets.findings import FindingsView, finding_lines
from backprop_tui.widgets.key_bar import KeyBar
from backprop_tui.widgets.title import TitleLine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.app import ComposeResult

    from backprop_core.engine import Engine
    from backprop_tui.session_log import SessionLog
    from backprop_tui.widgets.findings import Report

    Reviewer = Callable[[], Awaitable[Report]]


class WatchScreen(LabScreen, inherit_bindings=False):
    """The lab around a script.

    Attributes
    ----------
    review : callable
        Returns the review of the script, when it is ready; to be set before the screen is shown.
    """

    BINDINGS: ClassVar[list[Any]] = [
        Binding(spec.keys, spec.action, spec.help, show=False, id=spec.action, tooltip=spec.help)
        for spec in WATCH_KEYS
        if spec.action not in ("palette", "quit")
    ]

    review: Reviewer

    def __init__(self, engine: Engine, fps: float, log: SessionLog) -> None:
        super().__init__(engine, fps, log)
        self.pace = WATCH_PACE

    def compose(self) -> ComposeResult:
        """The lab's lines and views without its health: of a script, that is what the review finds."""
        return (widget for widget in super().compose() if widget.id != "health")

    def on_mount(self) -> None:
        """Put the findings beside the other views, and have the script reviewed."""
        self.query_one("#views").mount(FindingsView(id="findings"), before="#layers")
        self.query_one(KeyBar).specs = WATCH_KEYS
        self.query_one(TitleLine).notice = f"{WATCH_PACE:g} steps/s at most"
        self.add_class("-findings")
        self.run_worker(self._tell_of_review(), name="review", exclusive=True, group="review")

    @property
    def findings(self) -> FindingsView:
        """The view of the findings."""
        return self.query_one(FindingsView)

    async def _tell_of_review(self) -> None:
        report = await self.review()
        self.findings.tell(report)
        first, count = finding_lines(report)[0][0], len(report["mistakes"])
        more = f"; {count - 1} more with enter" if count > 1 else ""
        self.say(f"review: {first}{more}", warning=count > 0 or not report["reviewed"])

    def action_toggle_findings(self) -> None:
        """Show the findings, or the predictions."""
        self.toggle_class("-findings")

    def action_report(self) -> None:
        """Show the review's whole report."""
        from backprop_tui.screens.help import HelpScreen
        from backprop_tui.widgets.findings import report_text

        text = report_text(self.findings.report)
        self.app.push_screen(HelpScreen(text, title="review", ascii_only=self.ascii_only))

    def action_help(self) -> None:
        """Show the help."""
        from backprop_tui.help_text import watch_help
        from backprop_tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(watch_help(), ascii_only=self.ascii_only))

    def action_run_again(self) -> None:
        """Run the script again, as its file is now."""
        self.job(self._run_again)

    async def _run_again(self) -> None:
        """Let another process run the script; the one before stays if it cannot be watched as it is now."""
        assert isinstance(self.engine, WatchEngine)
        again = self.engine.revived()
        try:
            await again.frame(self.view())
        except (UserError, EngineDied):
            again.close()
            raise
        before, self.engine = self.engine, again
        # A request to the one before may be under way: the frame after the next is of the new one.
        await self._drawn_frame()
        await self._drawn_frame()
        before.close()
        self.findings.report = None
        self.findings.redraw()
        self.run_worker(self._tell_of_review(), name="review", exclusive=True, group="review")
        self.say("the script runs again, from its beginning")
