"""A few cheap candidates and their ensemble, fitted in this process: for tables of few rows.

To start workers takes seconds, and so does a network. What is done is what `tuner automl` does, on
a small scale: folds, out-of-fold predictions, temperatures, the greedy choice of members, whose
fold models predict together.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.automl.calibration import fit_calibration, with_temperature
from tuner.automl.ensemble import Judge, choose
from tuner.bundle.members import Members, Voter, out_of_fold
from tuner.data import Development, Split
from tuner.data.folds import folds_of
from tuner.errors import MetricError
from tuner.learners.base import Fitted
from tuner.learners.registry import open_learner
from tuner.learners.setup import Setup
from tuner.learners.watch import Watch
from tuner.space import Value

MOST_ROWS = 500
_FOLDS = 3

# Cheapest first; the first is always fitted.
_CANDIDATES: tuple[tuple[str, Mapping[str, Value]], ...] = (
    ("linear_model", {}),
    ("hist_gradient_boosting", {"max_iter": 40, "max_leaf_nodes": 8, "min_samples_leaf": 5}),
    ("extra_trees", {"n_estimators": 30, "n_parts": 1, "min_samples_leaf": 2}),
)


@dataclass(frozen=True)
class Small:
    """What was fitted.

    Attributes:
        members: The ensemble.
        board: A row a candidate, best first: ``learner``, ``value``, ``fit_s``, ``share``.
    """

    members: Members
    board: list[dict[str, Any]]


def fit_small(data: Development, judge: Judge, seed: int, seconds: float) -> Small:
    """Fits candidates until the time is over, and chooses among them.

    Args:
        data: All rows as training rows; those of the validation are not looked at.
        judge: The metric.
        seed: All chance depends on it.
        seconds: After which no further candidate is begun.

    Raises:
        TrialFailed: A candidate cannot be fitted.
        DataError: The rows are not usable.
    """
    with one_thread():
        return _fit_small(data, judge, seed, time.monotonic() + seconds)


@contextmanager
def one_thread() -> Iterator[None]:
    """Lets libraries use one thread: for few rows several only wait for each other."""
    from threadpoolctl import threadpool_limits  # of scikit-learn, which needs it

    with threadpool_limits(1):
        yield


def _fit_small(data: Development, judge: Judge, seed: int, deadline: float) -> Small:
    rows = data.train
    positions = _positions(rows, data, seed)
    folds = [data.fold(train, held) for train, held in positions] or [data]
    held = [one for _, one in positions]
    found: list[tuple[str, list[Fitted], NDArray[np.floating] | None, float]] = []
    for name, params in _CANDIDATES:
        if found and (time.monotonic() > deadline or not held):
            break  # without rows held out there is nothing to choose by
        begun = time.monotonic()
        models = [_fitted(name, params, one, seed + k) for k, one in enumerate(folds)]
        took = time.monotonic() - begun
        found.append((name, models, out_of_fold(models, rows.x, held) if held else None, took))
    return _chosen(found, rows, judge, seed)


def _positions(rows: Split, data: Development, seed: int) -> list[Any]:
    """Returns the folds; none if there are too few rows, in all or of a class."""
    least = len(rows)
    if data.task != "regression":
        least = int(np.bincount(rows.y.astype(np.intp), minlength=data.n_classes).min())
    n_folds = min(_FOLDS, least)
    return folds_of(rows, data.task, n_folds, 1, seed, data.class_names) if n_folds > 1 else []


def _fitted(name: str, params: Mapping[str, Value], data: Development, seed: int) -> Fitted:
    learner = open_learner(name, Setup())
    watch = Watch(learner.steps(params), word=learner.step_word)
    fitted = learner.fit(params, data, seed, watch)
    watch.result()
    return fitted


def _chosen(
    found: Sequence[tuple[str, list[Fitted], NDArray[np.floating] | None, float]],
    rows: Split,
    judge: Judge,
    seed: int,
) -> Small:
    name, models, first, took = found[0]
    if first is None:
        board = [{"learner": name, "value": None, "fit_s": took, "share": 1.0}]
        return Small(Members([Voter(models)]), board)
    calibrations, predictions = [], []
    for _, _, predicted, _ in found:
        assert predicted is not None
        calibration = 1.0, 0.0
        if judge.task != "regression":
            calibration = fit_calibration(rows.y.astype(np.intp), predicted)
        calibrations.append(calibration)
        predictions.append(with_temperature(predicted, *calibration))
    try:
        weights = choose(rows.y, predictions, judge, seed).weights
    except MetricError:  # such as a class that no row of a part has
        weights = {0: 1.0}
    voters = [Voter(found[n][1], weight, *calibrations[n]) for n, weight in weights.items()]
    board = [
        {
            "learner": one[0],
            "value": _value(judge, rows, predictions[n]),
            "fit_s": one[3],
            "share": weights.get(n, 0.0),
        }
        for n, one in enumerate(found)
    ]
    sign = -1 if judge.objective.direction == "maximize" else 1
    board.sort(key=lambda row: np.inf if row["value"] is None else sign * row["value"])
    return Small(Members(voters), board)


def _value(judge: Judge, rows: Split, predictions: NDArray[np.floating]) -> float | None:
    try:
        return judge.value(rows.y, predictions)
    except MetricError:
        return None
