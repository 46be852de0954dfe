"""Scripts with a line that is no command."""

from __future__ import annotations

from tests.garbage.cases import Case

FILE = "heal.txt"


def script(name: str, content: str | bytes, *named: str, experiment: str = "xor") -> Case:
    raw = content if isinstance(content, bytes) else content.encode()
    return Case(f"script-{name}", [experiment, "--script", FILE], (FILE, *named), {FILE: raw})


def second(line: str, *named: str) -> Case:
    return script(line[:40], f"step 1\n{line}\n", "line 2", *named)


CASES = [
    script("binary", bytes(range(256)), "UTF-8"),
    script("utf-16", "step 1\n".encode("utf-16"), "UTF-8"),
    script("megabytes", "# " + "x" * 2_000_000, "bytes"),
    second("walk 3", "'walk'"),
    second("Step 3", "'Step'", "'step'"),
    second("step -1", "'-1'", "from 1 on"),
    second("step 0", "'0'"),
    second("step 1.5", "'1.5'"),
    second("step " + "9" * 30),
    second("step 3 4", "'4'"),
    second("step ٣", "'٣'"),
    second("run 5", "'run 5'", "usage"),
    second("run 5 minutes", "usage"),
    second("run until", "usage"),
    second("run until loss", "condition"),
    second("run until loss < 1 or", "usage"),
    second("run until loss < 1 or 0 epochs", "'0'"),
    second("expect", "usage"),
    second("expect los < 1", "'los'", "'loss'"),
    second("expect loss =< 1", "condition"),
    second("expect loss < 1 < 2"),
    second("expect loss < one", "'one'"),
    second("reinit-dead 1", "'1'", "1.3"),
    second("reinit-dead 9.9", "9.9"),
    second("reinit-dead 0.0", "0.0"),
    second("activation", "usage"),
    second("activation hidden", "usage"),
    second("activation hidden rleu", "'rleu'", "'relu'"),
    second("activation 9 relu", "layer 9"),
    second("activation middle relu", "'middle'"),
    second("activation hidden leaky-relu steep", "'steep'"),
    second("activation hidden leaky-relu -1", "slope"),
    second("activation hidden tanh 3", "no number"),
    second("set", "usage"),
    second("set learning-rate", "usage"),
    second("set learning-rate fast", "'fast'"),
    second("set learning-rate -1", "learning_rate"),
    second("set learning-rate nan", "learning_rate"),
    second("set learning_rate 1", "'learning_rate'", "'learning-rate'"),
    second("set batch-size 0", "'0'"),
    second("set optimizer adm", "'adm'", "'adam'"),
    second("set optimizer adam beta9=1", "'beta9=1'"),
    second("set optimizer adam beta1=2", "beta1"),
    second("set reduction max", "'max'"),
    second("set l1 -1", "l1"),
    second("set noise -1", "noise", "0 or more"),
    second("set noise nan", "noise", "finite"),
    second("set noise 1e300", "noise"),
    second("set samples 1", "samples"),
    second("set samples 9000000000", "samples", "1000000"),
    second("set validation 1", "validation", "under 1"),
    second("set data mons", "'mons'", "'moons'"),
    second("set data \x1b[2J", "\\x1b[2J"),
    second("set features", "usage"),
    second("set features x,z", "'z'"),
    second("set features x,y", "already"),
    script("features of three inputs", "set features x,y\n", "line 1", "two inputs", experiment="sequence"),
    script("noise that is not taken", "set noise 1\n", "line 1", "noise", "window", experiment="sequence"),
    second("narrow", "usage"),
    second("narrow 0", "'0'"),
    second("narrow 999", "one must stay"),
    second("narrow 9 1", "hidden layer 9"),
    second("add-layer 9", "not 9"),
    second("add-layer 1 " + "9" * 15, "too large"),
    second("remove-layer 9", "hidden layer 9"),
    second("restart seed", "usage"),
    second("restart seed -1", "usage"),
    second("undo", "nothing to undo"),
    second("undo everything", "usage"),
    second("undo divergence", "no divergence"),
    second("add-bias", "already"),
    second("save", "file name"),
    second("save a b", "file name"),
    second("checkpoint", "file name"),
    second('save "a', "quotation"),
    second("\x1b[2J", "\\x1b[2J"),
    second("[red]step[/] 1", "'[red]step[/]'"),
    second("\u202estep 1", "\\u202e"),
    second("step 1; rm -rf /", "unknown command 'rm'"),
    second("$(touch executed)", "'$(touch'"),
    second("import os", "'import'"),
]
