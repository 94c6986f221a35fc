"""Calibrates probabilities by one temperature, and shows how well they are calibrated.

A network that was trained with label smoothing, or an average of trees, ranks well and is not as
sure as it should be. Dividing its log-probabilities by a temperature changes no ranking between
the classes of a row. Source: Guo et al., On Calibration of Modern Neural Networks, 2017.

Shapes: probabilities ``(n, classes)``, whose rows sum to 1; ``y`` ``(n,)`` class numbers from 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LEAST = 1e-7
"""Probabilities below are counted as this much: one row that is surely wrong is not everything."""
_RANGE = (0.05, 20.0)


def log_loss(y: NDArray[np.integer], probabilities: NDArray[np.floating]) -> float:
    """Returns the mean negative logarithm of the probability of each row's class."""
    of_class = probabilities[np.arange(len(y)), y].astype(np.float64)
    return float(-np.log(np.clip(of_class, _LEAST, None)).mean())


def fit_temperature(y: NDArray[np.integer], probabilities: NDArray[np.floating]) -> float:
    """Returns the temperature of the least log loss, between 0.05 and 20.

    Above 1 it makes the probabilities less extreme.

    Args:
        y: Classes of rows that the model was not fitted on.
        probabilities: Its predictions for them.
    """
    from scipy.optimize import minimize_scalar

    logarithms = _logarithms(probabilities)

    def loss(log_temperature: float) -> float:
        return log_loss(y, _softmax(logarithms / np.exp(log_temperature)))

    low, high = np.log(_RANGE)
    found = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-3})
    return float(np.exp(found.x)) if found.fun < loss(0.0) else 1.0


def with_temperature(
    probabilities: NDArray[np.floating], temperature: float
) -> NDArray[np.floating]:
    """Returns the probabilities at a temperature, in their own dtype; at 1 as they are."""
    if temperature == 1.0:
        return probabilities
    scaled = _softmax(_logarithms(probabilities) / temperature)
    return scaled.astype(probabilities.dtype)


def _logarithms(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.log(np.clip(probabilities.astype(np.float64), _LEAST, None))


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class CalibrationBin:
    """Rows whose predicted probabilities lie close together.

    Attributes:
        rows: Number of rows.
        predicted: Mean of the probabilities.
        observed: Share of these rows for which the prediction came true.
    """

    rows: int
    predicted: float
    observed: float


def calibration_bins(
    y: NDArray[np.integer], probabilities: NDArray[np.floating], bins: int = 10
) -> list[CalibrationBin]:
    """Compares probabilities with what came true, in bins of as many rows each.

    Of two classes the probability of the second is looked at, of more that of the predicted class.

    Args:
        y: Classes of rows that the model was not fitted on.
        probabilities: Its predictions for them.
        bins: How many bins there are at most; fewer where probabilities are equal.
    """
    if probabilities.shape[1] == 2:
        predicted, is_true = probabilities[:, 1].astype(np.float64), y == 1
    else:
        chosen = probabilities.argmax(axis=1)
        predicted, is_true = probabilities.max(axis=1).astype(np.float64), y == chosen
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, bins + 1)[1:-1]))
    number = np.searchsorted(edges, predicted, side="right")
    return [
        CalibrationBin(
            int((number == one).sum()),
            float(predicted[number == one].mean()),
            float(is_true[number == one].mean()),
        )
        for one in np.unique(number)
    ]


def calibration_error(bins: list[CalibrationBin]) -> float:
    """Returns the mean difference between predicted and observed, weighted by rows (ECE)."""
    total = sum(one.rows for one in bins)
    return sum(one.rows * abs(one.predicted - one.observed) for one in bins) / total
