"""What the review says of a script: its mistakes with their lines, in a few words; the whole report as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from backprop_tui.cells import CellView
from backprop_tui.glyphs import printable
from backprop_tui.palette import Ink
from backprop_tui.widgets.message_line import wrapped

if TYPE_CHECKING:
    from backprop_tui.cells import Canvas

Report = dict[str, Any]
"""A review as ``review --json`` prints it."""

Line = tuple[str, int]

WAITING = "the script's updates are being reviewed"
RIGHT = "no mistake found: its updates are the gradient of its own loss"


def finding_lines(report: Report | None) -> list[Line]:
    """Return the findings, each line with its ink; no line is wrapped yet."""
    if report is None:
        return [(WAITING, Ink.MUTED)]
    if not report["reviewed"]:
        return [("could not be reviewed", Ink.WARNING), (report["reason"], Ink.TEXT)]
    lines: list[Line] = []
    for mistake in report["mistakes"]:
        lines += [(mistake_title(mistake), Ink.WARNING), (mistake["correction"].strip(), Ink.TEXT)]
    lines += [(f"harmless: {warning['id']}", Ink.MUTED) for warning in report["warnings"]]
    return lines if report["mistakes"] else [(RIGHT, Ink.STRONG), *lines]


def mistake_title(mistake: Report) -> str:
    """Return a mistake's line, id and layer, and what else it could be."""
    layer = "" if mistake["layer"] is None else f", layer {mistake['layer']}"
    others = "".join(f" or {other}" for other in mistake["alternatives"])
    return f"line {mistake['line']}: {mistake['id']}{others}{layer}"


def report_text(report: Report | None) -> Text:
    """Return the whole report."""
    text = Text()
    if report is None or not report["reviewed"]:
        for line, _ in finding_lines(report):
            text.append(printable(line) + "\n")
        return text
    for mistake in report["mistakes"]:
        text.append(printable(mistake_title(mistake)) + "\n", "bold")
        text.append(printable(mistake["explanation"]) + "\n")
        text.append("    " + printable(mistake["correction"].strip()) + "\n\n", "bold")
    if not report["mistakes"]:
        text.append(f"{RIGHT}\n\n", "bold")
    for warning in report["warnings"]:
        text.append(printable(f"{warning['id']}: {warning['explanation']}") + "\n\n")
    for part in report["parameters"]:
        error = part["relative_error"]
        told = "" if error is None else f"  relative error {error:.3g}"
        text.append(
            printable(
                f"{part['name']} {tuple(part['shape'])}, line {part['line']}: {part['verdict']}{told}\n"
            )
        )
    if report.get("beyond_the_gradient"):
        text.append("\nbeyond the gradient\n", "bold")
        for sentence in report["beyond_the_gradient"]:
            text.append(printable(sentence) + "\n")
    for name, title in (
        ("corrected", "with these lines corrected"),
        ("further", "it learns with these lines"),
    ):
        if name in report:
            _add_lines(text, title, report[name])
    return text


def _add_lines(text: Text, title: str, made: Report) -> None:
    """Add changed lines, and what the loss ends at without and with them."""
    text.append(f"\n{title}\n", "bold")
    for line in made["lines"]:
        for part in line["text"].split("\n"):
            text.append(printable(f"    {line['line']:4}  {part.strip()}") + "\n")
    before, after = (made[key] for key in ("loss_before", "loss_after"))
    if None not in (before, after):
        text.append(f"the loss ends at {after:.6g}, without at {before:.6g}\n")


class FindingsView(CellView):
    """As many findings as fit; the report has them whole."""

    DEFAULT_CSS = "FindingsView { width: 1fr; height: 1fr; }"

    def __init__(self, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.report: Report | None = None
        self.border_title = "findings"

    def tell(self, report: Report) -> None:
        """Show a review."""
        self.report = report
        self.redraw()

    def paint(self, canvas: Canvas) -> None:
        """Draw the findings, and whether there are more."""
        lines = [
            (part, ink)
            for text, ink in finding_lines(self.report)
            for part in wrapped(printable(text), canvas.width)
        ]
        shown = lines if len(lines) <= canvas.height else lines[: max(canvas.height - 1, 0)]
        for y, (text, ink) in enumerate(shown):
            canvas.text(0, y, text, ink)
        if len(shown) < len(lines):
            canvas.text(0, canvas.height - 1, "enter shows the rest", Ink.MUTED)
