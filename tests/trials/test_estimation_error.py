"""The standard error of a trial's value."""

from __future__ import annotations

import numpy as np
import pytest

from tuner.trials.estimation_error import standard_error


@pytest.mark.parametrize("n", [60, 1000])
def test_error_of_accuracy_is_the_binomial_one(n: int) -> None:
    rng = np.random.default_rng(0)
    right = rng.random(n) < 0.8
    y = rng.integers(0, 2, n)
    predictions = np.where(right, y, 1 - y).astype(float)
    share = right.mean()
    found = standard_error("accuracy", "binary", y, predictions)
    assert found == pytest.approx((share * (1 - share) / n) ** 0.5, rel=0.4)


def test_error_of_a_mean_of_squares_is_that_of_a_mean() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=(800, 1))
    predictions = y + rng.normal(size=(800, 1))
    squares = (y - predictions) ** 2
    found = standard_error("mse", "regression", y, predictions)
    assert found == pytest.approx(squares.std() / 800**0.5, rel=0.4)


def test_perfect_predictions_have_none() -> None:
    y = np.array([0, 1] * 50)
    assert standard_error("accuracy", "binary", y, y.astype(float)) is None


def test_few_rows_have_none_where_the_metric_is_not_defined_without_one() -> None:
    y = np.array([1, 0, 0])
    assert standard_error("roc_auc", "binary", y, np.array([0.9, 0.1, 0.2])) is None
    assert standard_error("accuracy", "binary", y[:1], np.array([0.9])) is None
