"""What every app of a terminal is opened with, and how it is run."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, TypedDict

from backprop_tui.terminal.surroundings import given_environment, is_utf8, mouse_is_harmless, over_ssh

if TYPE_CHECKING:
    from backprop_tui.app import LabApp

FPS = 10.0
FPS_OVER_SSH = 5.0


class ScreenOptions(TypedDict):
    """What an app has to know of the terminal."""

    fps: float
    ascii_only: bool
    over_ssh: bool


def screen_options(fps: float | None, *, ascii_only: bool) -> ScreenOptions:
    """Return what was asked for, and for the rest what suits this terminal."""
    return {
        "fps": fps or default_fps(),
        "ascii_only": ascii_only or not is_utf8(given_environment()),
        "over_ssh": over_ssh(),
    }


def default_fps() -> float:
    """Return the frames a second: fewer over SSH."""
    return FPS_OVER_SSH if over_ssh() else FPS


def run(app: LabApp) -> None:
    """Run an app until it is left; what was made until now stays, and is not looked through for garbage."""
    gc.freeze()
    gc.enable()
    app.run(mouse=mouse_is_harmless())
