"""Calibrates probabilities by a temperature, and shows how well they are calibrated.

A network that was trained with label smoothing, or an average of trees, ranks well and is not as
sure as it should be. Dividing its log-probabilities by a temperature changes no ranking between
the classes of a row. Source: Guo et al., On Calibration of Modern Neural Networks, 2017.

Of two classes one may be predicted throughout by a model that ranks well, so they are shifted, too.
Source: Platt, Probabilistic Outputs for Support Vector Machines, 1999.

Shapes: probabilities ``(n, classes)``, whose rows sum to 1; ``y`` ``(n,)`` class numbers from 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.bundle.temperature import LEAST_PROBABILITY, logarithms, softmax, with_temperature

__all__ = [
    "CalibrationBin",
    "calibration_bins",
    "calibration_error",
    "fit_calibration",
    "fit_temperature",
    "log_loss",
    "with_temperature",
]

_RANGE = (0.05, 20.0)
_MOST_SHIFT = 10.0


def log_loss(y: NDArray[np.integer], probabilities: NDArray[np.floating]) -> float:
    """Returns the mean negative logarithm of the probability of each row's class."""
    of_class = probabilities[np.arange(len(y)), y].astype(np.float64)
    return float(-np.log(np.clip(of_class, LEAST_PROBABILITY, None)).mean())


def fit_temperature(y: NDArray[np.integer], probabilities: NDArray[np.floating]) -> float:
    """Returns the temperature of the least log loss, between 0.05 and 20.

    Above 1 it makes the probabilities less extreme. So that few rows which are all predicted right
    do not make them certain, one row more counts, of which nothing is known: its class may be any.
    Source of this rule: Platt, Probabilistic Outputs for Support Vector Machines, 1999.

    Args:
        y: Classes of rows that the model was not fitted on.
        probabilities: Its predictions for them.
    """
    from scipy.optimize import minimize_scalar

    logits = logarithms(probabilities)
    unknown = 1 / (len(y) + 1)

    def loss(log_temperature: float) -> float:
        found = softmax(logits / np.exp(log_temperature))
        of_any = -np.log(np.clip(found, LEAST_PROBABILITY, None)).mean()
        return float((1 - unknown) * log_loss(y, found) + unknown * of_any)

    low, high = np.log(_RANGE)
    found = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-3})
    return float(np.exp(found.x)) if found.fun < loss(0.0) else 1.0


def fit_calibration(
    y: NDArray[np.integer], probabilities: NDArray[np.floating]
) -> tuple[float, float]:
    """Returns temperature and shift of the least log loss; see `with_temperature`.

    Args:
        y: Classes of rows that the model was not fitted on.
        probabilities: Its predictions for them.
    """
    from scipy.optimize import minimize

    if probabilities.shape[1] != 2:
        return fit_temperature(y, probabilities), 0.0
    unknown = 1 / (len(y) + 1)  # as in fit_temperature

    def loss(parameters: NDArray[np.float64]) -> float:
        temperature, shift = float(np.exp(parameters[0])), float(parameters[1])
        found = with_temperature(probabilities.astype(np.float64), temperature, shift)
        of_any = -np.log(np.clip(found, LEAST_PROBABILITY, None)).mean()
        return float((1 - unknown) * log_loss(y, found) + unknown * of_any)

    bounds = [tuple(np.log(_RANGE)), (-_MOST_SHIFT, _MOST_SHIFT)]
    found = minimize(loss, [0.0, 0.0], method="L-BFGS-B", bounds=bounds)
    if not found.fun < loss(np.zeros(2)):
        return 1.0, 0.0
    return float(np.exp(found.x[0])), float(found.x[1])


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
