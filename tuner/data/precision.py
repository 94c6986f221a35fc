"""Finds columns whose values float32, in which models compute, makes equal: times, long numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_FINEST = 2.0**24  # whole numbers up to here are exact in float32
_TINY = 1e-30  # below, float32 has fewer digits, then none
_SAMPLE = 10_000
_MOST_MERGED = 0.1  # share of distinct values
_MOST_BLUR = 1e-2  # rounding error beside the spread of the column


def blurred(values: NDArray[Any], distinct: int | None = None) -> str | None:
    """Returns what float32 makes of a column if that is much less than the column holds.

    Two rules: whole numbers of which more than a tenth fall together; and values whose usual
    rounding error is more than a hundredth of their usual spread. Rounding that is small beside
    the spread, as it is in any table of measurements, is no fault.

    Args:
        values: ``(n,)`` finite numbers as they were read, integers or float64.
        distinct: How many different values there are, if ``values`` no longer hold all of them.

    Returns:
        Such as ``400 different values become 4``; None if nothing is lost that matters.
    """
    if values.dtype.kind not in "fiu" or values.dtype.itemsize < 4 or not len(values):
        return None
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
    if not np.isfinite(narrow).all():
        return None  # beyond float32, which is refused elsewhere
    exact = narrow.astype(np.float64) == values
    if distinct is None and exact.all():
        return None
    if float(np.abs(narrow).max()) <= _FINEST and (values == np.floor(values)).all():
        return None
    there = distinct or len(np.unique(values))
    if (values == np.floor(values)).all():
        left = len(np.unique(narrow))
        if left < (1 - _MOST_MERGED) * there:
            return f"{there:,} different values become {left:,}"
    sample = values[:: max(1, len(values) // _SAMPLE)].astype(np.float64)
    blur = float(np.median(np.abs(sample.astype(np.float32) - sample)))
    low, high = np.percentile(sample, (25, 75))
    spread = float(high - low) or float(sample.std())
    if spread and blur > _MOST_BLUR * spread:
        return f"values that spread over {spread:.2g} are rounded by {blur:.2g}"
    return None


def remedy(values: NDArray[Any]) -> str:
    """Returns what to do with a column so that float32 suffices."""
    if np.abs(values).max() < _TINY:
        return "give it in another unit"
    value = np.partition(values, len(values) // 2)[len(values) // 2]
    whole = value == np.floor(value)
    return f"subtract {int(value) if whole else format(value, '.15g')} from it"
