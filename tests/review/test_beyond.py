"""Beyond the gradient: the script's own network in the lab, what is wrong with it there, what makes it learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backprop_core.experiment import Choice, DataSpec, Experiment, NetworkSpec, TrainingSpec
from backprop_core.presets import load_preset
from backprop_core.review.beyond.beyond import Beyond, TooLongError, Trouble, fork_epochs, investigate
from backprop_core.review.beyond.beyond_text import Terms, sentences
from backprop_core.review.beyond.beyond_worker import as_values, from_values
from backprop_core.review.beyond.expression import Expressed, express
from backprop_core.review.beyond.recipes import Kitchen, Recipe, kinds_of
from backprop_core.review.beyond.samples import InexpressibleError, dataset_of, planned_epochs, script_seconds
from backprop_core.review.beyond.stopping import ends_below
from backprop_core.review.comparing.judging import judged
from backprop_core.review.running.process import messages_in, private_folder, run_module
from backprop_core.trainer import Trainer
from tests.review.test_posted_network import SCRIPT

TRAINED = """
import numpy as np
rng = np.random.default_rng(3)
X = rng.normal(size=(20, 3))
Y = np.tanh(X @ rng.normal(size=(3, 2)))
W1, b1 = rng.normal(size=(3, 4)) * 0.5, np.zeros(4)
W2, b2 = rng.normal(size=(4, 2)) * 0.5, np.zeros(2)
lr = 0.05
SETUP
for epoch in range(300):
    EACH
    h = np.tanh(X @ W1 + b1)
    a = h @ W2 + b2
    loss = np.sum((a - Y) ** 2)
    d2 = 2 * (a - Y)
    d1 = d2 @ W2.T * (1 - h ** 2)
    g = {"W1": X.T @ d1, "b1": d1.sum(0), "W2": h.T @ d2, "b2": d2.sum(0)}
    UPDATE
"""
MOMENTUM = (
    TRAINED.replace("SETUP", "v = {k: 0.0 for k in ('W1', 'b1', 'W2', 'b2')}; lr = 0.001")
    .replace("EACH", "pass")
    .replace(
        "UPDATE",
        "for k in v: v[k] = 0.8 * v[k] + g[k]\n"
        "    W1 -= lr * v['W1']; b1 -= lr * v['b1']; W2 -= lr * v['W2']; b2 -= lr * v['b2']",
    )
)
SCHEDULED = (
    TRAINED.replace("SETUP", "")
    .replace("EACH", "lr = 0.05 * 0.9 ** epoch")
    .replace("UPDATE", "W1 -= lr * g['W1']; b1 -= lr * g['b1']; W2 -= lr * g['W2']; b2 -= lr * g['b2']")
)


def seen_of(script):
    with private_folder() as folder:
        run_module("backprop_core.review.running.worker", [str(script), str(folder)], folder, 60)
        messages = messages_in(folder)
    return messages, judged(messages)


@pytest.fixture(scope="module")
def posted() -> Expressed:
    messages, judgement = seen_of(SCRIPT)
    return express(messages, judgement, until=0.05)


def small(
    network: NetworkSpec, rate: float = 0.1, epochs: int = 400, **training
) -> tuple[Experiment, object]:
    x = np.linspace(-1, 1, 24).reshape(12, 2)
    y = (x[:, :1] * 2 - x[:, 1:]) ** 2 + 3
    spec = TrainingSpec(learning_rate=rate, **training)
    data = DataSpec(npz="given")
    return Experiment(epochs=epochs, data=data, network=network, training=spec), dataset_of(x, y, "quadratic")


def test_the_lab_has_the_scripts_own_network_loss_and_updates(posted):
    assert posted.outputs < 1e-12
    assert posted.loss is not None
    assert posted.loss < 1e-12
    assert (
        posted.weights is not None
    )  # the script's own wrong updates, taken by the lab with the same mistakes
    assert posted.weights < 1e-9
    assert posted.wrong is not None
    assert set(posted.wrong.mistakes.missing_derivative) == {"hidden", "output"}
    assert posted.wrong.training.reduction == "sum"
    experiment = posted.experiment
    assert experiment.mistakes.missing_derivative == ()
    assert (experiment.epochs, experiment.network.hidden, experiment.network.bias) == (10000, (4,), False)
    assert (experiment.training.learning_rate, experiment.training.reduction) == (0.005, "mean")
    assert experiment.until == "loss < 0.05"


def test_an_optimizer_and_a_summed_loss_are_told_from_the_first_updates(tmp_path):
    script = tmp_path / "net.py"
    script.write_text(MOMENTUM)
    expressed = express(*seen_of(script))
    training = expressed.experiment.training
    assert training.optimizer.name == "sgd"
    assert training.optimizer.option("momentum") == pytest.approx(0.8, abs=1e-6)
    assert expressed.loss_factor == pytest.approx(40)  # the sum of squares is 2·20 times Σ‖error‖²/2N
    assert training.learning_rate / expressed.rate_factor == pytest.approx(0.001)
    assert expressed.weights is not None
    assert expressed.weights < 1e-6


def test_what_the_lab_does_not_have_is_said_in_a_word(tmp_path):
    script = tmp_path / "net.py"
    script.write_text(SCHEDULED)
    with pytest.raises(InexpressibleError, match="learning rate changes"):
        express(*seen_of(script))


@pytest.mark.parametrize(
    ("planned", "batches", "rows", "epochs"),
    [
        ([100], 1, 20, 100),
        ([100], 1, 5, 25),
        ([30, 4], 4, 5, 30),
        ([30, None], 4, 5, 30),
        ([None], 1, 20, None),
    ],
)
def test_for_how_long_a_script_trains_is_told_by_its_loops(planned, batches, rows, epochs):
    assert planned_epochs({"planned": planned, "batches": batches}, rows, samples=20) == epochs


def test_a_script_that_trains_long_is_known_by_its_operations():
    start = {"planned": [100, 50], "batches": 50, "operations": 30.0, "numbers": 1e4}
    assert 0.05 < script_seconds(start) < 0.5  # 5,000 updates of some ten microseconds
    assert script_seconds(start | {"planned": [10_000, 50]}) == pytest.approx(100 * script_seconds(start))
    assert script_seconds(start | {"planned": [100], "batches": 1}) == pytest.approx(
        script_seconds(start) / 50
    )


def test_a_network_that_learns_has_no_trouble():
    trainer = Trainer(load_preset("xor"))
    found = investigate(trainer, 600)
    assert found.troubles == ()
    assert found.commands == ()
    assert found.recipe is None


def test_troubles_are_confirmed_from_the_start_and_measured(posted):
    found = investigate(posted.trainer(), 3000, posted.trainer(wrong=True))
    told = {one.id: one for one in found.troubles}
    assert "unstandardized-inputs" in told
    assert all(one.loss < 0.67 * found.untreated for one in found.troubles)
    assert found.loss <= min(one.loss for one in found.troubles)
    assert found.dead_output is not None
    assert found.dead_output.stays == pytest.approx(6.22519, abs=1e-5)
    again = from_values(as_values(found))
    assert (again.troubles[0].commands, again.recipe, again.dead_output) == (
        found.troubles[0].commands,
        found.recipe,
        found.dead_output,
    )


def test_an_investigation_is_as_long_as_it_can_be_reckoned_to_be_and_no_longer(posted):
    trainer = posted.trainer()
    assert fork_epochs(trainer, 300) == 300
    assert fork_epochs(trainer, 10**9) < 20_000
    wide = replace(posted.experiment, network=NetworkSpec(hidden=(900, 900), initializer=Choice("zeros")))
    with pytest.raises(TooLongError):
        fork_epochs(Trainer(wide, posted.dataset), 1000)


def test_only_changes_that_are_needed_are_in_a_recipe():
    # A linear network without biases cannot have a mean of 3: biases are what it takes, other start weights are not.
    experiment, dataset = small(NetworkSpec(hidden=(6,), activation=(Choice("tanh"),), bias=False))
    recipe = Kitchen(experiment, dataset, 400, forks=60).best({"bias", "start", "scale", "linear"})
    assert recipe is not None
    assert "bias" in recipe.kinds
    assert "linear" not in recipe.kinds
    alone = Kitchen(experiment, dataset, 400, forks=60).best({"linear"})
    assert alone is None or alone.loss > recipe.loss


def test_no_recipe_without_forks_to_try_it():
    experiment, dataset = small(NetworkSpec(hidden=(3,)))
    assert Kitchen(experiment, dataset, 50, forks=2).best({"scale"}) is None


def test_commands_as_changes_of_a_script():
    from backprop_core.grammar import parse_commands

    bare, biased = (Experiment(network=NetworkSpec(bias=bias)) for bias in (False, True))
    commands = parse_commands("standardize; activation output linear; set learning-rate 0.5")
    assert kinds_of(commands, bare) == {"scale", "bias", "linear", "rate"}
    assert kinds_of(commands, biased) == {"scale", "linear", "rate"}
    assert kinds_of(parse_commands("initialize he-normal; widen 4"), biased) == {"start"}


def test_sentences_are_in_the_scripts_names_and_units(posted):
    scaled = replace(posted, loss_factor=10.0, rate_factor=2.0)
    steps = Trouble(
        "learning-rate-too-low",
        "Steps at a learning rate of 0.005 are short: the minimum along them is 300 steps away.",
        {},
        ("set learning-rate 0.05",),
        0.02,
        longer=0.1,
    )
    bias = Trouble("missing-bias", "…", {}, ("add-bias",), 0.01)
    beyond = Beyond(5000, 0.4, (steps, bias), recipe=Recipe(("bias",), 1.0, 0.01))
    first, second = sentences(beyond, scaled, Terms("E", "rate", "X", ("w1", "w2")))
    assert first == (
        "Steps of rate = 0.0025 are short: the minimum along them is 300 steps away. With rate = 0.025, E ends at 0.2 "
        "instead of 4 after 5,000 of the 10,000 epochs; with nothing changed, after 4 times as many, at 1."
    )
    assert second.endswith(
        "With biases in each layer, E ends at 0.1 instead of 4 after 5,000 of the 10,000 epochs."
    )


@pytest.mark.parametrize(
    ("source", "bound"),
    [
        ("for i in r:\n    E = f()\n    if E < 0.05:\n        break\n", 0.05),
        ("tol = 1e-3\nfor i in r:\n    if E <= tol:\n        print(i)\n        break\n", 1e-3),
        ("for i in r:\n    if other < 0.05:\n        break\n", None),
        ("for i in r:\n    if E > 5:\n        break\n", None),
    ],
)
def test_the_loss_at_which_a_script_stops(source, bound):
    assert ends_below(source, "E") == bound
