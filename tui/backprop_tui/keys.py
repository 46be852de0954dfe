"""The keys of the lab, one entry each: what it does, how the key bar and the help name it."""

from __future__ import annotations

from backprop_core.frozen import dataclass


@dataclass(frozen=True)
class KeySpec:
    """A key.

    Attributes
    ----------
    keys : str
        Textual's names of the keys, separated by commas.
    shown : str
        As people read it.
    action : str
        The screen's action.
    label : str
        For the key bar: one word, with the keys before it where it is of several; empty if it is not shown there.
    help : str
        A sentence for the help.
    group : str
        Under which heading the help lists it.
    back : str
        The word for the key bar where the key would take its effect back; empty if it is always the same.
    """

    keys: str
    shown: str
    action: str
    label: str
    help: str
    group: str
    back: str = ""


KEYS: tuple[KeySpec, ...] = (
    KeySpec("space", "space", "toggle_running", "pause", "Pause, or resume.", "train", "run"),
    KeySpec("s", "s", "step", "step", "Pause, and train one batch.", "train"),
    KeySpec("e", "e", "epoch", "epoch", "Pause, and train one epoch.", "train"),
    KeySpec(
        "d",
        "d",
        "diagnose",
        "why",
        "Diagnose: why it does or does not learn, the evidence, and what each cure would do.",
        "heal",
    ),
    KeySpec("t", "t", "treat", "treat", "Treat with the cure that the diagnosis recommends.", "heal"),
    KeySpec("r", "r", "reinit_dead", "revive", "Reinitialise every dead neuron.", "heal"),
    KeySpec(
        "l", "l", "toggle_leaky", "leaky", "Switch the hidden ReLUs to LeakyReLU, and back.", "heal", "relu"
    ),
    KeySpec(
        "plus,equals_sign",
        "+",
        "rate_up",
        "+ - lr",
        "Raise the learning rate: 0.01, 0.02, 0.05, 0.1, …",
        "heal",
    ),
    KeySpec("minus", "-", "rate_down", "", "Lower the learning rate.", "heal"),
    KeySpec("u", "u", "undo", "undo", "Go back to before the last intervention, to the bit.", "heal"),
    KeySpec(
        "h", "h", "next_mode", "heatmap", "Heatmap: activations, pre-activations, weights, gradients.", "look"
    ),
    KeySpec("left_square_bracket", "[", "previous_layer", "[ ] layer", "Look at the layer before.", "look"),
    KeySpec("right_square_bracket", "]", "next_layer", "", "Look at the layer after.", "look"),
    KeySpec("up", "↑", "move(-1,0)", "", "Select the neuron above.", "look"),
    KeySpec("down", "↓", "move(1,0)", "", "Select the neuron below.", "look"),
    KeySpec("left", "←", "move(0,-1)", "", "Select the sample before.", "look"),
    KeySpec("right", "→", "move(0,1)", "", "Select the sample after.", "look"),
    KeySpec("escape", "esc", "clear_selection", "", "Back to the overview; there, select nothing.", "look"),
    KeySpec(
        "v",
        "v",
        "next_panel",
        "view",
        "The next view: overview, network, outcome, kept runs compared.",
        "look",
    ),
    KeySpec(
        "x",
        "x",
        "panel('step')",
        "x math",
        "Pause, and take the coming step apart: its numbers, forward, loss, backward, update.",
        "look",
    ),
    KeySpec("enter", "enter", "confirm", "", "In the step taken apart: take it.", "look"),
    KeySpec("g", "g", "toggle_axis", "log", "Loss axis: logarithmic, or linear.", "look"),
    KeySpec("z", "z", "zoom", "zoom", "Loss: the whole run, or what came after the last mark.", "look"),
    KeySpec(
        "less_than_sign", "<", "slower", "< > pace", "Slow down: 1000 steps a second, 100, 10, 1.", "train"
    ),
    KeySpec("greater_than_sign", ">", "faster", "", "Speed up, to full speed in the end.", "train"),
    KeySpec("n", "n", "restart", "new", "Start again with the same seed, settings as they are.", "train"),
    KeySpec("N", "N", "restart_next", "", "Start again with the next seed.", "train"),
    KeySpec(
        "o",
        "o",
        "panel('settings')",
        "setup",
        "Settings: data, features, layers, training, changed while it runs; the command line they make.",
        "more",
    ),
    KeySpec("delete,backspace", "del", "take_out", "", "In the settings: take the chosen layer out.", "more"),
    KeySpec("c", "c", "copy_command_line", "", "Copy the command line that opens these settings.", "more"),
    KeySpec("C", "C", "write_command_line", "", "Write that line as a shell script.", "more"),
    KeySpec("f", "f", "save_experiment", "", "Save the experiment as a file.", "more"),
    KeySpec("p", "p", "presets", "presets", "Choose another experiment.", "more"),
    KeySpec("colon", ":", "prompt", ": command", "Type a command.", "more"),
    KeySpec("k", "k", "keep", "", "Keep this run as a ghost in the loss plot.", "look"),
    KeySpec("K", "K", "forget", "", "Forget the kept runs.", "look"),
    KeySpec("w", "w", "write_script", "write", "Write this session as a script.", "more"),
    KeySpec("question_mark", "?", "help", "? help", "This help.", "more"),
    KeySpec("T", "T", "tour", "", "Take the tour, or leave it.", "more"),
    KeySpec("ctrl+p", "ctrl+p", "palette", "", "The command palette, with themes.", "more"),
    KeySpec("ctrl+z", "ctrl+z", "suspend", "", "Back to the shell, training too; fg continues.", "more"),
    KeySpec("ctrl+l", "ctrl+l", "draw_anew", "", "Draw the screen anew.", "more"),
    KeySpec("q,ctrl+c", "q", "quit", "q quit", "Quit.", "more"),
)

REPLAY_KEYS: tuple[KeySpec, ...] = (
    KeySpec("space", "space", "toggle_running", "pause", "Stand still, or play.", "replay", "play"),
    KeySpec("left", "←", "go(-1)", "← → step", "Pause, and go a snapshot back.", "replay"),
    KeySpec("right", "→", "go(1)", "", "Pause, and go a snapshot forth.", "replay"),
    KeySpec("pageup,shift+left", "pgup", "go(-10)", "", "Ten snapshots back.", "replay"),
    KeySpec("pagedown,shift+right", "pgdn", "go(10)", "", "Ten snapshots forth.", "replay"),
    KeySpec("home", "home", "to('first')", "home end jump", "To the first snapshot.", "replay"),
    KeySpec("end", "end", "to('last')", "", "To the last snapshot.", "replay"),
    KeySpec("m", "m", "mark(1)", "m M marks", "To the next intervention, or the next run.", "replay"),
    KeySpec("M", "M", "mark(-1)", "", "To the intervention, or the run, before.", "replay"),
    KeySpec("less_than_sign", "<", "speed(-1)", "< > speed", "Play slower.", "replay"),
    KeySpec("greater_than_sign", ">", "speed(1)", "", "Play faster.", "replay"),
    KeySpec("left_square_bracket", "[", "layer(-1)", "[ ] layer", "Look at the layer before.", "look"),
    KeySpec("right_square_bracket", "]", "layer(1)", "", "Look at the layer after.", "look"),
    KeySpec("up", "↑", "rows(-1)", "", "Show the neurons further up.", "look"),
    KeySpec("down", "↓", "rows(1)", "", "Show the neurons further down.", "look"),
    KeySpec("g", "g", "toggle_axis", "log", "Loss axis: logarithmic, or linear.", "look"),
    KeySpec("z", "z", "zoom", "zoom", "Loss: the whole run, or what came after the last mark.", "look"),
    KeySpec("question_mark", "?", "help", "? help", "This help.", "more"),
    KeySpec("q,ctrl+c", "q", "quit", "q quit", "Quit.", "more"),
)
"""The keys of a replay."""

ALWAYS_SHOWN = ("help", "quit")
"""Actions whose keys stay in the key bar however narrow it is."""

DROPPED_FIRST = (
    "toggle_axis",
    "zoom",
    "write_script",
    "slower",
    "epoch",
    "previous_layer",
    "next_mode",
    "presets",
    "prompt",
    "panel('settings')",
    "restart",
    "rate_up",
    "step",
    "toggle_leaky",
)
"""Actions that leave the key bar where there is too little room, in this order; the help has them all."""

OF_A_TRAINER = ("next_panel", "panel('step')", "keep", "forget", "clear_selection")
"""Actions of looking that need more of a run than frames."""

WATCH_KEYS = (
    *(spec for spec in KEYS if spec.group == "train" and spec.action not in ("restart", "restart_next")),
    KeySpec("n", "n", "run_again", "again", "Run the script again, from its beginning.", "train"),
    KeySpec(
        "f",
        "f",
        "toggle_findings",
        "findings",
        "The review's findings, or the predictions.",
        "look",
        "predict.",
    ),
    KeySpec("enter", "enter", "report", "enter report", "The review's whole report.", "look"),
    *(spec for spec in KEYS if spec.group == "look" and spec.action not in OF_A_TRAINER),
    KeySpec("escape", "esc", "clear_selection", "", "Select nothing.", "look"),
    *(spec for spec in KEYS if spec.action in ("help", "palette", "quit")),
)
"""The keys that apply where a script of the user's own is watched: none of them changes what is the script's."""
