"""The grammar of commands: one line to a command and back, and what the prompt can complete."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from backprop_core import commands as c
from backprop_core.activations import ACTIVATIONS
from backprop_core.errors import UserError, nearest
from backprop_core.experiment import Choice
from backprop_core.frozen import dataclass
from backprop_core.initializers import INITIALIZERS
from backprop_core.optimizers import OPTIMIZERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

QUANTITIES = ("loss", "validation_loss", "dead", "epoch", "step", "gradient_norm", "learning_rate")
COMPARISONS = ("<=", ">=", "==", "!=", "<", ">")
OPTIONS = ("learning-rate", "batch-size", "weight-decay", "gradient-clip", "reduction", "optimizer")

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


def _number(word: str, what: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise UserError(f"'{word}' is not a number; {what}") from None


def _count(word: str, what: str) -> int:
    if not (word.isascii() and word.isdecimal()) or len(word) > 18 or int(word) < 1:
        raise UserError(f"'{word}' is not a whole number from 1 on; {what}")
    return int(word)


def parse_condition(text: str) -> c.Condition:
    """Return the condition that ``text`` states, e.g. ``loss < 0.05``."""
    match = _CONDITION.match(text)
    if match is None:
        raise UserError(f"'{text.strip()}' is not a condition; one looks like 'loss < 0.05'")
    quantity, comparison, number = match.groups()
    if quantity not in QUANTITIES:
        raise UserError(f"nothing called '{quantity}' is measured{nearest(quantity, QUANTITIES)}")
    return c.Condition(quantity, comparison, _number(number, "a condition ends with one"))


def format_condition(condition: c.Condition) -> str:
    """Return the condition's text."""
    return f"{condition.quantity} {condition.comparison} {_plain(condition.value)}"


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
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.strip().startswith("#"):
            continue
        try:
            commands += [(number, command) for command in parse_commands(line)]
        except UserError as error:
            raise UserError(f"{name}, line {number}: {error}") from None
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
    until, count, unit = match.groups()
    if until is not None and count is None and re.search(r"\bor\b", until):
        raise UserError(f"'run {text}' is not understood; {_usage('run')}")
    number = None if count is None else _count(count, _usage("run"))
    return c.Run(
        epochs=number if unit and unit.startswith("epoch") else None,
        steps=number if unit and unit.startswith("step") else None,
        until=None if until is None else parse_condition(until),
    )


def _step(words: Sequence[str]) -> c.Step:
    _at_most(words, 1, "step")
    return c.Step(_count(words[0], _usage("step"))) if words else c.Step()


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
        defaults[option] = _number(words[2], f"it is the {option} of {name}")
    return c.SetActivation(where, Choice(name, tuple(defaults.items())))


def _set(words: Sequence[str]) -> c.SetOption:
    if len(words) < 2:
        raise UserError(_usage("set"))
    option, value, rest = words[0], words[1], words[2:]
    if option not in OPTIONS:
        raise UserError(f"unknown option '{option}'{nearest(option, OPTIONS)}")
    if option == "optimizer":
        return c.SetOption(option, _entry(OPTIMIZERS, "optimizer", value, rest))
    if rest:
        raise UserError(_usage("set"))
    if option == "reduction":
        if value not in ("mean", "sum"):
            raise UserError(f"unknown reduction '{value}'; known: mean, sum")
        return c.SetOption(option, value)
    if option == "batch-size":
        return c.SetOption(option, None if value == "full" else _count(value, "or say full"))
    return c.SetOption(option, _number(value, f"{option} is one"))


def _entry(catalogue: Mapping[str, Any], kind: str, name: str, settings: Sequence[str]) -> Choice:
    if name not in catalogue:
        raise UserError(f"unknown {kind} '{name}'{nearest(name, catalogue)}")
    options = dict(catalogue[name].defaults)
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or key not in options:
            raise UserError(f"'{setting}' is no setting of {name}{nearest(key, options)}")
        options[key] = _number(value, f"{key} is one")
    return Choice(name, tuple(options.items()))


def _initialize(words: Sequence[str]) -> c.Initialize:
    return c.Initialize(_entry(INITIALIZERS, "initializer", words[0], words[1:]) if words else None)


def _widen(words: Sequence[str]) -> c.Widen:
    if not 1 <= len(words) <= 2:
        raise UserError(_usage("widen"))
    *layer, units = (_count(word, _usage("widen")) for word in words)
    return c.Widen(units, layer[0] if layer else None)


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
    "set": _set,
    "standardize": _bare(c.Standardize, "standardize"),
    "add-bias": _bare(c.AddBias, "add-bias"),
    "true-gradient": _bare(c.TrueGradient, "true-gradient"),
    "initialize": _initialize,
    "widen": _widen,
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


_BARE = {
    c.Standardize: "standardize",
    c.AddBias: "add-bias",
    c.TrueGradient: "true-gradient",
    c.Diagnose: "diagnose",
    c.TakeSnapshot: "snapshot",
}


def _plain(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def format_command(command: c.Command) -> str:
    """Return the command's line; :func:`parse_command` reads it back."""
    import shlex

    match command:
        case c.Run(epochs=epochs, steps=steps, until=until):
            ends = [] if until is None else [f"until {format_condition(until)}"]
            if epochs is not None:
                ends.append(f"{epochs} epoch{'' if epochs == 1 else 's'}")
            if steps is not None:
                ends.append(f"{steps} step{'' if steps == 1 else 's'}")
            return " ".join(["run", *([" or ".join(ends)] if ends else [])])
        case c.Step(batches=batches):
            return f"step {batches}"
        case c.Expect(condition=condition):
            return f"expect {format_condition(condition)}"
        case c.ReinitDead(layer=None):
            return "reinit-dead"
        case c.ReinitDead(layer=layer, neuron=neuron):
            return f"reinit-dead {layer}.{neuron}"
        case c.SetActivation(where=where, activation=activation):
            option = f" {_plain(activation.options[0][1])}" if activation.options else ""
            return f"activation {where} {activation.name}{option}"
        case c.SetOption(option=option, value=value):
            return f"set {option} {_option_value(value)}"
        case c.Initialize(initializer=initializer):
            return "initialize" if initializer is None else f"initialize {_option_value(initializer)}"
        case c.Widen(units=units, layer=layer):
            return f"widen {units}" if layer is None else f"widen {layer} {units}"
        case c.Rollback(measured=measured):
            return "rollback validation" if measured == "validation" else "rollback"
        case c.Treat(cure=cure):
            return "treat" if cure is None else f"treat {cure}"
        case c.Restart(seed=seed):
            return "restart" if seed is None else f"restart seed {seed}"
        case c.Undo(divergence=divergence):
            return "undo divergence" if divergence else "undo"
        case c.Save(path=path):
            return f"save {shlex.quote(path)}"
        case c.SaveCheckpoint(path=path):
            return f"checkpoint {shlex.quote(path)}"
        case c.Export(what=what, path=path):
            return f"export {what} {shlex.quote(path)}"
    return _BARE[type(command)]


def _option_value(value: float | int | str | Choice | None) -> str:
    if value is None:
        return "full"
    if isinstance(value, Choice):
        return " ".join([value.name, *(f"{key}={_plain(number)}" for key, number in value.options)])
    return value if isinstance(value, str) else _plain(value)


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
        words = OPTIONS if len(before) == 1 else _set_words(before[1]) if len(before) == 2 else ()
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


def _set_words(option: str) -> Sequence[str]:
    return {"reduction": ("mean", "sum"), "optimizer": tuple(OPTIMIZERS), "batch-size": ("full",)}.get(
        option, ()
    )
