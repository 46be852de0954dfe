"""A command as the line that the grammar reads back as the same command."""

from __future__ import annotations

from backprop_core import commands as c
from backprop_core.experiment import Choice
from backprop_core.wording import plain_number

_BARE = {
    c.Standardize: "standardize",
    c.AddBias: "add-bias",
    c.TrueGradient: "true-gradient",
    c.Diagnose: "diagnose",
    c.TakeSnapshot: "snapshot",
}


def format_condition(condition: c.Condition) -> str:
    """Return the condition's text."""
    return f"{condition.quantity} {condition.comparison} {plain_number(condition.value)}"


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
            option = f" {plain_number(activation.options[0][1])}" if activation.options else ""
            return f"activation {where} {activation.name}{option}"
        case c.SetOption(option=option, value=value):
            return f"set {option} {_option_value(value)}"
        case c.SetData(option=option, value=value):
            return f"set {option} {_option_value(value)}"
        case c.SetFeatures(features=features):
            return f"set features {','.join(features)}"
        case c.Initialize(initializer=initializer):
            return "initialize" if initializer is None else f"initialize {_option_value(initializer)}"
        case c.Widen(units=units, layer=layer):
            return f"widen {units}" if layer is None else f"widen {layer} {units}"
        case c.Narrow(units=units, layer=layer):
            return f"narrow {units}" if layer is None else f"narrow {layer} {units}"
        case c.AddLayer(layer=layer, units=units):
            return " ".join(["add-layer", *(str(word) for word in (layer, units) if word is not None)])
        case c.RemoveLayer(layer=layer):
            return "remove-layer" if layer is None else f"remove-layer {layer}"
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
        return " ".join([value.name, *(f"{key}={plain_number(number)}" for key, number in value.options)])
    return value if isinstance(value, str) else plain_number(value)
