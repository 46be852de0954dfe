"""What is installed: the built packages hold all that the program reads at run time."""

from __future__ import annotations

import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

PROJECT = Path(__file__).parents[2]


def shipped_files() -> set[str]:
    """Return everything in the two import packages, as a wheel names it."""
    return {
        file.relative_to(root).as_posix()
        for root in (PROJECT / "core", PROJECT / "tui")
        for file in root.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    (path,) = WheelBuilder(str(PROJECT)).build(directory=str(folder), versions=["standard"])
    with ZipFile(path) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("sdist")
    (path,) = SdistBuilder(str(PROJECT)).build(directory=str(folder), versions=["standard"])
    with tarfile.open(path) as archive:
        return {name.split("/", 1)[1] for name in archive.getnames()}


def test_the_wheel_holds_both_packages_whole_and_nothing_else(wheel: set[str]) -> None:
    assert {name for name in wheel if ".dist-info/" not in name} == shipped_files()


@pytest.mark.parametrize(
    "name",
    [
        "backprop_core/data/digits.npz",
        "backprop_core/presets/sequence.toml",
        "backprop_core/py.typed",
        "backprop_tui/app.tcss",
        "backprop_tui/py.typed",
    ],
)
def test_the_wheel_holds_what_is_read_at_run_time(wheel: set[str], name: str) -> None:
    assert name in wheel


def test_every_preset_is_in_the_wheel(wheel: set[str]) -> None:
    presets = {path.name for path in (PROJECT / "core/backprop_core/presets").glob("*.toml")}
    assert presets <= {Path(name).name for name in wheel if name.startswith("backprop_core/presets/")}
    assert len(presets) > 10


def test_the_wheel_gives_the_command(tmp_path: Path) -> None:
    (path,) = WheelBuilder(str(PROJECT)).build(directory=str(tmp_path), versions=["standard"])
    with ZipFile(path) as archive:
        (entry_points,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
        assert "backprop-tui = backprop_tui.cli:main" in archive.read(entry_points).decode()


def test_the_sdist_can_be_built_and_tested_from(sdist: set[str]) -> None:
    assert {"core/" + name for name in shipped_files() if name.startswith("backprop_core")} <= sdist
    assert {"tui/" + name for name in shipped_files() if name.startswith("backprop_tui")} <= sdist
    tests = {path.relative_to(PROJECT).as_posix() for path in (PROJECT / "tests").rglob("test_*.py")}
    assert tests | {"pyproject.toml", "Makefile", "README.md", "LICENSE"} <= sdist
