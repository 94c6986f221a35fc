"""Divides rows into splits: seeded, the same for every study and every user.

Rows are drawn by class, or in whole groups, or by time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.errors import DataError
from tuner.units import count

Rows = NDArray[np.intp]

# One seed for all: the test split must be the same whatever a study's own seed.
SPLIT_SEED = 0
TEST_SHARE = 0.2
_VALIDATION_SHARE = 0.25  # of the rows that are not for the test
LEAST_OF_A_CLASS = 5  # one row for the test split, one for validation, three to learn from
LEAST_GROUPS = 5  # as for a class
_MOST_BALANCED = 5000  # groups; with more, chance balances them as well, and far faster


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


def divide(
    n: int, labels: NDArray[Any] | None = None, test_share: float = TEST_SHARE
) -> tuple[Rows, Rows, Rows]:
    """Divides ``n`` rows 60/20/20, as the notes do: a fifth to test, a quarter of the rest after.

    Args:
        n: Number of rows.
        labels: ``(n,)`` class of each row; None for a regression.
        test_share: Share of the test split; more, up to a fifth, if a class had no row in it.

    Returns:
        Row numbers of train, validation and test; together every row once.
    """
    if labels is not None:
        test_share = max(test_share, min(TEST_SHARE, 1 / _rarest(labels)))
    rest, test = hold_out(np.arange(n), test_share, labels)
    validation_share = _VALIDATION_SHARE
    if labels is not None and test_share > TEST_SHARE:  # a class may have too few rows left
        validation_share = max(validation_share, 1 / _rarest(labels[rest]))
    train, validation = hold_out(rest, validation_share, labels)
    return train, validation, test


def _rarest(labels: NDArray[Any]) -> int:
    """Returns how many rows the class with the fewest has."""
    return int(np.unique(labels, return_counts=True)[1].min())


def divide_by_group(
    group: NDArray[np.int64], strata: NDArray[np.intp], test_share: float = TEST_SHARE
) -> tuple[Rows, Rows, Rows]:
    """Divides rows about 60/20/20, so that all rows of a group are in one part.

    Args:
        group: ``(n,)`` number of each row's group.
        strata: ``(n,)`` class of each row, or bin of its quantity, whose shares are to be alike.
        test_share: Share of the test split, rounded to one group in so many.

    Returns:
        As :func:`divide`, in ascending order.

    Raises:
        DataError: There are fewer than `LEAST_GROUPS` groups.
    """
    groups = len(np.unique(group))
    if groups < LEAST_GROUPS:
        raise DataError(
            f"{count(groups, 'group')}; at least {LEAST_GROUPS} are needed for train, validation "
            "and test, as all rows of a group are in one of them"
        )
    folds = min(max(2, round(1 / test_share)), groups)
    rest, test = group_folds(group, strata, folds, SPLIT_SEED)[0]
    train, validation = group_folds(group[rest], strata[rest], 4, SPLIT_SEED)[0]
    return rest[train], rest[validation], test


def divide_by_time(
    time: NDArray[np.int64], test_share: float = TEST_SHARE
) -> tuple[Rows, Rows, Rows]:
    """Divides rows about 60/20/20, each part later than the one before.

    Args:
        time: ``(n,)`` when each row was.
        test_share: Share of the test split.

    Returns:
        As :func:`divide`, in ascending order.

    Raises:
        DataError: There are fewer than three different times.
    """
    rest = 1 - test_share
    part = latest(time, [rest * (1 - _VALIDATION_SHARE), rest])
    train, validation, test = (np.flatnonzero(part == number) for number in range(3))
    return train, validation, test


def latest(time: NDArray[np.int64], shares: Sequence[float]) -> NDArray[np.intp]:
    """Returns the part of each row, 0 for the earliest; rows of one time are in one part.

    Args:
        time: ``(n,)`` when each row was.
        shares: The share of rows that is earlier than the parts 1, 2 …, in ascending order; met
            as nearly as the rows of one time allow.

    Raises:
        DataError: There are fewer different times than parts.
    """
    times, earlier = np.unique(np.sort(time), return_index=True)
    if len(times) <= len(shares):
        raise DataError(
            f"{count(len(times), 'different time')} among {count(len(time), 'row')}; at least "
            f"{len(shares) + 1} are needed for as many parts, as rows of one time are in one part"
        )
    cuts: list[int] = []
    for left, share in zip(range(len(shares), 0, -1), shares, strict=True):
        nearest = int(np.abs(earlier - share * len(time)).argmin())
        first = cuts[-1] + 1 if cuts else 1
        cuts.append(min(max(nearest, first), len(times) - left))
    return np.searchsorted(times[cuts], time, side="right")


def group_folds(
    group: NDArray[np.int64], strata: NDArray[np.intp], folds: int, seed: int
) -> list[tuple[Rows, Rows]]:
    """Divides rows into folds of whole groups, alike in rows and shares of the strata.

    Args:
        group: ``(n,)`` number of each row's group.
        strata: ``(n,)`` class of each row, or bin of its quantity.
        folds: How many.
        seed: Which groups come together depends on it.

    Returns:
        For each fold the rows that are left and the rows that are taken, in ascending order.

    Raises:
        DataError: There are fewer groups than folds.
    """
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    groups = len(np.unique(group))
    if groups < folds:
        raise DataError(
            f"{count(groups, 'group')} cannot be divided into {folds} folds, as all rows of a "
            "group are in one; take fewer folds"
        )
    if groups > _MOST_BALANCED:
        return list(GroupKFold(folds, shuffle=True, random_state=seed).split(group, groups=group))
    sizes = np.bincount(strata)
    strata = np.where(sizes[strata] < folds, sizes.argmax(), strata)  # too rare to be balanced
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    return list(splitter.split(group, strata, group))
