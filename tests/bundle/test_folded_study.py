"""A study with folds from its file to a bundle, and on two workers of a server."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from commands import Command
from processes import WAIT_SECONDS, program, running
from servers import Postgres

from tuner.data import load
from tuner.spec import CsvDataset
from tuner.storage.database import Database
from tuner.trials.trial_outputs import outputs_of, read_out_of_fold

STUDY = """
dataset = { csv = "cats.csv", target = "weight" }
model = "hist_gradient_boosting"
duplicates = "repeat"
objective = { metric = "rmse", direction = "minimize" }
budget = { n_trials = 3 }
pruner = { name = "nop" }
early_stopping = { patience = 3 }
validation = { folds = 3, keep = true }
[search_space.max_iter]
type = "int"
low = 20
high = 40
"""


def write(folder: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 2))
    rows = [f"{a:.4f},{b:.4f},{2 * a - b:.4f}" for a, b in x]
    (folder / "cats.csv").write_text("\n".join(["a,b,weight", *rows]) + "\n")
    (folder / "cats.toml").write_text(STUDY)


@pytest.mark.slow
def test_study_with_folds_is_shown_exported_and_trained(tmp_path: Path, command: Command) -> None:
    write(tmp_path)
    answer = command("run", "cats.toml", "--workers", "1")
    assert answer.status == 0, answer.err
    assert " over 3 folds, iteration " in answer.out
    assert " over 3 folds: always the mean, " in answer.out
    assert command("trials", "cats").out.split()[:4] == ["trial", "state", "rmse", "folds"]
    rows = json.loads(command("trials", "cats", "--trial", "0", "--json").out)
    assert [row["fold"] for row in rows] == [1, 2, 3]
    best = json.loads(command("best", "cats", "--json").out)["best"]
    assert 1 <= best["epoch"] <= 40

    check_predictions(f"sqlite:///{tmp_path / 'tuner.db'}", tmp_path, "tuner.db-checkpoints")

    assert command("export", "cats", "-o", "best.toml").status == 0
    exported = tomllib.loads((tmp_path / "best.toml").read_text())
    assert (exported["folds"], exported["epochs"]) == (3, best["epoch"])
    assert f"rmse {best['value']:.4g}"[:8] in (tmp_path / "best.toml").read_text()
    trained = command("train", "best.toml", "-o", "model")
    assert trained.status == 0, trained.err
    assert "rmse over 3 folds, in the search" in trained.out
    words = f"{best['epoch']} iterations (the mean of the best iterations of the trial's 3 folds)"
    assert words in (tmp_path / "model" / "MODEL.md").read_text()
    predicted = command("predict", "model", "cats.csv").out.splitlines()
    assert (predicted[0], len(predicted)) == ("prediction", 121)


def check_predictions(url: str, folder: Path, location: str) -> None:
    """Compares the values of the trials with what they have left."""
    database = Database(url)
    try:
        trials = database.study("cats").trials
        y = load(CsvDataset(csv="cats.csv", target="weight"), folder).development.rows.y
        for trial in trials:
            found = outputs_of(trial)
            assert found is not None
            assert found.models == 3
            predicted = read_out_of_fold(str(folder / location), trial)
            assert trial.value == pytest.approx(float(np.sqrt(np.mean((y - predicted) ** 2))), 1e-5)
        assert len(trials) == len(list((folder / location).iterdir())) == 3
    finally:
        database.close()


@pytest.mark.slow
def test_folded_study_is_run_by_workers_of_a_server(
    tmp_path: Path, command: Command, server: Postgres
) -> None:
    write(tmp_path)
    url = server.new_database()
    submitted = command("submit", "cats.toml", "--storage", url)
    assert submitted.status == 0, submitted.err
    words = ["--storage", url, "--workers", "2", "--until-done", "--checkpoints", "kept"]
    worker = [*program("tuner"), "worker", *words, "--data-root", str(tmp_path)]
    with running(worker, tmp_path) as process:
        _, error = process.communicate(timeout=2 * WAIT_SECONDS)
    assert process.returncode == 0, error
    check_predictions(url, tmp_path, "kept")
