"""What other programs read: the loss curve as CSV, the network as a PyTorch ``state_dict`` with a loader."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backprop_core.errors import UserError
from backprop_core.features import FEATURES
from backprop_core.files import read_text, shown, write_arrays, write_atomically
from backprop_core.history import CAPACITY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from backprop_core.experiment import Choice
    from backprop_core.trainer import Trainer

MODULES = {
    "linear": "nn.Identity()",
    "relu": "nn.ReLU()",
    "leaky-relu": "nn.LeakyReLU({slope})",
    "elu": "nn.ELU({alpha})",
    "gelu": "nn.GELU()",
    "silu": "nn.SiLU()",
    "softplus": "nn.Softplus()",
    "tanh": "nn.Tanh()",
    "sigmoid": "nn.Sigmoid()",
    "softmax": "nn.Softmax(dim=1)",
}
"""PyTorch's module for each activation; its options by name."""

LARGEST_LOADER = 1 << 20

HEADER = "# Written by backprop-tui: loads a network into PyTorch."

LOADER = """\
{header}
import numpy as np
import torch
from torch import nn

{features}net = nn.Sequential(
    {modules},
).{precision}()
with np.load({file}) as arrays:
    net.load_state_dict({{name: torch.from_numpy(arrays[name]) for name in arrays}})
"""


def curve_csv(trainer: Trainer) -> str:
    """Return the loss curve: a line for so many steps, with the smallest, largest and mean loss of their batches.

    A validation loss that was not measured there is an empty field.
    """
    trainer.flush_history()
    columns = trainer.history.columns(CAPACITY, 0)
    lines = ["first_step,last_step,loss_low,loss_high,loss_mean,validation_loss"]
    for first, last, *losses in zip(
        columns.first_step.tolist(),
        columns.last_step.tolist(),
        columns.low.tolist(),
        columns.high.tolist(),
        columns.mean.tolist(),
        columns.validation.tolist(),
        strict=True,
    ):
        fields = ["" if np.isnan(loss) else repr(loss) for loss in losses]
        lines.append(",".join([str(first), str(last), *fields]))
    return "\n".join(lines) + "\n"


def state_dict(trainer: Trainer) -> dict[str, NDArray[np.floating]]:
    """Return the network's parameters as those of ``nn.Sequential(Linear, activation, Linear, …)``.

    Weights are (outputs, inputs) there. Standardisation is folded in, so that the module takes and gives
    the data's own units.

    Raises
    ------
    UserError
        If the targets are standardised behind an output activation that is not linear.
    """
    arrays: dict[str, NDArray[np.floating]] = {}
    layers = trainer.network.layers
    for index, layer in enumerate(layers):
        weight = layer.weights.T.copy()
        bias = np.zeros(layer.units, weight.dtype) if layer.bias is None else layer.bias.copy()
        if index == 0 and trainer.x_standardizer is not None:
            weight = (weight / trainer.x_standardizer.scale).astype(weight.dtype)
            bias = (bias - weight @ trainer.x_standardizer.mean).astype(bias.dtype)
        if layer is layers[-1] and trainer.y_standardizer is not None:
            if layer.activation.name != "linear":
                raise UserError("standardised targets cannot be folded into an output that is not linear")
            weight = (weight * trainer.y_standardizer.scale[:, None]).astype(weight.dtype)
            bias = (bias * trainer.y_standardizer.scale + trainer.y_standardizer.mean).astype(bias.dtype)
        arrays[f"{2 * index}.weight"], arrays[f"{2 * index}.bias"] = weight, bias
    return arrays


def loader(trainer: Trainer, file: str) -> str:
    """Return the lines of Python that build the module in PyTorch and load ``file`` into it."""
    network = trainer.experiment.network
    modules = []
    for layer, choice in zip(trainer.network.layers, (*network.activation, network.output), strict=True):
        modules += [f"nn.Linear({layer.fan_in}, {layer.units})", _module(choice)]
    precision = "double" if network.precision == "float64" else "float"
    features = _feature_lines(trainer.experiment.data.features)
    return LOADER.format(
        header=HEADER, features=features, modules=", ".join(modules), precision=precision, file=repr(file)
    )


def _feature_lines(names: tuple[str, ...]) -> str:
    """Return the function that makes the features of samples with two columns, as the module takes them."""
    if not names:
        return ""
    columns = ", ".join(FEATURES[name].torch for name in names)
    return (
        "def features(samples):  # the module takes these: net(features(samples))\n"
        f"    x, y = samples[:, 0], samples[:, 1]\n    return torch.stack([{columns}], dim=1)\n\n\n"
    )


def _module(choice: Choice) -> str:
    return MODULES[choice.name].format(**dict(choice.options))


def _write_curve(trainer: Trainer, path: Path) -> str:
    write_atomically(path, curve_csv(trainer).encode())
    return f"loss curve of {trainer.step_count} steps written to {path}"


def _write_torch(trainer: Trainer, path: Path) -> str:
    beside = path.with_suffix(".py")
    if beside == path:
        raise UserError(f"{shown(path)}: is where the Python lines go; give a name that ends in .npz")
    if beside.exists() and not read_text(beside, LARGEST_LOADER).startswith(HEADER):
        raise UserError(f"{shown(beside)}: is there already, and would be overwritten; give another name")
    write_arrays(path, state_dict(trainer))
    write_atomically(beside, loader(trainer, path.name).encode())
    return f"state_dict written to {path}, and to {beside} the lines that load it into PyTorch"


EXPORTS: dict[str, Callable[[Trainer, Path], str]] = {"curve": _write_curve, "torch": _write_torch}
"""What ``export`` can write, and the function that does; it returns one line on what it wrote."""
