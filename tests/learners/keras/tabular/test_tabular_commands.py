"""Studies of RealMLP and TabM over a mixed table, through every command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from commands import Command
from net_tables import frame

from tuner.bundle import load_bundle

STUDY = """
dataset = {{ csv = "rows.csv", target = "size" }}
model = "{model}"
objective = {{ metric = "log_loss", direction = "minimize" }}
budget = {{ n_trials = 3 }}
{validation}

[search_space]
learning_rate = {{ type = "float", low = 0.01, high = 0.1, log = true }}

[fixed]
units = 16
n_layers = 1
epochs = 10
batch_size = 32
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a mixed table of three classes."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    rows = frame(300, random)
    quantity = rows["number"] + (rows["few"] == "a") + random.normal(0, 0.2, 300)
    rows["size"] = pd.cut(quantity, [-np.inf, 0, 0.8, np.inf], labels=["small", "middle", "large"])
    rows.to_csv("rows.csv", index=False)
    return tmp_path


def run(command: Command, folder: Path, model: str, validation: str, *more: str) -> dict[str, Any]:
    (folder / "nets.toml").write_text(STUDY.format(model=model, validation=validation))
    answer = command("run", "nets.toml", "--workers", "1", "--json", *more)
    assert answer.status == 0, answer.err
    found: dict[str, Any] = json.loads(answer.out)
    assert found["trials"]["fail"] == 0, answer.err
    return found


@pytest.mark.parametrize("model", ["realmlp", "tabm"])
@pytest.mark.parametrize("validation", ["", "validation = { folds = 3 }"])
def test_study_goes_through_every_command(
    model: str, validation: str, folder: Path, command: Command
) -> None:
    run(command, folder, model, validation, "--n-trials", "2")
    result = run(command, folder, model, validation)  # resumed
    assert result["trials"]["complete"] + result["trials"]["pruned"] == 3
    assert result["best"]["value"] < 1.0
    assert command("export", "nets.toml", "-o", "best.toml").status == 0
    trained = command("train", "best.toml", "-o", "model", "--json")
    assert trained.status == 0, trained.err
    document = json.loads(trained.out)
    assert document["scores"]["test"]["log_loss"] < document["baseline"]["log_loss"] - 0.2
    rows = pd.read_csv("rows.csv").drop(columns="size")
    rows["few"] = rows["few"].where(rows.index > 3, "unseen")
    rows[rows.columns[::-1]].assign(more=1).to_csv("new.csv", index=False)
    predicted = command("predict", "model", "new.csv", "-o", "out.csv")
    assert predicted.status == 0, predicted.err
    found = pd.read_csv("out.csv")
    assert len(found) == 300
    assert set(found["prediction"]) <= {"small", "middle", "large"}
    assert load_bundle("model").info["learner"] == "tensorflow"


def test_replay_of_a_trial_with_folds_has_its_value(folder: Path, command: Command) -> None:
    run(command, folder, "realmlp", "validation = { folds = 3 }")
    answer = command("trials", "nets.toml", "--format", "json")
    values = [trial["value"] for trial in json.loads(answer.out)]
    run(command, folder, "realmlp", "validation = { folds = 3 }", "--storage", "sqlite:///again.db")
    again = command("trials", "nets.toml", "--format", "json", "--storage", "sqlite:///again.db")
    assert [trial["value"] for trial in json.loads(again.out)] == values


def test_script_is_refused(folder: Path, command: Command) -> None:
    run(command, folder, "realmlp", "", "--n-trials", "1")
    answer = command("export", "nets.toml", "-o", "best.py")
    answer.refused(2, "cannot be written as a script; export NAME.toml or NAME.json instead")
