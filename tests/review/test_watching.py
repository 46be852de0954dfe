"""A script that is watched: what is drawn of it is what it does by hand, and nothing is done to it."""

import asyncio
import dataclasses

import numpy as np
import pytest

from backprop_core.commands import ReinitDead, Run, SetOption, Step
from backprop_core.errors import UserError
from backprop_core.review.watching.watch_engine import WatchEngine
from tests.review.watching import NETWORK, VIEW, by_hand, watching, written

IN_BATCHES = """
  for start in (0, 3, 6):
    x = data[start:start + 3]
    t = x[:, :1] * 2 - x[:, 1:]
    z1 = x"""
BATCHES = NETWORK.replace("x = np.random.rand(9, 2)", "data = x = np.random.rand(9, 2)").replace(
    "\n    z1 = x", IN_BATCHES
)


async def until(engine, holds):
    """Ask for frames until one has what is waited for."""
    async with asyncio.timeout(30):
        while not holds(frame := await engine.frame(VIEW)):
            await asyncio.sleep(0.01)
    return frame


async def test_a_step_is_one_update_of_the_script(tmp_path):
    async with watching(written(tmp_path), step=10) as engine:
        outcome = await engine.command(Step(1))
        frame = await engine.frame(VIEW)
    assert (outcome.step, frame.snapshot.step, frame.state) == (11, 11, "PAUSED")


async def test_what_is_drawn_is_the_last_forward_pass_to_the_bit(tmp_path):
    async with watching(written(tmp_path), step=20) as engine:
        activations = (await engine.frame(VIEW)).heatmap
        weights = (await engine.frame(dataclasses.replace(VIEW, mode="weights", layer=2))).heatmap
    # After 20 updates the forward pass seen last is the 20th, with the weights that 19 updates have made.
    names = by_hand(epochs=19)
    expected = np.maximum(0, names["x"] @ names["w1"] + names["b1"])
    np.testing.assert_array_equal(activations.values, expected.T.astype(np.float32))
    np.testing.assert_array_equal(weights.values, names["w2"].T.astype(np.float32))


async def test_the_curve_is_the_loss_that_the_script_computes(tmp_path):
    async with watching(written(tmp_path), step=30) as engine:
        frame = await engine.frame(VIEW)
    losses = by_hand(epochs=30)["losses"]
    np.testing.assert_array_equal(frame.curve.mean[10:], losses[10:])
    assert frame.snapshot.training_loss == losses[-1]


async def test_a_watched_script_ends_where_it_does_by_hand(tmp_path):
    async with watching(written(tmp_path, epochs=300)) as engine:
        await engine.resume()
        frame = await until(engine, lambda frame: frame.state == "DONE")
    assert frame.snapshot.step == 300
    assert frame.snapshot.training_loss == by_hand(epochs=300)["losses"][-1]
    assert "ended after 300 updates" in frame.reason


async def test_dead_neurons_and_activations_are_recognised(tmp_path):
    async with watching(written(tmp_path), step=12) as engine:
        frame = await engine.frame(VIEW)
    z1 = by_hand(epochs=12)["z1"]
    dead = tuple(int(unit) + 1 for unit in np.flatnonzero((z1 <= 0).all(axis=0)))
    hidden, output = frame.snapshot.layers
    assert 3 in dead
    assert (hidden.activation, hidden.dead, output.activation) == ("relu", dead, "linear")
    assert (frame.snapshot.dead, frame.snapshot.learning_rate) == (len(dead), 0.05)


async def test_an_epoch_is_all_batches_and_they_are_drawn_together(tmp_path):
    async with watching(written(tmp_path, BATCHES), step=10) as engine:
        await engine.command(Run(epochs=1))
        first = await engine.frame(VIEW)
        await engine.command(Run(epochs=1))
        second = await engine.frame(VIEW)
    assert (second.snapshot.step - first.snapshot.step, second.snapshot.epoch - first.snapshot.epoch) == (
        3,
        1,
    )
    assert first.snapshot.step % 3 == 0
    assert second.heatmap.total == 9


async def test_the_pace_is_kept(tmp_path):
    async with watching(written(tmp_path), pace=1.0) as engine:
        before = (await engine.frame(VIEW)).snapshot.step
        await engine.resume()
        await until(engine, lambda frame: frame.snapshot.step > before)
        await engine.pace(None)
        # At one update a second this would take the test's whole patience.
        await until(engine, lambda frame: frame.snapshot.step > before + 200)


@pytest.mark.parametrize("command", [ReinitDead(), SetOption("learning-rate", 0.1), Run(epochs=5)], ids=repr)
async def test_what_would_change_the_script_is_refused(tmp_path, command):
    async with watching(written(tmp_path), step=8) as engine:
        with pytest.raises(UserError, match="mend its lines"):
            await engine.command(command)
        assert (await engine.frame(VIEW)).snapshot.step == 8


async def test_a_script_that_fails_says_where(tmp_path):
    text = NETWORK.replace(
        "    losses.append(loss)", "    if epoch == 40:\n        raise ValueError('no more')"
    )
    async with watching(written(tmp_path, text)) as engine:
        await engine.resume()
        frame = await until(engine, lambda frame: frame.state == "DONE")
        assert "ValueError in line 17: no more" in frame.reason
        with pytest.raises(UserError, match="ValueError in line 17"):
            await engine.command(Step(1))


async def test_files_that_the_script_writes_are_kept_aside(tmp_path):
    text = NETWORK.replace(
        "losses = []", f"losses = []\nopen({str(tmp_path / 'log.txt')!r}, 'w').write('hello')"
    )
    async with watching(written(tmp_path, text), step=8):
        assert [path.name for path in tmp_path.iterdir()] == ["my_network.py"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [("print('hello')\n", "it has no loop"), ("import nowhere_at_all\n", "ModuleNotFoundError in line 1")],
)
def test_a_script_without_a_training_loop_is_refused_in_a_line(tmp_path, text, reason):
    engine = WatchEngine(written(tmp_path, text))
    try:
        with pytest.raises(UserError, match=reason) as error:
            engine.ready()
        assert "\n" not in str(error.value)
    finally:
        engine.close()


async def test_closing_ends_a_script_that_would_never_end(tmp_path):
    text = NETWORK.replace("    losses.append(loss)\n", "    while epoch == 30:\n        pass\n")
    engine = WatchEngine(written(tmp_path, text))
    await until(engine, lambda frame: frame.snapshot.step == 30)
    engine.close()
    assert engine._process.returncode is not None


async def test_nothing_is_left_of_a_script_that_was_watched(tmp_path, monkeypatch):
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    async with watching(written(tmp_path), step=3):
        assert list(place.iterdir())
    assert not list(place.iterdir())
