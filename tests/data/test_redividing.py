"""Rows that are divided into training and validation anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tuner import data
from tuner.data import Splits
from tuner.data.development import Development
from tuner.data.redividing import redivided, why_not_redivided


def rows_of(development: Development) -> set[bytes]:
    return {row.tobytes() for row in development.rows.x}


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_rows_are_the_same_and_divided_otherwise(
    task: str, make_splits: Callable[..., Splits]
) -> None:
    before = make_splits(task, rows=60).development
    after = redivided(before, 7)
    assert rows_of(after) == rows_of(before)
    assert len(after.validation) == len(before.validation)
    assert not np.array_equal(after.validation.x, before.validation.x)
    again, other = redivided(before, 7), redivided(before, 8)
    assert np.array_equal(after.validation.x, again.validation.x)
    assert not np.array_equal(after.validation.x, other.validation.x)


def test_classes_keep_their_shares() -> None:
    pima = data.load("pima", Path()).development
    share = pima.rows.y.mean()
    for seed in range(5):
        divided = redivided(pima, seed)
        assert divided.validation.y.mean() == pytest.approx(share, abs=0.005)


def test_rare_class_does_not_stop_the_division(make_splits: Callable[..., Splits]) -> None:
    before = make_splits("multiclass", rows=40).development
    y = before.train.y.copy()
    y[:] = np.where(y == 2, 1, y)
    y[0] = 2
    rare = replace(before, train=replace(before.train, y=y))
    rare = replace(rare, validation=replace(rare.validation, y=np.minimum(rare.validation.y, 1)))
    assert len(redivided(rare, 0).validation) == len(rare.validation)


def test_rows_of_a_group_stay_together(make_splits: Callable[..., Splits]) -> None:
    before = make_splits("binary", rows=60).development
    group = np.arange(len(before.rows), dtype=np.int64) // 4
    train, validation = group[: len(before.train)], group[len(before.train) :]
    grouped = replace(
        before,
        train=replace(before.train, group=train),
        validation=replace(before.validation, group=validation),
    )
    divided = redivided(grouped, 3)
    assert not np.intersect1d(divided.train.group, divided.validation.group).size
    assert why_not_redivided(grouped) is None


def test_truth_tables_and_rows_in_time_are_not_divided(
    make_splits: Callable[..., Splits],
) -> None:
    assert "truth table" in str(why_not_redivided(data.load("xor", Path()).development))
    timed = make_splits("binary").development
    timed = replace(timed, train=replace(timed.train, time=np.arange(len(timed.train))))
    assert "ordered in time" in str(why_not_redivided(timed))
