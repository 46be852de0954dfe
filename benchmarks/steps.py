"""One training step against PyTorch eager, and against nothing but the step's matrix products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_core.datasets import Dataset
from backprop_core.experiment import Choice, DataSpec, Experiment, NetworkSpec, TrainingSpec
from backprop_core.trainer import Trainer
from benchmarks.report import Row, row_of
from benchmarks.rounds import ratios, take_turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

try:
    import torch
except ImportError:
    torch = None

RATE = 1e-3
CHECKED_STEPS = 50


@dataclass(frozen=True)
class Case:
    """A network (ReLU, linear output, biases), a batch, and the targets of its rows."""

    sizes: tuple[int, ...]
    batch: int
    precision: str
    against_torch: float | None = None
    against_products: float | None = None

    @property
    def name(self) -> str:
        """Return the case as the table names it."""
        return f"step of {'-'.join(map(str, self.sizes))}, batch {self.batch}, {self.precision}"


CASES = (
    Case((3, 4, 1), 10, "float64", against_torch=20, against_products=3),
    Case((64, 32, 10), 32, "float32", against_torch=10),
    Case((784, 128, 10), 64, "float32", against_torch=1.4, against_products=1.10),
    Case((784, 512, 512, 10), 128, "float32", against_products=1.05),
)


def measure() -> list[Row]:
    """Return the rows of all cases."""
    return [row for case in CASES for row in measure_case(case)]


def measure_case(case: Case) -> list[Row]:
    """Return the rows of one case, all contestants taking turns."""
    trainer = trainer_of(case)
    contestants: dict[str, Callable[[int], object]] = {"trainer": trainer.step}
    if case.against_torch is not None and torch is not None:
        check_same_training(case)
        contestants["torch"] = torch_steps(trainer_of(case))
    if case.against_products is not None:
        contestants["products"] = matrix_products(case)
    times = take_turns(contestants)
    rows = []
    if case.against_torch is not None:
        what = f"{case.name}: faster than PyTorch eager"
        if torch is None:
            rows.append(Row(what, "{:.2f} ×", case.against_torch, True, note="PyTorch is not installed"))
        else:
            values = ratios(times["torch"], times["trainer"])
            rows.append(row_of(what, values, "{:.2f} ×", at_least=case.against_torch))
    if case.against_products is not None:
        values = ratios(times["trainer"], times["products"])
        what = f"{case.name}: time against its matrix products alone"
        rows.append(row_of(what, values, "{:.2f} ×", at_most=case.against_products))
    return rows


def trainer_of(case: Case) -> Trainer:
    """Return a trainer on random data, the whole of which is one batch: plain SGD on the quadratic loss."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(case.batch, case.sizes[0]))
    y = rng.normal(size=(case.batch, case.sizes[-1]))
    rows = np.arange(1, case.batch + 1)
    dataset = Dataset(
        x=x,
        y=y,
        x_validation=x[:0],
        y_validation=y[:0],
        rows=rows,
        rows_validation=rows[:0],
        feature_names=tuple(f"x{i}" for i in range(x.shape[1])),
        target_names=tuple(f"y{i}" for i in range(y.shape[1])),
        classes=None,
        kind="regression",
    )
    hidden = case.sizes[1:-1]
    experiment = Experiment(
        data=DataSpec(npz="random numbers"),
        network=NetworkSpec(
            hidden=hidden, activation=(Choice("relu"),) * len(hidden), precision=case.precision
        ),
        training=TrainingSpec(learning_rate=RATE),
    )
    return Trainer(experiment, dataset)


def torch_model(trainer: Trainer) -> Any:
    """Return the trainer's network, with its weights, as a PyTorch module."""
    modules: list[Any] = []
    for layer in trainer.network.layers:
        linear = torch.nn.Linear(layer.fan_in, layer.units)
        linear.weight.data = torch.tensor(layer.weights.T.copy())
        linear.bias.data = torch.tensor(np.array(layer.bias))
        modules += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*modules[:-1])


def torch_steps(trainer: Trainer, model: Any = None) -> Callable[[int], None]:
    """Return the same step in PyTorch: the loss is read at every step, as the trainer records it."""
    torch.set_num_threads(1)
    model = model or torch_model(trainer)
    dtype = next(model.parameters()).dtype
    x, y = torch.tensor(trainer.dataset.x, dtype=dtype), torch.tensor(trainer.dataset.y, dtype=dtype)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    factor = 1 / (2 * len(x))
    losses: list[float] = []

    def steps(count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            loss = ((model(x) - y) ** 2).sum() * factor
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        losses.clear()

    return steps


def check_same_training(case: Case) -> None:
    """Make sure that both sides do the same: after some steps their parameters must agree."""
    trainer = trainer_of(case)
    model = torch_model(trainer)
    torch_steps(trainer, model)(CHECKED_STEPS)
    trainer.step(CHECKED_STEPS)
    theirs = [tensor.detach().numpy().T.ravel() for tensor in model.parameters()]
    ours = [array.ravel() for array in trainer.network.named().values()]
    tolerance = 1e-10 if case.precision == "float64" else 1e-4
    np.testing.assert_allclose(np.concatenate(ours), np.concatenate(theirs), rtol=tolerance, atol=tolerance)


def matrix_products(case: Case) -> Callable[[int], None]:
    """Return nothing but the products of a step: z, ∂L/∂W, and δ of every layer but the last."""
    rng = np.random.default_rng(0)
    dot = np.dot

    def matrix(rows: int, columns: int) -> NDArray[Any]:
        return rng.normal(size=(rows, columns)).astype(case.precision)

    weights = [matrix(a, b) for a, b in zip(case.sizes, case.sizes[1:], strict=False)]
    activations = [matrix(case.batch, size) for size in case.sizes]
    deltas = [matrix(case.batch, size) for size in case.sizes[1:]]
    forward = [
        (a, w, np.empty((case.batch, w.shape[1]), w.dtype))
        for a, w in zip(activations, weights, strict=False)
    ]
    gradients = [
        (a.T, delta, np.empty_like(w)) for a, delta, w in zip(activations, deltas, weights, strict=False)
    ]
    backward = [
        (delta, w.T, np.empty((case.batch, len(w)), w.dtype))
        for delta, w in zip(deltas[1:], weights[1:], strict=True)
    ]
    products = forward + gradients + backward

    def steps(count: int) -> None:
        for _ in range(count):
            for left, right, out in products:
                dot(left, right, out)

    return steps
