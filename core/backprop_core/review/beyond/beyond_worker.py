"""The process in which a script's network, as the lab expresses it, is diagnosed: beside what runs the script again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backprop_core.experiment_file import experiment_from_dict, experiment_to_dict
from backprop_core.review.beyond.beyond import Beyond, DeadOutput, TooLongError, Trouble, investigate
from backprop_core.review.beyond.recipes import Recipe
from backprop_core.review.beyond.samples import dataset_of
from backprop_core.review.running import wire
from backprop_core.review.running.process import run_module
from backprop_core.trainer import Trainer

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Collection, Mapping

    from backprop_core.review.beyond.expression import Expressed


def investigate_elsewhere(
    expressed: Expressed,
    writable: Collection[str],
    folder: Path,
    timeout: float,
    running: set[subprocess.Popen[bytes]] | None = None,
) -> Beyond | None:
    """Investigate in a process of its own, within an empty folder.

    Returns
    -------
    Beyond or None
        None if an epoch takes so long that nothing can be tried out, or the process was stopped.
    """
    wire.dump(
        {
            "right": experiment_to_dict(expressed.experiment),
            "wrong": None if expressed.wrong is None else experiment_to_dict(expressed.wrong),
            "writable": list(writable),
            "x": expressed.dataset.x,
            "y": expressed.dataset.y,
        },
        folder / "in",
    )
    run_module("backprop_core.review.beyond.beyond_worker", [str(folder)], folder, timeout, running)
    try:
        return from_values(wire.load(folder / "out"))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def as_values(beyond: Beyond) -> dict[str, Any]:
    """Return it as nested plain values, for another process."""
    values = {name: getattr(beyond, name) for name in ("epochs", "untreated", "loss", "cut")}
    values["commands"] = list(beyond.commands)
    values["troubles"] = [
        {
            "id": one.id,
            "summary": one.summary,
            "evidence": dict(one.evidence),
            "commands": list(one.commands),
            "loss": one.loss,
            "longer": one.longer,
        }
        for one in beyond.troubles
    ]
    dead = beyond.dead_output
    recipe = beyond.recipe
    values["recipe"] = recipe and {"kinds": list(recipe.kinds), "rate": recipe.rate, "loss": recipe.loss}
    values["dead_output"] = dead and {"loss": dead.loss, "stays": dead.stays, "linear": dead.linear}
    return values


def from_values(values: Mapping[str, Any]) -> Beyond:
    """Return what :func:`as_values` has taken apart.

    Raises
    ------
    ValueError, KeyError, TypeError
        If it is something else.
    """
    troubles = tuple(
        Trouble(
            one["id"],
            one["summary"],
            one["evidence"],
            tuple(one["commands"]),
            float(one["loss"]),
            float(one["longer"]),
        )
        for one in values["troubles"]
    )
    dead = values["dead_output"] and DeadOutput(**values["dead_output"])
    recipe = values["recipe"]
    made = recipe and Recipe(tuple(recipe["kinds"]), float(recipe["rate"]), float(recipe["loss"]))
    return Beyond(
        int(values["epochs"]), float(values["untreated"]), troubles, dead, tuple(values["commands"]),
        float(values["loss"]), made, bool(values["cut"]),
    )  # fmt: skip


def main(words: list[str]) -> None:
    """``python -m backprop_core.review.beyond.beyond_worker FOLDER``: read ``in``, and write ``out``."""
    folder = Path(words[0])
    given = wire.load(folder / "in")

    def trainer(values: dict[str, Any]) -> Trainer:
        experiment = experiment_from_dict(values, "the script's network", folder)
        return Trainer(experiment, dataset_of(given["x"], given["y"], experiment.training.loss.name))

    wrong = None if given["wrong"] is None else trainer(given["wrong"])
    right = trainer(given["right"])
    try:
        found = investigate(right, right.experiment.epochs or None, wrong, given["writable"])
    except TooLongError:
        return
    wire.dump(as_values(found), folder / "out")


if __name__ == "__main__":
    main(sys.argv[1:])
