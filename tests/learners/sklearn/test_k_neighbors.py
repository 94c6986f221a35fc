"""Nearest neighbours: scikit-learn's votes, with weights of rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from tables import data, described, watching

from tuner.data import Development, Split
from tuner.errors import BundleError
from tuner.learners.checks import check_space
from tuner.learners.setup import Setup
from tuner.learners.sklearn import FILE
from tuner.learners.sklearn.encoded_rows import Encoded, encoded
from tuner.learners.sklearn.k_neighbors import KNeighbors
from tuner.learners.watch import Watch
from tuner.studies.catalog import find_space

LEARNER = KNeighbors("k_neighbors", Setup())
TASKS = {"binary": 2, "multiclass": 3, "regression": 0}


def fitted(found: Development, watch: Watch | None = None, **params: Any) -> Encoded:
    model = LEARNER.fit(params, found, 7, watch or Watch(1))
    assert isinstance(model, Encoded)
    return model


@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("task", TASKS)
def test_votes_are_those_of_scikit_learn(task: str, weights: str) -> None:
    found = data(task, TASKS[task])
    model = fitted(found, n_neighbors=7, weights=weights, p=1)
    kind = KNeighborsRegressor if task == "regression" else KNeighborsClassifier
    plain = kind(n_neighbors=7, weights=weights, p=1)
    plain.fit(encoded(model.encoder, found.train.x, sparse=False), found.train.y)
    # Some rows are training rows, at no distance.
    x = np.concatenate([found.validation.x, found.train.x[:9]])
    expected = getattr(plain, "predict_proba", plain.predict)(
        encoded(model.encoder, x, sparse=False)
    )
    np.testing.assert_allclose(model.predict(x), expected, rtol=1e-5, atol=1e-6)


def test_step_is_scored() -> None:
    found = data()
    watch = watching(KNeighbors.steps({}), found, "accuracy")
    said = fitted(found, watch).predict(found.validation.x).argmax(axis=1)
    assert watch.result().value == (said == found.validation.y).mean() > 0.6


@pytest.mark.parametrize("task", TASKS)
def test_model_predicts_the_same_when_it_is_read_again(task: str, tmp_path: Path) -> None:
    found = data(task, TASKS[task])
    model = fitted(found, weights="distance", p=1.5)
    model.save(tmp_path)
    read = LEARNER.load(tmp_path, {"data": described(found)})
    rows = found.validation.x
    np.testing.assert_array_equal(read.predict(rows), model.predict(rows))


def test_few_rows_all_vote() -> None:
    found = data(rows=4)
    predictions = fitted(found, n_neighbors=50).predict(found.validation.x)
    np.testing.assert_allclose(predictions[:, 1], found.train.y.mean())


def test_votes_are_multiplied_by_weights() -> None:
    found = data(rows=4)
    weight = np.array([3, 0, 0, 1], np.float32)
    train = Split(found.train.x, np.array([0, 0, 1, 1], np.float32), weight)
    model = fitted(replace(found, train=train), n_neighbors=4)
    np.testing.assert_allclose(model.predict(found.validation.x), [[0.75, 0.25]] * 2)


def test_rows_without_weight_vote_alike_where_all_have_none() -> None:
    found = data(rows=4)
    weight = np.array([0, 0, 0, 1], np.float32)
    train = Split(found.train.x, np.array([0, 1, 1, 1], np.float32), weight)
    model = fitted(replace(found, train=train), n_neighbors=1)
    predictions = model.predict(found.train.x)
    np.testing.assert_array_equal(predictions.argmax(axis=1), train.y)


def test_balanced_classes_have_equal_weight() -> None:
    found = data("multiclass", 3)
    train = found.train
    everyone = fitted(found, n_neighbors=len(train), class_weight="balanced")
    np.testing.assert_allclose(everyone.predict(train.x[:2]), np.full((2, 3), 1 / 3), rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"x": np.zeros((120, 1), np.float32)}, "its rows do not have . columns, a target and"),
        ({"weight": np.zeros(3, np.float32)}, "its rows do not have . columns, a target and"),
        ({"y": np.zeros(120)}, "its y is not an array of int64 with 1 dimension"),
        ({"y": np.full(120, 3)}, "it has a class that is not one of 3"),
        ({"n_neighbors": np.array(10**9)}, "it cannot ask 1000000000 of 120 rows"),
        ({"n_neighbors": np.array(0)}, "it cannot ask 0 of 120 rows"),
        ({"p": np.array(np.nan)}, "it cannot ask 5 of 120 rows"),
    ],
)
def test_forged_files_are_refused(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    found = data("multiclass", 3)
    fitted(found).save(tmp_path)
    skops.io.dump(skops.io.load(tmp_path / FILE) | change, tmp_path / FILE)
    with pytest.raises(BundleError, match=rf"model\.skops cannot be used: {said}"):
        LEARNER.load(tmp_path, {"data": described(found)})


def test_shipped_search_space_is_one_of_the_learner(tmp_path: Path) -> None:
    check_space(KNeighbors, find_space("k_neighbors", tmp_path))
