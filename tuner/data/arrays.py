"""Makes `Splits` of arrays, which are divided here or have come in parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.data.dividing import (
    TEST_SHARE,
    Rows,
    divide,
    divide_by_group,
    divide_by_time,
    hold_out,
)
from tuner.data.folds import strata_of
from tuner.data.mixed import is_frame
from tuner.data.precision import blurred, remedy
from tuner.data.schema import Schema, Task
from tuner.data.split import checked_weights
from tuner.data.splits import PARTS, Split, Splits
from tuner.data.targets import check_class_sizes, read_target
from tuner.errors import DataError
from tuner.units import count
from tuner.wording import quoted

Pair = tuple[NDArray[Any], NDArray[Any]]  # x and y, as many rows each
LEAST_ROWS = 10


@dataclass(frozen=True)
class About:
    """What `Splits` says about the data beside its arrays; the fields are those of `Splits`."""

    name: str
    feature_names: tuple[str, ...] = ()
    source: str = ""
    licence: str = ""
    note: str = ""
    schema: Schema | None = None

    def fields(self) -> dict[str, Any]:
        """Returns it as arguments of `Splits`."""
        return dict(vars(self))


def divided(
    x: NDArray[Any],
    y: NDArray[Any],
    *,
    where: str,
    about: About,
    sample_weight: NDArray[Any] | None = None,
) -> Splits:
    """Divides rows 60/20/20 with the fixed seed, stratified by class.

    Args:
        x: ``(n, …)`` numbers.
        y: ``(n,)`` or ``(n, k)``; decides the task (see `tuner.data.targets`).
        where: What the arrays are, for error texts.
        about: Name and origin of the data.
        sample_weight: ``(n,)``, or None.

    Raises:
        DataError: There are too few rows, in all or of a class, or the arrays are not usable.
    """
    _check_rows(x, y, where)
    check_row_count(len(x), where)
    target = read_target(y, f"{where}, y")
    check_class_sizes(target, f"{where}, y")
    if sample_weight is not None:
        sample_weight = checked_weights(sample_weight, len(x), where)
    rows = Split(x, target.y, sample_weight)
    return split_rows(rows, target.task, about, target.class_names)


def split_up(
    x: NDArray[Any],
    y: NDArray[Any],
    task: Task,
    about: About,
    class_names: Sequence[str] = (),
) -> Splits:
    """Divides arrays that are known to be good; see :func:`split_rows`.

    Args:
        x: ``(n, …)``.
        y: ``(n, …)``, as `tuner.data.splits` has it for the task.
        task: What is to be learnt.
        about: Name and origin of the data.
        class_names: A name per class.
    """
    return split_rows(Split(x, y), task, about, class_names)


def split_rows(
    rows: Split,
    task: Task,
    about: About,
    class_names: Sequence[str] = (),
    test_share: float = TEST_SHARE,
) -> Splits:
    """Divides rows 60/20/20: the latest to test, or whole groups, or stratified by class.

    Args:
        rows: All rows, known to be good.
        task: What is to be learnt.
        about: Name and origin of the data.
        class_names: A name per class.
        test_share: Share of the test split; a quarter of the other rows validates.

    Raises:
        DataError: Groups or times are too few, or leave a class without training rows.
    """
    parts = _positions(rows, task, test_share)
    if task != "regression" and (rows.time is not None or rows.group is not None):
        absent = np.setdiff1d(rows.y, rows.y[parts[0]])
        if len(absent):
            by = "times" if rows.group is None else "groups"
            name = class_names[int(absent[0])] if class_names else str(int(absent[0]))
            raise DataError(
                f"class {quoted(name)} is not among the training rows if rows are divided by their "
                f"{by}; leave its rows out, or divide otherwise"
            )
    train, validation, test = (rows.take(part) for part in parts)
    return Splits(train, validation, test, task, class_names=tuple(class_names), **about.fields())


def _positions(rows: Split, task: Task, test_share: float) -> tuple[Rows, Rows, Rows]:
    if rows.time is not None:
        return divide_by_time(rows.time, test_share)
    if rows.group is not None:
        return divide_by_group(rows.group, strata_of(rows.y, task, 5), test_share)
    return divide(len(rows), None if task == "regression" else rows.y, test_share)


def with_validation(
    train: Pair, test: Pair, task: Task, about: About, class_names: Sequence[str] = ()
) -> Splits:
    """Makes `Splits` of two published parts: a fifth of the training rows becomes validation."""
    x, y = train
    left, taken = hold_out(np.arange(len(x)), 0.2, None if task == "regression" else y)
    first, second = Split(x[left], y[left]), Split(x[taken], y[taken])
    names = tuple(class_names)
    return Splits(first, second, Split(*test), task, class_names=names, **about.fields())


def joined(parts: Sequence[Split], *, where: str, about: About) -> Splits:
    """Makes `Splits` of three parts that were divided elsewhere; classes are numbered in common.

    Args:
        parts: Train, validation and test.
        where: What the parts are, for error texts.
        about: Name and origin of the data.

    Raises:
        DataError: The parts do not fit each other, or a class is missing from the training part.
    """
    for name, part in zip(PARTS, parts, strict=True):
        _check_rows(part.x, part.y, f"{where}, {name}")
    kinds = {name: part.y.shape[1:] for name, part in zip(PARTS, parts, strict=True)}
    if len(set(kinds.values())) > 1:
        found = ", ".join(f"{name} {shape}" for name, shape in kinds.items())
        raise DataError(f"{where}: rows of y must have one shape in all splits: {found}")
    target = read_target(np.concatenate([part.y for part in parts]), f"{where}, y")
    ends = np.cumsum([len(part) for part in parts])[:-1]
    ys = np.split(target.y, ends)
    if target.task != "regression":
        unseen = sorted(set(range(len(target.class_names))) - set(np.unique(ys[0]).astype(int)))
        if unseen:
            raise DataError(
                f"{where}: class {quoted(target.class_names[unseen[0]])} is not in the training "
                "part; every class must be in there"
            )
    train, validation, test = (replace(part, y=y) for part, y in zip(parts, ys, strict=True))
    return Splits(
        train, validation, test, target.task, class_names=target.class_names, **about.fields()
    )


def check_row_count(rows: int, where: str) -> None:
    """Refuses a table that is too short to be divided into three parts."""
    if fault := row_count_fault(rows):
        raise DataError(f"{where}: {fault}")


def row_count_fault(rows: int) -> str | None:
    """Returns the text for a table that is too short to be divided into three parts."""
    if rows >= LEAST_ROWS:
        return None
    return f"{count(rows, 'row')}; at least {LEAST_ROWS} are needed for train, validation and test"


def _check_rows(x: NDArray[Any], y: NDArray[Any], where: str) -> None:
    """Checks that x and y are arrays with as many rows."""
    if x.ndim == 0 or y.ndim == 0:
        raise DataError(f"{where}: x and y must be arrays with a row per example")
    if len(x) != len(y):
        raise DataError(f"{where}: x has {len(x)} rows and y has {len(y)}; they must agree")
    if not is_frame(x):
        _check_precision(x, where)


def _check_precision(x: NDArray[Any], where: str) -> None:
    """Refuses a table, ``(n,)`` or ``(n, features)``, that loses its values in float32."""
    if x.dtype.kind not in "fiu" or x.ndim > 2 or not x.size or not np.isfinite(x).all():
        return
    for number, column in enumerate(x.reshape(len(x), -1).T, start=1):
        if lost := blurred(column):
            raise DataError(
                f"{where}: column {number} of x: {lost} in float32, in which models compute; "
                f"{remedy(column)}, or leave it out"
            )
