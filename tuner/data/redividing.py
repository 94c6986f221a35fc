"""Divides the rows of a search into training and validation anew; the test rows stay sealed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tuner.data.development import Development
from tuner.data.dividing import Rows, group_folds
from tuner.data.folds import strata_of

_BINS = 5
"""Least number of rows in a bin of a quantity, by which rows are stratified."""


def redivided(data: Development, seed: int) -> Development:
    """Returns the same rows with as many of them held out as before, drawn by a seed.

    Rows are stratified by class, or by bins of the quantity; rows of one group stay together.

    Args:
        data: Whose training and validation rows are no copies of each other, and have no times.
        seed: 0 … 2³² − 1.
    """
    rows = data.rows
    held_out = len(data.validation)
    strata = strata_of(rows.y, data.task, _BINS)
    if rows.group is not None:
        folds = max(2, round(len(rows) / held_out))
        folds = min(folds, len(np.unique(rows.group)))
        train, validation = group_folds(rows.group, strata, folds, seed)[0]
    else:
        train, validation = _stratified(strata, held_out, seed)
    return data.fold(train, validation)


def _stratified(strata: NDArray[np.intp], held_out: int, seed: int) -> tuple[Rows, Rows]:
    from sklearn.model_selection import train_test_split

    sizes = np.bincount(strata)
    share = held_out / len(strata)
    # A stratum must have a row on both sides; those that are too small are drawn with the largest.
    small = sizes[strata] * min(share, 1 - share) < 1
    merged = np.where(small, sizes.argmax(), strata)
    train, validation = train_test_split(
        np.arange(len(strata)), test_size=held_out, random_state=seed, stratify=merged
    )
    return np.sort(train), np.sort(validation)


def why_not_redivided(data: Development) -> str | None:
    """Returns why the rows must not be divided anew, to follow "because"; None if they may be."""
    if data.train.time is not None:
        return "its rows are ordered in time, and what is held out must be later"
    if len(data.rows) == len(data.train):
        return "all its rows are both training and validation rows, as of a truth table"
    return None
