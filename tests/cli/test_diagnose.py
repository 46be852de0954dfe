"""``backprop-tui diagnose``: exit codes, report, events; and its like in scripts and headless runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from backprop_core.diagnosis import FAULTS
from backprop_tui.cli import main

ILL = ("dying-relu", "--epochs", "600")
WELL = ("xor", "--epochs", "600")


def events(capsys, *words):
    code = main(list(words))
    out, err = capsys.readouterr()
    assert err == ""
    return code, [json.loads(line) for line in out.splitlines()]


def of_kind(found, kind):
    return [event for event in found if event["event"] == kind]


def test_a_healthy_experiment_is_told_so_with_exit_code_0(capsys):
    assert main(["diagnose", *WELL]) == 0
    out, _ = capsys.readouterr()
    assert "No fault found in 600 epochs" in out


def test_findings_come_as_events_root_first_with_exit_code_1(capsys):
    code, found = events(capsys, "diagnose", *ILL, "--json")
    assert code == 1
    assert [event["event"] for event in found[:2]] == ["start", "snapshot"]
    assert [event["event"] for event in found[-2:]] == ["snapshot", "end"]
    assert found[-1]["reason"] == "diagnosis"
    root = of_kind(found, "finding")[0]
    assert root["id"] == "learning-rate-too-high"
    assert set(root) >= {"id", "step", "severity", "summary", "evidence", "cause_of", "cures"}
    assert root["confirmed"]
    assert all(isinstance(value, int | float) or value is None for value in root["evidence"].values())
    cure = root["cures"][0]
    assert set(cure) >= {"id", "command", "confirmed", "loss_untreated", "loss_treated"}
    assert cure["confirmed"]
    assert cure["loss_treated"] < cure["loss_untreated"]
    assert all(event["id"] in FAULTS for event in of_kind(found, "finding"))


def test_treatment_goes_on_to_the_last_epoch_and_ends_where_it_was_forecast(capsys):
    code, found = events(capsys, "diagnose", *ILL, "--treat", "--json")
    assert code == 1
    assert found[-1]["epoch"] == 600
    cure = of_kind(found, "finding")[0]["cures"][0]
    assert "; ".join(event["command"] for event in of_kind(found, "command")) == cure["command"]
    assert found[-1]["loss"] == pytest.approx(cure["loss_treated"], rel=0.3)


def test_what_treatment_did_replays_as_a_script(capsys, tmp_path):
    _, found = events(capsys, "diagnose", *ILL, "--treat", "--json")
    done = of_kind(found, "command")
    script = tmp_path / "heal.txt"
    script.write_text(
        f"run {done[0]['step']} steps\n"
        + "; ".join(event["command"] for event in done)
        + f"\nrun {600 - done[0]['step']} epochs\n"
    )
    code, replayed = events(capsys, "run", *ILL, "--headless", "--script", str(script))
    assert code == 0
    assert replayed[-1]["parameters_sha256"] == found[-1]["parameters_sha256"]


def test_every_process_comes_to_the_same_diagnosis():
    """Sets of texts are in another order in every process: none may decide anything."""

    def printed(hash_seed: str) -> bytes:
        command = [sys.executable, "-m", "backprop_tui", "diagnose", *ILL, "--treat", "--json"]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        return subprocess.run(command, env=environment, capture_output=True, check=False).stdout

    first = printed("1")
    assert b"finding" in first
    assert printed("2") == first


def test_the_report_gives_before_and_after(capsys):
    assert main(["diagnose", *ILL, "--treat"]) == 1
    out, _ = capsys.readouterr()
    for part in (
        "1. Learning rate too high",
        "seen",
        "why",
        "measured",
        "Treated at step",
        "After 600 epochs",
    ):
        assert part in out
    assert max(map(len, out.splitlines())) <= 100


def test_bad_input_is_one_line_and_exit_code_2(capsys):
    assert main(["diagnose", "no-such-preset"]) == 2
    assert main(["diagnose", "xor", "--epochs", "many"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 2


class TestInARun:
    def test_scripts_diagnose_and_treat(self, capsys, tmp_path):
        script = tmp_path / "script.txt"
        script.write_text("run 60 epochs\ndiagnose\ntreat\nrun 540 epochs\nexpect loss < 0.02\n")
        code, found = events(capsys, "run", *ILL, "--headless", "--script", str(script))
        assert code == 0
        commands = [event["command"] for event in of_kind(found, "command")]
        assert commands[1] == "diagnose"
        assert "treat" not in commands
        assert {event["id"] for event in of_kind(found, "finding")} >= {"learning-rate-too-high"}

    def test_treating_a_healthy_run_does_nothing(self, capsys, tmp_path):
        script = tmp_path / "script.txt"
        script.write_text("run 300 epochs\ntreat\n")
        code, found = events(capsys, "run", *WELL, "--headless", "--script", str(script))
        assert code == 0
        assert of_kind(found, "command")[-1]["command"] == "treat"
        assert not of_kind(found, "finding")

    def test_a_cure_that_is_not_there_is_bad_input(self, capsys, tmp_path):
        script = tmp_path / "script.txt"
        script.write_text("run 60 epochs\ntreat magic\n")
        assert main(["run", *ILL, "--headless", "--quiet", "--script", str(script)]) == 2
        assert "script.txt, line 2: no cure 'magic'" in capsys.readouterr().err

    def test_treat_as_an_option_heals_on_the_way(self, capsys):
        code, found = events(capsys, "run", *ILL, "--headless", "--treat")
        assert code == 0
        assert of_kind(found, "command")
        assert found[-1]["loss"] < 0.02

    def test_treat_as_an_option_is_for_runs_without_a_script(self, capsys):
        assert main(["run", *ILL, "--headless", "--treat", "--script", "x.txt"]) == 2
        assert "--treat goes without --script" in capsys.readouterr().err
