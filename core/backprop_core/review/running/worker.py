"""The process in which the script runs: records its first updates, then others from weights put in their place."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.review.following.analysis import analyses
from backprop_core.review.following.capture import capture
from backprop_core.review.following.losses import loss_families
from backprop_core.review.following.structure import Graph, find_training_loop, units_of
from backprop_core.review.running import wire
from backprop_core.review.running.instrument import RECORDER, instrument
from backprop_core.review.running.recorder import Recorder
from backprop_core.review.running.script_process import execute
from backprop_core.review.running.state import put_array, put_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from backprop_core.review.following.losses import Family
    from backprop_core.review.running.recorded import Loop

MOST_NODES = 60_000
MOST_TOPS = 3_000
MOST_WORK = 150_000_000
LATER_UPDATES = 40
LATER_WORK = 150_000_000
FEWEST_LATER = 4
POINTS = 5


class Stop(BaseException):
    """Ends the script: enough was seen."""


class Driver:
    """Decides at each top of a loop what to do next."""

    def __init__(self, recorder: Recorder, out: Path, loss: str | None) -> None:
        self.recorder = recorder
        self.out = out
        self.wanted = loss
        self.phase = "scout"
        self.site: int | None = None
        self.family: str | None = None
        self.tries: dict[int, int] = {}
        self.units_left = 0
        self.count = 0
        self.later_at = LATER_UPDATES
        self.written = 0
        self.trained: dict[str, str] = {}
        self.rows = 1
        self.why = ""
        recorder.on_top = self.on_top

    # -- what happens at the top of a loop ---------------------------------------------------------------------

    def on_top(self, recorder: Recorder, loop: Loop) -> None:
        """Called before each iteration of each loop."""
        getattr(self, f"_{self.phase}")(recorder, loop)

    def _scout(self, recorder: Recorder, loop: Loop) -> None:
        if len(recorder.loops) == 1 and loop.iteration == 0:
            recorder.reset()
            recorder.recording = True
            self.tries = {}
        if not recorder.recording:
            return
        recorder.note_top(loop)
        full = len(recorder.nodes) > MOST_NODES or len(recorder.tops) > MOST_TOPS or recorder.work > MOST_WORK
        due = loop.iteration in (2, 3, 5, 9, 17, 33, 65, 129, 257, 513) and len(recorder.loops) <= 3
        if (full or (due and self._worth_trying(loop))) and self._looked(last=full or self._whole(loop)):
            self.phase = "aim"
            self._aim(recorder, loop)
        elif full:
            recorder.recording = False

    def _worth_trying(self, loop: Loop) -> bool:
        self.tries[loop.site] = self.tries.get(loop.site, 0) + 1
        return self.tries[loop.site] <= 6

    def _whole(self, loop: Loop) -> bool:
        """Whether the outermost loop has gone round: a loss that is computed in it has been seen."""
        return len(self.recorder.loops) == 1 and loop.iteration >= 2

    def _looked(self, last: bool) -> bool:
        """Try to understand what was recorded so far; trouble with that is no trouble of the script's."""
        self.recorder.recording = False
        try:
            return self._found(last)
        except Exception:
            # Functions of the script's own are called to differentiate them, and its arrays can be of any kind:
            # there is no list of what may be raised, and the script has to go on as if nothing had been.
            self._complain()
            return False
        finally:
            self.recorder.recording = True

    def _complain(self) -> None:
        """Keep the traceback of an error of our own where somebody asked for it."""
        self.why = "internal"
        if os.environ.get("REVIEW_DEBUG"):
            import traceback

            with wire._open(self.out / f"{self.written:03d}.error", "a") as file:
                file.write(traceback.format_exc())

    def _found(self, last: bool) -> bool:
        graph = Graph(self.recorder)
        site = find_training_loop(graph)
        if site is None:
            return False
        families = loss_families(graph, self.recorder.sites, self.wanted)
        units = units_of(graph, site)
        captures: list[dict[str, Any]] = []
        chosen: Family | None = None
        evaluation: dict[str, Any] | None = None
        for analysis in analyses(graph, units, _some(units), families):
            if analysis.family is not None and chosen is None:
                chosen = analysis.family
            made = capture(analysis, self.recorder.sites, "start", detail=len(captures) < 2)
            if made is not None:
                captures.append(made)
                evaluation = evaluation or made["evaluation"]
        if not captures:
            self.why = "structure"
            return False
        captures = _with_biases(captures)
        if chosen is None and not last:
            return False
        self.site = site
        self.family = None if chosen is None else chosen.name
        self.rows = len(captures[0]["layers"][0]["X"])
        affordable = LATER_WORK * len(units) // max(self.recorder.work, 1)
        self.later_at = min(LATER_UPDATES, max(FEWEST_LATER, affordable))
        self.trained = {part["path"]: part["path"] for part in captures[0]["parameters"]}
        self._write(
            {
                "kind": "start",
                "captures": captures,
                "loss": None if chosen is None else {"name": chosen.name, "line": chosen.line},
                "evaluation": evaluation,
                "loop_line": self.recorder.sites.line(site),
                "units": len(units),
                "batches": _batches(units),
                "operations": len(self.recorder.nodes) / max(len(units), 1),
                "numbers": self.recorder.work / max(len(units), 1),
                "planned": [self.recorder.planned.get(loop) for loop, _, _ in units[0].start.loops],
            }
        )
        return True

    def _aim(self, recorder: Recorder, loop: Loop) -> None:
        if loop.site != self.site:
            return
        recorder.recording = False
        recorder.reset()
        points = [(f"random {point}", point, 0.0) for point in range(1, POINTS + 1)]
        for label, seed, nudge in (*points, ("check +", 3, 1.0), ("check -", 3, -1.0)):
            if self._fork(loop, label, seed, nudge):
                return
        self.phase, self.count = "later", 0

    def _later(self, recorder: Recorder, loop: Loop) -> None:
        if loop.site != self.site:
            return
        self.count += 1
        if self.count >= self.later_at and not self._fork(loop, "later", seed=None):
            raise Stop

    def _child(self, recorder: Recorder, loop: Loop) -> None:
        if loop.site != self.site:
            if len(recorder.nodes) > MOST_NODES:
                self._end_child()
            return
        recorder.note_top(loop)
        self.units_left -= 1
        if self.units_left < 0 or len(recorder.nodes) > MOST_NODES:
            self._end_child()

    # -- other points --------------------------------------------------------------------------------------------

    def _fork(self, loop: Loop, label: str, seed: int | None, nudge: float = 0.0) -> bool:
        """Record one or a few updates in a copy of this process, from other weights; True in the copy."""
        number = self.written
        self.written += 1
        sys.stdout.flush()
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            return False
        try:
            self.phase, self.label, self.number = "child", label, number
            self.units_left = 1 if self.rows > 3 else 4
            self.recorder.recording = True
            if seed is not None:
                self._inject(loop, seed, nudge)
            self.recorder.note_top(loop)
        except BaseException:
            # This copy must in no case go on as the script does.
            os._exit(1)
        return True

    def _inject(self, loop: Loop, seed: int, nudge: float) -> None:
        """Put signed random weights into the script's parameters."""
        from backprop_core.review.running.state import walk

        generator = np.random.Generator(np.random.PCG64(seed))
        held = walk(loop.frame, self.recorder.namespace)
        done: set[int] = set()
        for path in self.trained:
            value = held.get(path)
            if value is None or id(value) in done:
                continue
            done.add(id(value))
            shape = np.shape(value)
            fan = max(shape[0], shape[-1]) if len(shape) > 1 else 1
            spread = 1.5 / np.sqrt(fan) if len(shape) > 1 else 0.4
            drawn = spread * generator.standard_normal(shape)
            direction = generator.standard_normal(shape)
            drawn = drawn + nudge * 1e-6 * direction
            if isinstance(value, np.ndarray):
                put_array(value, drawn)
            else:
                put_number(loop.frame, self.recorder.namespace, path, float(drawn))

    def _end_child(self) -> None:
        try:
            graph = Graph(self.recorder)
            assert self.site is not None
            families = loss_families(graph, self.recorder.sites, self.wanted or self.family)
            if self.family is None:
                families = []
            captures: list[dict[str, Any]] = []
            units = units_of(graph, self.site)
            for analysis in analyses(graph, units, units, families):
                # The script's own start may be too saturated to be of use.
                first = self.label == "random 1" and not captures
                made = capture(analysis, self.recorder.sites, self.label, detail=first)
                if made is not None:
                    captures.append(made)
            wire.dump({"kind": self.label, "captures": captures}, self.out / f"{self.number:03d}.data")
        except Exception:
            # As in _looked; a point less is no reason to do without the others.
            self._complain()
        finally:
            os._exit(0)

    def _write(self, data: dict[str, Any]) -> None:
        wire.dump(data, self.out / f"{self.written:03d}.data")
        self.written += 1

    def finish(self, error: BaseException | None) -> None:
        """Write how it ended: enough seen, or why not."""
        if self.phase == "child":
            self._end_child()
        if self.phase == "scout" and error is None:
            self._looked(last=True)
        trouble = None
        if error is not None and not isinstance(error, (Stop, SystemExit)):
            trouble = {
                "type": type(error).__name__,
                "text": str(error)[:300],
                "line": line_in(error, self.recorder.filename),
            }
        self._write(
            {
                "kind": "end",
                "found": self.site is not None,
                "error": trouble,
                "why": self.why,
                "loops": self.recorder.instances,
            }
        )


def _with_biases(captures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out updates before which a bias was a whole number: ``b = 0`` is a parameter only once it has moved."""
    counts = [sum(layer["bias"] is not None for layer in made["layers"]) for made in captures]
    return [made for made, count in zip(captures, counts, strict=True) if count == max(counts)]


def _some(units: list[Any]) -> list[Any]:
    """Return the first units, those that begin an epoch (where losses over all samples are taken), and some others."""
    chosen, instances = [], set()
    for number, unit in enumerate(units):
        first = unit.start.instance not in instances
        instances.add(unit.start.instance)
        if number < 3 or (first and len(instances) <= 5) or number in (12, 21, 30):
            chosen.append(unit)
    return chosen


def _batches(units: list[Any]) -> int:
    """Return how often the training loop goes round within the loop around it."""
    nested = [unit for unit in units if len(unit.start.loops) > 1]
    return max((unit.start.iteration + 1 for unit in nested), default=1)


def line_in(error: BaseException, filename: str) -> int:
    """Return the line of a file in which an error was raised, 0 if it was raised elsewhere."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == filename:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def trace_script(script: Path, out: Path, loss: str | None, instead: Path | None = None) -> None:
    """Run a script under the recorder, and write what was seen of it into ``out``.

    Parameters
    ----------
    instead : Path, optional
        Where to read the source, if it is another one than the script's: with lines corrected.
    """
    run_recorded(script, instead or script, lambda recorder: Driver(recorder, out, loss))


def run_recorded(script: Path, source: Path, driver_of: Callable[[Recorder], Driver]) -> None:
    """Run what ``source`` holds as the script, under a recorder, and have its driver finish however it ends."""
    tree, sites = instrument(source.read_text(encoding="utf-8-sig"), str(script))
    namespace: dict[str, Any] = {}
    recorder = Recorder(sites, str(script), namespace)
    driver = driver_of(recorder)
    error: BaseException | None = None
    try:
        execute(compile(tree, str(script), "exec"), script, namespace, {RECORDER: recorder})
    except BaseException as raised:
        # Whatever the script ends with, an exit or an interrupt included, is told as its reason.
        error = raised
    driver.finish(error)


def main(words: list[str]) -> None:
    """``python -m backprop_core.review.running.worker SCRIPT OUT [LOSS [SOURCE]]``."""
    loss = (words[2] or None) if len(words) > 2 else None
    trace_script(Path(words[0]), Path(words[1]), loss, Path(words[3]) if len(words) > 3 else None)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
