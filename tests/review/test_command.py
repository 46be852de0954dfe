"""The command ``review``: exit codes, the object, and what it leaves alone."""

from __future__ import annotations

import json

import pytest

from backprop_tui.cli import main

CORRECT = """
import sys
import numpy as np

def train(epochs):
    W = np.random.randn(3, 2) * 0.5
    b = np.zeros(2)
    for epoch in range(epochs):
        p = 1 / (1 + np.exp(-(X @ W + b)))
        loss = np.mean((p - Y) ** 2)
        if epoch % 100 == 0:
            print("noise" * 200, loss)
            open("log.txt", "a").write("line")
        delta = 2 * (p - Y) / Y.size * p * (1 - p)
        W -= lr * X.T @ delta
        b -= lr * delta.sum(axis=0)
    return W

if __name__ == "__main__":
    np.random.seed(0)
    import matplotlib.pyplot as plt
    X, Y = np.random.randn(8, 3), np.random.rand(8, 2)
    lr = float(sys.argv[1]) if len(sys.argv) > 1 else 0.5
    train(200)
    plt.plot([1, 2]); plt.show()
"""
WRONG = CORRECT.replace("W -= lr", "W += lr").replace("b -= lr", "b += lr")
HALF = CORRECT.replace("delta = 2 * ", "delta = ")


def run(capsys, tmp_path, monkeypatch, source, *words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(source)
    code = main(["review", "net.py", *words])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_correct_script_exits_with_0_and_its_files_are_left_alone(capsys, tmp_path, monkeypatch):
    code, out, err = run(capsys, tmp_path, monkeypatch, CORRECT, "--json")
    told = json.loads(out)
    assert code == 0
    assert told["reviewed"] is True
    assert told["mistakes"] == told["warnings"] == []
    assert {part["name"]: part["verdict"] for part in told["parameters"]} == {"W": "correct", "b": "correct"}
    assert told["loss"] == {"name": "loss", "line": 10}
    assert "executing" in err
    assert [path.name for path in tmp_path.iterdir()] == ["net.py"]


def test_a_mistake_exits_with_1_and_has_all_keys(capsys, tmp_path, monkeypatch):
    code, out, _ = run(capsys, tmp_path, monkeypatch, WRONG, "--json")
    mistake = json.loads(out)["mistakes"][0]
    assert code == 1
    assert (mistake["id"], mistake["layer"], mistake["line"]) == ("sign-flipped", None, 15)
    assert mistake["parameters"] == ["W", "b"]
    assert mistake["correction"] == "W -= lr * X.T @ delta"
    assert set(mistake) == {
        "id",
        "layer",
        "line",
        "parameters",
        "explanation",
        "correction",
        "confidence",
        "alternatives",
    }


def test_a_harmless_factor_is_a_warning(capsys, tmp_path, monkeypatch):
    code, out, _ = run(capsys, tmp_path, monkeypatch, HALF, "--json")
    told = json.loads(out)
    assert (code, told["mistakes"]) == (0, [])
    assert [warning["id"] for warning in told["warnings"]] == ["factor-of-two"]


def test_the_report_for_people_says_that_the_script_is_executed_and_what_was_compared(
    capsys, tmp_path, monkeypatch
):
    code, out, err = run(capsys, tmp_path, monkeypatch, WRONG)
    assert code == 1
    assert "executing net.py" in err
    assert "Sign flipped" in out
    assert "Compared at" in out


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = (\n", "no Python"),
        ("print('hello')\n", "no loop"),
        ("for i in range(3):\n    print(i)\n", "no loop was found whose iterations update weights"),
        ("import numpy as np\nfor i in range(3):\n    raise RuntimeError('\\x1b[2Jboom')\n", "line 3"),
    ],
)
def test_what_cannot_be_reviewed_is_said_with_the_reason_and_exit_code_2(
    capsys, tmp_path, monkeypatch, source, said
):
    code, out, _ = run(capsys, tmp_path, monkeypatch, source, "--json")
    told = json.loads(out)
    assert code == 2
    assert told["reviewed"] is False
    assert said in told["reason"]
    assert "\x1b" not in told["reason"]


def test_a_script_that_never_comes_to_its_loop_is_stopped(capsys, tmp_path, monkeypatch):
    code, out, _ = run(
        capsys, tmp_path, monkeypatch, "import time\ntime.sleep(1000)\n", "--json", "--timeout", "0.5"
    )
    assert code == 2
    assert "--timeout" in json.loads(out)["reason"]


def test_no_such_file_is_one_line(capsys):
    assert main(["review", "/nonexistent.py"]) == 2
    err = capsys.readouterr().err
    assert "/nonexistent.py" in err
