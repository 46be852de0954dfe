"""The grammar of commands: one line to a command and back, and what the prompt can complete."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from backprop_core import commands as c
from backprop_core.activations import ACTIVATIONS
from backprop_core.command_text import format_command as format_command
from backprop_core.command_text import format_condition as format_condition
from backprop_core.command_words import count, entry, number
from backprop_core.errors import UserError, nearest
from backprop_core.experiment import Choice
from backprop_core.frozen import dataclass
from backprop_core.initializers import INITIALIZERS
from backprop_core.settings_grammar import OPTIONS, parse_set, value_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

QUANTITIES = ("loss", "validation_loss", "dead", "epoch", "step", "gradient_norm", "learning_rate")
COMPARISONS = ("<=", ">=", "==", "!=", "<", ">")

EXPORTED = ("curve", "torch")

_CONDITION = re.compile(r"^\s*([A-Za-z_]+)\s*(<=|>=|==|!=|<|>)\s*(\S+)\s*$")


@dataclass(frozen=True)
class CommandHelp:
    """A command for people: its first word, its usage, and what it does."""

    name: str
    usage: str
    summary: str


COMMANDS = (
    CommandHelp(
        "run",
        "run 500 epochs | run until loss < 0.05 or 10000 epochs",
        "train; alone: to the experiment's end",
    ),
    CommandHelp("step", "step [3]", "train so many batches"),
    CommandHelp("expect", "expect loss < 0.4", f"check a condition on {', '.join(QUANTITIES)}"),
    CommandHelp("reinit-dead", "reinit-dead [LAYER.NEURON]", "reinitialise every dead neuron, or one"),
    CommandHelp("activation", "activation hidden|output|2 NAME [OPTION]", "change the activation of layers"),
    CommandHelp("set", "set OPTION VALUE", f"change one of {', '.join(OPTIONS)}"),
    CommandHelp("standardize", "standardize", "zero mean, unit variance; folded into the weights"),
    CommandHelp("add-bias", "add-bias", "give a network without biases biases of zero"),
    CommandHelp(
        "true-gradient", "true-gradient", "put back what deliberate mistakes leave out of the gradient"
    ),
    CommandHelp(
        "initialize", "initialize [NAME [OPTION=VALUE]…]", "draw all weights anew, biases zero; train on"
    ),
    CommandHelp("widen", "widen [LAYER] UNITS", "add hidden units, their outgoing weights zero"),
    CommandHelp("narrow", "narrow [LAYER] UNITS", "take hidden units away: dead ones, then the least felt"),
    CommandHelp(
        "add-layer", "add-layer [LAYER [UNITS]]", "put in a hidden layer; the function stays, or nearly"
    ),
    CommandHelp(
        "remove-layer", "remove-layer [LAYER]", "take out a hidden layer; the next one is fitted to that"
    ),
    CommandHelp("rollback", "rollback [validation]", "go back to the parameters of the lowest loss so far"),
    CommandHelp("diagnose", "diagnose", "say why the network does or does not learn"),
    CommandHelp("treat", "treat [CURE]", "apply the cure that the diagnosis recommends, or the one named"),
    CommandHelp("restart", "restart [seed 7]", "from the beginning, settings as they are now"),
    CommandHelp("undo", "undo [divergence]", "go back to before the last intervention, or the divergence"),
    CommandHelp("snapshot", "snapshot", "write a snapshot event"),
    CommandHelp("save", "save weights.npz", "write W1, b1, W2, … as float64"),
    CommandHelp("checkpoint", "checkpoint state.npz", "write all that is needed to go on"),
    CommandHelp(
        "export",
        "export curve loss.csv | export torch net.npz",
        "write the loss curve, or a state_dict with the lines that load it",
    ),
)


def parse_condition(text: str) -> c.Condition:
    """Return the condition that ``text`` states, e.g. ``loss < 0.05``."""
    match = _CONDITION.match(text)
    if match is None:
        raise UserError(f"'{text.strip()}' is not a condition; one looks like 'loss < 0.05'")
    quantity, comparison, value = match.groups()
    if quantity not in QUANTITIES:
        raise UserError(f"nothing called '{quantity}' is measured{nearest(quantity, QUANTITIES)}")
    return c.Condition(quantity, comparison, number(value, "a condition ends with one"))


def parse_command(line: str) -> c.Command:
    """Return the command of one line; comments are cut off.

    Raises
    ------
    UserError
        If the line is no command; the text says what would be one.
    """
    import shlex

    lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = "#"
    try:
        words = list(lexer)
    except ValueError:
        raise UserError("a quotation mark is not closed") from None
    if not words:
        raise UserError("no command; 'run 100 epochs' is one")
    name, arguments = words[0], words[1:]
    if name not in _PARSERS:
        raise UserError(f"unknown command '{name}'{nearest(name, _PARSERS)}")
    return _PARSERS[name](arguments)


def parse_commands(line: str) -> tuple[c.Command, ...]:
    """Return the commands of one line, several with ``;`` between them, as a cure's are."""
    statements = _statements(line)
    if len(statements) > 1 and not statements[-1].strip():
        del statements[-1]
    return tuple(map(parse_command, statements))


def _statements(line: str) -> list[str]:
    """Cut a line at every ``;`` that is neither quoted nor in a comment."""
    parts, quote, begin, index = [], "", 0, 0
    while index < len(line):
        character = line[index]
        if character == "\\" and quote != "'":
            index += 1
        elif character == quote:
            quote = ""
        elif not quote and character in "'\"":
            quote = character
        elif not quote and character == "#":
            break
        elif not quote and character == ";":
            parts.append(line[begin:index])
            begin = index + 1
        index += 1
    return [*parts, line[begin:]]


def parse_script(text: str, name: str) -> tuple[tuple[int, c.Command], ...]:
    """Return the commands of a script with their line numbers; errors name script and line."""
    commands = []
    for place, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.strip().startswith("#"):
            continue
        try:
            commands += [(place, command) for command in parse_commands(line)]
        except UserError as error:
            raise UserError(f"{name}, line {place}: {error}") from None
    return tuple(commands)


def _usage(name: str) -> str:
    return next(f"usage: {command.usage}" for command in COMMANDS if command.name == name)


def _run(words: Sequence[str]) -> c.Run:
    text = " ".join(words)
    if not text:
        return c.Run()
    match = re.fullmatch(r"(?:until (.+?))?(?:(?:^| or )(\d+) (epochs?|steps?))?", text)
    if match is None or match.group(0) == "":
        raise UserError(f"'run {text}' is not understood; {_usage('run')}")
    until, digits, unit = match.groups()
    if until is not None and digits is None and re.search(r"\bor\b", until):
        raise UserError(f"'run {text}' is not understood; {_usage('run')}")
    most = None if digits is None else count(digits, _usage("run"))
    return c.Run(
        epochs=most if unit and unit.startswith("epoch") else None,
        steps=most if unit and unit.startswith("step") else None,
        until=None if until is None else parse_condition(until),
    )


def _step(words: Sequence[str]) -> c.Step:
    _at_most(words, 1, "step")
    return c.Step(count(words[0], _usage("step"))) if words else c.Step()


def _expect(words: Sequence[str]) -> c.Expect:
    if not words:
        raise UserError(_usage("expect"))
    return c.Expect(parse_condition(" ".join(words)))


def _reinit(words: Sequence[str]) -> c.ReinitDead:
    _at_most(words, 1, "reinit-dead")
    if not words:
        return c.ReinitDead()
    match = re.fullmatch(r"(\d{1,18})\.(\d{1,18})", words[0])
    if match is None:
        raise UserError(f"'{words[0]}' names no neuron; layer 1, neuron 3 is '1.3'")
    return c.ReinitDead(int(match.group(1)), int(match.group(2)))


def _activation(words: Sequence[str]) -> c.SetActivation:
    if not 2 <= len(words) <= 3:
        raise UserError(_usage("activation"))
    where, name = words[0], words[1]
    if where not in ("hidden", "output") and not re.fullmatch(r"[1-9]\d{0,3}(,[1-9]\d{0,3})*", where):
        raise UserError(f"'{where}' names no layer; say hidden, output, or a number such as 2")
    if name not in ACTIVATIONS:
        raise UserError(f"unknown activation '{name}'{nearest(name, ACTIVATIONS)}")
    defaults = dict(ACTIVATIONS[name].defaults)
    if len(words) == 3:
        if not defaults:
            raise UserError(f"the activation '{name}' takes no number")
        option = next(iter(defaults))
        defaults[option] = number(words[2], f"it is the {option} of {name}")
    return c.SetActivation(where, Choice(name, tuple(defaults.items())))


def _initialize(words: Sequence[str]) -> c.Initialize:
    return c.Initialize(entry(INITIALIZERS, "initializer", words[0], words[1:]) if words else None)


def _units(make: Callable[[int, int | None], c.Command], name: str) -> Callable[[Sequence[str]], c.Command]:
    """Return the parser of ``NAME [LAYER] UNITS``."""

    def parse(words: Sequence[str]) -> c.Command:
        if not 1 <= len(words) <= 2:
            raise UserError(_usage(name))
        *layer, units = (count(word, _usage(name)) for word in words)
        return make(units, layer[0] if layer else None)

    return parse


def _add_layer(words: Sequence[str]) -> c.AddLayer:
    _at_most(words, 2, "add-layer")
    return c.AddLayer(*(count(word, _usage("add-layer")) for word in words))


def _remove_layer(words: Sequence[str]) -> c.RemoveLayer:
    _at_most(words, 1, "remove-layer")
    return c.RemoveLayer(*(count(word, _usage("remove-layer")) for word in words))


def _rollback(words: Sequence[str]) -> c.Rollback:
    if list(words) not in ([], ["validation"]):
        raise UserError(_usage("rollback"))
    return c.Rollback("validation" if words else "training")


def _treat(words: Sequence[str]) -> c.Treat:
    _at_most(words, 1, "treat")
    return c.Treat(words[0] if words else None)


def _restart(words: Sequence[str]) -> c.Restart:
    if not words:
        return c.Restart()
    if len(words) != 2 or words[0] != "seed" or not words[1].isdecimal() or len(words[1]) > 18:
        raise UserError(_usage("restart"))
    return c.Restart(int(words[1]))


def _undo(words: Sequence[str]) -> c.Undo:
    if words not in ([], ["divergence"]):
        raise UserError(f"'undo {' '.join(words)}' is not understood; {_usage('undo')}")
    return c.Undo(divergence=bool(words))


def _path(make: Callable[[str], c.Command], name: str) -> Callable[[Sequence[str]], c.Command]:
    def parse(words: Sequence[str]) -> c.Command:
        if len(words) != 1:
            raise UserError(f"one file name is needed; {_usage(name)}")
        return make(words[0])

    return parse


def _export(words: Sequence[str]) -> c.Export:
    if len(words) != 2:
        raise UserError(_usage("export"))
    if words[0] not in EXPORTED:
        raise UserError(f"'{words[0]}' cannot be exported{nearest(words[0], EXPORTED)}")
    return c.Export(words[0], words[1])


def _bare(make: Callable[[], c.Command], name: str) -> Callable[[Sequence[str]], c.Command]:
    def parse(words: Sequence[str]) -> c.Command:
        _at_most(words, 0, name)
        return make()

    return parse


def _at_most(words: Sequence[str], count: int, name: str) -> None:
    if len(words) > count:
        raise UserError(f"'{words[count]}' is too much; {_usage(name)}")


_PARSERS: dict[str, Callable[[Sequence[str]], c.Command]] = {
    "run": _run,
    "step": _step,
    "expect": _expect,
    "reinit-dead": _reinit,
    "activation": _activation,
    "set": parse_set,
    "standardize": _bare(c.Standardize, "standardize"),
    "add-bias": _bare(c.AddBias, "add-bias"),
    "true-gradient": _bare(c.TrueGradient, "true-gradient"),
    "initialize": _initialize,
    "widen": _units(c.Widen, "widen"),
    "narrow": _units(c.Narrow, "narrow"),
    "add-layer": _add_layer,
    "remove-layer": _remove_layer,
    "rollback": _rollback,
    "diagnose": _bare(c.Diagnose, "diagnose"),
    "treat": _treat,
    "restart": _restart,
    "undo": _undo,
    "snapshot": _bare(c.TakeSnapshot, "snapshot"),
    "save": _path(c.Save, "save"),
    "checkpoint": _path(c.SaveCheckpoint, "checkpoint"),
    "export": _export,
}


def suggest(prefix: str) -> list[str]:
    """Return whole lines that complete ``prefix``, at most a dozen."""
    *before, last = prefix.split(" ")
    lead = " ".join(before) + " " if before else ""
    first = before[0] if before else ""
    words: Sequence[str] = ()
    if not before:
        words = tuple(_PARSERS)
    elif first == "activation":
        words = ("hidden", "output") if len(before) == 1 else tuple(ACTIVATIONS) if len(before) == 2 else ()
    elif first == "set":
        words = OPTIONS if len(before) == 1 else value_words(before[1]) if len(before) == 2 else ()
    elif first == "export" and len(before) == 1:
        words = EXPORTED
    elif first in ("restart", "undo") and len(before) == 1:
        words = ("seed",) if first == "restart" else ("divergence",)
    elif first == "initialize" and len(before) == 1:
        words = tuple(INITIALIZERS)
    elif first == "rollback" and len(before) == 1:
        words = ("validation",)
    elif first == "run" and len(before) == 1:
        words = ("until",)
    elif first == "expect" or before[-1] == "until":
        words = QUANTITIES if len(before) < 3 else ()
    return [lead + word for word in words if word.startswith(last) and word != last][:12]
