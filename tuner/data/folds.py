"""Divides the rows that are not for the test into folds, each of which is held out once.

Three ways, by what the rows have:

- neither groups nor times: shuffled and stratified, by class or by quantile of the quantity;
- groups: whole groups are held out, with about the same number of rows and about the same shares of
  classes or quantiles in each fold;
- times: an expanding window. The earliest rows are never held out; each fold holds out the next
  ones in time and fits on all that are earlier. Rows of one time stay together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.dividing import Rows, group_folds, latest
from tuner.data.schema import Task
from tuner.data.split import Split
from tuner.errors import DataError
from tuner.units import count
from tuner.wording import quoted

Fold = tuple[Rows, Rows]
_MOST_BINS = 10  # into which quantities are divided by their ranks


def folds_of(
    rows: Split,
    task: Task,
    folds: int,
    repeats: int,
    seed: int,
    class_names: Sequence[str] = (),
) -> list[Fold]:
    """Divides rows.

    Args:
        rows: All rows but those of the test, ``(n, …)``; `Development.rows`.
        task: What is to be learnt.
        folds: Number of folds, at least 2.
        repeats: How often the rows are divided; above 1 not with times.
        seed: 0 … 2³² − 1; the division depends on it and the rows alone.
        class_names: A name per class, for error texts.

    Returns:
        ``folds * repeats`` pairs: positions to fit on and positions that are held out, each in
        ascending order. In every repeat each row is held out once; with times, only later ones.

    Raises:
        DataError: There are fewer rows of a class, groups or times than folds, or a class is not
            among the rows of some fold to fit on.
    """
    if rows.time is not None:
        found = _windows(rows, folds, repeats)
    else:
        if task != "regression":
            _check_sizes(rows.y, folds, class_names)
        strata = strata_of(rows.y, task, folds)
        found = []
        for repeat in range(repeats):
            own = int(np.random.default_rng([seed, repeat]).integers(2**32))
            if rows.group is None:
                found += _stratified(strata, folds, own)
            else:
                found += group_folds(rows.group, strata, folds, own)
    if task != "regression":
        _check_classes(rows.y, found, class_names)
    return found


def strata_of(y: NDArray[Any], task: Task, folds: int) -> NDArray[np.intp]:
    """Returns what rows are stratified by: their class, or the bin of their quantity's rank.

    Args:
        y: ``(n,)`` or ``(n, k)``; of several quantities all are of one stratum.
        task: What is to be learnt.
        folds: Number of folds; each bin has as many rows or more.

    Returns:
        ``(n,)`` whole numbers from 0 on.
    """
    if task != "regression":
        return y.astype(np.intp)
    bins = max(1, min(_MOST_BINS, len(y) // folds)) if y.ndim == 1 else 1
    rank = np.empty(len(y), dtype=np.intp)
    rank[np.argsort(y if y.ndim == 1 else y[:, 0], kind="stable")] = np.arange(len(y))
    return rank * bins // len(y)


def _stratified(strata: NDArray[np.intp], folds: int, seed: int) -> list[Fold]:
    from sklearn.model_selection import StratifiedKFold

    if len(strata) < folds:
        raise DataError(
            f"{count(len(strata), 'row')} cannot be divided into {folds} folds; take fewer folds, "
            "or add rows"
        )
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    return list(splitter.split(np.zeros(len(strata)), strata))


def _windows(rows: Split, folds: int, repeats: int) -> list[Fold]:
    """Returns an expanding window for each fold."""
    if repeats > 1:
        raise DataError(
            f"rows with times are divided in one way only, but {repeats} repeats are wanted; take "
            "1 repeat"
        )
    if rows.group is not None:
        raise DataError(
            "rows with both groups and times cannot be divided into folds; give one of the two"
        )
    assert rows.time is not None
    part = latest(rows.time, [fold / (folds + 1) for fold in range(1, folds + 1)])
    return [
        (np.flatnonzero(part < fold), np.flatnonzero(part == fold)) for fold in range(1, folds + 1)
    ]


def _check_sizes(y: NDArray[Any], folds: int, class_names: Sequence[str]) -> None:
    """Refuses classes that have fewer rows than there are folds."""
    sizes = np.bincount(y.astype(np.intp))
    small = np.flatnonzero((sizes > 0) & (sizes < folds))
    if len(small):
        name, rows = _name(int(small[0]), class_names), int(sizes[small[0]])
        more = f" (and {count(len(small) - 1, 'more class', 'more classes')})"
        raise DataError(
            f"class {name} has {count(rows, 'row')} beside the test rows"
            f"{more if len(small) > 1 else ''}, fewer than the {folds} folds; take {max(rows, 2)} "
            "folds or fewer, add rows, or merge classes"
        )


def _check_classes(y: NDArray[Any], folds: Sequence[Fold], class_names: Sequence[str]) -> None:
    """Refuses folds that are fitted on rows of some classes only."""
    classes = np.unique(y)
    for number, (train, _) in enumerate(folds, start=1):
        absent = np.setdiff1d(classes, y[train])
        if len(absent):
            raise DataError(
                f"class {_name(int(absent[0]), class_names)} is not among the rows that fold "
                f"{number} is fitted on, as its rows are of few groups or late; take fewer folds, "
                "or leave the class out"
            )


def _name(label: int, class_names: Sequence[str]) -> str:
    return quoted(class_names[label]) if label < len(class_names) else str(label)
