"""The standard error of a trial's value, from the rows that it is measured on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner import scoring
from tuner.errors import MetricError

_GROUPS = 20


def standard_error(
    metric: str, task: str, y: NDArray[Any], predictions: NDArray[Any]
) -> float | None:
    """Estimates it by the jackknife: the metric without each of twenty random groups of rows.

    For a mean over rows, such as accuracy, it comes to about ``sqrt(p · (1 - p) / n)``. It says how
    much the value would differ on other rows, not with another seed.
    Source: Kott, "The Delete-a-Group Jackknife" (Journal of Official Statistics 17, 2001).

    Args:
        metric: A metric of :mod:`tuner.scoring`.
        task: The task.
        y: Targets of the rows, ``(n, …)``.
        predictions: For the same rows, ``(n, …)``.

    Returns:
        In the metric's unit; None if it is not defined for fewer rows.
    """
    n = len(y)
    groups = min(_GROUPS, n)
    if groups < 2:
        return None
    group = np.random.default_rng(0).permutation(n) % groups
    values = []
    for left_out in range(groups):
        kept = group != left_out
        try:
            values.append(scoring.score([metric], task, y[kept], predictions[kept])[metric])
        except MetricError:
            return None
    spread = float(np.sum((np.array(values) - np.mean(values)) ** 2))
    error = math.sqrt(spread * (groups - 1) / groups)
    return error if math.isfinite(error) and error > 0 else None
