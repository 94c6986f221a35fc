"""Metrics are scikit-learn's, whatever form the predictions have."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn import metrics

from tuner.errors import MetricError
from tuner.scoring import common_names, direction, fault, is_computable, reported_names, score

SECOND = np.array([0.2, 0.7, 0.6, 0.9, 0.4], dtype=np.float32)
LABELS = np.array([0, 1, 0, 1, 1])
PREDICTED = (SECOND > 0.5).astype(int)
PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.2, 0.7, 0.1], [0.1, 0.2, 0.7], [0.4, 0.5, 0.1]])
CLASSES = np.array([0, 1, 2, 0])


@pytest.mark.parametrize("predictions", [SECOND, SECOND[:, None], np.c_[1 - SECOND, SECOND]])
def test_binary_metrics_are_scikit_learns_in_every_form(predictions: Any) -> None:
    names = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "roc_auc", "log_loss")
    assert score(names, "binary", LABELS, predictions) == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(LABELS, PREDICTED),
            "balanced_accuracy": metrics.balanced_accuracy_score(LABELS, PREDICTED),
            "precision": metrics.precision_score(LABELS, PREDICTED),
            "recall": metrics.recall_score(LABELS, PREDICTED),
            "f1": metrics.f1_score(LABELS, PREDICTED),
            "roc_auc": metrics.roc_auc_score(LABELS, SECOND),
            "log_loss": metrics.log_loss(LABELS, SECOND),
        }
    )


def test_multiclass_metrics_are_scikit_learns() -> None:
    predicted = PROBABILITIES.argmax(axis=1)
    names = ("f1_macro", "log_loss", "neg_log_loss", "roc_auc_ovr", "matthews_corrcoef")
    loss = metrics.log_loss(CLASSES, PROBABILITIES)
    assert score(names, "multiclass", CLASSES, PROBABILITIES) == pytest.approx(
        {
            "f1_macro": metrics.f1_score(CLASSES, predicted, average="macro"),
            "log_loss": loss,
            "neg_log_loss": -loss,
            "roc_auc_ovr": metrics.roc_auc_score(CLASSES, PROBABILITIES, multi_class="ovr"),
            "matthews_corrcoef": metrics.matthews_corrcoef(CLASSES, predicted),
        }
    )


@given(st.data(), st.integers(2, 12), st.sampled_from([None, 1, 3]))
def test_quantities_are_scored_in_their_shape(data: Any, n: int, k: int | None) -> None:
    shape = (n,) if k is None else (n, k)
    numbers = arrays.arrays(np.float32, shape, elements=st.floats(-1e3, 1e3, width=32))
    y, predicted = data.draw(numbers), data.draw(numbers)
    weight = data.draw(arrays.arrays(np.float64, (n,), elements=st.floats(0.5, 4)))
    wide = predicted[:, None] if k is None else predicted
    found = score(("mse", "mae", "rmse", "r2"), "regression", y, wide, weight)
    assert found == pytest.approx(
        {
            "mse": metrics.mean_squared_error(y, predicted, sample_weight=weight),
            "mae": metrics.mean_absolute_error(y, predicted, sample_weight=weight),
            "rmse": metrics.root_mean_squared_error(y, predicted, sample_weight=weight),
            "r2": metrics.r2_score(y, predicted, sample_weight=weight),
        },
        rel=1e-4,
        abs=1e-4,
    )


def test_outputs_that_do_not_sum_to_1_are_scored_as_shares() -> None:
    each = PROBABILITIES * 0.5
    assert score(["log_loss"], "multiclass", CLASSES, each) == pytest.approx(
        {"log_loss": metrics.log_loss(CLASSES, PROBABILITIES)}
    )


def test_log_loss_needs_no_row_of_every_class() -> None:
    found = score(["log_loss"], "multiclass", CLASSES[:2], PROBABILITIES[:2])
    assert found["log_loss"] == pytest.approx(-math.log(0.7))


def test_predictions_that_are_not_finite_score_nan() -> None:
    found = score(["f1", "log_loss"], "binary", LABELS, np.full(5, np.nan))
    assert all(math.isnan(value) for value in found.values())


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_listed_names_are_computable(task: str) -> None:
    names = {*common_names(task), *reported_names(task)}
    y, predictions = {
        "regression": (SECOND, SECOND),
        "binary": (LABELS, SECOND),
        "multiclass": (CLASSES, PROBABILITIES),
    }[task]
    assert set(score(names, task, y, predictions)) == names


def test_multiclass_metrics_take_two_classes() -> None:
    predictions = np.c_[1 - SECOND, SECOND]
    found = score(["roc_auc_ovr", "f1_macro"], "multiclass", LABELS, predictions)
    assert found == score(["roc_auc_ovr", "f1_macro"], "binary", LABELS, predictions)


def test_names_beyond_the_listed_are_judged_by_trying_them() -> None:
    assert is_computable("matthews_corrcoef", "multiclass")
    assert is_computable("neg_max_error", "regression")
    assert not is_computable("explained_variance", "binary")
    assert not is_computable("v_measure_score", "regression")
    assert not is_computable("f1_samples", "multiclass")


@pytest.mark.parametrize(
    ("name", "task", "words"),
    [
        ("f1", "multiclass", "f1 of a multiclass task needs an average: f1_macro, f1_micro"),
        ("roc_auc", "multiclass", "needs an average: roc_auc_ovr, roc_auc_ovo"),
        ("accuracy", "regression", "accuracy is not for a regression task"),
        ("rmse", "binary", "rmse is not for a binary task"),
        ("neg_max_error", "multiclass", "neg_max_error is not for a multiclass task"),
        ("acuracy", "binary", "there is no metric acuracy"),
    ],
)
def test_unfit_metric_is_refused_with_the_reason(name: str, task: str, words: str) -> None:
    assert words in (fault(name, task) or "")
    with pytest.raises(MetricError, match=words):
        score([name], task, CLASSES, PROBABILITIES)


@pytest.mark.parametrize(
    ("task", "y", "predictions", "words"),
    [
        ("regression", [1.0, 2.0], np.zeros((2, 3)), "give a quantity for each target"),
        ("binary", [0, 1], np.zeros((2, 3)), "there are two classes"),
        ("multiclass", [0, 3], np.zeros((2, 3)), "no probability for class number 3"),
        ("multiclass", [0, 1], np.zeros((2, 3, 1)), "give a probability for each class"),
        ("binary", [0, 1], np.array(["a", "b"]), "predictions must be numbers"),
    ],
)
def test_predictions_of_another_shape_are_refused(
    task: str, y: list[float], predictions: Any, words: str
) -> None:
    with pytest.raises(MetricError, match=words):
        score(["mae" if task == "regression" else "accuracy"], task, np.array(y), predictions)


def test_metric_that_the_rows_do_not_define_is_refused() -> None:
    with pytest.raises(MetricError, match="neg_mean_squared_log_error cannot be computed"):
        score(["neg_mean_squared_log_error"], "regression", np.array([1.0]), np.array([-3.0]))


def test_direction_is_that_of_scikit_learns_scorers_and_of_kerass_logs() -> None:
    assert [direction(n) for n in ("rmse", "log_loss", "loss")] == ["minimize"] * 3
    assert [direction(n) for n in ("r2", "neg_log_loss", "auc", "f1_micro")] == ["maximize"] * 4
    assert direction("my_metric") is None


def test_documented_names_are_computable() -> None:
    page = Path(__file__).parent.parent / "docs" / "studies.md"
    table = page.read_text(encoding="utf-8").partition("| task | usual names |")[2].split("\n\n")[0]
    rows = [line.strip("|").split("|") for line in table.splitlines()[2:]]
    assert [task.strip() for task, _ in rows] == ["regression", "binary", "multiclass"]
    for task, names in rows:
        shown = {name.strip(" `") for name in names.split(",")}
        assert all(is_computable(name, task.strip()) for name in shown)
