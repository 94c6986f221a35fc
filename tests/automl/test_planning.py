"""From a table and a request to a study."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tuner.automl.automl_request import AutoMLRequest
from tuner.automl.planning import memory_notice, plan, validation
from tuner.data import Development, Split, Task
from tuner.errors import MetricError, RequestError
from tuner.spec import StudySpec


def data(task: Task = "binary", n: int = 2_000, **columns: Any) -> Development:
    """Development rows with four features, of which a quarter validates."""
    random = np.random.default_rng(0)
    x = random.normal(size=(n, 4)).astype(np.float32)
    if task == "regression":
        y, names = x[:, 0] * 2, ()
    else:
        names = ("a", "b", "c")[: 2 if task == "binary" else 3]
        y = np.arange(n) % len(names)
        y = y.astype(np.int32 if task == "multiclass" else np.float32)
    rows = Split(x, y, **columns)
    cut = n * 3 // 4
    parts = [rows.take(np.arange(start, end)) for start, end in ((0, cut), (cut, n))]
    return Development(*parts, task, class_names=names, feature_names=tuple("wxyz"))


def request(**given: Any) -> AutoMLRequest:
    return AutoMLRequest(**{"data": "homes.csv", "target": "price", "out": "model", **given})


def planned(rows: Development, seconds: float = 250.0, **given: Any) -> StudySpec:
    return plan(rows, request(**given), seconds, n_workers=2)


@pytest.mark.parametrize(
    ("task", "metric", "direction"),
    [
        ("binary", "roc_auc", "maximize"),
        ("multiclass", "log_loss", "minimize"),
        ("regression", "rmse", "minimize"),
    ],
)
def test_metric_follows_from_the_task(task: Task, metric: str, direction: str) -> None:
    objective = planned(data(task)).objective
    assert (objective.metric, objective.direction) == (metric, direction)


def test_any_scorer_is_a_metric() -> None:
    objective = planned(data(), metric="neg_brier_score").objective
    assert (objective.metric, objective.direction) == ("neg_brier_score", "maximize")
    objective = planned(data("regression"), metric="mae").objective
    assert (objective.metric, objective.direction) == ("mae", "minimize")


@pytest.mark.parametrize(
    ("task", "metric", "match"),
    [
        ("binary", "acuracy", r"--metric acuracy: there is no metric acuracy; did you mean acc"),
        ("binary", "rmse", r"--metric rmse: rmse is not for a binary task\. The target .* 2 cla"),
        ("multiclass", "roc_auc", r"--metric roc_auc: .* needs an average: roc_auc_ovr"),
        ("regression", "accuracy", r"accuracy is not for a regression task.* r2, rmse, mse, mae"),
    ],
)
def test_metric_that_is_not_for_the_task_is_refused(task: Task, metric: str, match: str) -> None:
    with pytest.raises(MetricError, match=match):
        planned(data(task), metric=metric)


def test_small_tables_have_repeated_folds_and_large_ones_a_hold_out() -> None:
    assert validation(data(n=400), 300) == (8, 2)
    assert validation(data(n=400), 20) == (8, 1)
    assert validation(data(n=2_000), 300) == (8, 1)
    assert validation(data(n=30_000), 300) == (1, 1)


def test_there_are_no_more_folds_than_rows_of_a_class_or_groups_or_times() -> None:
    rare = data(n=2_000)
    y = np.zeros(2_000, np.float32)
    y[[3, 5, 7]] = 1
    few = rare.trained_on(Split(rare.rows.x, y))
    assert validation(few.fold(np.arange(2_000), np.arange(0)), 300)[0] == 3
    grouped = data(n=2_000, group=np.arange(2_000) % 4)
    assert validation(grouped, 300)[0] == 4
    timed = data(n=2_000, time=np.arange(2_000) % 3)
    assert validation(timed, 300) == (2, 1)


def test_study_keeps_what_trials_leave_and_tries_defaults_first() -> None:
    spec = planned(data(), memory="6GiB", seed=3)
    assert spec.validation is not None
    assert spec.validation.keep
    assert spec.sampler.name == "portfolio"
    assert spec.sampler.seed == 3
    assert spec.budget.trial.memory == 2 * 2**30
    assert spec.budget.timeout == 250.0
    assert len(spec.references) >= 6
    assert all(one.role == "default" and one.expected for one in spec.references)


def test_study_is_the_same_when_it_is_stored_and_read() -> None:
    spec = planned(data("multiclass"))
    assert StudySpec.from_dict(spec.to_dict(), spec.base) == spec


def test_memory_that_is_too_little_for_the_workers_is_refused() -> None:
    with pytest.raises(RequestError, match=r"--memory must be at least 768 MiB for 2 workers, but"):
        planned(data(), memory="500MiB")


def test_too_little_memory_for_networks_is_noted() -> None:
    said = memory_notice(planned(data(), memory="2GiB"))
    assert said == (
        "--memory leaves 683 MiB to a worker, but networks need about 1.0 GiB: trials of tabm and "
        "realmlp may fail; give more, or fewer --workers"
    )
    assert memory_notice(planned(data(), memory="3GiB")) is None
    assert memory_notice(planned(data())) is None


def test_boosting_is_scored_after_every_tenth_iteration() -> None:
    spec = planned(data())
    assert spec.fixed == {"hist_gradient_boosting_score_every": 10}
    assert "hist_gradient_boosting_score_every" not in spec.search_space.names()
