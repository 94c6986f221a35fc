"""What people must know of an ensemble before they use it, computed once at the end.

The test rows are predicted once: scores with intervals, and how often conformal intervals contain
the truth. Everything else is computed on rows of the search, each predicted by fold models that
were not fitted on it: how well probabilities are calibrated, where the model is wrong, and which
columns matter.

Keys and values are those of `tuner.bundle.members_info.MembersInfo`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner import scoring
from tuner.automl.calibration import calibration_bins
from tuner.automl.conformal import LEVELS, coverage, half_width
from tuner.automl.ensemble import Judge, bootstrap
from tuner.automl.planning import BESIDE
from tuner.bundle.explain import background_of
from tuner.bundle.members import Members, replaced, restricted, take_rows
from tuner.data import SealedData, SealedTest, Split
from tuner.data.trivial import trivial
from tuner.errors import MetricError

_BINS = 10
_REPEATS = 5
_MOST_ROWS, _LEAST_ROWS = 1_000, 50
_BACKGROUND_ROWS = 30
_RESAMPLES, _RESAMPLES_BESIDE = 200, 60

Folds = Sequence[NDArray[np.intp]]
BY, WHY = "tuner automl", "score the ensemble"


def facts(
    members: Members,
    data: SealedData,
    folds: Folds,
    predictions: NDArray[np.floating],
    judge: Judge,
    *,
    seed: int,
    seconds: float,
    unseal: Callable[[SealedTest], Split] = lambda sealed: sealed.open(BY, WHY),
) -> dict[str, Any]:
    """Returns keys of ``bundle.json``; the test rows are opened.

    Args:
        members: The ensemble.
        data: The study's data.
        folds: For each fold the positions in ``data.development.rows`` that it holds out.
        predictions: The ensemble's out-of-fold predictions for these rows; NaN where none is
            held out.
        judge: The study's metric.
        seed: Draws what is resampled and permuted.
        seconds: Time for the importance of columns, which is left out without any.
        unseal: Opens the test rows; by default without a record in a database.
    """
    development = data.development
    rows = development.rows
    held = np.flatnonzero(np.isfinite(predictions.reshape(len(predictions), -1)).all(axis=1))
    y, predicted = rows.y[held], predictions[held]
    test = unseal(data.sealed_test)
    test_predicted = members.predict(test.x)
    found = scores(data, judge, y, predicted, test, test_predicted, seed)
    if development.task == "regression":
        if y.ndim == 1:
            found["residuals"] = residuals(y, predicted)
            found["intervals"] = intervals(y, predicted, test.y, test_predicted)
    else:
        classes = y.astype(np.intp)
        found["confusion"] = confusion(classes, predicted, development.n_classes)
        found["calibration"] = [asdict(one) for one in calibration_bins(classes, predicted, _BINS)]
    if development.kind in ("table", "mixed") and development.feature_names:
        some = np.random.default_rng(seed).permutation(held)[:_BACKGROUND_ROWS]
        names = development.feature_names
        found["background"] = background_of(take_rows(rows.x, np.sort(some)), names)
        if seconds > 0:
            found["importance"] = importance(
                members, rows, folds, judge, names, seed=seed, seconds=seconds
            )
    return found


def scores(
    data: SealedData,
    judge: Judge,
    y: NDArray[Any],
    predicted: NDArray[np.floating],
    test: Split,
    test_predicted: NDArray[np.floating],
    seed: int,
) -> dict[str, Any]:
    """Returns ``scores`` and ``baseline``: the judge's metric first, then those of every card.

    Args:
        data: The study's data.
        judge: The study's metric.
        y: Targets of rows that were held out in the search.
        predicted: Predictions for them.
        test: The test rows.
        test_predicted: Predictions for them.
        seed: Draws what is resampled.
    """
    task = data.development.task
    scored = replace(data.development, train=data.development.rows, validation=test)
    validation, on_test = dict[str, float](), dict[str, float]()
    bounds, baseline, words = dict[str, list[float]](), dict[str, float](), dict[str, str]()
    first = (judge.objective.metric, BESIDE[task])
    for name in dict.fromkeys((*first, *scoring.reported_names(task))):
        one = Judge(task, _replace_metric(judge, name))
        try:
            validation[name] = one.value(y, predicted)
            times = _RESAMPLES if name == judge.objective.metric else _RESAMPLES_BESIDE
            interval = bootstrap(test.y, test_predicted, one, seed, times)
        except MetricError:  # such as a class that no test row has
            on_test[name] = float("nan")
            continue
        on_test[name] = interval.value
        if np.isfinite([interval.low, interval.high]).all():
            bounds[name] = [interval.low, interval.high]
        if (least := trivial(scored, name)) is not None:
            baseline[name], words[name] = least["value"], least["predicts"]
    usual = next(iter(words.values()), "nothing")
    return {
        "scores": {"validation": validation, "test": on_test, "test_interval": bounds},
        "baseline": {
            "predicts": usual,
            "test": baseline,
            "predicts_for": {name: said for name, said in words.items() if said != usual},
        },
    }


def _replace_metric(judge: Judge, name: str) -> Any:
    """Returns the judge's objective with another metric, and the direction of that."""
    if name == judge.objective.metric:
        return judge.objective
    better = scoring.direction(name) or judge.objective.direction
    return judge.objective.model_copy(update={"metric": name, "direction": better})


def confusion(y: NDArray[np.intp], predicted: NDArray[np.floating], n: int) -> list[list[int]]:
    """Returns how many rows of a class (first index) are predicted as a class (second index)."""
    counts = np.zeros((n, n), np.intp)
    np.add.at(counts, (y, predicted.argmax(axis=1)), 1)
    return counts.tolist()


def residuals(y: NDArray[Any], predicted: NDArray[np.floating]) -> list[dict[str, Any]]:
    """Returns target − prediction by decile of the prediction.

    Args:
        y: ``(n,)``.
        predicted: ``(n,)``.
    """
    order = np.argsort(predicted, kind="stable")
    found = []
    for part in np.array_split(order, min(_BINS, len(order))):
        error = y[part].astype(np.float64) - predicted[part]
        found.append(
            {
                "lower": float(predicted[part[0]]),
                "upper": float(predicted[part[-1]]),
                "mean": float(error.mean()),
                "mae": float(np.abs(error).mean()),
                "rows": len(part),
            }
        )
    return found


def intervals(
    y: NDArray[Any],
    predicted: NDArray[np.floating],
    test_y: NDArray[Any],
    test_predicted: NDArray[np.floating],
) -> list[dict[str, Any]]:
    """Returns conformal intervals, and which share of the test rows they contain.

    Args:
        y: ``(n,)``, of rows that were held out in the search.
        predicted: Predictions for them.
        test_y: Of the test rows.
        test_predicted: Predictions for them.
    """
    found = []
    for level in LEVELS:
        width = half_width(y, predicted, level)
        if width is not None:
            share = coverage(test_y, test_predicted, width)
            found.append(
                {"level": level, "half_width": width, "coverage": share, "rows": len(test_y)}
            )
    return found


def importance(
    members: Members,
    rows: Split,
    folds: Folds,
    judge: Judge,
    names: Sequence[str],
    *,
    seed: int,
    seconds: float,
) -> list[dict[str, Any]]:
    """Returns how much worse the metric gets if a column is permuted, most important first.

    Each row is predicted by fold models that were not fitted on it. A sample of rows is looked at,
    which is smaller where time is short; columns for which there is no time left are absent.

    Args:
        members: The ensemble.
        rows: The development rows.
        folds: For each fold the positions in ``rows`` that it holds out.
        judge: The metric.
        names: Of the columns.
        seed: Draws rows and permutations.
        seconds: Time for all of it.
    """

    def sample(some: NDArray[np.intp]) -> tuple[Any, NDArray[Any], Folds]:
        some = np.sort(some)
        return take_rows(rows.x, some), rows.y[some], restricted(folds, some)

    deadline = time.monotonic() + seconds
    random = np.random.default_rng(seed)
    held = random.permutation(np.unique(np.concatenate(folds)))[:_MOST_ROWS]
    x, y, of_some = sample(held)
    begun = time.monotonic()
    base = members.held_out(x, of_some)
    took = time.monotonic() - begun
    wanted = len(names) * _REPEATS * took
    if wanted > seconds and len(held) > _LEAST_ROWS:
        fewer = max(_LEAST_ROWS, int(len(held) * seconds / wanted))
        x, y, of_some = sample(held[:fewer])
        base = members.held_out(x, of_some)
    losses = dict[int, list[float]]()
    try:
        usual = judge.objective.loss(judge.value(y, base))
        for _ in range(_REPEATS):
            for column in range(len(names)):
                if time.monotonic() > deadline:
                    break
                other = replaced(x, column, x, random.permutation(len(y)))
                loss = judge.objective.loss(judge.value(y, members.held_out(other, of_some)))
                losses.setdefault(column, []).append(loss - usual)
    except MetricError:  # such as a class that the sample does not have
        return []
    found = [
        {"column": names[n], "loss": float(np.mean(some)), "error": float(np.std(some))}
        for n, some in losses.items()
        if np.isfinite(some).all()
    ]
    return sorted(found, key=lambda one: -one["loss"])
