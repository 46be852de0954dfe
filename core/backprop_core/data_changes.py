"""Other data under a network that trains: their noise and number, the part held out, their features, another set."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from backprop_core.builtin_data import BUILTIN
from backprop_core.datasets import SOURCES, Standardizer, load_dataset, split_again
from backprop_core.errors import UserError, nearest
from backprop_core.experiment import Choice, DataSpec
from backprop_core.experiment_file import resolve
from backprop_core.features import INPUTS, feature_count, features_of
from backprop_core.files import shown
from backprop_core.losses import LOSSES
from backprop_core.network import draw_weights
from backprop_core.network_size import must_fit
from backprop_core.reshaping import carry_over, reshape
from backprop_core.wording import plural

if TYPE_CHECKING:
    from typing import Any

    from backprop_core.builtin_data import Builtin
    from backprop_core.commands import SetData, SetFeatures
    from backprop_core.datasets import Dataset
    from backprop_core.experiment import Experiment
    from backprop_core.trainer import Trainer

    Array = np.ndarray[Any, np.dtype[np.floating[Any]]]


def set_data(trainer: Trainer, command: SetData) -> str:
    """Change the data under the network. They are those that the experiment, as it then is, begins with.

    Noise, number and split leave the network as it is, and the scale of standardised data: the function
    stays. Where the number of samples changes, a new epoch begins.
    """
    if command.option == "data":
        return _another_set(trainer, str(command.value))
    data = trainer.experiment.data
    old = getattr(data, command.option)
    if command.option == "validation":
        experiment = resolve(replace(trainer.experiment, data=replace(data, validation=float(command.value))))
        _hold_out(trainer, experiment)
    else:
        record = BUILTIN.get(data.builtin or "")
        if record is None:
            source = next(name for name in SOURCES if getattr(data, name) is not None)
            raise UserError(
                f"{command.option} belongs to built-in data, and these are from a {source}; "
                f"`set data NAME` takes one of {', '.join(BUILTIN)}"
            )
        old = record.options.get(command.option) if old is None else old
        change: dict[str, Any] = {command.option: command.value}
        experiment = resolve(replace(trainer.experiment, data=replace(data, **change)))
        _take(trainer, experiment)
    new = getattr(trainer.experiment.data, command.option)
    return f"{command.option} {old:g} → {new:g}; {_counted(trainer)}"


def _counted(trainer: Trainer) -> str:
    held = len(trainer.dataset.x_validation)
    samples = plural(len(trainer.dataset.x), "sample")
    return f"trained on {samples}" + (f", {held} held out" if held else "")


def _take(trainer: Trainer, experiment: Experiment) -> None:
    """Train on an experiment's data, by the network as it is."""
    dataset = _loaded(experiment)
    sizes = (trainer.network.sizes[0], *experiment.network.hidden, trainer.network.sizes[-1])
    must_fit(experiment, sizes, len(dataset.x))
    features_of(experiment.data, dataset)
    trainer.experiment = experiment
    trainer.take_dataset(dataset)
    trainer.rebuild()


def _loaded(experiment: Experiment) -> Dataset:
    rng = np.random.default_rng(experiment.seed)
    return load_dataset(experiment.data, experiment.training.loss.name, rng, experiment.folder)


def _hold_out(trainer: Trainer, experiment: Experiment) -> None:
    data, dataset = experiment.data, trainer.dataset
    if not trainer.experiment.data.validation and len(dataset.x_validation):
        raise UserError("these data bring validation samples of their own; none can be chosen besides")
    series = data.series is not None or (data.builtin in BUILTIN and BUILTIN[data.builtin].kind == "series")
    rng = np.random.default_rng(experiment.seed)
    trainer.experiment = experiment
    trainer.take_dataset(split_again(dataset, data.validation, rng, series=series))
    trainer.rebuild()


def _another_set(trainer: Trainer, name: str) -> str:
    """Train on another built-in data set.

    Seed, split and scaling stay; number, noise, window and features do where the set takes them. Layers stay
    but for the first and the last where the set has another number of inputs or outputs: they are drawn
    anew. A loss that does not suit the set gives way to one that does, and with it the output's activation.
    """
    if name not in BUILTIN:
        raise UserError(
            f"no built-in data set '{shown(name)}'{nearest(name, BUILTIN)}; known: {', '.join(BUILTIN)}"
        )
    record, old = BUILTIN[name], trainer.experiment
    kept = {
        option: getattr(old.data, option)
        for option in ("samples", "noise", "window")
        if option in record.options
    }
    features = old.data.features if len(record.features) == len(INPUTS) else ()
    data = DataSpec(
        builtin=name,
        seed=old.data.seed,
        validation=old.data.validation,
        standardize=old.data.standardize,
        features=features,
        **kept,
    )
    loss, output = _suited(old, record, was_classes=trainer.dataset.kind == "classification")
    experiment = resolve(
        replace(
            old,
            data=data,
            network=replace(old.network, output=output),
            training=replace(old.training, loss=loss),
        )
    )
    dataset = _loaded(experiment)
    features_of(data, dataset)
    inputs, outputs = feature_count(data, dataset), dataset.y.shape[1]
    must_fit(experiment, (inputs, *experiment.network.hidden, outputs), len(dataset.x))
    trainer.experiment = experiment
    trainer.take_dataset(dataset)
    drawn = _fit_network(trainer, inputs, outputs)
    trainer.fit_standardizers()
    trainer.rebuild()
    said = [f"data {old.data.builtin or 'of your own'} → {name}; {_counted(trainer)}"]
    if loss.name != old.training.loss.name:
        said.append(
            f"loss {old.training.loss.name} → {loss.name}, output {old.network.output.name} → {output.name}"
        )
    if features != old.data.features:
        said.append("features left out: they are made of two inputs")
    if drawn:
        said.append(f"drawn anew: layer{'s' * (len(drawn) > 1)} {', '.join(map(str, drawn))}")
    return "; ".join(said)


def _suited(old: Experiment, record: Builtin, *, was_classes: bool) -> tuple[Choice, Choice]:
    """Return the loss and the output's activation for a data set: those that there are, if they suit it."""
    loss, several = old.training.loss, len(record.targets) > 1
    if record.kind == "classification":
        suits = was_classes and not (several and loss.name == "binary-cross-entropy")
        other = "cross-entropy" if several else "binary-cross-entropy"
    else:
        suits = not (was_classes or LOSSES[loss.name].classification)
        other = "quadratic"
    return (loss, old.network.output) if suits else (Choice(other), Choice(LOSSES[other].output))


def _fit_network(trainer: Trainer, inputs: int, outputs: int) -> list[int]:
    """Make the network that the experiment now describes; return which layers are drawn anew."""
    old, old_optimizer = reshape(trainer, trainer.experiment.network, inputs=inputs, outputs=outputs)
    initializer, drawn = trainer.experiment.network.initializer, []
    for before, after in zip(old.layers, trainer.network.layers, strict=True):
        if before.augmented.shape == after.augmented.shape:
            carry_over(before, after, old_optimizer, trainer.optimizer)
        else:
            shape = after.weights.shape
            after.weights[:] = draw_weights(initializer, trainer.rng, after.fan_in, after.units, shape)
            drawn.append(after.number)
    return drawn


def set_features(trainer: Trainer, command: SetFeatures) -> str:
    """Give the network other features of two inputs.

    The weights and moments of features that stay are kept, and so is their scale where data are
    standardised; those of new ones are zero, so that the function stays. What is taken away is replaced by
    its mean over the training samples, which goes into the first layer's biases.
    """
    data = trainer.experiment.data
    before, after = data.features or INPUTS[: trainer.dataset.x.shape[1]], command.features
    experiment = resolve(replace(trainer.experiment, data=replace(data, features=after)))
    columns = features_of(experiment.data, trainer.dataset)
    if before == after:
        raise UserError(f"the features are {', '.join(after)} already")
    mean = trainer.scaled(trainer.dataset.x).mean(axis=0)
    gone = [index for index, name in enumerate(before) if name not in after]
    stays = [(before.index(name), index) for index, name in enumerate(after) if name in before]
    trainer.experiment = experiment
    if trainer.x_standardizer is not None:
        had, has = trainer.x_standardizer, Standardizer.fit(columns)
        for source, target in stays:
            has.mean[target], has.scale[target] = had.mean[source], had.scale[source]
        trainer.x_standardizer = has
    old, old_optimizer = reshape(trainer, experiment.network, inputs=len(after))

    def move(part: Array) -> Array:
        moved = np.zeros((len(after) + old.bias, part.shape[1]), part.dtype)
        for source, target in stays:
            moved[target] = part[source]
        if old.bias:
            moved[-1] = part[-1]
        return moved

    first = trainer.network.layers[0]
    carry_over(old.layers[0], first, old_optimizer, trainer.optimizer, move)
    for left, kept in zip(old.layers[1:], trainer.network.layers[1:], strict=True):
        carry_over(left, kept, old_optimizer, trainer.optimizer)
    if first.bias is not None:
        first.bias[:] += (mean[gone] @ old.layers[0].weights[gone]).astype(first.bias.dtype)
    trainer.rebuild()
    new = len(after) - len(stays)
    kept_phrase = "new ones with zero weights" if new else "none of them new"
    folded = "; the means of those left out are in the biases" if gone and first.bias is not None else ""
    return f"features {', '.join(before)} → {', '.join(after)}, {kept_phrase}{folded}"
