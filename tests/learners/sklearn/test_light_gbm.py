"""LightGBM's trees: under a watch, on mixed tables, as a checked file."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
from tables import data, described, mixed, watching

from tuner.data import Development, Split
from tuner.errors import BundleError, ModelError
from tuner.learners.checks import check_space
from tuner.learners.registry import load_runtime, open_learner
from tuner.learners.setup import Script, Setup
from tuner.learners.sklearn.encoded_rows import Encoded
from tuner.learners.sklearn.light_gbm import LightGBM
from tuner.learners.sklearn.light_gbm_fitting import Boosted
from tuner.learners.watch import Watch
from tuner.spec import EarlyStopping
from tuner.studies.catalog import find_space
from tuner.trials.checking import check_model_name

LEARNER = LightGBM("lightgbm", Setup())
PARAMS: dict[str, Any] = {"learning_rate": 0.3, "num_leaves": 4, "min_child_samples": 5}
TASKS = {"binary": 2, "multiclass": 3, "regression": 0}


def fitted(found: Development, watch: Watch, seed: int = 7, **params: Any) -> Boosted:
    model = LEARNER.fit(PARAMS | params, found, seed, watch)
    assert isinstance(model, Boosted)
    return model


def plain(found: Development, n_trees: int, **more: Any) -> Any:
    """What LightGBM's own estimator predicts for the validation rows."""
    kind = lightgbm.LGBMRegressor if found.task == "regression" else lightgbm.LGBMClassifier
    settings = {"n_jobs": 1, "verbosity": -1, "deterministic": True, "force_row_wise": True}
    estimator = kind(**PARAMS, **more, n_estimators=n_trees, random_state=7, **settings)
    booster = estimator.fit(found.train.x, found.train.y).booster_
    return booster.predict(found.validation.x)


@pytest.mark.parametrize("task", TASKS)
def test_trees_are_those_of_its_own_estimator(task: str) -> None:
    found = data(task, TASKS[task])
    said = fitted(found, Watch(12)).predict(found.validation.x)
    expected = plain(found, 12)
    np.testing.assert_allclose(said[:, 1] if task == "binary" else said, expected, rtol=1e-9)


def test_each_iteration_is_scored_and_the_best_kept() -> None:
    found = data()
    watch = watching(30, found, "log_loss")
    model = fitted(found, watch)
    best = watch.result().epoch
    assert 1 < best < 30
    assert model.model.num_trees() == best
    np.testing.assert_allclose(model.predict(found.validation.x)[:, 1], plain(found, best))
    y = found.validation.y
    chances = np.where(y == 1, plain(found, 5), 1 - plain(found, 5))
    assert watch.logs[4]["val_log_loss"] == pytest.approx(-np.log(chances).mean())


def test_every_fourth_iteration_is_scored() -> None:
    found = data("multiclass", 3)
    every, watch = (watching(10, found, "log_loss") for _ in range(2))
    fitted(found, every)
    fitted(found, watch, score_every=4)
    scored = {n: logs["val_log_loss"] for n, logs in enumerate(watch.logs, start=1) if logs}
    assert list(scored) == [4, 8, 10]
    assert scored == {n: pytest.approx(every.logs[n - 1]["val_log_loss"]) for n in scored}


def test_early_stopping_counts_iterations() -> None:
    found = data()
    rule = EarlyStopping(patience=3)
    watch = watching(1_000_000, found, "log_loss", early_stopping=rule, word="iteration")
    fitted(found, watch)
    assert watch.result().epochs == watch.result().epoch + 3


@pytest.mark.parametrize("task", TASKS)
def test_mixed_table_is_fitted_saved_and_read_again(task: str, tmp_path: Path) -> None:
    found = mixed(task, TASKS[task], rows=600)
    watch = watching(20, found, "mse" if task == "regression" else "accuracy")
    model = LEARNER.fit(PARAMS, found, 7, watch)
    assert isinstance(model, Encoded)
    assert "cat_boundaries" in model.model.model_to_string()
    model.save(tmp_path)
    read = LEARNER.load(tmp_path, {"data": described(found)})
    others = found.validation.x.assign(city="Paris")  # no training row has it
    for rows in (found.validation.x, others):
        np.testing.assert_array_equal(read.predict(rows), model.predict(rows))


def test_balanced_classes_and_sample_weights_are_used() -> None:
    found = data("multiclass", 3)
    rows = found.validation.x
    usual = fitted(found, Watch(5)).predict(rows)
    balanced = fitted(found, Watch(5), class_weight="balanced").predict(rows)
    np.testing.assert_allclose(balanced, plain(found, 5, class_weight="balanced"))
    weight = np.where(found.train.y == 0, 100, 1).astype(np.float32)
    weighted = replace(found, train=replace(found.train, sample_weight=weight))
    assert fitted(weighted, Watch(5)).predict(rows)[:, 0].mean() > usual[:, 0].mean()


@pytest.mark.parametrize("kept", [(0, 2), (1,)])
def test_classes_without_training_rows_have_probability_0(
    kept: tuple[int, ...], tmp_path: Path
) -> None:
    found = data("multiclass", 3)
    some = np.isin(found.train.y, kept)
    train = Split(found.train.x[some], found.train.y[some])
    model = fitted(replace(found, train=train), Watch(3))
    model.save(tmp_path)
    read = LEARNER.load(tmp_path, {"data": described(found)})
    for predictions in (model.predict(found.validation.x), read.predict(found.validation.x)):
        assert predictions.shape == (60, 3)
        assert (predictions[:, [k for k in range(3) if k not in kept]] == 0).all()
        np.testing.assert_allclose(predictions.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("pattern", "forged", "said"),
    [
        (r"left_child=\S+", "left_child=99", "has children that are not behind it"),
        (r"left_child=\S+", "left_child=0", "has children that are not behind it"),
        (r"right_child=\S+", "right_child=-99", "has children that are not behind it"),
        (r"right_child=\S+ ", "right_child=", "not as many nodes as it says"),
        (r"split_feature=\S+", "split_feature=77", "splits by a column that is not one of"),
        (r"num_leaves=\d+", "num_leaves=400", "not as many leaves as it says"),
        (r"leaf_value=\S+", "leaf_value=nan", "its leaf_value are no numbers"),
        (r"threshold=\S+", "threshold=__import__", "its threshold are no numbers"),
        (r"cat_boundaries=0 \d+", "cat_boundaries=0 999", "categories have another form"),
        (r"cat_threshold=\d+", "cat_threshold=-1", "categories have another form"),
        (r"cat_boundaries=.*", "cat_boundaries=0", "categories have another form"),
        (r"decision_type=\d+", "decision_type=999", "splits in a way that is not known"),
        (r"is_linear=0", "is_linear=1", "has linear leaves"),
        (r"max_feature_idx=\d+", "max_feature_idx=9999", "it is not for"),
        (r"classes: .*", "classes: [0, 7]", "a class that is not one of 2"),
        (r"classes: .*", "classes: [1, 0]", "its classes are not in order"),
        (r"classes: .*", "classes: []", "a class that is not one of 2"),
        (r"Tree=", "Leaf=", "it has 0 trees"),
    ],
)
def test_forged_files_are_refused(pattern: str, forged: str, said: str, tmp_path: Path) -> None:
    found = mixed(rows=600)
    LEARNER.fit(PARAMS, found, 7, Watch(4)).save(tmp_path)
    text = (tmp_path / "model.txt").read_text()
    assert re.search(pattern, text)
    (tmp_path / "model.txt").write_text(re.sub(pattern, forged, text))
    with pytest.raises(BundleError, match=rf"model\.txt cannot be used: .*{said}.*; train the bun"):
        LEARNER.load(tmp_path, {"data": described(found)})


def test_sizes_in_a_file_are_not_believed(tmp_path: Path) -> None:
    found = data()
    model = fitted(found, Watch(4))
    model.save(tmp_path)
    text = (tmp_path / "model.txt").read_text()
    (tmp_path / "model.txt").write_text(re.sub("tree_sizes=.*", "tree_sizes=9 999999999", text))
    read = LEARNER.load(tmp_path, {"data": described(found)})
    rows = found.validation.x
    np.testing.assert_array_equal(read.predict(rows), model.predict(rows))


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"classes: [0, 1]\ntree\n", b"[" * 9999])
def test_broken_files_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.txt").write_bytes(content)
    with pytest.raises(BundleError, match=r"model\.txt cannot be used"):
        LEARNER.load(tmp_path, {"data": described(data())})


def test_missing_package_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    said = r"\"lightgbm\" needs the package lightgbm; install it with: pip install 'tuner\[lightgb"
    with pytest.raises(ModelError, match=rf"my\.toml: model: {said}"):
        check_model_name("lightgbm", tmp_path, "my.toml")
    with pytest.raises(ModelError, match=rf"model: {said}"):
        load_runtime("lightgbm", tmp_path)
    check_model_name("lightgbm", tmp_path, "my.toml", elsewhere=True)


def test_script_is_refused() -> None:
    about = Script("", "best.py", "best.npz", "", steps=1, seed=0, weighted=False)
    with pytest.raises(ModelError, match='"lightgbm" cannot be written as a script; export'):
        open_learner("lightgbm", Setup()).script({}, data(), about)


def test_shipped_search_space_is_one_of_the_learner(tmp_path: Path) -> None:
    check_space(LightGBM, find_space("lightgbm", tmp_path))
