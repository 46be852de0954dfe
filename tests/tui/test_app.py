"""What every key of the lab does to the session, and what the screen then says."""

from __future__ import annotations

import asyncio
import json

import numpy as np
import pytest
from textual.command import CommandPalette
from textual.events import AppBlur, AppFocus, Key

from backprop_core.presets import load_preset, preset_names
from backprop_core.snapshot import HEATMAP_MODES
from backprop_tui.headless import HeadlessOptions, run_headless
from backprop_tui.keys import KEYS
from backprop_tui.prompt import Prompt
from backprop_tui.screens.help import HelpScreen
from backprop_tui.screens.lab_screen import Selection
from backprop_tui.screens.presets import PresetsScreen
from tests.tui.driving import open_lab, paused_engine

pytestmark = pytest.mark.usefixtures("short_waits")

DEAD_AT = 200
"""By this step all four hidden neurons of the preset ``sequence`` are dead."""


def bits(driver):
    return driver.trainer.network.parameters.tobytes()


async def test_space_pauses_and_resumes():
    async with open_lab(paused_engine()) as lab:
        await lab.press("space")
        assert lab.session.state == "RUNNING"
        running = lab.trainer.step_count
        await lab.frame()
        assert lab.trainer.step_count > running
        await lab.press("space")
        assert lab.session.state == "PAUSED"
        assert lab.status.startswith("‖ PAUSED")
        stopped = lab.trainer.step_count
        await lab.frame()
        assert lab.trainer.step_count == stopped


async def test_s_takes_one_batch_and_e_one_epoch():
    async with open_lab(paused_engine("spiral")) as lab:
        per_epoch = lab.trainer.steps_per_epoch
        assert per_epoch > 1
        await lab.press("s", "s")
        assert lab.trainer.step_count == 2
        await lab.press("e")
        assert lab.trainer.step_count == per_epoch
        assert lab.trainer.epoch == 1
        assert f"step {per_epoch}" in lab.status


@pytest.mark.parametrize("key", ["s", "e"])
async def test_a_step_or_an_epoch_pauses_what_runs(key):
    async with open_lab(paused_engine()) as lab:
        await lab.press("space", key)
        assert lab.session.state == "PAUSED"


async def test_r_leaves_no_neuron_dead():
    async with open_lab(paused_engine(steps=DEAD_AT)) as lab:
        assert "dead 4/4" in lab.status
        loss = lab.app.lab.frame.snapshot.training_loss
        frame = await lab.press("r")
        assert frame.snapshot.dead == 0
        assert "dead 0/4" in lab.status
        assert frame.snapshot.training_loss == pytest.approx(loss)
        assert [mark.step for mark in frame.curve.marks] == [DEAD_AT]


async def test_r_with_nothing_dead_says_so_and_changes_nothing():
    async with open_lab(paused_engine("xor")) as lab:
        before = bits(lab)
        await lab.press("r")
        assert "dead" in lab.message
        assert bits(lab) == before


async def test_l_switches_to_leaky_relu_and_back():
    async with open_lab(paused_engine(steps=DEAD_AT)) as lab:
        frame = await lab.press("l")
        assert frame.snapshot.layers[0].activation == "leaky-relu"
        assert frame.snapshot.dead == 0
        frame = await lab.press("l")
        assert frame.snapshot.layers[0].activation == "relu"
        assert frame.snapshot.dead == 4


async def test_l_where_there_is_no_relu_says_so():
    async with open_lab(paused_engine()) as lab:
        await lab.type("activation hidden tanh")
        await lab.press("l")
        assert "nothing to switch" in lab.message
        assert lab.app.lab.frame.snapshot.layers[0].activation == "tanh"


@pytest.mark.parametrize(("key", "rate"), [("plus", 0.05), ("equals_sign", 0.05), ("minus", 0.02)])
async def test_the_rate_goes_up_and_down(key, rate):
    async with open_lab(paused_engine()) as lab:
        await lab.press(key)
        assert lab.trainer.experiment.training.learning_rate == rate
        assert f"lr {rate}" in lab.status


async def test_u_restores_identical_bits():
    async with open_lab(paused_engine(steps=DEAD_AT)) as lab:
        before = bits(lab)
        await lab.press("r", "s", "s")
        assert bits(lab) != before
        frame = await lab.press("u")
        assert bits(lab) == before
        assert frame.snapshot.step == DEAD_AT
        assert frame.undoable is None


async def test_u_with_nothing_to_undo_says_so():
    async with open_lab(paused_engine()) as lab:
        await lab.press("u")
        assert "undo" in lab.message


async def test_h_goes_through_all_heatmaps():
    async with open_lab(paused_engine()) as lab:
        seen = [(await lab.press("h")).heatmap.mode for _ in HEATMAP_MODES]
        assert seen == [*HEATMAP_MODES[1:], HEATMAP_MODES[0]]


async def test_brackets_change_the_layer_and_stop_at_the_ends():
    async with open_lab(paused_engine("spiral")) as lab:
        last = len(lab.app.lab.frame.snapshot.layers)
        frame = await lab.press("left_square_bracket")
        assert frame.heatmap.layer == 1
        frame = await lab.press("right_square_bracket")
        assert frame.heatmap.layer == 2
        frame = await lab.press(*["right_square_bracket"] * last)
        assert frame.heatmap.layer == last
        frame = await lab.press("left_square_bracket")
        assert frame.heatmap.layer == last - 1


async def test_arrows_select_and_the_inspector_tells_the_numbers():
    async with open_lab(paused_engine()) as lab:
        await lab.press("down")
        assert lab.app.lab.selection == Selection(neuron=1)
        await lab.press("down", "right", "right")
        assert (lab.app.lab.selection.neuron, lab.app.lab.selection.sample) == (2, 2)
        frame = await lab.press("up", "left", "down", "right")
        assert (frame.inspection.neuron, frame.inspection.sample) == (2, 2)

        named = lab.trainer.network.named()
        z = float(lab.trainer.dataset.x[1] @ named["W1"][:, 1] + named["b1"][1])
        assert frame.inspection.pre_activation == pytest.approx(z)
        shown = lab.shown("#inspector")
        assert "layer 1 neuron 2" in shown
        assert f"z {z:.4g}" in shown
        assert f"f(z) {max(z, 0):.4g}" in shown


async def test_arrows_stop_at_the_edges_and_escape_selects_nothing():
    async with open_lab(paused_engine()) as lab:
        await lab.press("up", "left", *["left"] * 3)
        assert (lab.app.lab.selection.neuron, lab.app.lab.selection.sample) == (1, 1)
        frame = await lab.press(*["down"] * 6, *["right"] * (lab.app.lab.frame.heatmap.total + 2))
        assert (frame.inspection.neuron, frame.inspection.sample) == (4, frame.heatmap.total)
        frame = await lab.press("escape")
        assert frame.inspection is None
        assert "arrows or a click" in lab.shown("#inspector")


async def test_g_switches_the_loss_axis_and_back():
    async with open_lab(paused_engine(steps=DEAD_AT)) as lab:
        before = lab.shown("#loss")
        await lab.press("g")
        assert lab.shown("#loss") != before
        await lab.press("g")
        assert lab.shown("#loss") == before


async def test_z_zooms_to_the_last_mark_and_back():
    async with open_lab(paused_engine(steps=DEAD_AT)) as lab:
        await lab.press("z")
        assert "no mark" in lab.message
        await lab.press("r", "s", "s")
        assert (await lab.press("z")).curve.first_step[0] >= DEAD_AT
        assert (await lab.press("z")).curve.first_step[0] <= 1


async def test_the_pace_is_slowed_and_given_free_again():
    async with open_lab(paused_engine(steps_per_frame=50)) as lab:
        await lab.press(*["less_than_sign"] * 5)
        assert "at most 1 step a second" in lab.message
        await lab.press("space")
        before = lab.trainer.step_count
        for _ in range(5):
            await lab.frame()
        assert lab.trainer.step_count - before <= 2
        await lab.press(*["greater_than_sign"] * 5)
        assert "full speed" in lab.message
        before = lab.trainer.step_count
        await lab.frame()
        assert lab.trainer.step_count - before >= 50


async def test_n_starts_again_with_the_same_seed_and_capital_n_with_the_next():
    async with open_lab(paused_engine()) as lab:
        first = bits(lab)
        seed = lab.trainer.experiment.seed
        await lab.press("s", "plus", "n")
        assert bits(lab) == first
        assert lab.trainer.step_count == 0
        assert lab.trainer.experiment.training.learning_rate == 0.05
        await lab.press("N")
        assert lab.trainer.experiment.seed == seed + 1
        assert bits(lab) != first


async def test_p_opens_the_chosen_preset(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with open_lab(paused_engine()) as lab:
        await lab.pilot.press("p")
        await lab.until(lambda: isinstance(lab.app.screen, PresetsScreen))
        names = preset_names()
        below = names[names.index("sequence") + 1]
        await lab.pilot.press("down", "enter")
        await lab.until(lambda: lab.app.screen is lab.app.lab)
        frame = await lab.frame()
        assert frame.experiment.name == below
        assert below in lab.shown("#title")
        assert list(tmp_path.iterdir()) == []


async def test_leaving_the_presets_changes_nothing():
    async with open_lab(paused_engine(steps=5)) as lab:
        await lab.pilot.press("p", "escape")
        frame = await lab.frame()
        assert (frame.experiment.name, frame.snapshot.step) == ("sequence", 5)


async def test_another_preset_keeps_the_session_with_interventions_as_a_script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with open_lab(paused_engine(steps=DEAD_AT)) as lab:
        await lab.press("r")
        lab.app.lab.open_preset("xor")
        await lab.frame()
        assert "sequence.script" in lab.message
    assert "reinit-dead" in (tmp_path / "sequence.script").read_text()


async def test_the_prompt_carries_out_a_command():
    async with open_lab(paused_engine()) as lab:
        await lab.type("set learning-rate 0.007")
        assert lab.trainer.experiment.training.learning_rate == 0.007
        assert not lab.app.lab.query_one(Prompt).opened
        assert lab.app.lab.query_one("#keys").display


async def test_the_prompt_completes_with_tab():
    async with open_lab(paused_engine(steps=DEAD_AT)) as lab:
        await lab.pilot.press("colon")
        prompt = lab.app.lab.query_one(Prompt)
        await lab.write("rein")
        await lab.pilot.press("tab")
        assert prompt.value == "reinit-dead"
        await lab.pilot.press("enter")
        assert (await lab.frame()).snapshot.dead == 0


async def test_the_prompt_remembers_what_was_typed():
    async with open_lab(paused_engine()) as lab:
        await lab.type("step 3")
        await lab.type("set learning-rate 0.01")
        await lab.pilot.press("colon", "up", "up")
        prompt = lab.app.lab.query_one(Prompt)
        assert prompt.value == "step 3"
        await lab.pilot.press("down")
        assert prompt.value == "set learning-rate 0.01"
        await lab.pilot.press("down")
        assert prompt.value == ""
        await lab.pilot.press("up", "up", "enter")
        await lab.frame()
        assert lab.trainer.step_count == 6


async def test_a_prompt_survives_that_another_window_takes_the_keys_for_a_while():
    async with open_lab(paused_engine()) as lab:
        await lab.pilot.press("colon", "s", "t")
        lab.app.post_message(AppBlur())
        await lab.pilot.pause()
        lab.app.post_message(AppFocus())
        await lab.pilot.pause()
        prompt = lab.app.lab.query_one(Prompt)
        assert (prompt.opened, prompt.value) == (True, "st")
        await lab.write("ep")
        await lab.press("enter")
        assert lab.trainer.step_count == 1


async def test_keys_act_where_a_closed_prompt_has_been_given_them():
    async with open_lab(paused_engine()) as lab, asyncio.timeout(10):
        await lab.pilot.press("colon", "escape")
        prompt = lab.app.lab.query_one(Prompt)
        lab.app.screen.set_focus(prompt)
        await lab.press("s")
        assert not prompt.opened
        assert lab.trainer.step_count == 1


async def test_letters_in_the_prompt_are_no_keys():
    async with open_lab(paused_engine()) as lab:
        await lab.pilot.press("colon")
        await lab.write("serqn")
        assert lab.app.lab.query_one(Prompt).value == "serqn"
        await lab.pilot.press("escape")
        assert lab.trainer.step_count == 0
        await lab.press("s")
        assert lab.trainer.step_count == 1


@pytest.mark.parametrize(
    "line", ["reint-dead", "set colour 3", "set learning-rate [bold", "activation 9 tanh"]
)
async def test_a_wrong_command_gives_one_message_and_changes_nothing(line):
    async with open_lab(paused_engine()) as lab:
        before = bits(lab)
        await lab.pilot.press("colon")
        lab.app.lab.query_one(Prompt).value = line
        await lab.pilot.press("enter")
        await lab.frame()
        assert lab.message
        assert lab.shown("#message").startswith("▲ ")
        assert bits(lab) == before


async def test_w_writes_a_script_that_ends_on_the_same_bits(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    async with open_lab(paused_engine(steps=DEAD_AT)) as lab:
        await lab.press("r", "space")
        await lab.frame()
        await lab.press("plus", "space", "u", "l", "e", "minus", "s", "w")
        assert "sequence.script" in lab.message
        in_the_lab = lab.trainer.parameters_sha256()
        await lab.press("w")
        assert "sequence-2.script" in lab.message
    options = HeadlessOptions(load_preset("sequence"), script="sequence.script", quiet=True)
    assert run_headless(options) == 0
    end = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert end["event"] == "end"
    assert end["parameters_sha256"] == in_the_lab


async def test_w_into_a_directory_that_is_gone_says_so(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    async with open_lab(paused_engine()) as lab:
        await lab.press("w")
        assert "cannot be written" in lab.message


async def test_the_help_names_every_key():
    async with open_lab(paused_engine()) as lab:
        await lab.pilot.press("question_mark")
        await lab.until(lambda: isinstance(lab.app.screen, HelpScreen))
        text = lab.app.screen.query_one("Static").render().plain
        for spec in KEYS:
            assert spec.help in text
        await lab.pilot.press("escape")
        await lab.until(lambda: lab.app.screen is lab.app.lab)


async def entries(lab):
    from backprop_tui.palette_commands import LabCommands

    return [str(hit.text or hit.display) async for hit in LabCommands(lab.app.lab).discover()]


async def test_the_palette_lists_what_can_be_done_now():
    async with open_lab(paused_engine(steps=DEAD_AT)) as lab:
        before = await entries(lab)
        assert "Resume training" in before
        assert "Reinitialise 4 dead neurons" in before
        assert "Switch hidden ReLUs to LeakyReLU" in before
        assert not any(entry.startswith("Undo") for entry in before)
        await lab.press("l")
        after = await entries(lab)
        assert "Switch hidden LeakyReLUs back to ReLU" in after
        assert any(entry.startswith("Undo activation") for entry in after)
        assert not any("dead neuron" in entry for entry in after)


async def test_an_entry_of_the_palette_acts():
    async with open_lab(paused_engine(steps=DEAD_AT)) as lab:
        await lab.pilot.press("ctrl+p")
        await lab.until(lambda: isinstance(lab.app.screen, CommandPalette))
        await lab.write("dead")
        options = lab.app.screen.query_one("CommandList")
        await lab.until(lambda: options.option_count and options.highlighted is not None)
        await lab.pilot.press("enter")
        await lab.until(lambda: lab.trainer.interventions)
        assert (await lab.frame()).snapshot.dead == 0


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
async def test_quitting_ends_with_zero(key):
    async with open_lab(paused_engine()) as lab:
        await lab.pilot.press(key)
        await lab.pilot.pause()
        assert not lab.app.is_running or lab.app._exit
    assert lab.app.return_code == 0


async def test_every_parameter_is_finite_after_all_keys_at_once():
    async with open_lab(paused_engine(steps=DEAD_AT)) as lab:
        keys = [spec.keys.split(",")[0] for spec in KEYS if spec.group in ("train", "heal", "look")]
        await lab.pilot.press(*keys)
        await lab.press("space")
        assert np.isfinite(lab.trainer.network.parameters).all()


async def test_a_command_that_comes_in_one_piece_all_goes_to_the_prompt():
    async with open_lab(paused_engine()) as lab:
        driver = lab.app._driver
        for character in ":set learning-rate 0.25":
            name = {":": "colon", " ": "space", "-": "minus", ".": "full_stop"}.get(character, character)
            driver.send_message(Key(name, character))
        await lab.until(lambda: [p for p in lab.app.lab.query(Prompt) if p.value.endswith("0.25")])
        assert lab.app.lab.query_one(Prompt).value == "set learning-rate 0.25"
        assert lab.trainer.step_count == 0


async def test_a_colon_in_the_prompt_is_a_character():
    async with open_lab(paused_engine()) as lab:
        await lab.pilot.press("colon", "a", "colon", "b")
        assert lab.app.lab.query_one(Prompt).value == "a:b"


async def test_commands_and_keys_that_come_in_one_piece_are_all_carried_out():
    async with open_lab(paused_engine()) as lab:
        names = {":": "colon", " ": "space", "-": "minus", ".": "full_stop", "\r": "enter"}
        for character in ":set learning-rate 0.25\r:step 3\rs:set learning-rate 0.5\rs":
            lab.app._driver.send_message(Key(names.get(character, character), character))
        await lab.until(lambda: lab.trainer.step_count == 5)
        changes = [line for line in lab.session.script().splitlines() if line.startswith("set")]
        assert changes == ["set learning-rate 0.25", "set learning-rate 0.5"]
