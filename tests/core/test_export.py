"""What other programs read: the curve as CSV, the network in PyTorch, checked by reading it again."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_core.activations import ACTIVATIONS
from backprop_core.commands import Export
from backprop_core.errors import UserError
from backprop_core.experiment_file import parse_experiment
from backprop_core.export import EXPORTS, HEADER, MODULES, curve_csv, loader, state_dict
from backprop_core.features import FEATURES
from backprop_core.grammar import EXPORTED
from backprop_core.measures import predict
from backprop_core.presets import load_preset
from backprop_core.trainer import Trainer


def trained(name="sequence", steps=50):
    trainer = Trainer(load_preset(name))
    trainer.step(steps)
    return trainer


def trainer_of(
    network: str, data: str = "builtin = 'sequence'\nstandardize = true", seed: int = 0
) -> Trainer:
    text = f"[experiment]\nname = 'x'\nseed = {seed}\n[data]\n{data}\n[network]\n{network}\n"
    trainer = Trainer(parse_experiment(text, "x.toml", Path()))
    trainer.step(5)
    return trainer


def test_every_activation_and_export_has_its_entry():
    assert set(MODULES) == set(ACTIVATIONS)
    assert set(EXPORTS) == set(EXPORTED)


def test_the_curve_is_the_histories_numbers():
    trainer = trained("sequence", 30)
    rows = list(csv.DictReader(io.StringIO(curve_csv(trainer))))
    columns = trainer.history.columns(10_000, 0)
    assert [int(row["first_step"]) for row in rows] == list(range(1, 31))
    assert [float(row["loss_mean"]) for row in rows] == columns.mean.tolist()
    measured = [row["validation_loss"] for row in rows]
    assert [float(value) for value in measured if value] == columns.validation[
        np.isfinite(columns.validation)
    ].tolist()


def by_hand(trainer: Trainer, x: np.ndarray) -> np.ndarray:
    """Return what Linear modules with these parameters and the trainer's own activations give."""
    arrays, a = state_dict(trainer), x.T
    for index, layer in enumerate(trainer.network.layers):
        z = arrays[f"{2 * index}.weight"] @ a + arrays[f"{2 * index}.bias"][:, None]
        a = np.empty_like(z)
        for operation in layer.activation.apply(z, a, **layer.options):
            operation()
    return a.T


@pytest.mark.parametrize("name", ["sequence", "repaired", "digits", "as-posted", "unstandardized", "spiral"])
def test_the_modules_numbers_give_the_networks_predictions_in_the_datas_own_units(name):
    trainer = trained(name)
    x = trainer.dataset.x[:20]
    assert by_hand(trainer, x) == pytest.approx(predict(trainer, x), rel=1e-9)


def test_standardisation_is_folded_in():
    trainer = trainer_of("hidden = [4]\nactivation = 'tanh'")
    assert trainer.y_standardizer is not None
    x = trainer.dataset.x
    assert by_hand(trainer, x) == pytest.approx(predict(trainer, x), rel=1e-9)


def test_what_cannot_be_folded_in_is_refused():
    trainer = trainer_of("hidden = [4]\noutput = 'tanh'")
    with pytest.raises(UserError, match="not linear"):
        state_dict(trainer)


def test_the_loader_is_written_beside_and_no_file_of_the_users_is_overwritten(tmp_path):
    trainer = trained()
    outcome = trainer.apply(Export("torch", str(tmp_path / "net.npz")))
    assert "state_dict" in outcome.result
    assert (tmp_path / "net.py").read_text().startswith(HEADER)
    trainer.apply(Export("torch", str(tmp_path / "net.npz")))
    (tmp_path / "net.py").write_text("my own work\n")
    with pytest.raises(UserError, match="is there already"):
        trainer.apply(Export("torch", str(tmp_path / "net.npz")))
    assert (tmp_path / "net.py").read_text() == "my own work\n"
    with pytest.raises(UserError, match="Python lines"):
        trainer.apply(Export("torch", str(tmp_path / "net.py")))


def test_an_export_changes_nothing_and_is_no_intervention(tmp_path):
    trainer = trained()
    sha, journal = trainer.parameters_sha256(), trainer.journal
    outcome = trainer.apply(Export("curve", str(tmp_path / "loss.csv")))
    assert not outcome.intervention
    assert (trainer.parameters_sha256(), trainer.journal) == (sha, journal)
    assert (tmp_path / "loss.csv").read_text() == curve_csv(trainer)


def test_the_loader_has_about_ten_lines():
    lines = [line for line in loader(trained(), "net.npz").splitlines() if line and not line.startswith("#")]
    assert len(lines) <= 10


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_pytorch_loads_it_and_predicts_the_same(tmp_path, monkeypatch, activation, precision):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    trainer = trainer_of(f"hidden = [5, 4]\nactivation = '{activation}'\nprecision = '{precision}'")
    trainer.apply(Export("torch", str(tmp_path / "net.npz")))
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec((tmp_path / "net.py").read_text(), names)
    x = trainer.dataset.x
    net = names["net"]
    with torch.no_grad():
        predicted = net(torch.tensor(x, dtype=next(net.parameters()).dtype)).numpy()
    tolerance = 1e-9 if precision == "float64" else 1e-4
    assert predicted == pytest.approx(predict(trainer, x), rel=tolerance, abs=tolerance)


def test_pytorch_makes_the_features_itself(tmp_path, monkeypatch):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    names = ", ".join(f"'{name}'" for name in FEATURES)
    text = f"[data]\nbuiltin = 'spiral'\nstandardize = true\nfeatures = [{names}]\n[network]\nhidden = 4\n"
    trainer = Trainer(parse_experiment(text, "mine", tmp_path))
    trainer.step(5)
    trainer.apply(Export("torch", str(tmp_path / "net.npz")))
    monkeypatch.chdir(tmp_path)
    loaded: dict[str, Any] = {}
    exec((tmp_path / "net.py").read_text(), loaded)
    with torch.no_grad():
        predicted = loaded["net"](loaded["features"](torch.tensor(trainer.dataset.x))).numpy()
    assert predicted == pytest.approx(predict(trainer, trainer.dataset.x), rel=1e-9, abs=1e-12)
