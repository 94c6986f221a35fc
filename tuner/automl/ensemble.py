"""Chooses members of an ensemble and their weights by out-of-fold predictions.

Greedy selection with replacement: member after member is added whose prediction improves the
metric of the average most; how often each was added is its weight. Source: Caruana et al., Ensemble
Selection from Libraries of Models, 2004. Probabilities must be calibrated before
(`tuner.automl.calibration`), because the average of a timid and a bold member is that of the bold.

Shapes: ``y`` ``(n,)`` and each prediction ``(n, classes)`` or ``(n,)``, of the same rows, finite.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner import scoring
from tuner.automl.calibration import log_loss
from tuner.data.schema import Task
from tuner.errors import MetricError
from tuner.spec import Objective

_ROUNDS = 25
_PATIENCE = 5  # rounds without a better average
_MOST_CANDIDATES = 15
_MOST_ROWS = 5_000  # of a metric that takes 2 ms this is about 3 s in all
_PARTS = 3
_LEAST_ROWS_A_PART = 20

Predictions = NDArray[np.floating]


@dataclass(frozen=True)
class Judge:
    """What predictions are compared by.

    Attributes:
        task: What is learnt.
        objective: Metric and direction.
    """

    task: Task
    objective: Objective

    def value(self, y: NDArray[Any], predictions: Predictions) -> float:
        """Returns the metric.

        Raises:
            MetricError: It is not defined for these rows.
        """
        name = self.objective.metric
        return scoring.score([name], self.task, y, predictions)[name]

    def value_of_many(self, y: NDArray[Any], predictions: Predictions) -> float:
        """Returns the metric as `value` does, for hundreds of predictions.

        scikit-learn takes milliseconds to look at what it is given, and two metrics are a line of
        NumPy. Log loss differs from `value` where a class got a probability of 1e-7 or less.

        Raises:
            MetricError: It is not defined for these rows.
        """
        if self.objective.metric == "log_loss" and self.task != "regression":
            return log_loss(y.astype(np.intp), predictions)
        if self.objective.metric == "rmse" and y.ndim == 1:
            return float(np.sqrt(_squared_error(y, predictions)))
        return self.value(y, predictions)

    def loss(self, y: NDArray[Any], predictions: Predictions) -> tuple[float, float]:
        """Returns what is minimised: the metric's loss; among equals, the error of predictions."""
        loss = self.objective.loss(self.value_of_many(y, predictions))
        if self.task == "regression":
            beside = _squared_error(y, predictions)
        else:
            beside = log_loss(y.astype(np.intp), predictions)
        return (round(loss, 10) if np.isfinite(loss) else np.inf, beside)


def _squared_error(y: NDArray[Any], predictions: Predictions) -> float:
    return float(((y.astype(np.float64) - predictions) ** 2).mean())


@dataclass(frozen=True)
class Ensemble:
    """Members with their weights.

    Attributes:
        weights: Position of a member among the candidates to its weight, heaviest first; they sum
            to 1.
        gain: By how much the ensemble was better than the best single candidate on rows that
            neither was chosen by, in the metric's unit; None if that was not measured.
        error: Standard error of ``gain``.
    """

    weights: dict[int, float]
    gain: float | None = None
    error: float | None = None

    @property
    def is_single(self) -> bool:
        """Whether there is one member only."""
        return len(self.weights) == 1

    def average(self, predictions: Sequence[Predictions]) -> Predictions:
        """Returns the weighted mean of the candidates' predictions."""
        return _mean(predictions, self.weights)


def choose(
    y: NDArray[Any],
    candidates: Sequence[Predictions],
    judge: Judge,
    seed: int,
    *,
    is_late: Callable[[], bool] = lambda: False,
) -> Ensemble:
    """Chooses an ensemble, or the best candidate alone if no ensemble is better by its noise.

    The gain of an ensemble over the best candidate is measured on parts of the rows; both are
    chosen on the other parts. If its mean is not above its standard error, the best single
    candidate is returned.

    Args:
        y: Targets.
        candidates: Out-of-fold predictions of each, at least one.
        judge: What they are compared by.
        seed: Divides the rows.
        is_late: Returns whether the time is over; then the best found so far is returned.

    Raises:
        MetricError: The metric is not defined for these rows.
    """
    rows = np.random.default_rng(seed).permutation(len(y))[:_MOST_ROWS]
    losses = [judge.loss(y[rows], one[rows]) for one in candidates]
    if all(loss == np.inf for loss, _ in losses):
        raise MetricError(f"{judge.objective.metric} is not defined for these rows")
    order = sorted(range(len(candidates)), key=lambda position: losses[position])
    order = order[:_MOST_CANDIDATES]
    single = Ensemble({order[0]: 1.0})
    if len(order) == 1:
        return single
    some = [candidates[position] for position in order]

    def renamed(weights: dict[int, float]) -> dict[int, float]:
        return {order[position]: weight for position, weight in weights.items()}

    gains = _gains(y, some, rows, judge, is_late)
    if not gains:
        return single
    gain = float(np.mean(gains))
    error = float(np.std(gains, ddof=1) / np.sqrt(len(gains))) if len(gains) > 1 else gain
    if gain <= error or is_late():
        return replace(single, gain=gain, error=error)
    weights = _select(y[rows], [one[rows] for one in some], judge, is_late)
    return Ensemble(renamed(weights), gain, error)


def _gains(
    y: NDArray[Any],
    candidates: Sequence[Predictions],
    rows: NDArray[np.intp],
    judge: Judge,
    is_late: Callable[[], bool],
) -> list[float]:
    """Returns the gain on each part, in the metric's unit and positive if it is one."""
    n_parts = min(_PARTS, len(rows) // _LEAST_ROWS_A_PART)
    if n_parts < 2:
        return []
    found = []
    for part in np.array_split(rows, n_parts):
        if is_late():
            return []
        others = np.setdiff1d(rows, part)
        there = [one[others] for one in candidates]
        best = min(range(len(there)), key=lambda n: judge.loss(y[others], there[n]))
        weights = _select(y[others], there, judge, is_late)
        here = [one[part] for one in candidates]
        try:
            alone = judge.loss(y[part], here[best])[0]
            together = judge.loss(y[part], _mean(here, weights))[0]
        except MetricError:
            continue
        if np.isfinite(alone - together):  # a part may lack a class that the metric needs
            found.append(alone - together)
    return found


def _select(
    y: NDArray[Any],
    candidates: Sequence[Predictions],
    judge: Judge,
    is_late: Callable[[], bool],
) -> dict[int, float]:
    """Returns position to weight; the weights of the best average on the way."""
    counts: dict[int, int] = {}
    total = np.zeros(candidates[0].shape, np.float64)
    best, best_loss = dict[int, int](), (np.inf, np.inf)
    for size in range(1, _ROUNDS + 1):
        if best and (is_late() or size - sum(best.values()) > _PATIENCE):
            break
        losses = [judge.loss(y, (total + one) / size) for one in candidates]
        added = min(range(len(candidates)), key=lambda position: losses[position])
        total += candidates[added]
        counts[added] = counts.get(added, 0) + 1
        if losses[added] < best_loss:
            best, best_loss = dict(counts), losses[added]
    n_added = sum(best.values())
    heaviest = sorted(best, key=lambda position: -best[position])
    return {position: best[position] / n_added for position in heaviest}


def _mean(predictions: Sequence[Predictions], weights: dict[int, float]) -> Predictions:
    total = np.zeros(predictions[0].shape, np.float64)
    for position, weight in weights.items():
        total += weight * predictions[position]
    return total.astype(predictions[0].dtype)


@dataclass(frozen=True)
class Interval:
    """A score with its uncertainty.

    Attributes:
        value: On all rows.
        error: Standard error.
        low: 2.5 % of resampled scores are below.
        high: 2.5 % are above.
    """

    value: float
    error: float
    low: float
    high: float


def bootstrap(
    y: NDArray[Any], predictions: Predictions, judge: Judge, seed: int, times: int = 200
) -> Interval:
    """Scores resampled rows. Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993.

    Args:
        y: Targets.
        predictions: For the same rows.
        judge: Which metric.
        seed: Draws the rows.
        times: How often.

    Raises:
        MetricError: The metric is not defined for all rows together.
    """
    value = judge.value(y, predictions)
    random = np.random.default_rng(seed)
    # Of many rows some show the deviation, which then shrinks with the root of their number.
    size = min(len(y), _MOST_ROWS)
    found = []
    for _ in range(times):
        rows = random.integers(0, len(y), size)
        try:
            found.append(judge.value_of_many(y[rows], predictions[rows]))
        except MetricError:  # without any row of a class
            continue
    scores = np.array([one for one in found if np.isfinite(one)])
    if len(scores) < 2:
        return Interval(value, float("nan"), float("nan"), float("nan"))
    if size < len(y):
        scores = value + (scores - scores.mean()) * np.sqrt(size / len(y))
    low, high = np.quantile(scores, [0.025, 0.975])
    return Interval(value, float(scores.std(ddof=1)), float(low), float(high))
