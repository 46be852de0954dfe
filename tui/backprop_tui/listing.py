"""The list of presets, for people and for programs."""

from __future__ import annotations

import json
from textwrap import wrap

from backprop_core.files import harmless
from backprop_core.presets import load_preset, preset_names

WIDTH = 98
NAME_WIDTH = 21


def presets_as_text() -> str:
    """Return the presets: name, what each shows, what to try."""
    lines = []
    for name in preset_names():
        experiment = load_preset(name)
        texts = wrap(harmless(experiment.description), WIDTH - NAME_WIDTH)
        texts += wrap(harmless(experiment.watch), WIDTH - NAME_WIDTH)
        lines += [
            f"{name if index == 0 else '':{NAME_WIDTH}}{text}".rstrip() for index, text in enumerate(texts)
        ]
    return "\n".join(lines) + "\n"


def presets_as_json() -> str:
    """Return the presets as one JSON list."""
    presets = [load_preset(name) for name in preset_names()]
    rows = [
        {"name": preset.name, "description": preset.description, "watch": preset.watch} for preset in presets
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"
