from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner.data import Split, Task
from tuner.data.folds import Fold, folds_of
from tuner.errors import DataError

INTS = np.random.default_rng(0)


def rows_of(y: object, *, group: object = None, time: object = None) -> Split:
    y = np.asarray(y)
    return Split(
        np.zeros((len(y), 1), np.float32),
        y,
        group=None if group is None else np.asarray(group, np.int64),
        time=None if time is None else np.asarray(time, np.int64),
    )


def held_out(folds: list[Fold]) -> list[int]:
    return np.concatenate([held for _, held in folds]).tolist()


@given(
    sizes=st.lists(st.integers(5, 40), min_size=2, max_size=6),
    folds=st.integers(2, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_row_is_held_out_once_and_every_class_in_every_fold(
    sizes: list[int], folds: int, seed: int
) -> None:
    y = np.repeat(np.arange(len(sizes)), sizes)
    found = folds_of(rows_of(y), "multiclass", folds, 1, seed)
    assert sorted(held_out(found)) == list(range(len(y)))
    for train, held in found:
        assert sorted([*train, *held]) == list(range(len(y)))
        shares = np.bincount(y[held], minlength=len(sizes)) - np.array(sizes) / folds
        assert (np.abs(shares) < 1).all()


@given(n=st.integers(5, 300), folds=st.integers(2, 5), repeats=st.integers(1, 3))
def test_every_repeat_holds_out_every_row_once(n: int, folds: int, repeats: int) -> None:
    found = folds_of(rows_of(np.arange(n) / 7), "regression", folds, repeats, 0)
    assert len(found) == folds * repeats
    for repeat in range(repeats):
        part = found[repeat * folds : (repeat + 1) * folds]
        assert sorted(held_out(part)) == list(range(n))


def test_folds_of_a_quantity_have_the_same_spread() -> None:
    y = INTS.lognormal(size=500)
    means = [y[held].mean() for _, held in folds_of(rows_of(y), "regression", 5, 1, 1)]
    shuffled = [part.mean() for part in np.split(INTS.permutation(y), 5)]
    assert np.std(means) < np.std(shuffled)
    assert np.std(means) < 0.15


def test_several_quantities_are_divided_without_strata() -> None:
    found = folds_of(rows_of(INTS.normal(size=(30, 2))), "regression", 3, 1, 0)
    assert sorted(held_out(found)) == list(range(30))


def test_division_depends_on_the_seed_and_the_repeat_only() -> None:
    rows = rows_of(np.arange(40) % 2)

    def divided(seed: int) -> list[list[int]]:
        return [held.tolist() for _, held in folds_of(rows, "binary", 4, 2, seed)]

    assert divided(3) == divided(3)
    assert divided(3) != divided(4)
    assert divided(3)[:4] != divided(3)[4:]


@settings(max_examples=30)
@given(
    groups=st.lists(st.integers(0, 30), min_size=60, max_size=120),
    task=st.sampled_from(["regression", "binary"]),
)
def test_groups_are_held_out_as_a_whole(groups: list[int], task: Task) -> None:
    group = np.array(groups)
    group[:6] = range(6)
    y = INTS.permutation(np.arange(len(group)) % 2) if task == "binary" else np.arange(len(group))
    found = folds_of(rows_of(y, group=group), task, 3, 2, 0)
    assert sorted(held_out(found[:3])) == list(range(len(group)))
    for train, held in found:
        assert not set(group[train]) & set(group[held])


def test_thousands_of_groups_are_divided_into_equal_folds() -> None:
    group = np.arange(12_000) // 2
    found = folds_of(rows_of(np.arange(12_000) % 2, group=group), "binary", 5, 1, 0)
    assert [len(held) for _, held in found] == [2400] * 5
    for train, held in found:
        assert not np.isin(group[train], group[held]).any()


@given(
    times=st.lists(st.integers(0, 40), min_size=6, max_size=100),
    folds=st.integers(2, 4),
)
def test_folds_by_time_are_fitted_on_earlier_rows(times: list[int], folds: int) -> None:
    time = np.array(times)
    time[: folds + 1] = range(folds + 1)
    found = folds_of(rows_of(np.arange(len(time)), time=time), "regression", folds, 1, 0)
    assert len(found) == folds
    for train, held in found:
        assert len(train)
        assert len(held)
        assert time[train].max() < time[held].min()
    for (train, held), (later, _) in pairwise(found):
        assert set(later) == {*train, *held}


def test_folds_by_time_have_about_the_same_size() -> None:
    time = INTS.permutation(np.arange(600))
    found = folds_of(rows_of(time, time=time), "regression", 5, 1, 0)
    assert [len(held) for _, held in found] == [100] * 5


@pytest.mark.parametrize(
    ("rows", "task", "folds", "words"),
    [
        (
            rows_of([0] * 9 + [1] * 3),
            "binary",
            5,
            r'class "b" has 3 rows beside the test rows, fewer than the 5 folds; take 3 folds',
        ),
        (
            rows_of([0] * 9 + [1] + [2]),
            "multiclass",
            5,
            r'class "b" has 1 row beside the test rows \(and 1 more class\), fewer than the 5',
        ),
        (rows_of(np.arange(3)), "regression", 5, "3 rows cannot be divided into 5 folds"),
        (
            rows_of(np.arange(20), group=np.arange(20) % 3),
            "regression",
            5,
            "3 groups cannot be divided into 5 folds",
        ),
        (
            rows_of(np.arange(20), time=np.arange(20) % 3),
            "regression",
            5,
            "3 different times among 20 rows; at least 6 are needed",
        ),
        (
            rows_of(np.arange(20) // 15, time=np.arange(20)),
            "binary",
            3,
            'class "b" is not among the rows that fold 1 is fitted on',
        ),
        (
            rows_of(np.arange(40) // 30, group=np.maximum(np.arange(40), 30)),
            "binary",
            5,
            'class "a" is not among the rows that fold . is fitted on, as its rows are of few',
        ),
        (
            rows_of(np.arange(20), time=np.arange(20), group=np.arange(20)),
            "regression",
            3,
            "rows with both groups and times cannot be divided",
        ),
    ],
)
def test_rows_that_cannot_be_divided(rows: Split, task: Task, folds: int, words: str) -> None:
    with pytest.raises(DataError, match=words):
        folds_of(rows, task, folds, 1, 0, class_names=("a", "b", "c"))


def test_repeats_mean_nothing_for_times() -> None:
    rows = rows_of(np.arange(20), time=np.arange(20))
    with pytest.raises(DataError, match="2 repeats are wanted; take 1 repeat"):
        folds_of(rows, "regression", 3, 2, 0)
