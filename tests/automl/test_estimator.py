"""AutoML as an estimator of scikit-learn, in this process for few rows, else by a study."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

import tuner
from tuner import AutoML

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
CLASSES = np.where(X[:, 0] + 0.3 * X[:, 1] > 0, "yes", "no")
PRICES = 3 * X[:, 0] + X[:, 1]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Skipping check check_array_api_input")
@parametrize_with_checks([AutoML(), AutoML(task="classification"), AutoML(task="regression")])
def test_estimator_keeps_the_rules_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


def test_classes_are_predicted_by_their_own_names() -> None:
    model = AutoML().fit(X, CLASSES)
    assert model.task_ == "classification"
    assert model.classes_.tolist() == ["no", "yes"]
    assert model.score(X, CLASSES) > 0.9
    shares = model.predict_proba(X)
    assert shares.shape == (60, 2)
    assert (model.classes_[shares.argmax(axis=1)] == model.predict(X)).all()
    assert set(model.leaderboard_["learner"]) > {"linear_model", "extra_trees"}
    assert model.leaderboard_["share"].sum() == pytest.approx(1)
    assert is_classifier(AutoML(task="classification"))
    assert is_classifier(model)


def test_quantity_is_predicted() -> None:
    model = AutoML(random_state=1).fit(X, PRICES)
    assert model.task_ == "regression"
    assert model.score(X, PRICES) > 0.95
    assert not hasattr(model, "predict_proba")
    assert not hasattr(model, "classes_")
    assert is_regressor(model)


@pytest.mark.parametrize(
    ("y", "task"),
    [
        (np.arange(60) % 20, "classification"),
        (np.arange(60) % 21, "regression"),
        (np.arange(60) % 3 / 2, "regression"),
        (np.arange(60) % 2.0, "classification"),
        ((np.arange(60) % 25).astype(str), "classification"),
        (np.arange(60) % 2 == 0, "classification"),
    ],
)
def test_task_follows_from_the_target_as_in_a_file(y: np.ndarray, task: str) -> None:
    model = AutoML()
    model._read_target(y)
    assert model.task_ == task


@pytest.mark.slow
def test_the_same_seed_gives_the_same_model() -> None:
    one, two = (AutoML(random_state=3).fit(X, CLASSES).predict_proba(X) for _ in range(2))
    np.testing.assert_array_equal(one, two)


def mixed(rows: int = 60) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "size": np.where(RNG.uniform(size=rows) < 0.2, np.nan, X[:rows, 0]),
            "color": pd.Categorical(RNG.choice(["red", "green", "blue"], rows)),
            "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(rows), unit="D"),
            "sold": X[:rows, 1] > 0,
        }
    )


def test_frame_may_have_categories_gaps_and_dates() -> None:
    frame = mixed()
    y = 2.0 * (frame["color"] == "red") + np.nan_to_num(frame["size"])
    model = AutoML().fit(frame, y)
    assert model.feature_names_in_.tolist() == list(frame)
    assert model.score(frame, y) > 0.7
    unseen = frame.assign(color="violet", size=np.nan)
    assert np.isfinite(model.predict(unseen)).all()
    assert (
        pickle.loads(pickle.dumps(model)).predict(frame).tolist() == model.predict(frame).tolist()
    )
    assert cross_val_score(clone(model), frame, y, cv=2).shape == (2,)


def test_class_of_one_row_needs_no_fold() -> None:
    y = np.array(["a"] * 30 + ["b"] * 29 + ["c"])
    model = AutoML().fit(X, y)
    assert model.predict_proba(X).shape == (60, 3)
    assert model.leaderboard_["value"].isna().all()


@pytest.mark.parametrize(
    ("params", "y", "said"),
    [
        ({"metric": "accurcy"}, CLASSES, r"metric accurcy: .*did you mean accuracy\?"),
        ({"metric": "roc_auc"}, PRICES, "roc_auc is not for a regression task"),
        ({"task": "clustering"}, CLASSES, 'task must be "classification", "regression" or None'),
        ({"time": "soon"}, CLASSES, 'must be a duration, but got "soon"'),
        ({}, np.repeat("a", 60), "y has one class, .*: there is nothing to learn"),
        ({}, None, "requires y to be passed"),
    ],
)
def test_what_cannot_be_fitted_is_a_value_error(params: dict[str, Any], y: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        AutoML(**params).fit(X, y)


def test_missing_column_is_a_value_error() -> None:
    frame = mixed()
    model = AutoML().fit(frame, PRICES)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame.drop(columns="size"))


@pytest.mark.slow
def test_longer_time_runs_a_study() -> None:
    frame = mixed().assign(also=X[:, 2])
    model = tuner.AutoML(time=15, workers=1).fit(frame, CLASSES)
    assert model.bundle_.info["study"] == "table"
    assert model.score(frame, CLASSES) > 0.6
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_allclose(again.predict_proba(frame), model.predict_proba(frame))
    assert again.leaderboard_.equals(model.leaderboard_)
