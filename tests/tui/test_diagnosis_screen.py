"""The health line, the diagnosis above the lab, treatments and warnings, driven by their keys and the mouse."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from backprop_core.commands import ReinitDead, SetOption, Step
from backprop_core.diagnosis import FAULTS, Diagnosis
from backprop_core.engine import LocalEngine
from backprop_core.presets import load_preset
from backprop_tui.glyphs import spelled_out
from backprop_tui.health_text import chain_of, evidence_items, rows_text, units_text
from backprop_tui.screens.diagnosis import DiagnosisScreen
from backprop_tui.screens.fault import FaultScreen, fault_text
from backprop_tui.session_log import SessionLog
from backprop_tui.widgets.diagnosis_view import DiagnosisView, window
from backprop_tui.widgets.fork_plot import ForkPlot
from backprop_tui.widgets.heatmap import HeatmapView
from tests.tui.diagnoses import (
    HARMFUL,
    LINEAR,
    RATE,
    REVIVE,
    CannedEngine,
    make_diagnosis,
    make_finding,
    make_forecast,
)
from tests.tui.drawing import canvas_of, lines_of, on_stage, text_of
from tests.tui.driving import open_lab, paused_engine

pytestmark = pytest.mark.usefixtures("short_waits")

HEALTHY = Diagnosis("healthy", 200, 200, 2.4)
NOTHING_CONFIRMED = Diagnosis("watching", 200, 200, 2.4, (make_finding(confirmed=False, cures=(LINEAR,)),))


def health(lab):
    return lab.shown("#health").strip()


async def diagnosed(lab, *keys):
    """Open the diagnosis, wait until it is known, and press keys; return the words."""
    await lab.pilot.press("d")
    await lab.until(lambda: isinstance(lab.app.screen, DiagnosisScreen))
    await lab.until(lambda: lab.app.lab.consultation.diagnosis and lab.app.lab.consultation.seconds is None)
    await lab.frame()
    words = lab.app.screen.query_one(DiagnosisView)
    await lab.pilot.press(*keys)
    await lab.pilot.pause()
    return words


def commands_of(lab):
    return [mark.text for mark in lab.trainer.interventions]


async def test_a_healthy_run_is_called_healthy():
    async with open_lab(paused_engine("xor", steps=0)) as lab:
        await lab.press("s", "s")
        assert health(lab) == "● healthy · no symptom"


async def test_a_stalled_run_is_watched_and_the_suspected_root_named():
    async with open_lab(paused_engine("as-posted", steps=1500)) as lab:
        await lab.frame()
        assert health(lab).startswith("◐ watching · wrong gradient and ")
        assert "The applied gradient is not that of the loss" in health(lab)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)], ids=str)
async def test_a_finding_names_root_and_chain_in_one_line_at_every_size(size):
    async with open_lab(CannedEngine(), size=size) as lab:
        await diagnosed(lab, "escape")
        await lab.frame()
        assert health(lab).startswith("▲ finding · learning rate too high → dead neurons · Steps at a ")
        assert lab.app.lab.query_one("#health").region.height == 1


async def test_what_the_watch_finds_worth_it_is_investigated_once_of_itself():
    engine = CannedEngine()
    async with open_lab(engine, watchful=True) as lab:
        await lab.until(lambda: engine.investigated)
        await lab.frame()
        await lab.frame()
        assert health(lab).startswith("▲ finding · learning rate too high")
        assert engine.investigated == 1


async def test_a_healthy_run_is_not_investigated_unasked():
    engine = CannedEngine("xor", steps=0)
    async with open_lab(engine, watchful=True) as lab:
        await lab.press("s", "s", "s")
        assert engine.investigated == 0


async def test_an_investigation_shows_that_it_goes_on_and_what_is_suspected():
    engine = CannedEngine()
    engine.may_end.clear()
    async with open_lab(engine) as lab:
        await lab.pilot.press("d")
        await lab.until(lambda: lab.app.lab.consultation.forks)
        await lab.frame()
        words = text_of(lab.app.screen.query_one(DiagnosisView))
        assert "Copies of the run train with each cure and without" in " ".join(words.split())
        assert "7 so far" in words
        assert "Dead neurons, since step 200" in words
        assert re.search(r" · investigating, \d+ s · The inputs", health(lab))
        # The lab goes on meanwhile.
        await lab.press("escape", "s")
        assert lab.app.lab.frame.snapshot.step == 201
        engine.may_end.set()
        await lab.until(lambda: lab.app.lab.consultation.diagnosis)


async def test_d_shows_the_chain_root_first_with_its_evidence_and_cures():
    async with open_lab(CannedEngine()) as lab:
        words = lines_of(await diagnosed(lab))
        assert words[0].split() == ["▸", "▲", "Learning", "rate", "too", "high", "root", "·", "serious"]
        assert words[1].split() == ["└▶", "▲", "Dead", "neurons", "critical"]
        assert words[3].split() == ["◐", "Insufficient", "capacity", "not", "confirmed"]
        text = " ".join(" ".join(words).split())
        assert "overshoot: 4 neurons died of its steps. Seen since step 4." in text
        assert "Steps that are too long overshoot" in text
        assert "overshoot -1.25 · killed 4 · cosine undefined" in text
        assert "▸ learning-rate-0.003 + reinit-dead 2.438 → 0.0125 recommended" in text
        assert "linear-output 2.438 → 2.4 no clear gain" in text
        assert "untreated 2.438 → 2.438, treated → 0.0125 in 400 epochs" in text
        assert str(lab.app.screen.query_one(".diagnosis").border_title).startswith("diagnosis at step 200")


async def test_up_and_down_walk_through_the_chain_and_stay_in_it():
    async with open_lab(CannedEngine()) as lab:
        words = await diagnosed(lab)
        assert words.looked_at.id == "learning-rate-too-high"
        seen = []
        for key in ("down", "down", "down", "down", "up"):
            await lab.pilot.press(key)
            seen.append(words.looked_at.id)
        assert seen == [
            "dead-units",
            "contradictory-targets",
            "insufficient-capacity",
            "insufficient-capacity",
            "contradictory-targets",
        ]
        assert "rows       3, 7" in text_of(words)


async def test_the_neurons_concerned_are_pictured_and_nothing_where_there_are_none():
    async with open_lab(CannedEngine()) as lab:
        await diagnosed(lab)
        picture = lab.app.screen.query_one(HeatmapView)
        assert not picture.display
        await lab.pilot.press("down")
        await lab.pilot.pause()
        assert picture.display
        assert "layer 1" in text_of(picture)
        assert [line.split()[0] for line in lines_of(picture) if "✕" in line] == ["1✕", "2✕", "3✕", "4✕"]


async def test_left_and_right_walk_through_the_cures_and_their_forecasts():
    async with open_lab(CannedEngine()) as lab:
        words = await diagnosed(lab, "down")
        plot = lab.app.screen.query_one(ForkPlot)
        assert words.chosen == plot.forecast == RATE
        await lab.pilot.press("right")
        await lab.pilot.pause()
        assert words.chosen == plot.forecast == REVIVE
        await lab.pilot.press("right", "right")
        await lab.pilot.pause()
        assert words.chosen == plot.forecast == HARMFUL
        assert "treated 6.1e+04" in text_of(plot)
        await lab.pilot.press("left", "left", "left")
        assert words.chosen == RATE


async def test_clicks_choose_a_finding_and_a_cure():
    async with open_lab(CannedEngine()) as lab:
        words = await diagnosed(lab)
        await lab.pilot.click(words, offset=(10, 1))
        assert words.looked_at.id == "dead-units"
        row = next(y for y, line in enumerate(lines_of(words)) if line.strip().startswith("leaky-relu"))
        await lab.pilot.click(words, offset=(10, row))
        assert words.chosen == HARMFUL


async def test_a_click_on_the_health_line_opens_the_diagnosis():
    async with open_lab(CannedEngine()) as lab:
        await lab.pilot.click("#health", offset=(5, 0))
        await lab.until(lambda: isinstance(lab.app.screen, DiagnosisScreen))


async def test_question_mark_opens_the_page_of_the_fault_looked_at():
    async with open_lab(CannedEngine()) as lab:
        await diagnosed(lab, "down", "question_mark")
        assert isinstance(lab.app.screen, FaultScreen)
        assert str(lab.app.screen.query_one(".dialog").border_title) == "dead-units"
        await lab.pilot.press("escape")
        assert isinstance(lab.app.screen, DiagnosisScreen)
        await lab.pilot.press("escape")
        assert lab.app.screen is lab.app.lab


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_has_a_page_that_explains_it(name):
    page = fault_text(name).plain
    assert FAULTS[name].title in page
    assert " ".join(FAULTS[name].help.split()[:8]) in page
    assert "- " not in page.replace(" - ", "")
    assert len(page) > 300
    assert spelled_out(page).count("?") == page.count("?")


@pytest.mark.parametrize("key", ["t", "enter"])
async def test_in_the_diagnosis_t_and_enter_apply_the_chosen_cure(key):
    async with open_lab(CannedEngine()) as lab:
        await diagnosed(lab, "down", "right", key)
        await lab.frame()
        assert lab.app.screen is lab.app.lab
        assert commands_of(lab) == ["reinit-dead"]
        assert lab.message == (
            "treated with reinit-dead: untreated 2.438 → 2.438, treated → 0.031 in 400 epochs"
        )


async def test_in_the_diagnosis_a_harmful_cure_is_applied_at_the_second_press_only():
    async with open_lab(CannedEngine()) as lab:
        words = await diagnosed(lab, "down", "right", "right", "t")
        assert words.chosen == HARMFUL
        assert "This would do harm. t again applies it all the same." in text_of(words)
        assert commands_of(lab) == []
        await lab.pilot.press("t")
        await lab.frame()
        assert commands_of(lab) == ["activation hidden leaky-relu 0.01"]


async def test_d_in_the_diagnosis_investigates_anew():
    engine = CannedEngine()
    async with open_lab(engine) as lab:
        words = await diagnosed(lab)
        engine.diagnosis = make_diagnosis(findings=(make_finding(),), recommended=REVIVE)
        await lab.pilot.press("d")
        await lab.until(lambda: words.diagnosis is engine.diagnosis)
        assert engine.investigated == 2
        assert "Learning rate" not in text_of(words)


async def test_t_applies_the_recommended_cure_marks_the_plot_and_tells_the_gain():
    async with open_lab(CannedEngine(steps_per_frame=200)) as lab:
        await diagnosed(lab, "escape")
        await lab.press("t")
        assert commands_of(lab) == ["set learning-rate 0.003", "reinit-dead"]
        assert "treated, forecast 0.0125" in lab.shown("#loss")
        await lab.press("space")
        frame = await lab.frame()
        (treatment,) = frame.treatments
        assert treatment.epochs_after == 400
        assert f"→ {treatment.loss_after:.3g}, forecast 0.0125" in lab.shown("#loss")
        assert lab.message == treatment.result


async def test_u_takes_the_whole_treatment_back():
    async with open_lab(CannedEngine()) as lab:
        await diagnosed(lab, "escape")
        frame = await lab.press("t", "u")
        assert commands_of(lab) == []
        assert frame.snapshot.dead == 4
        assert frame.treatments == ()


async def test_t_without_a_diagnosis_investigates_first_and_keys_do_not_wait():
    engine = CannedEngine()
    engine.may_end.clear()
    async with open_lab(engine) as lab:
        await lab.press("t")
        assert lab.message == "investigating first; what is then recommended is applied at once"
        assert commands_of(lab) == []
        await lab.press("h")
        assert lab.app.lab.selection.mode == "pre-activations"
        engine.may_end.set()
        await lab.until(lambda: commands_of(lab))
        assert commands_of(lab) == ["set learning-rate 0.003", "reinit-dead"]


@pytest.mark.parametrize("diagnosis", [HEALTHY, NOTHING_CONFIRMED], ids=lambda diagnosis: diagnosis.state)
async def test_t_where_no_cure_is_confirmed_does_nothing_and_says_so(diagnosis):
    engine = CannedEngine()
    engine.diagnosis = diagnosis
    async with open_lab(engine) as lab:
        await lab.press("t")
        await lab.until(lambda: "no cure is confirmed" in lab.message)
        await lab.press("t")
        assert "no cure is confirmed" in lab.message
        assert commands_of(lab) == []
        assert engine.investigated == 1


async def test_of_a_healthy_run_the_diagnosis_says_so():
    engine = CannedEngine()
    engine.diagnosis = HEALTHY
    async with open_lab(engine) as lab:
        words = text_of(await diagnosed(lab))
        assert words.startswith("No symptom.")
        await lab.pilot.press("t", "enter", "right", "down", "question_mark")
        assert isinstance(lab.app.screen, DiagnosisScreen)
        assert commands_of(lab) == []


async def test_an_intervention_ends_what_was_known_and_an_investigation_under_way():
    engine = CannedEngine()
    async with open_lab(engine) as lab:
        await diagnosed(lab, "escape")
        assert lab.app.lab.consultation.diagnosis
        await lab.press("plus")
        assert lab.app.lab.consultation.diagnosis is None
        engine.may_end.clear()
        await lab.press("t", "minus")
        engine.may_end.set()
        await lab.frame()
        assert lab.app.lab.consultation.diagnosis is None
        assert "reinit-dead" not in commands_of(lab)


async def test_a_failed_investigation_is_told_and_harmless():
    engine = CannedEngine()
    engine.failure = "the investigation's process was killed by SIGKILL"
    async with open_lab(engine) as lab:
        await lab.pilot.press("d")
        await lab.until(lambda: lab.app.lab.consultation.failed)
        await lab.frame()
        assert "killed by SIGKILL" in text_of(lab.app.screen.query_one(DiagnosisView))
        await lab.press("escape")
        assert lab.message == engine.failure
        assert lab.app.lab.frame.state == "PAUSED"
        engine.failure = ""
        await diagnosed(lab)


@pytest.mark.parametrize(("key", "cure"), [("r", REVIVE), ("l", HARMFUL)], ids=["r", "l"])
async def test_a_healing_key_that_would_do_harm_warns_with_the_forecast_first(key, cure):
    engine = CannedEngine()
    harm = replace(cure, harmful=True, loss_treated=61_000.0)
    engine.foreseen = (harm,)
    async with open_lab(engine) as lab:
        await diagnosed(lab, "escape")
        await lab.press(key)
        assert commands_of(lab) == []
        assert lab.message.startswith(f"{cure.summary}: that would do harm.")
        assert "untreated 2.438 → 2.438, treated → 6.1e+04 in 400 epochs" in lab.message
        assert lab.message.endswith(f"{key} again does it all the same")
        await lab.press(key)
        assert commands_of(lab) == [cure.command]


async def test_a_healing_key_whose_forecast_is_good_acts_at_once():
    async with open_lab(CannedEngine()) as lab:
        await diagnosed(lab, "escape")
        await lab.press("r")
        assert commands_of(lab) == ["reinit-dead"]


async def test_the_prompt_diagnoses_and_treats_by_name():
    async with open_lab(CannedEngine()) as lab:
        await lab.type("diagnose")
        await lab.until(lambda: isinstance(lab.app.screen, DiagnosisScreen))
        await lab.pilot.press("escape")
        await lab.type("treat reinit-daed")
        assert lab.message == "no cure 'reinit-daed' here; did you mean 'reinit-dead'?"
        await lab.type("treat reinit-dead")
        await lab.frame()
        assert commands_of(lab) == ["reinit-dead"]


async def test_the_palette_offers_the_cure_once_it_is_known():
    async with open_lab(CannedEngine()) as lab:
        from backprop_tui.palette_commands import LabCommands

        provider = LabCommands(lab.app.lab)
        titles = [entry[0] for entry in provider._entries()]
        assert any(title.startswith("Diagnose") for title in titles)
        assert not any(title.startswith("Treat") for title in titles)
        await diagnosed(lab, "escape")
        titles = [entry[0] for entry in provider._entries()]
        assert "Treat with learning-rate-0.003 + reinit-dead" in titles


async def test_a_lab_that_treats_itself_does_until_nothing_is_recommended():
    engine = CannedEngine()
    async with open_lab(engine, watchful=True, treat=True) as lab:
        await lab.until(lambda: commands_of(lab))
        assert commands_of(lab)[:2] == ["set learning-rate 0.003", "reinit-dead"]
        assert lab.app.lab.frame.state == "PAUSED"


async def test_treatments_are_recorded_as_the_commands_they_are(tmp_path):
    record = tmp_path / "events.jsonl"
    async with open_lab(CannedEngine(), log=SessionLog(record)) as lab:
        await diagnosed(lab, "escape")
        await lab.press("t")
    events = [json.loads(line) for line in record.read_text().splitlines()]
    assert [event["command"] for event in events if event["event"] == "command"] == [
        "set learning-rate 0.003",
        "reinit-dead",
    ]


async def test_a_real_investigation_of_the_posted_network_names_the_root_and_its_cure_helps():
    engine = LocalEngine(load_preset("as-posted"), fork_epochs=120, steps_per_frame=120)
    engine.session.pause()
    engine.session.trainer.step(1500)
    async with open_lab(engine) as lab:
        words = await diagnosed(lab)
        assert words.looked_at.id == "wrong-gradient"
        assert "dead-output" in [finding.id for finding in words.diagnosis.confirmed]
        await lab.press("escape", "t", "space")
        frame = await lab.frame()
        (treatment,) = frame.treatments
        assert treatment.loss_after == pytest.approx(treatment.loss_forecast, rel=0.5)
        assert treatment.loss_after < 1 < treatment.loss_before


def test_the_chain_is_a_tree_in_which_every_finding_has_its_place_once():
    findings = make_diagnosis().findings
    assert chain_of(findings) == [(0, 0), (1, 1), (0, 2), (0, 3)]
    turned = (replace(findings[0], cause_of=("dead-units", "nothing")), findings[1])
    assert chain_of(turned) == [(0, 0), (1, 1)]
    circle = (
        replace(findings[0], cause_of=("dead-units",)),
        replace(findings[1], cause_of=("learning-rate-too-high",)),
    )
    assert sorted(number for _, number in chain_of(circle)) == [0, 1]


@pytest.mark.parametrize("most", [-1, 1, 2, 5, 9])
def test_whatever_the_room_the_chosen_place_is_shown(most):
    for chosen in range(7):
        shown = window(chosen, 7, most)
        assert chosen in shown
        assert len(shown) == min(max(most, 1), 7)


def test_evidence_in_words():
    numbers = {"dead": 4, "largest_input": 1234567.0, "ratio": 0.123456, "rate": float("inf")}
    assert list(evidence_items(numbers)) == [
        "dead 4",
        "largest input 1.23457e+06",
        "ratio 0.1235",
        "rate not finite",
    ]
    assert units_text([(1, 2), (1, 4), (2, 1)]) == "layer 1: 2, 4; layer 2: 1"
    assert units_text([(1, n) for n in range(1, 20)]).endswith("12 and 7 more")
    assert rows_text(range(1, 20)).endswith("12 and 7 more")


@pytest.mark.parametrize("loss", [0.0, -1.0, float("inf"), float("nan"), 1e300])
async def test_a_forecast_of_any_loss_is_drawn(loss):
    curve = make_forecast().treated
    odd = make_forecast(loss=1.0, loss_treated=loss)
    odd = replace(odd, treated=replace(curve, losses=(2.438, *[loss] * 24)))
    plot = ForkPlot()
    async with on_stage(plot, width=40, height=12):
        plot.show(odd)
        assert "untreated 2.438" in text_of(plot)
        plot.show(None)
        assert text_of(plot).strip() == "no cure was tried"


async def test_both_forks_are_drawn_in_inks_of_their_own():
    plot = ForkPlot()
    async with on_stage(plot, width=40, height=12):
        plot.show(REVIVE)
        inks = set(canvas_of(plot).inks[2:].flatten().tolist())
    from backprop_tui.palette import Ink

    assert {Ink.TRAINING, Ink.MARK} <= inks


async def test_commands_that_change_the_run_in_between_make_a_treatment_impossible_and_say_so():
    async with open_lab(CannedEngine()) as lab:
        await diagnosed(lab, "escape")
        version = lab.app.lab.consultation.version
        lab.session.command(SetOption("learning-rate", 0.01))
        lab.app.lab.job(lambda: lab.app.lab._apply_to(version, REVIVE))
        await lab.frame()
        assert "the run has been changed since this was measured" in lab.message
        lab.session.command(Step(1))
        assert ReinitDead() not in lab.trainer.journal
