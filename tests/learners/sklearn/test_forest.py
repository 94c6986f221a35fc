"""Forests: what is grown is what scikit-learn grows, whole or in parts."""

from __future__ import annotations

import runpy
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import ensemble
from tables import data, watching

from tuner.data import Development, Split
from tuner.errors import SpecError
from tuner.learners.checks import check_data, check_space
from tuner.learners.registry import open_learner
from tuner.learners.settings import Setting
from tuner.learners.setup import Script, Setup
from tuner.learners.sklearn.forest import Forest
from tuner.learners.sklearn.forests import ExtraTrees, RandomForest
from tuner.learners.watch import Watch
from tuner.space import SearchSpace
from tuner.studies.catalog import find_space

FORESTS = {"random_forest": "RandomForest", "extra_trees": "ExtraTrees"}
PARAMS: dict[str, Any] = {"n_estimators": 23, "n_parts": 5, "max_features": 0.5}
CASES = [("binary", 2), ("multiclass", 3), ("regression", 0)]


def fitted(model: str, found: Development, watch: Watch, seed: int = 7, **params: Any) -> Forest:
    forest = open_learner(model, Setup()).fit(PARAMS | params, found, seed, watch)
    assert isinstance(forest, Forest)
    return forest


def plain(model: str, found: Development, n_trees: int, **more: Any) -> Any:
    kind = "Regressor" if found.task == "regression" else "Classifier"
    estimator = getattr(ensemble, FORESTS[model] + kind)(
        n_estimators=n_trees, max_features=0.5, random_state=7, **more
    )
    return estimator.fit(found.train.x, found.train.y)


def said(estimator: Any, x: Any) -> Any:
    return getattr(estimator, "predict_proba", estimator.predict)(x)


@pytest.mark.parametrize("model", FORESTS)
@pytest.mark.parametrize(("task", "n_classes"), CASES)
def test_forest_predicts_as_one_that_is_grown_at_once(
    model: str, task: str, n_classes: int
) -> None:
    found = data(task, n_classes)
    rows = found.validation.x
    forest = fitted(model, found, Watch(5))
    assert len(forest.nodes.sizes) == 23
    predictions = forest.predict(rows)
    assert predictions.dtype == np.float32
    np.testing.assert_allclose(predictions, said(plain(model, found, 23), rows), rtol=1e-5)


def test_each_part_is_scored_and_the_best_kept() -> None:
    found = data(rows=60)
    watch = watching(5, found, "log_loss")
    forest = fitted("random_forest", found, watch, max_depth=2)
    losses = []
    for n_trees in (5, 10, 14, 19, 23):
        other = watching(1, found, "log_loss")
        whole = plain("random_forest", found, n_trees, max_depth=2)
        other.observe(1, {}, lambda whole=whole: said(whole, found.validation.x))  # type: ignore[misc]
        losses.append(other.result().value)
    assert [logs["val_log_loss"] for logs in watch.logs] == pytest.approx(losses, rel=1e-6)
    best = int(np.argmin(losses))
    assert len(forest.nodes.sizes) == (5, 10, 14, 19, 23)[best]
    assert watch.result().epoch == best + 1


def test_pruning_ends_the_growing() -> None:
    found = data()
    watch = watching(
        10,
        found,
        "accuracy",
        on_step=lambda step, *_: "too bad" if step == 2 else None,
        word="part",
    )
    # Would take hours.
    fitted("extra_trees", found, watch, n_estimators=1_000_000, n_parts=100_000)
    assert watch.result().reason == "pruned at part 2: too bad"
    assert watch.result().epochs == 2


def test_fewer_trees_than_parts_are_grown_one_by_one() -> None:
    found = data()
    watch = watching(5, found, "accuracy")
    fitted("extra_trees", found, watch, n_estimators=3)
    assert len(watch.logs) == 5
    assert RandomForest.n_trees({"n_estimators": 3, "n_parts": 5}, 1) == 1
    assert RandomForest.n_trees({"n_estimators": 3, "n_parts": 5}, 5) == 3


def test_missing_values_go_where_scikit_learn_sends_them() -> None:
    found = data()
    x = found.train.x.copy()
    x[::3, 1] = np.nan
    holed = replace(found, train=replace(found.train, x=x))
    rows = np.full_like(found.validation.x, np.nan)
    rows[:, 0] = found.validation.x[:, 0]
    for model in FORESTS:
        predictions = fitted(model, holed, Watch(5)).predict(rows)
        expected = said(plain(model, holed, 23), rows)
        np.testing.assert_allclose(predictions, expected, rtol=1e-5)


def test_neighbouring_numbers_are_kept_apart() -> None:
    # Their mean is no float32, and its nearest is the greater one.
    first = np.float32(3 + 2**-22)
    x = np.array([[first], [np.nextafter(first, np.float32(4))]], np.float32)
    train = Split(x, np.array([0, 1], np.float32))
    found = Development(train, train, "binary", class_names=("a", "b"))
    forest = fitted("random_forest", found, Watch(1), n_parts=1, bootstrap=False)
    np.testing.assert_array_equal(forest.predict(x), [[1, 0], [0, 1]])


@pytest.mark.parametrize("model", FORESTS)
def test_balanced_classes_and_sample_weights_are_used(model: str) -> None:
    found = data("multiclass", 3)
    rows = found.validation.x
    usual = fitted(model, found, Watch(5)).predict(rows)
    balanced = fitted(model, found, Watch(5), class_weight="balanced").predict(rows)
    expected = said(plain(model, found, 23, class_weight="balanced"), rows)
    np.testing.assert_allclose(balanced, expected, rtol=1e-5)
    assert not np.allclose(usual, balanced)
    weight = np.where(found.train.y == 0, 1000, 1).astype(np.float32)
    weighted = replace(found, train=replace(found.train, sample_weight=weight))
    heavy = fitted(model, weighted, Watch(5), max_samples=0.9, max_depth=2).predict(rows)
    assert heavy[:, 0].mean() > usual[:, 0].mean()


def test_class_without_training_rows_has_probability_0() -> None:
    found = data("multiclass", 3)
    kept = found.train.y != 1
    train = Split(found.train.x[kept], found.train.y[kept])
    watch = watching(5, found, "log_loss")
    forest = fitted("random_forest", replace(found, train=train), watch)
    predictions = forest.predict(found.validation.x)
    assert predictions.shape == (60, 3)
    assert (predictions[:, 1] == 0).all()


def test_same_seed_gives_the_same_forest() -> None:
    found = data()
    rows = found.validation.x
    one, same, other = (
        fitted("random_forest", found, Watch(5), seed=seed).predict(rows) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_quantities_beyond_float32_keep_their_digits() -> None:
    found = data("regression", 0)
    y = found.train.y.astype(np.float64) + 1e9
    precise = replace(found, train=replace(found.train, y=y))
    predictions = fitted("extra_trees", precise, Watch(5)).predict(found.train.x)
    np.testing.assert_allclose(predictions - 1e9, found.train.y, atol=1e-3)


def test_forest_takes_little_memory() -> None:
    found = data(rows=2000)
    forest = fitted("random_forest", found, Watch(5))
    nodes = int(forest.nodes.sizes.sum())
    tracemalloc.start()
    arrays = [np.copy(getattr(forest.nodes, name)) for name in ("left", "right", "value")]
    assert tracemalloc.get_traced_memory()[1] < 16 * nodes
    tracemalloc.stop()
    assert len(arrays[2]) == (nodes + 23) / 2


def test_max_samples_is_for_bootstrapping() -> None:
    found = {"max_samples": 0.5, "max_features": "auto", "max_depth": "none"}
    assert RandomForest.arguments(found, "binary") == {"max_samples": 0.5, "max_depth": None}
    assert ExtraTrees.arguments(found, "binary") == {"max_depth": None}
    drawn = {"bootstrap": True, "max_samples": 0.5}
    assert ExtraTrees.arguments(drawn, "binary") == drawn


@pytest.mark.parametrize(
    ("task", "fixed", "said"),
    [
        ("regression", {"criterion": "gini"}, 'criterion must be "auto", "squared_error", '),
        ("binary", {"criterion": "poisson"}, 'criterion must be "auto", "gini", "entropy" or "log'),
        ("regression", {"class_weight": "balanced"}, "class_weight is for classes, but the target"),
    ],
)
def test_parameters_of_the_other_task_are_refused(
    task: str, fixed: dict[str, Any], said: str
) -> None:
    with pytest.raises(SpecError, match=said):
        check_data(RandomForest, data(task, 2 if task == "binary" else 0), SearchSpace(()), fixed)


def test_share_of_columns_may_be_a_word_or_a_number() -> None:
    setting = RandomForest.settings["max_features"]
    assert not setting.whole
    assert setting.violation("sqrt") is setting.violation(0.3) is None
    assert setting.violation("all") == 'must be a number or "auto", "sqrt" or "log2"'
    assert setting.violation(0) == "must be greater than 0"
    assert Setting("none", words=("none",)).whole


@pytest.mark.parametrize("model", FORESTS)
def test_shipped_search_space_is_one_of_the_learner(model: str, tmp_path: Path) -> None:
    learner = {"random_forest": RandomForest, "extra_trees": ExtraTrees}[model]
    check_space(learner, find_space(model, tmp_path))


@pytest.mark.parametrize(("task", "n_classes"), CASES)
def test_script_grows_the_same_forest(task: str, n_classes: int, tmp_path: Path) -> None:
    found = data(task, n_classes)
    params = PARAMS if task == "regression" else PARAMS | {"class_weight": "balanced"}
    about = Script("", "best.py", "best.npz", "", steps=3, seed=7, weighted=False)
    learner = open_learner("random_forest", Setup())
    text, rows = learner.script(params, found, about)
    train, test = rows(found.train), rows(found.validation)
    np.savez(tmp_path / "best.npz", x_train=train.x, y_train=train.y, x_test=test.x, y_test=test.y)
    (tmp_path / "best.py").write_text(text)
    model = runpy.run_path(str(tmp_path / "best.py"))["main"]()
    forest = fitted("random_forest", found, Watch(3), **params)
    np.testing.assert_allclose(forest.predict(test.x), said(model, test.x), rtol=1e-5)
