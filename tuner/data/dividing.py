"""Divides rows into splits: seeded, stratified, the same for every study and every user."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]

# One seed for all: the test split must be the same whatever a study's own seed.
SPLIT_SEED = 0
LEAST_OF_A_CLASS = 5  # one row for the test split, one for validation, three to learn from


def hold_out(rows: Rows, share: float, labels: NDArray[Any] | None = None) -> tuple[Rows, Rows]:
    """Takes a share of the rows away, rounded up; every class gives its share.

    Args:
        rows: ``(n,)`` row numbers.
        share: Between 0 and 1.
        labels: Class of each row of the whole table, not only of ``rows``; None for a
            regression. Classes have `LEAST_OF_A_CLASS` rows or more.

    Returns:
        The rows that are left and the rows that were taken, both in random order.
    """
    from sklearn.model_selection import train_test_split

    left, taken = train_test_split(
        rows,
        test_size=share,
        random_state=SPLIT_SEED,
        stratify=None if labels is None else labels[rows],
    )
    return left, taken


def divide(n: int, labels: NDArray[Any] | None = None) -> tuple[Rows, Rows, Rows]:
    """Divides ``n`` rows 60/20/20, as the notes do: a fifth to test, a quarter of the rest after.

    Args:
        n: Number of rows.
        labels: ``(n,)`` class of each row; None for a regression.

    Returns:
        Row numbers of train, validation and test; together every row once.
    """
    rest, test = hold_out(np.arange(n), 0.2, labels)
    train, validation = hold_out(rest, 0.25, labels)
    return train, validation, test
