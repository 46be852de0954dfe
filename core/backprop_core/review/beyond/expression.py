"""A script's network as an experiment of the lab, where it can be expressed; compared with the script's own numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.activations import ACTIVATIONS
from backprop_core.errors import UserError
from backprop_core.experiment import Choice, DataSpec, Experiment, Mistakes, NetworkSpec, TrainingSpec
from backprop_core.review.beyond.first_updates import FirstUpdates
from backprop_core.review.beyond.samples import (
    MOST_NUMBERS,
    InexpressibleError,
    dataset_of,
    planned_epochs,
    samples_of,
)
from backprop_core.review.comparing.points import has_rate, loss_form, rate_of
from backprop_core.trainer import Trainer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backprop_core.datasets import Dataset
    from backprop_core.review.comparing.findings import Judgement
    from backprop_core.review.comparing.points import Network

    Array = NDArray[Any]
    Data = dict[str, Any]

CLOSE, COARSE = 1e-9, 1e-4
"""How closely outputs and loss have to agree, relative to their size; where the script is of single precision."""

SAME_WAY, COARSE_WAY = 1e-6, 1e-2
"""How closely weights have to agree after the first updates, relative to the way that they have gone."""

RESCALED_WAY = 1e-4
"""The same where gradients are divided by their size: the ε in that is not the same for another multiple of a loss."""

LOSSES_OF_FORMS = {
    "quadratic": "quadratic",
    "absolute": "mae",
    "binary-cross-entropy": "binary-cross-entropy",
    "cross-entropy": "cross-entropy",
}


@dataclass(frozen=True, eq=False)
class Expressed:
    """A script's network in the lab's terms.

    Attributes
    ----------
    experiment : Experiment
        With the script's start weights, rate, batch size, optimizer and epochs, and the gradient of its loss.
    dataset : Dataset
        The samples that it trains on.
    loss_factor, rate_factor : float
        The script's loss is so many times the lab's; the lab's learning rate so many times the script's.
    wrong : Experiment or None
        The same with the script's own wrong gradient, where the lab can make these mistakes.
    outputs, loss, weights : float or None
        How closely the outputs and the loss at the start, and the weights after the first updates, agree with the
        script's own; None where the script has nothing to compare with.
    """

    experiment: Experiment
    dataset: Dataset
    loss_factor: float
    rate_factor: float
    outputs: float
    loss: float | None
    weights: float | None
    wrong: Experiment | None = None

    def trainer(self, wrong: bool = False) -> Trainer:
        """Return a trainer at the script's start weights."""
        return Trainer(self.wrong if wrong and self.wrong else self.experiment, self.dataset)


@dataclass(frozen=True)
class _Loss:
    """The lab's loss; the script's is ``factor`` times it, over one batch ``batch_factor`` times."""

    name: str
    factor: float
    batch_factor: float


def express(messages: list[Data], judgement: Judgement, until: float | None = None) -> Expressed:
    """Return the network of a script, with the gradient of its loss, as an experiment.

    Parameters
    ----------
    messages : list of dict
        What the script's worker has seen of it.
    judgement : Judgement
        Of these messages.
    until : float, optional
        Below which loss the script ends its training.

    Raises
    ------
    InexpressibleError
    """
    network = judgement.network
    start = next(message for message in messages if message["kind"] == "start")
    first = start["captures"][0]
    x, y = samples_of(messages, start, first)
    spec, columns = _network(network, first)
    rows = len(first["layers"][0]["X"])
    loss = _loss(network, start, len(x), rows, y.shape[1])
    planned = planned_epochs(start, rows, len(x))
    experiment = Experiment(
        name="script",
        epochs=planned or 0,
        until=None if until is None else f"loss < {until / loss.factor!r}",
        data=DataSpec(npz="script"),
        network=spec,
        training=TrainingSpec(
            loss=Choice(loss.name), learning_rate=1.0, batch_size=None if rows >= len(x) else rows
        ),
    )
    close, same = (COARSE, COARSE_WAY) if network.coarse else (CLOSE, SAME_WAY)
    try:
        made = Expressed(
            experiment, dataset_of(x[:, columns], y, loss.name), loss.factor, 1.0, 0.0, None, None
        )
        outputs = _outputs_off(made, first, columns)
        if not outputs <= close:
            raise InexpressibleError("its forward pass is not that of the layers that were found")
        value = _loss_off(made, start, first)
        if value is not None and not value <= 100 * close:
            raise InexpressibleError(
                "its loss has a further term, or is over other samples than it trains on"
            )
        right, wrong, weights = _training(made, judgement, start, columns, loss, same)
    except UserError as error:
        raise InexpressibleError(str(error)) from None
    return replace(
        made, experiment=right, wrong=wrong, outputs=outputs, loss=value, weights=weights,
        rate_factor=right.training.learning_rate / rate_of(first),
    )  # fmt: skip


def _network(network: Network, first: Data) -> tuple[NetworkSpec, NDArray[np.bool_]]:
    """Return the network with its start weights, and which columns of the samples are not there for a bias."""
    layers = first["layers"]
    weights: dict[str, Array] = {}
    columns = np.ones(layers[0]["W"].shape[0], np.bool_)
    for index, layer in enumerate(layers):
        w, b = np.asarray(layer["W"], float), layer["b"]
        column = layer.get("bias_column") if index else _ones(layer["X"])
        if column is not None and b is None:
            b, w = w[column], np.delete(w, column, axis=0)
            if not index:
                columns[column] = False
        if b is not None and len(b) != w.shape[1]:
            raise InexpressibleError(f"the units of layer {index + 1} share one bias")
        if index and len(w) != layers[index - 1]["W"].shape[1]:
            raise InexpressibleError("its layers do not follow each other directly")
        weights[f"W{index + 1}"] = w
        if b is not None:
            weights[f"b{index + 1}"] = np.asarray(b, float)
    if sum(value.size for value in weights.values()) > MOST_NUMBERS:
        raise InexpressibleError("it has too many weights")
    choices = [_activation(network, index) for index in range(len(layers))]
    names = [f"b{number}" for number in range(1, len(layers) + 1)]
    biased = any(name in weights for name in names)
    spec = NetworkSpec(
        hidden=tuple(layer["W"].shape[1] for layer in layers[:-1]),
        activation=tuple(choices[:-1]),
        output=choices[-1],
        bias=biased,
        weights=tuple((name, _nested(value)) for name, value in weights.items()),
        freeze=tuple(name for name in names if biased and name not in weights),
    )
    return spec, columns


def _activation(network: Network, index: int) -> Choice:
    name, form = network.activations[index], network.forms[index]
    if name not in ACTIVATIONS:
        known = name != "unknown"
        raise InexpressibleError(
            f"the lab has no {name} activation"
            if known
            else f"the activation of layer {index + 1} is not known"
        )
    if name == "leaky-relu" and form is not None:
        return Choice(name, (("slope", float(form.derivative(np.array([-1.0]))[0])),))
    return Choice(name)


def _ones(x: Array) -> int | None:
    """Return which column of the samples is all ones, if exactly one is."""
    found = np.flatnonzero(np.all(x == 1.0, axis=0))
    return int(found[0]) if len(found) == 1 and len(x) > 1 and x.shape[1] > 1 else None


def _nested(value: Array) -> Any:
    return tuple(map(tuple, value.tolist())) if value.ndim == 2 else tuple(value.tolist())


def _loss(network: Network, start: Data, samples: int, rows: int, outputs: int) -> _Loss:
    """Return the lab's loss that is the script's up to a factor."""
    evaluation = start["evaluation"]
    if network.implied or evaluation is None:
        # Where none is computed it is what the output's error implies, summed over an update's samples.
        if network.short_form:
            softmax = network.activations[-1] == "softmax"
            name, share = ("cross-entropy", 1.0) if softmax else ("binary-cross-entropy", float(outputs))
            return _Loss(name, float(samples * share), float(rows * share))
        return _Loss("quadratic", float(samples), float(rows))
    evaluation = dict(evaluation)
    target = start["captures"][0]["target"]["update"]
    if evaluation.get("Y") is None and target is not None and len(target) == len(evaluation["A"]):
        evaluation["Y"] = target
    kind, constant, _ = loss_form(evaluation)
    if kind not in LOSSES_OF_FORMS:
        raise InexpressibleError("its loss is not one of the lab's")
    share = 1.0 if kind in ("quadratic", "cross-entropy") else float(outputs)
    late = start["captures"][0]["late"]
    factor = constant * share * (samples if late or not evaluation["averaged"] else len(evaluation["A"]))
    batch_factor = factor if evaluation["averaged"] else constant * share * rows
    if kind == "quadratic" and np.isclose(factor * outputs, 2.0, rtol=1e-6):
        return _Loss("mse", 1.0, batch_factor / factor)
    return _Loss(LOSSES_OF_FORMS[kind], float(factor), float(batch_factor))


def _outputs_off(made: Expressed, first: Data, columns: NDArray[np.bool_]) -> float:
    """Return how far the outputs for the first update's samples are from the script's."""
    x, own = first["layers"][0]["X"], first["layers"][-1]["A"]
    if x.shape[1] != len(columns):
        return float("inf")
    targets = np.zeros((len(x), made.dataset.y.shape[1]))
    there = dataset_of(x[:, columns], targets, made.experiment.training.loss.name)
    predicted = Trainer(made.experiment, there).training_set.predictions()
    if predicted.shape != own.shape:
        return float("inf")
    return float(np.abs(predicted - own).max() / max(float(np.abs(own).max()), 1e-300))


def _loss_off(made: Expressed, start: Data, first: Data) -> float | None:
    """Return how far the loss at the start is from the script's; None where that is over other samples."""
    value, evaluation = first["loss_value"], start["evaluation"]
    if value is None or first["late"] or first["evaluation"] is None or evaluation is None:
        return None
    if len(evaluation["A"]) != len(made.dataset.x):
        return None
    loss = made.loss_factor * made.trainer().census().loss
    return float(abs(loss - value) / max(abs(value), 1e-300))


def _training(
    made: Expressed, judgement: Judgement, start: Data, columns: NDArray[np.bool_], loss: _Loss, same: float
) -> tuple[Experiment, Experiment | None, float | None]:
    """Return how the script trains, rightly and as it does; and how closely the lab takes its first updates."""
    first, training = start["captures"][0], made.experiment.training
    captures = [point.data for point in judgement.network.points if not point.label.startswith("random")]
    if len({round(rate_of(capture), 12) for capture in captures}) > 1:
        raise InexpressibleError("its learning rate changes as it trains")
    updates = FirstUpdates(start["captures"], made.dataset, columns)
    if judgement.findings:
        if any(part["memory"] for capture in captures for part in capture["parameters"]) or not has_rate(
            first
        ):
            raise InexpressibleError("its updates are wrong, and how it trains can only be told from them")
        constants = [float(factor) for _, factor in judgement.warnings]
        rate = rate_of(first) * loss.batch_factor * (constants[0] if len(constants) == 1 else 1.0)
        right = replace(made.experiment, training=replace(training, learning_rate=rate))
        wrong = _with_mistakes(right, judgement)
        agreement = updates.agreement(wrong) if wrong is not None and updates.count else np.inf
        return (right, wrong, agreement) if agreement <= same else (right, None, None)
    if not updates.count:
        raise InexpressibleError("the samples of its first update are not among those of its loss")
    rates = [rate_of(first), *first["rates"]]
    for tried in updates.candidates(made.experiment, rates):
        right = replace(made.experiment, training=tried)
        agreement = updates.agreement(right)
        if agreement <= (same if tried.optimizer.name == "sgd" else max(same, RESCALED_WAY)):
            return right, None, agreement
    raise InexpressibleError("its updates are those of no optimizer of the lab's")


def _with_mistakes(experiment: Experiment, judgement: Judgement) -> Experiment | None:
    """Return the experiment with the mistakes that were found, None where the lab cannot make them."""
    depth = len(experiment.network.hidden) + 1
    found = {(finding.id, finding.layer) for finding in judgement.findings}
    hidden = {("missing-hidden-derivative", layer) for layer in range(1, depth)}
    output, summed = ("missing-output-derivative", depth), ("sum-instead-of-mean", None)
    missing = tuple(
        name for name, whole in (("hidden", hidden), ("output", {output})) if whole and whole <= found
    )
    if found - {output, summed} - (hidden if "hidden" in missing else set()):
        return None
    reduction = "sum" if summed in found else "mean"
    return replace(
        experiment,
        mistakes=Mistakes(missing),
        training=replace(experiment.training, reduction=reduction),
    )
