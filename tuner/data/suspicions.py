"""Warns of what makes scores too good to be true: columns that give the target away, repeated rows.

A column is judged alone, on a sample of the development rows: a decision tree that sees nothing
else is scored by cross-validation. Test rows are looked at for copies only, and only counted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.mixed import is_frame, row_hashes
from tuner.data.split import Split, concatenated
from tuner.data.splits import Splits
from tuner.units import count
from tuner.wording import quoted

_SAMPLE = 2000  # rows
_LEAST = 50  # rows, below which chance does it
_SMOOTH = 0.25  # of the changes between neighbours that chance makes
_NEARLY_ALL = 0.995  # of the rows of each class
_NEARLY_EXACT = 0.999  # share of the variance of the ranks


def with_warnings(data: Splits) -> Splits:
    """Returns the same data, whose schema holds the warnings; data without a schema as they are."""
    if data.schema is None:
        return data
    found = (*_giving_away(data), *_repeated(data))
    return (
        replace(data, schema=data.schema.model_copy(update={"warnings": found})) if found else data
    )


def _repeated(data: Splits) -> list[str]:
    """Returns a warning if test rows are also among the others, target included."""
    known = _hashes(concatenated(data.train, data.validation))
    again = int(np.isin(_hashes(data.test), known).sum())
    if not again:
        return []
    percent = 100 * again / len(data.test)
    share = f"{percent:.2g}" if percent < 10 else f"{percent:.0f}"
    return [
        f"{again:,} of {count(len(data.test), 'test row')} ({share} %) "
        f"{'stands' if again == 1 else 'stand'} among the other rows, too, with the same target: "
        "the test score is better than that of new rows"
    ]


def _hashes(rows: Split) -> NDArray[np.uint64]:
    """Returns a hash of each row and its target."""
    import pandas as pd

    x = rows.x
    y = row_hashes(pd.DataFrame(rows.y.reshape(len(rows), -1)))
    frame = x if is_frame(x) else pd.DataFrame(x.reshape(len(x), -1))
    return row_hashes(frame) ^ (y * np.uint64(0x9E3779B97F4A7C15))


def _giving_away(data: Splits) -> list[str]:
    """Returns a warning for each column that alone predicts the target almost perfectly."""
    names = data.feature_names
    if data.kind not in ("table", "mixed") or len(names) < 2:
        return []
    rows = concatenated(data.train, data.validation)
    if len(rows) < _LEAST or rows.y.ndim > 1:
        return []
    sample = np.random.default_rng(0).permutation(len(rows))[:_SAMPLE]
    rows = rows.take(sample)
    is_class = data.task != "regression"
    y = rows.y.astype(np.int64) if is_class else _ranks(rows.y)
    found = []
    for position, name in enumerate(names):
        column = rows.x.iloc[:, position] if is_frame(rows.x) else rows.x[:, position]
        reached = _alone(column, y, is_class)
        if reached >= (_NEARLY_ALL if is_class else _NEARLY_EXACT):
            how = (
                f"{100 * reached:.3g} % of each class"
                if is_class
                else f"{100 * reached:.4g} % of the variance of its ranks"
            )
            found.append(
                f"column {quoted(name)} alone gives the target away ({how}); if it is not known "
                "when a prediction is made, drop it"
            )
    return found


def _ranks(y: NDArray[Any]) -> NDArray[np.float64]:
    return np.unique(y, return_inverse=True)[1].astype(np.float64)


def _alone(column: Any, y: NDArray[Any], is_class: bool) -> float:
    """Returns the score of a tree that sees one column: balanced accuracy, or R² of ranks.

    0 of texts, and of numbers by which the target is not sorted at all.
    """
    from sklearn.metrics import recall_score
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    codes = getattr(getattr(column, "cat", None), "codes", None)
    values = np.asarray(column)
    if values.dtype.kind == "M":
        values = np.where(np.isnat(values), np.nan, values.astype(np.int64))
    if codes is None and (values.dtype == np.object_ or not _sorts(values, y, is_class)):
        return 0.0
    is_first = np.arange(len(y)) % 2 == 0
    predicted = np.empty(len(y))
    for fit in (is_first, ~is_first):
        x = values if codes is None else _by_target(np.asarray(codes), y, fit, is_class)
        x = np.asarray(x, dtype=np.float32)[:, np.newaxis]
        if is_class:
            tree: Any = DecisionTreeClassifier(max_leaf_nodes=256, random_state=0)
        else:
            tree = DecisionTreeRegressor(max_leaf_nodes=256, random_state=0)
        predicted[~fit] = tree.fit(x[fit], y[fit]).predict(x[~fit])
    if is_class:
        return float(recall_score(y, predicted, average="macro", zero_division=0))
    return 1 - float(np.square(predicted - y).sum() / np.square(y - y.mean()).sum())


def _sorts(values: NDArray[Any], y: NDArray[Any], is_class: bool) -> bool:
    """Returns whether neighbours by the value of a column have more similar targets than others.

    A cheap look that spares most columns the tree.
    """
    ordered = y[np.argsort(values, kind="stable")]
    if is_class:
        changes = (ordered[1:] != ordered[:-1]).mean()
        by_chance = 1 - np.square(np.bincount(y) / len(y)).sum()
    else:
        changes, by_chance = np.square(np.diff(ordered)).mean(), 2 * y.var()
    return bool(changes <= _SMOOTH * by_chance)


def _by_target(
    codes: NDArray[Any], y: NDArray[Any], fit: NDArray[np.bool_], is_class: bool
) -> NDArray[np.float64]:
    """Returns levels as what the target is there in the rows that are fitted on; else NaN."""
    levels = codes.astype(np.intp) + 1  # a missing one is 0
    size = int(levels.max()) + 1
    rows = np.bincount(levels[fit], minlength=size)
    if is_class:
        classes = int(y.max()) + 1
        table = np.bincount(levels[fit] * classes + y[fit], minlength=size * classes)
        known = table.reshape(size, classes).argmax(axis=1).astype(np.float64)
    else:
        known = np.bincount(levels[fit], y[fit], minlength=size) / np.maximum(rows, 1)
    known[rows == 0] = np.nan
    of_rows: NDArray[np.float64] = known[levels]
    return of_rows
