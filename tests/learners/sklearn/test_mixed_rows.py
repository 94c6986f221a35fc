"""Learners of scikit-learn on mixed tables: categories, gaps, dates and texts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from tables import described, mixed, watching

from tuner.data import Split
from tuner.errors import BundleError, ModelError
from tuner.learners.encoding import Encoder
from tuner.learners.registry import open_learner
from tuner.learners.setup import Script, Setup
from tuner.learners.sklearn.encoded_rows import Encoded
from tuner.learners.watch import Watch

# Model to parameters that make it small.
MODELS: dict[str, dict[str, Any]] = {
    "hist_gradient_boosting": {"max_iter": 5, "min_samples_leaf": 5, "learning_rate": 0.5},
    "random_forest": {"n_estimators": 10, "n_parts": 2},
    "extra_trees": {"n_estimators": 10, "n_parts": 2},
    "linear_model": {},
    "k_neighbors": {},
}
TASKS = {"binary": 2, "multiclass": 3, "regression": 0}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("model", MODELS)
def test_mixed_table_is_fitted_saved_and_read_again(model: str, task: str, tmp_path: Path) -> None:
    found = mixed(task, TASKS[task])
    learner = open_learner(model, Setup())
    metric = "mse" if task == "regression" else "accuracy"
    watch = watching(learner.steps(MODELS[model]), found, metric)
    fitted = learner.fit(MODELS[model], found, 7, watch)
    value = watch.result().value
    assert value is not None
    if task == "regression":
        assert value < 0.75 * found.validation.y.var()
    else:
        assert value > np.bincount(found.validation.y.astype(int)).max() / 60
    fitted.save(tmp_path)
    read = learner.load(tmp_path, {"data": described(found)})
    others = found.validation.x.assign(unused=1)[["unused", "text", "city", "day", "number"]]
    others["city"] = others["city"].astype(object).fillna("Paris")  # no training row has it
    for rows in (found.validation.x, others):
        np.testing.assert_array_equal(read.predict(rows), fitted.predict(rows))


def test_boosting_splits_categories_into_groups(tmp_path: Path) -> None:
    found = mixed()
    learner = open_learner("hist_gradient_boosting", Setup())
    fitted = learner.fit(MODELS["hist_gradient_boosting"], found, 7, Watch(5))
    assert isinstance(fitted, Encoded)
    model = fitted.model
    assert isinstance(model, HistGradientBoostingClassifier)
    np.testing.assert_array_equal(np.flatnonzero(model.is_categorical_), [0])
    assert any(tree.nodes["is_categorical"].any() for [tree] in model._predictors)


def test_categories_have_no_more_codes_than_there_are_bins() -> None:
    found = mixed(rows=300)
    params = {"max_iter": 2, "max_bins": 4}
    fitted = open_learner("hist_gradient_boosting", Setup()).fit(params, found, 7, Watch(2))
    assert isinstance(fitted, Encoded)
    (city,) = (column for column in fitted.encoder.layout if column.source == "city")
    assert city.levels == 4


def test_category_without_any_value_is_fitted(tmp_path: Path) -> None:
    found = mixed()
    empty = pd.Series(pd.Categorical([None] * 120, categories=["Oslo"]))
    train = replace(found.train, x=found.train.x.assign(city=empty))
    learner = open_learner("hist_gradient_boosting", Setup())
    holed = replace(found, train=train)
    fitted = learner.fit({"max_iter": 3}, holed, 7, Watch(3))
    fitted.save(tmp_path)
    read = learner.load(tmp_path, {"data": described(found)})
    rows = found.validation.x
    np.testing.assert_array_equal(read.predict(rows), fitted.predict(rows))


def test_encoder_knows_training_rows_only() -> None:
    found = mixed()
    watch = watching(2, found, "accuracy")
    fitted = open_learner("random_forest", Setup()).fit(MODELS["random_forest"], found, 7, watch)
    assert isinstance(fitted, Encoded)
    assert fitted.encoder == Encoder.fit(found.train.x, "trees")


def test_blind_fit_does_not_look_at_validation_rows() -> None:
    found = mixed()
    nothing = Split(found.validation.x.iloc[:0], found.validation.y[:0])
    for model, params in MODELS.items():
        learner = open_learner(model, Setup())
        steps = learner.steps(params)
        fitted = learner.fit(params, replace(found, validation=nothing), 7, Watch(steps))
        assert fitted.predict(found.validation.x).shape == (60, 2)


def test_encoding_is_a_parameter() -> None:
    found = mixed()
    params = {**MODELS["extra_trees"], "encode_max_levels": 2, "encode_text_features": 0}
    fitted = open_learner("extra_trees", Setup()).fit(params, found, 7, Watch(2))
    assert isinstance(fitted, Encoded)
    levels = {column.source: column.levels for column in fitted.encoder.layout}
    assert levels["city"] == 3
    assert levels["text"] == 0


@pytest.mark.parametrize("model", MODELS)
def test_script_of_a_mixed_table_is_refused(model: str) -> None:
    about = Script("", "best.py", "best.npz", "", steps=1, seed=0, weighted=False)
    said = rf'the model "{model}" encodes the rows of data, .*; export NAME\.toml or NAME\.json'
    with pytest.raises(ModelError, match=said):
        open_learner(model, Setup()).script({}, mixed(), about)


def test_lost_encoder_is_an_error(tmp_path: Path) -> None:
    found = mixed()
    learner = open_learner("extra_trees", Setup())
    learner.fit(MODELS["extra_trees"], found, 7, Watch(2)).save(tmp_path)
    (tmp_path / "features.json").write_text("{")
    with pytest.raises(BundleError, match=r"features\.json cannot be read"):
        learner.load(tmp_path, {"data": described(found)})
