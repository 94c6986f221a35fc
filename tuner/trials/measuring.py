"""Measures the metrics of further objectives: what a model costs, and its other scores."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tuner import scoring
from tuner.costs import BUNDLE_BYTES, COSTS, N_PARAMS, PREDICT_S, ROWS
from tuner.data import Development
from tuner.errors import MetricError
from tuner.learners.base import Fitted, Learner
from tuner.learners.checks import absent_metric
from tuner.learners.saved import save_model
from tuner.space import Value
from tuner.spec import Goal

_CALLS = 5


def cost_names(goals: Collection[Goal]) -> tuple[str, ...]:
    """Returns the metrics among the goals that are costs."""
    return tuple(goal.metric for goal in goals if goal.metric in COSTS)


def model_costs(
    names: Collection[str],
    fitted: Fitted,
    learner: Learner,
    params: Mapping[str, Value],
    data: Development,
) -> dict[str, float]:
    """Returns what a model costs; the seconds of its fit are those that the fit has measured.

    Args:
        names: Of the costs that are wanted.
        fitted: The model.
        learner: What fitted it.
        params: What it was fitted with.
        data: Whose validation rows are predicted.

    Raises:
        MetricError: The model's class does not say how many parameters it has.
        ModelError: The model cannot be saved.
    """
    found: dict[str, float] = {}
    if N_PARAMS in names:
        number = fitted.n_params()
        if number is None:
            raise MetricError(
                f"objective.{N_PARAMS}: {type(fitted).__name__} does not say how many parameters "
                f"it has; give the class a method {N_PARAMS}"
            )
        found[N_PARAMS] = float(number)
    if PREDICT_S in names:
        found[PREDICT_S] = _predict_s(fitted, data)
    if BUNDLE_BYTES in names:
        found[BUNDLE_BYTES] = float(_saved_bytes(fitted, learner, params))
    return found


def _predict_s(fitted: Fitted, data: Development) -> float:
    """Returns the median of a few calls, after one that completes the model.

    They are seconds of the processor, which other work on the machine does not lengthen; a worker
    predicts on one thread.
    """
    rows = data.validation.take(np.resize(np.arange(len(data.validation)), ROWS))
    fitted.predict(rows.x)
    seconds = []
    for _ in range(_CALLS):
        began = time.process_time()
        fitted.predict(rows.x)
        seconds.append(time.process_time() - began)
    return statistics.median(seconds)


def _saved_bytes(fitted: Fitted, learner: Learner, params: Mapping[str, Value]) -> int:
    with tempfile.TemporaryDirectory(prefix="tuner-") as name, fitted.for_predictions():
        save_model(fitted, Path(name), learner, params)
        return sum(file.stat().st_size for file in Path(name).rglob("*") if file.is_file())


def logged_or_scored(
    metric: str, logs: Mapping[str, Any], task: str, y: Any, predictions: Any
) -> float:
    """Returns a score at the best step: what the learner logged, or else from predictions.

    Args:
        metric: Its name.
        logs: What the best step logged.
        task: "regression", "binary" or "multiclass".
        y: Targets of the validation rows.
        predictions: For the same rows.

    Raises:
        MetricError: There is no such metric, or it is not defined for these rows.
    """
    value = logs.get(f"val_{metric}")
    if value is None:
        if not scoring.is_computable(metric, task):
            names = [name.removeprefix("val_") for name in logs if name.startswith("val_")]
            raise absent_metric(metric, names, where=f"objective.{metric}")
        value = scoring.score([metric], task, y, predictions)[metric]
    return finite(metric, float(value))


def finite(metric: str, value: float) -> float:
    """Returns a value that is a number.

    Raises:
        MetricError: It is NaN or infinite.
    """
    if not np.isfinite(value):
        raise MetricError(f"objective.{metric}: {metric} at the best step is {value}")
    return value
