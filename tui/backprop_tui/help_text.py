"""The help: the screen part by part, the keys, the commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from backprop_core.grammar import COMMANDS
from backprop_tui.glyphs import printable
from backprop_tui.keys import KEYS, REPLAY_KEYS, WATCH_KEYS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backprop_tui.keys import KeySpec

SCREEN = (
    (
        "The top lines",
        "The experiment; then the state, epochs (every sample once), steps (one batch, one update), the loss over "
        "all training samples in the data's own units, the learning rate lr, and dead A/B: A of the B neurons "
        "that can die are dead. Dead means: the derivative of the neuron's activation is 0 on every training "
        "sample, so no gradient reaches its weights and training cannot bring it back.",
    ),
    (
        "Health",
        "The third line: healthy, watching (a symptom that has been there for a while), or finding: a fault that an "
        "experiment has confirmed, the root first, and what follows from it. Beside the training, copies of the run "
        "are trained with each cure and without, over the same batches; a fault counts as confirmed where a cure "
        "clearly wins. d shows all of it, t applies the cure with the best outcome; the mark on the loss plot then "
        "tells what it gained, and what was forecast. r or l asks twice where its forecast is harm.",
    ),
    (
        "Loss",
        "Each column covers equally many steps and spans their smallest to their largest loss, so no spike is "
        "lost. The dashed line is the loss of always predicting the mean: a network that stays on it has "
        "learnt nothing. A mark at the top is an intervention; a cross is a loss that was not finite.",
    ),
    (
        "Heatmap",
        "One layer: a row a neuron, a column a sample (or the mean of as many as the line says). h shows "
        "pre-activations, weights and gradients instead; [ and ] walk through the layers, the output layer too, "
        "for outputs can be dead like any other. A dead neuron has a cross beside its number and dots for cells. "
        "Arrows select a neuron and a sample; the line below tells their numbers.",
    ),
    (
        "Predictions and layers",
        "Predictions against targets: rows, a curve for a series, the share named rightly for classes. For each "
        "layer the norm of its gradient, and the ratio of its last update to its weights: near 0.001 is healthy, "
        "0 is a layer that does not learn, near 1 one that forgets with every step.",
    ),
    (
        "The step, taken apart",
        "x pauses and shows the coming step with all its numbers: forward, loss, backward, update. Left and right "
        "walk neuron by neuron, up and down layer by layer, [ and ] through the samples of the batch; enter takes "
        "the step, and lands on the weights shown. The update of one weight is worked out: its gradient as the "
        "sum or mean over the batch's samples, and what L1, clipping, L2 and the optimizer's moments make of it; "
        "h, or a click on another row, takes another weight. A row of the network shows what has been computed so "
        "far; of the four equations below, those applied are marked. Sums show their largest terms where there "
        "are too many.",
    ),
    (
        "The network",
        "v shows the network: neurons with their activation (the mean over the samples, or with ] of one), lines "
        "or a matrix for the weights between them; with h the gradients of the last step, or its updates. Blue "
        "and - is negative, amber and + positive, thick is large. What does not fit is told beside a layer's name "
        "or in the title. A selected neuron tells its connections with the largest weights, and if it is dead, "
        "since which step and what killed it: training is repeated on a copy to find out.",
    ),
    (
        "The outcome",
        "v again shows what the network makes of its problem. Two inputs: the output over the plane, samples on "
        "it (red on the wrong side), and each hidden neuron's own picture beside it, fewer times a second while "
        "all of it changes. A series: predictions, targets, and what the network says comes next, each prediction "
        "taken for true in the next window. Classes: who is taken for whom, and the most confused samples. Else "
        "predictions against targets. h shows what else fits.",
    ),
    (
        "The settings",
        "o, or a click on the first line, shows all settings, changed while it trains: up and down choose, left "
        "and right or - and + change, enter types a value, [ and ] go from data to training to network, delete "
        "takes a layer out, u undoes; the mouse does all of it too. Below is the command line that opens the lab "
        "with these settings: c copies it, C writes it as a shell script, f saves the experiment as a file. They "
        "pass on the settings, not the trained weights: the command checkpoint does that.",
    ),
    (
        "Runs compared",
        "k keeps the run as a ghost in the loss plot, with a letter. Change something, press n to start again, and "
        "watch both. v shows them in one plot, above a table of how far each came and in which settings they differ; K "
        "forgets them. The palette writes the curve, the weights, or the network for PyTorch.",
    ),
    (
        "Interventions",
        "Every change is reported in a line with the dead neurons and the loss before and after, marked on the "
        "loss plot, and taken back by u. The session, saved with w, gives the same weights headless, bit for bit.",
    ),
)

GROUPS = (("train", "Train"), ("heal", "Heal"), ("look", "Look"), ("more", "More"))
REPLAY_GROUPS = (("replay", "Replay"), ("look", "Look"), ("more", "More"))

REPLAY = (
    (
        "A replay",
        "What is shown was recorded with --record; nothing is trained. The lab records a snapshot a second, more "
        "of them in its first seconds and after every intervention; a headless run at epochs 1, 2, 5, 10, … and "
        "after every command. The track tells which snapshot is shown and where something was done; it can be "
        "clicked. The line below says what happened since the snapshot before.",
    ),
    (
        "What a record holds",
        "The loss of every step, reduced to columns; the layers; the predictions of the first 100 rows; of the "
        "lab's records also each layer's activations, of at most 32 neurons in at most 32 columns. What it does "
        "not hold, such as the weights, is not shown.",
    ),
)
KEY_WIDTH = 8
USAGE_WIDTH = 38


def help_text(watch: str) -> Text:
    """Return the whole help; ``watch`` is the experiment's own hint."""
    text = Text()
    if watch:
        _paragraph(text, "This experiment", watch)
    for title, body in SCREEN:
        _paragraph(text, title, body)
    _keys(text, GROUPS, KEYS)
    text.append("Commands, after a colon or in a script\n", "bold")
    for command in COMMANDS:
        text.append(f"  {command.usage}\n", "bold")
        text.append(f"      {command.summary}\n")
    return text


def replay_help() -> Text:
    """Return the help of a replay."""
    text = Text()
    for title, body in REPLAY:
        _paragraph(text, title, body)
    _keys(text, REPLAY_GROUPS, REPLAY_KEYS)
    return text


def _keys(text: Text, groups: Sequence[tuple[str, str]], keys: Sequence[KeySpec]) -> None:
    for group, title in groups:
        text.append(f"{title}\n", "bold")
        for spec in keys:
            if spec.group == group:
                text.append(f"  {spec.shown:{KEY_WIDTH}}", "bold")
                text.append(f"{spec.help}\n")
        text.append("\n")


def _paragraph(text: Text, title: str, body: str) -> None:
    text.append(f"{title}\n", "bold")
    text.append(f"{printable(body)}\n\n")


WATCH_GROUPS = tuple(group for group in GROUPS if group[0] != "heal")

WATCHED = (
    (
        "Your script, as it is",
        "The script runs unmodified in a process of its own, as by hand: what it prints is not shown, files that it "
        "writes are kept aside, and nothing of its state is ever written to. Pausing holds it before an update.",
    ),
    (
        "The top lines",
        "What was found of it: the network, its loss, the loop that updates. Then the state, epochs and steps (one "
        "update), the loss as the script itself computes it, its learning rate where it has a name for one, and "
        "dead A/B.",
    ),
    (
        "Loss",
        "The script's own loss. Where that is a sum over an epoch, it moves when an epoch is over.",
    ),
    (
        "Heatmap, predictions and layers",
        "Of the updates recorded last, put together over an epoch: recording takes at most a third of the time, so "
        "not every update is. h shows pre-activations, weights and the true gradient of the loss; [ and ] walk "
        "through the layers. Dead means that the derivative is 0 on all of those samples.",
    ),
    (
        "Findings",
        "The review runs the script once more beside it, and compares its updates with the gradient of its own loss. "
        "Each mistake is named with its line and a correction; mend it in the script, and n runs it again.",
    ),
)


def watch_help() -> Text:
    """Return the help where a script is watched."""
    text = Text()
    for title, body in WATCHED:
        _paragraph(text, title, body)
    _keys(text, WATCH_GROUPS, WATCH_KEYS)
    return text
