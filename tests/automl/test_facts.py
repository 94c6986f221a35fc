"""What is computed of an ensemble at the end, against what is known of the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tuner.automl import facts
from tuner.automl.ensemble import Judge
from tuner.bundle.members import Members, Voter
from tuner.data import Development, SealedData, Split, Splits
from tuner.learners.base import Fitted
from tuner.spec import Objective

RMSE = Judge("regression", Objective(metric="rmse", direction="minimize"))
LOG_LOSS = Judge("binary", Objective(metric="log_loss", direction="minimize"))


class Formula(Fitted):
    """Three times the first column, and the second; the third does not matter."""

    def predict(self, x: Any) -> Any:
        return 3 * x[:, 0] + x[:, 1]

    def save(self, folder: Path) -> None:
        raise NotImplementedError


class Surely(Formula):
    """Probabilities by the first column."""

    def predict(self, x: Any) -> Any:
        second = np.clip(x[:, 0], 0.01, 0.99)
        return np.stack([1 - second, second], axis=1)


def data_of(task: str, rows: int = 400) -> SealedData:
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 1, (rows, 3)).astype(np.float32)
    if task == "regression":
        y = 3 * x[:, 0] + x[:, 1] + rng.normal(0, 0.1, rows)
    else:
        y = rng.uniform(0, 1, rows) < x[:, 0]
    parts = [Split(x[i::4], y[i::4].astype(np.float32)) for i in range(4)]
    train = Split(
        np.concatenate([parts[0].x, parts[1].x]), np.concatenate([parts[0].y, parts[1].y])
    )
    return Splits(
        train,
        parts[2],
        parts[3],
        task=task,
        feature_names=("a", "b", "c"),  # type: ignore[arg-type]  # of Task
    ).sealed()


def folds_of(data: Development) -> list[Any]:
    return [np.arange(len(data.rows))[i::2] for i in range(2)]


def facts_of(
    data: SealedData, model: Fitted, judge: Judge, seconds: float = 60.0
) -> dict[str, Any]:
    members = Members([Voter([model, model])])
    folds = folds_of(data.development)
    predictions = members.held_out(data.development.rows.x, folds)
    return facts.facts(members, data, folds, predictions, judge, seed=0, seconds=seconds)


def test_facts_of_a_quantity() -> None:
    data = data_of("regression")
    found = facts_of(data, Formula(), RMSE)
    low, high = found["scores"]["test_interval"]["rmse"]
    assert low < found["scores"]["test"]["rmse"] < high
    assert found["scores"]["test"]["rmse"] == pytest.approx(0.1, abs=0.03)
    assert found["baseline"]["test"]["rmse"] > 0.8
    assert list(found["scores"]["test"]) == ["rmse", "r2", "mse", "mae"]
    assert found["baseline"]["predicts"].startswith("always the mean, ")
    assert found["baseline"]["predicts_for"]["mae"].startswith("always the median, ")
    assert [one["column"] for one in found["importance"]] == ["a", "b", "c"]
    assert found["importance"][0]["loss"] > found["importance"][1]["loss"] > 0.1
    assert found["importance"][2] == {"column": "c", "loss": 0.0, "error": 0.0}
    assert sum(one["rows"] for one in found["residuals"]) == len(data.development.rows)
    for one in found["intervals"]:
        assert one["coverage"] == pytest.approx(one["level"], abs=0.12)
    assert [len(cells) for cells in found["background"].values()] == [30, 30, 30]
    assert data.sealed_test.openings == [("tuner automl", "score the ensemble")]


def test_facts_of_classes() -> None:
    data = data_of("binary")
    found = facts_of(data, Surely(), LOG_LOSS)
    assert np.sum(found["confusion"]) == len(data.development.rows)
    assert found["confusion"][0][0] > found["confusion"][0][1]
    off = [abs(one["predicted"] - one["observed"]) for one in found["calibration"]]
    assert np.mean(off) < 0.12
    assert "intervals" not in found
    assert list(found["scores"]["test"]) == ["log_loss", "accuracy", "precision", "recall"]
    assert found["baseline"]["predicts"] == "the class frequencies"


def test_importance_ends_when_its_time_is_over() -> None:
    data = data_of("regression")
    assert "importance" not in facts_of(data, Formula(), RMSE, seconds=0.0)
    assert facts_of(data, Formula(), RMSE, seconds=1e-9)["importance"] == []


def test_rows_that_no_fold_holds_out_are_left_out() -> None:
    data = data_of("regression")
    members = Members([Voter([Formula()])])
    late = [np.arange(len(data.development.rows))[-40:]]
    predictions = members.held_out(data.development.rows.x, late)
    found = facts.facts(members, data, late, predictions, RMSE, seed=0, seconds=60.0)
    assert sum(one["rows"] for one in found["residuals"]) == 40


def test_score_that_is_not_defined_for_the_test_rows_is_not_a_number() -> None:
    data = data_of("binary")
    data.sealed_test.open("test", "change")
    auc = Judge("binary", Objective(metric="roc_auc", direction="maximize"))
    test = Split(np.zeros((4, 3), np.float32), np.zeros(4, np.float32))
    rows = data.development.rows
    predicted = Surely().predict(rows.x)
    found = facts.scores(data, auc, rows.y, predicted, test, Surely().predict(test.x), 0)
    assert np.isnan(found["scores"]["test"]["roc_auc"])
    assert "roc_auc" not in found["scores"]["test_interval"]
