"""Boosted trees: what a watch sees is what scikit-learn fits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from tables import data, watching

from tuner.data import Development, Split
from tuner.errors import SpecError
from tuner.learners.checks import check_space
from tuner.learners.setup import Setup
from tuner.learners.sklearn.boosting import Trees
from tuner.learners.sklearn.hist_gradient_boosting import HistGradientBoosting
from tuner.learners.watch import Watch
from tuner.scoring import score
from tuner.spec import EarlyStopping
from tuner.studies.catalog import find_space

PARAMS: dict[str, Any] = {"learning_rate": 0.3, "max_leaf_nodes": 4, "max_features": 0.5}
LEARNER = HistGradientBoosting("hist_gradient_boosting", Setup())


def plain(found: Development, n_iterations: int, seed: int = 7) -> Any:
    kind = (
        HistGradientBoostingRegressor
        if found.task == "regression"
        else HistGradientBoostingClassifier
    )
    estimator = kind(**PARAMS, max_iter=n_iterations, early_stopping=False, random_state=seed)
    return estimator.fit(found.train.x, found.train.y)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_every_iteration_is_watched_as_a_plain_fit_with_as_many(task: str) -> None:
    found = data(task, n_classes={"binary": 2, "multiclass": 3, "regression": 0}[task])
    metric = "mse" if task == "regression" else "log_loss"
    watch = watching(20, found, metric)
    LEARNER.fit(PARAMS, found, 7, watch)
    whole = plain(found, 20)
    stages = (
        whole.staged_predict(found.validation.x)
        if task == "regression"
        else whole.staged_predict_proba(found.validation.x)
    )
    expected = [score([metric], found.task, found.validation.y, p)[metric] for p in stages]
    assert [logs[f"val_{metric}"] for logs in watch.logs] == expected


def test_fitted_model_is_the_one_after_the_best_iteration() -> None:
    found = data()
    watch = watching(30, found, "log_loss")
    fitted = LEARNER.fit(PARAMS, found, 7, watch)
    best = watch.result().epoch
    assert 1 < best < 30
    expected = plain(found, best)
    rows = found.validation.x
    np.testing.assert_array_equal(fitted.predict(rows), expected.predict_proba(rows))
    assert isinstance(fitted, Trees)
    assert fitted.model.get_params() == expected.get_params()
    assert fitted.model.n_iter_ == best
    assert vars(fitted.model).keys() == vars(expected).keys()


def test_blind_fit_runs_all_steps_and_sees_no_validation_rows() -> None:
    found = data()
    nothing = replace(found.validation, x=np.full_like(found.validation.x, np.nan))
    fitted = LEARNER.fit(PARAMS, replace(found, validation=nothing), 7, Watch(12))
    assert isinstance(fitted, Trees)
    assert fitted.model.n_iter_ == 12
    rows = found.validation.x
    np.testing.assert_array_equal(fitted.predict(rows), plain(found, 12).predict_proba(rows))


def test_early_stopping_counts_iterations() -> None:
    found = data()
    rule = EarlyStopping(patience=3)
    watch = watching(200, found, "log_loss", early_stopping=rule, word="iteration")
    LEARNER.fit(PARAMS, found, 7, watch)
    result = watch.result()
    assert result.epochs == result.epoch + 3
    assert result.reason == "early stopping: no better val_log_loss for 3 iterations"


def test_every_tenth_iteration_is_scored_and_the_last() -> None:
    found = data()
    every = watching(35, found, "log_loss")
    LEARNER.fit(PARAMS, found, 7, every)
    watch = watching(35, found, "log_loss")
    fitted = LEARNER.fit(PARAMS | {"score_every": 10}, found, 7, watch)
    scored = {n: logs for n, logs in enumerate(watch.logs, start=1) if logs}
    assert list(scored) == [10, 20, 30, 35]
    assert scored == {n: every.logs[n - 1] for n in scored}
    best = min(scored, key=lambda n: scored[n]["val_log_loss"])
    assert watch.result().epoch == best
    assert isinstance(fitted, Trees)
    assert fitted.model.n_iter_ == best


def test_patience_counts_iterations_that_are_not_scored() -> None:
    found = data()
    rule = EarlyStopping(patience=15)
    watch = watching(1_000_000, found, "log_loss", early_stopping=rule, word="iteration")
    LEARNER.fit(PARAMS | {"score_every": 10}, found, 7, watch)
    result = watch.result()
    assert result.epochs == result.epoch + 20
    assert result.reason == "early stopping: no better val_log_loss for 20 iterations"


def test_pruning_ends_the_fit_at_the_iteration_where_the_hook_says_so() -> None:
    seen: list[int] = []

    def prune(step: int, _value: float, _logs: object) -> str | None:
        seen.append(step)
        return "too bad" if step == 9 else None

    found = data()
    watch = watching(1_000_000, found, "accuracy", on_step=prune, word="iteration")  # takes an hour
    LEARNER.fit(PARAMS, found, 7, watch)
    result = watch.result()
    assert (result.state, result.reason) == ("pruned", "pruned at iteration 9: too bad")
    assert seen == list(range(1, 10))


def test_validation_rows_are_predicted_a_limited_number_of_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stages = 0
    predict = HistGradientBoostingClassifier.staged_predict_proba

    def counted(self: Any, x: NDArray[Any]) -> Any:
        nonlocal stages
        for one in predict(self, x):
            stages += 1
            yield one

    monkeypatch.setattr(HistGradientBoostingClassifier, "staged_predict_proba", counted)
    found = data()
    LEARNER.fit(PARAMS, found, 7, watching(100, found, "accuracy"))
    assert stages < 5.5 * 100


def test_sample_weights_are_used() -> None:
    found = data()
    weight = np.linspace(0.1, 3, len(found.train)).astype(np.float32)
    weighted = replace(found, train=replace(found.train, sample_weight=weight))
    watch = watching(5, weighted, "log_loss")
    rows = found.validation.x
    fitted = LEARNER.fit(PARAMS, weighted, 7, watch).predict(rows)
    assert not np.array_equal(fitted, plain(found, watch.result().epoch).predict_proba(rows))


def test_class_without_training_rows_has_probability_0() -> None:
    found = data("multiclass", n_classes=3)
    kept = found.train.y != 1
    train = Split(found.train.x[kept], found.train.y[kept])
    fitted = LEARNER.fit(PARAMS, replace(found, train=train), 7, Watch(5))
    predictions = fitted.predict(found.validation.x)
    assert predictions.shape == (60, 3)
    assert (predictions[:, 1] == 0).all()
    np.testing.assert_allclose(predictions.sum(axis=1), 1)


@pytest.mark.parametrize("only", [0, 1])
def test_single_class_in_training_is_predicted(only: int) -> None:
    found = data()
    train = replace(found.train, y=np.full(len(found.train), only, np.float32))
    fitted = LEARNER.fit({}, replace(found, train=train), 7, Watch(2))
    predictions = fitted.predict(found.validation.x)
    assert predictions.shape == (60, 2)
    assert (predictions[:, only] > 0.99).all()


def test_same_seed_gives_the_same_values() -> None:
    found = data()
    runs = []
    for seed in (7, 7, 8):
        watch = watching(5, found, "log_loss")
        LEARNER.fit(PARAMS, found, seed, watch)
        runs.append(watch.logs)
    assert runs[0] == runs[1] != runs[2]


def test_several_targets_are_refused() -> None:
    found = data("regression", n_classes=0)
    several = replace(found, train=replace(found.train, y=np.zeros((120, 2), np.float32)))
    with pytest.raises(SpecError, match="predicts one quantity, but data has 2 targets in each"):
        LEARNER.try_out(PARAMS, several)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "quantile"])
def test_losses_of_quantities_are_fitted(loss: str) -> None:
    found = data("regression", n_classes=0)
    fitted = LEARNER.fit(PARAMS | {"loss": loss}, found, 7, Watch(5))
    assert isinstance(fitted, Trees)
    assert fitted.model.loss == loss
    assert fitted.predict(found.validation.x).shape == (60,)


def test_shipped_search_space_is_one_of_the_learner(tmp_path: Path) -> None:
    check_space(HistGradientBoosting, find_space("hist_gradient_boosting", tmp_path))


def test_none_is_the_word_for_no_limit() -> None:
    found = LEARNER.arguments({"max_depth": "none", "loss": "auto", "max_iter": 3}, "binary")
    assert found == {"max_depth": None}
