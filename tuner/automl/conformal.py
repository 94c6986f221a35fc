"""Split-conformal intervals: how far from a predicted quantity the true one lies.

The absolute residuals of rows that a model was not fitted on are sorted; an interval of that
half-width around a new prediction contains the true value with the wanted probability, if rows to
come are like these.

Source: Lei et al., Distribution-Free Predictive Inference for Regression, 2018.

Shapes: ``y`` and predictions ``(n,)``.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

LEVELS = (0.8, 0.9, 0.95)
"""Probabilities for which a bundle stores a half-width."""


def half_width(
    y: NDArray[np.floating], predictions: NDArray[np.floating], level: float
) -> float | None:
    """Returns the half-width of the interval around a prediction.

    Args:
        y: Targets of rows that the model was not fitted on.
        predictions: Its predictions for them.
        level: Wanted probability that the interval contains the true value.

    Returns:
        In the target's unit; None if there are too few rows for the level.
    """
    residuals = np.sort(np.abs(y.astype(np.float64) - predictions.astype(np.float64)))
    position = math.ceil((len(residuals) + 1) * level)
    return float(residuals[position - 1]) if position <= len(residuals) else None


def coverage(
    y: NDArray[np.floating], predictions: NDArray[np.floating], half_width: float
) -> float:
    """Returns the share of rows whose true value lies in the interval around the prediction."""
    return float(
        (np.abs(y.astype(np.float64) - predictions.astype(np.float64)) <= half_width).mean()
    )
