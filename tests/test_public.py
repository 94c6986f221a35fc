"""``import tuner``: the three lines of the README, in a script without a main guard."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import tuner
from tuner.errors import RequestError

STUDY = """
title = "Which of two springs is it?"
dataset = { csv = "springs.csv", target = "spring" }
model = "mlp"
objective = { metric = "accuracy", direction = "maximize" }
budget = { n_trials = 3 }
pruner = { name = "nop" }

[search_space.units]
type = "int"
low = 4
high = 16

[search_space.learning_rate]
type = "float"
low = 0.01
high = 0.1
log = true

[search_space.epochs]
type = "int"
low = 10
high = 10
"""
SCRIPT = """
import json

import numpy as np

import tuner

result = tuner.run("springs.toml", n_trials=3, workers=1)
bundle = tuner.train(result.best, "model/")
loaded = tuner.load("springs")
rows = np.array([[5.0, 10.0], [50.0, 10.0]], dtype="float32")  # raw: scaling is in the model
print(json.dumps({
    "params": dict(result.best.params),
    "states": [trial.state for trial in result.trials],
    "probabilities": bundle.predict(rows).tolist(),
    "again": tuner.load_bundle("model").predict(rows).tolist(),
    "best": [result.best.number, loaded.best.number],
    "types": [type(result).__name__, type(loaded).__name__],
    "endings": [[one.ending, one.n_workers] for one in (result, loaded)],
}))
"""


@pytest.fixture
def springs(tmp_path: Path) -> Path:
    """A folder with a small study on a user's table: soft springs stretch further."""
    rows = [
        f"{i % 20 + 40 * (i % 2)},{i % 7 + 7},{'soft' if i % 2 else 'hard'}" for i in range(120)
    ]
    (tmp_path / "springs.csv").write_text("\n".join(["stretch,weight,spring", *rows]))
    (tmp_path / "springs.toml").write_text(STUDY)
    return tmp_path


@pytest.mark.slow
def test_three_lines_run_read_and_train(springs: Path) -> None:
    (springs / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "script.py"], capture_output=True, text=True, cwd=springs, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert answer["states"] == ["complete"] * 3
    assert set(answer["params"]) == {"units", "learning_rate", "epochs"}
    assert answer["again"] == answer["probabilities"]
    assert answer["best"][0] == answer["best"][1]
    assert answer["types"] == ["StudyResult", "StudyResult"]
    assert answer["endings"] == [["done", 1], ["done", None]]
    (first, second) = answer["probabilities"]
    assert first[0] > first[1], "the spring that stretches little is the hard one"
    assert second[1] > second[0]
    assert sorted(path.name for path in (springs / "model").iterdir()) == [
        "MODEL.md",
        "bundle.json",
        "model.keras",
    ]


def test_every_public_name_exists() -> None:
    for name in tuner.__all__:
        assert getattr(tuner, name).__doc__
    with pytest.raises(AttributeError, match=r"module 'tuner' has no attribute 'rum'"):
        _ = tuner.rum  # type: ignore[attr-defined]


def test_every_error_is_a_tuner_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(tuner.TunerError, match=r'no study "wien"; did you mean wine\?'):
        tuner.run("wien")
    with pytest.raises(tuner.TunerError, match=r"there is no database tuner\.db yet"):
        tuner.load("wine")
    with pytest.raises(tuner.TunerError, match=r"best\.toml does not exist"):
        tuner.train("best.toml", "model")
    with pytest.raises(RequestError, match=r"--n-trials is the total wanted.*: give one"):
        tuner.run("wine", n_trials=3, more=2)
    assert list(tmp_path.iterdir()) == []
