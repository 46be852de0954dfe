"""What each command does to a trainer, told in one line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from backprop_core import commands as c
from backprop_core.data_changes import set_data, set_features
from backprop_core.depth import add_layer, remove_layer
from backprop_core.errors import UserError
from backprop_core.experiment import Mistakes
from backprop_core.experiment_file import resolve
from backprop_core.files import write_arrays
from backprop_core.grammar import format_command, parse_commands
from backprop_core.reinitialization import initialize_anew, reinitialize_dead, roll_back
from backprop_core.reparameterization import add_biases, standardize
from backprop_core.snapshot import Mark
from backprop_core.training_state import capture, restore
from backprop_core.training_step import new_optimizer_state
from backprop_core.widths import narrow, widen
from backprop_core.wording import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from backprop_core.experiment import Choice
    from backprop_core.trainer import Trainer

UNDO_BYTES = 256 * 1024 * 1024
"""States kept for undo may hold so much together; the oldest go first, the last one always stays."""

UNDO_STATES = 100

LOSS_JUMP = 1.1
"""A loss that an intervention raises by more than this factor is warned of."""


def carry_out(trainer: Trainer, command: c.Command) -> c.Outcome:
    """Carry out any command on a trainer; interventions are journalled, marked and can be undone."""
    if isinstance(command, (c.Run, c.Step)):
        return _train(trainer, command)
    if isinstance(command, c.Expect):
        return _expect(trainer, command)
    if isinstance(command, c.TakeSnapshot):
        return c.Outcome(trainer.step_count, "snapshot", "snapshot taken")
    if isinstance(command, c.Save):
        return _save(trainer, command)
    if isinstance(command, c.Export):
        return _export(trainer, command)
    if isinstance(command, c.SaveCheckpoint):
        return save_checkpoint(trainer, command)
    if isinstance(command, c.Undo):
        return _undo(trainer, command)
    if isinstance(command, c.Diagnose):
        return _diagnose(trainer)
    if isinstance(command, c.Treat):
        return _treat(trainer, command)
    return _intervene(trainer, command)


def _train(trainer: Trainer, command: c.Run | c.Step) -> c.Outcome:
    before, step = trainer.census().loss, trainer.step_count
    reason = ""
    if isinstance(command, c.Step):
        trainer.step(command.batches)
        reason = trainer.ended or ""
    else:
        reason = trainer.run(command)
    return training_outcome(trainer, command, before, step, reason)


def training_outcome(
    trainer: Trainer, command: c.Run | c.Step, loss_before: float, step_before: int, reason: str
) -> c.Outcome:
    """Return what training from a step and loss up to here has done; ``reason`` may be empty."""
    after = trainer.census().loss
    text = f"{plural(trainer.step_count - step_before, 'step')} taken, loss {loss_before:.6g} → {after:.6g}"
    return c.Outcome(
        trainer.step_count,
        format_command(command),
        f"{text} ({reason})" if reason else text,
        loss_before,
        after,
    )


def _expect(trainer: Trainer, command: c.Expect) -> c.Outcome:
    passed, value = trainer.holds(command.condition)
    condition = format_command(command).removeprefix("expect ")
    verdict = "as expected" if passed else "not as expected"
    return c.Outcome(
        trainer.step_count,
        format_command(command),
        f"{verdict}: {condition}, measured {value:.9g}",
        passed=passed,
        value=value,
    )


def _save(trainer: Trainer, command: c.Save) -> c.Outcome:
    arrays = {name: array.astype(np.float64) for name, array in trainer.network.named().items()}
    write_arrays(Path(command.path), arrays)
    what = f"{plural(trainer.network.parameters.size, 'parameter')} written to {command.path}"
    return c.Outcome(trainer.step_count, format_command(command), what)


def _export(trainer: Trainer, command: c.Export) -> c.Outcome:
    from backprop_core.export import EXPORTS

    written = EXPORTS[command.what](trainer, Path(command.path))
    return c.Outcome(trainer.step_count, format_command(command), written)


def save_checkpoint(trainer: Trainer, command: c.SaveCheckpoint, *, paused: bool = False) -> c.Outcome:
    """Write a checkpoint that says whether training was paused."""
    from backprop_core.checkpoint import write_checkpoint

    with np.errstate(all="ignore"):
        write_checkpoint(trainer, Path(command.path), paused=paused)
    what = f"checkpoint written to {command.path}"
    return c.Outcome(trainer.step_count, format_command(command), what)


def _undo(trainer: Trainer, command: c.Undo) -> c.Outcome:
    if command.divergence or (trainer.ended and not trainer.undo_stack):
        return _undo_divergence(trainer, command)
    if not trainer.undo_stack:
        raise UserError("nothing to undo: no intervention yet")
    before = trainer.census()
    _note_training(trainer)
    undone, state = trainer.undo_stack.pop()
    restore(trainer, state)
    # A treatment is taken back as one; to a script it is the commands that it was made of.
    for _ in parse_commands(undone):
        trainer.record.note(command, trainer.place)
    return _outcome(trainer, command, before, f"'{undone}' taken back, at step {trainer.step_count} again")


def _undo_divergence(trainer: Trainer, command: c.Undo) -> c.Outcome:
    if not trainer.ended:
        raise UserError("no divergence to undo: the loss is finite")
    divergence = trainer.located_divergence()
    if divergence is None or divergence.before is None:
        raise UserError("no state from before the divergence was kept; restart")
    before = trainer.census()
    _note_training(trainer)
    restore(trainer, divergence.before)
    trainer.record.note(command, trainer.place)
    result = f"the divergence taken back, at step {trainer.step_count} again; with other settings it may be averted"
    return _outcome(trainer, command, before, result)


def _intervene(trainer: Trainer, command: c.Command) -> c.Outcome:
    before = trainer.census()
    _note_training(trainer)
    trainer.located_divergence()
    state = capture(trainer)
    try:
        result = _INTERVENTIONS[type(command)](trainer, command)
    except UserError:
        restore(trainer, state)
        raise
    if result is None:
        return c.Outcome(trainer.step_count, format_command(command), "no dead neurons: nothing to do")
    text = format_command(command)
    trainer.undo_stack.append((text, state))
    _forget_oldest(trainer)
    if not isinstance(command, _KEEPS_FUNCTION_AND_SHAPE):
        trainer.keeper.reset()
    trainer.interventions.append(Mark(trainer.step_count, text))
    trainer.record.note(command, trainer.place)
    return _outcome(trainer, command, before, result, intervention=True)


def _note_training(trainer: Trainer) -> None:
    trainer.record.note_training(trainer.place)
    if trainer.ended:
        # The step that could not be taken: who replays the journal has to meet the divergence too.
        trainer.record.note(c.Step(), trainer.place)


def _diagnose(trainer: Trainer) -> c.Outcome:
    from backprop_core.diagnosis import diagnose
    from backprop_core.diagnosis.text import headline

    found = diagnose(trainer)
    return c.Outcome(trainer.step_count, "diagnose", headline(found), found.loss)


def _treat(trainer: Trainer, command: c.Treat) -> c.Outcome:
    from backprop_core.diagnosis import treat

    before = trainer.census()
    outcomes = treat(trainer, command.cure)
    if not outcomes:
        return c.Outcome(trainer.step_count, format_command(command), "no cure is confirmed: nothing to do")
    done = "; ".join(outcome.command for outcome in outcomes)
    return _outcome(trainer, command, before, done, intervention=True)


def carry_out_as_one(trainer: Trainer, commands: Sequence[c.Command]) -> tuple[c.Outcome, ...]:
    """Carry out interventions that are taken back together; a UserError takes back those before it."""
    kept = len(trainer.undo_stack)
    outcomes: list[c.Outcome] = []
    try:
        for command in commands:
            outcomes.append(carry_out(trainer, command))
    except UserError:
        while len(trainer.undo_stack) > kept:
            _undo(trainer, c.Undo())
        raise
    done = trainer.undo_stack[kept:]
    if len(done) > 1:
        trainer.undo_stack[kept:] = [("; ".join(text for text, _ in done), done[0][1])]
    return tuple(outcomes)


def _forget_oldest(trainer: Trainer) -> None:
    stack = trainer.undo_stack
    while len(stack) > UNDO_STATES or (len(stack) > 1 and _bytes_held(trainer) > UNDO_BYTES):
        del stack[0]


def _bytes_held(trainer: Trainer) -> int:
    """Return how much memory undo costs: the states, and data that are no longer trained on."""
    states = [state for _, state in trainer.undo_stack]
    datasets = {state.dataset for state in states} - {trainer.dataset}
    return sum(state.size for state in states) + sum(dataset.size for dataset in datasets)


def _outcome(
    trainer: Trainer, command: c.Command, before: Any, result: str, *, intervention: bool = False
) -> c.Outcome:
    after = trainer.census()
    dead = f"dead {before.dead_count} → {after.dead_count}"
    line = f"{result} · {dead} · loss {before.loss:.6g} → {after.loss:.6g}"
    warning = None
    risen = after.loss > LOSS_JUMP * before.loss and not _begins_anew(command)
    if risen or not np.isfinite(after.loss):
        warning = f"the loss rose from {before.loss:.6g} to {after.loss:.6g}; undo takes it back"
    return c.Outcome(
        trainer.step_count,
        format_command(command),
        line,
        before.loss,
        after.loss,
        before.dead_count,
        after.dead_count,
        intervention,
        warning if intervention else None,
    )


def _begins_anew(command: c.Command) -> bool:
    """Tell whether the loss after a command is another network's, or another problem's, and is not compared."""
    return isinstance(command, c.Restart) or (isinstance(command, c.SetData) and command.option == "data")


def _reinit(trainer: Trainer, command: c.ReinitDead) -> str | None:
    recycled = reinitialize_dead(trainer, command.layer, command.neuron)
    if not recycled:
        return None
    names = ", ".join(f"{layer}.{neuron}" for layer, neuron in recycled[:8])
    more = f" and {len(recycled) - 8} more" if len(recycled) > 8 else ""
    outputs = any(layer == len(trainer.network.layers) for layer, _ in recycled)
    note = "; an output was dead, so the function changed" if outputs else ""
    return f"reinitialised {plural(len(recycled), 'neuron')} ({names}{more}){note}"


def _set_activation(trainer: Trainer, command: c.SetActivation) -> str:
    choice = command.activation
    network = trainer.experiment.network
    hidden, output = list(network.activation), network.output
    if command.where == "output":
        output = choice
    else:
        for number in _layer_numbers(command.where, len(hidden) + 1):
            if number > len(hidden):
                output = choice
            else:
                hidden[number - 1] = choice
    _change(trainer, replace(network, activation=tuple(hidden), output=output))
    return f"{_layers_phrase(command.where)} now {choice.name}"


def _layer_numbers(where: str, layers: int) -> list[int]:
    if where == "hidden":
        return list(range(1, layers))
    numbers = [int(word) for word in where.split(",")]
    for number in numbers:
        if not 1 <= number <= layers:
            raise UserError(f"there is no layer {number}; the network has layers 1 to {layers}")
    return numbers


def _layers_phrase(where: str) -> str:
    return f"{where} layer" if where in ("hidden", "output") else f"layer {where}"


def _change(trainer: Trainer, network: Any) -> None:
    """Give the trainer's network other activations, its parameters and moments unchanged."""
    trainer.experiment = resolve(replace(trainer.experiment, network=network))
    kept = capture(trainer)
    restore(trainer, kept)


def _set_option(trainer: Trainer, command: c.SetOption) -> str:
    field = command.option.replace("-", "_")
    training = trainer.experiment.training
    old = getattr(training, field)
    value: Any = command.value
    if field == "batch_size" and value == "full":
        value = None
    trainer.experiment = resolve(replace(trainer.experiment, training=replace(training, **{field: value})))
    if field == "optimizer":
        trainer.optimizer = new_optimizer_state(trainer.experiment, trainer.network)
    trainer.rebuild()
    return f"{command.option} {_show(old)} → {_show(getattr(trainer.experiment.training, field))}"


def _show(value: float | int | str | Choice | None) -> str:
    if value is None:
        return "full"
    if isinstance(value, (int, float)):
        return f"{value:.6g}"
    return value if isinstance(value, str) else value.name


def _standardize(trainer: Trainer, command: c.Standardize) -> str:
    return standardize(trainer)


def _add_bias(trainer: Trainer, command: c.AddBias) -> str:
    if trainer.network.bias:
        raise UserError("the network has biases already")
    add_biases(trainer)
    return f"added {plural(sum(layer.units for layer in trainer.network.layers), 'bias', 'biases')}, all zero"


def _true_gradient(trainer: Trainer, command: c.TrueGradient) -> str:
    missing = trainer.experiment.mistakes.missing_derivative
    if not missing:
        raise UserError("the gradient leaves nothing out: there is no mistake to take back")
    trainer.experiment = replace(trainer.experiment, mistakes=Mistakes())
    trainer.rebuild()
    return f"derivative of the {' and '.join(missing)} activations put back into the gradient"


def _initialize(trainer: Trainer, command: c.Initialize) -> str:
    chosen = initialize_anew(trainer, command.initializer)
    return f"all weights drawn anew, {chosen.name}; biases zero"


def _rollback(trainer: Trainer, command: c.Rollback) -> str:
    return roll_back(trainer, command.measured)


def _restart(trainer: Trainer, command: c.Restart) -> str:
    seed = trainer.experiment.seed if command.seed is None else command.seed
    trainer.open(replace(trainer.experiment, seed=seed))
    return f"restarted with seed {seed}, settings as they are"


_KEEPS_FUNCTION_AND_SHAPE = (c.SetOption, c.TrueGradient, c.Rollback)
"""After these, parameters from before are still worth going back to."""

_INTERVENTIONS: dict[type, Callable[..., str | None]] = {
    c.ReinitDead: _reinit,
    c.SetActivation: _set_activation,
    c.SetOption: _set_option,
    c.SetData: set_data,
    c.SetFeatures: set_features,
    c.Standardize: _standardize,
    c.AddBias: _add_bias,
    c.TrueGradient: _true_gradient,
    c.Initialize: _initialize,
    c.Widen: widen,
    c.Narrow: narrow,
    c.AddLayer: add_layer,
    c.RemoveLayer: remove_layer,
    c.Rollback: _rollback,
    c.Restart: _restart,
}
