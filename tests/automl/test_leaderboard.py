"""The leaderboard as people read it, and the models that a bundle is made of."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna
import pytest

from tuner.automl.automl_request import AutoMLRequest
from tuner.automl.clock import Clock
from tuner.automl.ensemble import Judge
from tuner.automl.finishing import chosen, remove_others
from tuner.automl.leaderboard import Row, leaderboard_text
from tuner.spec import Objective
from tuner.storage.database import Database
from tuner.trials.trial_outputs import write_outputs

ROWS = [
    Row("realmlp", 7, 0.97, 0.01, 13.0, 0.004, 0.75, 3),
    Row("extra_trees", 2, 0.95, None, 4.0, 1.5, 0.0, 1),
]
BASELINE = {"predicts": "the class frequencies", "value": 0.5}


def test_leaderboard_stands_beside_the_trivial_predictor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = leaderboard_text([row.to_dict() for row in ROWS], "roc_auc", BASELINE)
    lines = [line.split() for line in text.splitlines()]
    assert lines[0] == ["learner", "roc_auc", "fit", "predict", "share", "trials"]
    assert lines[2] == ["realmlp", "0.9700", "±", "0.0100", "13", "s", "4", "ms", "75%", "3"]
    assert lines[3] == ["extra_trees", "0.9500", "4", "s", "1.5", "s", "1"]
    assert lines[4] == ["(the", "class", "frequencies)", "0.5000"]
    assert max(map(len, text.splitlines())) <= 80


def test_error_that_is_not_known_is_none_in_json() -> None:
    row = Row("realmlp", 7, 0.97, float("nan"), 13.0, 0.004, 0.75, 3)
    assert row.to_dict()["error"] is None


def test_time_for_trials_leaves_some_for_the_bundle() -> None:
    clock = Clock(60.0)
    assert 30.0 <= clock.left_for_trials(1_000) < 56.0
    assert clock.left_for_trials(1_000_000) < clock.left_for_trials(1_000)
    over = Clock(60.0, started=0.0)  # in 1970
    assert over.is_over
    assert over.left_for_trials(1_000) > 0


def test_only_candidates_keep_their_models(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/tuner.db")
    try:
        study = optuna.create_study(storage=database.storage, study_name="s")
        for _ in range(3):
            trial = study.ask()
            left = write_outputs(trial, database, str(tmp_path / "left"), np.zeros(2), [])
            database.write_attrs(trial._trial_id, {"outputs": left})
            study.tell(trial, 0.5)
        remove_others(study, {1}, str(tmp_path / "left"), Clock(60.0, started=0.0))
        assert len(list((tmp_path / "left").iterdir())) == 3  # there was no time
        remove_others(study, {1}, str(tmp_path / "left"), Clock(60.0))
        remove_others(study, {1}, str(tmp_path / "left"), Clock(60.0))
        assert [file.name[:4] for file in (tmp_path / "left").iterdir()] == ["s-1-"]
    finally:
        database.close()


def candidates() -> tuple[list[Any], np.ndarray[Any, Any]]:
    """Three models: the best, one that is as good but for its noise and fast, and a bad one."""
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 400).astype(np.float32)
    scores = y * 2 - 1 + random.normal(0, 1, 400)
    worse = scores + random.normal(0, 0.05, 400)

    def one(scores: np.ndarray[Any, Any], predict_s: float) -> SimpleNamespace:
        p = 1 / (1 + np.exp(-scores))
        predictions = np.stack([1 - p, p], axis=1)
        value = judge().value(y, predictions)
        return SimpleNamespace(
            predictions=predictions, value=value, outputs=SimpleNamespace(predict_s=predict_s)
        )

    made = [one(scores, 3.0), one(worse, 0.1), one(random.normal(0, 1, 400), 0.01)]
    return made, y


def judge() -> Judge:
    return Judge("binary", Objective(metric="roc_auc", direction="maximize"))


@pytest.mark.parametrize(("option", "position"), [("single", 0), ("fast", 1)])
def test_single_takes_the_best_and_fast_the_fastest_that_is_as_good(
    option: str, position: int
) -> None:
    found, y = candidates()
    request = AutoMLRequest(data="a.csv", target="y", out="m", **{option: True})
    ensemble = chosen(found, y, judge(), 0, request, Clock(60.0))
    assert ensemble.weights == {position: 1.0}


def test_ensemble_has_weights_that_sum_to_one() -> None:
    found, y = candidates()
    request = AutoMLRequest(data="a.csv", target="y", out="m")
    ensemble = chosen(found, y, judge(), 0, request, Clock(60.0))
    assert sum(ensemble.weights.values()) == pytest.approx(1.0)
    assert 2 not in ensemble.weights
