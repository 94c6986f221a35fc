"""Ensembles, calibration and intervals, on predictions that are made here."""

from __future__ import annotations

import numpy as np
import pytest

from tuner.automl.calibration import (
    calibration_bins,
    calibration_error,
    fit_calibration,
    fit_temperature,
    log_loss,
    with_temperature,
)
from tuner.automl.conformal import coverage, half_width
from tuner.automl.ensemble import Judge, bootstrap, choose
from tuner.errors import MetricError
from tuner.spec import Objective

RMSE = Judge("regression", Objective(metric="rmse", direction="minimize"))
AUC = Judge("binary", Objective(metric="roc_auc", direction="maximize"))
ACCURACY = Judge("multiclass", Objective(metric="accuracy", direction="maximize"))

LOG_LOSS = Objective(metric="log_loss", direction="minimize")


def quantities(n=600, errors=(0.5, 0.5, 3.0), seed=0):
    random = np.random.default_rng(seed)
    y = random.normal(size=n)
    return y, [(y + random.normal(size=n) * error).astype("float32") for error in errors]


def probabilities(n=2000, classes=3, sharpness=1.5, seed=0):
    """Classes drawn from known probabilities, and these probabilities."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(n, classes)) * sharpness
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    y = (true.cumsum(axis=1) > random.random((n, 1))).argmax(axis=1)
    return y, true


def test_metric_of_many_predictions_is_that_of_scikit_learn():
    y, (first, *_) = quantities()
    assert RMSE.value_of_many(y, first) == pytest.approx(RMSE.value(y, first), rel=1e-6)
    for n in (2, 3):
        y, true = probabilities(classes=n)
        judge = Judge("binary" if n == 2 else "multiclass", LOG_LOSS)
        assert judge.value_of_many(y, true) == pytest.approx(judge.value(y, true), rel=1e-6)
    assert ACCURACY.value_of_many(y, true) == ACCURACY.value(y, true)


def test_independent_errors_are_averaged():
    y, candidates = quantities()
    ensemble = choose(y, candidates, RMSE, seed=0)
    assert set(ensemble.weights) == {0, 1}
    assert ensemble.weights[0] == pytest.approx(0.5, abs=0.15)
    assert sum(ensemble.weights.values()) == pytest.approx(1)
    best = min(RMSE.value(y, one) for one in candidates)
    together = RMSE.value(y, ensemble.average(candidates))
    assert together < 0.8 * best
    assert ensemble.gain == pytest.approx(best - together, rel=0.3)
    assert ensemble.gain > ensemble.error


def test_best_candidate_is_returned_alone_when_no_other_adds_anything():
    y, (good, _, bad) = quantities(errors=(0.1, 0.5, 3.0))
    ensemble = choose(y, [bad, good, good], RMSE, seed=0)
    assert ensemble.is_single
    assert ensemble.weights == {1: 1.0}


def test_same_seed_gives_the_same_ensemble():
    y, candidates = quantities(errors=(0.5, 0.6, 0.7, 0.8))
    assert choose(y, candidates, RMSE, seed=3) == choose(y, candidates, RMSE, seed=3)


def test_selection_ends_when_the_time_is_over():
    y, candidates = quantities()
    assert choose(y, candidates, RMSE, seed=0, is_late=lambda: True).is_single


def test_few_rows_give_the_best_candidate():
    y, candidates = quantities(n=12)
    ensemble = choose(y, candidates, RMSE, seed=0)
    assert ensemble.is_single
    assert ensemble.gain is None


def test_metric_that_is_not_defined_is_an_error():
    y, one = np.zeros(100), np.full((100, 2), 0.5)
    with pytest.raises(MetricError, match="roc_auc is not defined"):
        choose(y, [one, one], AUC, seed=0)


def test_timid_member_is_chosen_once_it_is_calibrated():
    y, true = probabilities(sharpness=3)
    timid = with_temperature(true, 4.0)
    temperature = fit_temperature(y, timid)
    assert temperature == pytest.approx(0.25, rel=0.1)
    assert log_loss(y, with_temperature(timid, temperature)) < log_loss(y, timid) - 0.1
    assert (
        with_temperature(timid, temperature).argmax(axis=1).tolist() == true.argmax(axis=1).tolist()
    )


def test_calibrated_probabilities_keep_their_temperature():
    y, true = probabilities(n=20_000)
    assert fit_temperature(y, true) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("shift", [-3.0, 3.0])
def test_model_that_ranks_well_and_predicts_one_class_is_shifted(shift):
    y, true = probabilities(n=5_000, classes=2)
    biased = with_temperature(true, 1.0, shift)
    temperature, found = fit_calibration(y, biased)
    assert temperature == pytest.approx(1, abs=0.1)
    assert found == pytest.approx(-shift, abs=0.3)
    calibrated = with_temperature(biased, temperature, found)
    assert (calibrated.argmax(axis=1) == y).mean() > (biased.argmax(axis=1) == y).mean() + 0.1


def test_more_classes_have_no_shift():
    y, true = probabilities()
    assert fit_calibration(y, true) == (fit_temperature(y, true), 0.0)


def test_few_rows_that_are_all_predicted_right_stay_a_little_in_doubt():
    y = np.array([0, 1] * 10)
    right = with_temperature(np.eye(2)[y], 5.0, 1.0)
    calibrated = with_temperature(right, *fit_calibration(y, right))
    assert (calibrated.argmax(axis=1) == y).all()
    assert calibrated.max() < 0.999


def test_certain_and_wrong_probabilities_stay_finite():
    y = np.array([0, 1] * 20)
    wrong = np.eye(2)[1 - y]
    temperature = fit_temperature(y, wrong)
    assert temperature == pytest.approx(20, rel=0.01)
    assert np.isfinite(log_loss(y, with_temperature(wrong, temperature)))


@pytest.mark.parametrize("n", [20, 200, 2000])
def test_rows_that_are_all_predicted_right_leave_a_doubt(n: int) -> None:
    y = np.arange(n) % 2
    sure = np.where(y == 1, 0.9, 0.1)
    right = np.stack([1 - sure, sure], axis=1)
    calibrated = with_temperature(right, fit_temperature(y, right))
    doubt = 1 - calibrated[np.arange(n), y]
    assert doubt == pytest.approx(0.5 / (n + 1), rel=0.1)


def test_calibration_bins_show_what_came_true():
    y, true = probabilities(n=20_000, classes=2)
    bins = calibration_bins(y, true)
    assert sum(one.rows for one in bins) == 20_000
    assert len(bins) == 10
    assert calibration_error(bins) < 0.02
    assert calibration_error(calibration_bins(y, with_temperature(true, 0.2))) > 0.05


def test_equal_probabilities_are_one_bin():
    bins = calibration_bins(np.array([0, 1, 1, 0]), np.full((4, 2), 0.5))
    assert [(one.rows, one.predicted, one.observed) for one in bins] == [(4, 0.5, 0.5)]


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
def test_interval_covers_new_rows_as_wanted(level):
    y, (known, _) = quantities(n=2000, errors=(1.0, 1.0))
    width = half_width(y[:1000], known[:1000], level)
    assert coverage(y[1000:], known[1000:], width) == pytest.approx(level, abs=0.03)


def test_too_few_rows_have_no_interval():
    assert half_width(np.arange(5.0), np.zeros(5), 0.9) is None
    assert half_width(np.arange(9.0), np.zeros(9), 0.9) == 8


def test_bootstrap_interval_holds_the_value_and_shrinks_with_rows():
    few = bootstrap(*_pair(200), AUC, seed=0)
    many = bootstrap(*_pair(20_000), AUC, seed=0)
    for found in (few, many):
        assert found.low < found.value < found.high
        assert found.high - found.low == pytest.approx(4 * found.error, rel=0.25)
    assert many.error == pytest.approx(few.error / 10, rel=0.4)


def test_bootstrap_leaves_out_samples_without_a_class():
    y = np.array([0] * 30 + [1])
    found = bootstrap(y, np.linspace([0.9, 0.1], [0.1, 0.9], 31), AUC, seed=0)
    assert found.value == 1
    assert found.error == pytest.approx(0, abs=1e-12)


def test_ties_of_accuracy_are_broken_by_the_probabilities():
    y, true = probabilities(n=500)
    timid = with_temperature(true, 3.0)
    assert ACCURACY.value(y, timid) == ACCURACY.value(y, true)
    assert next(iter(choose(y, [timid, true], ACCURACY, seed=0).weights)) == 1


def _pair(n):
    return probabilities(n=n, classes=2)
