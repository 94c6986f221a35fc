"""Linear models: scikit-learn's, on encoded rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from scipy import sparse
from sklearn.linear_model import LogisticRegression, Ridge
from tables import data, described, mixed, watching

from tuner.data import Development, Split, load
from tuner.errors import BundleError, ModelError
from tuner.learners.checks import check_space
from tuner.learners.setup import Script, Setup
from tuner.learners.sklearn import FILE
from tuner.learners.sklearn.encoded_rows import Encoded, encoded
from tuner.learners.sklearn.linear_fitting import Linear
from tuner.learners.sklearn.linear_model import LinearModel
from tuner.learners.watch import Watch
from tuner.spec import CsvDataset
from tuner.studies.catalog import find_space

LEARNER = LinearModel("linear_model", Setup())
TASKS = {"binary": 2, "multiclass": 3, "regression": 0}


def fitted(found: Development, watch: Watch | None = None, **params: Any) -> Encoded:
    model = LEARNER.fit(params, found, 7, watch or Watch(1))
    assert isinstance(model, Encoded)
    return model


def texts(task: str = "binary") -> Development:
    random = np.random.default_rng(0)
    words = np.array(["a", "film", "that", "is", "not", "bad", "but", "good", "and", "long"])

    def split(n: int) -> Split:
        rows = [" ".join(random.choice(words, 8)) for _ in range(n)]
        x = np.array(rows, dtype=object)
        return Split(x, np.array(["good" in row for row in rows], np.float32))

    return Development(split(200), split(100), task, class_names=("bad", "good"))  # type: ignore[arg-type]  # a parameter of tests


@pytest.mark.parametrize("task", TASKS)
def test_model_is_scikit_learns_on_encoded_rows(task: str) -> None:
    found = data(task, TASKS[task])
    model = fitted(found, alpha=0.5)
    plain = Ridge(0.5) if task == "regression" else LogisticRegression(C=2, max_iter=1000)
    plain.fit(encoded(model.encoder, found.train.x, sparse=False), found.train.y)
    rows = encoded(model.encoder, found.validation.x, sparse=False)
    expected = getattr(plain, "predict_proba", plain.predict)(rows)
    np.testing.assert_allclose(model.predict(found.validation.x), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("task", TASKS)
def test_elastic_net_leaves_features_out_and_is_read_again(task: str, tmp_path: Path) -> None:
    found = data(task, TASKS[task])
    model = fitted(found, alpha=30.0, l1_ratio=1.0)
    assert (model.model.coef_ == 0).any()
    assert (fitted(found, alpha=30.0).model.coef_ != 0).all()
    model.save(tmp_path)
    read = LEARNER.load(tmp_path, {"data": described(found)})
    rows = found.validation.x
    np.testing.assert_array_equal(read.predict(rows), model.predict(rows))


def test_elastic_net_of_almost_no_l1_is_ridge_regression() -> None:
    found = data("regression", 0)
    rows = found.validation.x
    ridge, net = fitted(found, alpha=5.0), fitted(found, alpha=5.0, l1_ratio=1e-9, max_iter=10_000)
    np.testing.assert_allclose(net.predict(rows), ridge.predict(rows), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("times", ["dates", "numbers"])
def test_linear_model_follows_a_trend_if_the_time_is_a_feature(times: str, tmp_path: Path) -> None:
    n = 240
    random = np.random.default_rng(0)
    day = pd.date_range("2020-01-01", periods=n).astype(str) if times == "dates" else range(n)
    frame = pd.DataFrame({"when": day, "heat": random.normal(size=n)})
    frame["sales"] = 2.0 * np.arange(n) + 5 * frame.heat + random.normal(size=n)
    frame.sample(frac=1, random_state=0).to_csv(tmp_path / "sales.csv", index=False)
    errors = []
    for is_feature in (False, True):
        dataset = CsvDataset(
            csv="sales.csv", target="sales", time="when", time_feature=is_feature, select="useful"
        )
        found = load(dataset, tmp_path).development
        assert found.validation.time is not None
        assert found.validation.time.min() >= found.train.time.max()
        said = fitted(found).predict(found.validation.x)
        errors.append(np.sqrt(np.mean((said - found.validation.y) ** 2)))
    without, with_time = errors
    assert with_time < without / 3


def test_step_is_scored() -> None:
    found = data()
    watch = watching(LinearModel.steps({}), found, "accuracy")
    model = fitted(found, watch)
    said = model.predict(found.validation.x).argmax(axis=1)
    assert watch.result().value == (said == found.validation.y).mean() > 0.6
    assert watch.result().epochs == 1


@pytest.mark.parametrize("task", TASKS)
def test_model_predicts_the_same_when_it_is_read_again(task: str, tmp_path: Path) -> None:
    found = data(task, TASKS[task])
    model = fitted(found)
    model.save(tmp_path)
    read = LEARNER.load(tmp_path, {"data": described(found)})
    rows = found.validation.x
    np.testing.assert_array_equal(read.predict(rows), model.predict(rows))


def test_texts_are_encoded_sparse_with_pairs_of_words(tmp_path: Path) -> None:
    found = texts()
    watch = watching(1, found, "accuracy")
    model = fitted(found, watch)
    value = watch.result().value
    assert value is not None
    assert value > 0.9
    (column,) = model.encoder.columns
    assert column.kind == "text"
    assert "not bad" in column.words
    assert sparse.issparse(encoded(model.encoder, found.train.x, sparse=True))
    model.save(tmp_path)
    info = {"data": described(found)}
    rows = found.validation.x
    np.testing.assert_array_equal(LEARNER.load(tmp_path, info).predict(rows), model.predict(rows))
    (single,) = fitted(found, encode_text_features=5, encode_text_ngrams=1).encoder.columns
    assert single.kind == "text"
    assert len(single.words) == 5


def test_mixed_table_without_texts_is_dense() -> None:
    found = mixed()
    without = replace(found, train=replace(found.train, x=found.train.x.drop(columns="text")))
    assert LinearModel.is_sparse(fitted(found).encoder)
    assert not LinearModel.is_sparse(fitted(without).encoder)


def test_balanced_classes_and_sample_weights_are_used() -> None:
    found = data("multiclass", 3)
    rows = found.validation.x
    usual = fitted(found).predict(rows)
    assert not np.allclose(usual, fitted(found, class_weight="balanced").predict(rows), rtol=1e-3)
    weight = np.where(found.train.y == 0, 100, 1).astype(np.float32)
    weighted = replace(found, train=replace(found.train, sample_weight=weight))
    assert fitted(weighted).predict(rows)[:, 0].mean() > 1.2 * usual[:, 0].mean()


@pytest.mark.parametrize("kept", [(0, 2), (1,)])
def test_classes_without_training_rows_have_probability_0(
    kept: tuple[int, ...], tmp_path: Path
) -> None:
    found = data("multiclass", 3)
    some = np.isin(found.train.y, kept)
    train = Split(found.train.x[some], found.train.y[some])
    model = fitted(replace(found, train=train))
    model.save(tmp_path)
    read = LEARNER.load(tmp_path, {"data": described(found)})
    for predictions in (model.predict(found.validation.x), read.predict(found.validation.x)):
        assert predictions.shape == (60, 3)
        assert (predictions[:, [k for k in range(3) if k not in kept]] == 0).all()
        np.testing.assert_allclose(predictions.sum(axis=1), 1, rtol=1e-6)


def test_quantities_beyond_float32_keep_their_digits() -> None:
    found = data("regression", 0)
    shifted = replace(found, train=replace(found.train, y=found.train.y.astype(np.float64) + 1e9))
    rows = found.validation.x
    expected = fitted(found).predict(rows)
    np.testing.assert_allclose(fitted(shifted).predict(rows) - 1e9, expected, atol=1e-5)


def test_fit_that_has_not_converged_is_quiet() -> None:
    assert fitted(data(), max_iter=1, alpha=1e-6).predict(data().validation.x).shape == (60, 2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"coef": np.zeros((3, 9), np.float32)}, "its coefficients are not for 4 columns"),
        ({"coef": None}, "its coef is not an array of float32 with 2 dimensions"),
        ({"intercept": np.zeros(2)}, "its coefficients are not for 4 columns"),
        ({"classes": np.arange(2)}, "its coefficients are not for 4 columns"),
        ({"classes": np.array([0, 1, 3])}, "it has a class that is not one of 3"),
    ],
)
def test_forged_files_are_refused(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    found = data("multiclass", 3)
    model = fitted(found)
    assert isinstance(model.inner, Linear)
    model.save(tmp_path)
    said = said.replace("4", str(len(model.encoder.layout)))
    skops.io.dump(skops.io.load(tmp_path / FILE) | change, tmp_path / FILE)
    with pytest.raises(BundleError, match=rf"model\.skops cannot be used: {said}"):
        LEARNER.load(tmp_path, {"data": described(found)})


def test_shipped_search_space_is_one_of_the_learner(tmp_path: Path) -> None:
    check_space(LinearModel, find_space("linear_model", tmp_path))


def test_script_is_refused() -> None:
    about = Script("", "best.py", "best.npz", "", steps=1, seed=0, weighted=False)
    with pytest.raises(ModelError, match='"linear_model" cannot be written as a script; export'):
        LEARNER.script({}, data(), about)
